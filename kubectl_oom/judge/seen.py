"""What was seen of one container's memory, in the numbers a size is made from; nothing is added to them yet."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import timedelta
from heapq import nlargest
from itertools import combinations, pairwise
from statistics import median
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Spread, Verdict
from kubectl_oom.judge.samples import interval_of, is_coarse
from kubectl_oom.judge.trend import quantile, theil_sen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory, Kill, Life, MemoryNow, Sample

HOUR = 3600.0
# cgroup v1 writes "no limit" as 2^63 less a page; no machine has an exbibyte.
NO_LIMIT = 1 << 60
# A kill of these says that this container asked for more than its own limit. The node's, and the pod's shared limit,
# say nothing about the container's: unless it was the container's own volume that filled the pod.
SPEAKS_OF_THE_LIMIT = frozenset(
    {Verdict.CONTAINER_LIMIT, Verdict.OOM_SCOPE_UNKNOWN, Verdict.START_OOM, Verdict.CHILD_KILLED}
)
SHARED = frozenset({Verdict.NODE, Verdict.POD_LIMIT})
# Two samples further apart than this many intervals have a lost scrape between them: their rise was not seen.
NEXT_SAMPLE = 2.1
# The jump is the median of the five largest: one alone may be a doubled sample.
LARGEST_JUMPS = 5
# A higher limit that held this long since the last kill is evidence that it is enough: a day holds a daily peak.
CLEAN_AFTER = timedelta(hours=24)
# Where an engine gives numbers without their samples, this interval is assumed: short, so that less is claimed as seen.
ASSUMED_INTERVAL = 15.0
# The kernel's high-water mark counts file cache too. It is believed where the cache is this small a part of the usage.
LITTLE_CACHE = 0.10
DAY = timedelta(days=1)
A_WHILE = 20  # samples of a life, before it tells from which level it set out
FEWEST_DAYS = 6  # of highest samples, before it is said that they rise
RISING = 0.7  # of all pairs of days, those whose later one is higher less those where it is lower (Kendall's tau)
SHARE_OF_A_BLOCK = 0.3  # of its samples: a pod seen for less of a day was not seen that day
FEWEST_IN_A_BLOCK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class KilledAt:
    """One limit under which the container was OOM-killed."""

    limit_bytes: int
    kills: int
    held_since: bool  # a higher limit has been in force since, for a day and more, and nothing was killed
    passed_under: int | None = None  # a higher limit under which samples have gone further since, with no kill; bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One container over a window, its pods together."""

    samples: int
    spread: Spread | None
    highest_bytes: int | None  # the highest sample of any source, or a high-water mark that can be believed
    high_water: bool  # that number is the kernel's own mark, not a sample
    steady_bytes: int | None  # the level that the pod that needs most stays below for 95 % of its time
    jump_bytes: int | None  # a large rise from one sample to the next; None: there were no samples to tell
    interval_seconds: float | None
    span_hours: float  # from the first sample to the last
    sampled_hours: float  # all lives added up
    whole_lives: int  # that were not cut short by a kill
    restarted: bool  # a pod has two lives and more that were sampled for a while
    rise_per_day: float | None  # bytes, of the highest sample of a day; None unless nearly every day was higher
    pods: int  # that have samples
    kills: int  # that speak about the limit
    killed_at: tuple[KilledAt, ...]  # highest limit first
    unknown_limits: int  # kills whose limit nothing recorded
    not_its_own: int  # kills by the node or by the pod's limit
    killed_share: float  # of the days on which a pod was seen, those on which it was killed

    @property
    def killed_limit_bytes(self) -> int | None:
        """The highest limit under which it was OOM-killed."""
        return self.killed_at[0].limit_bytes if self.killed_at else None


def seen(history: ContainerHistory, kills: Sequence[Kill], *, live: Sequence[MemoryNow] = (), until: datetime) -> Seen:
    """The numbers of a history and of the kills that belong to it; samples of 0 are no memory and do not count."""
    own = [kill for kill in kills if speaks_of_the_limit(kill)]
    limited = [kill for kill in own if is_limit(kill.limit_bytes)]
    lives = [points for life in history.lives if (points := _points(life))]
    spread = history.working_set or spread_of(history.lives)
    interval = history.interval_seconds or min((i for points in lives if (i := interval_of(points))), default=None)
    coarse = is_coarse(history.stepped_seconds)
    sampled, mark = _tops(history, spread, own, live)
    span = _span_hours(history, lives, spread, interval)
    return Seen(
        samples=(spread.samples if spread else 0) + sum(1 for one in live if one.working_set_bytes),
        spread=spread,
        highest_bytes=max((top for top in (sampled, mark) if top), default=None),
        high_water=bool(mark and mark > (sampled or 0)),
        steady_bytes=_steady(history, spread),
        jump_bytes=None if coarse else _jump(lives, history.stepped_seconds or interval),
        interval_seconds=interval,
        span_hours=span,
        sampled_hours=_sampled_hours(lives, spread, interval, coarse=coarse) if lives else span,
        whole_lives=max(0, len(lives) - len(own)),
        restarted=_restarted(history),
        rise_per_day=_rise(lives, until),
        pods=len({life.pod for life in history.lives if life.working_set}) or len(history.pods),
        kills=len(own),
        killed_at=_killed_at(history, limited, until),
        unknown_limits=len(own) - len(limited),
        not_its_own=sum(1 for kill in kills if kill.verdict in SHARED and not speaks_of_the_limit(kill)),
        killed_share=_killed_share(history, own, span, history.stepped_seconds or interval, until),
    )


