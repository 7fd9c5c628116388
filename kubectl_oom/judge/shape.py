"""Shapes of one memory curve other than growth: swings, bursts, a daily cycle, a level, a start-up peak."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from kubectl_oom.judge.trend import DAILY_FROM, DAY, MOST_BINS, bin_width, binned, quantile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.judge.trend import Curve

LOW, MIDDLE, HIGH = 0.05, 0.50, 0.95  # quantiles between which a curve spends nine tenths of its time
SWING_LOW, SWING_HIGH = 0.25, 0.75  # a swing goes from the lowest quarter of the range to the highest
BURST_LEAST = 0.3  # a burst reaches this share of the way from the median to the highest sample …
BURST_OVER_USUAL = 2.0  # … and twice as far as nineteen samples in twenty go …
BURST_MOST = 0.6  # … unless that is more than this share
FEWEST_TEETH = 4
TOOTH_CLIMB = 0.2  # a collector's climb takes at least this share of the time between two collections …
TOOTH_ASYMMETRY = 3.0  # … and this many times as long as the fall
FEWEST_HOURS = 4  # bins a day, to see a daily shape
SAME_GAP = 0.15  # gaps within 15 % of their median are the same gap


@dataclass(frozen=True, slots=True)
class Spread:
    """Where the samples of a curve lie, in bytes."""

    low: float
    middle: float
    high: float
    highest: int

    @property
    def width(self) -> float:
        """The range of nine samples in ten, as a share of their median."""
        return (self.high - self.low) / self.middle if self.middle > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Swings:
    """How a curve goes up and down between two marks. Seconds, as medians."""

    count: int  # times it came up
    rise: float  # from the last sample below the low mark to the first above the high one
    fall: float  # … and back
    period: float  # between one rise and the next; 0 with fewer than two
    regular: float  # share of the periods that are like their median
    duty: float  # share of the samples above the high mark


def spread_of(curve: Curve) -> Spread:
    """The spread of the samples."""
    ordered = sorted(curve.values)
    return Spread(quantile(ordered, LOW), quantile(ordered, MIDDLE), quantile(ordered, HIGH), ordered[-1])


def swings(seconds: Sequence[float], values: Sequence[float], low: float, high: float) -> Swings:
    """The swings between two marks; what happens between them does not count."""
    starts, rises, falls, above = [], [], [], 0
    last_low = last_high = None
    up = values[0] >= high
    for at, value in zip(seconds, values, strict=True):
        if value >= high:
            above += 1
            last_high = at
            if not up:
                up = True
                starts.append(at)
                if last_low is not None:
                    rises.append(at - last_low)
        elif value <= low:
            last_low = at
            if up:
                up = False
                if last_high is not None:
                    falls.append(at - last_high)
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    period = median(gaps) if gaps else 0.0
    near = max(SAME_GAP * period, 2 * seconds[-1] / len(seconds))
    return Swings(
        count=len(starts),
        rise=median(rises) if rises else 0.0,
        fall=median(falls) if falls else 0.0,
        period=period,
        regular=sum(abs(gap - period) <= near for gap in gaps) / len(gaps) if gaps else 0.0,
        duty=above / len(values),
    )


def bulk_swings(curve: Curve, spread: Spread) -> Swings:
    """The swings through the range in which it spends nine tenths of its time."""
    size = spread.high - spread.low
    return swings(curve.seconds, curve.values, spread.low + SWING_LOW * size, spread.low + SWING_HIGH * size)


def bursts(curve: Curve, spread: Spread) -> Swings:
    """The rare excursions above that range."""
    height = spread.highest - spread.middle
    reach = min(max(BURST_LEAST * height, BURST_OVER_USUAL * (spread.high - spread.middle)), BURST_MOST * height)
    return swings(curve.seconds, curve.values, spread.middle + reach / 2, spread.middle + reach)


def daily_likeness(curve: Curve) -> float | None:
    """How alike the same times of consecutive days are: 1 is equal, 0 or less unrelated; None below 42 hours.

    What changed from day to day is measured against what changes within a day: a slow climb changes from day to day.
    """
    if curve.duration < DAILY_FROM:
        return None
    width = bin_width(curve.duration, curve.spacing)
    day = int(DAY // width)
    if day < FEWEST_HOURS:
        return None
    middles = binned(curve, width, MIDDLE)
    changes = [(middles[number + day] - value) ** 2 for number, value in middles.items() if number + day in middles]
    days: dict[int, list[float]] = {}
    for number, value in middles.items():
        days.setdefault(number // day, []).append(value)
    within = [(value - sum(values) / len(values)) ** 2 for values in days.values() for value in values]
    power = sum(within) / len(within)
    if len(changes) < day // 2 or power <= 0:
        return None
    return 1 - sum(changes) / len(changes) / (2 * power)


def climbing_share(curve: Curve) -> float:
    """Of the samples that differ from the one before, the share that is higher: a collector climbs often, falls seldom."""
    up = sum(later > earlier for earlier, later in pairwise(curve.values))
    down = sum(later < earlier for earlier, later in pairwise(curve.values))
    return up / (up + down) if up + down else 0.5


def has_teeth(found: Swings) -> bool:
    """Slow climbs and sudden falls, several of them: what a collector does."""
    return (
        found.count >= FEWEST_TEETH
        and found.rise >= TOOTH_CLIMB * found.period
        and found.rise >= TOOTH_ASYMMETRY * found.fall
    )


def troughs(curve: Curve, slope: float) -> list[tuple[float, int]]:
    """Seconds and bytes of the lowest sample of every tooth, where the curve, freed of its slope, has teeth.

    Of many teeth, the lowest of each few.
    """
    freed = [value - slope * at for at, value in zip(curve.seconds, curve.values, strict=True)]
    ordered = sorted(freed)
    low, high = quantile(ordered, LOW), quantile(ordered, HIGH)
    marks = low + SWING_LOW * (high - low), low + SWING_HIGH * (high - low)
    if not has_teeth(swings(curve.seconds, freed, *marks)):
        return []
    found: list[tuple[float, int]] = []
    lowest: int | None = None
    for number, height in enumerate(freed):
        if height <= marks[0] and (lowest is None or height < freed[lowest]):
            lowest = number
        elif height >= marks[1] and lowest is not None:
            found.append((curve.seconds[lowest], curve.values[lowest]))
            lowest = None
    group = math.ceil(len(found) / MOST_BINS) or 1
    return [min(found[n : n + group], key=lambda one: one[1]) for n in range(0, len(found), group)]
