"""Whose limit an OOM kill hit: the container's own, the pod's, or the node's. The API does not say; evidence may.

A kernel OOM kill needs one cgroup between the container and the root to be full. So the answer is found by
looking at each of them, and by excluding those that had room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, Confidence, ContainerType, Verdict
from kubectl_oom.judge.clues import pod_cgroup_limit
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
# A new instance that dies this soon after an earlier one filled a memory volume has met what is still in there.
DIED_AT_ONCE_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A verdict with its strength, its reason in one sentence, and what it rests on."""

    verdict: Verdict
    confidence: Confidence
    because: str
    evidence: tuple[Citation, ...] = ()
    candidates: tuple[str, ...] = ()

    def weakened(self, because: str, cited: Citation) -> Ruling:
        """The same, one step less sure, resting on one more citation."""
        weaker = {Confidence.CERTAIN: Confidence.LIKELY}.get(self.confidence, Confidence.POSSIBLE)
        return replace(self, because=because, confidence=weaker, evidence=(*self.evidence, cited))


def kernel_scope(clues: Clues, cited_end: Citation) -> Ruling:
    """The ruling on an end that a kernel OOM kill brought about."""
    return (
        _node_by_its_own_word(clues, cited_end)
        or _without_own_limit(clues, cited_end)
        or _memory_volume(clues, cited_end)
        or _pod_level(clues, cited_end)
        or _own_limit(clues, cited_end)
    )


def _node_by_its_own_word(clues: Clues, cited_end: Citation) -> Ruling | None:
    """A SystemOOM event or a kernel line that names no cgroup: the node itself ran out."""
    told = [
        Citation(source="node event", field="SystemOOM", value=event.message, at=event.last_at)
        for event in clues.system_ooms
    ]
    lines = [
        Citation(source="node event", field="OOMKilling", value=event.message, at=event.last_at)
        for event, kill in clues.kernel_kills
        if kill.scope == "node"
    ]
    if not told and not lines:
        return None
    cited = (*told[-1:], *lines[-1:], *_own_use(clues), cited_end)
    if _at_own_limit(clues):  # neither names the container, and this one had a reason of its own to be killed
        return _either(clues, "the node itself ran out of memory at that time", cited)
    return Ruling(
        verdict=Verdict.NODE,
        confidence=Confidence.CERTAIN if told and lines else Confidence.LIKELY,
        because="The node itself ran out of memory at that time and the kernel chose this container's process.",
        evidence=cited,
    )


def _either(clues: Clues, other: str, cited: tuple[Citation, ...]) -> Ruling:
    """Two limits were full at once."""
    return Ruling(
        verdict=Verdict.OOM_SCOPE_UNKNOWN,
        confidence=Confidence.CERTAIN,
        because=f"Its usage was sampled at its limit of {show_bytes(clues.limit.bytes or 0)}, and {other}: either can have "
        "killed it.",
        evidence=cited,
    )


def _without_own_limit(clues: Clues, cited_end: Citation) -> Ruling | None:
    """No limit of its own: only a wider cgroup can have been full."""
    if clues.limit.bytes is not None or not clues.limit.known:
        return None
    name = clues.container.name
    unset = Citation(source="pod", field=f"spec…[{name}].resources.limits.memory", value="not set")
    if clues.pod.limit_bytes is None and pod_cgroup_limit(clues.pod):
        return _beside_limits(clues, cited_end, unset)
    if clues.pod.limit_bytes is not None:
        full = clues.pod_share is not None and clues.pod_share >= AT_THE_LIMIT
        if not full and _node_was_full(clues):
            return Ruling(
                verdict=Verdict.OOM_SCOPE_UNKNOWN,
                confidence=Confidence.CERTAIN,
                because=f"It has no limit of its own; its pod was not seen at its limit of "
                f"{show_bytes(clues.pod.limit_bytes)}, and the node was nearly full: either can have run out.",
                evidence=(_pod_limit(clues), unset, *_pod_use(clues), *_room(clues), cited_end),
            )
        return Ruling(
            verdict=Verdict.POD_LIMIT,
            confidence=Confidence.CERTAIN
            if full and _node_had_room(clues) and not clues.runs_crio
            else Confidence.LIKELY,
            because=f"It has no limit of its own, but the pod has one: {show_bytes(clues.pod.limit_bytes)} for all "
            "its containers together.",
            evidence=(_pod_limit(clues), unset, *_pod_use(clues), cited_end),
        )
    return Ruling(
        verdict=Verdict.NODE,
        confidence=Confidence.LIKELY if clues.runs_crio else Confidence.CERTAIN,
        because="It has no memory limit and its pod has none, so only the node, or the share of it that all pods "
        "have together, can have run out.",
        evidence=(unset, *_room(clues), cited_end),
    )


