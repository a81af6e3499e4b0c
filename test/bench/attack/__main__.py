#!/usr/bin/env python3
"""Attacks a real fleet with everything at once, at random, while honest callers go on, and prints what came of it.

A dispatcher, a database server and front-ends with the settings that are shipped. Honest callers read, write and follow
at an even pace, in a process of their own, and check what they were promised. Phases of quiet and of attack take turns, so
that a machine whose speed drifts does the same to both. Attackers run at the lowest priority: what is measured is what
their requests do to the servers, not what their own work does to a machine of two cores. Only loopback is attacked.

    STADION_PROGRAM=build/release/stadion python3 test/bench/attack --minutes 60

Exits 1 when a process was lost, an honest caller lost something, or something was taken that must be refused; a figure
that is missed is marked, no more.
"""
import argparse
import bisect
import itertools
import multiprocessing
import os
import pathlib
import random
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "integration"))
os.environ.setdefault("STADION_PROGRAM", str(HERE.parents[2] / "build/release/stadion"))
os.environ["STADION_TEST_SHIPPED_SETTINGS"] = "1"

import attack_http  # noqa: E402
import attack_wire  # noqa: E402
import fleet as fleets  # noqa: E402
import wire  # noqa: E402
from fleet import get, until  # noqa: E402
from honest import Crowd  # noqa: E402
from watch import Watch  # noqa: E402

ATTACKS = attack_wire.ATTACKS + attack_http.ATTACKS
SETTLE_S = 5  # after a phase begins: what the one before left behind is not counted to it


class Target:
    """Where the servers are."""

    def __init__(self, fleet: fleets.Fleet):
        self.dispatcher, self.database, self.frontends = fleet.address, fleet.database, fleet.frontends

    def frontend(self, rng: random.Random) -> str:
        return rng.choice(self.frontends)

    def any(self, rng: random.Random) -> str:
        return rng.choice([self.dispatcher, self.database, *self.frontends])


def attacker(target: Target, seed: int, names: list[str], attacking, stopped, results) -> None:
    """One process: attack after attack while the phase lasts."""
    os.nice(19)
    rng = random.Random(seed)
    chosen = [one for one in ATTACKS if not names or one.__name__ in names]
    done: dict[str, list[tuple[float, float]]] = {}
    complaints: dict[str, int] = {}
    while not stopped.is_set():
        if not attacking.wait(0.2):
            continue
        one = rng.choice(chosen)
        begun = time.monotonic()
        try:
            found = one(target, rng)
        except OSError:
            found = None  # refused connections and cut ones are an answer
        done.setdefault(one.__name__, []).append((begun, time.monotonic()))
        if found:
            complaints[found] = complaints.get(found, 0) + 1
    results.put((done, complaints))


def fill_board(target: Target, games: int, teams: int) -> None:
    client = wire.Client(target.frontends[0])
    for number in range(games):
        points = {f"team {number} {place:03} " + "x" * 60: place + 1 for place in range(100)}
        client.call(wire.UPDATE_SCORE, wire.update_score(f"game {number}", points, f"Game {number}"))
    for number in range(teams):
        client.call(wire.INCREMENT_TALLY, wire.field(1, f"team {number}") + wire.field(2, "gold") + wire.field(3, 1))
    client.close()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))] if values else 0.0


def kinds_of(seen: dict):
    """Of which kind the caller was, request by request."""
    return itertools.chain.from_iterable(itertools.repeat(name, count) for name, count in seen["asked_by"])


def while_it_ran(asked: list[tuple[float, float, str]], times: list[tuple[float, float]]) -> list[float]:
    """How long honest callers waited for what they asked for during an attack, whatever else went on then."""
    return [took for begun, ended in times
            for _, took, _ in asked[bisect.bisect(asked, (begun,)):bisect.bisect(asked, (ended,))]]


def in_phases(seen: dict, phases: list[tuple[float, float]], kind: str = "") -> list[float]:
    """What honest callers waited, in milliseconds; all of them, or those of one kind."""
    return [took for at, took, name in zip(seen["asked_at"], seen["took_ms"], kinds_of(seen))
            if kind in ("", name) and any(begun + SETTLE_S <= at < ended for begun, ended in phases)]


def run_phases(minutes: float, quiet_s: float, attack_s: float, attacking, watch: Watch) -> tuple[list, list]:
    quiet, attacked, end = [], [], time.monotonic() + 60 * minutes
    while time.monotonic() < end:
        for phases, length, on in ((quiet, quiet_s, False), (attacked, attack_s, True)):
            (attacking.set if on else attacking.clear)()
            begun = time.monotonic()
            attack_wire.hold(length)
            phases.append((begun, time.monotonic()))
        watch.note()
    attacking.clear()
    return quiet, attacked


def agreement(fleet: fleets.Fleet, processes: int) -> list[str]:
    """Whether all servers follow the leader that the dispatcher names, within a lease of the last attack."""
    def agreed():
        told = get(fleet.address, "/status")
        said = [get(server["address"], "/status") for server in fleet.servers()]
        return told and told["leader"] and len(said) == processes - 1 and all(
            one and one["leader"] and one["leader"]["server_id"] == told["leader"]["server_id"] and
            one["epoch"] == told["epoch"] for one in said)
    try:
        until(agreed, "all servers follow the leader that the dispatcher names", 10)
    except AssertionError as why:
        return [str(why)]
    return []


