"""The samples of a workload's pods put side by side: five minutes after five minutes, and what belongs to a start."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from kubectl_oom.judge.samples import interval_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory, Life, Sample

WIDTH = 300.0  # seconds of a moment: scrapes of all pods lie in it, and load hardly changes within
SCRAPES = 2  # a moment holds so many scrapes at least
# What a pod needs in its first half hour belongs to its start, not to load: its share of the memory is left out.
STARTING = 1800.0
SEEN_BEFORE = 900.0  # a life whose samples begin this soon after the window's start had begun before it


@dataclass(frozen=True, slots=True)
class Moment:
    """All pods within five minutes, or two scrapes where that is longer."""

    seconds: float  # since the first moment
    pods: int  # with samples
    level: float | None  # bytes, the average over pods that have settled; None: none had
    fullest: float  # the fullest of those, in times of the average
    total: int  # bytes, the highest samples of all pods added up


@dataclass(slots=True)
class Course:
    """One life, moment by moment."""

    pod: str
    samples: int
    tops: dict[int, int]  # the highest sample
    levels: dict[int, float]  # the average of those after it had settled
    settled: list[tuple[float, int]]  # those samples: seconds since the first moment, and bytes


def points_of(life: Life) -> list[Sample]:
    """The samples that count, oldest first: 0 is no memory."""
    return sorted((sample for sample in life.working_set if sample.value > 0), key=lambda sample: sample.at)


def width_of(history: ContainerHistory, lives: Sequence[Sequence[Sample]]) -> float:
    """Seconds of a moment, for samples that come so often."""
    steps = [step for points in lives if (step := interval_of(points))]
    return max(WIDTH, SCRAPES * (history.stepped_seconds or (median(steps) if steps else 0.0)))


def settled_from(points: Sequence[Sample], since: datetime) -> float:
    """The moment, as a timestamp, from which what a life needs is no longer its start's."""
    first = points[0].at
    had_begun = (first - since).total_seconds() <= SEEN_BEFORE
    return first.timestamp() + (0.0 if had_begun else STARTING)


def course_of(life: Life, points: Sequence[Sample], settled: float, origin: datetime, width: float) -> Course:
    """The life moment by moment; `settled` is a timestamp, `origin` when the first moment begins."""
    tops: dict[int, int] = {}
    sums: dict[int, list[int]] = {}
    after: list[tuple[float, int]] = []
    begin = settled - origin.timestamp()
    for point in points:
        seconds = (point.at - origin).total_seconds()
        number = int(seconds // width)
        tops[number] = max(tops.get(number, 0), point.value)
        if seconds >= begin:
            sums.setdefault(number, []).append(point.value)
            after.append((seconds, point.value))
    levels = {number: fmean(values) for number, values in sums.items()}
    return Course(pod=life.pod, samples=len(points), tops=tops, levels=levels, settled=after)


def moments_of(courses: Sequence[Course], width: float) -> list[Moment]:
    """All lives together, oldest moment first; those without samples are left out."""
    tops: dict[int, dict[str, int]] = {}
    levels: dict[int, dict[str, float]] = {}
    for course in courses:
        for number, top in course.tops.items():
            of_pods = tops.setdefault(number, {})
            of_pods[course.pod] = max(of_pods.get(course.pod, 0), top)
        for number, level in course.levels.items():
            levels.setdefault(number, {})[course.pod] = level
    return [_moment(number * width, tops[number], levels.get(number, {})) for number in sorted(tops)]


def _moment(seconds: float, tops: Mapping[str, int], levels: Mapping[str, float]) -> Moment:
    level = fmean(levels.values()) if levels else None
    return Moment(
        seconds=seconds,
        pods=len(tops),
        level=level,
        fullest=max(levels.values()) / level if level else 1.0,
        total=sum(tops.values()),
    )


def in_order(moments: Sequence[Moment], width: float) -> Iterator[float | None]:
    """The levels with a None for every moment without samples."""
    levels = {round(moment.seconds / width): moment.level for moment in moments}
    return (levels.get(number) for number in range(max(levels) + 1))


# --- between moments -----------------------------------------------------------------------------------------------


def rise_within(history: ContainerHistory, seconds: float) -> int:
    """The most, in bytes, that a pod that had settled rose within so many seconds, as far as samples tell."""
    most = 0
    for life in history.lives:
        points = points_of(life)
        if not points:
            continue
        begin = settled_from(points, history.since)
        stamped = ((point.at.timestamp(), point.value) for point in points)
        settled = [(at, value) for at, value in stamped if at >= begin]
        most = max(most, _rise(settled, seconds))
    return most


def _rise(points: Sequence[tuple[float, int]], seconds: float) -> int:
    """The largest rise from the lowest of the last so many seconds; at least from the sample before."""
    most, lowest = 0, 0  # `lowest`: the place of the first candidate
    falling: list[tuple[float, int]] = []  # candidates for the lowest, oldest first, each below the one after it
    before: tuple[float, int] | None = None
    for at, value in points:
        while lowest < len(falling) and at - falling[lowest][0] > seconds:
            lowest += 1
        base = falling[lowest][1] if lowest < len(falling) else before[1] if before else value
        most = max(most, value - base)
        while len(falling) > lowest and falling[-1][1] >= value:
            falling.pop()
        falling.append((at, value))
        before = (at, value)
    return most
