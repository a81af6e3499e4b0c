#!/usr/bin/env python3
"""Kills and pauses the leader of a real fleet, under load, and prints how long the others go without one.

A dispatcher, a database server and front-ends, each a process; clients that keep asking, whose requests the raffle
counts in total order. Each round ends the leader by SIGKILL (started again at once) or stops it for some seconds by
SIGSTOP. How long until the last of the others follows a successor comes from the servers' own clocks, which on one
machine are one. In the end every request must have been counted once, in the same order, by everyone.

    STADION_PROGRAM=build/release/stadion test/bench/leader_kills.py --kills 100 --stops 10

Exits 1 when anything was lost, doubled, reordered or not refused; a figure that is missed is marked, no more.
"""
import argparse
import math
import os
import pathlib
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
os.environ.setdefault("STADION_PROGRAM", str(pathlib.Path(__file__).resolve().parents[2] / "build/release/stadion"))

import fleet as fleets  # noqa: E402
import wire  # noqa: E402
from fleet import Process, get, named_as_in_proto, until  # noqa: E402

NOWHERE = "192.0.2.1"  # for documentation (RFC 5737): the dispatcher does not start a database server there


class OwnFleet:
    """Servers that this program starts itself, so that it can start them again without delay."""

    def __init__(self, frontends: int):
        self.data = tempfile.TemporaryDirectory(prefix="stadion-kills-")
        self.dispatcher = Process("dispatcher", "--port", "0", "--servers", "0", "--db-host", NOWHERE,
                                  "--data", self.data.name)
        self.address = self.dispatcher.wait_ready("dispatcher")
        self.size = frontends + 1
        self.processes: dict[int, tuple[Process, tuple[str, ...]]] = {}
        self.start("dbserver", "--port", "0", "--data", self.data.name)
        for _ in range(frontends):
            self.start("frontend", "--port", "0")

    def start(self, *command: str) -> None:
        process = Process(*command, "--dispatcher", self.address)
        process.wait_ready(command[0])
        self.processes[process.pid] = process, command

    def servers(self) -> list[dict]:
        listed = named_as_in_proto(get(self.address, "/getAllServers") or {}).get("servers", [])
        return [one for one in listed if one["state"] == "UP"]

    def settled(self):
        """The servers' own words, by id, once all follow one leader in one ring and one order."""
        servers = {one["server_id"]: one for one in self.servers()}
        if len(servers) != self.size:
            return None
        said = {number: get(one["address"], "/status") for number, one in servers.items()}
        if not all(one and one["leader"] and one["order"]["members"] == self.size and
                   len(one["election"]["ring"]) == self.size for one in said.values()):
            return None
        if len({(one["leader"]["server_id"], one["epoch"], str(one["order"]["view"])) for one in said.values()}) > 1:
            return None
        return {number: said[number] | servers[number] for number in said}

    def kill(self, pid: int) -> tuple[str, ...]:
        process, command = self.processes.pop(pid)
        process.child.kill()
        process.clean_up()
        return command

    def clean_up(self) -> None:
        for process, _ in self.processes.values():
            process.clean_up()
        self.dispatcher.clean_up()
        self.data.cleanup()


class Asker(threading.Thread):
    """A registered client that asks without end, moves when its front-end is gone, and repeats what is not counted."""

    def __init__(self, name: str, fleet: OwnFleet, stopped: threading.Event):
        super().__init__(daemon=True)
        self.client_name, self.fleet, self.stopped, self.asked = name, fleet, stopped, 0
        self.moves = 0

    def run(self) -> None:
        client = None
        while not self.stopped.is_set() or client is None or not self.is_counted(client):
            try:
                if client is None:
                    client = self.enter()
                self.ask(client)
                self.stopped.wait(0.002)
            except (wire.Gone, OSError):
                client = None
        client.close()

    def enter(self) -> wire.Client:
        frontends = [one["address"] for one in self.fleet.servers() if one["kind"] == "frontend"]
        if not frontends:
            raise wire.Gone("no front-end is up")
        self.moves += 1
        client = wire.Client(frontends[self.moves % len(frontends)], timeout=3)
        client.next_id = 1 << 40  # the registration itself is not counted
        told = client.call(wire.REGISTER_CLIENT, wire.field(1, self.client_name))
        client.next_id = min(wire.first(told, 4, 1), self.asked + 1)
        return client

    def ask(self, client: wire.Client) -> None:
        if self.stopped.is_set() and client.next_id > self.asked:
            return
        self.asked = max(self.asked, client.next_id)
        try:
            client.call(wire.QUERY_SCORE, wire.field(1, "no such game"))
        except wire.Failed:
            pass  # answered, and that is what counts

    def is_counted(self, client: wire.Client) -> bool:
        return client.next_id > self.asked


def percentile(values: list[float], share: float) -> float:
    """By nearest rank: of four values the 99th percentile is the largest."""
    return sorted(values)[max(1, math.ceil(share * len(values) - 1e-9)) - 1] if values else 0.0


def refusals(servers: dict) -> int:
    """Answers FAILED_PRECONDITION so far, of these servers together."""
    total = 0
    for one in servers.values():
        for line in (get(one["address"], "/metrics") or "").splitlines():
            if line.startswith('stadion_answers_total{status="FAILED_PRECONDITION"}'):
                total += int(float(line.rsplit(" ", 1)[1]))
    return total


