"""The commands people type, each against a running fleet."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import unittest

import wire
from fleet import PROGRAM, SCALE, Fleet, FleetTest, get, http_call, run, until

DEMO = pathlib.Path(__file__).resolve().parents[2] / "tools" / "demo"


class CatTest(FleetTest):
    SERVERS = 1

    def cat(self, text: str, *options: str) -> subprocess.CompletedProcess:
        return run("cat", self.fleet.frontends[0], *options, stdin=text)

    def test_a_line_in_a_pipe_is_answered_with_a_line_of_json(self):
        done = self.cat('FrontEnd.UpdateScoreByGame {"game":"cat","points":{"gauls":2}}\n')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("\n"), 1)
        self.assertEqual(json.loads(done.stdout)["points"], {"gauls": 2})
        done = self.cat('QueryScoreByGame {"game":"cat"}')
        self.assertEqual((done.returncode, json.loads(done.stdout)["game"]), (0, "cat"))

    def test_an_error_goes_to_stderr(self):
        done = self.cat('QueryScoreByGame {"game":"no such game"}\n')
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no such game", done.stderr)

    def test_methods_and_types_are_learnt_from_the_server(self):
        self.assertIn("FrontEnd.QueryScoreByGame", self.cat("\\list\n").stdout)
        self.assertIn("points", self.cat("\\describe FrontEnd.UpdateScoreByGame\n").stdout)

    def test_frames_are_shown_in_both_directions(self):
        done = self.cat('QueryScoreByGame {"game":"hockey"}\n', "--hex")
        shown = done.stdout + done.stderr
        self.assertIn("68 6f 63 6b 65 79", shown)                          # hockey, as sent
        self.assertIn("6e 6f 20 73 75 63 68 20 67 61", shown.replace("  ", " "))  # no such ga…, as received

    def test_a_stream_prints_a_line_per_event(self):
        self.cat('UpdateScoreByGame {"game":"streamed by cat","points":{"gauls":1}}')
        process = subprocess.Popen([PROGRAM, "cat", self.fleet.frontends[0]], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        process.stdin.write('Subscribe {"topics":["games/streamed by cat"]}\n')
        process.stdin.flush()
        self.assertIn("streamed by cat", process.stdout.readline())
        process.stdin.close()

    def test_listening_shows_what_a_client_sends(self):
        process = subprocess.Popen([PROGRAM, "cat", "--listen", "0", "--hex"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        line = process.stdout.readline()
        port = int(re.search(r":(\d+)", line)[1])
        with socket.create_connection(("127.0.0.1", port), timeout=30 * SCALE) as connection:
            connection.sendall(wire.frame(wire.HELLO, body=wire.field(1, 1) + wire.field(2, 1) + wire.field(5, "me")))
            shown = line
            while "2a 02 6d 65" not in shown:
                line = process.stdout.readline()
                self.assertTrue(line, shown)
                shown += line
        process.stdin.close()


class ToolTest(FleetTest):
    SERVERS = 2

    def test_a_medal_table_is_loaded(self):
        done = run("load", str(DEMO / "medals.csv"), "--dispatcher", self.fleet.address)
        self.assertEqual(done.returncode, 0, done.stderr)
        teams = get(self.fleet.database, "/v1/teams")["teams"]
        first = next(team for team in teams if team["rank"] == 1)
        medals = first.get("medals", first)
        self.assertEqual([medals[name] for name in ("gold", "silver", "bronze")], [40, 44, 42])
        self.assertEqual(len(teams), 10)

    def test_check_finds_nothing_wrong_with_a_healthy_fleet(self):
        done = run("check", "--dispatcher", self.fleet.address)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        report = run("check", "--dispatcher", self.fleet.address, "--json")
        self.assertEqual(report.returncode, 0)
        json.loads(report.stdout)

    def test_every_command_explains_itself(self):
        for command in ("up", "dispatcher", "frontend", "dbserver", "cat", "client", "replay", "load", "bench", "top",
                        "check"):
            done = run(command, "--help")
            self.assertEqual(done.returncode, 0, command)
            self.assertIn("--", done.stdout + done.stderr)


class CheckTest(unittest.TestCase):
    def check(self, fleet: Fleet) -> tuple[int, str]:
        done = run("check", "--dispatcher", fleet.address)
        return done.returncode, done.stdout

    def test_check_tells_what_is_wrong_and_top_agrees(self):
        fleet = Fleet(servers=2)
        self.addCleanup(fleet.clean_up)
        fleet.wait_complete()
        until(lambda: self.check(fleet)[0] == 0, "all is well")
        victim = fleet.servers("frontend")[0]
        os.kill(victim["pid"], signal.SIGSTOP)
        until(lambda: "only 1 of 2 front-ends serve" in self.check(fleet)[1], "a front-end is missed")
        self.assertEqual(self.check(fleet)[0], 1)
        self.assertIn("only 1 of 2 front-ends serve", run("top", "--once", "--dispatcher", fleet.address).stdout)
        os.kill(victim["pid"], signal.SIGCONT)
        until(lambda: self.check(fleet)[0] == 0, "all is well again")
        os.kill(fleet.dispatcher.pid, signal.SIGKILL)
        fleet.dispatcher.child.wait(30 * SCALE)
        status, said = self.check(fleet)
        self.assertEqual(status, 2)
        self.assertIn("To do: ", said)

    def test_a_server_that_cannot_start_is_a_crash_loop_with_its_reason(self):
        fleet = Fleet(servers=1)
        self.addCleanup(fleet.clean_up)
        fleet.wait_complete()
        http_call(fleet.database, "POST", "/increment_medal_tally", {"team": "gauls", "medal": "gold"})
        os.kill(fleet.servers("dbserver")[0]["pid"], signal.SIGSTOP)  # nothing is written any more
        pathlib.Path(fleet.data, "FORMAT").write_text("999\n", encoding="utf-8")
        os.kill(next(pid for pid, command in fleet.all_pids().items() if " dbserver " in command), signal.SIGKILL)
        until(lambda: "dies again and again" in self.check(fleet)[1], "it is seen")
        status, said = self.check(fleet)
        self.assertEqual(status, 1)
        self.assertIn("says format 999", said)
        self.assertIn("there is no database server", said)


class DemoTest(unittest.TestCase):
    def test_up_shows_a_moving_event_and_prints_where(self):
        fleet = Fleet("--demo", command="up")
        self.addCleanup(fleet.clean_up)
        fleet.wait_complete()
        frontend = fleet.frontends[0]
        teams = until(lambda: len(get(frontend, "/v1/teams")["teams"]) >= 10 and get(frontend, "/v1/teams")["teams"],
                      "the medal table is loaded")
        self.assertEqual(teams[0]["team"], "United States")
        before = get(frontend, "/status")["sequence"]
        until(lambda: get(frontend, "/status")["sequence"] > before, "something moves")
        until(lambda: get(frontend, "/v1/games")["games"], "there is a game")
        printed = "\n".join(fleet.dispatcher.lines) + fleet.dispatcher.errors()
        self.assertIn(frontend, printed)
        self.assertEqual(fleet.dispatcher.stop(signal.SIGINT), 0)
        until(lambda: not fleet.all_pids(), "nothing is left", 10)


if __name__ == "__main__":
    unittest.main()