def _beside_limits(clues: Clues, cited_end: Citation, unset: Citation) -> Ruling:
    """An ephemeral container can have no limit, but it is charged to the pod, which is bounded by the others' limits."""
    limit = show_bytes(pod_cgroup_limit(clues.pod) or 0)
    full = clues.pod_share is not None and clues.pod_share >= AT_THE_LIMIT
    cited = Citation(source="pod", field="limits of all its containers together", value=limit)
    return Ruling(
        verdict=Verdict.POD_LIMIT,
        confidence=Confidence.CERTAIN if full and _node_had_room(clues) and not clues.runs_crio else Confidence.LIKELY,
        because=f"It has no limit of its own, but it is charged to its pod, whose other containers' limits bound it to {limit}.",
        evidence=(cited, unset, *_pod_use(clues), cited_end),
    )


def _memory_volume(clues: Clues, cited_end: Citation) -> Ruling | None:
    """A later instance killed by what an earlier one left in a memory-backed volume: charged to the pod by then."""
    if not clues.container.memory_volumes or clues.instance == 0 or not clues.limit.bytes:
        return None
    if pod_cgroup_limit(clues.pod) is None:  # what is charged to the pod alone is then bounded by nothing
        return None
    if clues.pod_share is not None and clues.pod_share < MOSTLY_ELSEWHERE:  # the volume was not that full
        return None
    usage, lived = clues.highest_usage, clues.lived
    if usage is not None and usage > MOSTLY_ELSEWHERE * clues.limit.bytes:
        return None
    soon = lived is not None and lived.total_seconds() <= DIED_AT_ONCE_SECONDS
    if usage is None and not soon:
        return None
    names = ", ".join(v.name for v in clues.container.memory_volumes)
    own = f"its own highest sampled usage was {show_bytes(usage)}" if usage is not None else "it died at once"
    return Ruling(
        verdict=Verdict.POD_LIMIT,
        confidence=Confidence.LIKELY if clues.pod_share is not None else Confidence.POSSIBLE,
        because=f"What an earlier instance left in its memory-backed volume ({names}) stays charged to the pod and "
        f"survives restarts; {own}.",
        evidence=(
            Citation(source="pod", field="spec.volumes[].emptyDir.medium", value=f"Memory: {names}"),
            *_pod_use(clues),
            *_own_use(clues),
            cited_end,
        ),
    )


def _pod_level(clues: Clues, cited_end: Citation) -> Ruling | None:
    """Both a limit of its own and one for the pod: whichever was reached, if that can be told."""
    if clues.pod.limit_bytes is None or clues.limit.bytes is None:
        return None
    if _at_own_limit(clues):
        return None
    if clues.pod_share is not None and clues.pod_share >= AT_THE_LIMIT:
        return Ruling(
            verdict=Verdict.POD_LIMIT,
            confidence=Confidence.LIKELY,
            because=f"The pod as a whole was at its limit of {show_bytes(clues.pod.limit_bytes)} while this container "
            "was below its own.",
            evidence=(_pod_limit(clues), *_pod_use(clues), *_own_use(clues), cited_end),
        )
    if _others_can_fill_it(clues.pod):
        return Ruling(
            verdict=Verdict.OOM_SCOPE_UNKNOWN,
            confidence=Confidence.CERTAIN,
            because=f"It has a limit of its own ({show_bytes(clues.limit.bytes)}) inside the pod's "
            f"({show_bytes(clues.pod.limit_bytes)}), and no sample says which of them was reached.",
            evidence=(_pod_limit(clues), *_limit(clues), *_pod_use(clues), *_own_use(clues), cited_end),
        )
    return None


