"""A WebSocket client for tests (RFC 6455): text messages, no fragments, no extensions."""
import base64
import json
import os
import socket
import struct


class WebSocket:
    def __init__(self, address: str, path: str = "/v1/ws", timeout: float = 30):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.input = self.socket.makefile("rb")
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ".encode() +
                            base64.b64encode(os.urandom(16)) + b"\r\n\r\n")
        status = self.input.readline()
        if b" 101 " not in status:
            raise OSError(f"no WebSocket but {status}")
        while self.input.readline() != b"\r\n":
            pass

    def send(self, value) -> None:
        text, mask = json.dumps(value).encode(), os.urandom(4)
        self.socket.sendall(bytes([0x81, 0x80 | len(text)]) + mask +
                            bytes(byte ^ mask[at % 4] for at, byte in enumerate(text)))

    def receive(self) -> str:
        """The next text message. OSError when the connection ends."""
        while True:
            head = self.input.read(2)
            if len(head) < 2:
                raise OSError("closed")
            opcode, size = head
            size = struct.unpack(">H", self.input.read(2))[0] if size == 126 else size
            payload = self.input.read(size)
            if opcode & 15 == 1:
                return payload.decode()

    def shut(self) -> None:
        """Wakes a thread that waits in `receive`."""
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # gone already

    def close(self) -> None:
        self.input.close()
        self.socket.close()
