"""Run `kubectl oom` as its users do: as a program of its own, with nobody at the keyboard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

RUN_SECONDS = 120.0  # a hang is a failure; a busy machine is not


@dataclass(frozen=True)
class Ran:
    """What one run of the tool did."""

    args: tuple[str, ...]
    code: int
    out: str
    err: str

    def document(self) -> dict[str, Any]:
        """Its JSON answer; the run must have succeeded and said nothing else."""
        assert self.code == 0, f"kubectl oom {' '.join(self.args)} exited with {self.code}:\n{self.err}"
        found: dict[str, Any] = json.loads(self.out)
        return found


def oom(kubeconfig: Path, *args: str) -> Ran:
    """Run the tool with a kubeconfig; the caller's own environment has no say."""
    return run([sys.executable, "-m", "kubectl_oom"], args, environment(kubeconfig))


def environment(kubeconfig: Path) -> dict[str, str]:
    """The caller's environment, with this kubeconfig in place of whatever the caller has of the kind."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "PROMETHEUS"))}
    return kept | {"KUBECONFIG": str(kubeconfig)}


def run(program: list[str], args: tuple[str, ...], environment: dict[str, str]) -> Ran:
    """What one run of a program did, with exactly that environment and nobody at the keyboard."""
    done = subprocess.run(
        [*program, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
        env=environment,
    )
    return Ran(args, done.returncode, done.stdout, done.stderr)
