"""What the fleet's processes cost, and whether they live: read from /proc, twice a second."""
import pathlib
import threading
import time


def resident_kib(pid: int) -> int:
    """The process's resident memory; 0 when it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0  # a zombie has none


class Watch(threading.Thread):
    """Knows the processes by their ids from the beginning: one started again in its place counts as lost."""

    def __init__(self, processes: dict[int, str], log_bytes):
        super().__init__(daemon=True)
        self.processes, self.log_bytes = processes, log_bytes
        self.first = {pid: resident_kib(pid) for pid in processes}
        self.most = dict(self.first)
        self.lost: dict[int, float] = {}
        self.noted: list[list[int]] = []  # KiB of each process, whenever `note` was called
        self.log_most_per_minute = 0.0
        self.stopped = threading.Event()

    def run(self) -> None:
        begun, logged = time.monotonic(), self.log_bytes()
        while not self.stopped.wait(0.5):
            for pid in self.processes:
                kib = resident_kib(pid)
                self.most[pid] = max(self.most[pid], kib)
                if kib == 0:
                    self.lost.setdefault(pid, time.monotonic())
            if time.monotonic() - begun >= 60:
                now = self.log_bytes()
                self.log_most_per_minute = max(self.log_most_per_minute, now - logged)
                begun, logged = time.monotonic(), now

    def note(self) -> None:
        self.noted.append([resident_kib(pid) for pid in self.processes])

    def stop(self) -> None:
        self.stopped.set()
        self.join()
