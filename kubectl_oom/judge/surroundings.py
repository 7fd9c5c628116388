"""What was around a container when it died: its pod, the cgroup of all pods, the node."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, ContainerType, Sample
from kubectl_oom.judge.messages import KernelKill, kernel_kill, system_oom_victim
from kubectl_oom.judge.samples import CLOCK_SLACK, LAST_MOMENTS
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import CaseFile, Event, Node, Pod, Termination
# SystemOOM and kernel lines reach the event stream within seconds; a minute allows for a node in distress.
NODE_OOM_WINDOW = timedelta(seconds=60)
# The kubelet reads the kernel log from its start when it starts, and tells old kills as new ones (k/k #133260).
REPLAY_WINDOW = timedelta(minutes=2)
# Samples of the node this close to the kill say how much room it had then.
NODE_SAMPLE_WINDOW = timedelta(seconds=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRoom:
    """How full the cgroup of all pods, or the node itself, was around the kill: the higher share of the two."""

    share: float
    citation: Citation


def system_ooms(node: Node | None, ended: datetime | None) -> tuple[Event, ...]:
    """The node's own SystemOOM events near a moment, without those read again at a kubelet start."""
    if node is None or ended is None:
        return ()
    return tuple(
        e
        for e in node.events
        if e.reason == "SystemOOM"
        and system_oom_victim(e.message) is not None
        and _near(e, ended)
        and not is_replayed(e, node)
    )


def is_replayed(event: Event, node: Node) -> bool:
    """True for a SystemOOM told just after a kubelet start: it may be an old kill read again from the kernel log."""
    starts = [e.last_at for e in node.events if _is_kubelet_start(e) and e.last_at]
    return any(event.last_at and timedelta() <= event.last_at - start <= REPLAY_WINDOW for start in starts)


def _is_kubelet_start(event: Event) -> bool:
    """True unless another component says so: kube-proxy, which a node that runs out of memory restarts as well, does."""
    return event.reason == "Starting" and event.component in (None, "kubelet")


def kernel_kills(node: Node | None, ended: datetime | None) -> tuple[tuple[Event, KernelKill], ...]:
    """The kernel's kill lines near a moment, as node-problem-detector repeats them."""
    if node is None or ended is None:
        return ()
    near = [(e, kernel_kill(e.message)) for e in node.events if e.reason == "OOMKilling" and _near(e, ended)]
    return tuple((event, kill) for event, kill in near if kill is not None)


def _near(event: Event, moment: datetime) -> bool:
    times = [t for t in (event.first_at, event.last_at) if t is not None]
    return any(abs(t - moment) <= NODE_OOM_WINDOW for t in times)


# --- wider cgroups -------------------------------------------------------------------------------------------------


def node_room(case: CaseFile, node: Node | None, ended: datetime | None) -> NodeRoom | None:
    """Around the kill, from samples; from the kubelet's present numbers only when the kill is that recent."""
    if node is None or ended is None:
        return None
    rooms = []
    history = case.history
    if history:
        pods = _around(history.pods_working_set.get(node.name, ()), ended)
        limit = history.pods_limit.get(node.name) or node.allocatable_bytes
        rooms.append(_room(pods, limit, history.source, "all pods of the node"))
        whole = _around(history.node_usage.get(node.name, ()), ended)
        rooms.append(_room(whole, node.capacity_bytes, history.source, "the whole node"))
    for now, size, what in (
        (case.now_by_pods_cgroup.get(node.name), node.allocatable_bytes, "all pods of the node"),
        (case.now_by_node.get(node.name), node.capacity_bytes, "the whole node"),
    ):
        if now and now.at and now.working_set_bytes is not None and abs(now.at - ended) <= NODE_SAMPLE_WINDOW:
            sample = (Sample(at=now.at, value=now.working_set_bytes),)
            rooms.append(_room(sample, now.limit_bytes or size, now.source, what))
    return max((r for r in rooms if r), key=lambda r: r.share, default=None)


def _around(samples: Sequence[Sample], moment: datetime) -> tuple[Sample, ...]:
    return tuple(s for s in samples if abs(s.at - moment) <= NODE_SAMPLE_WINDOW)


def _room(samples: Sequence[Sample], size: int | None, source: str, what: str) -> NodeRoom | None:
    if not samples or not size:
        return None
    top = max(samples, key=lambda s: s.value)
    value = f"{show_bytes(top.value)} of {show_bytes(size)} highest sampled around the kill"
    return NodeRoom(share=top.value / size, citation=Citation(source=source, field=what, value=value, at=top.at))


def pod_share(case: CaseFile, pod: Pod, end: Termination) -> float | None:
    """Highest sampled use of the pod's cgroup in the last moments of this life, as a share of the pod's limit."""
    limit = pod_cgroup_limit(pod)
    if not limit or end.finished_at is None:
        return None
    sampled = case.history.pod_usage if case.history else {}
    used = [
        s.value
        for s in sampled.get(f"{pod.namespace}/{pod.name}", sampled.get(pod.name, ()))
        if (end.started_at is None or s.at >= end.started_at - CLOCK_SLACK)
        and end.finished_at - LAST_MOMENTS <= s.at <= end.finished_at + CLOCK_SLACK
    ]
    now = case.now_by_pod.get((pod.namespace, pod.name))
    if now and now.usage_bytes is not None and now.at and abs(now.at - end.finished_at) <= NODE_SAMPLE_WINDOW:
        used.append(now.usage_bytes)
    return max(used) / limit if used else None


def pod_cgroup_limit(pod: Pod) -> int | None:
    """The limit of the pod's own cgroup: pod-level, else what its containers' limits add up to when all have one.

    As the kubelet counts it: what runs together, or an init step beside the sidecars that were started before it if
    that is more; and the overhead of the RuntimeClass.
    """
    if pod.limit_bytes is not None:
        return pod.limit_bytes + pod.overhead_bytes
    apps = sidecars = largest_step = 0
    counted = [container for container in pod.containers if container.type is not ContainerType.EPHEMERAL]
    for container in counted:  # init containers in the order of their start
        limit = container.limit_bytes
        if limit is None:
            return None
        if container.type is ContainerType.APP:
            apps += limit
        elif container.type is ContainerType.SIDECAR:
            sidecars += limit
        else:
            largest_step = max(largest_step, sidecars + limit)
    return max(apps + sidecars, largest_step) + pod.overhead_bytes if counted else None
