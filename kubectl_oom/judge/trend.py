"""Statistics of one memory curve: how fast its floor rises, how sure that is, and whether it rises as a line.

Nothing here knows what a leak is; `pattern` does. The methods and why they were chosen: docs/patterns.md.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Sample

HOUR = 3600.0
DAY = 86400.0

# Bins all divide a day, so that the bin 24 h earlier is the same time of day exactly.
BIN_SECONDS = (60, 120, 300, 600, 900, 1200, 1800, 3600, 5400, 7200, 10800, 14400, 21600, 43200, 86400)
MOST_BINS = 60  # every pair of bins is compared: 1,770 pairs cost about 1 ms
FEWEST_BINS = 8  # below that a rank test cannot reach z = 2.33 whatever the data
SPACING_PLACES = 200
SAMPLES_PER_BIN = 5  # a low quantile of fewer is their minimum
FLOOR_QUANTILE = 0.10  # the floor of a bin: collector teeth and bursts stand on it, a leak lifts it
DAILY_FROM = 42 * HOUR  # from here on most times of day were seen twice, so the daily load can be taken out
OUTLIER_SIGMAS = 2.5  # floors further from the line count as this far: real traces have heavy tails
OUTLIER_SHARE = 0.25  # … but never closer than this share of the rise, or steps and curves would vanish as well
MOST_CORRELATION = 0.97  # a lag-1 correlation of 1 would leave no information at all
SIGMAS_PER_MAD = 1.4826  # of a normal distribution
# Shares of the curve's length:
WARM_UPS = (1 / 40, 1 / 25, 1 / 16, 1 / 10, 1 / 7)  # time constants of a warm-up before a line
SATURATIONS = (1 / 25, 1 / 16, 1 / 10, 1 / 7, 1 / 5, 2 / 7, 2 / 5, 1 / 2, 2 / 3, 4 / 5, 1.0)  # … of a levelling-off
KNEES = tuple(step / 20 for step in range(2, 19))  # where a ramp may end
STEP_PARAMETERS = 3  # two steps have three parameters more than a line; each costs ln(n), as in BIC
# What makes a climb, and a steady one. Chosen on other seeds than those docs/patterns.md reports.
CLIMB_Z = 2.33  # one chance in a hundred that a floor without trend scores so high
CLIMB_SHARE = 0.05  # of the level: a smaller rise over the whole life does no harm
CLIMB_SIGMAS = 3.0  # of the noise around the line
STEADY_OVER_LEVELLING = -1.0  # log evidence: a curve that levels off may fit better by no more than this
STEADY_OVER_STEPS = 3.0  # log evidence: two steps must fit clearly worse
STEADY_DRAWDOWN = 0.7  # of the rise: deeper falls are swings


@dataclass(frozen=True, slots=True)
class Curve:
    """One series as numbers, oldest first, one value an instant: seconds since `origin`, and bytes."""

    origin: datetime
    seconds: list[float]
    values: list[int]

    @property
    def duration(self) -> float:
        """Seconds from the first sample to the last."""
        return self.seconds[-1]

    @property
    def spacing(self) -> float:
        """Seconds between samples, the median of a few hundred places; 0 for a single sample."""
        if len(self.seconds) == 1:
            return 0.0
        places = range(1, len(self.seconds), max(1, len(self.seconds) // SPACING_PLACES))
        return median(self.seconds[place] - self.seconds[place - 1] for place in places)


@dataclass(frozen=True, slots=True)
class Trend:
    """What the floor of a curve does over its length. Rates are bytes per hour, sizes bytes."""

    duration: float  # seconds
    level: float  # median of the floor
    slope: float
    late_slope: float  # of the second half
    rise: float  # slope times duration
    noise: float  # standard deviation around the line, from the median deviation
    z: float  # Mann-Kendall, with the variance that autocorrelation leaves
    line_over_levelling: float  # log evidence for "still rising as a line" over "levelling off"
    line_over_steps: float  # log evidence for a line over at most two steps
    drawdown: float  # deepest fall of the floor from an earlier high
    hours: tuple[float, ...]  # centre of each bin
    floor: tuple[float, ...]  # without the daily profile, where one was found
    daily: bool  # the daily profile was taken out


def curve_of(samples: Sequence[Sample]) -> Curve | None:
    """The samples as a curve: sorted, and of several values at one instant the highest; None without samples."""
    if not samples:
        return None
    origin = min(sample.at for sample in samples)
    pairs = sorted(((sample.at - origin).total_seconds(), sample.value) for sample in samples)
    highest = dict(pairs)  # sorted by value within an instant, so the highest is kept
    return Curve(origin, list(highest), list(highest.values()))


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` of the sorted values lie, interpolated."""
    position = share * (len(ordered) - 1)
    below = int(position)
    rest = position - below
    if rest == 0:
        return float(ordered[below])
    return ordered[below] + rest * (ordered[below + 1] - ordered[below])


