"""One writer, one board: a second database server is not taken in; a store that went back is noticed, and everybody
who follows it begins anew; who may take part in the fleet; a front-end without a board says so."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import tempfile
import threading
import unittest

import wire
from fleet import SCALE, Fleet, Process, get, http_call, until
from websocket import WebSocket

DISPATCHERS = ("dispatcher.json", "dispatcher.lock")  # in the same folder as the database server's


class Sse(threading.Thread):
    """Follows /v1/stream on one connection: what each event is called, its id, its data."""

    def __init__(self, address: str, **headers):
        super().__init__(daemon=True)
        self.events: list[tuple[str, str, dict]] = []
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=120 * SCALE)
        self.connection.request("GET", "/v1/stream?topics=games/*", headers=headers)
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.status
        self.start()
        until(lambda: self.events, "the stream has begun")

    def close(self) -> None:
        held = self.connection.sock or self.answer.fp.raw._sock  # the answer keeps a connection that will be closed
        held.shutdown(socket.SHUT_RDWR)
        self.join(60 * SCALE)
        self.answer.close()
        self.connection.close()
        held.close()

    def run(self) -> None:
        name = place = ""
        try:
            for line in self.answer:
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "id":
                    place = value
                elif field == "data":
                    self.events.append((name, place, json.loads(value)))
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.events]


class WireFollower(threading.Thread):
    """Follows Subscribe: the boards of the resets it was told of."""

    def __init__(self, address: str, since: int, board: int):
        super().__init__(daemon=True)
        self.client = wire.Client(address, timeout=120 * SCALE)
        self.request = wire.field(1, "games/*") + wire.field(2, since) + wire.field(4, board)
        self.resets: list[tuple[int, int]] = []  # board and sequence
        self.start()

    def run(self) -> None:
        try:
            for event in self.client.stream(wire.SUBSCRIBE, self.request, budget_ms=600_000):
                if 8 in event:
                    self.resets.append((wire.first(wire.decode(event[8][0]), 4), wire.first(event, 1)))
        except (wire.Gone, wire.Failed):
            pass

    def close(self) -> None:
        self.client.shut()
        self.join(60 * SCALE)
        self.client.close()


def place(address: str) -> tuple[int, int]:
    """The board and the sequence of a server."""
    status = get(address, "/status")
    return (int(status["board"]), status["sequence"]) if status else (0, 0)


def update(address: str, points: int, game: str = "hockey") -> tuple[int, dict]:
    status, headers, _ = http_call(address, "POST", "/update_score_by_game", {"game": game, "points": {"gauls": points}})
    return status, headers


class RestoredStore(unittest.TestCase):
    """The database server dies, an older state of its folder is put in place, and it starts again."""

    def setUp(self):
        self.fleet = Fleet(servers=2)
        self.addCleanup(self.fleet.clean_up)
        self.fleet.wait_complete()
        self.address = self.fleet.frontends[0]
        self.backup = tempfile.mkdtemp(prefix="stadion-test-")
        self.addCleanup(shutil.rmtree, self.backup, ignore_errors=True)

    def store_files(self, folder: str) -> list[pathlib.Path]:
        return [path for path in pathlib.Path(folder).iterdir() if path.name not in DISPATCHERS]

    def copy(self, source: str, target: str) -> None:
        for path in self.store_files(source):
            if path.is_dir():
                shutil.copytree(path, pathlib.Path(target) / path.name)
            else:
                shutil.copy2(path, target)

    def go_back(self, keep_board_file: bool) -> None:
        database = next(server for server in self.fleet.servers("dbserver"))
        os.kill(self.fleet.dispatcher.pid, signal.SIGSTOP)  # it must not start another one too early
        try:
            os.kill(int(database["pid"]), signal.SIGKILL)
            until(lambda: get(database["address"], "/livez") is None, "the database server is dead")
            node = pathlib.Path(self.fleet.data) / "board"
            for path in self.store_files(self.fleet.data):
                if path == node and keep_board_file:
                    continue
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            if keep_board_file:
                (pathlib.Path(self.backup) / "board").unlink()
            self.copy(self.backup, self.fleet.data)
        finally:
            os.kill(self.fleet.dispatcher.pid, signal.SIGCONT)

    def follow(self, address: str, since: str = "") -> Sse:
        stream = Sse(address, **{"Last-Event-ID": since} if since else {})
        self.addCleanup(stream.close)
        return stream

    def everybody_begins_anew(self, keep_board_file: bool) -> None:
        for points in range(5):
            self.assertEqual(update(self.address, points)[0], 200)
        self.copy(self.fleet.data, self.backup)
        for points in range(5, 10):
            status, headers = update(self.address, points)
            self.assertEqual(status, 200)
        old = place(self.address)
        self.assertNotEqual(old[0], 0)
        self.assertEqual(headers["stadion-seen"], f"{old[0]}-{old[1]}")
        followers = [self.follow(address) for address in self.fleet.frontends]
        resuming = self.follow(self.address, f"{old[0]}-{old[1] - 2}")
        by_wire = WireFollower(self.address, old[1], old[0])
        self.addCleanup(by_wire.close)
        until(lambda: len(resuming.events) == 3, "what was missed has come")
        self.assertEqual(resuming.names, ["resumed", "score", "score"])
        until(lambda: all(place(address) == old for address in self.fleet.frontends), "all have all")
        # The dispatcher hears by heartbeats how far the board is.
        until(lambda: f'"sequence": {old[1]}' in (pathlib.Path(self.fleet.data) / "dispatcher.json").read_text(),
              "the dispatcher remembers it")

        self.go_back(keep_board_file)
        for address in [*self.fleet.frontends]:
            until(lambda: place(address)[0] not in (0, old[0]), "the board is another one", 60)
        self.fleet.wait_complete()
        new = place(self.address)
        self.assertLess(new[1], old[1])
        for follower in [*followers, resuming]:
            until(lambda: follower.names[-1] == "reset", "followers are told to begin anew")
            self.assertEqual(follower.events[-1][1], f"{new[0]}-{new[1]}")
            self.assertEqual(follower.events[-1][2]["games"][0]["points"], {"gauls": 4})
        until(lambda: by_wire.resets == [new], "by wire, too")
        # Nobody is answered with what has never been, and nobody waits for it.
        for seen in (f"{old[0]}-{old[1]}", str(old[1]), f"{new[0]}-{new[1] + 100}"):
            for address in self.fleet.frontends:
                status, headers, score = http_call(address, "GET", "/query_score_by_game?game=hockey",
                                                   headers={"Stadion-Seen": seen}, timeout=20 * SCALE)
                self.assertEqual((status, score["points"]), (200, {"gauls": 4}), seen)
                self.assertEqual(headers["stadion-seen"], f"{new[0]}-{new[1]}")
                self.assertEqual(self.follow(address, seen).names[0], "reset")
        status, headers = update(self.address, 77)
        self.assertEqual((status, headers["stadion-seen"]), (200, f"{new[0]}-{new[1] + 1}"))
        for follower in followers:
            until(lambda: follower.names[-1] == "score", "what is new comes to all")
            self.assertEqual(follower.events[-1][1], f"{new[0]}-{new[1] + 1}")

    def test_a_restored_copy_is_noticed_by_the_store_itself(self):
        self.everybody_begins_anew(keep_board_file=False)

    def test_what_the_store_cannot_notice_the_others_do(self):
        self.everybody_begins_anew(keep_board_file=True)


class OneWriter(unittest.TestCase):
    def setUp(self):
        self.fleet = Fleet(servers=2)
        self.addCleanup(self.fleet.clean_up)
        self.fleet.wait_complete()
        self.other_data = tempfile.mkdtemp(prefix="stadion-test-")
        self.addCleanup(shutil.rmtree, self.other_data, ignore_errors=True)

    def start_other(self) -> tuple[Process, str]:
        other = Process("dbserver", "--dispatcher", self.fleet.address, "--port", "0", "--data", self.other_data)
        self.addCleanup(other.clean_up)
        return other, other.wait_ready("dbserver")

    def test_a_second_database_server_is_not_taken_in_and_takes_no_writes(self):
        address = self.fleet.frontends[0]
        self.assertEqual(update(address, 1)[0], 200)
        other, there = self.start_other()
        until(lambda: "does not take this database server" in other.errors(), "it is told why")
        self.assertIn("writes for this fleet", other.errors())
        self.assertEqual(http_call(there, "GET", "/readyz")[0], 503)
        status, headers = update(there, 99)
        self.assertEqual(status, 503)
        self.assertIn("retry-after", headers)
        self.assertEqual(len(self.fleet.addresses("dbserver")), 1)
        for points in range(2, 20):
            self.assertEqual(update(address, points)[0], 200)
        for frontend in self.fleet.frontends:
            until(lambda: get(frontend, "/v1/games/hockey")["points"] == {"gauls": 19}, "every write is there")
            self.assertEqual(place(frontend)[0], place(self.fleet.database)[0])

    def test_while_the_writer_is_stopped_nobody_takes_its_place_and_it_goes_on_when_it_wakes(self):
        address = self.fleet.frontends[0]
        self.assertEqual(update(address, 1)[0], 200)
        database = self.fleet.servers("dbserver")[0]
        board = place(database["address"])[0]
        os.kill(int(database["pid"]), signal.SIGSTOP)
        try:
            other, _ = self.start_other()
            until(lambda: not self.fleet.addresses("dbserver"), "the stopped one is missed", 60)
            until(lambda: "is away" in other.errors(), "the other one is told to wait")
        finally:
            os.kill(int(database["pid"]), signal.SIGCONT)
        until(lambda: self.fleet.addresses("dbserver") == [database["address"]], "the writer is back")
        until(lambda: update(address, 2)[0] == 200, "it writes again")
        self.assertEqual(place(address)[0], board)

    def test_a_writer_that_was_replaced_refuses_what_it_is_sent(self):
        address = self.fleet.frontends[0]
        self.assertEqual(update(address, 1)[0], 200)
        database = self.fleet.servers("dbserver")[0]
        until(lambda: place(address)[1] == 1, "it is there")
        epoch = get(database["address"], "/status")["writer_epoch"]
        commit = {"mutations": [{"updateScore": {"game": "chess", "points": {"a": 1}}}]}
        for sent, expected in ((epoch, 200), (epoch + 1, 503), (epoch - 1 or epoch + 2, 503)):
            self.assertEqual(http_call(database["address"], "POST", "/rpc/Database/Commit",
                                       commit | {"writerEpoch": sent})[0], expected, sent)


class Roles(unittest.TestCase):
    TOKENS = {"operator": "operators-token", "scorer": "scorers-token", "server": "servers-token"}
    MEMBERS_ONLY = ("Join", "Heartbeat", "Leave", "WatchView", "GetLeaderElectionLock", "ReleaseLeaderElectionLock")
    PEERS_ONLY = ("NewElection", "PassElection", "CoordinatorMessage", "GetClock", "AdjustClock", "Order")

    @classmethod
    def setUpClass(cls):
        with tempfile.NamedTemporaryFile("w", suffix=".tokens", delete=False) as file:
            file.writelines(f"{role} {token}\n" for role, token in cls.TOKENS.items())
        os.chmod(file.name, 0o600)
        cls.addClassCleanup(os.unlink, file.name)
        cls.tokens = file.name
        cls.fleet = Fleet("--token-file", file.name, servers=2, token=cls.TOKENS["operator"])
        cls.addClassCleanup(cls.fleet.clean_up)
        cls.fleet.wait_complete()  # and so servers prove themselves to each other

    def status(self, address: str, method: str, path: str, role: str, body=None) -> int:
        headers = {"Authorization": f"Bearer {self.TOKENS[role]}"} if role else {}
        return http_call(address, method, path, body, headers)[0]

    def only_servers(self, address: str, method: str, path: str, body=None) -> None:
        self.assertEqual(self.status(address, method, path, "", body), 401, path)
        for role in ("scorer", "operator"):
            self.assertEqual(self.status(address, method, path, role, body), 403, path)

    def test_only_servers_take_part_in_the_fleet(self):
        for name in self.MEMBERS_ONLY:
            self.only_servers(self.fleet.address, "POST", f"/rpc/Dispatcher/{name}", {})
        for path in ("/getLeaderElectionLock", "/releaseLeaderElectionLock"):
            self.only_servers(self.fleet.address, "POST", path, {})
        for address in [self.fleet.database, *self.fleet.frontends]:
            for name in self.PEERS_ONLY:
                self.only_servers(address, "POST", f"/rpc/Peer/{name}", {})
            for path in ("/newElection", "/passElection", "/coordinatorMessage"):
                self.only_servers(address, "POST", path, {})
            self.assertEqual(self.status(address, "GET", "/getClock", ""), 200)
        for path in ("/getAllServers", "/getAllFrontEndServers"):
            self.assertEqual(self.status(self.fleet.address, "GET", path, "operator"), 200)
            self.assertEqual(self.status(self.fleet.address, "GET", path, "scorer"), 403)
        joining = {"kind": "dbserver", "address": "127.0.0.1:7"}
        self.assertEqual(self.status(self.fleet.address, "POST", "/rpc/Dispatcher/Join", "server", joining), 412)

    def test_a_write_and_a_question_about_the_past_pass_between_servers_that_have_proved_themselves(self):
        address = self.fleet.frontends[0]
        update_of = {"game": "hockey", "points": {"gauls": 1}}
        self.assertEqual(self.status(address, "POST", "/update_score_by_game", "scorer", update_of), 200)
        self.assertEqual(self.status(address, "GET", "/v1/games/hockey/history", ""), 200)
        self.assertEqual(self.status(address, "GET", "/v1/games/hockey/history?view=live", "scorer"), 200)
        self.assertEqual(self.status(address, "GET", "/v1/games/hockey/history?view=live", ""), 401)

    def test_a_server_shows_nothing_to_who_has_not_proved_to_be_one(self):
        with socket.create_server(("127.0.0.1", 0)) as impostor:
            address = f"127.0.0.1:{impostor.getsockname()[1]}"
            frontend = Process("frontend", "--dispatcher", address, "--port", "0", "--token-file", self.tokens)
            self.addCleanup(frontend.clean_up)
            impostor.settimeout(60 * SCALE)
            for proof in (b"", bytes(32)):
                connection, _ = impostor.accept()
                with connection, connection.makefile("rb") as stream:
                    connection.settimeout(60 * SCALE)
                    length = int.from_bytes(stream.read(4), "big")
                    hello = stream.read(length)
                    self.assertEqual(len(wire.first(wire.decode(hello[16:]), 8)), 16)  # a nonce, and
                    connection.sendall(wire.frame(wire.WELCOME, body=wire.field(1, 1) + wire.field(7, proof)))
                    said = hello + stream.read()  # until it hangs up
                    self.assertNotIn(self.TOKENS["server"].encode(), said)
                    self.assertEqual(len(said), length)  # and nothing else


class NoBoardYet(unittest.TestCase):
    """A front-end whose database server has not answered yet."""

    def setUp(self):
        self.process = Process("frontend", "--database", "127.0.0.1:9", "--dispatcher", "127.0.0.1:9", "--port", "0")
        self.addCleanup(self.process.clean_up)
        self.address = self.process.wait_ready("frontend")

    def test_reads_and_streams_are_told_when_to_come_again(self):
        for path in ("/query_score_by_game?game=a", "/query_medal_tally_by_team?team=a", "/v1/games", "/v1/teams",
                     "/v1/games/a", "/v1/teams/a", "/v1/state", "/v1/stream", "/v1/feed"):
            status, headers, problem = http_call(self.address, "GET", path)
            self.assertEqual((status, problem["code"]), (503, "UNAVAILABLE"), path)
            self.assertIn("retry-after", headers, path)
        for name, body in (("QueryScoreByGame", {"game": "a"}), ("QueryMedalTallyByTeam", {"team": "a"}),
                           ("ListGames", {}), ("ListTeams", {}), ("Subscribe", {}),
                           ("RegisterClient", {"clientId": "a"})):
            status, headers, _ = http_call(self.address, "POST", f"/rpc/FrontEnd/{name}", body)
            self.assertEqual(status, 503, name)
            self.assertIn("retry-after", headers, name)
        with self.assertRaisesRegex(OSError, "503"):
            WebSocket(self.address)
        client = wire.Client(self.address)
        self.addCleanup(client.close)
        for method in (wire.QUERY_SCORE, wire.QUERY_TALLY, wire.SUBSCRIBE, wire.REGISTER_CLIENT, 0x0208, 0x0209):
            with self.assertRaises(wire.Failed) as refused:
                list(client.stream(method, wire.field(1, "a") if method < 0x0208 else b""))
            self.assertEqual(refused.exception.status, wire.UNAVAILABLE, hex(method))
            self.assertGreater(wire.first(refused.exception.error, 3), 0)


if __name__ == "__main__":
    unittest.main()
