"""Who leads: the ring election of a real fleet, under loss and pause of its leader."""
import os
import signal
import unittest

import wire
from fleet import Fleet, get, http_call, until


class ElectionTest(unittest.TestCase):
    def fleet(self, *options, **more) -> Fleet:
        fleet = Fleet(*options, **more)
        self.addCleanup(fleet.clean_up)
        fleet.wait_complete()
        return fleet

    @staticmethod
    def statuses(fleet: Fleet) -> dict[int, dict]:
        """Of every server that strands run in, by id."""
        servers = [one for one in fleet.servers() if one["kind"] != "dispatcher"]
        found = {one["server_id"]: get(one["address"], "/status") for one in servers}
        return found if all(found.values()) else {}

    def agreed(self, fleet: Fleet, servers: int, above: int = 0) -> tuple[int, int]:
        """Waits until all follow one leader under one epoch; that leader and that epoch."""
        def one_leader():
            found = self.statuses(fleet)
            leaders = {status["leader"]["server_id"] if status["leader"] else 0 for status in found.values()}
            epochs = {status["epoch"] for status in found.values()}
            if len(found) == servers and len(leaders) == len(epochs) == 1 and 0 not in leaders \
                    and min(epochs) > above and leaders <= found.keys():
                return leaders.pop(), epochs.pop()
            return None
        return until(one_leader, f"{servers} servers follow one leader under an epoch above {above}")

    def pid_of(self, fleet: Fleet, server_id: int) -> int:
        return next(one["pid"] for one in fleet.servers() if one["server_id"] == server_id)

    def test_all_servers_follow_one_leader_and_the_dispatcher_names_it(self):
        fleet = self.fleet()
        leader, epoch = self.agreed(fleet, 4)
        seen = until(lambda: get(fleet.address, "/status")["leader"], "the dispatcher knows the leader")
        self.assertEqual(seen["server_id"], leader)
        self.assertEqual(get(fleet.address, "/status")["epoch"], epoch)
        for status in self.statuses(fleet).values():
            self.assertEqual(status["leader"], seen)
            self.assertEqual(len(status["election"]["ring"]), 4)

    def test_a_killed_leader_has_a_successor_under_a_higher_epoch(self):
        fleet = self.fleet()
        epoch = 0
        for _ in range(3):
            leader, epoch = self.agreed(fleet, 4, above=epoch)
            os.kill(self.pid_of(fleet, leader), signal.SIGKILL)
            until(lambda: leader not in self.statuses(fleet), "the leader is gone")
        leader, after = self.agreed(fleet, 4, above=epoch)
        self.assertGreater(after, epoch)

    def test_a_paused_leader_is_replaced_and_fenced_when_it_wakes(self):
        fleet = self.fleet()
        leader, epoch = self.agreed(fleet, 4)
        paused = self.pid_of(fleet, leader)
        self.addCleanup(lambda: os.kill(paused, signal.SIGCONT))
        os.kill(paused, signal.SIGSTOP)
        others = until(lambda: [one for one in fleet.servers() if one["kind"] != "dispatcher"
                                and one["server_id"] != leader], "others are there")

        def successor():
            found = [get(one["address"], "/status") for one in others]
            epochs = {status["epoch"] for status in found if status}
            leaders = {status["leader"]["server_id"] for status in found if status and status["leader"]}
            return epochs.pop() if len(epochs) == len(leaders) == 1 and leaders != {leader} else None
        higher = until(successor, "the others follow a successor")
        self.assertGreater(higher, epoch)
        # What it says late has no effect, neither at its peers nor at the dispatcher.
        status, _, refusal = http_call(others[0]["address"], "POST", "/coordinatorMessage",
                                       {"epoch": epoch, "leader_id": leader})
        self.assertEqual((status, refusal["code"]), (412, "FAILED_PRECONDITION"))
        self.assertGreaterEqual(int(refusal["details"]["epoch"]), higher)
        http_call(fleet.address, "POST", "/releaseLeaderElectionLock",
                  {"server_id": leader, "epoch": epoch, "leader_id": leader})
        os.kill(paused, signal.SIGCONT)
        now_leads, now_epoch = self.agreed(fleet, 4, above=epoch)
        self.assertNotEqual((now_leads, now_epoch), (leader, epoch))

    def test_only_what_the_dispatcher_granted_counts(self):
        """Whatever a stranger says to every server, over HTTP or over the wire, in whatever words."""
        fleet = self.fleet()
        leader, epoch = self.agreed(fleet, 4)
        servers = [one for one in fleet.servers() if one["kind"] != "dispatcher"]
        follower = next(one["server_id"] for one in servers if one["server_id"] != leader)
        until(lambda: all(one["order"]["members"] == 4 for one in self.statuses(fleet).values()), "all are in the order")
        order = {one["address"]: get(one["address"], "/status")["order"]["view"] for one in servers}
        forged = [(epoch, follower), (epoch, 99), (1_000_000, 99), (1_000_000, leader), (2 ** 64 - 1, follower),
                  (epoch - 1, leader), (0, 0)]
        for server in servers:
            for said_epoch, said_leader in forged:
                for beat in (False, True):
                    status, _, refusal = http_call(server["address"], "POST", "/coordinatorMessage",
                                                   {"epoch": said_epoch, "leader_id": said_leader, "beat": beat})
                    self.assertEqual((status, refusal["code"]), (412, "FAILED_PRECONDITION"), (said_epoch, said_leader))
                    self.assertEqual(refusal["details"], {"epoch": str(epoch), "leader_id": str(leader)})
                passed = {"epoch": said_epoch, "initiator": leader, "best_id": said_leader, "best_score": 1e300,
                          "visited": [one["server_id"] for one in servers]}
                self.assertEqual(http_call(server["address"], "POST", "/passElection", passed)[0], 412)
                self.say_over_the_wire(server["address"], said_epoch, said_leader)
            true = {"epoch": epoch, "leader_id": leader}
            self.assertEqual(http_call(server["address"], "POST", "/coordinatorMessage", true)[0], 200)
        # In the leader's name, or in everybody's, at the dispatcher.
        http_call(fleet.address, "POST", "/releaseLeaderElectionLock",
                  {"server_id": follower, "epoch": epoch, "leader_id": follower})
        for server in servers:
            for reason in ("leader-silent", "leader-lost"):
                lock = http_call(fleet.address, "POST", "/getLeaderElectionLock",
                                 {"server_id": server["server_id"], "reason": reason})
                self.assertFalse(lock[2].get("granted", False))
            self.assertEqual(http_call(fleet.address, "POST", "/rpc/Dispatcher/Leave",
                                       {"server_id": server["server_id"]})[0], 403)
        self.assertEqual(self.agreed(fleet, 4), (leader, epoch))
        for address, view in order.items():
            self.assertEqual(get(address, "/status")["order"]["view"], view)
            self.assertNotEqual(get(address, "/status")["clock"]["state"], "UNSURE")

    def say_over_the_wire(self, address: str, epoch: int, leader: int) -> None:
        """AdjustClock, a probe of GetClock and frames of the order: a stop, a proposal and a stale epoch."""
        client = wire.Client(address, role="server")
        self.addCleanup(client.close)

        def number(n: int) -> bytes:
            return wire.varint(n)

        def frames(*contents: bytes) -> bytes:
            return b"".join(number(len(one)) + one for one in contents)
        correction = (wire.field(1, 10 ** 6) + wire.field(2, 1) + wire.field(4, 10 ** 18) + wire.field(6, 1))
        stop = b"\x03" + number(epoch) + number(7) + number(1) + number(leader) + number(1)
        stale = b"\x0c" + number(epoch)
        says = [(0x0405, wire.field(1, epoch) + wire.field(4, correction)),
                (0x0406, wire.field(1, leader) + wire.field(2, frames(stop, stale)))]
        for method, body in says:
            with self.assertRaises(wire.Failed):
                client.call(method, body)
        client.call(0x0404, wire.field(1, wire.field(1, epoch) + wire.field(2, 1) + wire.field(3, 1)))

    def test_a_leader_and_the_dispatcher_that_die_together_are_replaced(self):
        fleet = self.fleet()
        leader, epoch = self.agreed(fleet, 4)
        pid = self.pid_of(fleet, leader)
        os.kill(fleet.dispatcher.pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        fleet.dispatcher.child.wait()
        fleet.start()
        after, higher = self.agreed(fleet, 4, above=epoch)
        self.assertNotEqual(after, leader)
        for status in self.statuses(fleet).values():
            self.assertNotIn(leader, status["election"]["ring"])
        # The order goes on in a view without it, and takes in whoever was started in its place.
        until(lambda: all(one["order"]["members"] == 4 for one in self.statuses(fleet).values()), "the order goes on")

    def test_the_originals_names_answer_over_http(self):
        fleet = self.fleet(servers=1)
        leader, epoch = self.agreed(fleet, 2)
        for address in [fleet.database, *fleet.frontends]:
            status, _, answer = http_call(address, "POST", "/newElection", {"reason": "curious"})
            self.assertEqual((status, int(answer["epoch"])), (200, epoch))  # the leader is healthy: nothing changes
            stale = {"epoch": epoch - 1, "initiator": leader, "best_id": leader, "best_score": 1, "visited": [leader]}
            self.assertEqual(http_call(address, "POST", "/passElection", stale)[0], 412)
            self.assertEqual(http_call(address, "POST", "/passElection", b"{")[0], 400)
        self.assertEqual(self.agreed(fleet, 2), (leader, epoch))

    def test_the_setting_turns_it_off(self):
        fleet = self.fleet("--leader-election", "off", servers=1)
        for address in [fleet.database, *fleet.frontends]:
            self.assertIsNone(get(address, "/status")["leader"])
            status, _, refusal = http_call(address, "POST", "/newElection", {})
            self.assertEqual((status, "--leader-election" in refusal["detail"]), (412, True))


if __name__ == "__main__":
    unittest.main()
