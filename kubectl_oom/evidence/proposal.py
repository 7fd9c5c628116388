"""What `recommend` answers: a size, and everything that somebody who is to set it wants to know."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_oom.evidence.scaling import Scaling
    from kubectl_oom.evidence.sizing import Recommendation, Sizes
    from kubectl_oom.evidence.vocabulary import Citation, Gap, Verdict


class Risk(str, Enum):
    """What threatens a container at its size of today, the worst first."""

    KILLED = "killed"  # OOM-killed in the window, at a limit that still stands or a higher one
    GROWING = "growing"  # it leaks or grows towards its limit
    CLOSE = "close"  # the highest sample is near the limit
    TIGHT = "tight"  # the limit is below what is recommended
    UNLIMITED = "unlimited"  # no limit: the node decides
    NONE = "none"  # the limit is as large as recommended, or larger
    UNKNOWN = "unknown"  # nothing is known that a size could be made from


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A flag or environment value of the program that belongs to the new limit."""

    name: str  # NODE_OPTIONS, -XX:MaxRAMPercentage, maxmemory
    value: str  # --max-old-space-size=384, 70, 600mb
    replaces: str | None  # what stands there now; None: nothing
    is_env: bool  # an environment variable of the container, which `kubectl set env` can set


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapAdvice:
    """What the program itself is told about memory, and what that means for a limit."""

    runtime: str  # jvm, node, go, dotnet, python, ruby, php, nginx, postgres, redis, elasticsearch, kafka
    evidence: tuple[Citation, ...]
    heap_cap_bytes: int | None  # the heap's own ceiling under today's limit; None: none, or not known
    least_limit_bytes: int | None  # with this heap the limit must be at least this; None: nothing to say
    sentences: tuple[str, ...]  # the arithmetic, with numbers, in the order it is to be read
    settings: tuple[Setting, ...] = ()  # to be set together with the new limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One thing of the cluster that the size was held against."""

    check: str  # node, node-free, limit-range, quota, vertical-autoscaler, horizontal-autoscaler, owner, qos
    ok: bool
    detail: str  # one sentence with the numbers
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the change of requests costs a month; limits alone cost nothing."""

    currency: str
    per_gib_month: float
    price_source: str
    per_pod_month: float
    total_month: float  # times the replicas of today
    most_month: float | None  # times the HPA's maximum; None where none scales it
    detail: str  # the sum as one sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedKills:
    """OOM kills a week, before and after, from the replay of this workload's own history; None: cannot be told."""

    before: float | None
    after: float | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How to set the size by hand; `command` is None where no command can (and `why_not` says why)."""

    command: str | None
    patch: Mapping[str, Any] | None
    why_not: str | None = None
    heap_command: str | None = None  # `kubectl set env …` for the settings that belong to the limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The answer for one container of one workload."""

    size: Recommendation
    risk: Risk
    kills: int  # in the window
    highest_bytes: int | None  # the highest sample of any pod
    heap: HeapAdvice | None
    fits: tuple[Fit, ...]
    offer: Sizes | None  # what does fit where the recommended size does not; None: it fits, or nothing would
    cost: Cost | None  # None: hidden, or nothing to compare with
    expected_kills: ExpectedKills | None
    alternative: str | None  # as much memory in all with other replicas, where load allows it; one sentence
    change: Change
    pod: str | None = None  # the pod, where no workload owns it
    killed_limit_bytes: int | None = None  # the highest limit at which it was OOM-killed, of the kills that count
    kills_elsewhere: tuple[Verdict, ...] = ()  # of kills that do not speak of its own limit: node, pod-limit
    scaling: Scaling | None = None  # more replicas instead; None: not asked of this kind of container

    @property
    def fits_all(self) -> bool:
        """Whether nothing stands against the size."""
        return all(fit.ok for fit in self.fits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalReport:
    """What `recommend` answers, those at risk first."""

    items: tuple[Proposal, ...]
    gaps: tuple[Gap, ...]
    warnings: tuple[str, ...] = field(default=())
