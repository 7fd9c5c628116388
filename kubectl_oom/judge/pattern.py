"""The pattern of a container's memory: over many instances for `history`, before one kill for `why`.

Nine answers, each with its rule, its needs and its measured precision in docs/patterns.md. "Too little data" is one.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Confidence, Pattern, RunUp, Sample
from kubectl_oom.judge.ending import died_at_one_hour, died_at_start, died_of_burst, died_out_of_sight
from kubectl_oom.judge.growth import comparable, growth_of, slope_of
from kubectl_oom.judge.habit import FEWEST_SAMPLES, SHORTEST, habit_of
from kubectl_oom.judge.instance import Instance, Judgement, LifeSpan, span_words
from kubectl_oom.judge.trend import HOUR, is_climb, quantile
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


__all__ = ["LifeSpan", "PatternResult", "recognise", "run_up"]

AGREE = 0.6  # share of the time seen for which the instances must say the same
MOST_INSTANCES = 24  # the longest are judged; each costs milliseconds
FEWEST = 4  # samples: with fewer there is no shape at all
SHORT_AND_LEVEL = 0.10  # of the highest sample: less movement than this is none
STALE = 600.0  # seconds without a sample, or three samples missed: it does not run any more
REACH = 0.998  # a burst is at the limit before the floor is: all but two samples in a thousand stay below this
LATE_SHARE = 1 / 3  # the last third of a life tells how far bursts reach above the floor now
A_LIFE = "one instance seen for 12 h, or two for an hour each, with samples every minute"


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternResult:
    """What the memory of a container did over a window, its instances and replicas taken together."""

    pattern: Pattern
    confidence: Confidence | None
    reason: str
    growth_bytes_per_hour: float | None  # of the floor; None where too little was seen
    seconds_to_limit: float | None  # from the end of the window; None unless it keeps growing and runs under a limit
    data_needed: str | None  # what would settle the answer, or make it surer


def recognise(lives: Sequence[LifeSpan], *, until: datetime) -> PatternResult:
    """The pattern of all instances together, as seen at the end of the window."""
    instances = sorted((Instance(life) for life in lives), key=lambda one: (one.begins or until, one.ends or until))
    growth = growth_of(instances)
    judgement = died_at_start(instances) or (growth.judgement if growth else _habit(instances))
    pool = comparable(instances)
    slope = slope_of(pool) if pool else None
    growing = judgement.pattern in (Pattern.LEAK, Pattern.GROWTH)
    return PatternResult(
        pattern=judgement.pattern,
        confidence=judgement.confidence,
        reason=judgement.reason,
        growth_bytes_per_hour=slope,
        seconds_to_limit=_soonest_at_limit(instances, slope, until) if growing and slope else None,
        data_needed=judgement.data_needed,
    )


def run_up(life: LifeSpan, earlier: Sequence[LifeSpan], *, sampling_seconds: float | None) -> RunUp:
    """What the memory did before this very kill; earlier instances confirm it or make it doubtful."""
    this, others = Instance(life), [Instance(one) for one in earlier]
    judgement = (
        died_at_start([*others, this], last=this)
        or _too_little(this, sampling_seconds)
        or _burst(this, others)
        or _grew(this, others)
        or died_at_one_hour([*others, this])
        or died_out_of_sight(this)
        or habit_of(this)
        or _nothing_fits(this)
    )
    needed = f"; to tell: {judgement.data_needed}" if judgement.data_needed else ""
    return RunUp(
        pattern=judgement.pattern,
        confidence=judgement.confidence,
        reason=judgement.reason + needed,
        samples=_in_order(life.samples),
        usage=_in_order(life.usage),
        highest_working_set_bytes=max((sample.value for sample in life.samples), default=None),
        highest_usage_bytes=max((sample.value for sample in life.usage), default=None),
        growth_bytes_per_hour=this.trend.slope if this.trend else None,
    )


# --- many instances -------------------------------------------------------------------------------------------------


def _habit(instances: Sequence[Instance]) -> Judgement:
    """What most instances do, each counting by the time it was seen."""
    judgement = died_at_one_hour(instances) or _killed_by_bursts(instances)
    if judgement:
        return judgement
    seen = sorted(((i.curve.duration, n) for n, i in enumerate(instances) if i.curve), reverse=True)[:MOST_INSTANCES]
    votes: dict[Pattern, list[Judgement]] = defaultdict(list)
    seconds: dict[Pattern, float] = defaultdict(float)
    for duration, number in seen:
        vote = habit_of(instances[number])
        if vote:
            votes[vote.pattern].append(vote)
            seconds[vote.pattern] += duration
    if not votes:
        return _nothing_fits(instances[seen[0][1]]) if seen else _unknown("no samples at all", A_LIFE)
    pattern = max(seconds, key=lambda one: seconds[one])
    if seconds[pattern] >= AGREE * sum(duration for duration, _ in seen):
        return votes[pattern][0]  # of the instance seen longest
    kinds = ", ".join(sorted(f"{len(found)} {one.value}" for one, found in votes.items()))
    return _unknown(f"the instances differ: {kinds}", "more instances of the same image under the same load")


def _killed_by_bursts(instances: Sequence[Instance]) -> Judgement | None:
    """Most kills came out of a level memory."""
    killed = [i for i in instances if i.life.oom_killed and i.curve and len(i.curve.values) >= FEWEST]
    found = [judgement for judgement in map(died_of_burst, killed) if judgement]
    if not found or len(found) < AGREE * len(killed):
        return None
    if len(found) == 1:
        return found[0]
    return Judgement(
        pattern=Pattern.SPIKE,
        confidence=Confidence.LIKELY,
        reason=f"{len(found)} of {len(killed)} kills came out of a level memory, one of them {found[-1].reason}",
    )


def _soonest_at_limit(instances: Sequence[Instance], usual: float, until: datetime) -> float | None:
    """Seconds until the first running instance is at its limit, each at its own rate, or the usual one while it is young."""
    left = [seconds for i in instances if (seconds := _to_limit(i, usual, until)) is not None]
    return min(left, default=None)


def _to_limit(instance: Instance, usual: float, until: datetime) -> float | None:
    curve, trend, limit = instance.curve, instance.trend, instance.life.limit_bytes
    if curve is None or not limit or instance.life.ended_at:
        return None
    slope = min(trend.slope, trend.late_slope) if trend and is_climb(trend) else usual
    since_last = (until - curve.origin).total_seconds() - curve.duration
    if slope <= 0 or since_last > max(STALE, 3 * curve.spacing):
        return None
    per_second = slope / HOUR
    late = [
        value - per_second * at
        for at, value in zip(curve.seconds, curve.values, strict=True)
        if at >= curve.duration * (1 - LATE_SHARE)
    ]
    reach = quantile(sorted(late), REACH) + per_second * (curve.duration + max(since_last, 0.0))
    return max(0.0, (limit - reach) / per_second)


# --- one kill -------------------------------------------------------------------------------------------------------


def _burst(this: Instance, others: Sequence[Instance]) -> Judgement | None:
    """A burst out of a level memory; where it comes every day at the same hour, that says more."""
    burst = died_of_burst(this)
    return None if burst is None else died_at_one_hour([*others, this]) or burst


def _grew(this: Instance, others: Sequence[Instance]) -> Judgement | None:
    """Growth in the instance that was killed: with the others where they are comparable, else by itself."""
    together = growth_of([*others, this])
    if together and this in together.instances:
        return together.judgement
    alone = growth_of([this])
    return alone.judgement if alone else None


def _too_little(this: Instance, sampling_seconds: float | None) -> Judgement | None:
    curve = this.curve
    if curve is not None and len(curve.values) >= FEWEST:
        return None
    count = len(curve.values) if curve else 0
    lived = f" of the {span_words(this.age)} it lived" if this.age else ""
    every = f", taken every {span_words(sampling_seconds)}" if sampling_seconds else ""
    return _unknown(
        f"{_samples(count)}{lived}{every}",
        "samples every few seconds, or a second start that ends at the same age",
    )


def _nothing_fits(instance: Instance) -> Judgement:
    """What was seen, and why that is not enough."""
    curve = instance.curve
    if curve is None:
        return _unknown("no samples at all", A_LIFE)
    size = max(1, len(curve.values) // 10)
    first, last = median(curve.values[:size]), median(curve.values[-size:])
    verb = "rose" if last > first else "went"
    moved = f"{verb} from {show_bytes(round(first))} to {show_bytes(round(last))} in {span_words(curve.duration)}"
    if curve.duration < SHORTEST or len(curve.values) < FEWEST_SAMPLES:
        seen = f"({_samples(len(curve.values))})"
        if max(curve.values) - min(curve.values) <= SHORT_AND_LEVEL * max(curve.values):
            return _unknown(
                f"about {show_bytes(round(last))} for {span_words(curve.duration)} {seen}: too short a life", A_LIFE
            )
        return _unknown(
            f"{moved} {seen}: in so short a life start-up, a leak and a burst of load look alike",
            "a second start that ends at the same age, or a life of hours",
        )
    return _unknown(
        f"{moved}, between {show_bytes(min(curve.values))} and {show_bytes(max(curve.values))}: no pattern fits",
        "42 h of one instance: the load of a day can be told from the rest only when it was seen twice",
    )


def _samples(count: int) -> str:
    return f"{count or 'no'} sample{'' if count == 1 else 's'}"


def _unknown(reason: str, needed: str) -> Judgement:
    return Judgement(pattern=Pattern.UNKNOWN, confidence=None, reason=reason, data_needed=needed)


def _in_order(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    """The samples oldest first, of several at one instant the highest."""
    if all(earlier.at < later.at for earlier, later in pairwise(samples)):
        return samples
    highest = {sample.at: sample for sample in sorted(samples, key=lambda one: (one.at, one.value))}
    return tuple(highest.values())
