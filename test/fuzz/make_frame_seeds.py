#!/usr/bin/env python3
"""Writes corpus/frame: the examples of the wire protocol's specification, and one frame for each rule a
decoder must keep. Run it again after adding a rule; what the fuzzer itself finds is kept beside these."""
import pathlib
import struct

HELLO = bytes.fromhex("00000024 01 00 0000 0000000000000000 00000000"
                      "0801 1001 1a06 636c69656e74 2a06 6f62656c6978")
QUERY = bytes.fromhex("00000018 03 00 0203 0000000000000001 000007d0 0a06 686f636b6579")
FAILED_REPLY = bytes.fromhex("00000026 04 00 0005 0000000000000001 00000055"
                             "0a14 6e6f20737563682067616d653a20686f636b6579")
INCREMENT = bytes.fromhex("00000026 03 01 0206 0000000000000002 000007d0"
                          "0005 1203 6b2d31 0a05 6761756c73 1204 676f6c64 1801")


def frame(kind, flags=0, code=0, number=0, budget=0, payload=b"", length=None):
    length = 16 + len(payload) if length is None else length
    return struct.pack(">IBBHQI", length, kind, flags, code, number, budget) + payload


SEEDS = {
    "hello": HELLO,
    "query": QUERY,
    "failed_reply": FAILED_REPLY,
    "increment_with_key": INCREMENT,
    "hello_then_query": HELLO + QUERY,
    "two_then_half": QUERY + FAILED_REPLY + INCREMENT[:25],
    "empty_payload": frame(6, number=1),
    "ping": frame(7, payload=b"echo"),
    "draining": frame(9, number=2**64 - 1) + frame(7) + frame(9, number=5),
    "skippable_kind": frame(64, payload=b"of a later version") + QUERY,
    "unknown_kind": frame(10),
    "kind_zero": frame(0),
    "flag_must_understand": frame(3, flags=0x10, code=0x0203, number=1, budget=1),
    "flags_ignored": frame(3, flags=0x0e, code=0x0203, number=1, budget=1),
    "length_zero": frame(3, length=0),
    "length_fifteen": frame(3, length=15),
    "length_of_another_protocol": b"GET / HTTP/1.1\r\n\r\n",
    "length_beyond_the_limit": frame(3, length=1 << 20),
    "metadata_alone": frame(3, flags=1, code=1, number=1, budget=1, payload=b"\0\3\x12\1k"),
    "metadata_cut": frame(3, flags=1, code=1, number=1, budget=1, payload=b"\0"),
    "metadata_too_long": frame(3, flags=1, code=1, number=1, budget=1, payload=b"\0\7abc"),
}

folder = pathlib.Path(__file__).parent / "corpus" / "frame"
folder.mkdir(parents=True, exist_ok=True)
for name, data in SEEDS.items():
    (folder / name).write_bytes(data)
