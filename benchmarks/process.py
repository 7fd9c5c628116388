"""One program, measured as a process of its own; and what a server's process has taken so far."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LAUNCHER = Path(__file__).with_name("launcher.py")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Took:
    """What one run took; CPU is user and system together."""

    wall: float
    cpu: float
    peak_bytes: int


def run(argv: Sequence[str], environment: Mapping[str, str], out: Path) -> Took:
    """One run of a program with exactly this environment; what it prints goes to `out`.

    One that fails ends the benchmark, with what it said; else its stderr is dropped.
    """
    launch = [sys.executable, "-I", "-S", str(LAUNCHER), str(out), *argv]
    done = subprocess.run(launch, env=environment, check=True, capture_output=True, text=True)
    code, wall, cpu, peak = done.stdout.split()
    if int(code):
        sys.exit(f"{' '.join(argv)} failed with {code}\n{done.stderr}")
    return Took(float(wall), float(cpu), int(peak) * 1024)


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def high_water(pid: int) -> int:
    """Bytes of memory that a process has held at most."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024
