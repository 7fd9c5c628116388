"""The parts of a cluster while it starts: programs to run, files to write, conditions to wait for."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.cluster import binaries, pki
from tests.cluster.cluster import SYSTEM_PATH, Cluster
from tests.cluster.process import ClusterError, Process, start, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START_SECONDS = 120.0  # for each part; seconds on an idle machine, far more on a busy one with two cores


class Parts:
    """A cluster that is starting: its state folder, its certificate authority, and what runs so far."""

    def __init__(self, *, has_node: bool) -> None:
        self.state = Path(tempfile.mkdtemp(prefix="kubectl-oom-"))
        self.pki = self.state / "pki"
        self.cluster = Cluster(self.state, "", has_node, self.state / "kubeconfig")
        for folder in ("pki", "log", "pid", "cni", "kubeconfig"):
            (self.state / folder).mkdir()
        self.authority = pki.Authority(self.pki)

    def run(self, name: str, *arguments: object) -> Process:
        """Start one part from our own binaries."""
        command = [binaries.path(name), *map(str, arguments)]
        process = start(name, command, self.state, {"PATH": f"{binaries.directory()}:{SYSTEM_PATH}"})
        self.cluster.processes[name] = process
        return process

    def write(self, name: str, content: str | dict[str, Any]) -> Path:
        """A configuration file; JSON is YAML too."""
        path = self.state / name
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return path

    def log_in(self, name: str, login: dict[str, Any]) -> None:
        """Write the kubeconfig for one way to log in."""
        pki.write_kubeconfig(self.cluster.kubeconfig(name), self.cluster.server, self.authority.cert, login)

    def wait(self, what: str, parts: Sequence[str], check: Callable[[], bool]) -> None:
        """Return once `check` holds; raise with the logs of the parts that it depends on."""
        wait_until(what, check, START_SECONDS, [self.cluster.processes[part] for part in parts])

    def wait_for_kubectl(self, what: str, parts: Sequence[str], *arguments: str) -> None:
        """Return once kubectl succeeds with those arguments."""

        def succeeds() -> bool:
            with contextlib.suppress(ClusterError):
                self.cluster.kubectl(*arguments)
                return True
            return False

        self.wait(what, parts, succeeds)