def report_course(seen: dict, phases: tuple[list, list], watch: Watch) -> None:
    """Whether anything grows or slows down as time goes by."""
    print(f"\n{'in the course':<14} {'p99 quiet':>10} {'attacked':>9}   MiB of {', '.join(watch.processes.values())}")
    for quiet, attacked, kib in zip(*phases, watch.noted):
        waits = [percentile(in_phases(seen, [one]), .99) for one in (quiet, attacked)]
        print(f"{(attacked[1] - phases[0][0][0]) / 60:7.0f} min    {waits[0]:10.2f} {waits[1]:9.2f}   "
              f"{' '.join(f'{one // 1024:5}' for one in kib)}")


def report(seen: dict, phases: tuple[list, list], watch: Watch, done: dict, complaints: dict, limit_mib: int) -> int:
    print(f"{'attack':<24} {'times':>8}   p99 of honest callers meanwhile, ms: {'all':>7} {'scorers':>9}")
    asked = sorted(zip(seen["asked_at"], seen["took_ms"], kinds_of(seen)))
    asked_by_scorers = [one for one in asked if one[2] == "Scorer"]
    for name in sorted(done):
        everybody, scorers = (percentile(while_it_ran(some, done[name]), .99) for some in (asked, asked_by_scorers))
        print(f"{name:<24} {len(done[name]):8} {everybody:46.2f} {scorers:9.2f}")
    print(f"\n{'process':<24} {'begun with':>12} {'most':>10}  (at most {limit_mib} MiB each)")
    for pid, kind in watch.processes.items():
        missed = "" if watch.most[pid] <= limit_mib * 1024 else "   MISSED"
        lost = "   LOST" if pid in watch.lost else ""
        print(f"{kind:<24} {watch.first[pid] // 1024:8} MiB {watch.most[pid] // 1024:6} MiB{missed}{lost}")
    report_course(seen, phases, watch)
    print(f"log: at most {watch.log_most_per_minute / 1e6:.2f} MB a minute")
    print(f"\n{'honest callers':<24} {'requests':>9} {'p50 ms':>8} {'p99 ms':>8} {'most ms':>9}")
    for kind in ("", *sorted({name for name, _ in seen["asked_by"]})):
        for what, part in zip(("quiet", "attacked"), phases):
            values = in_phases(seen, part, kind)
            print(f"{(kind or 'all') + ', ' + what:<24} {len(values):9} {percentile(values, .5):8.2f} "
                  f"{percentile(values, .99):8.2f} {max(values, default=0):9.1f}")
    before, during = (in_phases(seen, part) for part in phases)
    ratio = percentile(during, .99) / max(percentile(before, .99), 1e-9)
    print(f"p99 attacked / quiet: {ratio:.2f} (at most 2){'' if ratio <= 2 else '   MISSED'}")
    print(f"{seen['written']} writes acknowledged, {seen['events']} events followed, {seen['resets']} resets, "
          f"{seen['moves']} connections opened anew")
    for failures in seen["failures"]:
        for why, count in failures.items():
            print(f"refused or cut {count} times: {why}")
    wrong = seen["wrong"] + [f"{text} ({count} times)" for text, count in complaints.items()]
    wrong += [f"process {pid} ({watch.processes[pid]}) was lost" for pid in watch.lost]
    for text in wrong:
        print("WRONG:", text)
    print(f"{len(watch.lost)} processes lost; nothing lost, doubled or wrongly taken: {'no' if wrong else 'yes'}")
    return 1 if wrong else 0


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--quiet-s", type=float, default=60)
    options.add_argument("--attack-s", type=float, default=180)
    options.add_argument("--attackers", type=int, default=4)
    options.add_argument("--honest", type=int, default=12)
    options.add_argument("--frontends", type=int, default=3)
    options.add_argument("--games", type=int, default=200)
    options.add_argument("--teams", type=int, default=2000)
    options.add_argument("--rss-mib", type=int, default=512, help="the bound of each process's resident memory")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", default="", help="names of attacks, with commas between them")
    wanted = options.parse_args()

    spawn = multiprocessing.get_context("fork")
    fleet = fleets.Fleet(servers=wanted.frontends)
    try:
        fleet.wait_complete()
        target = Target(fleet)
        fill_board(target, wanted.games, wanted.teams)
        kinds = {server["pid"]: f"{server['kind']} {server['server_id']}" for server in fleet.servers()}
        kinds |= {fleet.dispatcher.pid: "dispatcher"}
        attacking, stopped, results = spawn.Event(), spawn.Event(), spawn.Queue()
        ours, theirs = spawn.Pipe()
        crowd = spawn.Process(target=Crowd(target.frontends, target.dispatcher, wanted.honest).run, args=(theirs,))
        crowd.start()
        names = [name for name in wanted.only.split(",") if name]
        attackers = [spawn.Process(target=attacker,
                                   args=(target, wanted.seed * 1000 + number, names, attacking, stopped, results))
                     for number in range(wanted.attackers)]
        for one in attackers:
            one.start()
        watch = Watch(kinds, lambda: os.fstat(fleet.dispatcher.log.fileno()).st_size)
        watch.start()
        phases = run_phases(wanted.minutes, wanted.quiet_s, wanted.attack_s, attacking, watch)
        stopped.set()
        done: dict[str, list[tuple[float, float]]] = {}
        complaints: dict[str, int] = {}
        for _ in attackers:
            times, found = results.get(timeout=120)
            for name, some in times.items():
                done.setdefault(name, []).extend(some)
            for text, count in found.items():
                complaints[text] = complaints.get(text, 0) + count
        ours.send("stop")
        seen = ours.recv()
        watch.stop()
        seen["wrong"] += agreement(fleet, len(kinds))
        result = report(seen, phases, watch, done, complaints, wanted.rss_mib)
        if result:
            print(f"--- the fleet's last words\n{fleet.dispatcher.errors()[-4000:]}")
        return result
    finally:
        fleet.clean_up()


if __name__ == "__main__":
    sys.exit(main())
