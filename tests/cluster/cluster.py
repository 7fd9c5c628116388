"""A running cluster, as tests use it."""

from __future__ import annotations

import json
import subprocess
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.cluster import binaries, registry
from tests.cluster.process import ClusterError, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.process import Process

CLIENT_SECONDS = 60.0  # kubectl and Prometheus answer in less than one; a busy machine is given more
RESTART_SECONDS = 2.0  # what a part that is restarted gets to end by itself
ADMIN = "admin"
SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass
class Cluster:
    """A running cluster."""

    state: Path
    server: str
    has_node: bool
    kubeconfigs: Path
    borrowed: bool = False  # somebody else's: it may lack what ours has
    audit_log: Path | None = None
    prometheus_url: str | None = None
    kubectl_binary: str = field(default_factory=lambda: binaries.path("kubectl"))
    processes: dict[str, Process] = field(default_factory=dict)

    def kubeconfig(self, user: str = ADMIN) -> Path:
        """The kubeconfig to be that user: `admin`, `reader`, `reader-certificate`, `reader-exec`, …"""
        return self.kubeconfigs / user

    def kubectl(self, *args: str, user: str = ADMIN, stdin: str | None = None) -> str:
        """What kubectl prints; raises ClusterError with what it says when it fails."""
        done = subprocess.run(
            [self.kubectl_binary, "--kubeconfig", self.kubeconfig(user), *args],
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=CLIENT_SECONDS,
        )
        if done.returncode:
            raise ClusterError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def get(self, *args: str) -> dict[str, Any]:
        """`kubectl get … -o json`, read."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *args, "-o", "json"))
        return found

    def apply(self, document: dict[str, Any], namespace: str | None = None) -> None:
        """Create or change the objects of a document."""
        where = ("--namespace", namespace) if namespace else ()
        self.kubectl("apply", *where, "--filename", "-", stdin=json.dumps(document))

    def query(self, promql: str) -> list[dict[str, Any]]:
        """What Prometheus answers to an instant query."""
        url = f"{self.prometheus_url}/api/v1/query?{urllib.parse.urlencode({'query': promql})}"
        with urllib.request.urlopen(url, timeout=CLIENT_SECONDS) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found

    def audited(self, user: str) -> list[dict[str, Any]]:
        """Every request that a user has made, oldest first, as the API server's audit log holds it."""
        assert self.audit_log is not None
        whole, _, _ = self.audit_log.read_text().rpartition("\n")  # the last line may be half written
        events = (json.loads(line) for line in whole.splitlines())
        return [event for event in events if event["user"].get("username") == user]  # some requests have no user

    def restart(self, part: str) -> None:
        """End one part of ours, at once if it takes its time, and start it again with the same arguments."""
        old = self.processes[part]
        assert old.child is not None
        argv: list[str] = list(old.child.args)  # type: ignore[arg-type] # as `Parts.run` gave them
        old.stop(RESTART_SECONDS)
        path = f"{binaries.directory()}:{SYSTEM_PATH}"
        self.processes[part] = start(part, argv, self.state, {"PATH": path})

    def stop(self) -> None:
        """End every part and remove every trace."""
        with registry.locked():
            registry.stop(self.state, self.processes, has_node=self.has_node)
