"""What the way instances ended says: soon after the start, at one time of day, or out of a level memory."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Confidence, Pattern
from kubectl_oom.judge.habit import of_limit
from kubectl_oom.judge.instance import Judgement, span_words
from kubectl_oom.judge.trend import DAY, HOUR, quantile
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final

    from kubectl_oom.judge.instance import Instance
    from kubectl_oom.judge.trend import Curve

START_UP: Final = 600.0  # seconds: who dies later did not die of starting
SAME_AGE = 1.25  # ages within this factor of their median are the same age
AGE_RESOLUTION = 15.0  # seconds: ages this close are the same whatever their ratio
AGREE = 0.6  # share of the deaths that must be alike
SOME, MANY = 3, 5  # deaths alike: likely, certain
SAME_HOUR = 1800.0  # seconds: kills this near to the same time of day …
FEWEST_DAYS = 4  # … on so many days are no chance: lives of about a day give three easily
FEWEST_BEFORE_END = 6  # samples of a body that can be called level
WARM_SHARE = 0.25  # of the body is left out: it may have been starting
END_SHARE = 0.1  # the end of a life: its last tenth …
LONGEST_END = 600.0  # … or ten minutes
UNDER_LIMIT = 0.85  # a highest sample below this share of the limit: the rest came between two samples
FLAT = 0.30  # of the median: nine samples in ten of a level body lie within
FLAT_DRIFT = 0.10  # of the median, between the halves of the body
BURST_RISE = 1.15  # the end over the body, where no limit is known
LONG_BODY = HOUR
MANY_SAMPLES = 20


def died_at_start(instances: Sequence[Instance], last: Instance | None = None) -> Judgement | None:
    """Dying of memory soon after the start, again and again, at about the same age.

    With `last`, the question is whether this very instance did; those before it count even where nobody knows how they
    ended.
    """
    if last is not None and not last.life.oom_killed:
        return None
    deaths = [
        i for i in instances if i.age is not None and (i.life.oom_killed or (last is not None and i.life.ended_at))
    ]
    ages = sorted(i.age for i in deaths if i.age is not None and i.age <= START_UP)
    if len(ages) < 2 or len(ages) < AGREE * len(deaths):  # noqa: PLR2004 - "again" takes two
        return None
    middle = median(ages)
    near = max(AGE_RESOLUTION, 2 * max((i.curve.spacing for i in deaths if i.curve), default=0.0))
    alike = [age for age in ages if middle / SAME_AGE <= age <= middle * SAME_AGE or abs(age - middle) <= near]
    if len(alike) < max(2.0, AGREE * len(ages)) or (last is not None and last.age not in alike):
        return None
    first, latest = span_words(alike[0]), span_words(alike[-1])
    confidence = Confidence.POSSIBLE
    if len(alike) >= SOME:
        confidence = Confidence.CERTAIN if len(alike) >= MANY else Confidence.LIKELY
    return Judgement(
        pattern=Pattern.STARTUP,
        confidence=confidence,
        reason=f"{len(alike)} instances died {first if first == latest else f'{first} to {latest}'} after their start",
        data_needed=None if len(alike) >= SOME else "a third start that dies at the same age",
    )


def died_at_one_hour(instances: Sequence[Instance]) -> Judgement | None:
    """Killed at the same time of day on four days or more."""
    ends = sorted(i.ends for i in instances if i.life.oom_killed and i.ends)
    since = [(end - ends[0]).total_seconds() for end in ends]
    best: list[float] = []
    for anchor in since:
        near = [one for one in since if abs((one - anchor + DAY / 2) % DAY - DAY / 2) <= SAME_HOUR]
        best = max(best, near, key=len)
    days = {round((one - best[0]) / DAY) for one in best}
    if len(days) < FEWEST_DAYS or len(best) < AGREE * len(ends):
        return None
    return Judgement(
        pattern=Pattern.PERIODIC,
        confidence=Confidence.LIKELY if len(days) >= MANY else Confidence.POSSIBLE,
        reason=f"{len(best)} of {len(ends)} kills came within half an hour of the same time of day, on {len(days)} days",
    )


def died_of_burst(instance: Instance) -> Judgement | None:
    """Level memory, then gone: between two samples, or within the last moments."""
    curve, limit = instance.curve, instance.life.limit_bytes
    if curve is None or not instance.life.oom_killed:
        return None
    length = min(LONGEST_END, END_SHARE * curve.duration)
    body = [v for at, v in zip(curve.seconds, curve.values, strict=True) if at < curve.duration - length]
    settled = body[int(len(body) * WARM_SHARE) :]
    if len(body) < FEWEST_BEFORE_END or not _is_level(settled):
        return None
    ordered = sorted(settled)
    usual, high, highest = median(ordered), quantile(ordered, 0.95), max(curve.values)
    if limit and high > UNDER_LIMIT * limit:
        return None
    if not limit and highest < BURST_RISE * high:
        return None
    sure = curve.duration >= LONG_BODY and len(body) >= MANY_SAMPLES and limit
    return Judgement(
        pattern=Pattern.SPIKE,
        confidence=Confidence.LIKELY if sure else Confidence.POSSIBLE,
        reason=f"level at {show_bytes(round(usual))} for {span_words(curve.duration)}, then "
        + _last_moments(curve, high, limit, length),
    )


def died_out_of_sight(instance: Instance) -> Judgement | None:
    """Killed at a limit that no sample came near: what filled it came between two samples, whatever went before."""
    curve, limit = instance.curve, instance.life.limit_bytes
    if curve is None or not limit or not instance.life.oom_killed or len(curve.values) < MANY_SAMPLES:
        return None
    highest = max(curve.values)
    if highest > UNDER_LIMIT * limit:
        return None
    return Judgement(
        pattern=Pattern.SPIKE,
        confidence=Confidence.POSSIBLE,
        reason=f"the highest sample was {of_limit(highest, limit)}, {len(curve.values)} samples in "
        f"{span_words(curve.duration)}: the rest came between two samples",
    )


def _is_level(values: Sequence[int]) -> bool:
    ordered, half = sorted(values), len(values) // 2
    middle = median(ordered)
    if quantile(ordered, 0.95) - quantile(ordered, 0.05) > FLAT * middle:
        return False
    return abs(median(values[half:]) - median(values[:half])) <= FLAT_DRIFT * middle


def _last_moments(curve: Curve, high: float, limit: int | None, length: float) -> str:
    highest = max(curve.values)
    if highest > BURST_RISE * high:
        return f"up to {of_limit(highest, limit)} within {span_words(max(length, curve.spacing))}"
    return f"gone, the last sample at {of_limit(curve.values[-1], limit)}"