def theil_sen(x: Sequence[float], y: Sequence[float]) -> float:
    """The median slope over all pairs: a quarter of the points may be wild and it still holds."""
    slopes = [(y[j] - y[i]) / (x[j] - x[i]) for i in range(len(x)) for j in range(i + 1, len(x)) if x[j] != x[i]]
    return median(slopes) if slopes else 0.0


def mann_kendall_z(y: Sequence[float], correlation: float = 0.0) -> float:
    """The Mann-Kendall statistic, its variance inflated by (1+r)/(1-r) for lag-1 correlation r, ties counted."""
    n = len(y)
    score = sum((y[j] > y[i]) - (y[j] < y[i]) for i in range(n) for j in range(i + 1, n))
    runs: dict[float, int] = {}
    for value in y:
        runs[value] = runs.get(value, 0) + 1
    ties = sum(t * (t - 1) * (2 * t + 5) for t in runs.values())
    r = min(max(correlation, 0.0), MOST_CORRELATION)
    variance = (n * (n - 1) * (2 * n + 5) - ties) / 18 * (1 + r) / (1 - r)
    if score == 0 or variance <= 0:
        return 0.0
    return (score - math.copysign(1, score)) / math.sqrt(variance)


def lag_one(values: Sequence[float]) -> float:
    """The correlation of each value with the next; 0 for a constant series."""
    mean = sum(values) / len(values)
    off = [value - mean for value in values]
    power = sum(value * value for value in off)
    return sum(a * b for a, b in pairwise(off)) / power if power > 0 else 0.0


def sigma(values: Sequence[float]) -> float:
    """The standard deviation that the median deviation stands for: blind to outliers."""
    middle = median(values)
    return SIGMAS_PER_MAD * median(abs(value - middle) for value in values)


def bin_width(duration: float, spacing: float) -> int:
    """Seconds per bin: the shortest that divides a day, holds enough samples, and makes few enough bins."""
    for width in BIN_SECONDS:
        if duration <= width * MOST_BINS and width >= SAMPLES_PER_BIN * spacing:
            return width
    return BIN_SECONDS[-1] * max(1, math.ceil(duration / BIN_SECONDS[-1] / MOST_BINS))


