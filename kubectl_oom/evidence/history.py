"""What `history` concludes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence.cluster import Owner
    from kubectl_oom.evidence.diagnosis import LastSample
    from kubectl_oom.evidence.memory import Life
    from kubectl_oom.evidence.past import Spread
    from kubectl_oom.evidence.vocabulary import Confidence, ContainerType, Finding, Gap, Pattern, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One OOM kill in the past of a workload, as far as any source still knows it."""

    at: datetime
    exact: bool  # the kubelet's own time; otherwise first seen then, up to a scrape late
    namespace: str
    pod: str
    pod_gone: bool
    node: str | None
    container: str
    verdict: Verdict
    confidence: Confidence
    exit_code: int | None
    limit_bytes: int | None  # in force then; None: none, or not known
    highest_sampled_bytes: int | None  # working set, in the life that ended
    pattern: Pattern
    image: str | None
    sources: tuple[str, ...]
    own_volume: bool = False  # by its pod's limit, which is its containers' sum, through a volume that is its alone


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChange:
    """The first sample of a pod with another image than the pods before it."""

    at: datetime
    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeGrowth:
    """How fast the floor of one instance grew; None where it was seen for too short a time."""

    pod: str
    since: datetime
    until: datetime
    bytes_per_hour: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerHistory:
    """What one container of a workload did over a window, its pods and instances taken together."""

    namespace: str
    workload: Owner | None
    pods: tuple[str, ...]  # with samples in the window, gone ones included
    container: str
    container_type: ContainerType | None  # None: every pod that had it is gone
    since: datetime
    until: datetime
    interval_seconds: float | None
    samples: int
    working_set: Spread | None
    usage: Spread | None
    limit_bytes: int | None  # now, or the last known
    request_bytes: int | None
    pattern: Pattern
    confidence: Confidence | None
    reason: str
    data_needed: str | None
    growth_bytes_per_hour: float | None
    seconds_to_limit: float | None
    kills: tuple[Kill, ...]  # newest first
    restarts: int | None  # of any cause, at least; None: not known
    kills_per_week: float | None  # None: the window is too short to say
    findings: tuple[Finding, ...]
    now: LastSample | None = None  # of the running instance with the largest working set
    growth_of_lives: tuple[LifeGrowth, ...] = ()  # oldest first
    image_changes: tuple[ImageChange, ...] = ()  # oldest first; none where the engine kept no images
    lives: tuple[Life, ...]
    stepped_seconds: float | None  # the samples of `lives` are the highest of each so many seconds; None: raw


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryReport:
    """What `history` answers."""

    items: tuple[ContainerHistory, ...]
    gaps: tuple[Gap, ...]
    since: datetime
    until: datetime
