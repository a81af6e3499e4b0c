#!/usr/bin/env python3
"""Servers under people who send much and read little: what they hold stays bounded, and others are answered."""
import base64
import json
import os
import pathlib
import resource
import select
import socket
import stat
import subprocess
import tempfile
import time
import unittest

from fleet import PROGRAM, SCALE, FleetTest, get, http_call, until
from wire import HELLO, INVALID_ARGUMENT, REQUEST, SUBSCRIBE, Client, Failed, decode, field, first, frame

DESCRIBE, LIST_GAMES, COMMIT = 0x0001, 0x0208, 0x0305
# Of any server, whatever is sent to it here; unbounded, each attack takes more than a GiB. A sanitizer keeps a
# shadow of all memory, and what is freed for a while.
RSS_MAX_MIB = 300 * SCALE
GAMES, TEAMS_A_GAME = 60, 250


def rss_mib(pid: int) -> int:
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024


def connect(address: str) -> socket.socket:
    """One that takes little: what is not read waits at the server, not in the kernel."""
    host, port = address.rsplit(":", 1)
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.settimeout(30 * SCALE)
    made.connect((host, int(port)))
    return made


def push(to: socket.socket, data: bytes, stalled_s: float = 1.0) -> int:
    """Sends until the peer takes no more for a while; how much it took."""
    to.setblocking(False)
    sent = 0
    while sent < len(data) and select.select([], [to], [], stalled_s)[1]:
        try:
            sent += to.send(data[sent:sent + 65536])
        except OSError:
            break
    return sent


def greeting() -> bytes:
    return frame(HELLO, body=field(1, 1) + field(2, 1) + field(3, "client"))


