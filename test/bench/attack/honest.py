"""Callers who do nothing wrong: what they were promised is checked, and how long they waited is kept."""
import array
import http.client
import json
import threading
import time
import uuid

import wire

ONE_DAY_MS = 24 * 3600 * 1000


class Honest(threading.Thread):
    """Calls at an even pace, over one connection that is opened anew when it is lost."""

    PACE_S = 0.02

    def __init__(self, addresses: list[str], number: int, stopped: threading.Event):
        super().__init__(daemon=True)
        self.addresses, self.number, self.stopped = addresses, number, stopped
        self.latencies: list[tuple[float, float]] = []  # when it was asked (monotonic), milliseconds
        self.failures: dict[str, int] = {}
        self.wrong: list[str] = []
        self.moves = 0

    def run(self) -> None:
        connection = None
        while not self.stopped.is_set():
            asked = time.monotonic()
            try:
                if connection is None:
                    connection = self.connect(self.addresses[(self.number + self.moves) % len(self.addresses)])
                asked = time.monotonic()
                self.call(connection)
                self.latencies.append((asked, (time.monotonic() - asked) * 1000))
            except (wire.Gone, wire.Failed, OSError, http.client.HTTPException, ValueError) as why:
                kind = f"{type(self).__name__}: {why}"[:160]
                self.failures[kind] = self.failures.get(kind, 0) + 1
                # One who is refused has waited as well.
                self.latencies.append((asked, (time.monotonic() - asked) * 1000))
                if not isinstance(why, wire.Failed):
                    self.moves += 1
                    connection = None
            self.stopped.wait(max(0.001, asked + self.PACE_S - time.monotonic()))

    def connect(self, address: str):
        return wire.Client(address, timeout=10)

    def call(self, connection) -> None:
        raise NotImplementedError


class Reader(Honest):
    def call(self, connection) -> None:
        connection.call(wire.QUERY_SCORE, wire.field(1, f"game {self.number % 7}"))


class Browser(Honest):
    """The same over HTTP, half of it through the dispatcher."""

    def connect(self, address: str):
        host, port = address.rsplit(":", 1)
        return http.client.HTTPConnection(host, int(port), timeout=10)

    def call(self, connection) -> None:
        connection.request("GET", f"/v1/games/game%20{self.number % 7}")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise OSError(f"GET answered {answer.status}: {body[:100]!r}")
        json.loads(body)


class Scorer(Honest):
    """Counts upwards in a game of its own; a write is repeated under its key until it is acknowledged."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.game = f"scorer {self.number} {uuid.uuid4().hex[:8]}"
        self.acknowledged, self.version, self.key = 0, 0, ""

    def call(self, connection) -> None:
        self.key = self.key or uuid.uuid4().hex
        score = connection.call(wire.UPDATE_SCORE,
                                wire.update_score(self.game, {"points": self.acknowledged + 1}), key=self.key)
        self.key = ""
        self.acknowledged += 1
        if wire.first(score, 7) != self.acknowledged:
            self.wrong.append(f"write {self.acknowledged} of {self.game} made version {wire.first(score, 7)}")
            self.acknowledged = wire.first(score, 7)

    def check(self, address: str) -> None:
        """In the end: everything that was acknowledged is there, once."""
        client = wire.Client(address)
        if self.key:
            self.call(client)
        score = client.call(wire.QUERY_SCORE, wire.field(1, self.game))
        points = wire.points_of(score).get("points")
        if points != self.acknowledged:
            self.wrong.append(f"{self.game}: {self.acknowledged} were acknowledged, {points} are there")
        client.close()


class Follower(threading.Thread):
    """Follows the scorers' games: each sequence once, in order, and no version left out."""

    def __init__(self, addresses: list[str], number: int, stopped: threading.Event):
        super().__init__(daemon=True)
        self.addresses, self.number, self.stopped = addresses, number, stopped
        self.since = self.board = 0
        self.versions: dict[str, int] = {}
        self.events = self.resets = self.moves = 0
        self.wrong: list[str] = []
        self.client: wire.Client | None = None

    def run(self) -> None:
        while not self.stopped.is_set():
            try:
                self.client = wire.Client(self.addresses[(self.number + self.moves) % len(self.addresses)])
                self.follow(self.client)
            except (wire.Gone, wire.Failed):
                self.moves += 1
                self.stopped.wait(0.1)

    def follow(self, client: wire.Client) -> None:
        request = wire.field(1, "games/scorer*") + wire.field(2, self.since) + wire.field(4, self.board)
        for event in client.stream(wire.SUBSCRIBE, request, budget_ms=ONE_DAY_MS):
            if 8 in event:
                self.resets += 1
                self.versions.clear()
            elif 3 in event:
                self.take(wire.first(event, 1), wire.decode(wire.first(event, 3)))

    def take(self, sequence: int, score: dict) -> None:
        game, version = wire.text(score, 1), wire.first(score, 7)
        if sequence < self.since and self.versions.get(game, 0):
            self.wrong.append(f"sequence {sequence} came after {self.since}")
        if version != self.versions.get(game, version - 1) + 1:
            self.wrong.append(f"version {version} of {game} came after {self.versions[game]}")
        self.versions[game], self.since = version, max(sequence, self.since)
        self.events += 1


class Crowd:
    """All of them, in a process of their own so that the attackers do not slow them by being in the same interpreter."""

    def __init__(self, frontends: list[str], dispatcher: str, callers: int):
        self.frontends, self.stopped = frontends, threading.Event()
        each = max(1, callers // 4)
        self.scorers = [Scorer(frontends, number, self.stopped) for number in range(each)]
        self.askers = self.scorers + [Reader(frontends, number, self.stopped) for number in range(each)] + [
            Browser([dispatcher] if number % 2 else frontends, number, self.stopped) for number in range(each)]
        self.followers = [Follower(frontends, number, self.stopped) for number in range(each)]

    def run(self, orders) -> None:
        """Until told to stop; then sends back what it saw."""
        for one in self.followers + self.askers:
            one.start()
        orders.recv()
        self.stopped.set()
        for one in self.askers:
            one.join(60)
        for one in self.scorers:
            one.check(self.frontends[0])
        orders.send({
            "asked_at": array.array("d", [at for one in self.askers for at, _ in one.latencies]),
            "took_ms": array.array("d", [took for one in self.askers for _, took in one.latencies]),
            "asked_by": [(type(one).__name__, len(one.latencies)) for one in self.askers],
            "failures": [one.failures for one in self.askers if one.failures],
            "wrong": [text for one in self.scorers + self.followers for text in one.wrong],
            "written": sum(one.acknowledged for one in self.scorers),
            "events": sum(one.events for one in self.followers),
            "moves": sum(one.moves for one in self.askers + self.followers),
            "resets": sum(one.resets for one in self.followers),
        })
