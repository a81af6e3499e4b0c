"""Starting, stopping, coming back, and refusing to start."""
import os
import signal
import tempfile
import unittest

from fleet import SCALE, Fleet, Process, get, http_call, run, until


class LifecycleTest(unittest.TestCase):
    def fleet(self, *options, **more) -> Fleet:
        fleet = Fleet(*options, **more)
        self.addCleanup(fleet.clean_up)
        fleet.wait_complete()
        return fleet

    def assert_gone(self, fleet: Fleet):
        until(lambda: not fleet.all_pids(), f"nothing is left of {fleet.all_pids()}", 10)

    def test_sigterm_stops_everything(self):
        fleet = self.fleet()
        self.assertEqual(len(fleet.all_pids()), 5)
        self.assertEqual(fleet.dispatcher.stop(signal.SIGTERM), 0)
        self.assert_gone(fleet)

    def test_interrupting_up_stops_everything(self):
        fleet = self.fleet(command="up")
        self.assertEqual(fleet.dispatcher.stop(signal.SIGINT), 0)
        self.assert_gone(fleet)

    def test_what_was_written_is_there_after_a_restart(self):
        fleet = self.fleet(servers=1)
        status, _, score = http_call(fleet.frontends[0], "POST", "/update_score_by_game",
                                     {"game": "hockey", "points": {"gauls": 2}})
        self.assertEqual(status, 200)
        self.assertEqual(fleet.dispatcher.stop(), 0)
        with open(os.path.join(fleet.data, "tables", "games", "hockey.json"), encoding="utf-8") as table:
            self.assertIn('"gauls": 2', table.read())
        fleet.start()
        fleet.wait_complete()
        for address in [fleet.database, *fleet.frontends]:
            self.assertEqual(get(address, "/query_score_by_game?game=hockey"), score)

    def test_a_dispatcher_that_comes_back_adopts_its_children(self):
        fleet = self.fleet()
        before = {server["server_id"]: server["pid"] for server in fleet.servers() if server["kind"] != "dispatcher"}
        leader = until(lambda: get(fleet.address, "/status")["leader"], "there is a leader")
        epoch = get(fleet.address, "/status")["epoch"]
        os.kill(fleet.dispatcher.pid, signal.SIGKILL)
        fleet.dispatcher.child.wait(30 * SCALE)
        fleet.start()
        fleet.wait_complete()
        after = {server["server_id"]: server["pid"] for server in fleet.servers() if server["kind"] != "dispatcher"}
        self.assertEqual(after, before)
        self.assertEqual(len(fleet.all_pids()), 5)
        status = get(fleet.address, "/status")
        self.assertEqual((status["leader"], status["epoch"]), (leader, epoch), "a healthy leader leads on")
        # They are its children now as before: it stops them too.
        self.assertEqual(fleet.dispatcher.stop(), 0)
        self.assert_gone(fleet)

    def test_children_without_a_dispatcher_serve_on_and_stop_when_told(self):
        fleet = self.fleet(servers=1)
        servers = [server for server in fleet.servers() if server["kind"] != "dispatcher"]
        os.kill(fleet.dispatcher.pid, signal.SIGKILL)
        fleet.dispatcher.child.wait(30 * SCALE)
        for server in servers:
            self.assertIsNotNone(get(server["address"], "/livez"))
            os.kill(server["pid"], signal.SIGTERM)
        self.assert_gone(fleet)

    def test_a_front_end_started_by_hand_joins(self):
        fleet = self.fleet(servers=1)
        extra = Process("frontend", "--dispatcher", fleet.address, "--port", "0")
        self.addCleanup(extra.clean_up)
        address = extra.wait_ready("frontend")
        until(lambda: address in fleet.frontends, "it is listed")
        http_call(fleet.database, "POST", "/update_score_by_game", {"game": "hockey", "points": {"gauls": 1}})
        until(lambda: get(address, "/query_score_by_game?game=hockey"), "it has the score")
        self.assertEqual(extra.stop(), 0)
        until(lambda: address not in fleet.frontends, "it has left")

    def test_a_database_server_runs_alone_and_holds_its_folder(self):
        with tempfile.TemporaryDirectory() as data:
            first = Process("dbserver", "--port", "0", "--data", data)
            self.addCleanup(first.clean_up)
            address = first.wait_ready("dbserver")
            until(lambda: get(address, "/readyz"), "it is ready")
            second = run("dbserver", "--port", "0", "--data", data)
            self.assertEqual(second.returncode, 1)
            self.assertIn(str(first.pid), second.stderr)
            self.assertEqual(first.stop(), 0)

    def test_refuses_to_bind_beyond_loopback_without_tokens(self):
        with tempfile.TemporaryDirectory() as data:
            done = run("dbserver", "--host", "0.0.0.0", "--port", "0", "--data", data)
        self.assertEqual(done.returncode, 1)
        self.assertIn("token", done.stderr)

    def test_misuse_is_told_from_failure(self):
        for arguments in ([], ["nonsense"], ["dispatcher", "--no-such-flag"], ["dispatcher", "--port", "x"], ["replay"]):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertEqual(done.stdout, "", arguments)
            self.assertTrue(done.stderr, arguments)
        self.assertEqual(run("check", "--dispatcher", "127.0.0.1:1").returncode, 2)


class TokenTest(unittest.TestCase):
    TOKENS = {"operator": "operators-token", "scorer": "scorers-token", "server": "servers-token"}

    def setUp(self):
        with tempfile.NamedTemporaryFile("w", suffix=".tokens", delete=False) as file:
            file.writelines(f"{role} {token}\n" for role, token in self.TOKENS.items())
        self.addCleanup(os.unlink, file.name)
        self.fleet = Fleet("--token-file", file.name, servers=1, token=self.TOKENS["operator"])
        self.addCleanup(self.fleet.clean_up)
        self.fleet.wait_complete()

    def status(self, method: str, path: str, role: str = "", body=None, address: str = "") -> int:
        headers = {"Authorization": f"Bearer {self.TOKENS.get(role, role)}"} if role else {}
        return http_call(address or self.fleet.frontends[0], method, path, body, headers)[0]

    def test_every_role_may_do_what_it_is_for(self):
        update = {"game": "hockey", "points": {"gauls": 1}}
        self.assertEqual(self.status("POST", "/update_score_by_game", body=update), 401)
        self.assertEqual(self.status("POST", "/update_score_by_game", "a guess", body=update), 401)
        self.assertEqual(self.status("POST", "/update_score_by_game", "scorer", body=update), 200)
        self.assertEqual(self.status("GET", "/query_score_by_game?game=hockey"), 200)
        self.assertEqual(self.status("GET", "/livez"), 200)
        for address in [self.fleet.address, self.fleet.database, *self.fleet.frontends]:
            for path in ("/metrics", "/status"):
                self.assertEqual(self.status("GET", path, address=address), 401)
                self.assertEqual(self.status("GET", path, "scorer", address=address), 403)
                self.assertEqual(self.status("GET", path, "operator", address=address), 200)
                self.assertEqual(self.status("GET", path, "server", address=address), 200)
        rpc = "/rpc/Dispatcher/"
        self.assertEqual(self.status("POST", rpc + "Assign", body={"client_id": "a"}, address=self.fleet.address), 200)
        self.assertEqual(self.status("POST", rpc + "GetAllServers", body={}, address=self.fleet.address), 401)


if __name__ == "__main__":
    unittest.main()
