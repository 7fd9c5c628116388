"""What `kubectl oom list -A` costs in a large cluster, beside `kubectl get pods -A` and beside one unpaged list.

    python -m benchmarks.list_scale [--pods 10000] [--killed 100] [--runs 3]

Starts a real etcd and kube-apiserver, creates the pods through the API (their statuses as a kubelet writes them: some
of them OOM-killed), and measures each contestant as a process of its own: wall seconds, CPU seconds, peak memory, and
the bytes that the API server sent, counted by a relay between the two.

    kubectl get pods -A    what a person would type
    kubectl oom list -A    as it is, without a metrics engine
    one unpaged list       what a controller does that asks for all pods at once: json.loads of one answer
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3
import yaml

from benchmarks.process import run
from tests.cluster.access import READER
from tests.cluster.cluster import ADMIN
from tests.cluster.node import running
from tests.real.status import container, ended, status_of
from tests.real.status import running as runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.cluster.cluster import Cluster

Json = dict[str, Any]
AT_ONCE = 16  # connections that create pods
NAMESPACES = 20
READ_BYTES = 1 << 16
UNPAGED = """
import json, ssl, sys, urllib.request
config = json.load(open(sys.argv[1]))
request = urllib.request.Request(config["server"] + "/api/v1/pods", headers={"Authorization": "Bearer " + config["token"]})
context = ssl.create_default_context(cadata=config["ca"])
with urllib.request.urlopen(request, context=context) as answer:
    pods = json.load(answer)["items"]
