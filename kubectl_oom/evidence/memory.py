"""What the kubelet and the metrics engine say about memory: numbers of now, and samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNow:
    """Memory of one container, pod or node as read just now; `at` is when the kubelet measured it.

    `oom_events` counts kills in this very instance; 0 proves nothing, since the series dies with its container.
    `peak_bytes` is the kernel's own high-water mark and includes page cache; 0 is reported as None.
    """

    source: str
    container_id: str | None
    at: datetime | None
    working_set_bytes: int | None
    usage_bytes: int | None
    rss_bytes: int | None = None
    cache_bytes: int | None = None
    limit_bytes: int | None = None
    peak_bytes: int | None = None
    oom_events: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sample: memory is only known at these instants, never between them."""

    at: datetime
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """The samples of one container instance, oldest first; `container_id` may be unknown to the engine."""

    pod: str
    container: str
    container_id: str | None
    working_set: tuple[Sample, ...]
    usage: tuple[Sample, ...] = ()
    rss: tuple[Sample, ...] = ()
    cache: tuple[Sample, ...] = ()
    limit: tuple[Sample, ...] = ()
    oom_events: tuple[Sample, ...] = ()
    namespace: str | None = None  # None: of the one namespace that was asked about
    limit_series: str = "container_spec_memory_limit_bytes"  # what told the limit: as enforced, else as the spec has it


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryHistory:
    """What a metrics engine holds about some pods over a window."""

    source: str  # as printed: "Prometheus http://…"
    since: datetime
    until: datetime
    lives: tuple[Life, ...]
    node_usage: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)  # node → working set of the whole node
    # node → working set of the cgroup of all its pods: its usage is full of file cache on any busy node
    pods_working_set: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)
    pods_limit: Mapping[str, int] = field(default_factory=dict)  # node → limit of its pods' cgroup
    pod_usage: Mapping[str, tuple[Sample, ...]] = field(
        default_factory=dict
    )  # pod (in a case: namespace/pod) → its cgroup's usage
    warnings: tuple[str, ...] = ()  # what the engine could not or did not answer, one sentence each
