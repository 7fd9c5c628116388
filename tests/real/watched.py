"""`kubectl oom watch` as its users run it: beside everything else, its lines with the moments at which they came."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from threading import Thread
from typing import IO, TYPE_CHECKING, Any, final

from tests.cluster.process import ClusterError
from tests.real.tool import environment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WAIT_SECONDS = 60.0
# A parent that ignores SIGINT, as a shell's background job does, hands that down.
HEED = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.executable, sys.argv[1:])"

Json = dict[str, Any]
Kill = tuple[str, str, str | None]  # pod, container, moment


@final
@dataclass
class Watched:
    """A watch that runs, with `-o json`; what it has said so far."""

    process: subprocess.Popen[str]
    events: list[tuple[datetime, Json]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    readers: list[Thread] = field(default_factory=list)

    @classmethod
    def begin(cls, kubeconfig: Path, *args: str) -> Watched:
        """A watch that has listed the pods."""
        tool = [sys.executable, "-m", "kubectl_oom", "watch", "-o", "json", *args]
        process = subprocess.Popen(
            [sys.executable, "-c", HEED, *tool],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(kubeconfig),
        )
        watched = cls(process)
        assert process.stdout and process.stderr
        for read, stream in ((watched._event, process.stdout), (watched.told.append, process.stderr)):
            watched.readers.append(Thread(target=_lines, args=(stream, read), daemon=True))
            watched.readers[-1].start()
        watched.wait("it to begin", lambda: any("Ctrl-C ends it" in line for line in watched.told))
        return watched

    def _event(self, line: str) -> None:
        self.events.append((datetime.now(timezone.utc), json.loads(line)))

    def wait(self, what: str, happened: Callable[[], bool], seconds: float = WAIT_SECONDS) -> None:
        """Return once it has happened."""
        deadline = time.monotonic() + seconds
        while not happened():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise ClusterError(f"{what}: not within {seconds:g} s\n{self.told}\n{self.kills}")
            time.sleep(0.05)

    @property
    def kills(self) -> list[Kill]:
        """The kills that were told, in the order in which they were."""
        return [_kill(event) for _, event in self.events if event["type"] == "kill"]

    def of_type(self, name: str) -> list[Json]:
        """The events of one type."""
        return [event for _, event in self.events if event["type"] == name]

    def delays(self) -> list[float]:
        """Seconds between each kill, in the kubelet's own whole seconds, and its line."""
        kills = [(at, event) for at, event in self.events if event["type"] == "kill"]
        moments = [(at, event["diagnosis"]["killedAt"]) for at, event in kills]
        return [
            (at - datetime.fromisoformat(told.replace("Z", "+00:00"))).total_seconds() for at, told in moments if told
        ]

    def end(self) -> int:
        """Its exit code after Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.finish()

    def finish(self) -> int:
        """Its exit code, once it has ended by itself and all that it said has been read."""
        code = self.process.wait(WAIT_SECONDS)
        for reader in self.readers:
            reader.join(WAIT_SECONDS)
        return code

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.finish()


def _lines(stream: IO[str], read: Callable[[str], None]) -> None:
    with stream:
        for line in stream:
            read(line.rstrip("\n"))


def _kill(event: Json) -> Kill:
    return event["pod"], event["container"], event["diagnosis"]["killedAt"]