killed = [
    (pod["metadata"]["name"], status["name"])
    for pod in pods
    for status in pod["status"].get("containerStatuses", [])
    if status["lastState"].get("terminated", {}).get("reason") == "OOMKilled"
]
print(len(pods), len(killed))
"""


@dataclass(frozen=True)
class Measured:
    """What one run took; `received` are bytes on the wire, TLS included."""

    wall: float
    cpu: float
    peak_bytes: int
    received: int


class Counter:
    """A relay in front of the API server that counts what comes back; TLS goes through it untouched."""

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._behind = (parts.hostname or "", parts.port or 443)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.received = 0

    def __enter__(self) -> Counter:  # noqa: PYI034 - Self needs Python 3.11
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # ends the wait for the next client
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._behind) as server:
            back = threading.Thread(target=self._answer, args=(server, client), daemon=True)
            back.start()
            for _ in _blocks(client, server):
                pass
            back.join()

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        for size in _blocks(server, client):
            self.received += size


def _blocks(source: socket.socket, target: socket.socket) -> Iterator[int]:
    """Pass on all that comes, with the size of each block; then tell the other end that there is no more."""
    with contextlib.suppress(OSError):
        while block := source.recv(READ_BYTES):
            target.sendall(block)
            yield len(block)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def pod(name: str) -> Json:
    """A pod as people have them: labels, annotations, two containers, probes, environment, volumes."""
    env = [{"name": f"SETTING_{number}", "value": f"value-of-setting-{number}" * 2} for number in range(12)]
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    app = container("app", "256Mi", env=env, livenessProbe=probe, readinessProbe=probe)
    proxy = container("proxy", "128Mi", env=env[:6], readinessProbe=probe)
    labels = {f"app.kubernetes.io/{key}": name.rpartition("-")[0] for key in ("name", "instance", "part-of")}
    annotations = {f"example.com/note-{number}": "a line that some controller has left here" for number in range(6)}
    return {
        "metadata": {"name": name, "labels": labels, "annotations": annotations},
        "spec": {"nodeName": "node-a", "containers": [app, proxy]},
    }


def status(*, killed: bool, at: datetime) -> Json:
    """Both containers run; `app` was OOM-killed at that time, or never."""
    last = ended("OOMKilled", 137, at) if killed else None
    now = runs(at + timedelta(seconds=1))
    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    conditions = [{"type": kind, "status": "True", "lastTransitionTime": moment} for kind in kinds]
    containers = [status_of("app", now, last, restarts=1 if killed else 0), status_of("proxy", now)]
    return {"status": {"phase": "Running", "conditions": conditions, "containerStatuses": containers}}


def fill(cluster: Cluster, pods: int, killed: int, *, first: int = 0) -> None:
    """Create so many pods, in some namespaces, of which so many were OOM-killed within the last hours."""
    pki = cluster.state / "pki"
    pool = urllib3.PoolManager(
        ca_certs=str(pki / "ca.crt"),
        cert_file=str(pki / f"{ADMIN}.crt"),
        key_file=str(pki / f"{ADMIN}.key"),
        maxsize=AT_ONCE,
    )
    now = datetime.now(timezone.utc)
    every = max(1, pods // killed) if killed else pods + 1

    def ask(method: str, path: str, body: Json, kind: str = "application/json") -> None:
        answer = pool.request(method, cluster.server + path, body=json.dumps(body), headers={"Content-Type": kind})
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.data.decode()}"

    def create(number: int) -> None:
        namespace, name = f"load-{number % NAMESPACES}", f"api-{number // 50:04}-{number:05}"
        path = f"/api/v1/namespaces/{namespace}/pods"
        ask("POST", path, pod(name))
        was_killed = killed > 0 and number % every == 0 and number // every < killed
        said = status(killed=was_killed, at=now - timedelta(seconds=60 + number))
        ask("PATCH", f"{path}/{name}/status", said, "application/merge-patch+json")

    if not first:
        for number in range(NAMESPACES):
            cluster.kubectl("create", "namespace", f"load-{number}")
        for number in range(NAMESPACES):
            wait_for_account(cluster, f"load-{number}")
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(create, range(first, first + pods)))


def wait_for_account(cluster: Cluster, namespace: str) -> None:
    """Pods are refused until the namespace has its service account."""
    deadline = time.monotonic() + 60
    while not cluster.get("serviceaccounts", "-n", namespace)["items"]:
        assert time.monotonic() < deadline, f"no service account in {namespace}"
        time.sleep(0.1)


def measured(argv: Sequence[str], environment: dict[str, str], counter: Counter, out: Path) -> Measured:
    """One run of a program; what it prints goes to a file, as into a pipe."""
    counted = counter.received
    took = run(argv, environment, out)
    return Measured(took.wall, took.cpu, took.peak_bytes, counter.received - counted)


@contextlib.contextmanager
def contestants(cluster: Cluster, counter: Counter) -> Iterator[dict[str, list[str]]]:
    """Name → command line; all of them go through the counter."""
    config = yaml.safe_load(cluster.kubeconfig(READER).read_text())
    config["clusters"][0]["cluster"]["server"] = counter.address
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig, bare, script = (Path(folder) / name for name in ("kubeconfig", "bare.json", "unpaged.py"))
        kubeconfig.write_text(json.dumps(config))
        authority = (cluster.state / "pki" / "ca.crt").read_text()
        token = config["users"][0]["user"]["token"]
        bare.write_text(json.dumps({"server": counter.address, "token": token, "ca": authority}))
        script.write_text(UNPAGED)
        ours = [sys.executable, "-m", "kubectl_oom", "list", "-A", "--no-prometheus", "--kubeconfig", str(kubeconfig)]
        yield {
            "kubectl get pods -A": [cluster.kubectl_binary, "--kubeconfig", str(kubeconfig), "get", "pods", "-A"],
            "kubectl oom list -A": ours,
            "one unpaged list": [sys.executable, str(script), str(bare)],
        }


def measure(cluster: Cluster, runs_of_each: int) -> dict[str, list[Measured]]:
    """Every contestant so many times, in turn, after one run that is not counted."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "PROMETHEUS"))}
    found: dict[str, list[Measured]] = {}
    with (
        Counter(cluster.server) as counter,
        contestants(cluster, counter) as entries,
        tempfile.TemporaryDirectory() as folder,
    ):
        for number in range(runs_of_each + 1):
            for name, argv in entries.items():
                taken = measured(argv, kept, counter, Path(folder) / "out")
                if number:
                    found.setdefault(name, []).append(taken)
    return found


def table(found: dict[str, list[Measured]]) -> Iterator[str]:
    """A Markdown row per contestant: medians of time, the highest memory."""
    yield "| | Wall s | CPU s | Peak memory MiB | Received MB |"
    yield "| --- | --- | --- | --- | --- |"
    for name, taken in found.items():
        wall, cpu = median(one.wall for one in taken), median(one.cpu for one in taken)
        peak, received = max(one.peak_bytes for one in taken), median(one.received for one in taken)
        yield f"| {name} | {wall:.1f} | {cpu:.1f} | {peak / (1 << 20):.0f} | {received / 1e6:.1f} |"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.list_scale", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--killed", type=int, default=100)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with running(control_plane_only=True) as cluster:
        started = time.monotonic()
        fill(cluster, options.pods, options.killed)
        print(f"{options.pods} pods created in {time.monotonic() - started:.0f} s, {options.killed} of them killed\n")
        print("\n".join(table(measure(cluster, options.runs))))


if __name__ == "__main__":
    main()