def _others_can_fill_it(pod: Pod) -> bool:
    """True when the pod can be at its limit while this container is not at its own."""
    limits = [c.limit_bytes for c in pod.containers if c.type is not ContainerType.INIT]
    unbounded = any(limit is None for limit in limits)
    return len(limits) > 1 and (unbounded or sum(limit or 0 for limit in limits) > (pod.limit_bytes or 0))


def _own_limit(clues: Clues, cited_end: Citation) -> Ruling:
    room = clues.node_room
    cited = (*_limit(clues), *_own_use(clues), *_pod_use(clues), *_pod_peak(clues), *_room(clues), cited_end)
    if not clues.limit.known:
        return Ruling(
            verdict=Verdict.OOM_SCOPE_UNKNOWN,
            confidence=Confidence.CERTAIN,
            because="Its limit was changed in place since, and nothing that could be read kept the one it died at.",
            evidence=cited,
        )
    limit = show_bytes(clues.limit.bytes or 0)
    if room and _node_was_full(clues):
        if _at_own_limit(clues):
            what, used = room.citation.field, room.citation.value
            return _either(clues, f"{what} used {used}", cited)
        return Ruling(
            verdict=Verdict.NODE,
            confidence=Confidence.LIKELY if _far_below_limit(clues) else Confidence.POSSIBLE,
            because=f"{room.citation.field.capitalize()} used {room.citation.value}, while this container was not seen at "
            f"its own limit of {limit}.",
            evidence=cited,
        )
    if _at_own_limit(clues):
        cache = _mostly_cache(clues)
        sure = _node_had_room(clues) and not clues.runs_crio and not cache and not _pod_was_full(clues)
        told = " The node had room." if _node_had_room(clues) else ""
        if cache:
            told += " Much of that was file cache, which the kernel can take back."
        return Ruling(
            verdict=Verdict.CONTAINER_LIMIT,
            confidence=Confidence.CERTAIN if sure else Confidence.LIKELY,
            because=f"Its usage was sampled at its limit of {limit} just before.{told}",
            evidence=cited,
        )
    return _unseen_at_limit(clues, limit, cited)


def _unseen_at_limit(clues: Clues, limit: str, cited: tuple[Citation, ...]) -> Ruling:
    """Nobody saw it at its limit: too fast for the samples, or there are none. The limit stays the best explanation."""
    excluded = _node_had_room(clues)
    quiet = _events_reach_back(clues) and not _told_of_trouble(clues)
    if clues.highest_usage is None:
        seen = "no samples of its usage in that life were read"
    elif clues.limit.bytes and clues.highest_usage >= AT_THE_LIMIT * clues.limit.bytes:
        seen = "its usage was sampled at that limit earlier in its life, but not at the end"
    else:
        seen = f"the highest sampled usage was {show_bytes(clues.highest_usage)}: the rest came between two samples"
    if excluded or quiet:
        why = "had room" if excluded else "reported no memory trouble of its own"
        return Ruling(
            verdict=Verdict.CONTAINER_LIMIT,
            confidence=Confidence.LIKELY,
            because=f"It has a limit of {limit} and the node {why}; {seen}.",
            evidence=cited,
        )
    return Ruling(
        verdict=Verdict.CONTAINER_LIMIT,
        confidence=Confidence.POSSIBLE,
        because=f"It has a limit of {limit}, the usual cause; {seen}, and the node's part in it could not be excluded.",
        evidence=cited,
    )


# --- single facts --------------------------------------------------------------------------------------------------


