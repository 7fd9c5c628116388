"""The kernel and the kubelet of the replay: killed when demand passes the limit, started again after a back-off.

And the monitoring that watches: scrapes every half minute or minute, some lost, as the evidence that `recommend` reads.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from operator import add
from typing import TYPE_CHECKING

from benchmarks.demand import STEP_SECONDS
from kubectl_oom.evidence import (
    Confidence,
    ContainerHistory,
    ContainerType,
    Kill,
    Life,
    Owner,
    Pattern,
    Sample,
    Verdict,
)
from kubectl_oom.judge.instance import LifeSpan
from kubectl_oom.judge.pattern import recognise
from kubectl_oom.judge.seen import spread_of

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from benchmarks.demand import Pod

MI = 1 << 20
UNTIL = datetime(2026, 3, 9, tzinfo=timezone.utc)
BACK_OFF = (1, 2, 3, 6, 11, 20)  # steps: 10 s, 20 s, … five minutes
BACK_OFF_ENDS = 40  # steps: a container that ran for ten minutes starts at once again
FIRST_LOOK = 64  # steps looked at together: few after a start, since crash loops die soon, then more and more
LOST, GAP_CHANCE = 0.01, 0.10
STEP = timedelta(seconds=STEP_SECONDS)


@dataclass
class Run:
    """One instance of a container, from its first step; `used` in Mi, 0 where it did not run."""

    first: int
    used: list[float]
    killed: bool = False


@dataclass
class Past:
    """What happened to one pod under a limit."""

    runs: list[Run] = field(default_factory=list)

    @property
    def kills(self) -> int:
        return sum(run.killed for run in self.runs)

    @property
    def highest(self) -> float:
        return max((max(run.used) for run in self.runs if run.used), default=0.0)


def replay(
    pod: Pod, first: int, last: int, limit: float, *, restarts: Sequence[int] = (), most_kills: int = 3000
) -> Past:
    """The steps from `first` to `last` under this limit, with restarts at these steps (rollouts, drains)."""
    past, at, back_off = Past(), first, 0
    ends = [*sorted(step for step in restarts if first < step < last), last]
    while at < last and past.kills < most_kills:
        end = next(step for step in ends if step > at)
        run = _run(pod, at, end, limit)
        past.runs.append(run)
        lived = len(run.used)
        if not run.killed:
            at, back_off = end, 0
            continue
        back_off = 0 if lived > BACK_OFF_ENDS else back_off
        at += lived + BACK_OFF[min(back_off, len(BACK_OFF) - 1)]
        back_off += 1
    return past


def _run(pod: Pod, first: int, end: int, limit: float) -> Run:
    """One instance from its start until it is killed or until `end`."""
    used: list[float] = []
    look = FIRST_LOOK
    while first + len(used) < end:
        age = len(used)
        part = pod.outside[first + age : min(end, first + age + look)]
        if pod.by_age:
            older = pod.by_age[age : age + len(part)]
            older += [pod.by_age[-1]] * (len(part) - len(older))
            part = list(map(add, part, older))
        if max(part) > limit:
            used += part[: next(n for n, need in enumerate(part) if need > limit)]
            return Run(first, used, killed=True)
        used += part
        look *= 4
    return Run(first, used)


# --- what monitoring sees of it -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Watched:
    """How a workload is watched and owned."""

    dice: random.Random
    every: int  # steps between scrapes
    kind: str
    steps: int  # of history
    limit: float  # Mi
    request: float | None = None


def observe(pasts: Sequence[Past], first: int, watched: Watched) -> ContainerHistory:
    """The history of a workload's pods as the evidence that the product reads.

    The limit of today is left out: it would only keep a size from being lowered, which is no merit of a rule.
    """
    spans: list[LifeSpan] = []
    lives: list[Life] = []
    kills: list[Kill] = []
    for number, past in enumerate(pasts):
        name = f"pod-{number}"
        seen = _scraped(watched)
        for run in past.runs:
            offset = run.first - first
            parts = [_samples(seen, offset + a, run.used[a:b], watched) for a, b in _stretches(run.used)]
            found = [part for part in parts if part]
            lives += [Life(pod=name, container="app", container_id=None, working_set=part) for part in found]
            spans += [_span(part, run, watched, last=part is found[-1]) for part in found]
            if run.killed:
                highest = max((sample.value for part in found[-1:] for sample in part), default=None)
                kills.append(kill_of(name, _at(offset + len(run.used), watched), watched.limit, highest))
    return history_of(lives, spans, kills, watched)


def _stretches(used: list[float]) -> list[tuple[int, int]]:
    """From where to where it ran: all of it, or the runs of a job with nothing between them."""
    if 0.0 not in used:
        return [(0, len(used))]
    edges = [n for n, (a, b) in enumerate(pairwise([0.0, *used, 0.0])) if (a > 0) != (b > 0)]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _samples(seen: Sequence[int], first: int, used: Sequence[float], watched: Watched) -> tuple[Sample, ...]:
    scraped = seen[bisect_left(seen, first) : bisect_left(seen, first + len(used))]
    moments = _moments(watched.steps)
    return tuple(Sample(at=moments[step], value=int(used[step - first] * MI)) for step in scraped)


def _span(samples: tuple[Sample, ...], run: Run, watched: Watched, *, last: bool) -> LifeSpan:
    killed = last and run.killed
    return LifeSpan(
        samples=samples,
        ended_at=samples[-1].at + STEP if killed else None,
        oom_killed=killed,
        limit_bytes=_bytes(watched.limit) if math.isfinite(watched.limit) else None,
    )


def _scraped(watched: Watched) -> list[int]:
    """The steps of the history at which this pod was scraped."""
    dice = watched.dice
    found = [n for n in range(dice.randrange(watched.every), watched.steps, watched.every) if dice.random() >= LOST]
    if dice.random() < GAP_CHANCE:
        start, length = dice.randrange(watched.steps), int(dice.uniform(1, 6) * 3600 / STEP_SECONDS)
        found = [n for n in found if not start <= n < start + length]
    return found


def history_of(
    lives: Sequence[Life], spans: Sequence[LifeSpan], kills: Sequence[Kill], watched: Watched
) -> ContainerHistory:
    result = recognise(spans, until=UNTIL)
    spread = spread_of(lives)
    return ContainerHistory(
        namespace="replay",
        workload=Owner(api_version="apps/v1", kind=watched.kind, name="replay"),
        pods=tuple(sorted({life.pod for life in lives})),
        container="app",
        container_type=ContainerType.APP,
        since=UNTIL - watched.steps * STEP,
        until=UNTIL,
        interval_seconds=float(watched.every * STEP_SECONDS),
        samples=spread.samples if spread else 0,
        working_set=spread,
        usage=None,
        limit_bytes=None,
        request_bytes=_bytes(watched.request) if watched.request else None,
        pattern=result.pattern,
        confidence=result.confidence,
        reason=result.reason,
        data_needed=result.data_needed,
        growth_bytes_per_hour=result.growth_bytes_per_hour,
        seconds_to_limit=None,
        kills=tuple(sorted(kills, key=lambda kill: kill.at, reverse=True)),
        restarts=None,
        kills_per_week=None,
        findings=(),
        lives=tuple(lives),
        stepped_seconds=None,
    )


def kill_of(pod: str, at: datetime, limit: float, highest: int | None) -> Kill:
    return Kill(
        at=at,
        exact=True,
        namespace="replay",
        pod=pod,
        pod_gone=False,
        node=None,
        container="app",
        verdict=Verdict.CONTAINER_LIMIT,
        confidence=Confidence.LIKELY,
        exit_code=137,
        limit_bytes=_bytes(limit),
        highest_sampled_bytes=highest,
        pattern=Pattern.UNKNOWN,
        image=None,
        sources=("replay",),
    )


@cache
def _moments(steps: int) -> list[datetime]:
    return [UNTIL - (steps - n) * STEP for n in range(steps + 1)]


def _at(step: int, watched: Watched) -> datetime:
    return _moments(watched.steps)[min(step, watched.steps)]


def _bytes(size: float) -> int:
    return int(size * MI)
