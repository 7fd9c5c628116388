"""The target of an autoscaler, and the bounds it is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.judge.fits.autoscalers import TOLERANCE
from kubectl_oom.judge.scaling.moments import rise_within
from kubectl_oom.judge.scaling.start import Start, start_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import ContainerHistory, Pod
    from kubectl_oom.judge.scaling.load import Load

# The limit is never to be reached while a pod starts; as everywhere, it stays this far above what is expected.
LIMIT_ROOM = 0.05
# Within the tolerance above it, the pods still stay within what the scheduler has reserved for them.
MOST_OF_REQUEST = 0.90


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """From what the target comes. Sizes in bytes, of the average over the pods."""

    pods: int  # today
    request: int
    limit: int
    steady: float
    ceiling: float  # above this, the fullest pod might reach the limit before a new one is ready
    rise: int  # seen within that time
    start: Start

    @property
    def most(self) -> float:
        """Above this, pods that are left as they are would go over what is reserved for them."""
        return MOST_OF_REQUEST * self.request

    @property
    def percent(self) -> int:
        """Of the request, rounded down; below 1 there is no target."""
        return int(100 * min(self.steady, self.ceiling, self.most) / self.request)

    @property
    def target(self) -> int:
        """The same in bytes."""
        return self.percent * self.request // 100

    @property
    def comes_back_at(self) -> float:
        """The share of the target below which one pod more than today is taken away again."""
        return min(1 - TOLERANCE, self.pods / (self.pods + 1))


def numbers_of(
    load: Load, history: ContainerHistory, pods: Sequence[Pod], replicas: int, sizes: tuple[int, int]
) -> Numbers:
    """What the target is made from; `sizes` are request and limit."""
    request, limit = sizes
    start = start_of(pods)
    rise = rise_within(history, start.reaction_seconds)
    return Numbers(
        pods=replicas,
        request=request,
        limit=limit,
        steady=load.steady,
        ceiling=(limit * (1 - LIMIT_ROOM) - rise) / ((1 + TOLERANCE) * load.fullest),
        rise=rise,
        start=start,
    )
