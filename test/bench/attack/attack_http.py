"""What strangers may do over HTTP and WebSocket. Each attack is bounded in bytes and in time; what must be refused and
was not is returned as a sentence."""
import base64
import json
import os
import random

from attack_wire import connect, drain, hold, send_all

UPGRADE = ("GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{more}\r\n")


def upgrade(host: str, path: str = "/v1/ws", more: str = "") -> bytes:
    return UPGRADE.format(path=path, host=host, key=base64.b64encode(os.urandom(16)).decode(), more=more).encode()


def message(text: bytes, opcode: int = 1) -> bytes:
    """One masked WebSocket frame; the mask is zero, which is allowed and cheap."""
    size = len(text)
    head = bytes([0x80 | opcode]) + (bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
                                     if size < 65536 else b"\xff" + size.to_bytes(8, "big"))
    return head + bytes(4) + text


def head(method: str, path: str, host: str, *more: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", *more, "", ""]).encode()


def status_of(answer: bytes) -> int:
    parts = answer.split(b" ", 2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0


def ask(address: str, data: bytes, seconds: float = 2) -> bytes:
    with connect(address) as to:
        send_all(to, data)
        return drain(to, seconds, 1 << 20)


def trailers(target, rng: random.Random):
    """Chunked bodies with endless trailers, extensions and sizes."""
    address = target.any(rng)
    path = rng.choice(["/v1/games/trailer", "/update_score_by_game", "/rpc/FrontEnd/UpdateScoreByGame"])
    chunked = head("PUT" if path.startswith("/v1") else "POST", path, address, "Transfer-Encoding: chunked")
    ending = rng.choice([
        b"2\r\n{}\r\n0\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"2\r\n{}\r\n0\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
        b"2;" + b"e=1;" * 30_000 + b"\r\n{}\r\n0\r\n\r\n",
        b"2\r\n{}\r\n0\r\nIf-Match: \"1\"\r\nAuthorization: Bearer x\r\n\r\n",
        b"f" * 70_000 + b"\r\n", b"-1\r\n{}\r\n", b"2\r\n{}garbage"])
    ask(address, chunked + ending, 0.5)


def pipelined_upgrade(target, rng: random.Random):
    """An upgrade right behind requests whose answers nobody has read."""
    address = target.any(rng)
    with connect(address) as to:
        before = head("GET", "/v1/games?page_size=1000", address) * rng.choice([1, 50, 2000])
        send_all(to, before + upgrade(address) + message(b'{"subscribe":["games/*"]}') * rng.choice([0, 1, 50]), 1)
        hold(rng.uniform(0, 0.5))
        drain(to, 0.2)


def websocket_storm(target, rng: random.Random):
    """Subscribes again and again and reads nothing."""
    address = target.any(rng)
    with connect(address) as to:
        send_all(to, upgrade(address) + message(b'{"subscribe":["games/*","teams/*"]}') * 2500, 2)
        hold(rng.uniform(0.2, 2))


def websocket_garbage(target, rng: random.Random):
    address = target.any(rng)
    with connect(address) as to:
        send_all(to, upgrade(address), 1)
        for _ in range(20):
            send_all(to, rng.choice([
                rng.randbytes(rng.randint(1, 200)), message(rng.randbytes(100)), message(b"x" * 70_000),
                message(b"[" * 5000), message(b'{"subscribe":"games"}'), message(b'{"subscribe":["a"],"since":-1}'),
                message(b"", 9), message(b"\x03\xe8", 8), b"\x81\xff" + b"\xff" * 8]), 0.2)
        drain(to, 0.1)


def refused_tunnel(target, rng: random.Random):
    """After an upgrade that is refused, what follows must not reach a front-end unseen."""
    more = rng.choice(["Sec-WebSocket-Version: 1\r\n", "Sec-WebSocket-Key: x\r\n", "Connection: close\r\n"])
    broken = upgrade(target.dispatcher, more=more).replace(b"Sec-WebSocket-Version: 13\r\n", b"")
    answer = ask(target.dispatcher, broken + head("POST", "/newElection", target.dispatcher, "Content-Length: 2") + b"{}", 1)
    if b"200 OK" in answer:
        return "the dispatcher passed /newElection on behind a refused upgrade"
    ask(target.dispatcher, upgrade(target.dispatcher, more="Content-Length: 5\r\n") + b"hello", 0.5)


def foreign_pages(target, rng: random.Random):
    """What a page of another web site can send from a browser on this machine."""
    address = target.any(rng)
    body = b'{"game":"foreign","points":{"a":1}}'
    size = f"Content-Length: {len(body)}"
    path = rng.choice(["/update_score_by_game", "/rpc/FrontEnd/UpdateScoreByGame", "/rpc/Database/UpdateScoreByGame"])
    for host, more in ((address, "Origin: http://evil.example"), ("evil.example", "X-Nothing: 1"),
                       (address, "Sec-Fetch-Site: cross-site"), (f"evil.example:{address.split(':')[1]}", "Origin: null")):
        answer = ask(address, head("POST", path, host, size, "Content-Type: text/plain", "Connection: close", more) + body)
        if status_of(answer) in (200, 202):
            return f"a foreign page wrote: {more}, Host {host}, {path}"
        if status_of(ask(address, upgrade(host, more=f"{more}\r\n"), 0.5)) == 101:
            return f"a foreign page opened a WebSocket: {more}, Host {host}"


def forged_coordinator(target, rng: random.Random):
    """The strands' old names over HTTP, with epochs and leaders of one's own choice."""
    address = rng.choice([*target.frontends, target.database])
    body = json.dumps({"epoch": rng.choice([0, 1, 3, 1_000_000, 2 ** 64 - 1]), "leader_id": rng.choice([1, 2, 99])}).encode()
    for path in ("/coordinatorMessage", "/passElection", "/newElection"):
        ask(address, head("POST", path, address, f"Content-Length: {len(body)}", "Connection: close") + body, 0.5)


def half_bodies(target, rng: random.Random):
    """Hundreds of bodies that never come whole."""
    address, held = target.any(rng), []
    for _ in range(100):
        to = connect(address)
        send_all(to, head("PUT", "/v1/games/half", address, "Content-Length: 1000000") + b"x" * 900_000, 0.2)
        held.append(to)
    hold(rng.uniform(0, 2))
    for to in held:
        to.close()


def lax_json(target, rng: random.Random):
    """JSON that is none, or means two things."""
    address = target.frontend(rng)
    path = rng.choice(["/rpc/FrontEnd/UpdateScoreByGame", "/update_score_by_game"])
    for body in (b'{"game":"lax","game":"lax2","points":{"a":1}}', b"{game:'lax',points:{a:1}}", b"{" * 5000,
                 b'{"game":"lax","points":{"a":1},}', b'{"game":"lax","points":{"a":NaN}}', b'{"game":"\xff\xfe"}',
                 b'{"game":"lax","points":{"a":1e999}}', b'{"game":"\\ud800","points":{"a":1}}',
                 b'{"game":"lax","points":{"a":1}} trailing'):
        answer = ask(address, head("POST", path, address, f"Content-Length: {len(body)}", "Connection: close") + body, 1)
        if status_of(answer) == 200:
            return f"{path} took {body!r}"


def smuggled(target, rng: random.Random):
    """Requests over whose end two parsers may disagree."""
    address = target.any(rng)
    hidden = head("POST", "/newElection", address, "Content-Length: 2") + b"{}"
    for more in (["Content-Length: 5", "Transfer-Encoding: chunked"], ["Transfer-Encoding: xchunked"],
                 ["Content-Length: 5", "Content-Length: 6"], ["Transfer-Encoding : chunked"], ["Content-Length: +5"],
                 [f"Host: {address}"], [" folded: yes"], ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"]):
        ask(address, head("POST", "/update_score_by_game", address, *more) + b"0\r\n\r\n" + hidden, 0.2)


def streams_unread(target, rng: random.Random):
    """Followers over HTTP with very many topics who never read."""
    address = target.any(rng)
    topics = ",".join(f"games/{number}*" for number in range(rng.choice([2, 1500])))
    path = rng.choice(["/v1/stream", "/v1/feed"])
    held = []
    for _ in range(40):
        to = connect(address)
        send_all(to, head("GET", f"{path}?topics={topics},games/*&since={rng.choice([0, 1, 10 ** 18])}", address), 0.3)
        held.append(to)
    hold(rng.uniform(0.2, 2))
    for to in held:
        to.close()


def pipelined_reads(target, rng: random.Random):
    address = target.any(rng)
    path = rng.choice(["/v1/games?page_size=1000", "/openapi.json", "/v1/teams", "/metrics", "/status", "/v1/raffle"])
    with connect(address) as to:
        send_all(to, head("GET", path, address) * 2000, 1)
        hold(rng.uniform(0, 1))


def noise(target, rng: random.Random):
    """Bytes of no protocol, and HTTP with some of its bytes changed."""
    address = target.any(rng)
    good = head("GET", "/v1/games", address, "Accept: */*")
    for _ in range(30):
        data = bytearray(rng.choice([rng.randbytes(300), good, b"\x16\x03\x01" + rng.randbytes(60), b"PRI * HTTP/2.0\r\n\r\n"]))
        for _ in range(rng.randint(0, 4)):
            data[rng.randrange(len(data))] = rng.getrandbits(8)
        ask(address, bytes(data), 0.03)


ATTACKS = [trailers, pipelined_upgrade, websocket_storm, websocket_garbage, refused_tunnel, foreign_pages,
           forged_coordinator, half_bodies, lax_json, smuggled, streams_unread, pipelined_reads, noise]
