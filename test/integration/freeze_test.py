"""Freezing over real servers: nothing public changes anywhere, whoever is killed meanwhile; a scorer goes on; a thaw
publishes what happened, each event once."""
import http.client
import itertools
import json
import os
import signal
import subprocess
import threading
import time
import unittest
import uuid
from socket import SHUT_RDWR

import wire
from fleet import PROGRAM, SCALE, FleetTest, get, http_call, until
from websocket import WebSocket


class Stream(threading.Thread):
    """Follows /v1/stream at one address until closed; comes back after losses by Last-Event-ID."""

    def __init__(self, address: str, query: str = ""):
        super().__init__(daemon=True)
        self.address, self.query = address, query
        self.sequences: list[int] = []
        self.starts: list[str] = []
        self.last = ""
        self.closing = False
        self.connection = None
        self.start()
        until(lambda: self.starts, f"the stream of {address} has begun")

    def run(self) -> None:
        while not self.closing:
            try:
                self.follow()
            except (OSError, http.client.HTTPException, AttributeError):
                threading.Event().wait(0.05)

    def follow(self) -> None:
        host, port = self.address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=60 * SCALE)
        self.connection.request("GET", "/v1/stream" + self.query,
                                headers={"Last-Event-ID": self.last} if self.last else {})
        answer = self.connection.getresponse()
        try:
            self.read(answer)
        finally:
            answer.close()
            self.connection.close()

    def read(self, answer) -> None:
        name = ""
        for line in answer:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "id":
                self.last = value
            elif field == "data" and name in ("snapshot", "resumed", "reset"):
                self.starts.append(name)
            elif field == "data":
                self.sequences.append(json.loads(value)["sequence"])

    def close(self) -> None:
        self.closing = True
        if self.connection and (socket := self.connection.sock):
            socket.shutdown(SHUT_RDWR)
        self.join(60 * SCALE)


class Follower(threading.Thread):
    """Notes the sequences of what `read` yields, until closed."""

    def __init__(self, name: str, read, wake, release):
        super().__init__(daemon=True)
        self.name, self.read, self.wake, self.release = name, read, wake, release
        self.sequences: list[int] = []
        self.start()

    def run(self) -> None:
        try:
            for sequence in self.read:
                self.sequences.append(sequence)
        except (OSError, ValueError, AttributeError, http.client.HTTPException, wire.Gone):
            pass  # closed

    def close(self) -> None:
        self.wake()
        self.join(60 * SCALE)
        self.release()


def follow_by_wire(address: str, topic: str) -> Follower:
    client = wire.Client(address, timeout=60 * SCALE)
    events = client.stream(wire.SUBSCRIBE, wire.field(1, topic), budget_ms=600_000)
    return Follower("wire", (wire.first(event, 1) for event in events if 3 in event), client.shut, client.close)


def follow_lines(address: str, topic: str) -> Follower:
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=60 * SCALE)
    connection.request("GET", f"/v1/feed?topics={topic.replace(' ', '%20')}")
    answer = connection.getresponse()
    held = connection.sock or answer.fp.raw._sock  # the answer keeps a connection that will be closed

    def sequences():
        for line in answer:
            event = json.loads(line)
            if event.get("type") == "score":
                yield event["sequence"]
    def release():
        answer.close()
        held.close()
    return Follower("NDJSON", sequences(), lambda: held.shutdown(SHUT_RDWR), release)


def follow_by_websocket(address: str, topic: str) -> Follower:
    client = WebSocket(address, timeout=60 * SCALE)
    client.send({"subscribe": [topic]})

    def sequences():
        while True:
            event = json.loads(client.receive())
            if event.get("type") == "score":
                yield event["sequence"]
    return Follower("WebSocket", sequences(), client.shut, client.close)


