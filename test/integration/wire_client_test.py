"""The wire protocol as a stranger sees it, on every server."""
import pathlib
import socket
import struct
import subprocess
import sys
import unittest

import wire
from fleet import SCALE, FleetTest, until

HERE = pathlib.Path(__file__).parent


class WireClientTest(FleetTest):
    SERVERS = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.frontend = cls.fleet.frontends[0]

    def speak(self, data: bytes, address: str = "") -> bytes:
        """Sends bytes and reads until the server closes."""
        host, port = (address or self.frontend).rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=30 * SCALE) as connection:
            connection.sendall(data)
            received = b""
            while part := connection.recv(65536):
                received += part
            return received

    def frames(self, data: bytes) -> list[tuple[int, int, int, bytes]]:
        found = []
        while data:
            length, kind, _, code, number, _ = struct.unpack(">IBBHQI", data[:20])
            found.append((kind, code, number, data[20:4 + length]))
            data = data[4 + length:]
        return found

    def last_words(self, data: bytes, address: str = "") -> tuple[int, str]:
        """Status and message of the GOAWAY that ends a connection."""
        kind, code, _, body = self.frames(self.speak(data, address))[-1]
        self.assertEqual(kind, wire.GOAWAY)
        return code, wire.text(wire.decode(body), 1)

    def test_the_client_of_thirty_lines_sets_a_score_and_reads_it_back(self):
        client = subprocess.run([sys.executable, HERE / "wire_client.py", self.frontend, "thirty lines", "gauls", "7"],
                                capture_output=True, text=True, timeout=60 * SCALE)
        self.assertEqual(client.returncode, 0, client.stdout + client.stderr)
        lines = [line.split() for line in client.stdout.splitlines()]
        self.assertEqual([line[:3] for line in lines],
                         [["WELCOME", "0", "0"], ["REPLY", "0", "1"], ["REPLY", "0", "2"]])
        for line in lines[1:]:
            score = wire.decode(bytes.fromhex(line[3]))
            self.assertEqual(wire.text(score, 1), "thirty lines")
            self.assertEqual(wire.points_of(score), {"gauls": 7})
        self.assertEqual(lines[1][3], lines[2][3], "the reader sees the state its write was answered with")

    def test_the_specifications_example_is_answered_with_its_bytes(self):
        hello = bytes.fromhex("00000024010000000000000000000000000000000801100 11a06636c69656e742a066f62656c6978"
                              .replace(" ", ""))
        query = bytes.fromhex("000000180300020300000000000000010000 07d00a06686f636b6579".replace(" ", ""))
        reply = bytes.fromhex("000000260400000500000000000000010000 00550a146e6f20737563682067616d653a20686f636b6579"
                              .replace(" ", ""))
        host, port = self.frontend.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=30 * SCALE) as connection, \
                connection.makefile("rb") as stream:
            connection.sendall(hello + query)  # right behind HELLO, without waiting
            length, kind = struct.unpack(">IB", stream.read(5))
            stream.read(length - 1)
            self.assertEqual(kind, wire.WELCOME)
            header = stream.read(20)
            body = stream.read(struct.unpack(">I", header[:4])[0] - 16)
        self.assertEqual(header[4:16], reply[4:16])  # all but the length and the time spent
        error, expected = wire.decode(body), wire.decode(reply[20:])
        self.assertEqual(error[1], expected[1])

    def test_an_idempotency_key_counts_once(self):
        client = wire.Client(self.frontend)
        self.addCleanup(client.close)
        medal = wire.field(1, "gauls") + wire.field(2, "gold") + wire.field(3, 1)
        answers = [client.call(wire.INCREMENT_TALLY, medal, key="k-1") for _ in range(3)]
        self.assertEqual([wire.first(answer, 2) for answer in answers], [1, 1, 1])
        self.assertEqual(wire.first(client.call(wire.INCREMENT_TALLY, medal, key="k-2"), 2), 2)

    def test_replies_come_for_every_request_of_a_burst(self):
        count = 500
        requests = b"".join(wire.frame(wire.REQUEST, wire.QUERY_SCORE, number, 30_000, wire.field(1, "no such game"))
                            for number in range(1, count + 1))
        client = wire.Client(self.frontend)
        self.addCleanup(client.close)
        client.send(requests)
        answered = {client.receive()[:3] for _ in range(count)}
        self.assertEqual(answered, {(wire.REPLY, wire.NOT_FOUND, number) for number in range(1, count + 1)})

    def test_an_unknown_method_is_unimplemented_and_the_connection_goes_on(self):
        client = wire.Client(self.frontend)
        self.addCleanup(client.close)
        with self.assertRaises(wire.Failed) as failure:
            client.call(0x7777)
        self.assertEqual(failure.exception.status, 12)
        with self.assertRaises(wire.Failed) as failure:
            client.call(wire.QUERY_SCORE, wire.field(1, "still here"))
        self.assertEqual(failure.exception.status, wire.NOT_FOUND)

    def test_a_body_that_is_not_protobuf_is_an_invalid_argument(self):
        client = wire.Client(self.frontend)
        self.addCleanup(client.close)
        with self.assertRaises(wire.Failed) as failure:
            client.call(wire.QUERY_SCORE, b"\x0a\x7fshort")
        self.assertEqual(failure.exception.status, wire.INVALID_ARGUMENT)

    def test_ping_is_echoed(self):
        client = wire.Client(self.frontend)
        self.addCleanup(client.close)
        client.send(wire.frame(wire.PING, body=b"x" * 64))
        self.assertEqual(client.receive(), (wire.PONG, 0, 0, b"x" * 64))

    def test_a_cancelled_stream_ends_with_its_reply(self):
        client = wire.Client(self.frontend)
        self.addCleanup(client.close)
        client.send(wire.frame(wire.REQUEST, wire.SUBSCRIBE, 1, 60_000, wire.field(1, "games/nothing happens here")))
        client.send(wire.frame(wire.CANCEL, number=1))
        kind = wire.EVENT
        while kind == wire.EVENT:
            kind, code, number, _ = client.receive()
        self.assertEqual((kind, code, number), (wire.REPLY, 1, 1))

    def test_every_server_says_goodbye_to_what_it_does_not_understand(self):
        hello = wire.frame(wire.HELLO, body=wire.field(1, 1) + wire.field(2, 1))
        for address in (self.fleet.address, self.fleet.database, self.frontend):
            with self.subTest(address):
                for bad in (wire.frame(10), wire.frame(wire.REQUEST, flags=0x80), b"\0\0\0\x0f" + b"\0" * 16):
                    code, message = self.last_words(hello + bad, address)
                    self.assertEqual(code, wire.INVALID_ARGUMENT, message)
                    self.assertTrue(message)
                code, _ = self.last_words(hello + struct.pack(">I", 2 << 20) + b"\3" + b"\0" * 15, address)
                self.assertEqual(code, 8)

    def test_a_version_nobody_speaks_is_refused_with_the_range_that_is_spoken(self):
        code, message = self.last_words(wire.frame(wire.HELLO, body=wire.field(1, 7) + wire.field(2, 9)))
        self.assertEqual(code, wire.FAILED_PRECONDITION)
        self.assertIn("1", message)

    def test_kinds_of_a_later_version_are_skipped(self):
        client = wire.Client(self.frontend)
        self.addCleanup(client.close)
        client.send(wire.frame(200, body=b"whatever this may be") + wire.frame(wire.PING, body=b"here"))
        self.assertEqual(client.receive(), (wire.PONG, 0, 0, b"here"))

    def test_what_is_no_protocol_of_ours_gets_one_readable_line(self):
        answer = self.speak(b"\x7fnonsense").decode()
        self.assertEqual(answer.count("\n"), 1)
        self.assertTrue(answer.strip().isprintable(), answer)

    def test_a_caller_never_sees_an_older_state_than_it_has_seen(self):
        writer = wire.Client(self.frontend)
        self.addCleanup(writer.close)
        written = writer.call(wire.UPDATE_SCORE, wire.update_score("monotonic", {"gauls": 1}))
        sequence = wire.first(written, 6)
        for server in self.fleet.frontends + [self.fleet.database]:
            reader = wire.Client(server)
            self.addCleanup(reader.close)
            method = wire.DATABASE_QUERY_SCORE if server == self.fleet.database else wire.QUERY_SCORE
            seen = reader.call(method, wire.field(1, "monotonic"), seen=sequence)
            self.assertGreaterEqual(wire.first(seen, 6), sequence)

    def test_a_silent_newcomer_is_dropped(self):
        host, port = self.frontend.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=30 * SCALE) as connection:
            connection.sendall(b"\0")  # the beginning of a HELLO that never comes
            until(lambda: not self.receive_now(connection), "the server gives up on us", 20)

    @staticmethod
    def receive_now(connection: socket.socket) -> bytes:
        try:
            return connection.recv(4096)
        except ConnectionResetError:
            return b""


if __name__ == "__main__":
    unittest.main()