def speaks_of_the_limit(kill: Kill) -> bool:
    """Whether the kill says that the container asked for more than its own limit."""
    return kill.verdict in SPEAKS_OF_THE_LIMIT or kill.own_volume


def is_limit(count: int | None) -> bool:
    """Whether these bytes are a limit, not the absence of one."""
    return count is not None and 0 < count < NO_LIMIT


def spread_of(lives: Sequence[Life]) -> Spread | None:
    """The numbers of the samples themselves, for histories without those of an engine; quantiles of the highest pod."""
    pods: dict[str, list[int]] = defaultdict(list)
    for life in lives:
        pods[life.pod] += [sample.value for sample in life.working_set if sample.value > 0]
    ordered = [sorted(values) for values in pods.values() if values]
    if not ordered:
        return None
    samples = sum(len(values) for values in ordered)
    return Spread(
        samples=samples,
        mean_bytes=round(sum(map(sum, ordered)) / samples),
        p50_bytes=round(max(quantile(values, 0.50) for values in ordered)),
        p95_bytes=round(max(quantile(values, 0.95) for values in ordered)),
        p99_bytes=round(max(quantile(values, 0.99) for values in ordered)),
        max_sampled_bytes=max(values[-1] for values in ordered),
    )


def _points(life: Life) -> Sequence[Sample]:
    points = life.working_set
    if any(sample.value <= 0 for sample in points):
        points = tuple(sample for sample in points if sample.value > 0)
    if any(b.at < a.at for a, b in pairwise(points)):
        points = tuple(sorted(points, key=lambda sample: sample.at))
    return points


# --- levels ---------------------------------------------------------------------------------------------------------


def _tops(
    history: ContainerHistory, spread: Spread | None, kills: Sequence[Kill], live: Sequence[MemoryNow]
) -> tuple[int | None, int | None]:
    """The highest sample of any source, and the highest of the kernel's own marks that can be believed."""
    tops = [spread.max_sampled_bytes] if spread else []
    tops += [sample.value for life in history.lives for sample in life.working_set]
    tops += [kill.highest_sampled_bytes for kill in kills if kill.highest_sampled_bytes]
    tops += [one.working_set_bytes for one in live if one.working_set_bytes]
    marks = [
        one.peak_bytes
        for one in live
        if one.peak_bytes
        and one.usage_bytes
        and one.cache_bytes is not None
        and one.cache_bytes <= LITTLE_CACHE * one.usage_bytes
    ]
    return max((top for top in tops if top > 0), default=None), max(marks, default=None)


def _steady(history: ContainerHistory, spread: Spread | None) -> int | None:
    """p95 of the pod that needs most: from its samples where they are raw, else as the engine worked it out."""
    own = spread_of(history.lives) if history.stepped_seconds is None else None
    chosen = own or spread
    return chosen.p95_bytes if chosen else None


def _jump(lives: Sequence[Sequence[Sample]], interval: float | None) -> int | None:
    """How far it rose from one sample to the next, more than once: a burst can rise as far again unseen."""
    if interval is None:
        return None
    reach = timedelta(seconds=NEXT_SAMPLE * interval)
    rises = (b.value - a.value for points in lives for a, b in pairwise(points) if b.at - a.at <= reach)
    largest = [rise for rise in nlargest(LARGEST_JUMPS, rises) if rise > 0]
    return round(median(largest)) if largest else 0


# --- time -----------------------------------------------------------------------------------------------------------


def _span_hours(
    history: ContainerHistory, lives: Sequence[Sequence[Sample]], spread: Spread | None, interval: float | None
) -> float:
    between = 0.0
    if lives:
        first, last = min(points[0].at for points in lives), max(points[-1].at for points in lives)
        between = (last - first).total_seconds() / HOUR
        if not is_coarse(history.stepped_seconds):
            return between
    # Numbers, and steps of which only the ends are known: at least as long as a pod was sampled on average.
    window = (history.until - history.since).total_seconds() / HOUR
    return min(window, max(between, _counted_hours(spread, interval) / max(1, len(history.pods))))


