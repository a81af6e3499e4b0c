"""The raffle: every request of a registered client counts once, whichever front-end took it and however often it was
repeated; draws and hash are the same everywhere, also after a front-end is killed under load."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

import wire
from fleet import SCALE, FleetTest, get, run, until

EVERY = 10
CLIENTS = 6
REQUESTS = 400 // SCALE
VERIFIER = pathlib.Path(__file__).resolve().parents[1] / "clocksync" / "verify_raffle.py"


class Player:
    """A client that remembers which of its requests it has made."""

    def __init__(self, name: str, address: str):
        self.name, self.asked, self.client = name, 0, None
        self.enter(address)

    def leave(self) -> None:
        if self.client:
            self.client.close()

    def enter(self, address: str) -> None:
        """Registers there, and takes up its numbering at the first request: all it ever asked is asked again."""
        self.leave()
        self.client = wire.Client(address)
        self.client.next_id = 1_000_000  # the registration itself is not counted
        self.registered = self.client.call(wire.REGISTER_CLIENT, wire.field(1, self.name))
        self.client.next_id = 1
        for _ in range(self.asked):
            self.ask()

    def ask(self) -> None:
        try:
            self.client.call(wire.QUERY_SCORE, wire.field(1, "no such game"))
        except wire.Failed:
            pass  # answered, and that is what counts


class RaffleTest(FleetTest):
    OPTIONS = ["--raffle-every", str(EVERY)]

    def setUp(self):
        self.fleet.wait_complete()
        self.members_are(len(self.fleet.frontends) + 1)
        self.before = self.standing(self.fleet.frontends[0])["requests"]

    def standing(self, address: str) -> dict:
        return get(address, "/status")["raffle"]

    def members_are(self, count: int) -> None:
        for server in self.fleet.frontends:
            until(lambda: get(server, "/status")["order"]["members"] == count, f"the order has {count} members")

    def check_everywhere(self, requests: int) -> None:
        """All front-ends have counted so many requests since the test began, and tell the same story."""
        for address in self.fleet.frontends:
            until(lambda: self.standing(address)["requests"] >= self.before + requests, f"{address} has counted")
        self.assertEqual([self.standing(address)["requests"] - self.before for address in self.fleet.frontends],
                         [requests] * len(self.fleet.frontends))
        self.assertEqual(len({self.standing(address)["hash"] for address in self.fleet.frontends}), 1)
        raffles = [get(address, "/v1/raffle") for address in self.fleet.frontends]
        self.assertEqual(raffles[1:], raffles[:-1])
        self.assertEqual(len(raffles[0]["draws"]), (self.before + requests) // EVERY)
        self.assertEqual(get(self.fleet.address, "/v1/raffle"), raffles[0], "as the dispatcher passes it on")

    def check_records(self) -> None:
        for address in self.fleet.frontends:
            record = run("raffle", "export", "--dispatcher", address)
            self.assertEqual(record.returncode, 0, record.stderr)
            with tempfile.NamedTemporaryFile("w", suffix=".ndjson", encoding="utf-8") as file:
                file.write(record.stdout)
                file.flush()
                verified = run("raffle", "verify", file.name)
                self.assertEqual(verified.returncode, 0, verified.stderr)
                self.assertIn(self.standing(address)["hash"], verified.stdout)
                subprocess.run([sys.executable, VERIFIER, file.name], check=True)
                file.truncate(len(record.stdout.encode()) // 2)
                self.assertEqual(run("raffle", "verify", file.name).returncode, 1)

    def test_1_requests_count_once_wherever_they_are_repeated(self):
        places = self.fleet.frontends
        events: list[dict] = []
        watcher = wire.Client(places[0])
        self.addCleanup(watcher.close)
        watching = threading.Thread(target=self.watch, args=(watcher, events), daemon=True)
        watching.start()
        players = [Player(f"player {n}", places[n % len(places)]) for n in range(CLIENTS)]
        for player in players:
            for _ in range(25):
                player.asked += 1
                player.ask()
        self.check_everywhere(CLIENTS * 25)
        for n, player in enumerate(players):  # the same requests once more, elsewhere
            player.enter(places[(n + 1) % len(places)])
            self.assertEqual(wire.first(player.registered, 4), 26, "the next number is told")
            player.asked += 1
            player.ask()
        self.check_everywhere(CLIENTS * 26)
        self.check_records()
        until(lambda: len(events) >= CLIENTS * 26 // EVERY - 1, "the draws are in the feed")
        watcher.shut()
        watching.join()
        for player in players:
            player.leave()

    @staticmethod
    def watch(client: wire.Client, events: list[dict]) -> None:
        try:
            for event in client.stream(wire.SUBSCRIBE, wire.field(1, "raffle")):
                if 7 in event:
                    events.append(wire.decode(event[7][0]))
        except wire.Gone:
            pass

    def test_2_draws_are_identical_after_a_front_end_was_killed_under_load(self):
        servers = self.fleet.servers("frontend")
        addresses = [server["address"] for server in servers]
        players = [Player(f"runner {n}", addresses[n % len(addresses)]) for n in range(CLIENTS)]
        reached = threading.Barrier(CLIENTS + 1)

        def play(player: Player, number: int) -> None:
            for count in range(REQUESTS):
                if count == REQUESTS // 2:
                    reached.wait()
                player.asked += 1
                try:
                    player.ask()
                except wire.Gone:  # its server is dead: everything again, elsewhere
                    player.enter(addresses[(number + 1) % len(addresses)])

        threads = [threading.Thread(target=play, args=(player, n)) for n, player in enumerate(players)]
        for thread in threads:
            thread.start()
        reached.wait()
        os.kill(servers[0]["pid"], signal.SIGKILL)
        for thread in threads:
            thread.join()
        self.fleet.wait_complete()
        self.members_are(4)
        self.check_everywhere(CLIENTS * REQUESTS)
        self.check_records()
        for player in players:
            player.leave()

    @staticmethod
    def strands(address: str) -> dict:
        status = get(address, "/status")
        return {"epoch": status["epoch"], "leader": status["leader"]["server_id"],
                "view": status["order"]["view"], "log": status["raffle"],
                "history": get(address, "/v1/raffle")["history"]}

    def test_3_a_restart_of_the_dispatcher_costs_no_leader_and_no_log(self):
        before = {address: self.strands(address) for address in self.fleet.frontends}
        os.kill(self.fleet.dispatcher.pid, signal.SIGKILL)
        self.fleet.dispatcher.child.wait()
        self.fleet.start()
        self.fleet.wait_complete()
        self.assertEqual({address: self.strands(address) for address in self.fleet.frontends}, before)
        player = Player("patient", self.fleet.frontends[0])
        for _ in range(20):
            player.ask()
        self.check_everywhere(20)
        self.check_records()
        player.leave()

    def closed_by_peers(self, pid: int) -> int:
        """Connections to the dispatcher that their other ends have closed and it has not noticed."""
        port, close_wait = f":{int(self.fleet.address.rsplit(':', 1)[1]):04X}", "08"
        lines = pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
        return sum(line.split()[1].endswith(port) and line.split()[3] == close_wait for line in lines)

    def test_4_a_dispatcher_that_is_stopped_until_all_links_have_closed_costs_neither(self):
        places = self.fleet.frontends
        for address in places:
            self.assertTrue(get(address, "/v1/raffle")["since"])
        before = {address: self.strands(address) for address in places}
        pid = self.fleet.dispatcher.pid
        os.kill(pid, signal.SIGSTOP)
        try:  # a link that hears nothing is closed after 10 s
            until(lambda: self.closed_by_peers(pid) > len(places), "every server has closed its link")
        finally:
            os.kill(pid, signal.SIGCONT)
        until(lambda: set(self.fleet.frontends) == set(places), "they are back")
        self.fleet.wait_complete()
        player = Player("patient after the stop", self.fleet.frontends[0])
        for _ in range(20):
            player.ask()
        self.check_everywhere(20)
        player.leave()
        for address in places:
            after = self.strands(address)
            del after["log"]
            self.assertEqual(after, {name: before[address][name] for name in after})

    def test_5_ids_that_cannot_be_counted_cost_only_whoever_sends_them(self):
        address = self.fleet.frontends[0]
        hostile = wire.Client(address)
        honest = Player("honest", address)
        hostile.call(wire.REGISTER_CLIENT, wire.field(1, "hostile"))
        self.addCleanup(hostile.close)
        counted = 0
        for n in range(200):
            for number in (2 ** 64 - 1, 2 ** 64 - 2, 2 ** 63 + n):
                hostile.next_id = number
                try:
                    hostile.call(wire.QUERY_SCORE, wire.field(1, "no such game"))
                except wire.Failed:
                    pass
            honest.ask()
            counted += 1
        self.check_everywhere(counted)
        honest.leave()

    def test_6_gaps_cost_only_whoever_leaves_them(self):
        address = self.fleet.frontends[0]
        honest = Player("honest among gaps", address)
        hostile = wire.Client(address)
        hostile.call(wire.REGISTER_CLIENT, wire.field(1, "gaps"))
        self.addCleanup(hostile.close)
        for _ in range(20):  # far more runs than may wait
            start = hostile.next_id
            hostile.send(b"".join(wire.frame(wire.REQUEST, wire.QUERY_SCORE, start + 2 * n, 30_000,
                                             wire.field(1, "no such game")) for n in range(1, 501)))
            hostile.next_id = start + 1002
            for _ in range(500):
                hostile.receive()
            honest.asked += 1
            honest.ask()
        honest.enter(address)  # all of its requests once more
        until(lambda: wire.first(self.again(honest), 4) == honest.asked + 1, "all of them are counted")
        until(lambda: len({self.standing(one)["hash"] for one in self.fleet.frontends}) == 1, "all agree")
        honest.leave()

    @staticmethod
    def again(player: Player) -> dict:
        client = wire.Client(player.client.address)
        try:
            return client.call(wire.REGISTER_CLIENT, wire.field(1, player.name))
        finally:
            client.close()


if __name__ == "__main__":
    unittest.main()
