"""Single optional reads: each fills its part of the reading, or leaves a gap."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import (
    Event,
    Gap,
    MemoryHistory,
    Pod,
    PodKey,
)
from kubectl_oom.read import kubelet
from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.objects import event_of, limit_defaults_of, node_of
from kubectl_oom.read.reading import Reading, attempt
from kubectl_oom.read.source import EVENTS, LIMIT_RANGES, NODES, ReadError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.read.source import Source
EVENT_LISTS_BY_POD = 5  # up to here one list per pod; beyond it one list per namespace is cheaper for the server
RUN_UP = timedelta(hours=24)  # what is read before a kill: a day shows its daily load
OLDEST_RUN_UP = timedelta(days=7)  # kills older than this are for `history`
NODE_EVENT_NAMESPACE = "default"  # where events of objects without a namespace are kept


def read_events(source: Source, pods: Sequence[Pod], reading: Reading) -> dict[PodKey, list[Event]]:
    """The events of these pods, by pod."""
    by_pod: dict[PodKey, list[Event]] = {}
    if len(pods) <= EVENT_LISTS_BY_POD:
        asks = [(p.namespace, f"involvedObject.kind=Pod,involvedObject.name={p.name}") for p in pods]
    else:
        asks = [(namespace, "involvedObject.kind=Pod") for namespace in sorted({p.namespace for p in pods})]
    for namespace, fields in asks:
        ask = lambda: source.list(EVENTS, namespace, fields=fields)  # noqa: B023, E731 - called at once
        for item in attempt(reading, "pod events", f"namespace {namespace}", ask) or ():
            event = event_of(item)
            by_pod.setdefault((namespace, event.object_name), []).append(event)
    return by_pod


def read_node(source: Source, name: str, reading: Reading) -> None:
    """The node and its events."""
    fields = f"involvedObject.kind=Node,involvedObject.name={name}"
    events = attempt(
        reading, "node events", f"node {name}", lambda: source.list(EVENTS, NODE_EVENT_NAMESPACE, fields=fields)
    )
    item = attempt(reading, "node", f"node {name}", lambda: source.get(NODES, None, name))
    if item is not None or events:
        reading.nodes[name] = node_of(item or {"metadata": {"name": name}}, map(event_of, events or ()))


def read_kubelet(source: Source, name: str, pods: Sequence[Pod], reading: Reading) -> None:
    """The kubelet's numbers; where it may not be asked, those of metrics.k8s.io."""
    numbers = kubelet.KubeletNumbers()
    page = attempt(reading, "kubelet", f"node {name}", lambda: source.kubelet_metrics(name))
    if page is not None:
        numbers = kubelet.from_cadvisor(page)
        if not numbers.containers:
            summary = attempt(reading, "kubelet", f"node {name}", lambda: source.kubelet_summary(name))
            numbers = kubelet.from_summary(summary) if summary else numbers
    mine = {(p.namespace, p.name) for p in pods}
    reading.containers.update({key: now for key, now in numbers.containers.items() if key[:2] in mine})
    reading.pods.update({key: now for key, now in numbers.pods.items() if key in mine})
    if numbers.node:
        reading.node_now[name] = numbers.node
    if numbers.pods_cgroup:
        reading.pods_cgroup[name] = numbers.pods_cgroup
    if not numbers.containers:
        _read_pod_metrics(source, pods, reading)


def _read_pod_metrics(source: Source, pods: Sequence[Pod], reading: Reading) -> None:
    """What metrics.k8s.io says of the pods that run; what it refuses for one it refuses for its whole namespace."""
    refused: set[str] = set()
    for pod in pods:
        if pod.namespace in refused or not any(c.state == "running" for c in pod.containers):
            continue
        try:
            item = source.pod_metrics(pod.namespace, pod.name)
        except ReadError as error:
            of_this_pod = error.reason == "NotFound" and pod.name in error.message
            subject = f"pod {pod.name}" if of_this_pod else f"namespace {pod.namespace}"
            reading.gaps.append(gap_of("metrics.k8s.io", subject, error))
            refused |= set() if of_this_pod else {pod.namespace}
            continue
        for name, now in kubelet.from_pod_metrics(item).items():
            reading.containers[pod.namespace, pod.name, name] = (now,)


def read_limit_ranges(source: Source, namespace: str, reading: Reading) -> None:
    """The limits that a namespace gives to containers without one."""
    items = attempt(reading, "limit ranges", f"namespace {namespace}", lambda: source.list(LIMIT_RANGES, namespace))
    reading.limit_defaults[namespace] = tuple(d for item in items or () for d in limit_defaults_of(item))


def ended_by_themselves(pod: Pod) -> list[tuple[str, bool]]:
    """Containers whose last end may be the program's own doing, and whether that is the previous instance's log."""
    found = []
    for container in pod.containers:
        for end in container.terminations[:1]:
            own_doing = end.exit_code not in (0, None) and end.reason not in ("OOMKilled", "StartError")
            if own_doing and not pod.reason:
                found.append((container.name, not end.is_current))
    return found


def read_heap_lines(source: Source, pod: Pod, container: str, *, previous: bool, reading: Reading) -> None:
    """The lines of a log that name the program's own memory error."""
    lines = attempt(
        reading,
        "log",
        f"container {container} of pod {pod.name}",
        lambda: source.heap_lines(pod.namespace, pod.name, container, previous=previous),
    )
    reading.heap_lines += [replace(line, namespace=pod.namespace) for line in lines or ()]


def read_run_up(source: Source, pods: Sequence[Pod], now: datetime, reading: Reading) -> None:
    """What the metrics engine holds of the day before the kills."""
    ends = [t.finished_at for p in pods for c in p.containers for t in c.terminations if t.finished_at]
    recent = [end for end in ends if end > now - OLDEST_RUN_UP]
    since = min(recent, default=now) - RUN_UP
    by_namespace: dict[str, list[Pod]] = {}
    for pod in pods:
        by_namespace.setdefault(pod.namespace, []).append(pod)
    for namespace, own in by_namespace.items():
        names, nodes = [p.name for p in own], sorted({p.node for p in own if p.node})
        ask = lambda: source.history(namespace, names, nodes, since, now)  # noqa: B023, E731 - called at once
        history = attempt(reading, "metrics engine", "", ask)
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
        pods_working_set={**first.pods_working_set, **second.pods_working_set},
        pods_limit={**first.pods_limit, **second.pods_limit},
        pod_usage={**first.pod_usage, **second.pod_usage},
    )
