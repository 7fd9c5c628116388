"""The command lines that `make bench` compares, by group: name → argv, the one to compare with first."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from benchmarks.why_speed import BARE, plugin
from tests.cluster.access import READER

if TYPE_CHECKING:
    from benchmarks.survey_store import Slot
    from tests.cluster.cluster import Cluster

Argvs = dict[str, list[str]]

PYTHON, CLICK = "python -c pass", "python -c 'import click'"
HELP, COMPLETION = "kubectl-oom --help", "kubectl-oom __complete why --na"
DESCRIBE, WHY = "kubectl describe pod", "kubectl oom why pod"
WHY_ALONE = "kubectl-oom why pod"  # without kubectl, which starts first and finds it
LIST, RECOMMEND_ALL = "kubectl-oom list -A", "kubectl-oom recommend -A"
LIST_BARE = "kubectl-oom list -A --no-prometheus"
GET_ALL, UNPAGED = "kubectl get pods -A", "one unpaged list"
OOMD = "kubectl oomd -A"
UNPAGED_PROGRAM = Path(__file__).with_name("unpaged.py")


@dataclass(frozen=True)
class Doors:
    """Ways in: to the API server (for kubectl and us, and for a minimal client), and to Prometheus."""

    kubeconfig: str
    server_file: str
    prometheus: str

    @classmethod
    def to(cls, cluster: Cluster, server: str, prometheus: str, folder: Path) -> Doors:
        """As the reader, at these addresses; the files go into the folder."""
        folder.mkdir()
        config = yaml.safe_load(cluster.kubeconfig(READER).read_text())
        config["clusters"][0]["cluster"]["server"] = server
        kubeconfig, server_file = folder / "kubeconfig", folder / "server.json"
        kubeconfig.write_text(json.dumps(config))
        authority = (cluster.state / "pki" / "ca.crt").read_text()
        said = {"server": server, "token": config["users"][0]["user"]["token"], "ca": authority}
        server_file.write_text(json.dumps(said))
        return cls(str(kubeconfig), str(server_file), prometheus)


def start_up() -> Argvs:
    """What needs no cluster."""
    return {
        CLICK: [sys.executable, "-c", "import click"],
        PYTHON: [sys.executable, "-c", "pass"],
        HELP: [plugin(), "--help"],
        COMPLETION: [plugin(), "__complete", "why", "--na"],
    }


def one_pod(kubectl: str, doors: Doors, slot: Slot, requests: str) -> Argvs:
    """About one pod and its workload; `requests` is the file with what `why` asks the API server for."""
    pod = slot.pod(1)
    where = ["--kubeconfig", doors.kubeconfig, "-n", slot.namespace]
    why, engine = ["why", f"pod/{pod}", *where], ["--prometheus-url", doors.prometheus]
    return {
        DESCRIBE: [kubectl, "describe", "pod", pod, *where],
        "kubectl get pod -o json": [kubectl, "get", "pod", pod, "-o", "json", *where],
        "the same requests, nothing made of them": [sys.executable, str(BARE), doors.kubeconfig, requests],
        WHY_ALONE: [plugin(), *why],
        WHY: [kubectl, "oom", *why],
        f"{WHY} --prometheus-url URL": [kubectl, "oom", *why, *engine],
        "kubectl oom recommend deploy": [kubectl, "oom", "recommend", f"deploy/{slot.deployment}", *where, *engine],
    }


def everything(kubectl: str, doors: Doors) -> Argvs:
    """About all pods. Ours without kubectl in front, whose memory would hide it."""
    where = ["--kubeconfig", doors.kubeconfig]
    engine = ["--prometheus-url", doors.prometheus]
    unpaged = [sys.executable, str(UNPAGED_PROGRAM), doors.server_file]
    found = {
        GET_ALL: [kubectl, "get", "pods", "-A", *where],
        UNPAGED: unpaged,
        f"{UNPAGED}, gzip": [*unpaged, "gzip"],
        LIST_BARE: [plugin(), "list", "-A", "--no-prometheus", *where],
        LIST: [plugin(), "list", "-A", *where, *engine],
        RECOMMEND_ALL: [plugin(), "recommend", "-A", *where, *engine],
    }
    if theirs := shutil.which("kubectl-oomd"):
        found[OOMD] = [theirs, "-A", *where]
    return found


def environment(home: Path) -> dict[str, str]:
    """What they all see: the plugin on PATH, .pyc files allowed, and no caches or settings but those in `home`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "PROMETHEUS", "PYTHON"))}
    path = os.pathsep.join([str(Path(plugin()).parent), os.environ.get("PATH", os.defpath)])
    return kept | {"PATH": path, "HOME": str(home)}
