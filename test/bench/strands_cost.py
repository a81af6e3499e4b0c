#!/usr/bin/env python3
"""What the strands cost the request path: queries of registered clients a second with all strands on and with all off.

Two fleets stand side by side; `stadion bench` measures a front-end of each in turn, so that what disturbs the machine
disturbs both. Each round gives a ratio; the median counts.

    STADION_PROGRAM=build/release/stadion test/bench/strands_cost.py --rounds 9
"""
import argparse
import json
import os
import pathlib
import statistics
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
os.environ.setdefault("STADION_PROGRAM", str(pathlib.Path(__file__).resolve().parents[2] / "build/release/stadion"))

from fleet import Fleet, get, run, until  # noqa: E402

OFF = ["--leader-election", "off", "--clock-sync", "off", "--raffle", "off"]


def rates(fleet: Fleet, seconds: float) -> dict[str, float]:
    done = run("bench", "--dispatcher", fleet.address, "--target", fleet.frontends[0], "--json", "--repeat", "1",
               "--seconds", str(seconds), "--scenario", "registered", seconds=120)
    if done.returncode != 0:
        sys.exit(done.stderr)
    rows = json.loads(done.stdout)["scenarios"]
    for row in rows:
        if row.get("problem") or row.get("failed"):
            sys.exit(f"{row['scenario']}: {row.get('problem') or row['failed']}")
    return {row["scenario"]: row["median"] for row in rows}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--seconds", type=float, default=2, help="of each measurement")
    options.add_argument("--frontends", type=int, default=3)
    wanted = options.parse_args()

    with_strands = Fleet(servers=wanted.frontends)
    without = Fleet(*OFF, servers=wanted.frontends)
    try:
        for fleet in (with_strands, without):
            fleet.wait_complete()
        until(lambda: get(with_strands.frontends[0], "/status")["order"]["members"] == wanted.frontends + 1,
              "the order has begun")
        measured: dict[str, list[tuple[float, float]]] = {}
        for turn in range(wanted.rounds):
            order = (with_strands, without) if turn % 2 == 0 else (without, with_strands)
            found = {fleet: rates(fleet, wanted.seconds) for fleet in order}
            for scenario in found[with_strands]:
                measured.setdefault(scenario, []).append((found[with_strands][scenario], found[without][scenario]))
        counted = get(with_strands.frontends[0], "/status")["raffle"]
    finally:
        with_strands.clean_up()
        without.clean_up()

    missed = False
    for scenario, pairs in measured.items():
        ratio = statistics.median(on / off for on, off in pairs)
        missed = missed or ratio < 0.95
        print(f"{scenario:<20} on {statistics.median(on for on, _ in pairs):>10.0f}/s   "
              f"off {statistics.median(off for _, off in pairs):>10.0f}/s   ratio {ratio:.3f} (>= 0.95)"
              f"{'   MISSED' if ratio < 0.95 else ''}")
    print(f"the raffle counted {counted['requests']} requests, missed {counted['missed']}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
