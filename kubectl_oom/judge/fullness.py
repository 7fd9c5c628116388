"""Single facts about how full each cgroup was, and how they are quoted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, ContainerType
from kubectl_oom.judge.surroundings import pod_cgroup_limit
from kubectl_oom.quantity import show_bytes, show_percent

if TYPE_CHECKING:
    from kubectl_oom.evidence import Pod
    from kubectl_oom.judge.clues import Clues

# Of its limit, the usage that a sample must show to say "it was there". Samples come 5 to 30 s apart and a kill needs
# 100 %; Robusta's rule of thumb is 92 %. 95 % leaves a step of growth between the sample and the kill.
AT_THE_LIMIT = 0.95
# Up to this share of the node (or of its pods' cgroup) in use, neither ran out at that moment.
HAD_ROOM = 0.90
# From this share on it may have.
WAS_FULL = 0.95
# A memory volume explains a kill when the container itself used at most this share of its limit.
MOSTLY_ELSEWHERE = 0.75
# Usage at the limit with a working set below this share of it is mostly page cache, which the kernel gives back.
CACHE_WORKING_SET = 0.75


def others_can_fill_it(pod: Pod) -> bool:
    """True when the pod can be at its limit while this container is not at its own."""
    limits = [c.limit_bytes for c in pod.containers if c.type is not ContainerType.INIT]
    unbounded = any(limit is None for limit in limits)
    return len(limits) > 1 and (unbounded or sum(limit or 0 for limit in limits) > (pod.limit_bytes or 0))


# --- single facts --------------------------------------------------------------------------------------------------


def at_own_limit(clues: Clues) -> bool:
    """True when a sample shows it: of the container, or of a pod that is this one container."""
    steady = [c for c in clues.pod.containers if c.type is not ContainerType.INIT]
    alone = steady == [clues.container] and clues.pod.limit_bytes is None and not clues.container.memory_volumes
    if alone and clues.pod_share is not None and clues.pod_share >= AT_THE_LIMIT:
        return True
    last = clues.last_usage
    return bool(clues.limit.bytes and last is not None and last.value >= AT_THE_LIMIT * clues.limit.bytes)


def mostly_cache(clues: Clues) -> bool:
    """True when the sample at the limit was file cache for the most part: full of it, a cgroup lives on."""
    last = clues.last_usage
    if last is None or clues.life is None or not clues.limit.bytes or last.value < AT_THE_LIMIT * clues.limit.bytes:
        return False
    beside = [s.value for s in clues.life.working_set if s.at == last.at]
    return bool(beside) and beside[0] < CACHE_WORKING_SET * clues.limit.bytes


def far_below_limit(clues: Clues) -> bool:
    """True when the highest sampled usage leaves a good part of the limit unused."""
    used, limit = clues.highest_usage, clues.limit.bytes
    return used is not None and limit is not None and used <= MOSTLY_ELSEWHERE * limit


def pod_was_full(clues: Clues) -> bool:
    """True when a pod-level limit was reached at the same time, which its other containers can have filled."""
    full = clues.pod_share is not None and clues.pod_share >= AT_THE_LIMIT
    return full and clues.pod.limit_bytes is not None and others_can_fill_it(clues.pod)


def node_was_full(clues: Clues) -> bool:
    """True when the node, or the cgroup of all its pods, was sampled as good as full around the kill."""
    return clues.node_room is not None and clues.node_room.share >= WAS_FULL


def events_reach_back(clues: Clues) -> bool:
    """True when the node's events are kept from before the kill: a SystemOOM of that time would be among them."""
    ended = clues.end.finished_at
    kept = [e.last_at for e in (clues.node.events if clues.node else ()) if e.last_at]
    return ended is not None and any(at <= ended for at in kept)


def node_had_room(clues: Clues) -> bool:
    """True when both were sampled with room around the kill, and the node tells of no kill of its own."""
    return clues.node_room is not None and clues.node_room.share <= HAD_ROOM and not clues.system_ooms


def told_of_trouble(clues: Clues) -> bool:
    """True when the node tells of memory trouble at any time.

    A SystemOOM that is replayed or far off proves nothing against it, but does not clear it either.
    """
    if clues.node is None:
        return False
    pressed = any(c.type == "MemoryPressure" and c.status == "True" for c in clues.node.conditions)
    return pressed or any(e.reason == "SystemOOM" for e in clues.node.events)


def cited_limit(clues: Clues) -> tuple[Citation, ...]:
    """The limit at the kill, as evidence; nothing where it is not known."""
    return (clues.limit.citation,) if clues.limit.citation else ()


def cited_room(clues: Clues) -> tuple[Citation, ...]:
    """How full the node was, as evidence; nothing without a sample near the kill."""
    return (clues.node_room.citation,) if clues.node_room else ()


def cited_own_use(clues: Clues) -> tuple[Citation, ...]:
    """The highest sampled usage of this life, as evidence; nothing without samples."""
    if clues.highest_usage is None or clues.last_sample is None or clues.life is None:
        return ()
    of = f", {show_percent(clues.highest_usage, clues.limit.bytes)} of the limit" if clues.limit.bytes else ""
    return (
        Citation(
            source=clues.last_sample.source,
            field="container_memory_usage_bytes",
            value=f"{show_bytes(clues.highest_usage)} highest sampled in this life{of}",
            at=max(clues.life.usage, key=lambda sample: sample.value).at,
        ),
    )


def cited_pod_peak(clues: Clues) -> tuple[Citation, ...]:
    """The kernel's own high-water mark of the pod, when it stands at the limit; file cache can raise it too."""
    now, limit = clues.pod_peak, pod_cgroup_limit(clues.pod)
    if now is None or now.peak_bytes is None or not limit or now.peak_bytes < AT_THE_LIMIT * limit:
        return ()
    value = f"{show_bytes(now.peak_bytes)} of {show_bytes(limit)}, the kernel's high-water mark (file cache included)"
    return (Citation(source=now.source, field="container_memory_max_usage_bytes of the pod", value=value, at=now.at),)


def cited_pod_limit(clues: Clues) -> Citation:
    """The pod-level limit, as evidence."""
    return Citation(source="pod", field="spec.resources.limits.memory", value=show_bytes(clues.pod.limit_bytes or 0))


def cited_pod_use(clues: Clues) -> tuple[Citation, ...]:
    """The highest sampled use of the pod's cgroup at the end, as evidence; nothing without samples."""
    limit = pod_cgroup_limit(clues.pod)
    if clues.pod_share is None or not limit:
        return ()
    used = round(clues.pod_share * limit)
    value = f"{show_bytes(used)} of {show_bytes(limit)} highest sampled"
    return (Citation(source="kubelet or metrics engine", field="usage of the pod's cgroup", value=value),)
