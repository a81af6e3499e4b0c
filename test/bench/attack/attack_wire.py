"""What strangers may do to the wire protocol. Each attack is bounded in bytes and in time and says what it found wrong."""
import os
import random
import socket
import struct
import threading
import time

import wire

BIGGEST_ID = 2 ** 64 - 1
DESCRIBE, LIST_GAMES, LIST_TEAMS = 0x0001, 0x0208, 0x0209
JOIN, HEARTBEAT, LEAVE, LOCK, RELEASE = 0x0102, 0x0103, 0x0104, 0x0107, 0x0108
NEW_ELECTION, PASS_ELECTION, COORDINATOR, GET_CLOCK, ADJUST_CLOCK, ORDER = range(0x0401, 0x0407)
COMMIT = 0x0305
HELLO = wire.frame(wire.HELLO, body=wire.field(1, 1) + wire.field(2, 1) + wire.field(3, "client"))


def hold(seconds: float) -> None:
    """Does nothing for a while: what is held open, or not read, is the attack."""
    threading.Event().wait(seconds)


def connect(address: str, timeout: float = 5) -> socket.socket:
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=timeout)


def send_all(to: socket.socket, data: bytes, seconds: float = 2) -> None:
    """As much as the peer takes in that time; a peer that closes or does not read is in its right."""
    to.settimeout(seconds)
    try:
        to.sendall(data)
    except OSError:
        pass


def drain(of: socket.socket, seconds: float, most: int = 1 << 24) -> bytes:
    """What comes until the peer closes, the time is over or it is enough."""
    data, until = bytearray(), time.monotonic() + seconds
    try:
        while time.monotonic() < until and len(data) < most:
            of.settimeout(max(0.01, until - time.monotonic()))
            piece = of.recv(65536)
            if not piece:
                break
            data += piece
    except OSError:
        pass
    return bytes(data)


def request(method: int, number: int, body: bytes = b"", budget: int = 5000, metadata: bytes | None = None) -> bytes:
    return wire.frame(wire.REQUEST, method, number, budget, body, metadata)


def unread_answers(target, rng: random.Random) -> None:
    """Asks for far more than was sent, and reads nothing of it."""
    method, size = rng.choice([(LIST_GAMES, 5000), (LIST_TEAMS, 5000), (DESCRIBE, 12_000)])
    body = wire.field(2, 1000) if method == LIST_GAMES else b""
    with connect(target.any(rng)) as to:
        send_all(to, HELLO + b"".join(request(method, number, body) for number in range(1, size)))
        hold(rng.uniform(0.2, 2))


def many_topics(target, rng: random.Random) -> None:
    """Subscriptions with a hundred thousand topics, forty on a connection."""
    topics = b"".join(wire.field(1, f"games/{number}*") for number in range(60_000))
    with connect(target.frontend(rng)) as to:
        send_all(to, HELLO)
        for number in range(1, 41):
            send_all(to, request(wire.SUBSCRIBE, number, topics), 0.5)
        drain(to, 1)


def subscribe_and_cancel(target, rng: random.Random) -> None:
    with connect(target.frontend(rng)) as to:
        frames = [HELLO]
        for number in range(1, 1500):
            frames.append(request(wire.SUBSCRIBE, number, wire.field(1, "*")))
            if rng.random() < 0.7:
                frames.append(wire.frame(wire.CANCEL, 0, number))
        send_all(to, b"".join(frames))
        hold(rng.uniform(0, 1))


def not_utf8(target, rng: random.Random) -> None:
    """HELLOs and requests full of bytes that are no text; libraries like to log each."""
    bad = rng.randbytes(200) + b"\xff\xfe"
    for _ in range(50):
        with connect(target.any(rng)) as to:
            fields = b"".join(wire.field(number, bad) for number in (3, 4, 5, 6))
            send_all(to, wire.frame(wire.HELLO, body=wire.field(1, 1) + wire.field(2, 1) + fields))
            drain(to, 0.05)
    with connect(target.frontend(rng)) as to:
        send_all(to, HELLO + b"".join(request(wire.QUERY_SCORE, number, wire.field(1, bad)) for number in range(1, 5000)))
        drain(to, 0.5)


