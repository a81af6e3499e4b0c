#!/usr/bin/env python3
"""HTTP that is meant to do harm, at every kind of server: nothing dies, nothing of it is obeyed, others are answered."""
import signal
import socket
import unittest

from fleet import SCALE, FleetTest, get, http_call, until
from websocket import WebSocket

UPGRADE = (b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")
FOREIGN = ({"Host": "rebound.example"}, {"Origin": "http://evil.example"}, {"Origin": "null"},
           {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"})


def exchange(address: str, data: bytes) -> bytes:
    """What the server answers until it closes or has been silent for a moment."""
    host, port = address.rsplit(":", 1)
    answer = b""
    with socket.create_connection((host, int(port)), timeout=10 * SCALE) as connection:
        try:
            connection.sendall(data)
            connection.settimeout(1 * SCALE)
            while part := connection.recv(1 << 16):
                answer += part
        except OSError:
            pass  # closed with our bytes unread, or silent
    return answer


def request(method: str, path: str, *headers: bytes, body: bytes = b"", host: bytes = b"localhost") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return (f"{method} {path} HTTP/1.1\r\n".encode() + b"Host: " + host + b"\r\n" + length + b"".join(headers) +
            b"\r\n" + body)


class HostileHttpTest(FleetTest):
    SERVERS = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.everyone = [cls.fleet.address, cls.fleet.database, *cls.fleet.frontends]
        cls.pids = set(cls.fleet.all_pids())

    def tearDown(self):
        for address in self.everyone:
            until(lambda: get(address, "/livez") is not None, f"{address} lives")
        self.assertEqual(set(self.fleet.all_pids()), self.pids, "a server died")
        self.assertNotIn("Assertion", self.fleet.dispatcher.errors())

    def test_trailers_and_chunk_extensions_neither_kill_nor_command(self):
        head = (b"Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        body = b'{"game":"trailed","points":{"a":1}}'
        chunk = b"%x\r\n%s\r\n" % (len(body), body)
        for address in self.everyone:
            post = b"POST /update_score_by_game HTTP/1.1\r\n" + head
            self.assertRegex(exchange(address, post + chunk + b"0\r\nA: " + b"x" * 200_000 + b"\r\n\r\n"),
                             rb"^HTTP/1.1 431 ")
            self.assertRegex(exchange(address, post + b"3;" + b"x" * 200_000), rb"^HTTP/1.1 400 ")
            # Were it a header, it would not fit the version.
            self.assertRegex(exchange(address, post + chunk + b'0\r\nIf-Match: "77"\r\n\r\n'), rb"^HTTP/1.1 200 ")

    def test_an_upgrade_behind_answers_that_nobody_reads(self):
        for address in self.everyone:
            flood = request("GET", "/metrics") * 400 + request("GET", "/v1/ws", UPGRADE)
            host, port = address.rsplit(":", 1)
            with socket.socket() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.settimeout(30 * SCALE)
                connection.connect((host, int(port)))
                connection.sendall(flood)
                until(lambda: get(address, "/livez"), "it answers others meanwhile")
                answer = b""
                while b"101 Switching" not in answer:
                    part = connection.recv(1 << 16)
                    self.assertTrue(part, "it was closed before its turn")
                    answer = answer[-100:] + part

    def test_after_a_refused_upgrade_a_connection_leads_nowhere_else(self):
        for upgrade in (b"Connection: Upgrade\r\nUpgrade: h2c\r\n", UPGRADE + b"Content-Length: 1\r\n"):
            answer = exchange(self.fleet.address, request("GET", "/v1/ws", upgrade) + b"x" +
                              request("POST", "/newElection", body=b"{}"))
            self.assertRegex(answer, rb"^HTTP/1.1 4\d\d ")
            self.assertNotIn(b'"epoch"', answer)
        answer = exchange(self.fleet.address, request("GET", "/v1/ws?view=nonsense", UPGRADE) +
                          request("POST", "/newElection", body=b"{}"))
        self.assertNotIn(b"HTTP/1.1 200", answer)

    def test_pages_of_other_sites_are_refused_whatever_they_ask(self):
        asked = [("GET", "/v1/games"), ("GET", "/v1/stream"), ("GET", "/livez"), ("GET", "/status"),
                 ("POST", "/update_score_by_game"), ("PUT", "/v1/games/a"), ("POST", "/rpc/Introspection/Health"),
                 ("POST", "/rpc/Dispatcher/Join"), ("POST", "/newElection"), ("POST", "/getLeaderElectionLock")]
        for address in self.everyone:
            for foreign in FOREIGN:
                for method, path in asked:
                    status, _, problem = http_call(address, method, path, b"{}" if method != "GET" else None,
                                                   {"Content-Type": "text/plain"} | foreign)
                    self.assertEqual(status, 421 if "Host" in foreign else 403, (address, method, path, foreign))
                    self.assertEqual(problem["code"], "PERMISSION_DENIED")
            self.assertRegex(exchange(address, request("GET", "/v1/ws", UPGRADE, b"Origin: http://evil.example\r\n")),
                             rb"^HTTP/1.1 403 ")

    def test_our_own_pages_and_plain_curl_go_on_working(self):
        for address in self.everyone:
            own = {"Origin": f"http://{address}", "Sec-Fetch-Site": "same-origin"}
            self.assertEqual(http_call(address, "GET", "/v1/games", None, own)[0], 200)
            body = b'{"game":"curled","points":{"a":1}}'
            status, _, answer = http_call(address, "POST", "/update_score_by_game", body,
                                          {"Content-Type": "application/x-www-form-urlencoded"})
            self.assertEqual(status, 200, answer)
            status, _, answer = http_call(address, "POST", "/update_score_by_game", body, own)
            self.assertEqual(status, 200, answer)
            websocket = WebSocket(address)
            websocket.send({"subscribe": ["games/*"]})
            self.assertIn('"type":"snapshot"', websocket.receive())
            websocket.close()

    def test_json_that_parsers_read_differently_is_refused(self):
        for body in (b'{"game":"a","game":"b","points":{}}', b'{"game":"a","\\u0067ame":"b"}', b"{'game':'a'}",
                     b'{"game":"a",}', b'{"game":"a"} {}', b'{"game":"a"}//', b'{"game":"\\ud800"}',
                     b'{"game":"\xff"}', b'{"points":{"a":NaN},"game":"a"}', b'{"game":"a","points":{"b":1,"b":2}}'):
            for address in self.everyone[1:]:
                service = "Database" if address == self.fleet.database else "FrontEnd"
                for path in ("/update_score_by_game", f"/rpc/{service}/UpdateScoreByGame"):
                    status, _, problem = http_call(address, "POST", path, body)
                    self.assertEqual(status, 400, (path, body, problem))
                    self.assertIn("JSON", problem["detail"])
            self.assertEqual(http_call(self.fleet.address, "POST", "/update_score_by_game", body)[0], 400)
            self.assertEqual(http_call(self.fleet.address, "POST", "/rpc/Dispatcher/Assign", body)[0], 400)


class StoppingTest(FleetTest):
    SERVERS = 1

    def test_websockets_are_told_and_closed_when_the_fleet_stops(self):
        open_ones = [WebSocket(address) for address in (self.fleet.address, *self.fleet.frontends) for _ in range(20)]
        for one in open_ones:
            one.send({"subscribe": ["games/*"]})
            one.receive()
        self.assertEqual(self.fleet.dispatcher.stop(signal.SIGTERM), 0)
        for one in open_ones:
            self.assertEqual(one.input.read(4)[2:], b"\x03\xe9") # 1001: going away
            one.close()
        self.assertEqual(self.fleet.all_pids(), {})


if __name__ == "__main__":
    unittest.main()
