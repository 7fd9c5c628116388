"""Why this size: the evidence, the estimate, the margin, the rounding and the blind spots, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Band
from kubectl_oom.judge.instance import rate_words, span_words
from kubectl_oom.judge.rounding import clean_size
from kubectl_oom.judge.rules_of_thumb import WORDS
from kubectl_oom.quantity import exact_bytes, show_bytes, show_percent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory, Sizes
    from kubectl_oom.judge.seen import KilledAt, Seen
    from kubectl_oom.judge.sizing import Estimate, Growth, Profile

HOUR = 3600.0
# Of 100 sizes with this confidence, those that were not passed in the following week: docs/sizing.md, rounded down.
HELD = {Band.HIGH: 93, Band.MEDIUM: 87, Band.LOW: 84}
TOLD = 1.005  # a factor that is printed as 1.00 is not worth a sentence
SHORTER = 0.9  # of the window asked for: below, it is said that less was seen


@dataclass(frozen=True, slots=True)
class Reckoning:
    """All that a size was made from."""

    history: ContainerHistory
    found: Seen
    estimate: Estimate
    profile: Profile
    sizes: Sizes | None
    growth: Growth | None
    band: Band
    band_reason: str


def rationale(made: Reckoning, *, until: datetime) -> tuple[str, ...]:
    """The sentences, in the order they are to be read."""
    return (
        *_evidence(made.history, made.found, until),
        *_kills(made.found),
        *_reckoning(made.found, made.estimate, made.profile),
        *_growth(made.growth, made.sizes),
        *_result(made),
        *_blind_spots(made.history, made.found),
        *_confidence(made),
    )


def _evidence(history: ContainerHistory, found: Seen, until: datetime) -> Iterator[str]:
    if found.highest_bytes is None:
        yield "No sample of its memory was found."
        return
    if found.samples <= 1:
        what = "the kernel's high-water mark" if found.high_water else "one sample"
        yield f"All that is known of its memory is {what}: {show_bytes(found.highest_bytes)}."
        return
    pods = f"{found.pods} pods" if found.pods != 1 else "one pod"
    every = f", one every {span_words(found.interval_seconds)}" if found.interval_seconds else ""
    mark = "the kernel's high-water mark" if found.high_water else "the highest"
    yield (
        f"{found.samples} samples of {pods} over {span_words(found.span_hours * HOUR)}{every}; "
        f"{mark} is {show_bytes(found.highest_bytes)}."
    )
    asked = until - history.since
    if timedelta(hours=found.span_hours) < SHORTER * asked:
        yield (
            f"Asked for {span_words(asked.total_seconds())}, and only {span_words(found.span_hours * HOUR)} of them "
            "have samples."
        )


def _kills(found: Seen) -> Iterator[str]:
    if found.killed_at:
        each = [f"{_times(one.kills)} at a limit of {show_bytes(one.limit_bytes)}" for one in found.killed_at]
        yield (
            f"OOM-killed {', '.join(each)}: it needed at least {show_bytes(found.killed_at[0].limit_bytes)}, and how "
            "much more, no source can know."
        )
        if found.killed_at[0].held_since:
            yield "The limit was raised since, and held for a day and more."
    if found.unknown_limits:
        yield f"OOM-killed {_times(found.unknown_limits)} at a limit that nothing recorded."
    if found.not_its_own:
        yield (
            f"{_times(found.not_its_own).capitalize()} the node or the pod's own limit killed it: that says nothing "
            "about this container's limit, and is not counted."
        )


def _reckoning(found: Seen, estimate: Estimate, profile: Profile) -> Iterator[str]:
    """What decided the size, and how."""
    size = estimate.bytes
    if size is None:
        return
    if profile.rule and size != estimate.by_heap:
        yield _from_rule(size, estimate, profile)
    elif size == estimate.by_heap:
        yield f"Its own heap decides: below a limit of {show_bytes(round(size))} heap and the rest do not fit."
    elif size == estimate.by_kills and estimate.killer:
        yield _from_kills(found, estimate, estimate.killer, profile)
    elif size == estimate.by_samples:
        yield _from_samples(found, estimate, profile)
    else:
        yield f"Room for a week of growth, at most twice what is known to be needed = {show_bytes(round(size))}."


def _from_rule(size: float, estimate: Estimate, profile: Profile) -> str:
    words = WORDS[profile.rule or ""]
    if size == estimate.by_rule:
        return f"Profile {profile.name}: {words} = {show_bytes(round(size))}."
    given = "cannot be told without samples" if estimate.by_rule is None else f"= {show_bytes(round(estimate.by_rule))}"
    return (
        f"Profile {profile.name}: {words} {given}, below the floor of 5 % above the highest sample and every limit that "
        f"killed: {show_bytes(round(size))}."
    )


def _from_samples(found: Seen, estimate: Estimate, profile: Profile) -> str:
    short = (
        f", times {estimate.weight:.2f} for what so short a history, or so few samples of a run, have not shown"
        if estimate.weight >= TOLD
        else ""
    )
    jump = (
        f", and {profile.jump:.0%} of its large jumps from sample to sample ({show_bytes(found.jump_bytes)})"
        if profile.jump and found.jump_bytes
        else ""
    )
    size = show_bytes(round(estimate.by_samples or 0))
    return f"Profile {profile.name}: the highest sample and {profile.margin:.0%}{short}{jump} = {size}."


def _from_kills(found: Seen, estimate: Estimate, killed: KilledAt, profile: Profile) -> str:
    limit = show_bytes(killed.limit_bytes)
    if killed.held_since:
        return f"A higher limit has held since, so 5 % above {limit} is all that is kept of that."
    factor = profile.bump + profile.bump_by_share * found.killed_share
    share = show_percent(round(1000 * found.killed_share), 1000)
    days = f" (killed in {share} of the time it was seen)" if profile.bump_by_share else ""
    jump = profile.bump_jump * min(found.jump_bytes or 0, killed.limit_bytes)
    more = f" + {show_bytes(round(jump))} for its jumps" if jump else ""
    weight = estimate.kill_weight
    short = f", all times {weight:.2f} for a short history" if weight >= TOLD else ""
    if killed.passed_under and (killed.limit_bytes * factor + jump) * weight > (estimate.by_kills or 0):
        enough = show_bytes(killed.passed_under)
        more, short = "", f"{short}, and for its jumps nothing beyond {enough}, under which it has gone further since"
    return (
        f"Profile {profile.name}: the limit that killed, {limit}, times {factor:.2f}{days}{more}{short} "
        f"= {show_bytes(round(estimate.by_kills or 0))}. That is a bet, not a measurement."
    )


def _growth(growth: Growth | None, sizes: Sizes | None) -> Iterator[str]:
    if growth is None or sizes is None or sizes.limit_bytes is None:
        return
    rate, size = rate_words(growth.bytes_per_hour), show_bytes(sizes.limit_bytes)
    lasts = span_words(growth.lasts(sizes.limit_bytes))
    if growth.leak:
        yield f"It leaks {rate}, and a leak has no right size: {size} lasts {lasts} from each start."
    else:
        yield f"It grows by {rate}: {size} lasts {lasts} from now."


def _result(made: Reckoning) -> Iterator[str]:
    history, found, estimate, sizes = made.history, made.found, made.estimate, made.sizes
    if sizes is None or sizes.limit_bytes is None or sizes.request_bytes is None or estimate.bytes is None:
        yield "Nothing is known that a size could be made from, so none is recommended."
        return
    if sizes.limit_bytes > clean_size(estimate.bytes):
        unsure = "a kill whose limit nothing recorded may have been at it"
        why = "too little was seen to lower it" if made.band is Band.LOW else unsure
        yield f"That is below the limit of today, {show_bytes(sizes.limit_bytes)}, and {why}: it stays."
    else:
        yield f"Rounded up to a clean size, the limit is {exact_bytes(sizes.limit_bytes)}."
    request = exact_bytes(sizes.request_bytes)
    if sizes.request_bytes == sizes.limit_bytes:
        yield f"The request is the limit, {request}."
    elif found.steady_bytes and sizes.request_bytes > clean_size(sizes.limit_bytes / 2):
        yield (
            f"The request, {request}, is what the pod that needs most stays below for 95 % of its time "
            f"({show_bytes(found.steady_bytes)}) and 5 %."
        )
    else:
        yield f"The request is {request}: a limit is at most twice its request."
    was_guaranteed = history.request_bytes is not None and history.request_bytes == history.limit_bytes
    if was_guaranteed and sizes.request_bytes < sizes.limit_bytes:
        yield "Request and limit are equal today and will not be: a Guaranteed pod becomes Burstable."


def _blind_spots(history: ContainerHistory, found: Seen) -> Iterator[str]:
    """What this evidence cannot show."""
    if found.highest_bytes is None and not found.killed_at:
        return
    if found.highest_bytes is None or found.samples <= 1:
        yield "What it needs at other times is not known."
        return
    if history.stepped_seconds:
        yield (
            f"The course was read as the highest sample of each {span_words(history.stepped_seconds)}: no peak "
            "among the samples is lost, but how fast it rises cannot be told."
        )
    if found.interval_seconds and not found.high_water:
        yield f"A burst between two samples, {span_words(found.interval_seconds)} apart, was not seen."


def _confidence(made: Reckoning) -> Iterator[str]:
    """What the word of confidence was worth; nothing where nothing is recommended."""
    if made.sizes is not None:
        yield (
            f"Confidence {made.band.value}: {made.band_reason}. In replay {HELD[made.band]} of 100 sizes of this "
            "confidence held through the following week."
        )


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
