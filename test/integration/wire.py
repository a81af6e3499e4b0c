"""The wire protocol for tests: frames, the little of protobuf they need, a blocking client."""
import socket
import struct
from collections.abc import Iterator

HELLO, WELCOME, REQUEST, REPLY, EVENT, CANCEL, PING, PONG, GOAWAY = range(1, 10)
OK, INVALID_ARGUMENT, DEADLINE_EXCEEDED, NOT_FOUND, FAILED_PRECONDITION, UNAVAILABLE = 0, 3, 4, 5, 9, 14

ASSIGN = 0x0101
REGISTER_CLIENT, UNREGISTER_CLIENT = 0x0201, 0x0202
QUERY_SCORE, QUERY_TALLY, UPDATE_SCORE, INCREMENT_TALLY, SUBSCRIBE = 0x0203, 0x0204, 0x0205, 0x0206, 0x0207
DATABASE_QUERY_SCORE = 0x0301


def varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes(out) + bytes([n])


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def decode(data: bytes) -> dict[int, list]:
    """Field number: its values in order; integers, 8-byte and length-delimited values as bytes."""
    fields: dict[int, list] = {}
    at = 0

    def take_varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = take_varint()
        if key & 7 == 0:
            value: int | bytes = take_varint()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or take_varint()
            value = data[at:at + size]
            at += size
        fields.setdefault(key >> 3, []).append(value)
    return fields


def first(fields: dict[int, list], number: int, default=0):
    return fields.get(number, [default])[0]


def text(fields: dict[int, list], number: int) -> str:
    return first(fields, number, b"").decode()


def frame(kind: int, code=0, number=0, budget=0, body=b"", metadata: bytes | None = None, flags=0) -> bytes:
    if metadata is not None:
        flags |= 1
        body = struct.pack(">H", len(metadata)) + metadata + body
    return struct.pack(">IBBHQI", 16 + len(body), kind, flags, code, number, budget) + body


class Failed(Exception):
    """A reply with a status other than OK."""

    def __init__(self, status: int, body: bytes):
        self.status, self.error = status, decode(body)
        super().__init__(f"status {status}: {text(self.error, 1)}")


class Gone(Exception):
    """The connection ended; whether the request was run is not known."""


class Client:
    """One connection. One request at a time; events of a stream are read by `stream`."""

    def __init__(self, address: str, timeout: float = 30, role: str = "client", token: str = ""):
        host, port = address.rsplit(":", 1)
        self.address, self.next_id = address, 1
        try:
            self.socket = socket.create_connection((host, int(port)), timeout=timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.input = self.socket.makefile("rb")
            hello = field(1, 1) + field(2, 1) + field(3, role) + field(5, "integration test")
            self.send(frame(HELLO, body=hello + (field(6, token) if token else b"")))
        except OSError as why:
            raise Gone(str(why)) from why
        kind, _, _, self.welcome = self.receive()
        if kind != WELCOME:
            self.close()
            raise Gone(f"kind {kind} in place of WELCOME")

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except (OSError, ValueError) as why:
            raise Gone(str(why)) from why

    def receive(self) -> tuple[int, int, int, bytes]:
        """The next frame that is not a PING: kind, code, id, body."""
        while True:
            try:
                header = self.input.read(20)
                if len(header) < 20:
                    raise Gone("closed")
                length, kind, flags, code, number, _ = struct.unpack(">IBBHQI", header)
                payload = self.input.read(length - 16)
            except (OSError, ValueError) as why:
                raise Gone(str(why)) from why
            if len(payload) < length - 16:
                raise Gone("closed")
            if flags & 1:
                payload = payload[2 + struct.unpack(">H", payload[:2])[0]:]
            if kind != PING:
                return kind, code, number, payload
            self.send(frame(PONG, body=payload))

    def stream(self, method: int, body: bytes, metadata: bytes | None = None,
               budget_ms: int = 30_000) -> Iterator[dict[int, list]]:
        """Sends a request; yields each event, then the reply, decoded."""
        number, self.next_id = self.next_id, self.next_id + 1
        self.send(frame(REQUEST, method, number, budget_ms, body, metadata))
        while True:
            kind, code, of, payload = self.receive()
            if kind == GOAWAY:
                raise Gone(f"GOAWAY {code} {text(decode(payload), 1)}")
            if of != number:
                continue
            if kind == REPLY and code != OK:
                raise Failed(code, payload)
            yield decode(payload)
            if kind == REPLY:
                return

    def call(self, method: int, body: bytes = b"", key: str = "", seen: int = 0) -> dict[int, list]:
        metadata = (field(2, key) if key else b"") + (field(3, seen) if seen else b"")
        reply: dict[int, list] = {}
        for reply in self.stream(method, body, metadata or None):
            pass
        return reply

    def close(self) -> None:
        self.input.close()
        self.socket.close()

    def shut(self) -> None:
        """Wakes a thread that waits in `receive`."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # gone already

    def reset(self) -> None:
        """Vanishes without a goodbye: the peer sees a reset, not an end."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()


def update_score(game: str, points: dict[str, int], title: str = "") -> bytes:
    return field(1, game) + (field(2, title) if title else b"") + b"".join(
        field(3, field(1, team) + field(2, value)) for team, value in points.items())


def points_of(score: dict[int, list]) -> dict[str, int]:
    entries = [decode(entry) for entry in score.get(4, [])]
    return {text(entry, 1): first(entry, 2) for entry in entries}
