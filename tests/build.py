"""Evidence made by hand, one small builder for each piece, with the values that most tests do not care about."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import (
    CaseFile,
    Condition,
    Container,
    ContainerType,
    Event,
    HeapLine,
    Life,
    MemoryHistory,
    MemoryNow,
    MemoryVolume,
    Node,
    Owner,
    Pod,
    Sample,
    Termination,
)
from kubectl_oom.judge.diagnose import diagnose

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kubectl_oom.evidence import Diagnosis

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=timezone.utc)
MI = 1 << 20
GI = 1 << 30
LIMIT = 100 * MI
NODE_SIZE = 10 * GI
KILLED = 300.0  # seconds before NOW: when the end that most tests are about came
LIVED = 600.0
ENDED_ID, RUNNING_ID, EARLIER_ID = "e" * 64, "a" * 64, "0" * 64
PROMETHEUS = "Prometheus http://prometheus:9090"
KUBELET = "kubelet metrics/cadvisor"
TMPFS = MemoryVolume(name="scratch", size_limit_bytes=None)


def ago(seconds: float) -> datetime:
    """The moment that many seconds before NOW."""
    return NOW - timedelta(seconds=seconds)


def end(
    reason: str | None = "OOMKilled",
    code: int | None = 137,
    *,
    killed: float = KILLED,
    lived: float = LIVED,
    **changes: Any,
) -> Termination:
    """An end `killed` seconds before NOW, after a life of `lived` seconds."""
    fields: dict[str, Any] = {
        "field": "status.containerStatuses[app].lastState.terminated",
        "reason": reason,
        "exit_code": code,
        "message": None,
        "started_at": ago(killed + lived),
        "finished_at": ago(killed),
        "container_id": ENDED_ID,
        "is_current": False,
    }
    return Termination(**fields | changes)


def last_end(reason: str | None = "OOMKilled", code: int | None = 137, **changes: Any) -> Termination:
    """An end after which nothing has started: `state`, not `lastState`."""
    current: dict[str, Any] = {"is_current": True, "field": "status.containerStatuses[app].state.terminated"}
    return end(reason, code, **current | changes)


def container(*ends: Termination, limit: int | None = LIMIT, **changes: Any) -> Container:
    """Container `app`, running again since its newest end, or for good where nothing has started since."""
    over = bool(ends) and ends[0].is_current
    fields: dict[str, Any] = {
        "name": "app",
        "type": ContainerType.APP,
        "image": "registry.example/app:1",
        "limit_bytes": limit,
        "request_bytes": None,
        "limit_in_effect_bytes": None,
        "state": "terminated" if over else "running",
        "waiting_reason": None,
        "waiting_message": None,
        "running_since": None if over else ago(KILLED - 10),
        "container_id": ENDED_ID if over else RUNNING_ID,
        "ready": not over,
        "restart_count": len(ends) - over,
        "terminations": ends,
        "probes": (),
        "probe_grace_seconds": None,
        "memory_volumes": (),
    }
    return Container(**fields | changes)


def waiting(
    *ends: Termination, reason: str = "CrashLoopBackOff", message: str | None = None, **changes: Any
) -> Container:
    """Container `app` while it waits."""
    state = {"state": "waiting", "waiting_reason": reason, "waiting_message": message, "running_since": None}
    return container(*ends, **state | {"container_id": None, "ready": False} | changes)


def other(name: str = "steady", limit: int | None = LIMIT, *ends: Termination, **changes: Any) -> Container:
    """A second container of the pod."""
    return container(*ends, limit=limit, name=name, **changes)


def pod(*containers: Container, **changes: Any) -> Pod:
    """Pod `shop/api-0` on node-a."""
    fields: dict[str, Any] = {
        "namespace": "shop",
        "name": "api-0",
        "uid": "uid-of-api-0",
        "node": "node-a",
        "phase": "Running",
        "reason": None,
        "message": None,
        "qos_class": "Burstable",
        "created_at": ago(86_400),
        "start_time": ago(86_400),
        "deletion_at": None,
        "deletion_grace_seconds": None,
        "grace_seconds": 30,
        "restart_policy": "Always",
        "limit_bytes": None,
        "request_bytes": None,
        "owners": (Owner(api_version="apps/v1", kind="StatefulSet", name="api"),),
        "conditions": (),
        "containers": containers,
        "events": (),
        "memory_volumes": (),
        "resized": False,
    }
    return Pod(**fields | changes)


def event(reason: str, message: str, *, at: float = KILLED, since: float | None = None, **changes: Any) -> Event:
    """An event of the pod's container `app`, last seen `at` seconds before NOW."""
    fields: dict[str, Any] = {
        "type": "Normal",
        "reason": reason,
        "message": message,
        "object_kind": "Pod",
        "object_name": "api-0",
        "object_uid": "uid-of-api-0",
        "field_path": "spec.containers{app}",
        "component": "kubelet",
        "first_at": ago(at if since is None else since),
        "last_at": ago(at),
        "count": 1,
    }
    return Event(**fields | changes)


