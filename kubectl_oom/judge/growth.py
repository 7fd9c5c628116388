"""Leak, growth or neither: what the trends of several instances say together.

A leak follows the age of the process: it starts anew with every instance. Growth of data or load follows the calendar:
a restart changes nothing.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from kubectl_oom.evidence import Confidence, Pattern
from kubectl_oom.judge.instance import Judgement, rate_words, span_words
from kubectl_oom.judge.trend import (
    CLIMB_Z,
    DAILY_FROM,
    DAY,
    FLOOR_QUANTILE,
    HOUR,
    STEADY_OVER_STEPS,
    Curve,
    bin_width,
    binned,
    is_climb,
    is_steady,
    mann_kendall_z,
    quantile,
    sigma,
    theil_sen,
    trend_of,
)
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.judge.instance import Instance
    from kubectl_oom.judge.trend import Trend

# Chosen on other seeds than those docs/patterns.md reports.
CLEARLY_STEADY = 1.0  # log evidence against levelling off from which no word is taken off the confidence
STEADY_TOGETHER = 5.0  # log evidence of several instances adds up: short warm-ups that end in kills stay below
AGREE = 0.6  # share of the long instances that must climb
LONG_ENOUGH = 0.5  # instances shorter than half the longest have no say
MOST_INSTANCES = 24  # the longest are judged; each costs milliseconds
WARM_UP = 6 * HOUR  # a warm-up, or a heap that fills to its ceiling, is over by then as a rule
SHORT_LIFE = 1 * HOUR  # below it start-up and leak cannot be told apart at all
ONE_LIFE = 11.5 * HOUR  # one instance, climbing through half a day (less a few scrapes)
SEVERAL = 3  # replicas of different age
KEPT_OVER_RESTART = 0.5  # share of the growth still there in the next instance: more is data, less is a leak
BUSY_DAYS = 5  # peaks that rise on fewer days rise by chance
BUSY_RISE = 0.10  # of the median
BUSY_FLOOR = 0.3  # the nights may rise by this share of what the peaks rise by
STAIR_RISE = 0.7  # of the whole is made in steps …
STAIR_SIGMAS = 4.0  # … that stand out of the other moves …
STAIR_LEAST = 0.05  # … and are each this share of the whole
FEWEST_STAIRS = 3
STILL_RISING = 0.4  # the second half against the whole

NOT_A_HEAP = "the maximum of its heap: a heap allowed to grow past the limit climbs like a leak"
NEXT_INSTANCE = "a second instance: a leak starts anew with it, data that grows does not"
FULL_DAYS = "42 h of one instance, which rule out the load of a day, or a second instance"


class Growth(NamedTuple):
    """The judgement, and the instances whose trends carry it."""

    judgement: Judgement
    instances: tuple[Instance, ...]


def comparable(instances: Sequence[Instance]) -> list[tuple[Instance, Trend]]:
    """The instances long enough to compare, the longest first, with their trends."""
    found = [(instance, instance.trend) for instance in instances if instance.trend]
    found.sort(key=lambda pair: -pair[1].duration)
    return [pair for pair in found[:MOST_INSTANCES] if pair[1].duration >= LONG_ENOUGH * found[0][1].duration]


def growth_of(instances: Sequence[Instance]) -> Growth | None:
    """Leak, growth, or a climb that cannot be told yet; None where memory does not climb."""
    pool = comparable(instances)
    if not pool:
        return None
    steady = [(instance, trend) for instance, trend in pool if is_steady(trend)]
    together = sum(trend.line_over_levelling for _, trend in pool)
    if len(steady) >= AGREE * len(pool) and (len(pool) == 1 or together >= STEADY_TOGETHER):
        carriers = tuple(instance for instance, _ in steady)
        return Growth(_leak_or_growth(steady, len(pool)), carriers)
    judgement = _over_restarts(pool) or _busier(pool) or _stairs(pool) or _unfinished(pool)
    return Growth(judgement, tuple(instance for instance, _ in pool)) if judgement else None


def slope_of(pool: Sequence[tuple[Instance, Trend]]) -> float:
    """Bytes per hour: the median of the slopes, each life counting by its length."""
    ordered = sorted((trend.slope, trend.duration) for _, trend in pool)
    half, seen = sum(duration for _, duration in ordered) / 2, 0.0
    for slope, duration in ordered:
        seen += duration
        if seen >= half:
            return slope
    return 0.0


def rounds(instances: Sequence[Instance]) -> int:
    """How many instances came one after the other; replicas that ran together share the same day and count once."""
    count, free_from = 0, None
    spans = sorted((i.ends, i.begins) for i in instances if i.begins and i.ends)
    for end, begin in spans:
        if free_from is None or begin >= free_from:
            count, free_from = count + 1, end
    return count


# --- a steady climb -----------------------------------------------------------------------------------------------


def _leak_or_growth(steady: list[tuple[Instance, Trend]], of: int) -> Judgement:
    kept = kept_over_restarts(steady)
    if kept is not None and kept >= KEPT_OVER_RESTART:
        return _by_calendar(steady)
    if len(steady) == 1 and (stairs := _stairs(steady)):
        return stairs
    typical, times = median(trend.duration for _, trend in steady), rounds([instance for instance, _ in steady])
    lives = f"each of {of}" if len(steady) == of else f"{len(steady)} of {of}"
    seen = f"{lives} instances (median {span_words(typical)})" if of > 1 else f"one instance ({span_words(typical)})"
    climb = f"climbs {rate_words(slope_of(steady))} in {seen}"
    confidence = _leak_confidence(steady, times, typical)
    anew = kept is not None and abs(kept) <= KEPT_OVER_RESTART / 2
    if confidence is None:
        return Judgement(
            pattern=Pattern.UNKNOWN,
            confidence=None,
            reason=f"{climb} and has not levelled off: a warm-up or a leak, too short to tell",
            data_needed="12 h of one instance, or two instances of an hour that climb from the same start",
        )
    return Judgement(
        pattern=Pattern.LEAK,
        confidence=confidence,
        reason=f"{climb}{', each from the same start' if anew else ''}, and does not level off",
        data_needed=NOT_A_HEAP if times > 1 else NEXT_INSTANCE if typical >= DAILY_FROM else FULL_DAYS,
    )


def _leak_confidence(steady: list[tuple[Instance, Trend]], times: int, typical: float) -> Confidence | None:
    """Likely at most: a heap that grows to a maximum above the limit has the shape of a leak, however long it is seen."""
    longest = steady[0][1].duration
    clear = median(trend.line_over_levelling for _, trend in steady) >= CLEARLY_STEADY
    if clear and (longest >= DAILY_FROM or (times > 1 and typical >= WARM_UP)):
        return Confidence.LIKELY
    if longest >= ONE_LIFE or (times > 1 and typical >= SHORT_LIFE):
        return Confidence.POSSIBLE
    return None


def kept_over_restarts(pool: Sequence[tuple[Instance, Trend]]) -> float | None:
    """The share of the growth that the next instance still has: 0 when each starts anew, 1 when nothing is lost.

    None where no two instances started far enough apart to see it.
    """
    shortest = min(trend.duration for _, trend in pool)
    age = shortest / 2 / HOUR  # the same age in all, past a warm-up
    points: list[tuple[datetime, float]] = []
    for instance, trend in pool:
        start = median(y - trend.slope * x for x, y in zip(trend.hours, trend.floor, strict=True))
        if instance.trended:
            points.append((instance.trended.origin, start + trend.slope * age))
    slopes = [
        (later[1] - earlier[1]) / ((later[0] - earlier[0]).total_seconds() / HOUR)
        for earlier in points
        for later in points
        if later[0] - earlier[0] >= timedelta(seconds=shortest / 4)
    ]
    slope = slope_of(pool)
    return median(slopes) / slope if slopes and slope > 0 else None


def _by_calendar(pool: Sequence[tuple[Instance, Trend]]) -> Judgement:
    instances = [instance for instance, _ in pool]
    surely = len(instances) >= SEVERAL or rounds(instances) > 1
    return Judgement(
        pattern=Pattern.GROWTH,
        confidence=Confidence.LIKELY if surely else Confidence.POSSIBLE,
        reason=f"climbs {rate_words(slope_of(pool))} in {len(pool)} instances, and a younger one is about as large as an "
        "older one at the same time: it follows the data or the load, not the age of the process",
    )


# --- a climb that is no steady line in each life -------------------------------------------------------------------


def _over_restarts(pool: Sequence[tuple[Instance, Trend]]) -> Judgement | None:
    """Growth over the calendar that single lives are too short to show."""
    if len(pool) < 2 or rounds([instance for instance, _ in pool]) < 2:  # noqa: PLR2004 - needs a restart
        return None
    curves = [instance.trended for instance, _ in pool if instance.trended]
    joined = _joined(curves)
    trend = trend_of(joined, 0.5) if joined.duration >= ONE_LIFE else None
    if trend is None or not is_steady(trend):
        return None
    starts = [(curve.origin - joined.origin).total_seconds() / HOUR for curve in curves]
    if theil_sen(starts, [median(curve.values) for curve in curves]) < KEPT_OVER_RESTART * trend.slope:
        return None  # each instance is as large as the one before
    return Judgement(
        pattern=Pattern.GROWTH,
        confidence=Confidence.LIKELY if joined.duration >= DAILY_FROM else Confidence.POSSIBLE,
        reason=f"climbs {rate_words(trend.slope)} across {len(pool)} instances in {span_words(joined.duration)}, "
        "over every restart: it follows the data or the load, not the age of the process",
    )


def _joined(curves: Sequence[Curve]) -> Curve:
    """All curves as one, each value at its own time; replicas may give several for one instant."""
    origin = min(curve.origin for curve in curves)
    pairs: list[tuple[float, int]] = []
    for curve in curves:
        offset = (curve.origin - origin).total_seconds()
        pairs += [(offset + at, value) for at, value in zip(curve.seconds, curve.values, strict=True)]
    pairs.sort()
    return Curve(origin, [at for at, _ in pairs], [value for _, value in pairs])


def _busier(pool: Sequence[tuple[Instance, Trend]]) -> Judgement | None:
    """Days whose peaks rise while the nights stay where they are: more load, not a leak."""
    curve = pool[0][0].trended
    if curve is None or curve.duration < BUSY_DAYS * DAY:
        return None
    peaks, floors = list(binned(curve, int(DAY), 0.95).values()), list(binned(curve, int(DAY), 0.10).values())
    if curve.duration % DAY < DAY / 2:
        peaks, floors = peaks[: int(curve.duration // DAY)], floors[: int(curve.duration // DAY)]
    days = list(range(len(peaks)))
    rise, below = theil_sen(days, peaks) * len(days), theil_sen(days, floors) * len(days)
    level = quantile(sorted(curve.values), 0.5)
    if mann_kendall_z(peaks) < CLIMB_Z or rise < BUSY_RISE * level or below > BUSY_FLOOR * rise:
        return None
    return Judgement(
        pattern=Pattern.GROWTH,
        confidence=Confidence.POSSIBLE,
        reason=f"the daily peaks rose by {show_bytes(round(rise))} in {len(days)} days while the quiet hours "
        f"{'stayed level' if below <= 0 else f'rose by {show_bytes(round(below))}'}: more load",
    )


def _stairs(pool: Sequence[tuple[Instance, Trend]]) -> Judgement | None:
    """Three or more steps up and none down: data that is loaded now and then."""
    instance, trend = pool[0]
    if not is_climb(trend) or instance.trended is None:
        return None
    floor = binned(instance.trended, bin_width(trend.duration, instance.trended.spacing), FLOOR_QUANTILE)
    moves = [later - earlier for earlier, later in pairwise(floor.values())]
    usual = median(moves)
    bound = max(STAIR_SIGMAS * sigma(moves), STAIR_LEAST * trend.rise)
    up = [number for number, move in enumerate(moves) if move > usual + bound]
    down = [move for move in moves if move < usual - bound]
    apart = [number for number in up if number - 1 not in up]
    made = sum(moves[number] for number in up)
    if len(apart) < FEWEST_STAIRS or down or made < STAIR_RISE * trend.rise or apart[-1] < len(moves) / 2:
        return None
    return Judgement(
        pattern=Pattern.GROWTH,
        confidence=Confidence.POSSIBLE,
        reason=f"rose in {len(apart)} steps of {show_bytes(round(made / len(apart)))} on average in {span_words(trend.duration)} "
        "and never fell: data that is loaded and kept",
    )


def _unfinished(pool: Sequence[tuple[Instance, Trend]]) -> Judgement | None:
    """Still rising at the end, though ever more slowly: neither a line nor level."""
    rising = [
        trend
        for _, trend in pool
        if is_climb(trend)
        and trend.late_slope >= STILL_RISING * trend.slope
        and trend.line_over_steps >= STEADY_OVER_STEPS
    ]
    if len(rising) < AGREE * len(pool):
        return None
    longest = max(trend.duration for trend in rising)
    return Judgement(
        pattern=Pattern.UNKNOWN,
        confidence=None,
        reason=f"rose by {show_bytes(round(median(trend.rise for trend in rising)))} in {span_words(longest)}, "
        "slower towards the end but not level: a warm-up that is not over, or a leak",
        data_needed=f"another {span_words(longest)} of the same instance: a warm-up levels off",
    )
