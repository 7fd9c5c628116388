"""One container instance as the pattern judge sees it, and its series as numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING

from kubectl_oom.judge.shape import troughs
from kubectl_oom.judge.trend import DAY, HOUR, Curve, Trend, curve_of, is_steady, trend_of, trend_of_points
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence import Confidence, Pattern, Sample

SHORTEST_TREND = 0.75 * HOUR  # less is start-up, whatever it does
END_SHARE = 0.1  # the first and the last tenth of a series tell what it gained
RSS_EXPLAINS = 0.25  # below this share of the gain, the process's own memory did not make it
CACHE_EXPLAINS = 0.5  # above this share of the gain, file cache made it
FEWEST_SAMPLES = 8  # of rss, to be used instead of the working set
_MINUTE = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeSpan:
    """One container instance. `rss` is used for the trend where present: page cache cannot look like a leak there."""

    samples: tuple[Sample, ...]  # working set, oldest first
    rss: tuple[Sample, ...] = ()
    usage: tuple[Sample, ...] = ()
    cache: tuple[Sample, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None
    oom_killed: bool = False
    limit_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A pattern that the samples support, how strongly, and the sentence that says why."""

    pattern: Pattern
    confidence: Confidence | None
    reason: str
    data_needed: str | None = None  # what would settle it, where it is not settled


class Instance:
    """A `LifeSpan` with what is worked out from it, each once and only when asked for."""

    def __init__(self, life: LifeSpan) -> None:
        self.life = life

    @cached_property
    def curve(self) -> Curve | None:
        """The working set; None without samples."""
        return curve_of(self.life.samples)

    @cached_property
    def rss(self) -> Curve | None:
        """The process's own memory, where it was sampled about as long as the working set."""
        curve = curve_of(self.life.rss)
        if curve is None or self.curve is None or len(curve.values) < FEWEST_SAMPLES:
            return None
        return curve if curve.duration >= self.curve.duration / 2 else None

    @cached_property
    def usage(self) -> Curve | None:
        """All that is charged to the container, reclaimable cache included."""
        return curve_of(self.life.usage)

    @cached_property
    def cache(self) -> Curve | None:
        """File pages, and memory-backed volumes, which count as such."""
        return curve_of(self.life.cache)

    @cached_property
    def trended(self) -> Curve | None:
        """The series whose trend counts: rss, or the working set where its gain is neither rss nor cache.

        None where there is no rss and the gain is cache: that climb says nothing about the process.
        """
        if self.curve is None or (self.rss is None and self.cache is None):
            return self.curve
        gained, cached = gain(self.curve), gain(self.cache) if self.cache else math.inf
        if self.rss is None:
            return None if gained > 0 and cached >= (1 - RSS_EXPLAINS) * gained else self.curve
        return self.rss if cached >= CACHE_EXPLAINS * gained or gain(self.rss) >= RSS_EXPLAINS * gained else self.curve

    @cached_property
    def trend(self) -> Trend | None:
        """The trend of the floor; None where the samples span too little.

        Where a collector's teeth are longer than the bins, their troughs are the floor.
        """
        curve = self.trended
        if curve is None or curve.duration < SHORTEST_TREND:
            return None
        trend = trend_of(curve)
        if trend is None or is_steady(trend):
            return trend
        points = troughs(curve, trend.slope / HOUR)
        by_troughs = trend_of_points([at / HOUR for at, _ in points], [value for _, value in points], curve.duration)
        return by_troughs or trend

    @cached_property
    def begins(self) -> datetime | None:
        """When it started, or else its first sample."""
        return self.life.started_at or (self.curve.origin if self.curve else None)

    @cached_property
    def ends(self) -> datetime | None:
        """When it ended, or else its last sample."""
        if self.life.ended_at or self.curve is None:
            return self.life.ended_at
        return max(sample.at for sample in self.life.samples)

    @property
    def age(self) -> float | None:
        """Seconds from its start (or first sample) to its end (or last sample)."""
        return (self.ends - self.begins).total_seconds() if self.begins and self.ends else None


def gain(curve: Curve) -> float:
    """Bytes between the median of the first tenth of the samples and that of the last."""
    count = max(1, int(len(curve.values) * END_SHARE))
    return median(curve.values[-count:]) - median(curve.values[:count])


def span_words(seconds: float) -> str:
    """A duration as a person says it: `40 s`, `12 min`, `6.1 h`, `3.2 days`."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * DAY:
        return f"{_digits(seconds / HOUR)} h"
    return f"{_digits(seconds / DAY)} days"


def rate_words(per_hour: float) -> str:
    """A growth as a person says it: per hour, or per day where an hour brings less than a mebibyte."""
    if abs(per_hour) >= 1 << 20:
        return show_bytes(round(per_hour)) + "/h"
    return show_bytes(round(per_hour * 24)) + "/day"


def _digits(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0") if number < 10 else f"{number:.0f}"  # noqa: PLR2004 - two digits are read
