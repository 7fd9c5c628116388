"""What one instance does beside growing: cache, start-up peak, collector, daily load, bursts, a level."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from kubectl_oom.evidence import Confidence, Pattern
from kubectl_oom.judge.instance import CACHE_EXPLAINS, RSS_EXPLAINS, Judgement, gain, span_words
from kubectl_oom.judge.shape import bulk_swings, bursts, climbing_share, daily_likeness, has_teeth, spread_of
from kubectl_oom.judge.trend import DAILY_FROM, DAY, HOUR, is_climb, theil_sen
from kubectl_oom.quantity import show_bytes, show_percent

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_oom.judge.instance import Instance
    from kubectl_oom.judge.shape import Spread, Swings
    from kubectl_oom.judge.trend import Curve

FEWEST_SAMPLES = 20
SHORTEST = 0.5 * HOUR
MATERIAL = 0.10  # a gain of less than a tenth of the level is nobody's problem
CACHE_FULL = 0.85  # usage this near to the limit …
CACHE_PART = 0.75  # … with the process itself below this share of it
SWINGING = 0.15  # of the median: nine samples in ten within less is a level, not a swing
LEVEL = 0.30  # … within less than this is a level that wanders
FEWEST_SWINGS = 4
SAW_SHARE = 0.58  # of the moves go up, where teeth are shorter than samples show
REGULAR = 0.75  # of the periods alike
RARE = 0.25  # of the time: bursts take less
DAILY_LIKENESS = 0.6
SHORT_BURST = 0.05  # of the time seen
BURST_HEIGHT = 0.15  # of the median
START_UP = 0.5 * HOUR  # a peak this soon after the start belongs to it
SEEN_FROM_START = 600.0  # seconds: samples that begin later say nothing about the start
START_PEAK = 1.15  # times what came after
SETTLED_SHARE = 0.25  # the last quarter must be level …
SETTLED_DRIFT = 0.15  # … drifting by no more than this share of what was gained before
NEAR_LIMIT = 0.85


class Seen(NamedTuple):
    """What every rule looks at."""

    instance: Instance
    curve: Curve  # working set
    spread: Spread
    limit: int | None


def habit_of(instance: Instance) -> Judgement | None:
    """What it does, apart from growing; None where it fits nothing or where there are too few samples."""
    curve = instance.curve
    if curve is None or len(curve.values) < FEWEST_SAMPLES or curve.duration < SHORTEST:
        return None
    spread = spread_of(curve)
    if spread.middle <= 0:
        return None
    seen = Seen(instance, curve, spread, instance.life.limit_bytes)
    for rule in RULES:
        judgement = rule(seen)
        if judgement:
            return judgement
    return None


def of_limit(size: float, limit: int | None) -> str:
    """`488Mi (95% of its limit)`; the size alone where there is no limit."""
    share = f" ({show_percent(round(size), limit)} of its limit)" if limit else ""
    return show_bytes(round(size)) + share


def _cache_grew(seen: Seen) -> Judgement | None:
    """What it gained is file cache, not the process itself."""
    instance = seen.instance
    gained = max(gain(seen.curve), gain(instance.usage) if instance.usage else 0.0)
    if gained < MATERIAL * seen.spread.middle or not _made_by_cache(instance, gained):
        return None
    sure = (
        instance.rss and instance.cache and not instance.life.oom_killed
    )  # page cache kills nobody; a full tmpfs does
    own = f" (the process itself: {show_bytes(round(max(gain(instance.rss), 0)))})" if instance.rss else ""
    return Judgement(
        pattern=Pattern.CACHE,
        confidence=Confidence.LIKELY if sure else Confidence.POSSIBLE,
        reason=f"file cache made the {show_bytes(round(gained))} it gained{own}: the kernel takes cache back before it "
        "kills, except what a memory-backed volume holds",
    )


def _cache_fills(seen: Seen) -> Judgement | None:
    """Usage stands near the limit, and the process itself well below."""
    usage, rss = seen.instance.usage or seen.curve, seen.instance.rss
    if not seen.limit or not rss:
        return None
    used, own = median(usage.values), median(rss.values)
    if used < CACHE_FULL * seen.limit or own > CACHE_PART * used:
        return None
    return Judgement(
        pattern=Pattern.CACHE,
        confidence=Confidence.LIKELY if seen.instance.cache else Confidence.POSSIBLE,
        reason=f"usage stands at {of_limit(used, seen.limit)}, the process itself at {show_bytes(round(own))}: the rest is "
        "file cache, which the kernel takes back",
    )


def _made_by_cache(instance: Instance, gained: float) -> bool:
    if instance.rss is None:
        return instance.cache is not None and gain(instance.cache) >= (1 - RSS_EXPLAINS) * gained
    if gain(instance.rss) >= RSS_EXPLAINS * gained:
        return False
    return instance.cache is None or gain(instance.cache) >= CACHE_EXPLAINS * gained


def _start_up_peak(seen: Seen) -> Judgement | None:
    """The start takes more than anything that comes after it."""
    started = seen.instance.life.started_at
    if started is None or (seen.curve.origin - started).total_seconds() > SEEN_FROM_START:
        return None
    first = [value for at, value in zip(seen.curve.seconds, seen.curve.values, strict=True) if at <= START_UP]
    later = seen.curve.values[len(first) :]
    if len(later) < len(first) or max(first) < START_PEAK * max(later):
        return None
    return Judgement(
        pattern=Pattern.STARTUP,
        confidence=Confidence.LIKELY,
        reason=f"starting took up to {of_limit(max(first), seen.limit)}; since then never more than "
        f"{show_bytes(max(later))}",
    )


def _sawtooth(seen: Seen) -> Judgement | None:
    """Slow climbs and sudden falls, over and over."""
    if seen.spread.width < SWINGING or seen.spread.highest - seen.spread.high > seen.spread.high - seen.spread.low:
        return None
    if seen.instance.trend and is_climb(seen.instance.trend):
        return None  # its troughs rise: more than a collector, and too short to say what
    found = bulk_swings(seen.curve, seen.spread)
    long_teeth = has_teeth(found)
    if not long_teeth and not (found.count >= FEWEST_SWINGS and climbing_share(seen.curve) >= SAW_SHARE):
        return None
    return Judgement(
        pattern=Pattern.SAWTOOTH,
        confidence=Confidence.LIKELY if long_teeth else Confidence.POSSIBLE,
        reason=f"climbs to {of_limit(seen.spread.high, seen.limit)} and falls back to "
        f"{show_bytes(round(seen.spread.low))} every {span_words(found.period)}: a collector at work",
    )


def _daily(seen: Seen) -> Judgement | None:
    """Every day like the day before."""
    if seen.spread.width < SWINGING:
        return None
    likeness = daily_likeness(seen.curve)
    if likeness is None or likeness < DAILY_LIKENESS:
        return None
    return Judgement(
        pattern=Pattern.PERIODIC,
        confidence=Confidence.LIKELY,
        reason=f"goes between {show_bytes(round(seen.spread.low))} and {of_limit(seen.spread.high, seen.limit)} "
        f"every day in the same way, {int(seen.curve.duration // DAY)} days seen",
    )


def _pulses(seen: Seen) -> Judgement | None:
    """Up and down sharply: at fixed intervals it is a batch, at no fixed time a burst."""
    rare = seen.spread.highest - seen.spread.high >= seen.spread.high - seen.spread.low
    if rare and seen.spread.highest - seen.spread.middle >= BURST_HEIGHT * seen.spread.middle:
        found = bursts(seen.curve, seen.spread)
    elif seen.spread.width >= SWINGING:
        found, rare = bulk_swings(seen.curve, seen.spread), False
    else:
        return None
    if found.count >= FEWEST_SWINGS and found.regular >= REGULAR:
        return _regular(found, seen)
    if found.count == 0 or found.duty > RARE or not (rare or _is_sharp(found, seen.curve)):
        return None
    return Judgement(
        pattern=Pattern.SPIKE,
        confidence=Confidence.LIKELY if found.count >= FEWEST_SWINGS else Confidence.POSSIBLE,
        reason=f"level at {show_bytes(round(seen.spread.middle))}, with {found.count} short "
        f"burst{'s' if found.count > 1 else ''} up to {of_limit(seen.spread.highest, seen.limit)} at no fixed time",
    )


def _is_sharp(found: Swings, curve: Curve) -> bool:
    """Bursts, not a drift that goes up and down: short, and twice as fast up and down as they last."""
    length = found.duty * curve.duration / found.count
    return (
        found.count >= FEWEST_SWINGS
        and length <= SHORT_BURST * curve.duration
        and 2 * (found.rise + found.fall) <= length
    )


def _regular(found: Swings, seen: Seen) -> Judgement:
    return Judgement(
        pattern=Pattern.PERIODIC,
        confidence=Confidence.LIKELY,
        reason=f"goes up to {of_limit(seen.spread.highest, seen.limit)} every {span_words(found.period)}, "
        f"{found.count} times",
    )


def _levels_off(seen: Seen) -> Judgement | None:
    """It gained or lost something, then stayed."""
    trend = seen.instance.trend
    if trend is None:
        return None
    floor, hours = trend.floor, trend.hours
    quarter = max(3, int(len(floor) * SETTLED_SHARE))
    settled = median(floor[-quarter:])
    gained = settled - median(floor[:2])
    drift = theil_sen(hours[-quarter:], floor[-quarter:]) * (hours[-1] - hours[-quarter])
    if abs(gained) < MATERIAL * trend.level or abs(drift) > SETTLED_DRIFT * abs(gained):
        return None
    if trend.drawdown > abs(gained):
        return None
    near = (hour for hour, value in zip(hours, floor, strict=True) if abs(settled - value) <= abs(gained) / 10)
    reached = next(near, hours[-quarter])
    at_limit = seen.limit is not None and settled >= NEAR_LIMIT * seen.limit
    return Judgement(
        pattern=Pattern.PLATEAU,
        confidence=Confidence.LIKELY if seen.curve.duration >= DAILY_FROM or at_limit else Confidence.POSSIBLE,
        reason=f"{'rose' if gained > 0 else 'fell'} by {show_bytes(round(abs(gained)))} within "
        f"{span_words(reached * HOUR)} and has been level since at {of_limit(settled, seen.limit)}",
    )


def _level(seen: Seen) -> Judgement | None:
    """Within a narrow range all the time."""
    spread = seen.spread
    if spread.width > LEVEL:
        return None
    at_limit = seen.limit is not None and spread.middle >= NEAR_LIMIT * seen.limit
    long = seen.curve.duration >= DAILY_FROM and spread.width <= SWINGING
    return Judgement(
        pattern=Pattern.PLATEAU,
        confidence=Confidence.LIKELY if long or at_limit else Confidence.POSSIBLE,
        reason=f"level at {of_limit(spread.middle, seen.limit)} for {span_words(seen.curve.duration)}, nine samples in ten "
        f"between {show_bytes(round(spread.low))} and {show_bytes(round(spread.high))}",
    )


RULES: tuple[Callable[[Seen], Judgement | None], ...] = (
    _cache_grew,
    _cache_fills,
    _start_up_peak,
    _sawtooth,
    _daily,
    _pulses,
    _levels_off,
    _level,
)
