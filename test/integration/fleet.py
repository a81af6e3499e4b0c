"""Real fleets for tests: starts the program, knows its servers, and leaves nothing behind.

STADION_PROGRAM names the program. STADION_TEST_SCALE stretches deadlines and divides loads, for builds that run
slower than the release one. With STADION_TEST_SHIPPED_SETTINGS=1 servers run with the settings that they have by
default, and a leader that is merely slow may be replaced.
"""
import http.client
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest
import uuid

PROGRAM = os.environ.get("STADION_PROGRAM", "")
SCALE = max(1, int(os.environ.get("STADION_TEST_SCALE", "1")))
DATA = pathlib.Path(__file__).resolve().parents[2].parent / "shared" / "data"
# A busy machine must not pass for a silent leader.
LEADER_SILENCE_MS = str(1000 * SCALE)
SHIPPED_SETTINGS = os.environ.get("STADION_TEST_SHIPPED_SETTINGS", "") == "1"
KINDS = ("dispatcher", "dbserver", "frontend")


def until(condition, what: str, seconds: float = 30):
    """Asks again and again until the answer is true; returns it. The one place where tests wait for time."""
    deadline = time.monotonic() + seconds * SCALE
    while True:
        if answer := condition():
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds * SCALE:.0f} s in vain until {what}")
        threading.Event().wait(0.02)


def http_call(address: str, method: str, path: str, body=None, headers: dict | None = None, timeout: float = 30):
    """Status, headers with lower-case names, and the body as JSON where it is JSON, else as text."""
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, data, {"Content-Type": "application/json"} | (headers or {}))
        answer = connection.getresponse()
        text = answer.read().decode()
        found = {name.lower(): value for name, value in answer.getheaders()}
        is_json = "json" in found.get("content-type", "") and "ndjson" not in found["content-type"] and text
        return answer.status, found, json.loads(text) if is_json else text
    finally:
        connection.close()


def get(address: str, path: str, **headers):
    """The body of a GET that must succeed; None where nothing answers."""
    try:
        status, _, body = http_call(address, "GET", path, headers=headers)
    except (OSError, http.client.HTTPException):
        return None
    return body if status == 200 else None


def named_as_in_proto(value):
    """JSON of protobuf messages: names with underscores, whichever way they came."""
    if isinstance(value, dict):
        return {re.sub(r"(?<=[a-z0-9])[A-Z]", lambda m: "_" + m[0].lower(), name): named_as_in_proto(item)
                for name, item in value.items()}
    return [named_as_in_proto(item) for item in value] if isinstance(value, list) else value


