"""What a metrics engine remembers of one workload over days: pods that are gone, numbers, kills, and its course."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import MemoryHistory, Sample, WorkloadPast
from kubectl_oom.read.course import read_course, read_limit_course, step_for
from kubectl_oom.read.metrics import read_lives
from kubectl_oom.read.owners import pods_of_workload
from kubectl_oom.read.survey_kills import KillReader
from kubectl_oom.read.survey_overview import usual_interval
from kubectl_oom.read.window import read_window, samples_of_pods

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ContainerWindow, Life, MemoryWindow, Owner
    from kubectl_oom.read.engine import Engine

# Working-set samples up to which the raw ones are read: three pods, seven days, every 30 s. Six families of them are
# 360,000 samples, 9 MB and about a second; beyond it the engine reduces them to the highest of each step.
RAW_SAMPLES = 60_000
# Steps of a reduced course: five minutes over seven days, which the daily rhythm and a leak both survive.
COURSE_POINTS = 2016
# Samples that are missing, and steps that a life fills in part, make the interval that is worked out of them uneven.
UNEVEN = 0.2


def read_past(
    engine: Engine, namespace: str, workload: Owner | None, living: Sequence[str], since: datetime, until: datetime
) -> WorkloadPast:
    """The past of a workload, or of bare pods where `workload` is None. ReadError where the numbers cannot be had."""
    names = set(living)
    warnings: tuple[str, ...] = ()
    if workload is not None:
        owned = pods_of_workload(engine, namespace, workload.kind, workload.name, since, until)
        names |= set(owned.names)
        warnings = owned.warnings
    pods = tuple(sorted(names))
    window = read_window(engine, namespace, pods, since, until)
    samples = samples_of_pods(window.containers)
    if sum(samples.values()) <= RAW_SAMPLES:
        history, stepped = read_lives(engine, namespace, pods, since, until, samples=samples), None
    else:
        history, stepped = _course(engine, namespace, pods, since, until, window), _step(since, until)
        window = replace(window, interval_seconds=_interval(window, history, stepped))
    return WorkloadPast(
        namespace=namespace,
        workload=workload,
        pods=pods,
        window=replace(window, warnings=(*warnings, *window.warnings)),
        history=history,
        stepped_seconds=stepped,
    )


def _step(since: datetime, until: datetime) -> float:
    return float(step_for(since, until, COURSE_POINTS))


def _interval(window: MemoryWindow, history: MemoryHistory, step: float) -> float | None:
    """Seconds between the samples that the steps stand for: of the container of which most are known."""
    counts = {(row.pod, row.container): row.working_set.samples for row in window.containers if row.working_set}
    most = max(counts, key=lambda one: counts[one], default=None)
    steps = sum(len(life.working_set) for life in history.lives if (life.pod, life.container) == most)
    if most is None or not steps:
        return None
    seconds = step * steps / counts[most]
    return usual_interval(seconds * (1 - UNEVEN), seconds * (1 + UNEVEN), seconds)


def _course(
    engine: Engine, namespace: str, pods: Sequence[str], since: datetime, until: datetime, window: MemoryWindow
) -> MemoryHistory:
    """The highest sample of each step of each life: what is left where raw samples are too many.

    Kills of children are counted as they stood every few minutes, in the instances that run on.
    """
    course = read_course(engine, namespace, pods, since, until, points=COURSE_POINTS)
    step = timedelta(seconds=_step(since, until))
    kills = defaultdict(list)
    for kill in window.kills:  # the oldest first
        kills[kill.pod, kill.container].append(kill.at)
    lives = [part for life in course for part in _ended(life, kills[life.pod, life.container], step)]
    rows = {(row.pod, row.container): row for row in window.containers}
    resized = sorted({row.pod for row in rows.values() if row.lowest_limit_bytes != row.limit_bytes})
    limits = read_limit_course(engine, namespace, resized, since, until, points=COURSE_POINTS) if resized else {}
    lost_some = [row.pod for row in rows.values() if row.oom_events]
    counted = KillReader(engine, since, until).counters([namespace], lost_some)
    newest = {(life.pod, life.container): life for life in sorted(lives, key=lambda life: life.working_set[-1].at)}
    told = [
        replace(
            life,
            limit=_while(life, limits.get((life.pod, life.container), ()), step)
            or _constant(life.working_set, rows.get((life.pod, life.container))),
            oom_events=counted.get((namespace, life.pod, life.container), ())
            if life is newest[life.pod, life.container]
            else (),
        )
        for life in lives
    ]
    return MemoryHistory(source=window.source, since=since, until=until, lives=tuple(told))


def _ended(life: Life, kills: Sequence[datetime], step: timedelta) -> Iterator[Life]:
    """The life, with its last step stamped with the kill that ended it: what was sampled in it was sampled before.

    `kills` are the container's, the oldest first. Where no id tells its instances apart, they do.
    """
    rest = life.working_set
    for at in kills[bisect_left(kills, rest[0].at) :]:
        before = bisect_right(rest, at, key=lambda sample: sample.at)
        through = before + (before < len(rest) and rest[before].at - step < at)
        if not before or (life.container_id and through < len(rest)):
            continue  # of another instance
        last = rest[through - 1]
        yield replace(life, working_set=(*rest[: through - 1], replace(last, at=min(last.at, at))))
        rest = rest[through:]
        if not rest:
            return
    yield replace(life, working_set=rest)


def _while(life: Life, limits: Sequence[Sample], step: timedelta) -> tuple[Sample, ...]:
    """The limits that were in force during the life."""
    first, last = life.working_set[0].at - step, life.working_set[-1].at
    return tuple(sample for sample in limits if first <= sample.at <= last)


def _constant(samples: tuple[Sample, ...], row: ContainerWindow | None) -> tuple[Sample, ...]:
    """The limit at both ends of a course, where it was the same all the time."""
    if not samples or row is None or row.limit_bytes is None or row.limit_bytes != row.lowest_limit_bytes:
        return ()
    ends = samples[:1] if len(samples) == 1 else (samples[0], samples[-1])
    return tuple(Sample(at=end.at, value=row.limit_bytes) for end in ends)
