"""What a watch sees happen: ends of containers as they are reported, and memory that comes close to a limit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence.cluster import Container, Owner, Pod, Termination
    from kubectl_oom.evidence.diagnosis import Diagnosis
    from kubectl_oom.evidence.memory import Sample
    from kubectl_oom.evidence.vocabulary import ContainerType, Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSeen:
    """An end that was not known before, and may be an OOM kill; the pod is as it was when it showed it."""

    pod: Pod
    container: Container
    end: Termination


@dataclass(frozen=True, slots=True, kw_only=True)
class StuckSeen:
    """A container that cannot start for lack of memory, and was not known as such."""

    pod: Pod
    container: Container


@dataclass(frozen=True, slots=True, kw_only=True)
class EndsMissed:
    """Ends that nobody saw: the restarts count them, and the API keeps the last two at most."""

    pod: Pod
    container: Container
    ends: int
    since: datetime | None  # when the container was seen before; None: never


Sighting = EndSeen | StuckSeen | EndsMissed


class Mark(str, Enum):
    """What a warning is about."""

    CLOSE = "85%"
    VERY_CLOSE = "95%"
    PROJECTED = "projected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """The newest sample of one container instance; `container_id` None where the engine keeps none."""

    namespace: str
    pod: str
    container: str
    container_id: str | None
    working_set_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """The last hours of an instance that the engine expects at its limit soon."""

    now: Gauge
    working_set: tuple[Sample, ...]
    rss: tuple[Sample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A container that may be killed next."""

    namespace: str
    pod: str
    node: str | None
    container: str
    container_type: ContainerType
    workload: Owner | None
    limit_bytes: int
    mark: Mark
    working_set_bytes: int  # the newest sample
    growth_bytes_per_hour: float | None  # of a projection
    least_seconds: float | None  # until the limit is reached, at the faster of two rates
    most_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSeen:
    """An OOM kill with its verdict, and what could not be read for it."""

    diagnosis: Diagnosis
    gaps: tuple[Gap, ...]


WatchEvent = KillSeen | Warned | EndsMissed
