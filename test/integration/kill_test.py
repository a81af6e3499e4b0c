"""kill -9 of any one process under load: watchers lose no event and see none twice, no acknowledged write is
lost, and the fleet is whole again by itself."""
import collections
import os
import signal
import unittest

from fleet import SCALE, FleetTest, get, http_call, until
from load import Load


class KillTest(FleetTest):
    def setUp(self):
        self.fleet.wait_complete()
        self.load = Load(self.fleet.frontends, since=self.sequence())
        self.addCleanup(self.load.close)
        self.load.wait_progress(20)

    def sequence(self) -> int:
        """What every front-end has by now."""
        wanted = get(self.fleet.database, "/status")["sequence"]
        for address in self.fleet.frontends:
            until(lambda: get(address, "/status")["sequence"] >= wanted, f"{address} has caught up")
        return wanted

    def pid_of(self, kind: str) -> int:
        return self.fleet.servers(kind)[0]["pid"]

    def kill(self, kind: str) -> int:
        pid = self.fleet.dispatcher.pid if kind == "dispatcher" else self.pid_of(kind)
        os.kill(pid, signal.SIGKILL)
        return pid

    def check_promises(self):
        load = self.load
        load.stop_writing()
        promised = {sequence for writer in load.writers for sequence in writer.acknowledged}
        self.assertEqual(len(promised), sum(len(writer.acknowledged) for writer in load.writers),
                         "every write has a sequence of its own")
        for watcher in load.watchers:
            until(lambda: promised <= set(watcher.sequences) or watcher.resets,
                  f"a watcher has all events; {watcher.failures[-3:]}")
            self.assertEqual(watcher.resets, 0, "a watcher was told that events are missing")
            twice = [s for s, count in collections.Counter(watcher.sequences).items() if count > 1]
            self.assertEqual(twice, [], "events seen twice")
            self.assertEqual(watcher.sequences, sorted(watcher.sequences))
        self.fleet.wait_complete()
        for address in [self.fleet.database, *self.fleet.frontends]:
            for writer in load.writers:
                _, _, score = http_call(address, "GET", "/query_score_by_game?game=" + writer.game.replace(" ", "%20"),
                                        headers={"Stadion-Seen": str(max(promised))})
                count = len(writer.acknowledged)
                self.assertEqual((score.get("points"), score.get("version")), ({"points": count}, count),
                                 f"{writer.game} at {address}")

    def test_a_front_end(self):
        killed = self.kill("frontend")
        self.load.wait_progress(50)
        self.fleet.wait_complete()
        self.assertNotIn(killed, [server["pid"] for server in self.fleet.servers()])
        self.check_promises()

    def test_the_database_server(self):
        killed = self.kill("dbserver")
        for address in self.fleet.frontends:  # reads go on
            self.assertIsNotNone(get(address, "/v1/games"))
        self.load.wait_progress(50)
        self.assertNotEqual(self.pid_of("dbserver"), killed)
        self.check_promises()

    def test_the_database_server_again_and_again(self):
        for _ in range(max(2, 5 // SCALE)):
            self.kill("dbserver")
            self.load.wait_progress(10)
            self.fleet.wait_complete()
        self.check_promises()

    def test_the_dispatcher(self):
        children = {server["pid"] for server in self.fleet.servers() if server["kind"] != "dispatcher"}
        self.kill("dispatcher")
        self.fleet.dispatcher.child.wait(30 * SCALE)
        self.load.wait_progress(50)  # nobody misses it
        self.fleet.start()
        self.fleet.wait_complete()
        self.assertEqual({s["pid"] for s in self.fleet.servers() if s["kind"] != "dispatcher"}, children)
        self.load.wait_progress(10)
        self.check_promises()


if __name__ == "__main__":
    unittest.main()
