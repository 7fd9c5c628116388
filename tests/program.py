"""Run the tool as a program of its own, with nobody at the keyboard and nothing in its environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

DEADLINE_SECONDS = 60.0  # a hang is a failure, a busy machine is not
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "PYTHONUTF8": "1"}


@dataclass(frozen=True)
class Ran:
    """One run as a program of its own."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def document(self) -> dict[str, Any]:
        """Its JSON answer; it said nothing else."""
        assert (self.code, self.err) == (0, "")
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def line(self) -> str:
        """The line it failed with; it answered nothing, and at most one line of advice follows."""
        assert (self.code, self.out) == (1, "")
        assert len(self.err.splitlines()) <= 2
        return self.err.splitlines()[0]


def oom(*args: str, **streams: Any) -> Ran:
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "kubectl_oom", *args],
        text=True,
        encoding="utf-8",
        check=False,
        timeout=DEADLINE_SECONDS,
        env=ENVIRONMENT,
        **streams,
    )
    return Ran(done.returncode, done.stdout or "", done.stderr or "", time.monotonic() - started)
