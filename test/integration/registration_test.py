"""Clients are spread evenly, and counted exactly also when they vanish."""
import random
import resource
import unittest

import wire
from fleet import SCALE, FleetTest, get, until

CLIENTS = 600 // SCALE
VANISHING = CLIENTS // 2
HEARTBEAT_S = 1


class RegistrationTest(FleetTest):
    @classmethod
    def setUpClass(cls):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        super().setUpClass()

    def register(self, dispatcher: wire.Client, name: str) -> wire.Client:
        """What a client does: asks the dispatcher once, then stays with its front-end."""
        assigned = dispatcher.call(wire.ASSIGN, wire.field(1, name))
        master, backup = wire.decode(assigned[1][0]), wire.decode(assigned[2][0])
        self.assertNotEqual(wire.text(master, 3), wire.text(backup, 3))
        client = wire.Client(wire.text(master, 3))
        self.addCleanup(client.close)
        client.call(wire.REGISTER_CLIENT, wire.field(1, name) + wire.field(2, wire.text(assigned, 4)))
        return client

    def counts_at_dispatcher(self) -> dict[str, int]:
        return {server["address"]: server.get("clients", 0) for server in self.fleet.servers("frontend")}

    def counts_at_frontends(self) -> dict[str, int]:
        return {address: get(address, "/status")["clients"] for address in self.fleet.frontends}

    @staticmethod
    def counts(clients: list[wire.Client]) -> dict[str, int]:
        return {address: sum(client.address == address for client in clients)
                for address in {client.address for client in clients}}

    def test_clients_are_spread_and_counted_also_after_resets(self):
        dispatcher = wire.Client(self.fleet.address)
        self.addCleanup(dispatcher.close)
        clients = [self.register(dispatcher, f"client {number}") for number in range(CLIENTS)]
        spread = self.counts(clients)
        self.assertEqual(len(spread), 3)
        self.assertLessEqual(max(spread.values()) - min(spread.values()), 1, spread)
        until(lambda: self.counts_at_frontends() == spread, "front-ends count their clients", HEARTBEAT_S)
        until(lambda: self.counts_at_dispatcher() == spread, "the dispatcher counts them", 2 * HEARTBEAT_S)

        random.Random(2).shuffle(clients)
        for client in clients[:VANISHING]:
            client.reset()
        remaining = clients[VANISHING:]
        until(lambda: self.counts_at_frontends() == self.counts(remaining), "front-ends miss them", HEARTBEAT_S)
        until(lambda: self.counts_at_dispatcher() == self.counts(remaining), "the dispatcher does", 2 * HEARTBEAT_S)

        # Newcomers fill the gaps.
        remaining += [self.register(dispatcher, f"newcomer {number}") for number in range(VANISHING)]
        spread = self.counts(remaining)
        self.assertLessEqual(max(spread.values()) - min(spread.values()), 1, spread)
        for client in remaining:
            client.close()
        until(lambda: set(self.counts_at_dispatcher().values()) == {0}, "nobody is left", 2 * HEARTBEAT_S)

    def test_a_client_that_unregisters_or_registers_twice_counts_right(self):
        client = wire.Client(self.fleet.frontends[0])
        self.addCleanup(client.close)
        for _ in range(2):
            answer = client.call(wire.REGISTER_CLIENT, wire.field(1, "asterix"))
            self.assertEqual(wire.first(answer, 2), 1)
        client.call(wire.UNREGISTER_CLIENT, wire.field(1, "asterix"))
        until(lambda: get(client.address, "/status")["clients"] == 0, "the front-end counts nobody")

    def test_promised_clients_count_like_registered_ones(self):
        dispatcher = wire.Client(self.fleet.address)
        self.addCleanup(dispatcher.close)
        masters = [wire.text(wire.decode(dispatcher.call(wire.ASSIGN, wire.field(1, f"promised {n}"))[1][0]), 3)
                   for n in range(3)]
        self.assertEqual(len(set(masters)), 3)


if __name__ == "__main__":
    unittest.main()