class FreezeTest(FleetTest):
    SERVERS = 2

    def setUp(self):
        self.fleet.wait_complete()
        self.game = f"frozen {uuid.uuid4().hex[:8]}"
        self.path = "/v1/games/" + self.game.replace(" ", "%20")
        self.killed: set[str] = set()
        self.addCleanup(self.freeze, False)

    def servers(self) -> list[str]:
        return [self.fleet.database, *self.fleet.frontends]

    def put(self, address: str, path: str, body, **headers):
        status, _, answer = http_call(address, "PUT", path, body, headers)
        self.assertEqual(status, 200, answer)
        return answer

    def freeze(self, frozen: bool, address: str = "") -> int:
        answer = self.put(address or self.fleet.frontends[0], "/v1/state", {"frozen": frozen})
        self.assertEqual(answer["frozen"], frozen)
        self.wait_for(answer["sequence"])
        return answer["sequence"]

    def wait_for(self, sequence: int) -> None:
        for address in self.servers():
            until(lambda: (get(address, "/status") or {"sequence": 0})["sequence"] >= sequence,
                  f"{address} has {sequence}")

    def score(self, points: int) -> int:
        return self.put(self.fleet.frontends[-1], self.path, {"points": {"A": points}})["sequence"]

    def medal(self, team: str) -> int:
        status, _, answer = http_call(self.fleet.frontends[0], "POST", "/increment_medal_tally",
                                      {"team": team, "medal": "gold"})
        self.assertEqual(status, 200, answer)
        return answer["sequence"]

    def public(self, address: str) -> dict:
        """Everything the public can ask, with its ETags."""
        seen = {}
        for path in (self.path, self.path + "/history", "/v1/games", "/v1/teams", "/v1/state",
                     f"/v1/games?at={time.time() + 3600:.3f}", f"/v1/teams?at={time.time() + 3600:.3f}"):
            status, headers, body = http_call(address, "GET", path)
            seen[path.split("=")[0]] = (status, headers.get("etag"), headers.get("stadion-seen"), body)
        service = "Database" if address == self.fleet.database else "FrontEnd"
        seen["QueryScoreByGame"] = http_call(address, "POST", f"/rpc/{service}/QueryScoreByGame", {"game": self.game})[2]
        return seen

    def kill(self, kind: str) -> None:
        server = self.fleet.servers(kind)[0]
        self.killed.add(server["address"])
        os.kill(server["pid"], signal.SIGKILL)
        until(lambda: server["pid"] not in [s["pid"] for s in self.fleet.servers(kind)], f"the {kind} is missed")
        self.fleet.wait_complete()

    def test_nothing_public_changes_until_the_thaw_whoever_is_killed(self):
        team, other = f"T {self.game}", f"U {self.game}"
        self.score(1)
        before_thaw = self.medal(team)
        self.wait_for(before_thaw)
        streams = [Stream(address) for address in self.servers()]
        for stream in streams:
            self.addCleanup(stream.close)
        frozen_at = self.freeze(True)
        public = {address: self.public(address) for address in self.servers()}
        state = get(self.fleet.database, "/v1/state")
        self.assertEqual((state["frozen"], state["sequence"]), (True, frozen_at))

        hidden = [self.score(2), self.medal(other), self.medal(other), self.score(3)]
        self.wait_for(hidden[-1])
        for address in self.servers():
            self.assertEqual(self.public(address), public[address], f"at {address}")
        for kind in ("dbserver", "frontend"):
            self.kill(kind)
            hidden.append(self.score(len(hidden)))
            self.wait_for(hidden[-1])
            reference = public[next(iter(public))]
            for address in self.servers():
                self.assertEqual(self.public(address), reference, f"at {address} after the {kind} was killed")
                self.check_live_view(address, team, other, reference)
        for stream in streams:
            self.assertEqual([s for s in stream.sequences if s >= frozen_at], [], stream.address)

        thawed_at = self.freeze(False)
        after = self.score(9)
        self.wait_for(after)
        for stream in streams:
            until(lambda: after in stream.sequences or stream.closing, f"{stream.address} has what happened")
            seen = [s for s in stream.sequences if s >= frozen_at]
            # A server that was started again may hold no events from before, and says so by a reset.
            if stream.address in self.killed and "reset" in stream.starts:
                self.assertEqual(seen, [*hidden, after][-len(seen):], stream.address)
            else:
                self.assertEqual(seen, [*hidden, after], stream.address)
                self.assertNotIn("reset", stream.starts)
        for address in self.servers():
            self.assertEqual(get(address, self.path)["points"], {"A": 9})
            self.assertEqual(get(address, "/v1/state")["frozen"], False)
        self.assertGreater(thawed_at, hidden[-1])

    def test_followers_hear_nothing_until_the_thaw_and_then_everything_once(self):
        topic = "games/" + self.game
        self.score(0)
        address = self.fleet.frontends[0]
        followers = [follow(address, topic) for follow in (follow_by_wire, follow_lines, follow_by_websocket)]
        for follower in followers:
            self.addCleanup(follower.close)
        points = itertools.count(1)
        for follower in followers:
            until(lambda: self.score(next(points)) and follower.sequences, f"{follower.name} has begun")
        before = self.score(next(points))
        for follower in followers:
            until(lambda: before in follower.sequences, f"{follower.name} is up to date")
        frozen_at = self.freeze(True)
        hidden = [self.score(1000 + number) for number in range(5)]
        self.wait_for(hidden[-1])
        for follower in followers:
            self.assertEqual([s for s in follower.sequences if s > frozen_at], [], follower.name)
        self.freeze(False)
        last = self.score(2000)
        for follower in followers:
            until(lambda: last in follower.sequences, f"{follower.name} has what happened")
            self.assertEqual([s for s in follower.sequences if s > frozen_at], [*hidden, last], follower.name)

    def check_live_view(self, address: str, team: str, other: str, public: dict) -> None:
        live = get(address, self.path + "?view=live")
        self.assertGreater(live["version"], public[self.path][3]["version"])
        self.assertIn(other, [t["team"] for t in get(address, "/v1/teams?view=live")["teams"]])
        self.assertGreater(len(get(address, self.path + "/history?view=live")["history"]), 1)
        difference = get(address, "/v1/state/difference")
        [game] = [g for g in difference["games"] if g["game"] == self.game]
        self.assertEqual((game["public"], game["live"]), (public[self.path][3], live))
        teams = {t["team"]: t for t in difference["teams"]}
        self.assertIsNone(teams[other]["public"])
        self.assertEqual(teams[other]["live"]["medals"]["gold"], 2)
        self.assertEqual(teams[team]["live"]["rank"], teams[team]["public"]["rank"] + 1, "it was overtaken")

    def test_a_scorer_who_wrote_while_frozen_and_reads_publicly_is_answered_at_once(self):
        self.score(1)
        self.freeze(True)
        written = self.score(2)
        for address in self.servers():
            began = time.monotonic()
            status, _, body = http_call(address, "GET", self.path, headers={"Stadion-Seen": str(written)})
            self.assertEqual((status, body["points"]), (200, {"A": 1}))
            self.assertLess(time.monotonic() - began, 1.5 * SCALE)

    def test_the_same_key_freezes_once(self):
        key = {"Idempotency-Key": uuid.uuid4().hex}
        first = self.put(self.fleet.frontends[0], "/v1/state", {"frozen": True}, **key)
        self.freeze(False)
        again = self.put(self.fleet.frontends[1], "/v1/state", {"frozen": True}, **key)
        self.assertEqual(again, first)
        self.assertFalse(get(self.fleet.database, "/v1/state")["frozen"])
        status, _, _ = http_call(self.fleet.frontends[0], "PUT", "/v1/state", {"frozen": False}, key)
        self.assertEqual(status, 422)

    def test_what_is_no_state_is_refused(self):
        for address in self.servers():
            for body in ({}, {"frozen": "yes"}, []):
                status, _, problem = http_call(address, "PUT", "/v1/state", body)
                self.assertEqual((status, problem["code"]), (400, "INVALID_ARGUMENT"))
            status, _, _ = http_call(address, "GET", self.path + "?view=all")
            self.assertEqual(status, 400)

    def test_lists_as_they_stood_at_a_time(self):
        self.score(1)
        team = f"T {self.game}"
        self.wait_for(self.medal(team))
        first = get(self.fleet.database, self.path)["updated_at"]
        then = get(self.fleet.database, "/v1/teams/" + team.replace(" ", "%20"))["updated_at"]
        self.score(2)
        self.wait_for(self.medal(team))
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(int(then))) + f"{then % 1:.6f}"[1:] + "Z"
        for address in self.servers():
            for at in (f"{then:.6f}", stamp):
                games = {g["game"]: g for g in get(address, f"/v1/games?page_size=1000&at={at}")["games"]}
                self.assertEqual(games[self.game]["points"], {"A": 1}, at)
                teams = {t["team"]: t for t in get(address, f"/v1/teams?at={at}")["teams"]}
                self.assertEqual((teams[team]["medals"]["gold"], "rank" in teams[team]), (1, True))
            before = get(address, f"/v1/games?page_size=1000&at={first - 0.000001:.6f}")["games"]
            self.assertNotIn(self.game, [g["game"] for g in before])
            status, _, problem = http_call(address, "GET", "/v1/games?at=yesterday")
            self.assertEqual((status, problem["code"]), (400, "INVALID_ARGUMENT"))
            self.assertIn("yesterday", problem["detail"])

    def client(self, *lines: str) -> list[str]:
        """What `stadion client` answers to these lines."""
        ran = subprocess.run([PROGRAM, "client", "--dispatcher", self.fleet.address, "--user", uuid.uuid4().hex],
                             input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=60 * SCALE)
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        return ran.stdout.splitlines()

    def test_a_scorer_freezes_compares_undoes_and_thaws_in_the_client(self):
        self.score(1)
        [said] = self.client("freeze")
        self.assertRegex(said, r"^frozen since #\d+: ")
        mistake = self.score(7)
        self.wait_for(mistake)
        lines = self.client("difference")
        self.assertIn(f"public  {self.game}: A 1", "\n".join(lines))
        self.assertIn(f"  live  {self.game}: A 7", "\n".join(lines))
        [undone] = self.client(f"reverse {mistake} counted twice")
        self.assertIn(f"{self.game}: A 1", undone)
        [said] = self.client("thaw")
        self.assertRegex(said, r"^not frozen: ")
        self.assertEqual(get(self.fleet.frontends[0], self.path)["points"], {"A": 1})
        refused = subprocess.run([PROGRAM, "client", "--dispatcher", self.fleet.address], text=True,
                                 input="reverse 999999999 nothing there\n", capture_output=True, timeout=60 * SCALE)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("NOT_FOUND", refused.stderr)


if __name__ == "__main__":
    unittest.main()
