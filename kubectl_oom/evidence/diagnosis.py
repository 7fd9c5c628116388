"""What `why` and `doctor` conclude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence.cluster import Owner
    from kubectl_oom.evidence.memory import Sample
    from kubectl_oom.evidence.vocabulary import Citation, Confidence, ContainerType, Finding, Gap, Pattern, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSample:
    """The last sample before the end (or the newest one while it runs), from one source at one moment."""

    source: str
    at: datetime
    working_set_bytes: int | None
    usage_bytes: int | None
    interval_seconds: float | None  # between samples; None where the source gives one number only


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUp:
    """What the memory of one container did before it ended: the drawn series and what is made of it."""

    pattern: Pattern
    confidence: Confidence | None
    reason: str  # one sentence: what in the samples says so, or how much data is missing
    samples: tuple[Sample, ...] = ()  # working set
    usage: tuple[Sample, ...] = ()
    highest_working_set_bytes: int | None = None
    highest_usage_bytes: int | None = None
    growth_bytes_per_hour: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The answer for one container."""

    namespace: str
    pod: str
    node: str | None
    container: str
    container_type: ContainerType
    workload: Owner | None
    verdict: Verdict
    confidence: Confidence
    because: str  # one sentence: why this verdict and this confidence
    killed_at: datetime | None
    started_at: datetime | None
    restarted_at: datetime | None
    ready_again_at: datetime | None
    exit_code: int | None
    reason: str | None
    restart_count: int
    limit_bytes: int | None  # in force when it died; None: none was set, or not known (a finding says which)
    limit_known: bool
    request_bytes: int | None
    last_sample: LastSample | None
    run_up: RunUp | None
    serving: tuple[int, int] | None  # ready replicas now, of how many
    evidence: tuple[Citation, ...]
    findings: tuple[Finding, ...]
    candidates: tuple[str, ...] = ()  # of a SIGKILL nobody explains, most plausible first


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAnswer:
    """The answer about a node as a whole: whether the node itself ran out of memory."""

    name: str
    ran_out: bool | None  # None: cannot be told
    confidence: Confidence
    because: str
    evidence: tuple[Citation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `why` answers: one diagnosis per killed container, and what could not be seen."""

    items: tuple[Diagnosis, ...]
    gaps: tuple[Gap, ...]
    nodes: tuple[NodeAnswer, ...] = ()  # of the nodes that were asked about by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """What `doctor` found about one source: whether it answered, how long that took, and what is lost without it."""

    source: str
    serves: str  # what the source is read for
    seconds: float
    detail: str  # what answered
    gap: Gap | None
    rule: str | None  # the RBAC rule that would grant it, when permission is what is missing