def killing(why: str = "failed liveness probe, will be restarted", *, at: float = KILLED + 2, **changes: Any) -> Event:
    """The kubelet's own word that it stops container `app`."""
    return event("Killing", f"Container app {why}", at=at, **changes)


def unhealthy(at: float, probe: str = "Liveness") -> Event:
    """A failed probe of container `app`."""
    return event("Unhealthy", f"{probe} probe failed", at=at, type="Warning")


def node_event(reason: str, message: str = "", *, at: float = KILLED, **changes: Any) -> Event:
    """An event of node-a."""
    whose = {"object_kind": "Node", "object_name": "node-a", "object_uid": None, "field_path": None}
    return event(reason, message, at=at, **whose | changes)


def system_oom(at: float = KILLED, comm: str = "app") -> Event:
    """The kubelet's word that the node itself ran out."""
    return node_event("SystemOOM", f"System OOM encountered, victim process: {comm}, pid: 4711", at=at)


def kernel_line(prefix: str = "Out of memory", at: float = KILLED) -> Event:
    """A line of the kernel's log, as node-problem-detector repeats it."""
    line = "Killed process 4711 (app) total-vm:144kB, anon-rss:100kB, file-rss:8kB, shmem-rss:0kB"
    return node_event("OOMKilling", f"{prefix}: {line}", at=at)


def node(*events: Event, pressure: str = "False", **changes: Any) -> Node:
    """Node node-a of 10 Gi."""
    fields: dict[str, Any] = {
        "name": "node-a",
        "capacity_bytes": NODE_SIZE,
        "allocatable_bytes": NODE_SIZE,
        "kubelet_version": "v1.36.3",
        "runtime_version": "containerd://2.4.2",
        "os_image": None,
        "kernel_version": None,
        "conditions": (Condition(type="MemoryPressure", status=pressure, reason=None, message=None, at=None),),
        "events": events,
    }
    return Node(**fields | changes)


EARLY = node_event("NodeReady", "Node node-a status is now: NodeReady", at=KILLED + 1000)


def samples(*values: float, last: float = KILLED + 5, every: float = 15) -> tuple[Sample, ...]:
    """Samples of so many bytes, `every` seconds; the newest `last` seconds before NOW."""
    count = len(values)
    return tuple(Sample(at=ago(last + every * (count - 1 - n)), value=int(v)) for n, v in enumerate(values))


def life(usage: Iterable[Sample] = (), working_set: Iterable[Sample] | None = None, **changes: Any) -> Life:
    """The samples of the life that ended; the working set is the usage where it is not given."""
    usage = tuple(usage)
    fields: dict[str, Any] = {
        "pod": "api-0",
        "container": "app",
        "container_id": ENDED_ID,
        "working_set": usage if working_set is None else tuple(working_set),
        "usage": usage,
    }
    return Life(**fields | changes)


def history(*lives: Life, node_share: float | None = None, **changes: Any) -> MemoryHistory:
    """What Prometheus holds: lives, and how full the whole node was around the kill."""
    fields: dict[str, Any] = {"source": PROMETHEUS, "since": ago(86_400), "until": NOW, "lives": lives}
    if node_share is not None:
        fields["node_usage"] = {"node-a": samples(node_share * NODE_SIZE)}
    return MemoryHistory(**fields | changes)


def now_of(container_id: str | None = RUNNING_ID, **changes: Any) -> MemoryNow:
    """What the kubelet says about an instance just now."""
    fields: dict[str, Any] = {
        "source": KUBELET,
        "container_id": container_id,
        "at": ago(5),
        "working_set_bytes": 20 * MI,
        "usage_bytes": 20 * MI,
    }
    return MemoryNow(**fields | changes)


def case(of: Pod, on: Node | None = None, seen: MemoryHistory | None = None, **changes: Any) -> CaseFile:
    """All that was read for a question about one pod."""
    nodes = {on.name: on} if on else {}
    return CaseFile(**{"pods": (of,), "nodes": nodes, "history": seen} | changes)


def counted(*numbers: MemoryNow, name: str = "app") -> dict[str, Any]:
    """The kubelet's numbers of one container, as a part of the case."""
    return {"now_by_container": {("shop", "api-0", name): numbers}}


def heap_line(text: str, runtime: str, **changes: Any) -> HeapLine:
    """A line of container `app`'s log."""
    return HeapLine(**{"pod": "api-0", "container": "app", "runtime": runtime, "text": text} | changes)


def why(file: CaseFile) -> Diagnosis:
    """The one answer of a case about one killed container."""
    (item,) = diagnose(file, now=NOW).items
    return item


def codes(found: Diagnosis) -> Sequence[str]:
    """The codes of the findings, in their order."""
    return [finding.code for finding in found.findings]