def log_lines(target, rng: random.Random) -> None:
    """Names and addresses that would write log lines of their own."""
    forged = "127.0.0.1:1\n2026-01-01 00:00:00 [error] everything is lost\x1b[2J"
    with connect(target.dispatcher) as to:
        join = wire.field(1, "frontend") + wire.field(2, forged) + wire.field(3, 1) + wire.field(4, 1)
        send_all(to, HELLO + b"".join(request(JOIN, number, join) for number in range(1, 300)))
        drain(to, 0.5)


def spectator_ids(target, rng: random.Random) -> None:
    """A registered client whose request ids leap, end, and fall."""
    ids = [BIGGEST_ID, BIGGEST_ID - 1, 1 << 63, 1, 3] + [rng.getrandbits(64) or 1 for _ in range(3000)]
    with connect(target.frontend(rng)) as to:
        send_all(to, HELLO + request(wire.REGISTER_CLIENT, 2, wire.field(1, f"stranger {rng.getrandbits(32)}")) +
                 b"".join(request(wire.QUERY_SCORE, number, wire.field(1, "x")) for number in ids))
        drain(to, 0.5)


def forged_peer(target, rng: random.Random) -> None:
    """Messages of the strands from somebody who is no server."""
    epoch = rng.choice([0, 1, 2, 5, 1_000_000, BIGGEST_ID])
    who = rng.choice([0, 1, 2, 3, 4, 99, 2 ** 32 - 1])
    bodies = [
        (NEW_ELECTION, wire.field(1, "because")),
        (PASS_ELECTION, b"".join(wire.field(n, v) for n, v in ((1, epoch), (2, who), (3, who), (5, who)))),
        (COORDINATOR, wire.field(1, epoch) + wire.field(2, who) + wire.field(3, "127.0.0.1:1")),
        (ADJUST_CLOCK, wire.field(1, epoch) + wire.field(2, rng.getrandbits(63)) + wire.field(3, rng.getrandbits(40))),
        (ORDER, rng.randbytes(rng.randint(0, 400))), (GET_CLOCK, b"")]
    with connect(rng.choice([*target.frontends, target.database])) as to:
        metadata = wire.field(4, epoch)
        send_all(to, HELLO + b"".join(request(method, number, body, metadata=rng.choice([None, metadata]))
                                      for number, (method, body) in enumerate(rng.choices(bodies, k=40), 1)))
        drain(to, 0.5)


def forged_server(target, rng: random.Random) -> None:
    """Calls to the dispatcher in the name of servers that are not, or are others'."""
    who = rng.choice([0, 77, 2 ** 32 - 1])
    second = (wire.field(1, "dbserver") + wire.field(2, f"127.0.0.1:{rng.randint(1, 1000)}") + wire.field(4, 1))
    bodies = [(JOIN, second), (HEARTBEAT, wire.field(1, who) + wire.field(2, BIGGEST_ID) + wire.field(3, 2 ** 32 - 1)),
              (LEAVE, wire.field(1, who)), (LOCK, wire.field(1, who) + wire.field(2, "x" * 4000)),
              (RELEASE, wire.field(1, who) + wire.field(2, BIGGEST_ID) + wire.field(3, who))]
    with connect(target.dispatcher) as to:
        send_all(to, HELLO + b"".join(request(method, number, body)
                                      for number, (method, body) in enumerate(rng.choices(bodies, k=30), 1)))
        drain(to, 0.5)


