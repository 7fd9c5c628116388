"""What the samples of a workload's pods say about load: how its memory is shared among them, and whether it falls.

Nothing here knows what an autoscaler is; `scaling` does. Why these rules: docs/decisions/0013-replicas-instead.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from math import sqrt
from statistics import fmean, median
from typing import TYPE_CHECKING

from kubectl_oom.judge.scaling.moments import course_of, in_order, moments_of, points_of, settled_from, width_of
from kubectl_oom.judge.shape import daily_likeness
from kubectl_oom.judge.trend import DAILY_FROM, HOUR, Curve, quantile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory
    from kubectl_oom.judge.scaling.moments import Course, Moment

LOW, HIGH = 0.05, 0.95
FULLEST = 0.99  # of all moments, how far the fullest pod lies above the average
# An autoscaler leaves the pods as they are within 10 % of its target on both sides: what moves by less is level.
SWING = 0.20
ALIKE = 0.6  # of two days: as for the pattern `periodic`
GIVEN_BACK = 0.5  # of all samples, those of lives that gave memory back while they ran
# Pods come and go for other reasons than scaling: their number has to hold for a while, and to change twice.
HELD = 3  # moments
FEWEST_TURNS = 3  # times that a number of pods held
CORRELATED = 0.6
SHARED = 0.10  # of the level: less of it goes to further pods than an autoscaler would notice
WHOLE_DIP = HOUR  # what lasts longer is no dip: fewer pods are enough then


@dataclass(frozen=True, slots=True)
class Spreading:
    """How the memory of a pod followed the number of pods."""

    fewest: int
    most: int
    share: float  # of the level at the fewest, how much lower it was at the most


@dataclass(frozen=True, slots=True)
class Load:
    """A workload's memory over a window, its pods together. Sizes are bytes of the average over its pods."""

    duration: float  # seconds from the first moment to the last
    width: float  # seconds of a moment
    low: float
    steady: float  # what it stays below for 95 % of the time
    fullest: float  # the fullest pod, in times of the average
    total: int  # the highest sum over all pods at one time
    pods_then: int
    most_pods: int  # that had samples at one time
    swings: bool  # its low lies well below its high
    daily: bool  # and every day is like the day before
    given_back: bool  # the pods gave memory back while they ran: restarts alone do not bring it down
    spreading: Spreading | None  # None: the number of pods did not change, or memory did not follow
    levels: tuple[float | None, ...]  # per moment; None: no pod had settled

    def total_of(self, pods: int) -> float:
        """The highest sum; where so many pods were never sampled together, as if the others had been like them."""
        return self.total if self.most_pods >= pods else self.total * pods / self.pods_then

    def longest_dip(self, below: float) -> float:
        """Seconds of the longest time, of at most an hour, that the average lay below this and came back."""
        runs = [
            (under, len(list(run))) for under, run in groupby(level is None or level < below for level in self.levels)
        ]
        dips = [count * self.width for under, count in runs[1:-1] if under]
        return max((dip for dip in dips if dip <= WHOLE_DIP), default=0.0)


def load_of(history: ContainerHistory) -> Load | None:
    """What the samples say; None where they are too few."""
    lives = [(life, points) for life in history.lives if (points := points_of(life))]
    if not lives:
        return None
    width = width_of(history, [points for _, points in lives])
    origin = min(points[0].at for _, points in lives)
    courses = [course_of(life, points, settled_from(points, history.since), origin, width) for life, points in lives]
    moments = moments_of(courses, width)
    levels = [moment.level for moment in moments if moment.level is not None]
    if len(levels) < HELD:
        return None
    ordered = sorted(levels)
    low, steady = quantile(ordered, LOW), quantile(ordered, HIGH)
    top = max(moments, key=lambda moment: moment.total)
    return Load(
        duration=moments[-1].seconds,
        width=width,
        low=low,
        steady=steady,
        fullest=quantile(sorted(moment.fullest for moment in moments if moment.level is not None), FULLEST),
        total=top.total,
        pods_then=top.pods,
        most_pods=max(moment.pods for moment in moments),
        swings=low <= (1 - SWING) * steady,
        daily=_is_daily(sorted(point for course in courses for point in course.settled), origin),
        given_back=_given_back(courses),
        spreading=_spreading(courses, moments, width),
        levels=tuple(in_order(moments, width)),
    )


# --- whether it falls ----------------------------------------------------------------------------------------------


def _is_daily(settled: Sequence[tuple[float, int]], origin: datetime) -> bool:
    """Whether the samples of all pods together, as seconds and bytes, are alike from day to day."""
    if not settled or settled[-1][0] - settled[0][0] < DAILY_FROM:
        return False
    first = settled[0][0]
    curve = Curve(origin, [seconds - first for seconds, _ in settled], [value for _, value in settled])
    likeness = daily_likeness(curve)
    return likeness is not None and likeness >= ALIKE


def _given_back(courses: Sequence[Course]) -> bool:
    """Whether most of what was sampled belongs to lives that fell well below their own high before they ended."""
    gave = sum(course.samples for course in courses if _deepest_fall(course) >= SWING)
    return gave >= GIVEN_BACK * sum(course.samples for course in courses)


def _deepest_fall(course: Course) -> float:
    """How far it fell below an earlier high, as a share of that."""
    highest = deepest = 0.0
    for number in sorted(course.levels):
        level = course.levels[number]
        highest = max(highest, level)
        deepest = max(deepest, (highest - level) / highest)
    return deepest


def _spreading(courses: Sequence[Course], moments: Sequence[Moment], width: float) -> Spreading | None:
    """How memory per pod followed the number of pods: within single lives, so that a fresh pod is no evidence."""
    held = _held(moments, width)
    if len(list(groupby(held[number] for number in sorted(held)))) < FEWEST_TURNS:
        return None
    pairs = [pair for course in courses for pair in _deviations(course, held)]
    across, power, height = (
        sum(x * y for x, y in pairs),
        sum(x * x for x, _ in pairs),
        sum(y * y for _, y in pairs),
    )
    if power <= 0 or height <= 0 or across / sqrt(power * height) < CORRELATED:
        return None
    counts = [(held[number], level) for course in courses for number, level in course.levels.items() if number in held]
    fewest, most = min(counts)[0], max(counts)[0]
    share = across / power * (1 / fewest - 1 / most) / median(level for pods, level in counts if pods == fewest)
    return Spreading(fewest, most, share) if share >= SHARED else None


def _held(moments: Sequence[Moment], width: float) -> dict[int, int]:
    """Moment → pods, where their number had been the same for a while."""
    counts = {round(moment.seconds / width): moment.pods for moment in moments}
    return {
        number: pods
        for number, pods in counts.items()
        if all(counts.get(number - back) == pods for back in range(1, HELD + 1))
    }


def _deviations(course: Course, held: Mapping[int, int]) -> Iterator[tuple[float, float]]:
    """Of one life: its part of the load (one by the number of pods) and its memory, both less their averages."""
    points = [(1 / held[number], level) for number, level in course.levels.items() if number in held]
    if not points:
        return
    part, level = fmean(part for part, _ in points), fmean(level for _, level in points)
    yield from ((one - part, other - level) for one, other in points)