class LimitsTest(FleetTest):
    SERVERS = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        points = {f"{n:03} " + "x" * 100: n for n in range(TEAMS_A_GAME)}
        for n in range(GAMES):
            status, _, body = http_call(cls.fleet.database, "PUT", f"/v1/games/large{n}", {"points": points})
            assert status == 200, body
        cls.frontend = cls.fleet.frontends[0]
        until(lambda: get(cls.frontend, f"/v1/games/large{GAMES - 1}"), "the board is there")

    def setUp(self):
        self.open: list[socket.socket] = []

    def tearDown(self):
        for one in self.open:
            one.close()
        self.assertEqual(get(self.frontend, "/readyz"), "ok\n")
        for pid, line in self.fleet.all_pids().items():
            self.assertLess(rss_mib(pid), RSS_MAX_MIB, line)

    def attacker(self) -> socket.socket:
        self.open.append(connect(self.frontend))
        return self.open[-1]

    def honest_is_answered(self):
        status, _, _ = http_call(self.frontend, "GET", "/v1/games/large0")
        self.assertEqual(status, 200)

    def test_pipelined_requests_whose_answers_nobody_reads(self):
        for method, body in ((LIST_GAMES, field(2, 1000)), (DESCRIBE, b"")):
            for _ in range(4):
                requests = b"".join(frame(REQUEST, method, n, 60_000, body) for n in range(1, 5000))
                push(self.attacker(), greeting() + requests)
            self.honest_is_answered()

    def test_pipelined_http_requests_whose_answers_nobody_reads(self):
        for _ in range(4):
            push(self.attacker(), b"GET /v1/games?page_size=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 3000)
        self.honest_is_answered()

    def test_subscriptions_whose_events_nobody_reads(self):
        for _ in range(4):
            push(self.attacker(), greeting() +
                 b"".join(frame(REQUEST, SUBSCRIBE, n, 60_000, field(1, "games/*")) for n in range(1, 1000)))
        for path in ("/v1/stream?topics=games/*", "/v1/feed"):
            for _ in range(20):
                push(self.attacker(), f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        self.honest_is_answered()

    def test_subscriptions_of_a_websocket_that_reads_nothing(self):
        key = base64.b64encode(os.urandom(16))
        text = json.dumps({"subscribe": ["games/*"]}).encode()
        message = bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text  # masked with zeros
        for _ in range(4):
            one = self.attacker()
            one.sendall(b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n")
            self.assertIn(b" 101 ", one.recv(4096))
            push(one, message * 3000)
        self.honest_is_answered()

    def test_a_subscription_names_only_so_many_topics(self):
        client = Client(self.frontend)
        for count, said in ((5_000, "not 5000 of "), (100_000, "not a request of 788890 bytes")):
            with self.assertRaises(Failed) as refused:
                next(client.stream(SUBSCRIBE, b"".join(field(1, f"g{n}") for n in range(count))))
            self.assertEqual(refused.exception.status, INVALID_ARGUMENT)
            self.assertIn(said, str(refused.exception))
        client.close()

    def test_half_of_many_bodies_is_counted(self):
        head = b"POST /update_score_by_game HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
        for _ in range(40):
            push(self.attacker(), head + b"x" * 500_000)
        held = until(lambda: (s := get(self.frontend, "/status")) and s["held_bytes"]["here"] > 10_000_000 and s,
                     "they are counted")["held_bytes"]
        self.assertLessEqual(held["here"], held["machine"])
        self.assertLess(held["here"], 60_000_000)
        self.honest_is_answered()

    def test_lists_come_in_pages_of_bytes(self):
        token, names, pages = "", set(), 0
        while True:
            status, headers, page = http_call(self.frontend, "GET", f"/v1/games?page_size=1000&page_token={token}")
            self.assertEqual(status, 200)
            self.assertLess(int(headers["content-length"]), 1_200_000)
            names |= {game["game"] for game in page["games"]}
            pages += 1
            token = page["next_page_token"]
            if not token:
                break
        self.assertGreaterEqual(len(names), GAMES)
        self.assertGreater(pages, 1)

    def test_a_commit_of_many_large_states_says_of_each_what_became_of_it(self):
        update = field(3, field(1, "large0") + field(3, field(1, "000") + field(2, 1)))  # of one team's points
        client = Client(self.fleet.database)
        answer = next(client.stream(COMMIT, b"".join(field(1, update) for _ in range(300))))
        outcomes = [decode(one) for one in answer[2]]
        client.close()
        self.assertEqual([first(one, 1) for one in outcomes], [1] * 300)  # applied
        sequences = [first(one, 2) for one in outcomes]
        self.assertEqual(sequences, list(range(sequences[0], sequences[0] + 300)))
        left_out = [first(one, 7) for one in outcomes]
        self.assertIn(1, left_out)
        self.assertEqual([5 in one for one in outcomes], [not out for out in left_out])
        self.assertLess(sum(len(one) for one in answer[2]), 5 << 20)

    def test_strings_that_are_no_utf8_do_not_fill_the_log(self):
        before = len(self.fleet.dispatcher.errors())
        for _ in range(300):
            with connect(self.frontend) as one:
                one.sendall(frame(HELLO, body=field(1, 1) + field(2, 1) + field(4, b"\xff\xfe" * 1000)))
                one.recv(4096)
        self.assertLess(len(self.fleet.dispatcher.errors()) - before, 20_000)

    def test_files_are_nobody_elses(self):
        for path in (pathlib.Path(self.fleet.data), *pathlib.Path(self.fleet.data).rglob("*")):
            mode = stat.S_IMODE(path.lstat().st_mode)
            self.assertEqual(mode, 0o700 if path.is_dir() else 0o600, path)


class StartingTest(unittest.TestCase):
    def started(self, *arguments: str, **others) -> subprocess.Popen:
        child = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True, **others)
        self.addCleanup(self.end, child)
        return child

    @staticmethod
    def end(child: subprocess.Popen) -> None:
        child.kill()
        child.wait()
        for stream in (child.stdout, child.stderr):
            stream.close()

    def dead_address(self) -> str:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return f"127.0.0.1:{one.getsockname()[1]}"

    def hears(self, child: subprocess.Popen, *words: str) -> str:
        """The first line on stderr with all the words, within a second or, on a slow machine, a few."""
        began = time.monotonic()
        for line in child.stderr:
            if all(word in line for word in words):
                self.assertLess(time.monotonic() - began, 10 * SCALE)
                return line
        raise AssertionError(f"no line with {words}")

    def test_an_address_where_nobody_is_is_named_with_the_reason(self):
        nobody = self.dead_address()
        self.hears(self.started("frontend", "--port", "0", "--dispatcher", nobody), nobody, "refused")
        client = self.started("client", "--dispatcher", nobody)
        self.hears(client, nobody, "refused")
        self.assertEqual(client.wait(30 * SCALE), 1)

    def test_a_token_file_without_the_servers_token_starts_no_fleet(self):
        with tempfile.TemporaryDirectory() as folder:
            tokens = pathlib.Path(folder) / "tokens"
            tokens.write_text("scorer pen\n")
            child = self.started("dispatcher", "--port", "0", "--data", folder + "/data", "--token-file", str(tokens))
            self.hears(child, str(tokens), "server TOKEN")
            self.assertEqual(child.wait(30 * SCALE), 1)

    def test_tokens_that_others_may_read_are_spoken_of(self):
        with tempfile.TemporaryDirectory() as folder:
            tokens = pathlib.Path(folder) / "tokens"
            tokens.write_text("server iron\n")
            tokens.chmod(0o644)
            child = self.started("dbserver", "--port", "0", "--data", folder + "/data", "--token-file", str(tokens))
            self.hears(child, str(tokens), "chmod 600")

    def test_capacity_is_what_there_are_descriptors_for(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (200, 400))

        child = self.started("frontend", "--port", "0", "--database", self.dead_address(), preexec_fn=few)
        self.hears(child, "272 clients")
        address = child.stdout.readline().split()[2]
        status = get(address, "/status")
        self.assertEqual(status["capacity"], 272)
        self.assertEqual(status["descriptors"]["max"], 400)
        self.assertLess(status["descriptors"]["left"], 400)
        held = [socket.create_connection(address.rsplit(":", 1)) for _ in range(5)]
        for one in held:
            one.close()

    def test_without_a_descriptor_left_a_server_is_not_ready(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))

        child = self.started("dbserver", "--port", "0", "--data", tempfile.mkdtemp(), preexec_fn=few)
        address = child.stdout.readline().split()[2]
        until(lambda: get(address, "/readyz"), "it is ready")
        asking = connect(address)
        others = [connect(address) for _ in range(100)]
        request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n"

        def not_ready():
            asking.sendall(request)
            return b"503" in (answer := asking.recv(4096)) and b"no file descriptor is left of 100" in answer

        until(not_ready, "it says so")
        for one in others:
            one.close()

        def ready():
            asking.sendall(request)
            return b" 200 " in asking.recv(4096)

        until(ready, "it is ready again")
        asking.close()
        self.assertIn("is turned away", self.hears(child, "is turned away"))


if __name__ == "__main__":
    unittest.main()