def big_commit(target, rng: random.Random) -> None:
    """Two hundred updates of one game with very many and very long names."""
    teams = b"".join(wire.field(3, wire.field(1, f"{number:04}" + "n" * 120) + wire.field(2, number + 1))
                     for number in range(1000))
    game = f"large {rng.randrange(4)}"
    small = wire.field(1, game) + wire.field(3, wire.field(1, "a") + wire.field(2, rng.randint(1, 100)))
    mutation = wire.field(3, small)
    with connect(target.database) as to:
        send_all(to, HELLO + request(wire.UPDATE_SCORE + 0x100 - 2, 1, wire.field(1, game) + teams) +
                 request(COMMIT, 2, b"".join(wire.field(1, mutation) for _ in range(200))))
        drain(to, 2)


def many_keys(target, rng: random.Random) -> None:
    """Ever new idempotency keys: nobody else's may be forgotten for them."""
    with connect(target.frontend(rng)) as to:
        body = wire.update_score(f"keys {rng.randrange(4)}", {"a": rng.randint(1, 9)})
        send_all(to, HELLO + b"".join(
            request(wire.UPDATE_SCORE, number, body, metadata=wire.field(2, rng.randbytes(16).hex()))
            for number in range(1, 800)))
        drain(to, 1)


def broken_metadata(target, rng: random.Random) -> None:
    body = wire.update_score("metadata", {"a": 1})
    with connect(target.frontend(rng)) as to:
        send_all(to, HELLO + b"".join(request(wire.UPDATE_SCORE, number, body, metadata=rng.randbytes(rng.randint(1, 40)))
                                      for number in range(1, 100)))
        drain(to, 0.5)


def mutated(target, rng: random.Random) -> None:
    """Good conversations with some bytes changed, cut or said twice."""
    good = bytearray(HELLO + request(wire.REGISTER_CLIENT, 2, wire.field(1, "m")) +
                     request(wire.SUBSCRIBE, 3, wire.field(1, "games/*")) + request(LIST_GAMES, 4) +
                     wire.frame(wire.PING, body=b"ping") + request(wire.QUERY_TALLY, 5, wire.field(1, "France")))
    for _ in range(30):
        data = bytearray(good)
        for _ in range(rng.randint(1, 6)):
            at = rng.randrange(len(data))
            data[at:at + rng.randint(0, 3)] = rng.randbytes(rng.randint(0, 3))
        with connect(target.any(rng)) as to:
            send_all(to, bytes(data[:rng.randint(1, len(data))]), 0.5)
            drain(to, 0.02)


def floods(target, rng: random.Random) -> None:
    """PINGs and PONGs, requests that are never wanted, ids used twice, and nobody reads."""
    kind = rng.choice([wire.PING, wire.PONG, wire.CANCEL, 200])
    frames = wire.frame(kind, 0, 1, body=b"x" * rng.choice([0, 64, 4000])) * 2000
    with connect(target.any(rng)) as to:
        send_all(to, HELLO + frames + request(wire.SUBSCRIBE, 1, wire.field(1, "*")) * 300)
        hold(rng.uniform(0, 1))


def resets(target, rng: random.Random) -> None:
    """Connections that vanish in the middle of anything."""
    for _ in range(100):
        to = connect(target.any(rng))
        send_all(to, rng.choice([HELLO, b"\0\0\1", b"G", HELLO + request(wire.SUBSCRIBE, 1, wire.field(1, "*"))]), 0.2)
        to.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        to.close()


def half_frames(target, rng: random.Random) -> None:
    """Frames that claim to be large and come half."""
    held = []
    head = HELLO + struct.pack(">IBBHQI", 16 + (1 << 20) - 100, wire.REQUEST, 0, wire.UPDATE_SCORE, 1, 5000)
    for _ in range(60):
        to = connect(target.any(rng))
        send_all(to, head + os.urandom(300_000), 0.3)
        held.append(to)
    hold(rng.uniform(0, 2))
    for to in held:
        to.close()


ATTACKS = [unread_answers, many_topics, subscribe_and_cancel, not_utf8, log_lines, spectator_ids, forged_peer,
           forged_server, big_commit, many_keys, broken_metadata, mutated, floods, resets, half_frames]