def binned(curve: Curve, width: int, share: float) -> dict[int, float]:
    """Per bin that holds a sample, the quantile `share` of its samples."""
    found: dict[int, float] = {}
    start = 0
    while start < len(curve.seconds):
        number = int(curve.seconds[start] // width)
        end = bisect_left(curve.seconds, (number + 1) * width, start)
        found[number] = quantile(sorted(curve.values[start:end]), share)
        start = end
    return found


def trend_of(curve: Curve, share: float = FLOOR_QUANTILE) -> Trend | None:
    """The trend of the floor (or another quantile) of a curve; None when it fills fewer than eight bins."""
    width = bin_width(curve.duration, curve.spacing)
    floor = binned(curve, width, share)
    if len(floor) < FEWEST_BINS:
        return None
    hours = [(number + 0.5) * width / HOUR for number in floor]
    heights = list(floor.values())
    daily = False
    if curve.duration >= DAILY_FROM and width < DAY:
        slope = _same_hour_slope(floor, width)
        heights, daily = _without_daily_profile(floor, width, slope)
    else:
        slope = theil_sen(hours, heights)
    return _trend(hours, heights, slope, curve.duration, daily=daily)


def trend_of_points(hours: Sequence[float], heights: Sequence[float], duration: float) -> Trend | None:
    """The trend of single points, such as the troughs of a collector; None for fewer than eight."""
    if len(hours) < FEWEST_BINS:
        return None
    return _trend(hours, heights, theil_sen(hours, heights), duration, daily=False)


def _trend(hours: Sequence[float], heights: Sequence[float], slope: float, duration: float, *, daily: bool) -> Trend:
    rise = slope * duration / HOUR
    residuals = [y - slope * x for x, y in zip(hours, heights, strict=True)]
    noise = sigma(residuals)
    tamed = _without_outliers(hours, heights, slope, max(OUTLIER_SIGMAS * noise, OUTLIER_SHARE * abs(rise)))
    levelling, steps = _line_against(hours, tamed, slope)
    half = len(hours) // 2
    return Trend(
        duration=duration,
        level=median(heights),
        slope=slope,
        late_slope=theil_sen(hours[half:], tamed[half:]),
        rise=rise,
        noise=noise,
        z=mann_kendall_z(heights, lag_one(residuals)),
        line_over_levelling=levelling,
        line_over_steps=steps,
        drawdown=_drawdown(tamed),
        hours=tuple(hours),
        floor=tuple(heights),
        daily=daily,
    )


def is_climb(trend: Trend) -> bool:
    """The floor rises: more than chance, more than noise, more than a little."""
    return trend.z >= CLIMB_Z and trend.rise >= CLIMB_SHARE * trend.level and trend.rise >= CLIMB_SIGMAS * trend.noise


def is_steady(trend: Trend) -> bool:
    """It climbs as a line does: neither levelling off, nor in steps, nor swinging."""
    return (
        is_climb(trend)
        and trend.line_over_levelling >= STEADY_OVER_LEVELLING
        and trend.line_over_steps >= STEADY_OVER_STEPS
        and trend.drawdown <= STEADY_DRAWDOWN * trend.rise
    )


def _same_hour_slope(floor: dict[int, float], width: int) -> float:
    """Bytes per hour: the median of what changed between the same times of day (seasonal Theil-Sen)."""
    day = int(DAY // width)
    last = max(floor)
    slopes = [
        (floor[later] - value) / ((later - number) * width / HOUR)
        for number, value in floor.items()
        for later in range(number + day, last + 1, day)
        if later in floor
    ]
    return median(slopes) if slopes else 0.0


def _without_daily_profile(floor: dict[int, float], width: int, slope: float) -> tuple[list[float], bool]:
    """The floor without what repeats every day, and whether there is such a thing.

    Over two or three days a step and a line with a daily profile can look alike: of the two the one with the
    better Bayesian information criterion is believed.
    """
    day = int(DAY // width)
    residuals = {number: value - slope * number * width / HOUR for number, value in floor.items()}
    by_hour: dict[int, list[float]] = {}
    for number, value in residuals.items():
        by_hour.setdefault(number % day, []).append(value)
    profile = {hour: median(values) for hour, values in by_hour.items()}
    middle = median(profile.values())
    level = [value - profile[number % day] + middle for number, value in floor.items()]
    raw, count = list(floor.values()), len(floor)
    tiny = _tiny(raw)
    gain = math.log((_steps_misfit(raw) + tiny) / (_misfit(list(floor), level) + tiny))
    cost = (len(profile) - STEP_PARAMETERS) * math.log(count) / count
    return (level, True) if gain > cost else (raw, False)


def _without_outliers(x: Sequence[float], y: Sequence[float], slope: float, limit: float) -> list[float]:
    """The heights, those further than `limit` from the line pulled in to that distance."""
    residuals = [b - slope * a for a, b in zip(x, y, strict=True)]
    middle = median(residuals)
    return [slope * a + middle + min(max(r - middle, -limit), limit) for a, r in zip(x, residuals, strict=True)]


def _drawdown(y: Sequence[float]) -> float:
    """The deepest fall from an earlier high, single bins smoothed away by a median of three."""
    smooth = [median(y[max(0, i - 1) : i + 2]) for i in range(len(y))]
    return max(high - value for high, value in zip(accumulate(smooth, max), smooth, strict=True))


def _line_against(x: Sequence[float], y: Sequence[float], slope: float) -> tuple[float, float]:
    """Log evidence for a rising line over a curve that levels off, and over at most two steps.

    Least squares of each family; n·ln(misfit ratio), n cut to the independent points that correlation leaves.
    """
    length = x[-1] - x[0]
    share = [(a - x[0]) / length for a in x]
    r = min(max(lag_one([b - slope * a for a, b in zip(x, y, strict=True)]), 0.0), 0.9)
    independent = max(3.0, len(x) * (1 - r) / (1 + r))
    tiny = _tiny(y)
    line = min([_misfit(share, y)] + [_warmed_misfit(share, tau, y) for tau in WARM_UPS]) + tiny
    saturating = [_misfit([1 - math.exp(-a / tau) for a in share], y) for tau in SATURATIONS]
    ramps = [_misfit([min(a, knee) for a in share], y) for knee in KNEES]
    levelling = min(saturating + ramps) + tiny
    steps = _steps_misfit(y) + tiny
    return (
        independent * math.log(levelling / line),
        independent * math.log(steps / line) + STEP_PARAMETERS * math.log(independent),
    )


def _tiny(y: Sequence[float]) -> float:
    """A misfit that is nothing beside these heights: two perfect fits must compare as equal."""
    return 1e-9 * sum(b * b for b in y) or 1.0


def _misfit(shape: Sequence[float], y: Sequence[float]) -> float:
    """Squared misfit of the best a + b·shape."""
    n = len(y)
    mean_s, mean_y = sum(shape) / n, sum(y) / n
    ss = sum((s - mean_s) ** 2 for s in shape)
    sy = sum((s - mean_s) * (b - mean_y) for s, b in zip(shape, y, strict=True))
    yy = sum((b - mean_y) ** 2 for b in y)
    return max(yy - sy * sy / ss, 0.0) if ss > 0 else yy


def _warmed_misfit(share: Sequence[float], tau: float, y: Sequence[float]) -> float:
    """Squared misfit of the best line after a warm-up, a + b·t - c·exp(-t/tau) with b, c > 0; infinite without one."""
    n = len(y)
    warm = [math.exp(-a / tau) for a in share]
    mean_t, mean_w, mean_y = sum(share) / n, sum(warm) / n, sum(y) / n
    tt = ww = tw = ty = wy = yy = 0.0
    for a, w, b in zip(share, warm, y, strict=True):
        t, v, h = a - mean_t, w - mean_w, b - mean_y
        tt, ww, tw, ty, wy, yy = tt + t * t, ww + v * v, tw + t * v, ty + t * h, wy + v * h, yy + h * h
    determinant = tt * ww - tw * tw
    if determinant <= 0:
        return math.inf
    rate = (ty * ww - wy * tw) / determinant
    warm_up = (wy * tt - ty * tw) / determinant
    return max(yy - rate * ty - warm_up * wy, 0.0) if rate > 0 > warm_up else math.inf


def _steps_misfit(y: Sequence[float]) -> float:
    """Squared misfit of the best one, two or three level stretches of at least two bins."""
    n, mean = len(y), sum(y) / len(y)
    sums = [0.0, *accumulate(b - mean for b in y)]
    squares = [0.0, *accumulate((b - mean) ** 2 for b in y)]

    def misfit(start: int, end: int) -> float:
        total = sums[end] - sums[start]
        return squares[end] - squares[start] - total * total / (end - start)

    best = misfit(0, n)
    for first in range(2, n - 1):
        head = misfit(0, first)
        best = min(best, head + misfit(first, n))
        for second in range(first + 2, n - 1):
            best = min(best, head + misfit(first, second) + misfit(second, n))
    return max(best, 0.0)