class Process:
    """One process of the program, its lines on stdout, and every process that came of it."""

    def __init__(self, *arguments: str, mark: str = ""):
        self.mark = mark or uuid.uuid4().hex
        own = {} if SHIPPED_SETTINGS else {"STADION_LEADER_SILENCE_MS": LEADER_SILENCE_MS}
        self.lines: list[str] = []
        self.ready: queue.Queue[tuple[str, str]] = queue.Queue()
        self.log = tempfile.TemporaryFile("a+")  # appends, so that we may seek
        self.child = subprocess.Popen([PROGRAM, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=self.log, text=True, start_new_session=True,
                                      env=os.environ | {"STADION_TEST_MARK": self.mark} | own)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.child.stdout:
            self.lines.append(line.rstrip("\n"))
            if match := re.fullmatch(r"ready (\w+) (\S+:\d+)\n", line):
                self.ready.put((match[1], match[2]))
        self.ready.put(("", ""))

    def wait_ready(self, kind: str, seconds: float = 60) -> str:
        """The address on the line `ready KIND ADDRESS`."""
        while True:
            try:
                found, address = self.ready.get(timeout=seconds * SCALE)
            except queue.Empty:
                found, address = "", ""
            if found == kind:
                return address
            if not found:
                raise AssertionError(f"no line `ready {kind}`; stderr ends with\n{self.errors()[-4000:]}")

    def errors(self) -> str:
        self.log.seek(0)
        return self.log.read()

    @property
    def pid(self) -> int:
        return self.child.pid

    def all_pids(self) -> dict[int, str]:
        """Living processes that were started with our mark: pid and command line."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"STADION_TEST_MARK={self.mark}".encode() in \
                        (entry / "environ").read_bytes():
                    found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # gone meanwhile, or a zombie
        return found

    def stop(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Sends a signal, waits for the end, returns the exit status."""
        self.child.send_signal(number)
        return self.child.wait(seconds * SCALE)

    def clean_up(self) -> None:
        deadline = time.monotonic() + 10
        while pids := self.all_pids():
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            if time.monotonic() > deadline:
                raise AssertionError(f"these would not die: {pids}")
            threading.Event().wait(0.01)
        self.child.wait()
        self.reader.join(10)
        self.child.stdout.close()
        self.log.close()


class Fleet:
    """A dispatcher and what it started, on free ports, with a data folder of its own."""

    def __init__(self, *options: str, servers: int = 3, command: str = "dispatcher", token: str = ""):
        self.data = tempfile.mkdtemp(prefix="stadion-test-")
        self.mark = uuid.uuid4().hex
        self.options = ["--servers", str(servers), "--frontend-port", "0", "--db-port", "0", "--data", self.data,
                        *options]
        self.size = servers
        self.processes: list[Process] = []
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.address = ""
        try:
            self.start(command)
        except BaseException:
            self.clean_up()
            raise

    def start(self, command: str = "dispatcher") -> None:
        """Starts the dispatcher; after the first time on the port it had."""
        port = self.address.rsplit(":", 1)[1] if self.address else "0"
        self.dispatcher = Process(command, "--port", port, *self.options, mark=self.mark)
        self.processes.append(self.dispatcher)
        self.address = self.dispatcher.wait_ready("dispatcher")
        until(lambda: get(self.address, "/readyz") is not None, "the dispatcher is ready")

    def servers(self, kind: str = "") -> list[dict]:
        """The servers that are up, as the dispatcher lists them."""
        answer = named_as_in_proto(get(self.address, "/getAllServers", **self.headers) or {})
        return [s for s in answer.get("servers", []) if kind in ("", s["kind"]) and s.get("state") in ("UP", 1)]

    def addresses(self, kind: str) -> list[str]:
        return [server["address"] for server in self.servers(kind)]

    def wait_complete(self) -> None:
        """Until as many servers as were asked for are up and ready."""
        until(lambda: len(self.frontends) == self.size and self.addresses("dbserver"), "all servers are up", 60)
        for server in self.servers():
            until(lambda: get(server["address"], "/readyz") is not None, f"{server['kind']} is ready")

    @property
    def frontends(self) -> list[str]:
        return self.addresses("frontend")

    @property
    def database(self) -> str:
        return self.addresses("dbserver")[0]

    def all_pids(self) -> dict[int, str]:
        return self.dispatcher.all_pids()

    def clean_up(self) -> None:
        for process in self.processes:
            process.clean_up()
        shutil.rmtree(self.data, ignore_errors=True)


def run(*arguments: str, stdin: str = "", seconds: float = 60) -> subprocess.CompletedProcess:
    """Runs a command of the program to its end."""
    return subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, text=True,
                          timeout=seconds * SCALE)


class FleetTest(unittest.TestCase):
    """Tests that share one fleet, which each of them leaves usable."""

    OPTIONS: list[str] = []
    SERVERS = 3

    @classmethod
    def setUpClass(cls):
        cls.fleet = Fleet(*cls.OPTIONS, servers=cls.SERVERS)
        cls.addClassCleanup(cls.fleet.clean_up)
        cls.fleet.wait_complete()

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            print(f"--- what the fleet wrote by the end of {self.id()}\n{self.fleet.dispatcher.errors()[-6000:]}")