class Rounds:
    def __init__(self, fleet: OwnFleet):
        self.fleet, self.wrong = fleet, []

    def settled(self) -> dict:
        return until(self.fleet.settled, "all follow one leader", 60)

    def without_leader(self, before: dict, leader: int, began_us: int) -> tuple[float, dict]:
        """Waits for the successor; milliseconds until the last of the others followed it."""
        epoch = before[leader]["epoch"]
        others = {number: one for number, one in before.items() if number != leader}

        def followed():
            said = {number: get(one["address"], "/status") for number, one in others.items()}
            good = all(one and one["leader"] and one["leader"]["server_id"] != leader and one["epoch"] > epoch
                       for one in said.values())
            return said if good and len({one["epoch"] for one in said.values()}) == 1 else None

        threading.Event().wait(0.02)  # asking them takes the processors that they need for it
        said = until(followed, "the others have a successor", 20)
        return max(one["election"]["followed_at_us"] - began_us for one in said.values()) / 1000, said

    def kill(self) -> float:
        before = self.settled()
        leader = next(iter(before.values()))["leader"]["server_id"]
        began = time.monotonic_ns() // 1000
        command = self.fleet.kill(before[leader]["pid"])
        took, _ = self.without_leader(before, leader, began)
        self.fleet.start(*command)
        return took

    def stop(self, seconds: float) -> tuple[float, int]:
        before = self.settled()
        leader = next(iter(before.values()))["leader"]["server_id"]
        pid, others = before[leader]["pid"], {n: one for n, one in before.items() if n != leader}
        began = time.monotonic_ns() // 1000
        os.kill(pid, signal.SIGSTOP)
        try:
            took, said = self.without_leader(before, leader, began)
            threading.Event().wait(seconds - took / 1000)
            refused = refusals(others)
        finally:
            os.kill(pid, signal.SIGCONT)
        epoch = next(iter(said.values()))["epoch"]

        def fenced():
            own = get(before[leader]["address"], "/status")
            return own and own["epoch"] >= epoch and (own["leader"] or {}).get("server_id") != leader
        until(fenced, "the leader that woke up leads no more")
        for one in others.values():
            now = get(one["address"], "/status")
            if now["epoch"] == epoch and now["leader"] and now["leader"]["server_id"] == leader:
                self.wrong.append(f"server {now['server_id']} followed a leader that had been replaced")
        return took, refusals(others) - refused


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--stops", type=int, default=10)
    options.add_argument("--stopped-s", type=float, default=5)
    options.add_argument("--frontends", type=int, default=4)
    options.add_argument("--clients", type=int, default=4)
    wanted = options.parse_args()
    fleets.LEADER_SILENCE_MS = os.environ.get("STADION_LEADER_SILENCE_MS", "200")

    fleet = OwnFleet(wanted.frontends)
    stopped = threading.Event()
    askers = [Asker(f"asker {number}", fleet, stopped) for number in range(wanted.clients)]
    try:
        rounds = Rounds(fleet)
        rounds.settled()
        for one in askers:
            one.start()
        kills = [rounds.kill() for _ in range(wanted.kills)]
        stops = [rounds.stop(wanted.stopped_s) for _ in range(wanted.stops)]
        stopped.set()
        for one in askers:
            one.join(60)
        last = rounds.settled()
        asked = sum(one.asked for one in askers)

        def counted():
            logs = [get(one["address"], "/status")["raffle"] for one in last.values()]
            return logs if all(log["requests"] >= asked for log in logs) else None
        try:
            logs = until(counted, "all requests are counted", 20)
        except AssertionError:
            logs = [get(one["address"], "/status")["raffle"] for one in last.values()]
        if any(log["requests"] != asked for log in logs):
            rounds.wrong.append(f"{asked} requests were made, {[log['requests'] for log in logs]} counted")
        if len({log["hash"] for log in logs}) > 1:
            rounds.wrong.append("the servers' logs differ")
        fronts = [one["address"] for one in last.values() if one["kind"] == "frontend"]
        if len({str(get(address, "/v1/raffle")["draws"]) for address in fronts}) > 1:
            rounds.wrong.append("the draws differ")
    finally:
        stopped.set()
        fleet.clean_up()

    def line(what: str, values: list[float], half: float | None, most: float) -> None:
        if not values:
            return
        p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
        missed = "" if p99 <= most and (half is None or p50 <= half) else "   MISSED"
        goal = f"<= {half:.0f}, " if half else ""
        print(f"{what:<28} {len(values):5}   p50 {p50:6.1f} ms  p99 {p99:6.1f} ms ({goal}<= {most:.0f})  "
              f"max {max(values):6.1f} ms{missed}")
    print(f"{fleet.size} servers, {wanted.clients} clients")
    line("leader killed", kills, 5, 25)
    line(f"leader stopped for {wanted.stopped_s:.0f} s", [took for took, _ in stops], None, 300)
    if stops:
        print(f"{'its late messages, refused':<28} {sum(refused for _, refused in stops):5}")
    print(f"{'requests in total order':<28} {asked:5}   clients moved {sum(one.moves for one in askers)} times")
    for complaint in rounds.wrong:
        print("WRONG:", complaint)
    print("nothing lost, doubled or reordered:", "no" if rounds.wrong else "yes")
    return 1 if rounds.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
