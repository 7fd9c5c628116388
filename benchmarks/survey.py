"""What `kubectl oom recommend -A` costs a metrics engine and this side, beside asking about each workload alone.

    python -m benchmarks.survey 100 1000            containers; fixed seed; real Prometheus on PATH
    python -m benchmarks.survey 100 --keep FOLDER   keep the store there, or use the one that is there

A cluster of so many containers: three pods per Deployment, fifty Deployments per namespace, a rollout in the middle of
the week, every fiftieth pod OOM-killed once a day; a week sampled every 60 s by cAdvisor and kube-state-metrics. Each
plan runs in a process of its own. Server CPU is what the engine's process took meanwhile; bytes are JSON, unpacked.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.process import cpu_of, high_water
from benchmarks.survey_store import LIMIT, REPLICAS, Slot, Week, backfill
from kubectl_oom.evidence import Owner
from kubectl_oom.judge.propose import Asked, propose
from kubectl_oom.read import direct
from kubectl_oom.read.engine import Engine, EngineOptions
from kubectl_oom.read.past import read_past
from kubectl_oom.read.room import read_rooms
from kubectl_oom.read.source import PODS, REPLICA_SETS, Json, Kind, ReadError
from kubectl_oom.read.stock import take_stock
from kubectl_oom.read.survey import Metrics, Survey
from kubectl_oom.read.targets import Scope, Target
from tests.engines import free_port, program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE = 500
HEADERS = (
    "Containers",
    "Plan",
    "API lists",
    "Questions",
    "Engine CPU",
    "Engine memory",
    "Answers",
    "First rows",
    "All",
    "Own CPU",
    "Own memory",
)
PLANS = ("survey", "survey with p99", "each workload")
SAMPLED = 20  # of the workloads, at most, are asked about alone; what that takes is multiplied


# --- the cluster ----------------------------------------------------------------------------------------------------


class Cluster:
    """A live cluster without a server: its lists are made page by page, as they would be read."""

    namespace, label = "default", "https://cluster.example:6443"

    def __init__(self, slots: Sequence[Slot], engine: Engine) -> None:
        self.slots = slots
        self.lists = 0
        self._engine = engine

    def engine(self) -> Engine:
        return self._engine

    def pages_of(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Iterator[Sequence[Json]]:
        made = {PODS: _pod, REPLICA_SETS: _replica_set}.get(kind)
        slots = self.slots if made and not (namespace or labels or fields) else ()
        if kind is REPLICA_SETS:
            slots = slots[::REPLICAS]
        for first in range(0, max(1, len(slots)), PAGE):
            self.lists += 1
            yield [made(slot) for slot in slots[first : first + PAGE]] if made else []

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> Sequence[Json]:
        return [item for page in self.pages_of(kind, namespace, labels=labels, fields=fields) for item in page]

    def get(self, kind: Kind, namespace: str | None, name: str) -> Json:
        self.lists += 1
        raise ReadError("NotFound", f"{kind.qualified} {name} in {namespace}", 404)


def _owner(kind: str, name: str) -> list[Json]:
    return [{"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": name, "controller": True}]


def _pod(slot: Slot) -> Json:
    name, owner = slot.pod(1), _owner("ReplicaSet", slot.replica_set(1))
    resources = {"limits": {"memory": str(LIMIT)}, "requests": {"memory": str(LIMIT // 2)}}
    status = {"name": "app", "ready": True, "restartCount": 0, "state": {"running": {}}}
    return {
        "metadata": {"name": name, "namespace": slot.namespace, "uid": name, "ownerReferences": owner},
        "spec": {"nodeName": "node-a", "containers": [{"name": "app", "image": "app:1", "resources": resources}]},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


def _replica_set(slot: Slot) -> Json:
    name = slot.replica_set(1)
    return {
        "metadata": {
            "name": name,
            "namespace": slot.namespace,
            "ownerReferences": _owner("Deployment", slot.deployment),
        }
    }


# --- one plan, in a process of its own -------------------------------------------------------------------------------


def run_plan(plan: str, count: int, url: str) -> None:
    """Run a plan and print what it took as JSON."""
    questions, size = 0, 0
    body_of = direct._Session._body  # noqa: SLF001 - to count what comes over the wire, unpacked

    def counted(self: object, response: object) -> bytes:
        nonlocal questions, size
        body: bytes = body_of(self, response)  # type: ignore[arg-type]
        questions, size = questions + 1, size + len(body)
        return body

    direct._Session._body = counted  # type: ignore[method-assign]  # noqa: SLF001 - as above
    transport = direct.DirectTransport(EngineOptions(url=url))
    engine = Engine(transport.label, transport, timeout_seconds=300)
    cluster = Cluster([Slot(number) for number in range(count)], engine)
    started, cpu = time.perf_counter(), time.process_time()
    first, sized, factor = _do(plan, cluster, engine)
    print(
        json.dumps(
            {
                "questions": round(questions * factor),
                "lists": cluster.lists,
                "megabytes": size * factor / 1e6,
                "first": first - started,
                "wall": (time.perf_counter() - started) * factor,
                "cpu": (time.process_time() - cpu) * factor,
                "peak": high_water(os.getpid()) / (1 << 20),
                "sized": sized,
                "factor": factor,
            }
        )
    )


def _do(plan: str, cluster: Cluster, engine: Engine) -> tuple[float, int, float]:
    """When the first rows were there, how many containers were sized, and by what the sums are to be multiplied."""
    since, until = (datetime.fromtimestamp(at, tz=timezone.utc) for at in (Week().since, Week().until))
    if plan == "each workload":
        workloads = list(dict.fromkeys((slot.namespace, slot.deployment) for slot in cluster.slots))
        chosen = workloads[:: max(1, len(workloads) // SAMPLED)]
        for namespace, name in chosen:
            owner = Owner(api_version="apps/v1", kind="Deployment", name=name)
            pods = [slot.pod(1) for slot in cluster.slots if slot.deployment == name]
            read_past(engine, namespace, owner, pods, since, until)
        return time.perf_counter(), len(chosen), len(workloads) / len(chosen)
    scope = Scope(targets=(Target(PODS, None),), namespace=None)
    metrics = Metrics(since=since, until=until, p99=plan.endswith("p99"))
    survey = Survey(cluster, scope, take_stock(cluster, scope), metrics)  # type: ignore[arg-type]
    case, pasts = survey.whole()
    rooms = {(p.namespace, p.workload): room for p, room in zip(pasts, read_rooms(cluster, case, pasts), strict=True)}  # type: ignore[arg-type]
    first, sized = 0.0, 0
    for one in survey:
        of_these = [rooms[past.namespace, past.workload] for past in one.pasts]
        report = propose(one.case, one.pasts, of_these, since=since, until=until, asked=Asked())
        sized += sum(item.size.recommended is not None for item in report.items)
        first = first or time.perf_counter()
    return first, sized, 1.0


# --- all plans ------------------------------------------------------------------------------------------------------


def _first(took: Json) -> str:
    return f"{took['first']:.1f} s" if took["factor"] == 1 else ""


def measure(count: int, folder: Path) -> Iterator[str]:
    store = folder / f"tsdb-{count}"
    if not store.exists():
        backfill([Slot(number) for number in range(count)], store)
    port = free_port()
    (folder / "empty.yml").write_text("")
    command = ["prometheus", f"--config.file={folder / 'empty.yml'}", f"--storage.tsdb.path={store}"]
    command += ["--log.level=error", "--storage.tsdb.retention.time=50y", f"--web.listen-address=127.0.0.1:{port}"]
    url = f"http://127.0.0.1:{port}"
    for plan in PLANS:
        with program(command, folder, f"{url}/-/ready") as server:
            before = cpu_of(server.pid)
            words = [sys.executable, "-m", "benchmarks.survey", "--plan", plan, "--url", url, str(count)]
            took = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
            busy, held = (cpu_of(server.pid) - before) * took["factor"], high_water(server.pid) / (1 << 20)
            yield (
                f"| {count} | {plan} | {took['lists'] or ''} | {took['questions']} | {busy:.1f} s | {held:.0f} MB "
                f"| {took['megabytes']:.1f} MB | {_first(took)} | {took['wall']:.1f} s | {took['cpu']:.1f} s "
                f"| {took['peak']:.0f} MB |"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("containers", type=int, nargs="+")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--plan", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.plan:
        run_plan(given.plan, given.containers[0], given.url)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        print(f"| {' | '.join(HEADERS)} |\n|{' --- |' * len(HEADERS)}")
        for count in given.containers:
            for row in measure(count, folder):
                print(row, flush=True)


if __name__ == "__main__":
    main()
