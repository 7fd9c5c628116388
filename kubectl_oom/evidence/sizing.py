"""What sizing concludes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_oom.evidence.cluster import Owner
    from kubectl_oom.evidence.vocabulary import ContainerType


class Band(str, Enum):
    """How far a recommended size can be trusted. What the words were worth in replay: docs/sizing.md."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class WorkloadClass(str, Enum):
    """What kind of work a container does, as far as kind and behaviour tell; the rules of thumb differ by it."""

    STATELESS = "stateless"
    STATEFUL = "stateful"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Memory request and limit of one container; None: not set, or not known."""

    request_bytes: int | None
    limit_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The size one container should have, and why."""

    namespace: str
    workload: Owner | None
    container: str
    container_type: ContainerType | None
    profile: str
    workload_class: WorkloadClass
    class_reason: str
    confidence: Band
    confidence_reason: str
    replicas: int | None
    current: Sizes
    recommended: Sizes | None  # None: nothing is known that a size could be made from
    floor_bytes: int | None  # no profile goes below: every limit that killed and the highest sample lie under it
    rationale: tuple[str, ...]  # whole sentences, in the order they are to be read
    alternatives: Mapping[str, int]  # rule → the limit it would give; a rule that cannot answer is not in it
    lasts_seconds: float | None  # until a leak or growth reaches the recommended limit; None where neither is seen
    leaks: bool = False  # what grows begins anew with every start: `lasts_seconds` counts from there, else from now
