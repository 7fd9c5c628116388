"""How good a rule is: workloads killed in the next week against the memory asked for."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.cases import Case

COSTS = (1.2, 1.3, 1.5)  # limit over true peak at which rules are compared
RESAMPLES = 1000
MATCHED = 1.3


@dataclass(frozen=True)
class Outcome:
    """Of one rule over some cases: share of workloads killed, and limit over true peak (geometric mean)."""

    killed: float
    cost: float


def outcome(cases: Sequence[Case], rule: str, *, given: bool) -> Outcome:
    """`given`: as the rule's owner would set it, with rounding and floors."""
    ratios = [(case.given if given else case.raw)[rule] / case.peak for case in cases]
    return Outcome(sum(ratio < 1 for ratio in ratios) / len(ratios), math.exp(mean_log(ratios)))


def mean_log(ratios: Sequence[float]) -> float:
    return sum(map(math.log, ratios)) / len(ratios)


def matched(cases: Sequence[Case], rule: str, cost: float) -> float:
    """Share killed when all the rule's limits are scaled by one factor, so that they cost this on average."""
    ratios = [case.raw[rule] / case.peak for case in cases]
    factor = cost / math.exp(mean_log(ratios))
    return sum(factor * ratio < 1 for ratio in ratios) / len(ratios)


def dominates(other: Outcome, one: Outcome) -> bool:
    """Fewer killed for less memory, or the same in one and better in the other."""
    return other.killed <= one.killed and other.cost <= one.cost and other != one


def worse_by(cases: Sequence[Case], rule: str, ours: str, cost: float = MATCHED) -> tuple[float, float, float]:
    """How much more the rule lets be killed than ours at equal cost, with its 95 % interval (cluster bootstrap)."""
    clusters: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for case in cases:
        clusters[case.cluster].append((math.log(case.raw[rule] / case.peak), math.log(case.raw[ours] / case.peak)))
    groups, dice = list(clusters.values()), random.Random(1)
    found = sorted(
        _difference([pair for group in dice.choices(groups, k=len(groups)) for pair in group], cost)
        for _ in range(RESAMPLES)
    )
    whole = _difference([pair for group in groups for pair in group], cost)
    return whole, found[round(0.025 * RESAMPLES)], found[round(0.975 * RESAMPLES) - 1]


def _difference(pairs: Sequence[tuple[float, float]], cost: float) -> float:
    """Of the shares killed, each side scaled to this cost."""
    count, target = len(pairs), math.log(cost)
    theirs = target - sum(pair[0] for pair in pairs) / count
    own = target - sum(pair[1] for pair in pairs) / count
    return sum((pair[0] + theirs < 0) - (pair[1] + own < 0) for pair in pairs) / count
