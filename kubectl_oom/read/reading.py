"""What has been read so far for one question, and how a failed read becomes a gap."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_oom.evidence import (
        ContainerKey,
        Gap,
        HeapLine,
        LimitDefault,
        MemoryHistory,
        MemoryNow,
        Node,
        PodKey,
        Replicas,
        WorkloadKey,
    )


_T = TypeVar("_T")


@dataclass(slots=True)
class Reading:
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


# --- single reads: each fills its part of the reading or leaves a gap ------------------------------------------------


def attempt(reading: Reading, source_name: str, subject: str, read: Callable[[], _T]) -> _T | None:
    """What a read answers; None, and a gap, where it fails."""
    try:
        return read()
    except ReadError as error:
        reading.gaps.append(gap_of(source_name, subject, error))
        return None
