#!/usr/bin/env python3
"""wire_client.py HOST:PORT GAME TEAM POINTS - sets a score, asks for it, prints both replies. Written from the
protocol's document alone, with nothing but sockets: what a client in another language has to do is all here."""
import socket
import struct
import sys


def varint(n):
    return bytes([n]) if n < 128 else bytes([n & 127 | 128]) + varint(n >> 7)


def field(number, value):  # protobuf: a varint, or bytes with their length
    return varint(number << 3) + varint(value) if isinstance(value, int) else \
        varint(number << 3 | 2) + varint(len(value)) + value


def frame(kind, code=0, number=0, budget=0, body=b""):
    return struct.pack(">IBBHQI", 16 + len(body), kind, 0, code, number, budget) + body


host, port = sys.argv[1].rsplit(":", 1)
game, team, points = sys.argv[2].encode(), sys.argv[3].encode(), int(sys.argv[4])
with socket.create_connection((host, int(port)), timeout=30) as connection, connection.makefile("rb") as stream:
    hello = field(1, 1) + field(2, 1) + field(3, b"client") + field(5, b"wire_client.py")
    update = field(1, game) + field(3, field(1, team) + field(2, points))  # a map entry is a message {1: key, 2: value}
    connection.sendall(frame(1, body=hello) + frame(3, 0x0205, 1, 9000, update))
    while True:
        length, kind, _, code, number, budget = struct.unpack(">IBBHQI", stream.read(20))
        body = stream.read(length - 16)
        print({2: "WELCOME", 4: "REPLY", 7: "PING", 9: "GOAWAY"}[kind], code, number, body.hex())
        if kind == 4 and number == 1:  # set; now ask
            connection.sendall(frame(3, 0x0203, 2, 9000, field(1, game)))
        elif kind == 7:
            connection.sendall(frame(8, body=body))
        elif kind == 9 or kind == 4:
            sys.exit(code)