def _counted_hours(spread: Spread | None, interval: float | None) -> float:
    """Hours that so many samples cover, of all pods together."""
    return spread.samples * (interval or ASSUMED_INTERVAL) / HOUR if spread else 0.0


def _sampled_hours(
    lives: Sequence[Sequence[Sample]], spread: Spread | None, interval: float | None, *, coarse: bool
) -> float:
    if coarse:
        return _counted_hours(spread, interval)
    return sum((points[-1].at - points[0].at).total_seconds() + (interval or 0) for points in lives) / HOUR


def _restarted(history: ContainerHistory) -> bool:
    return max(Counter(life.pod for life in history.lives if len(life.working_set) >= A_WHILE).values(), default=0) > 1


def _rise(lives: Sequence[Sequence[Sample]], until: datetime) -> float | None:
    """Bytes per day by which the highest samples of the days rise, where nearly every later day is above the earlier."""
    days: dict[int, int] = {}
    for points in lives:
        for sample in points:
            day = -((until - sample.at) // DAY)
            if sample.value > days.get(day, 0):
                days[day] = sample.value
    if len(days) < FEWEST_DAYS:
        return None
    numbers = sorted(days)
    signs = [(days[b] > days[a]) - (days[b] < days[a]) for a, b in combinations(numbers, 2)]
    if sum(signs) < RISING * len(signs):
        return None
    return theil_sen([float(day) for day in numbers], [float(days[day]) for day in numbers])


# --- kills ----------------------------------------------------------------------------------------------------------


def _killed_at(history: ContainerHistory, kills: Sequence[Kill], until: datetime) -> tuple[KilledAt, ...]:
    counts: dict[int, int] = defaultdict(int)
    for kill in kills:
        counts[kill.limit_bytes or 0] += 1
    last = max((kill.at for kill in kills), default=until)
    return tuple(
        KilledAt(
            limit_bytes=limit,
            kills=counts[limit],
            held_since=_held(history, limit, last),
            passed_under=_passed_under(history, limit, last),
        )
        for limit in sorted(counts, reverse=True)
    )


def _held(history: ContainerHistory, limit: int, last_kill: datetime) -> bool:
    """Whether samples show a higher limit in force for a day and more after the last kill of all."""
    began, ended = [], []
    for life in history.lives:
        raised = [sample.at for sample in life.limit if sample.at > last_kill and limit < sample.value < NO_LIMIT]
        if raised and life.working_set:
            began.append(min(raised))
            ended.append(life.working_set[-1].at)
    return bool(began) and max(ended) - min(began) >= CLEAN_AFTER


def _passed_under(history: ContainerHistory, limit: int, last_kill: datetime) -> int | None:
    """The higher limit under which a sample since the last kill of all lies above the limit that killed."""
    raised = [
        sample.value
        for life in history.lives
        if any(s.at > last_kill and s.value > limit for s in life.working_set)
        for sample in life.limit
        if sample.at > last_kill and limit < sample.value < NO_LIMIT
    ]
    return max(raised, default=None)


def _killed_share(
    history: ContainerHistory, kills: Sequence[Kill], span_hours: float, interval: float | None, until: datetime
) -> float:
    """Of the blocks of time (a day each, less where less was seen) in which a pod was seen, those with a kill in it."""
    if not kills:
        return 0.0
    block = _block(span_hours)
    killed = {(kill.pod, (until - kill.at) // block) for kill in kills}
    counts: dict[tuple[str, int], int] = defaultdict(int)
    seconds = block.total_seconds()
    for life in history.lives:
        for number, count in Counter(int((until - s.at).total_seconds() // seconds) for s in life.working_set).items():
            counts[(life.pod, number)] += count
    points = block.total_seconds() / interval if interval else 0
    enough = max(min(FEWEST_IN_A_BLOCK, points / 2), SHARE_OF_A_BLOCK * points)  # of a coarse course, half are enough
    survived = len({key for key, count in counts.items() if count >= enough} - killed)
    if not history.lives:  # numbers only: every pod is taken to have been seen all the time
        survived = max(0, round(len(history.pods) * timedelta(hours=span_hours) / block) - len(killed))
    return len(killed) / (len(killed) + survived)


def _block(span_hours: float) -> timedelta:
    if span_hours >= 72:  # noqa: PLR2004 - three days are the fewest of which a share means something
        return timedelta(days=1)
    if span_hours >= 18:  # noqa: PLR2004 - as above, of six hours each
        return timedelta(hours=6)
    return max(timedelta(minutes=30), timedelta(hours=span_hours / 3))
