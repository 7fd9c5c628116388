"""What `recommend` says about more replicas in place of more memory."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubectl_oom.evidence.vocabulary import Confidence


class ScalingAnswer(str, Enum):
    """Whether a HorizontalPodAutoscaler on memory would help."""

    APPLIES = "applies"  # its memory falls with load, and the numbers leave room to scale
    EXISTS = "exists"  # something scales it already
    DOES_NOT_FALL = "does-not-fall"  # pods would be added, and hardly ever taken away
    TOO_FAST = "too-fast"  # its memory rises faster than a new pod starts
    CANNOT_SCALE = "cannot-scale"  # one pod, a kind without replicas, or somebody else sets their number
    UNKNOWN = "unknown"  # the evidence does not tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaler:
    """The numbers of the HorizontalPodAutoscaler that would scale a workload by the memory of one container."""

    container: str | None  # its memory alone is looked at; None: that of the whole pod, which has no other container
    target_percent: int  # of the request, as the average over the pods
    target_bytes: int  # the same in bytes
    request_bytes: int  # the request that the percentage is of: the recommended one
    min_replicas: int
    max_replicas: int
    keep_seconds: int  # fewer pods must have been enough for so long before one is taken away
    pause_seconds: int  # between one pod that is taken away and the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """Whether more replicas are the answer for the memory of one container, and how many."""

    answer: ScalingAnswer
    reason: str  # one sentence
    confidence: Confidence | None = None  # that its memory falls with load; None unless it applies
    sentences: tuple[str, ...] = ()  # how the numbers came about, in the order they are to be read
    warnings: tuple[str, ...] = ()  # what may go wrong all the same, or goes wrong with the autoscaler there is
    would_tell: str | None = None  # what would tell, where the evidence does not
    autoscaler: Autoscaler | None = None  # None unless it applies
