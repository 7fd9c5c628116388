"""Processes of a test cluster: started with a log and a pid file, waited for with a deadline, ended by pid.

A pid file holds the pid and the process's start time, so that a pid that was given to somebody else is left alone.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

LOG_TAIL_LINES = 15
STOP_SECONDS = 10.0  # etcd and containerd take a second or two to close their files
POLL_SECONDS = 0.1


class ClusterError(Exception):
    """The cluster cannot do what was asked; the text says what failed, with the end of its log."""


def start_time(pid: int) -> str | None:
    """When the process started, in the kernel's ticks: with the pid it names one process. None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold spaces and brackets
    return None if fields[0] in "ZX" else fields[19]


@dataclass(frozen=True)
class Process:
    """One running program of the cluster; `child` is set in the Python process that started it."""

    name: str
    pid: int
    started: str
    log: Path | None = None
    pid_file: Path | None = None
    child: subprocess.Popen[bytes] | None = None

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return start_time(self.pid) == self.started

    def log_tail(self) -> str:
        """The end of its log, indented, for an error message."""
        text = self.log.read_text(errors="replace") if self.log and self.log.exists() else ""
        lines = text.splitlines()
        return "\n".join(f"  {line}" for line in lines[-LOG_TAIL_LINES:]) or "  (its log is empty)"

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Ask it to end, insist when it has not after `seconds`, and forget it."""
        for sign, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, seconds)):
            if not self.alive():
                break
            os.kill(self.pid, sign)
            if self._gone_within(patience):
                break
        if self.child is not None:
            self.child.wait(timeout=seconds)
        if self.pid_file is not None:
            self.pid_file.unlink(missing_ok=True)

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.alive():
                return True
            time.sleep(POLL_SECONDS)
        return not self.alive()


def start(name: str, argv: Sequence[str], state: Path, env: Mapping[str, str] | None = None) -> Process:
    """Start a program in a session of its own, so that a Ctrl-C at the terminal does not reach it."""
    log = state / "log" / name
    with log.open("ab") as output:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )
    pid_file = state / "pid" / name
    started = start_time(child.pid) or "gone"
    pid_file.write_text(f"{child.pid} {started}\n")
    return Process(name, child.pid, started, log, pid_file, child)


def recorded(state: Path) -> list[Process]:
    """The processes that a state folder's pid files name and that still run."""
    found = []
    for pid_file in sorted((state / "pid").glob("*")):
        pid, started = pid_file.read_text().split()
        process = Process(pid_file.name, int(pid), started, state / "log" / pid_file.name, pid_file)
        if process.alive():
            found.append(process)
    return found


def wait_until(what: str, check: Callable[[], bool], seconds: float, watched: Iterable[Process] = ()) -> None:
    """Return once `check` holds; raise when a watched process has died, or when the deadline has passed."""
    watched = list(watched)
    deadline = time.monotonic() + seconds
    while not check():
        for process in watched:
            if not process.alive():
                raise ClusterError(f"{process.name} has died while waiting for {what}:\n{process.log_tail()}")
        if time.monotonic() > deadline:
            logs = "".join(f"\n{process.name} says:\n{process.log_tail()}" for process in watched)
            raise ClusterError(f"{what}: not within {seconds:.0f} s{logs}")
        time.sleep(POLL_SECONDS)


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on; all are held until all are found, so they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]
    finally:
        for one in sockets:
            one.close()