def _at_own_limit(clues: Clues) -> bool:
    """True when a sample shows it: of the container, or of a pod that is this one container."""
    steady = [c for c in clues.pod.containers if c.type is not ContainerType.INIT]
    alone = steady == [clues.container] and clues.pod.limit_bytes is None and not clues.container.memory_volumes
    if alone and clues.pod_share is not None and clues.pod_share >= AT_THE_LIMIT:
        return True
    last = clues.last_usage
    return bool(clues.limit.bytes and last is not None and last.value >= AT_THE_LIMIT * clues.limit.bytes)


def _mostly_cache(clues: Clues) -> bool:
    """True when the sample at the limit was file cache for the most part: full of it, a cgroup lives on."""
    last = clues.last_usage
    if last is None or clues.life is None or not clues.limit.bytes or last.value < AT_THE_LIMIT * clues.limit.bytes:
        return False
    beside = [s.value for s in clues.life.working_set if s.at == last.at]
    return bool(beside) and beside[0] < CACHE_WORKING_SET * clues.limit.bytes


def _far_below_limit(clues: Clues) -> bool:
    used, limit = clues.highest_usage, clues.limit.bytes
    return used is not None and limit is not None and used <= MOSTLY_ELSEWHERE * limit


def _pod_was_full(clues: Clues) -> bool:
    """True when a pod-level limit was reached at the same time, which its other containers can have filled."""
    full = clues.pod_share is not None and clues.pod_share >= AT_THE_LIMIT
    return full and clues.pod.limit_bytes is not None and _others_can_fill_it(clues.pod)


def _node_was_full(clues: Clues) -> bool:
    return clues.node_room is not None and clues.node_room.share >= WAS_FULL


def _events_reach_back(clues: Clues) -> bool:
    """True when the node's events are kept from before the kill: a SystemOOM of that time would be among them."""
    ended = clues.end.finished_at
    kept = [e.last_at for e in (clues.node.events if clues.node else ()) if e.last_at]
    return ended is not None and any(at <= ended for at in kept)


def _node_had_room(clues: Clues) -> bool:
    return clues.node_room is not None and clues.node_room.share <= HAD_ROOM and not clues.system_ooms


def _told_of_trouble(clues: Clues) -> bool:
    """True when the node tells of memory trouble at any time.

    A SystemOOM that is replayed or far off proves nothing against it, but does not clear it either.
    """
    if clues.node is None:
        return False
    pressed = any(c.type == "MemoryPressure" and c.status == "True" for c in clues.node.conditions)
    return pressed or any(e.reason == "SystemOOM" for e in clues.node.events)


def _limit(clues: Clues) -> tuple[Citation, ...]:
    return (clues.limit.citation,) if clues.limit.citation else ()


def _room(clues: Clues) -> tuple[Citation, ...]:
    return (clues.node_room.citation,) if clues.node_room else ()


def _own_use(clues: Clues) -> tuple[Citation, ...]:
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


def _pod_peak(clues: Clues) -> tuple[Citation, ...]:
    """The kernel's own high-water mark of the pod, when it stands at the limit; file cache can raise it too."""
    now, limit = clues.pod_peak, pod_cgroup_limit(clues.pod)
    if now is None or now.peak_bytes is None or not limit or now.peak_bytes < AT_THE_LIMIT * limit:
        return ()
    value = f"{show_bytes(now.peak_bytes)} of {show_bytes(limit)}, the kernel's high-water mark (file cache included)"
    return (Citation(source=now.source, field="container_memory_max_usage_bytes of the pod", value=value, at=now.at),)


def _pod_limit(clues: Clues) -> Citation:
    return Citation(source="pod", field="spec.resources.limits.memory", value=show_bytes(clues.pod.limit_bytes or 0))


def _pod_use(clues: Clues) -> tuple[Citation, ...]:
    limit = pod_cgroup_limit(clues.pod)
    if clues.pod_share is None or not limit:
        return ()
    used = round(clues.pod_share * limit)
    value = f"{show_bytes(used)} of {show_bytes(limit)} highest sampled"
    return (Citation(source="kubelet or metrics engine", field="usage of the pod's cgroup", value=value),)
