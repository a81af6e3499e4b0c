"""The HTTP face: what every server answers, and what each role answers besides."""
import http.client
import json
import os
import socket
import unittest

from fleet import SCALE, FleetTest, get, http_call, named_as_in_proto, until
from websocket import WebSocket


def sequence_of(place: str) -> int:
    """Of `board-sequence`."""
    return int(place.rsplit("-", 1)[1])


class HttpTest(FleetTest):
    SERVERS = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.database, cls.frontend = cls.fleet.database, cls.fleet.frontends[0]
        cls.everyone = [cls.fleet.address, cls.database, *cls.fleet.frontends]
        cls.boards = [cls.database, *cls.fleet.frontends]

    def ok(self, address: str, method: str, path: str, body=None, **headers):
        status, _, answer = http_call(address, method, path, body,
                                      {name.replace("_", "-"): value for name, value in headers.items()})
        self.assertEqual(status, 200, f"{method} {path}: {answer}")
        return answer

    def refused(self, expected: int, address: str, method: str, path: str, body=None, headers=None) -> dict:
        status, found, problem = http_call(address, method, path, body, headers)
        self.assertEqual(status, expected, f"{method} {path}: {problem}")
        self.assertEqual(found["content-type"].split(";")[0], "application/problem+json")
        self.assertLessEqual({"type", "title", "status", "detail", "code", "origin"}, problem.keys())
        self.assertRegex(problem["origin"], r"^(dispatcher|frontend|dbserver)-\d+$", path)
        self.assertEqual(problem["status"], expected)
        return problem

    def set_score(self, game: str, points: dict, **more) -> dict:
        return self.ok(self.database, "POST", "/update_score_by_game", {"game": game, "points": points, **more})

    def test_a_refusal_that_is_passed_on_names_the_server_that_refused(self):
        problem = self.refused(412, self.frontend, "POST", "/increment_medal_tally",
                               {"team": "nobody", "medal": "gold", "by": -1})
        self.assertTrue(problem["origin"].startswith("dbserver-"), problem)

    # Every server

    def test_every_server_is_alive_ready_and_says_what_it_checks(self):
        for address in self.everyone:
            for path in ("/livez", "/readyz"):
                self.ok(address, "GET", path)
                self.assertTrue(self.ok(address, "GET", path + "?verbose").strip(), path)

    def test_every_server_has_metrics_in_prometheus_text(self):
        for address in self.everyone:
            text = self.ok(address, "GET", "/metrics")
            self.assertRegex(text, r"(?m)^# TYPE stadion_\w+ (counter|gauge|histogram|summary)$")
            self.assertRegex(text, r"(?m)^stadion_\w+(\{.*\})? [0-9.e+-]+$")

    def test_every_server_tells_its_status(self):
        kinds = set()
        for address in self.everyone:
            status = self.ok(address, "GET", "/status")
            self.assertLessEqual({"server_id", "kind", "address", "version", "uptime_s", "clients", "capacity",
                                  "state", "leader", "epoch", "clock", "sequence"}, status.keys())
            self.assertEqual(status["address"], address)
            self.assertLessEqual({"error_us", "rate_ppb", "state"}, status["clock"].keys())
            kinds.add(status["kind"])
        self.assertEqual(kinds, {"dispatcher", "dbserver", "frontend"})

    def test_every_server_describes_itself(self):
        for address in self.everyone:
            description = self.ok(address, "GET", "/openapi.json")
            self.assertTrue(description["openapi"].startswith("3.1"))
            self.assertIn("/readyz", description["paths"])
            if "/v1/games" in description["paths"]:
                for path, expected in (("/v1/games", {"view", "at", "page_token"}), ("/v1/teams", {"view", "at"}),
                                       ("/v1/games/{game}", {"game", "view"}), ("/v1/stream", {"view", "since"})):
                    parameters = description["paths"][path]["get"]["parameters"]
                    self.assertLessEqual(expected, {one["name"] for one in parameters}, path)
            services = self.ok(address, "GET", "/services")["services"]
            self.assertTrue(services)
            for service in services:
                self.assertLessEqual({"id", "name", "title", "methods", "servers"}, service.keys())

    def test_unknown_paths_and_wrong_methods_are_told_apart(self):
        for address in self.everyone:
            self.assertEqual(self.refused(404, address, "GET", "/no/such/path")["code"], "NOT_FOUND")
            status, headers, _ = http_call(address, "DELETE", "/status")
            self.assertEqual(status, 405)
            self.assertIn("GET", headers["allow"])

    def test_bodies_too_large_and_too_deep_are_refused(self):
        path = "/update_score_by_game"
        self.refused(413, self.database, "POST", path, b'{"game":"' + b"x" * (1 << 20) + b'"}')
        self.refused(400, self.database, "POST", path, b"[" * 33 + b"]" * 33)
        self.refused(400, self.database, "POST", path, b"{not json")

    def test_requests_that_could_smuggle_another_are_refused_and_closed(self):
        host = b"Host: localhost\r\n"
        bad = [host + b"Transfer-Encoding: gzip, chunked\r\n", host + b"Transfer-Encoding: identity\r\n", b"",
               host + b"Host: b\r\n", host + b"X: a\r\n folded\r\n", host + b"Content-Length: 0\r\nContent-Length: 1\r\n",
               host + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
               host + b"".join(b"X-%d: 1\r\n" % n for n in range(1500))]
        requests = [b"POST /update_score_by_game HTTP/1.1\r\n" + headers + b"\r\n" for headers in bad]
        requests.append(b"POST /update_score_by_game HTTP/1.0\r\n" + host + b"Transfer-Encoding: chunked\r\n\r\n")
        for request in requests:
            with self.subTest(request[:100]):
                name, port = self.frontend.rsplit(":", 1)
                with socket.create_connection((name, int(port)), timeout=30 * SCALE) as connection:
                    connection.sendall(request)
                    answer = b""
                    while part := self.receive(connection):
                        answer += part
                self.assertRegex(answer, rb"^HTTP/1\.[01] (400|431) ")

    @staticmethod
    def receive(connection: socket.socket) -> bytes:
        try:
            return connection.recv(65536)
        except ConnectionResetError:
            return b""  # closed with our bytes unread

    def test_requests_in_one_packet_are_answered_in_order(self):
        name, port = self.frontend.rsplit(":", 1)
        with socket.create_connection((name, int(port)), timeout=30 * SCALE) as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
                               b"GET /no/such/path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = b""
            while part := connection.recv(65536):
                answer += part
        self.assertLess(answer.index(b"HTTP/1.1 200"), answer.index(b"HTTP/1.1 404"))

    def test_every_rpc_is_a_post(self):
        self.set_score("by rpc", {"a": 1})
        for address, service in ((self.database, "Database"), (self.frontend, "FrontEnd")):
            until(lambda: get(address, "/query_score_by_game?game=by%20rpc"), "the score arrived")
            score = self.ok(address, "POST", f"/rpc/{service}/QueryScoreByGame", {"game": "by rpc"})
            self.assertEqual(score["points"], {"a": 1})
            self.refused(404, address, "POST", f"/rpc/{service}/QueryScoreByGame", {"game": "no such game"})
        health = self.ok(self.fleet.address, "POST", "/rpc/Introspection/Health", {})
        self.assertEqual(health["status"], "SERVING")

    # The database server's four names, and the same on front-ends

    def test_the_four_names_on_every_board(self):
        for number, address in enumerate(self.boards):
            game, team = f"four {number}", f"team {number}"
            score = self.ok(address, "POST", "/update_score_by_game",
                            {"game": game, "title": "Final", "points": {"a": 3, "b": -1}, "status": "LIVE"})
            for reader in self.boards:
                path = f"/query_score_by_game?game=four%20{number}"
                seen = self.ok(reader, "GET", path, Stadion_Seen=str(score["sequence"]))
                self.assertEqual(seen, score)
            self.assertEqual({name: score[name] for name in ("game", "title", "points", "status", "version")},
                             {"game": game, "title": "Final", "points": {"a": 3, "b": -1}, "status": "LIVE",
                              "version": 1})
            tally = self.ok(address, "POST", "/increment_medal_tally", {"team": team, "medal": "silver", "by": 2})
            self.assertEqual(tally["medals"], {"gold": 0, "silver": 2, "bronze": 0})
            for reader in self.boards:
                path = f"/query_medal_tally_by_team?team=team%20{number}"
                self.assertEqual(self.ok(reader, "GET", path, Stadion_Seen=str(tally["sequence"]))["medals"],
                                 tally["medals"])

    def test_what_is_not_there_and_what_makes_no_sense(self):
        for address in self.boards:
            self.refused(404, address, "GET", "/query_score_by_game?game=nobody%20plays%20this")
            self.refused(404, address, "GET", "/query_medal_tally_by_team?team=nobody")
            self.refused(400, address, "GET", "/query_score_by_game")
            self.refused(400, address, "POST", "/update_score_by_game", {"points": {"a": 1}})
            self.refused(400, address, "POST", "/increment_medal_tally", {"team": "a", "medal": "wood", "by": 1})
            self.refused(400, address, "POST", "/update_score_by_game", {"game": "x" * 129, "points": {}})
            self.refused(400, address, "POST", "/update_score_by_game", {"game": "a\nb", "points": {}})

    def test_an_update_leaves_other_teams_alone_and_a_put_does_not(self):
        self.set_score("kept", {"a": 1, "b": 2}, title="T")
        score = self.set_score("kept", {"b": 3})
        self.assertEqual((score["points"], score["title"], score["version"]), ({"a": 1, "b": 3}, "T", 2))
        score = self.ok(self.database, "PUT", "/v1/games/kept", {"points": {"c": 4}})
        self.assertEqual(score["points"], {"c": 4})

    def test_any_name_is_a_good_name(self):
        for name in ("日本 – België", "../../etc/passwd", "a/b?c=d&e#f%20", "."):
            score = self.set_score(name, {name: 1})
            self.assertEqual((score["game"], score["points"]), (name, {name: 1}))

    # Resources

    def test_a_version_is_an_etag(self):
        for address in self.boards:
            made = self.set_score("tagged", {"a": 1})
            until(lambda: (get(address, "/v1/games/tagged") or made | {"version": 0})["version"] == made["version"],
                  "the update is there")
            status, headers, score = http_call(address, "GET", "/v1/games/tagged")
            self.assertEqual((status, headers["etag"]), (200, f'"{score["version"]}"'))
            status, _, body = http_call(address, "GET", "/v1/games/tagged",
                                        headers={"If-None-Match": headers["etag"]})
            self.assertEqual((status, body), (304, ""))
            self.ok(address, "PUT", "/v1/games/tagged", {"points": {"a": 2}}, If_Match=headers["etag"])
            problem = self.refused(412, address, "PUT", "/v1/games/tagged", {"points": {"a": 3}},
                                   {"If-Match": headers["etag"]})
            self.assertEqual(problem["code"], "FAILED_PRECONDITION")

    def test_teams_as_resources_in_the_order_of_their_ranks(self):
        for name, gold in (("ranked second", 1000), ("ranked first", 2000), ("ranked second too", 1000)):
            self.ok(self.database, "PUT", f"/v1/teams/{name.replace(' ', '%20')}", {"gold": gold})
        for address in self.boards:
            names = ["ranked first", "ranked second", "ranked second too"]
            teams = until(lambda: self.teams_if_all_there(address, names), "the teams are there")
            self.assertEqual([team["team"] for team in teams[:3]], names)
            self.assertEqual([team["rank"] for team in teams[:3]], [1, 2, 2])
            self.assertGreaterEqual(teams[3]["rank"] if len(teams) > 3 else 4, 4)

    @staticmethod
    def teams_if_all_there(address: str, names: list) -> list | None:
        teams = get(address, "/v1/teams?page_size=1000")["teams"]
        return teams if set(names) <= {team["team"] for team in teams} else None

    def test_games_are_listed_in_pages(self):
        names = {f"paged {number}" for number in range(7)}
        last = [self.set_score(name, {"a": 1}) for name in names][-1]
        for address in self.boards:
            found, token = [], ""
            while True:
                page = self.ok(address, "GET", f"/v1/games?page_size=3&page_token={token}",
                               Stadion_Seen=str(last["sequence"]))
                self.assertLessEqual(len(page["games"]), 3)
                found += [game["game"] for game in page["games"]]
                if not (token := page["next_page_token"]):
                    break
            self.assertEqual(len(found), len(set(found)))
            self.assertLessEqual(names, set(found))
            self.refused(400, address, "GET", "/v1/games?page_size=1001")

    def test_history_keeps_every_state(self):
        for points in range(1, 4):
            score = self.set_score("with history", {"a": points})
        for address in self.boards:
            history = self.ok(address, "GET", "/v1/games/with%20history/history",
                              Stadion_Seen=str(score["sequence"]))["history"]
            text = json.dumps(history)
            self.assertEqual(len(history), 3)
            for points in range(1, 4):
                self.assertIn(f'"a": {points}', text)

    def test_an_idempotency_key_answers_as_the_first_time(self):
        for address in self.boards:
            headers = {"Idempotency-Key": os.urandom(8).hex()}
            body = {"team": "once", "medal": "gold", "by": 1}
            first = http_call(address, "POST", "/increment_medal_tally", body, headers)
            again = http_call(address, "POST", "/increment_medal_tally", body, headers)
            self.assertEqual((first[0], again[0]), (200, 200))
            self.assertEqual(first[2], again[2])
            self.refused(422, address, "POST", "/increment_medal_tally", body | {"by": 2}, headers)

    # Feeds of every board

    def stream(self, address: str, path: str, headers=None):
        host, port = address.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=30 * SCALE)
        self.addCleanup(connection.close)
        connection.request("GET", path, headers=headers or {})
        answer = connection.getresponse()
        self.addCleanup(answer.close)
        self.assertEqual(answer.status, 200)
        return answer

    def events(self, answer):
        """Server-sent events as (event, id, data)."""
        event, number, data = "message", "", ""
        for line in answer:
            name, _, value = line.decode().rstrip("\n").partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                event = value
            elif name == "id":
                number = value
            elif name == "data":
                data += value
            elif not name and not value and line == b"\n" and (data or event != "message"):
                yield event, number, json.loads(data) if data else None
                event, data = "message", ""

    def test_server_sent_events_begin_with_a_snapshot_and_resume_by_id(self):
        for address in self.fleet.frontends:
            score = self.set_score("streamed", {"a": 1})
            until(lambda: get(address, "/v1/games/streamed"), "the game is there")
            answer = self.stream(address, "/v1/stream?topics=games/streamed")
            self.assertEqual(answer.getheader("content-type").split(";")[0], "text/event-stream")
            events = self.events(answer)
            self.assertEqual(next(events)[0], "snapshot")
            last = self.set_score("streamed", {"a": 2})
            number = next(place for _, place, _ in events if place and sequence_of(place) >= last["sequence"])
            self.assertEqual(sequence_of(number), last["sequence"])
            answer.close()

            missed = self.set_score("streamed", {"a": 3})
            until(lambda: get(address, "/status")["sequence"] >= missed["sequence"], "the front-end has it")
            resumed = self.events(self.stream(address, "/v1/stream?topics=games/streamed", {"Last-Event-ID": number}))
            self.assertEqual(next(resumed)[0], "resumed")
            self.assertEqual(next(sequence_of(n) for _, n, _ in resumed if n and sequence_of(n) > sequence_of(number)),
                             missed["sequence"])
            self.assertLess(score["sequence"], missed["sequence"])

    def test_the_feed_in_lines_of_json_goes_on_after_since(self):
        for address in self.fleet.frontends:
            first = self.set_score("fed", {"a": 1})
            wanted = [self.set_score("fed", {"a": points})["sequence"] for points in (2, 3, 4)]
            until(lambda: get(address, "/status")["sequence"] >= wanted[-1], "the front-end has it")
            answer = self.stream(address, f"/v1/feed?since={first['sequence']}")
            found = []
            while len(found) < 3:
                event = json.loads(answer.readline())
                if str(event.get("topic", "")).startswith("games/fed"):
                    found.append(int(event["sequence"]))
            self.assertEqual(found, wanted)

    def test_a_websocket_receives_what_it_subscribes_to(self):
        client = WebSocket(self.frontend, timeout=30 * SCALE)
        self.addCleanup(client.close)
        client.send({"subscribe": ["games/by websocket"], "since": 0})
        text = ""
        for points in range(1, 100):  # until the subscription has taken effect
            self.set_score("by websocket", {"a": points})
            text = client.receive()
            if "by websocket" in text:
                break
        self.assertIn("by websocket", text)

    # Corrections and the frozen view

    def test_a_reversal_undoes_one_update_and_history_keeps_both(self):
        self.set_score("reversed", {"a": 1})
        wrong = self.set_score("reversed", {"a": 9})
        self.ok(self.frontend, "POST", f"/v1/events/{wrong['sequence']}/reversal", {"reason": "offside"})
        score = self.ok(self.database, "GET", "/query_score_by_game?game=reversed")
        self.assertEqual((score["points"], score["version"]), ({"a": 1}, 3))
        history = self.ok(self.database, "GET", "/v1/games/reversed/history")["history"]
        self.assertEqual(len(history), 3)
        self.assertIn("offside", json.dumps(history))

    # Dispatcher

    def test_the_dispatcher_lists_servers_under_their_old_names(self):
        servers = named_as_in_proto(self.ok(self.fleet.address, "GET", "/getAllServers"))["servers"]
        self.assertEqual(sorted(server["kind"] for server in servers if server["kind"] != "dispatcher"),
                         ["dbserver", "frontend", "frontend"])
        frontends = named_as_in_proto(self.ok(self.fleet.address, "GET", "/getAllFrontEndServers"))["servers"]
        self.assertEqual({server["kind"] for server in frontends}, {"frontend"})
        self.assertEqual(len({server["address"] for server in frontends}), 2)

    def test_the_dispatcher_forwards_resources_to_a_front_end(self):
        score = self.set_score("forwarded", {"a": 1})
        found = self.ok(self.fleet.address, "GET", "/v1/games/forwarded", Stadion_Seen=str(score["sequence"]))
        self.assertEqual(found["points"], {"a": 1})
        self.refused(404, self.fleet.address, "GET", "/v1/games/no%20such%20game")

    def test_the_dispatcher_shows_a_page(self):
        status, headers, page = http_call(self.fleet.address, "GET", "/")
        self.assertEqual((status, headers["content-type"].split(";")[0]), (200, "text/html"))
        self.assertIn("<html", page.lower())

    def test_a_client_is_assigned_two_different_front_ends(self):
        answer = named_as_in_proto(self.ok(self.fleet.address, "POST", "/rpc/Dispatcher/Assign", {"client_id": "obelix"}))
        self.assertEqual({answer["master"]["address"], answer["backup"]["address"]}, set(self.fleet.frontends))
        self.assertTrue(answer["ticket"])


if __name__ == "__main__":
    unittest.main()
