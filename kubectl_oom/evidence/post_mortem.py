"""What `report` concludes: the facts of one incident in the order in which a post-mortem tells them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence.cluster import Owner
    from kubectl_oom.evidence.diagnosis import Diagnosis
    from kubectl_oom.evidence.history import ContainerHistory
    from kubectl_oom.evidence.proposal import Proposal
    from kubectl_oom.evidence.vocabulary import Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One pod that did not serve: from the end of its container until it was ready again."""

    pod: str
    since: datetime
    restarted_at: datetime | None  # None: not restarted, or not seen
    until: datetime | None  # ready again; None: it is not, or no source says when it was
    goes_on: bool  # not ready when the sources were read


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What the API still shows of the damage; how many users felt it, no source here can know."""

    wanted: int | None  # replicas; None: no workload, or not known
    ready_now: int | None
    since: datetime | None  # the first of what is told; None: no source says when it happened
    kept_serving: tuple[str, ...]  # pods that were ready before `since` and have been ever since
    later_ready: tuple[str, ...]  # ready now, but only since: what they were at the kill, no source says
    outages: tuple[Outage, ...]  # oldest first; of each pod the end that is told
    untold: int  # further kills that ended a container, and of which nobody keeps how long that lasted


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One row of the timeline."""

    at: datetime
    what: str
    note: str = ""
    pod: str | None = None
    exact: bool = True  # False: seen then, up to a scrape late


class MeasureKind(str, Enum):
    """When a measure is to be taken."""

    CHANGE = "change"  # now, so that it does not happen again tomorrow
    PREVENTION = "prevention"  # so that this kind of incident becomes rarer, or is seen earlier
    FOLLOW_UP = "follow-up"  # to see whether it helped


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Something to do, and the fact that speaks for it."""

    kind: MeasureKind
    what: str  # an instruction, without a full stop
    because: str  # a sentence
    command: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMortem:
    """One container of one workload that something ended."""

    namespace: str
    workload: Owner | None
    pod: str | None  # of the end that is told; None: no source names one
    container: str
    happened_at: datetime | None
    diagnosis: Diagnosis | None  # the end that is told in full; None: only a metrics engine remembers any
    others: tuple[Diagnosis, ...]  # the same container in other pods
    history: ContainerHistory
    proposal: Proposal | None
    impact: Impact
    timeline: tuple[Happening, ...]  # oldest first
    kernel: tuple[str, ...]  # why the kernel kills and does not throttle, as far as it applies; often nothing
    measures: tuple[Measure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMortemReport:
    """What `report` answers: the newest incident first; none where nothing was ended that any source shows."""

    items: tuple[PostMortem, ...]
    gaps: tuple[Gap, ...]
    since: datetime
    until: datetime
