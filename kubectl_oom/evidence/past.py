"""What a metrics engine holds of days: numbers over a window, the kills in it, and the whole past of a workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence.cluster import Owner
    from kubectl_oom.evidence.memory import MemoryHistory


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How one kind of memory of one container was spread over a window, as the engine worked it out.

    Where the container had several instances, the quantiles are those of the instance where they are highest; the
    mean is over all samples, and the maximum is the highest sample of all. None: the engine was not asked for it.
    """

    samples: int
    mean_bytes: int | None
    p50_bytes: int | None
    p95_bytes: int
    p99_bytes: int | None
    max_sampled_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerWindow:
    """What an engine holds about one container of one pod over a window, in numbers instead of samples."""

    pod: str
    container: str
    working_set: Spread | None
    usage: Spread | None
    limit_bytes: int | None  # the last known in the window; None: none was set, or not known
    lowest_limit_bytes: int | None  # differs where it was changed in place
    restarts: int | None  # in the window, at least
    oom_events: int | None  # kills that cAdvisor counted in instances of the window, at least; mostly of children
    node: str | None
    image: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastKill:
    """An OOM kill that a metrics engine remembers, of a pod that may be long gone."""

    pod: str
    container: str
    at: datetime
    exact: bool  # the kubelet's own time; otherwise it was seen then: a scrape later, or a back-off where restarts tell
    exit_code: int | None
    source: str  # the series that tells
    limit_bytes: int | None = None  # in force then, where that was asked for
    late_seconds: float = 0.0  # at most so long after the kill it was seen, where the time is not exact


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryWindow:
    """What a metrics engine holds about some pods over days: numbers, restarts and kills."""

    source: str
    since: datetime
    until: datetime
    containers: tuple[ContainerWindow, ...]
    kills: tuple[PastKill, ...]  # oldest first
    kills_known: bool  # False: the engine holds no series that would tell, so no kill here means nothing
    warnings: tuple[str, ...] = ()
    interval_seconds: float | None = None  # between scrapes, where the samples themselves are not read


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPast:
    """What was read about one workload (or some bare pods, where `workload` is None) over a window."""

    namespace: str
    workload: Owner | None
    pods: tuple[str, ...]  # all names known over the window, gone ones included
    window: MemoryWindow | None
    history: MemoryHistory | None
    stepped_seconds: float | None  # the samples are the highest of each so many seconds; None: raw
