"""Clients that write and watch while servers die: what they were promised is checked when they stop."""
import itertools
import threading
import uuid

import wire
from fleet import SCALE, until

ONE_DAY_MS = 24 * 3600 * 1000


class Worker(threading.Thread):
    """A client that goes on with another front-end whenever the one it talks to fails."""

    def __init__(self, addresses: list[str], first: int):
        super().__init__(daemon=True)
        self.addresses = itertools.cycle(addresses[first % len(addresses):] + addresses[:first % len(addresses)])
        self.stopping = threading.Event()
        self.client: wire.Client | None = None
        self.failures: list[str] = []

    def run(self) -> None:
        while not self.stopping.is_set():
            try:
                self.client = wire.Client(next(self.addresses), timeout=30 * SCALE)
                self.work()
            except (wire.Gone, wire.Failed) as why:
                self.failures.append(str(why))
                self.stopping.wait(0.05)
            finally:
                if self.client:
                    self.client.close()

    def work(self) -> None:
        """What to do with a connection until it fails or `stopping` is set."""

    def stop(self) -> None:
        self.stopping.set()


class Writer(Worker):
    """Counts upwards in a game of its own. A write is repeated under its key until it is acknowledged."""

    def __init__(self, addresses: list[str], number: int):
        super().__init__(addresses, number)
        self.game = f"game of writer {number} {uuid.uuid4().hex[:8]}"
        self.acknowledged: list[int] = []  # sequences, in order
        self.key = ""

    def work(self) -> None:
        while not self.stopping.is_set():
            value = len(self.acknowledged) + 1
            self.key = self.key or uuid.uuid4().hex
            score = self.client.call(wire.UPDATE_SCORE, wire.update_score(self.game, {"points": value}), key=self.key)
            self.key = ""
            self.acknowledged.append(wire.first(score, 6))
            self.stopping.wait(0.002)  # a pace that leaves the processor to the servers

    def stop(self) -> None:
        """Ends after the write under way, if there is one, was acknowledged."""
        super().stop()
        self.join(60 * SCALE)

    def finish(self) -> None:
        """Acknowledges what was under way when the writer stopped."""
        if self.key:
            self.stopping.clear()
            wanted = len(self.acknowledged) + 1
            thread = threading.Thread(target=self.run, daemon=True)
            thread.start()
            until(lambda: len(self.acknowledged) >= wanted, "the last write is acknowledged")
            self.stopping.set()
            thread.join(60 * SCALE)


class Watcher(Worker):
    """Follows all games and resumes after the last event it has seen."""

    def __init__(self, addresses: list[str], number: int, since: int):
        super().__init__(addresses, number)
        self.since = since
        self.sequences: list[int] = []
        self.resets = 0

    def work(self) -> None:
        request = wire.field(1, "games/*") + wire.field(2, self.since)
        for event in self.client.stream(wire.SUBSCRIBE, request, budget_ms=ONE_DAY_MS):
            if 8 in event:
                self.resets += 1
            elif 2 in event:
                self.since = wire.first(event, 1)
                self.sequences.append(self.since)

    def stop(self) -> None:
        super().stop()
        if self.client:
            self.client.shut()
        self.join(60 * SCALE)


class Load:
    """Writers and watchers spread over the front-ends given."""

    def __init__(self, addresses: list[str], since: int, writers: int = 4, watchers: int = 3):
        self.watchers = [Watcher(addresses, number, since) for number in range(watchers)]
        self.writers = [Writer(addresses, number) for number in range(writers)]
        for worker in self.watchers + self.writers:
            worker.start()

    def wait_progress(self, count: int) -> None:
        """Until every writer has had `count` more writes acknowledged."""
        targets = [(writer, len(writer.acknowledged) + count) for writer in self.writers]
        for writer, target in targets:
            until(lambda: len(writer.acknowledged) >= target, f"{writer.game} goes on; {writer.failures[-3:]}", 60)

    def stop_writing(self) -> None:
        for writer in self.writers:
            writer.stop()
        for writer in self.writers:
            writer.finish()

    def close(self) -> None:
        for worker in self.writers + self.watchers:
            worker.stop()
