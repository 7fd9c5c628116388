"""Workloads whose memory follows load, or does not: samples by a formula, and what is advised about them."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import Autoscaler, Proposal, ProposalReport, Rollout, Scaling
from tests.pasts import WEEK, life
from tests.worlds import DEPLOYMENT, World, container, pod, report_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_oom.evidence import Container, Life, Owner

EVERY = 300.0  # seconds between samples: enough for what takes hours
DAY = 24.0


def of_the_day(low: float, high: float) -> Callable[[float], float]:
    """Mi between `low` at the end of a day and `high` twelve hours before."""
    middle, half = (high + low) / 2, (high - low) / 2
    return lambda hours: middle - half * cos(2 * pi * (hours % DAY) / DAY)


def rolled_out(replicas: int | None = 3) -> Rollout:
    return Rollout(replicas=replicas, surge=1, strategy="RollingUpdate")


@dataclass(frozen=True)
class Shape:
    """A workload of some pods that all need the same."""

    need: Callable[[float], float]
    replicas: int = 3
    since: float = WEEK
    every: float = EVERY
    limit: float = 512
    request: float = 256

    def lives(self) -> tuple[Life, ...]:
        return tuple(
            life(self.need, pod=f"api-{number}", since=self.since, every=self.every) for number in range(self.replicas)
        )

    def app(self, **changes: Any) -> Container:
        return container(limit=self.limit, request=self.request, **changes)


def advised(
    shape: Shape,
    *beside: Container,
    lives: Sequence[Life] | None = None,
    kind: Owner | None = None,
    room: dict[str, Any] | None = None,
    app: dict[str, Any] | None = None,
    pods: dict[str, Any] | None = None,
) -> ProposalReport:
    """The whole answer about it."""
    of = {"owners": (kind,)} if kind else {}
    made = tuple(
        pod(shape.app(**app or {}), *beside, name=f"api-{number}", **of, **pods or {})
        for number in range(shape.replicas)
    )
    around = {"rollout": rolled_out(shape.replicas), **(room or {})}
    seen = shape.lives() if lives is None else tuple(lives)
    return report_of(World(made, seen, workload=kind or DEPLOYMENT, room=around))


def item_of(report: ProposalReport, name: str = "app") -> Proposal:
    (item,) = [item for item in report.items if item.size.container == name]
    return item


def scaling_of(shape: Shape, *beside: Container, **changes: Any) -> Scaling:
    """What is said about more replicas of it."""
    found = item_of(advised(shape, *beside, **changes)).scaling
    assert found is not None
    return found


def autoscaler_of(shape: Shape, *beside: Container, **changes: Any) -> Autoscaler:
    """The numbers, where more replicas are the answer."""
    found = scaling_of(shape, *beside, **changes)
    assert found.autoscaler is not None, found.reason
    return found.autoscaler
