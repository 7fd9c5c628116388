"""Whose limit an OOM kill hit: the container's own, the pod's, or the node's. The API does not say; evidence may.

A kernel OOM kill needs one cgroup between the container and the root to be full. So the answer is found by
looking at each of them, and by excluding those that had room.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, Confidence, Verdict
from kubectl_oom.judge.fullness import (
    AT_THE_LIMIT,
    MOSTLY_ELSEWHERE,
    at_own_limit,
    cited_limit,
    cited_own_use,
    cited_pod_limit,
    cited_pod_peak,
    cited_pod_use,
    cited_room,
    events_reach_back,
    far_below_limit,
    mostly_cache,
    node_had_room,
    node_was_full,
    others_can_fill_it,
    pod_was_full,
    told_of_trouble,
)
from kubectl_oom.judge.surroundings import pod_cgroup_limit
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from kubectl_oom.judge.clues import Clues
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
    cited = (*told[-1:], *lines[-1:], *cited_own_use(clues), cited_end)
    if at_own_limit(clues):  # neither names the container, and this one had a reason of its own to be killed
        return _either(clues, "the node itself ran out of memory at that time", cited)
    return Ruling(
        verdict=Verdict.NODE,
        confidence=Confidence.CERTAIN if told and lines else Confidence.LIKELY,
        because="The node itself ran out of memory at that time, and then the kernel kills in any container.",
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
        if not full and node_was_full(clues):
            return Ruling(
                verdict=Verdict.OOM_SCOPE_UNKNOWN,
                confidence=Confidence.CERTAIN,
                because=f"It has no limit of its own; its pod was not seen at its limit of "
                f"{show_bytes(clues.pod.limit_bytes)}, and the node was nearly full: either can have run out.",
                evidence=(cited_pod_limit(clues), unset, *cited_pod_use(clues), *cited_room(clues), cited_end),
            )
        return Ruling(
            verdict=Verdict.POD_LIMIT,
            confidence=Confidence.CERTAIN
            if full and node_had_room(clues) and not clues.runs_crio
            else Confidence.LIKELY,
            because=f"It has no limit of its own, but the pod has one: {show_bytes(clues.pod.limit_bytes)} for all "
            "its containers together.",
            evidence=(cited_pod_limit(clues), unset, *cited_pod_use(clues), cited_end),
        )
    return Ruling(
        verdict=Verdict.NODE,
        confidence=Confidence.LIKELY if clues.runs_crio else Confidence.CERTAIN,
        because="It has no memory limit and its pod has none, so only the node, or the share of it that all pods "
        "have together, can have run out.",
        evidence=(unset, *cited_room(clues), cited_end),
    )


def _beside_limits(clues: Clues, cited_end: Citation, unset: Citation) -> Ruling:
    """An ephemeral container can have no limit, but it is charged to the pod, which is bounded by the others' limits."""
    limit = show_bytes(pod_cgroup_limit(clues.pod) or 0)
    full = clues.pod_share is not None and clues.pod_share >= AT_THE_LIMIT
    cited = Citation(source="pod", field="limits of all its containers together", value=limit)
    return Ruling(
        verdict=Verdict.POD_LIMIT,
        confidence=Confidence.CERTAIN if full and node_had_room(clues) and not clues.runs_crio else Confidence.LIKELY,
        because=f"It has no limit of its own, but it is charged to its pod, whose other containers' limits bound it to {limit}.",
        evidence=(cited, unset, *cited_pod_use(clues), cited_end),
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
            *cited_pod_use(clues),
            *cited_own_use(clues),
            cited_end,
        ),
    )


def _pod_level(clues: Clues, cited_end: Citation) -> Ruling | None:
    """Both a limit of its own and one for the pod: whichever was reached, if that can be told."""
    if clues.pod.limit_bytes is None or clues.limit.bytes is None:
        return None
    if at_own_limit(clues):
        return None
    if clues.pod_share is not None and clues.pod_share >= AT_THE_LIMIT:
        return Ruling(
            verdict=Verdict.POD_LIMIT,
            confidence=Confidence.LIKELY,
            because=f"The pod as a whole was at its limit of {show_bytes(clues.pod.limit_bytes)} while this container "
            "was below its own.",
            evidence=(cited_pod_limit(clues), *cited_pod_use(clues), *cited_own_use(clues), cited_end),
        )
    if others_can_fill_it(clues.pod):
        return Ruling(
            verdict=Verdict.OOM_SCOPE_UNKNOWN,
            confidence=Confidence.CERTAIN,
            because=f"It has a limit of its own ({show_bytes(clues.limit.bytes)}) inside the pod's "
            f"({show_bytes(clues.pod.limit_bytes)}), and no sample says which of them was reached.",
            evidence=(
                cited_pod_limit(clues),
                *cited_limit(clues),
                *cited_pod_use(clues),
                *cited_own_use(clues),
                cited_end,
            ),
        )
    return None


def _own_limit(clues: Clues, cited_end: Citation) -> Ruling:
    room = clues.node_room
    cited = (
        *cited_limit(clues),
        *cited_own_use(clues),
        *cited_pod_use(clues),
        *cited_pod_peak(clues),
        *cited_room(clues),
        cited_end,
    )
    if not clues.limit.known:
        return Ruling(
            verdict=Verdict.OOM_SCOPE_UNKNOWN,
            confidence=Confidence.CERTAIN,
            because="Memory of its pod was changed in place, and nothing that could be read kept the limit it died at.",
            evidence=cited,
        )
    limit = show_bytes(clues.limit.bytes or 0)
    if room and node_was_full(clues):
        if at_own_limit(clues):
            what, used = room.citation.field, room.citation.value
            return _either(clues, f"{what} used {used}", cited)
        return Ruling(
            verdict=Verdict.NODE,
            confidence=Confidence.LIKELY if far_below_limit(clues) else Confidence.POSSIBLE,
            because=f"{room.citation.field.capitalize()} used {room.citation.value}, while this container was not seen at "
            f"its own limit of {limit}.",
            evidence=cited,
        )
    if at_own_limit(clues):
        cache = mostly_cache(clues)
        sure = node_had_room(clues) and not clues.runs_crio and not cache and not pod_was_full(clues)
        told = " The node had room." if node_had_room(clues) else ""
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
    excluded = node_had_room(clues)
    quiet = events_reach_back(clues) and not told_of_trouble(clues)
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
