"""The cluster clock of a real fleet whose clocks run wrong on purpose: everyone agrees within the published bounds,
a new leader carries on, late corrections are refused, and events are stamped with it."""
import os
import signal
import time
import unittest

from fleet import FleetTest, get, http_call, until

DRIFT_PPM = 100


class ClockTest(FleetTest):
    OPTIONS = ["--clock-drift-ppm", str(DRIFT_PPM)]

    def setUp(self):
        self.fleet.wait_complete()
        self.wait_synchronised()

    def servers(self) -> list[str]:
        return [server["address"] for server in self.fleet.servers()]

    def wait_synchronised(self) -> None:
        for server in self.servers():
            until(lambda: get(server, "/getClock")["state"] == "SYNCHRONISED", f"{server} has the cluster's time")

    def check_agreement(self) -> None:
        """Each reading is taken between two of ours; on one machine all are of the same true clock."""
        low, high = -float("inf"), float("inf")  # of cluster time less ours, in µs
        begun = time.monotonic_ns() // 1000
        for server in self.servers():
            before = time.monotonic_ns() // 1000
            clock = get(server, "/getClock")
            after = time.monotonic_ns() // 1000 + 1
            # What this server allows; all must have something in common. The fleet's clocks all run wrong against
            # ours, and slew, since the first was asked.
            slack = clock["error_us"] + 2 + (after - begun) * (DRIFT_PPM + 500) * 1e-6
            low = max(low, clock["time_us"] - after - slack)
            high = min(high, clock["time_us"] - before + slack)
        self.assertLessEqual(low, high, "two servers differ by more than their bounds")

    def test_1_servers_agree_within_their_bounds(self):
        for _ in range(20):
            self.check_agreement()
        for server in self.fleet.servers():
            clock = get(server["address"], "/status")["clock"]
            self.assertNotEqual(clock["injected_drift_ppm"], 0)
            self.assertLess(clock["error_us"], 10_000)

    def test_2_the_rates_that_were_injected_are_learned(self):
        def relative_rates() -> list[float]:
            """What is left of every server's drift once its rate is applied; the same for all when learned."""
            clocks = [get(server, "/status")["clock"] for server in self.servers()]
            return [clock["rate_ppb"] / 1000 + clock["injected_drift_ppm"] for clock in clocks]

        until(lambda: max(rates := relative_rates()) - min(rates) < DRIFT_PPM / 10, "the drifts are known", 60)

    def test_3_a_new_leader_carries_on_and_the_old_ones_corrections_are_refused(self):
        leader = until(lambda: get(self.fleet.frontends[0], "/status")["leader"], "there is a leader")
        epoch = get(self.fleet.frontends[0], "/getClock")["epoch"]
        victim = next(s for s in self.fleet.servers() if s["address"] == leader["address"])
        os.kill(victim["pid"], signal.SIGKILL)
        self.fleet.wait_complete()
        for server in self.servers():
            until(lambda: get(server, "/getClock")["epoch"] > epoch, "the new epoch is known")
        self.wait_synchronised()
        self.check_agreement()
        other = self.fleet.frontends[0]
        status, _, problem = http_call(other, "POST", "/rpc/Peer/AdjustClock",
                                       {"epoch": str(epoch), "correction": {"round": "1000000", "incarnation": "1"}})
        self.assertEqual((status, problem["code"]), (412, "FAILED_PRECONDITION"))
        status, _, problem = http_call(other, "POST", "/rpc/Peer/AdjustClock", {"epoch": "1000000"})
        self.assertEqual(status, 400)
        self.assertIn("correction", problem["detail"])
        self.check_agreement()

    def test_4_events_carry_the_clusters_time(self):
        stamps = []
        for number in range(50):
            before = get(self.fleet.database, "/getClock")
            status, _, score = http_call(self.fleet.frontends[number % 3], "PUT", "/v1/games/clocked",
                                         {"points": {"a": number}})
            self.assertIn(status, (200, 201))
            after = get(self.fleet.database, "/getClock")
            stamp = round(score["updated_at"] * 1e6)
            self.assertTrue(before["time_us"] - 1 <= stamp <= after["time_us"] + 1, (before, stamp, after))
            stamps.append(stamp)
        self.assertEqual(stamps, sorted(stamps))


class NoClockTest(FleetTest):
    OPTIONS = ["--clock-sync", "off"]

    def test_without_it_every_server_has_its_own_time_and_says_so(self):
        self.fleet.wait_complete()
        for server in self.fleet.servers():
            clock = get(server["address"], "/getClock")
            self.assertEqual(clock["state"], "LOCAL")
            self.assertLess(abs(clock["time_us"] - time.time() * 1e6), 60e6)
            status, _, problem = http_call(server["address"], "POST", "/rpc/Peer/AdjustClock",
                                           {"epoch": "1", "correction": {"round": "1"}})
            self.assertEqual(status, 412)
            self.assertIn("--clock-sync", problem["detail"])


if __name__ == "__main__":
    unittest.main()
