"""Sizes by hand are no recommendation: what the programs inside have to be told is worked out for them anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Sizes
from kubectl_oom.judge.heap import advise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import Pod, Proposal, Room
    from kubectl_oom.judge.fixing import FixAsked


def with_heap_by_hand(
    proposals: Sequence[Proposal], room: Room | None, pods: Sequence[Pod], asked: FixAsked
) -> list[Proposal]:
    """The proposals with the heap advice for the sizes that the user gave; as they are where none was given."""
    if not asked.by_hand:
        return list(proposals)
    homes = {pod.node for pod in pods}
    cpus = [node.cpus for node in (room.nodes if room else ()) if node.name in homes and node.cpus is not None]
    return [_told(one, pods, asked, max(cpus, default=None)) for one in proposals]


def _told(proposal: Proposal, pods: Sequence[Pod], asked: FixAsked, cpus: float | None) -> Proposal:
    named = (one for pod in pods for one in pod.containers if one.name == proposal.size.container)
    container = next(named, None)
    limit = asked.limit_bytes if asked.limit_bytes is not None else proposal.size.current.limit_bytes
    if container is None:
        return replace(proposal, heap=None)
    heap = advise(
        container,
        highest_bytes=proposal.highest_bytes,
        killed_limit_bytes=proposal.killed_limit_bytes,
        sizes=Sizes(request_bytes=asked.request_bytes, limit_bytes=limit),
        cpus=cpus,
    )
    return replace(proposal, heap=heap)
