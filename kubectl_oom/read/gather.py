"""One question's evidence, read as far as it may be read: independent reads run at the same time, failures are gaps.

Only the targets themselves must be readable; everything else is optional.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from kubectl_oom.evidence import (
    CaseFile,
    ContainerKey,
    Event,
    Gap,
    HeapLine,
    LimitDefault,
    MemoryHistory,
    MemoryNow,
    Neighbour,
    Node,
    Pod,
    PodKey,
    Replicas,
    WorkloadKey,
)
from kubectl_oom.read import kubelet
from kubectl_oom.read.answer import part
from kubectl_oom.read.at_once import readers
from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.objects import event_of, limit_defaults_of, node_of, pod_of, requested_bytes
from kubectl_oom.read.source import EVENTS, LIMIT_RANGES, NODES, PODS, ReadError
from kubectl_oom.read.targets import Climb, Found, FoundPod, Scope, climb, find

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future, ThreadPoolExecutor
    from datetime import datetime

    from kubectl_oom.read.source import Json, Source

AT_ONCE = 8  # requests in flight: what the pool holds, and far below the API server's fair share per user
EVENT_LISTS_BY_POD = 5  # up to here one list per pod; beyond it one list per namespace is cheaper for the server
SMALL_SELECTION = 20  # pods up to which a selection is read as if each had been named
NODES_BY_KUBELET = 20  # kubelets asked for one answer; the rest is a gap, not a storm
RUN_UP = timedelta(hours=24)  # what is read before a kill: a day shows its daily load
OLDEST_RUN_UP = timedelta(days=7)  # kills older than this are for `history`
NODE_EVENT_NAMESPACE = "default"  # where events of objects without a namespace are kept

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """Which optional sources to read."""

    logs: bool = True
    kubelet: bool = True
    metrics: bool = True


@dataclass(slots=True)
class _Reading:
    """What has been read so far; filled from several threads, each under keys of its own."""

    gaps: list[Gap] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    limit_defaults: dict[str, tuple[LimitDefault, ...]] = field(default_factory=dict)
    containers: dict[ContainerKey, tuple[MemoryNow, ...]] = field(default_factory=dict)
    pods: dict[PodKey, MemoryNow] = field(default_factory=dict)
    node_now: dict[str, MemoryNow] = field(default_factory=dict)
    pods_cgroup: dict[str, MemoryNow] = field(default_factory=dict)
    heap_lines: list[HeapLine] = field(default_factory=list)
    replicas: dict[WorkloadKey, Replicas] = field(default_factory=dict)
    history: MemoryHistory | None = None


def gather(source: Source, scope: Scope, *, now: datetime, wants: Wants) -> CaseFile:
    """Everything that may be read about the pods of `scope`. ReadError only when the targets cannot be read."""
    found = find(source, scope)
    pods = _bare_pods(found)
    deep = _worth_reading(pods, scope)
    reading = _Reading(gaps=_left_out(pods, deep))
    with readers(AT_ONCE, "read") as pool:
        events = pool.submit(_events_of_pods, source, deep, reading)
        climbs = [pool.submit(_owners, source, pod, reading) for pod in _first_of_each_owner(deep)]
        for done in _start_reads(pool, source, deep, reading, now=now, wants=wants):
            done.result()
        full = [_complete(pod, events.result(), climbs) for pod in deep]
        for node in _suspected_nodes(full, reading):
            pool.submit(_neighbours, source, node, reading).result()
    read = {(pod.namespace, pod.name) for pod in deep}
    rest = [pod for pod in pods if (pod.namespace, pod.name) not in read]
    return CaseFile(
        pods=tuple(full + rest),
        nodes=reading.nodes,
        limit_defaults=reading.limit_defaults,
        now_by_container=reading.containers,
        now_by_pod=reading.pods,
        now_by_node=reading.node_now,
        now_by_pods_cgroup=reading.pods_cgroup,
        heap_lines=tuple(reading.heap_lines),
        history=reading.history,
        replicas=reading.replicas | _replicas(found.workloads),
        gaps=tuple(_told_once(reading.gaps)),
    )


def _start_reads(
    pool: ThreadPoolExecutor, source: Source, pods: Sequence[Pod], reading: _Reading, *, now: datetime, wants: Wants
) -> list[Future[None]]:
    started = []
    names = sorted({pod.node for pod in pods if pod.node})
    for name in names:
        started.append(pool.submit(_node, source, name, reading))
        if wants.kubelet and name in names[:NODES_BY_KUBELET]:
            started.append(pool.submit(_kubelet, source, name, [p for p in pods if p.node == name], reading))
    if len(names) > NODES_BY_KUBELET:
        reading.gaps.append(
            Gap(
                source="kubelet",
                reason=f"only {NODES_BY_KUBELET} of {len(names)} nodes were asked: kills of child processes "
                "elsewhere were not looked for",
                remedy="narrow the question: -n, -l or a single workload",
            )
        )
    defaulted = sorted({p.namespace for p in pods if any(c.limit_defaulted for c in p.containers)})
    started += [pool.submit(_limit_ranges, source, namespace, reading) for namespace in defaulted]
    if wants.logs:
        started += [
            pool.submit(_heap_lines, source, pod, name, previous=previous, reading=reading)
            for pod in pods
            for name, previous in _ended_by_themselves(pod)
        ]
    if wants.metrics and pods:
        started.append(pool.submit(_history, source, pods, now, reading))
    return started


def _worth_reading(pods: list[Pod], scope: Scope) -> list[Pod]:
    """The pods whose evidence is read in full: all that were named, and of a large selection those with a trace."""
    if not scope.is_selection or len(pods) <= SMALL_SELECTION:
        return pods
    return [pod for pod in pods if ended_or_stuck(pod)]


def _left_out(pods: list[Pod], deep: list[Pod]) -> list[Gap]:
    if len(deep) == len(pods):
        return []
    return [
        Gap(
            source="kubelet",
            reason=f"{len(pods) - len(deep)} pods that run without a trace of a kill were not asked about: processes killed "
            "inside them were not looked for",
            remedy="name a workload or a node",
        )
    ]


def ended_or_stuck(pod: Pod) -> bool:
    """True when the API shows that something in the pod ended badly, or cannot start."""
    if pod.reason or pod.deletion_at:
        return True
    return any(
        c.waiting_reason not in (None, "ContainerCreating", "PodInitializing")
        or any(t.exit_code != 0 or t.reason not in (None, "Completed") for t in c.terminations)
        for c in pod.containers
    )


def _bare_pods(found: Found) -> list[Pod]:
    def one(pod: FoundPod) -> Pod:
        return pod_of(pod.item, owners=pod.owners)

    return sorted(map(one, found.pods), key=lambda p: (p.namespace, p.name))


def _complete(pod: Pod, events: dict[PodKey, list[Event]], climbs: Sequence[Future[tuple[str, Climb]]]) -> Pod:
    owners = pod.owners
    for done in climbs:
        namespace, climbed = done.result()
        chain = climbed.owners
        if owners and namespace == pod.namespace and owners[-1] in chain:
            owners = (*owners, *chain[chain.index(owners[-1]) + 1 :])
            break
    mine = events.get((pod.namespace, pod.name), [])
    own = [e for e in mine if e.object_uid in (None, pod.uid)]  # not those of an earlier pod of the same name
    return replace(
        pod, owners=owners, events=tuple(sorted(own, key=lambda e: e.last_at.timestamp() if e.last_at else 0))
    )


# --- single reads: each fills its part of the reading or leaves a gap ------------------------------------------------


def _attempt(reading: _Reading, source_name: str, subject: str, read: Callable[[], _T]) -> _T | None:
    try:
        return read()
    except ReadError as error:
        reading.gaps.append(gap_of(source_name, subject, error))
        return None


def _events_of_pods(source: Source, pods: Sequence[Pod], reading: _Reading) -> dict[PodKey, list[Event]]:
    by_pod: dict[PodKey, list[Event]] = {}
    if len(pods) <= EVENT_LISTS_BY_POD:
        asks = [(p.namespace, f"involvedObject.kind=Pod,involvedObject.name={p.name}") for p in pods]
    else:
        asks = [(namespace, "involvedObject.kind=Pod") for namespace in sorted({p.namespace for p in pods})]
    for namespace, fields in asks:
        ask = lambda: source.list(EVENTS, namespace, fields=fields)  # noqa: B023, E731 - called at once
        for item in _attempt(reading, "pod events", f"namespace {namespace}", ask) or ():
            event = event_of(item)
            by_pod.setdefault((namespace, event.object_name), []).append(event)
    return by_pod


def _node(source: Source, name: str, reading: _Reading) -> None:
    fields = f"involvedObject.kind=Node,involvedObject.name={name}"
    events = _attempt(
        reading, "node events", f"node {name}", lambda: source.list(EVENTS, NODE_EVENT_NAMESPACE, fields=fields)
    )
    item = _attempt(reading, "node", f"node {name}", lambda: source.get(NODES, None, name))
    if item is not None or events:
        reading.nodes[name] = node_of(item or {"metadata": {"name": name}}, map(event_of, events or ()))


def _kubelet(source: Source, name: str, pods: Sequence[Pod], reading: _Reading) -> None:
    numbers = kubelet.KubeletNumbers()
    page = _attempt(reading, "kubelet", f"node {name}", lambda: source.kubelet_metrics(name))
    if page is not None:
        numbers = kubelet.from_cadvisor(page)
        if not numbers.containers:
            summary = _attempt(reading, "kubelet", f"node {name}", lambda: source.kubelet_summary(name))
            numbers = kubelet.from_summary(summary) if summary else numbers
    mine = {(p.namespace, p.name) for p in pods}
    reading.containers.update({key: now for key, now in numbers.containers.items() if key[:2] in mine})
    reading.pods.update({key: now for key, now in numbers.pods.items() if key in mine})
    if numbers.node:
        reading.node_now[name] = numbers.node
    if numbers.pods_cgroup:
        reading.pods_cgroup[name] = numbers.pods_cgroup
    if not numbers.containers:
        for pod in pods:
            _pod_metrics(source, pod, reading)


def _pod_metrics(source: Source, pod: Pod, reading: _Reading) -> None:
    if not any(c.state == "running" for c in pod.containers):
        return
    item = _attempt(reading, "metrics.k8s.io", f"pod {pod.name}", lambda: source.pod_metrics(pod.namespace, pod.name))
    for name, now in kubelet.from_pod_metrics(item or {}).items():
        reading.containers[pod.namespace, pod.name, name] = (now,)


def _limit_ranges(source: Source, namespace: str, reading: _Reading) -> None:
    items = _attempt(reading, "limit ranges", f"namespace {namespace}", lambda: source.list(LIMIT_RANGES, namespace))
    reading.limit_defaults[namespace] = tuple(d for item in items or () for d in limit_defaults_of(item))


def _ended_by_themselves(pod: Pod) -> list[tuple[str, bool]]:
    """Containers whose last end may be the program's own doing, and whether that is the previous instance's log."""
    found = []
    for container in pod.containers:
        for end in container.terminations[:1]:
            own_doing = end.exit_code not in (0, None) and end.reason not in ("OOMKilled", "StartError")
            if own_doing and not pod.reason:
                found.append((container.name, not end.is_current))
    return found


def _heap_lines(source: Source, pod: Pod, container: str, *, previous: bool, reading: _Reading) -> None:
    lines = _attempt(
        reading,
        "log",
        f"container {container} of pod {pod.name}",
        lambda: source.heap_lines(pod.namespace, pod.name, container, previous=previous),
    )
    reading.heap_lines += [replace(line, namespace=pod.namespace) for line in lines or ()]


def _history(source: Source, pods: Sequence[Pod], now: datetime, reading: _Reading) -> None:
    ends = [t.finished_at for p in pods for c in p.containers for t in c.terminations if t.finished_at]
    recent = [end for end in ends if end > now - OLDEST_RUN_UP]
    since = min(recent, default=now) - RUN_UP
    by_namespace: dict[str, list[Pod]] = {}
    for pod in pods:
        by_namespace.setdefault(pod.namespace, []).append(pod)
    for namespace, own in by_namespace.items():
        names, nodes = [p.name for p in own], sorted({p.node for p in own if p.node})
        ask = lambda: source.history(namespace, names, nodes, since, now)  # noqa: B023, E731 - called at once
        history = _attempt(reading, "metrics engine", "", ask)
        if history:
            reading.gaps += [Gap(source="metrics engine", reason=warning) for warning in history.warnings]
            reading.history = _joined(reading.history, _of_namespace(history, namespace))


def _of_namespace(history: MemoryHistory, namespace: str) -> MemoryHistory:
    """The history with its namespace told: `redis-0` is a name in many of them."""
    return replace(
        history,
        lives=tuple(replace(life, namespace=namespace) for life in history.lives),
        pod_usage={f"{namespace}/{pod}": samples for pod, samples in history.pod_usage.items()},
    )


def _joined(first: MemoryHistory | None, second: MemoryHistory) -> MemoryHistory:
    if first is None:
        return second
    return replace(
        first,
        lives=first.lives + second.lives,
        node_usage={**first.node_usage, **second.node_usage},
        pods_usage={**first.pods_usage, **second.pods_usage},
        pods_limit={**first.pods_limit, **second.pods_limit},
        pod_usage={**first.pod_usage, **second.pod_usage},
    )


# --- owners and neighbours -----------------------------------------------------------------------------------------


def _first_of_each_owner(pods: Sequence[Pod]) -> list[Pod]:
    firsts = {(pod.namespace, pod.owners[-1]): pod for pod in reversed(pods) if pod.owners}
    return list(firsts.values())


def _owners(source: Source, pod: Pod, reading: _Reading) -> tuple[str, Climb]:
    chain = climb(source, pod.namespace, pod.owners)
    if chain.stopped_by is not None and chain.stopped_by.reason != "NotFound":  # a deleted owner is no gap
        top = chain.owners[-1]
        reading.gaps.append(gap_of("owners", f"{top.kind} {top.name}", chain.stopped_by))
    reading.replicas.update(_replicas(chain.objects))
    return pod.namespace, chain


def _replicas(workloads: Sequence[Json]) -> dict[WorkloadKey, Replicas]:
    found: dict[WorkloadKey, Replicas] = {}
    for item in workloads:
        spec, status, meta = part(item, "spec"), part(item, "status"), part(item, "metadata")
        wanted = spec.get("replicas", status.get("desiredNumberScheduled"))
        ready = status.get("readyReplicas", status.get("numberReady", 0))
        if isinstance(wanted, int) and isinstance(ready, int):
            key = (str(meta.get("namespace", "")), str(item.get("kind", "")), str(meta.get("name", "")))
            found[key] = Replicas(ready=ready, wanted=wanted)
    return found


def _suspected_nodes(pods: Sequence[Pod], reading: _Reading) -> list[str]:
    """Nodes that may have run out of memory: their pods' requests are worth a list."""
    suspected = set()
    for pod in pods:
        unlimited = any(
            c.limit_bytes is None and any(t.reason == "OOMKilled" for t in c.terminations) for c in pod.containers
        )
        pressed = pod.reason == "Evicted"
        node = reading.nodes.get(pod.node or "")
        told = node is not None and any(e.reason in ("SystemOOM", "OOMKilling") for e in node.events)
        if pod.node and (unlimited or pressed or told) and pod.limit_bytes is None:
            suspected.add(pod.node)
    return sorted(suspected)


def _neighbours(source: Source, name: str, reading: _Reading) -> None:
    items = _attempt(
        reading, "node pods", f"node {name}", lambda: source.list(PODS, None, fields=f"spec.nodeName={name}")
    )
    summary = _attempt(reading, "kubelet", f"node {name}", lambda: source.kubelet_summary(name)) if items else None
    use = kubelet.from_summary(summary or {}).pods
    found = []
    for item in items or ():
        meta = part(item, "metadata")
        key = (str(meta.get("namespace", "")), str(meta.get("name", "")))
        now = use.get(key)
        found.append(
            Neighbour(
                namespace=key[0],
                name=key[1],
                request_bytes=requested_bytes(item),
                working_set_bytes=now.working_set_bytes if now else None,
            )
        )
    found.sort(key=lambda n: n.request_bytes - (n.working_set_bytes or 0))
    node = reading.nodes.get(name) or node_of({"metadata": {"name": name}})
    reading.nodes[name] = replace(node, neighbours=tuple(found))


def _told_once(gaps: Sequence[Gap]) -> list[Gap]:
    return sorted(set(gaps), key=lambda g: (g.source, g.reason))
