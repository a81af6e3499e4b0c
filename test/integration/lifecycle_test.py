"""Starting, stopping, coming back, and refusing to start."""
import os
import signal
import subprocess
import tempfile
import unittest

from fleet import PROGRAM, SCALE, SHIPPED_SETTINGS, Fleet, Process, get, http_call, run, until


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

    def test_hanging_up_on_up_stops_everything(self):
        for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
            fleet = self.fleet(command="up", servers=1)
            self.assertEqual(fleet.dispatcher.stop(number), 0)
            self.assert_gone(fleet)

    def test_nothing_outlives_an_up_that_was_killed(self):
        fleet = self.fleet(command="up", servers=2)
        self.assertEqual(len(fleet.all_pids()), 5)
        self.assertNotEqual(fleet.dispatcher.stop(signal.SIGKILL), 0)
        self.assert_gone(fleet)

    def test_up_starts_a_dispatcher_again_that_was_killed(self):
        fleet = self.fleet(command="up", servers=2)
        children = {server["pid"] for server in fleet.servers() if server["kind"] != "dispatcher"}
        for round_number in range(2):
            killed = get(fleet.address, "/fleet")["pid"]
            os.kill(killed, signal.SIGKILL)
            until(lambda: (get(fleet.address, "/fleet") or {}).get("pid", killed) != killed, "there is another one")
            fleet.wait_complete()
            self.assertEqual({s["pid"] for s in fleet.servers() if s["kind"] != "dispatcher"}, children, "all are adopted")
            self.assertEqual(get(fleet.address, "/fleet")["starts"], round_number + 2)
        until(lambda: fleet.dispatcher.errors().count("the dispatcher is back at " + fleet.address) == 2, "a person is told")
        self.assertEqual(run("check", "--dispatcher", fleet.address).returncode, 0)
        self.assertEqual(fleet.dispatcher.stop(signal.SIGINT), 0)
        self.assert_gone(fleet)

    def test_up_that_is_stopped_without_a_dispatcher_leaves_nothing(self):
        fleet = self.fleet(command="up", servers=1)
        dispatcher = get(fleet.address, "/fleet")["pid"]
        os.kill(fleet.dispatcher.pid, signal.SIGSTOP)  # it must not see the one before the other
        os.kill(dispatcher, signal.SIGKILL)
        os.kill(fleet.dispatcher.pid, signal.SIGTERM)
        os.kill(fleet.dispatcher.pid, signal.SIGCONT)
        fleet.dispatcher.child.wait(60 * SCALE)
        self.assert_gone(fleet)

    def test_up_that_cannot_start_says_why_and_ends(self):
        fleet = self.fleet(servers=1)
        done = run("up", "--port", "0", "--frontend-port", "0", "--db-port", "0", "--data", fleet.data)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"in use by process {fleet.dispatcher.pid}", done.stderr)

    def test_a_dispatcher_killed_at_any_moment_of_its_start_can_be_started_again(self):
        fleet = self.fleet(servers=3)
        self.assertEqual(fleet.dispatcher.stop(), 0)
        for round_number in range(max(3, 12 // SCALE)):
            dispatcher = Process("dispatcher", "--port", "0", *fleet.options, mark=fleet.mark)
            self.addCleanup(dispatcher.clean_up)
            # As soon as there is a first, second, third or fourth child.
            wanted = 2 + round_number % 4
            while len(dispatcher.all_pids()) < wanted and dispatcher.child.poll() is None:
                pass
            os.kill(dispatcher.pid, signal.SIGKILL)
            dispatcher.child.wait(30 * SCALE)
        fleet.address = ""
        fleet.start()
        fleet.wait_complete()
        self.assertEqual(len(fleet.all_pids()), 5, "nobody is left whom it does not know of")
        self.assertEqual(fleet.dispatcher.stop(), 0)
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
        if not SHIPPED_SETTINGS:  # with these a leader may be found silent on a busy machine
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

    def test_closed_standard_streams_are_taken_by_nobody(self):
        with tempfile.TemporaryDirectory() as data:
            first = subprocess.Popen(["/bin/sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', PROGRAM, "dbserver", "--port", "0",
                                      "--data", data])
            try:
                until(lambda: os.path.exists(os.path.join(data, "LOCK")), "it is about to serve")
                for number in (0, 1, 2):
                    self.assertEqual(os.readlink(f"/proc/{first.pid}/fd/{number}"), "/dev/null")
            finally:
                first.kill()
                first.wait()

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
