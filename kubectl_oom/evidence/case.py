"""All that was read for one question."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_oom.evidence.cluster import (
        ContainerKey,
        HeapLine,
        LimitDefault,
        Node,
        Pod,
        PodKey,
        Replicas,
        WorkloadKey,
    )
    from kubectl_oom.evidence.memory import MemoryHistory, MemoryNow
    from kubectl_oom.evidence.vocabulary import Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """All that was read for one question. Every part may be missing; `gaps` says which and why."""

    pods: tuple[Pod, ...]
    nodes: Mapping[str, Node] = field(default_factory=dict)
    limit_defaults: Mapping[str, tuple[LimitDefault, ...]] = field(default_factory=dict)  # by namespace
    now_by_container: Mapping[ContainerKey, tuple[MemoryNow, ...]] = field(default_factory=dict)
    now_by_pod: Mapping[PodKey, MemoryNow] = field(default_factory=dict)
    now_by_node: Mapping[str, MemoryNow] = field(default_factory=dict)
    now_by_pods_cgroup: Mapping[str, MemoryNow] = field(default_factory=dict)  # node → /kubepods
    heap_lines: tuple[HeapLine, ...] = ()
    history: MemoryHistory | None = None
    replicas: Mapping[WorkloadKey, Replicas] = field(default_factory=dict)
    targets: tuple[frozenset[PodKey], ...] = ()  # the pods of each thing that was asked about; none: all as one
    gaps: tuple[Gap, ...] = ()
    children_counted: bool = False  # a metrics engine was asked for kills of child processes, for all pods
