"""How often it would be killed: this workload's own history, replayed under today's limit and under another.

A replay knows the samples and the kills, and nothing between them. What lay above a limit that killed is not known,
so a limit above all of them was not passed in the replay, which is not a promise.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ExpectedKills
from kubectl_oom.judge.instance import span_words
from kubectl_oom.judge.seen import is_limit, speaks_of_the_limit
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory, Kill, Life, Recommendation, Sizes

WEEK = timedelta(weeks=1)
SHORTEST = timedelta(days=1)  # below, a rate per week is a guess blown up by seven
# The kubelet waits up to five minutes before it starts a container again that keeps on ending.
BACK_OFF = timedelta(minutes=5)
HOUR = 3600.0


def expected_kills(history: ContainerHistory, size: Recommendation, wanted: Sizes | None) -> ExpectedKills | None:
    """Kills a week under today's limit and under that of `wanted`; None where that has none.

    The kills are those of the history: whoever wants to leave some out does it before. Kills by the node or by the
    pod's limit do not count, no size of this container ends them.
    """
    if wanted is None or wanted.limit_bytes is None:
        return None
    own = [kill for kill in history.kills if speaks_of_the_limit(kill)]
    seen = _seen(history, own)
    if seen < SHORTEST:
        few = "Less than a day was seen: how often it is killed in a week cannot be told."
        return ExpectedKills(before=None, after=None, detail=few)
    today = size.current.limit_bytes
    before = _killed(history.lives, own, today) / (seen / WEEK)
    if size.lasts_seconds is not None:
        return _of_growth(history, size, wanted.limit_bytes, before)
    unknown = sum(1 for kill in own if not is_limit(kill.limit_bytes))
    new = show_bytes(wanted.limit_bytes)
    if unknown:
        told = f"OOM-killed {_times(unknown)} at a limit that nothing recorded: how often under {new} cannot be told."
        return ExpectedKills(before=before, after=None, detail=told)
    after = _killed(history.lives, own, wanted.limit_bytes)
    detail = _replayed(seen, own, today, wanted.limit_bytes, (_killed(history.lives, own, today), after))
    return ExpectedKills(before=before, after=after / (seen / WEEK), detail=detail)


def _replayed(seen: timedelta, own: Sequence[Kill], today: int | None, new: int, kills: tuple[int, int]) -> str:
    before, after = kills
    under = f" under the {show_bytes(today)} of today" if today is not None else " without a limit"
    instead = "" if before == after else f" instead of {_count(before)}{under}"
    unseen = "; how far above its limit it would have gone at a kill, no replay knows" if own else ""
    span = span_words(seen.total_seconds())
    return f"Replayed under {show_bytes(new)}, the {span} that were seen have {_count(after)}{instead}{unseen}."


# --- what grows ------------------------------------------------------------------------------------------------------


def _of_growth(history: ContainerHistory, size: Recommendation, limit: int, before: float) -> ExpectedKills:
    """What grows passes every limit one day, so its samples are not replayed but led on."""
    lasts = _lasts(history, size, limit)
    if not lasts:
        detail = f"It grows, and how long {show_bytes(limit)} lasts cannot be told."
        return ExpectedKills(before=before, after=None, detail=detail)
    if size.leaks:
        return _of_leak(history, size, limit, before, lasts)
    full = f"At the rate it grows, {show_bytes(limit)} is full {span_words(lasts)} from now"
    if lasts >= WEEK.total_seconds():
        return ExpectedKills(before=before, after=0.0, detail=f"{full}: not within a week.")
    detail = f"{full}; how often it is killed then cannot be told."
    return ExpectedKills(before=before, after=None, detail=detail)


def _of_leak(history: ContainerHistory, size: Recommendation, limit: int, before: float, lasts: float) -> ExpectedKills:
    """A leak fills any limit again and again: in each pod, as often as it lasts from a start."""
    pods, week, today = len(_pods_at_once(history)), WEEK.total_seconds(), size.current.limit_bytes
    lasts_today = _lasts(history, size, today) if today else None
    if not before and lasts_today:  # it has not come to it so far: rollouts, or the start was not long ago
        before = pods * week / lasts_today
    after = pods * week / lasts
    if today is not None and today <= limit:
        after = min(after, before)  # whatever restarts it before it is full will go on doing so
    times = f"about {_rate(after)} a week, {_rate(before)} under the limit of today"
    detail = f"A leak fills {show_bytes(limit)} in {span_words(lasts)} from each start: {times}."
    return ExpectedKills(before=before, after=after, detail=detail)


def _lasts(history: ContainerHistory, size: Recommendation, limit: int) -> float | None:
    """Seconds until this limit is full; None where the rate is not known, 0 where it is full already."""
    recommended = size.recommended.limit_bytes if size.recommended else None
    if size.lasts_seconds is None or recommended is None:
        return None
    if limit == recommended:
        return size.lasts_seconds
    rate = history.growth_bytes_per_hour
    return max(0.0, size.lasts_seconds + (limit - recommended) / rate * HOUR) if rate else None


def _pods_at_once(history: ContainerHistory) -> set[str]:
    """The pods of the last day: what leaks, leaks in each of them."""
    recent = {
        life.pod for life in history.lives if life.working_set and life.working_set[-1].at > history.until - SHORTEST
    }
    return recent or set(history.pods[:1])


# --- the replay ------------------------------------------------------------------------------------------------------


def _seen(history: ContainerHistory, kills: Sequence[Kill]) -> timedelta:
    """From the first sample, or the first kill where that came earlier, to the end of the window."""
    sampled = [life.working_set[0].at for life in history.lives if life.working_set]
    if sampled:
        return history.until - min(*sampled, *(kill.at for kill in kills), history.until)
    if history.working_set and history.interval_seconds:
        pods = max(1, len(history.pods))
        return timedelta(seconds=history.working_set.samples * history.interval_seconds / pods)
    return timedelta()


def _killed(lives: Sequence[Life], kills: Sequence[Kill], limit: int | None) -> int:
    """How often it is killed under this limit (None: under none).

    That is where samples pass it, and where it was killed at no lower one; one that nothing recorded may be this one.
    """
    passed = [moment for life in lives for moment in _passed(life, limit)]
    at_it = [
        kill
        for kill in kills
        if not is_limit(kill.limit_bytes) or (limit is not None and (kill.limit_bytes or 0) >= limit)
    ]
    told = [k for k in at_it if not any(pod == k.pod and abs(k.at - at) <= BACK_OFF for pod, at in passed)]
    return len(passed) + len(told)


def _passed(life: Life, limit: int | None) -> list[tuple[str, datetime]]:
    """When samples of a life went over this limit, a container killed by it being away for as long as the back-off."""
    found: list[tuple[str, datetime]] = []
    for sample in life.working_set:
        if limit is not None and sample.value > limit and (not found or sample.at >= found[-1][1] + BACK_OFF):
            found.append((life.pod, sample.at))
    return found


def _rate(kills: float) -> str:
    if not kills:
        return "no kill"
    return f"{kills:.1f} kills" if kills >= 0.1 else "less than one kill in ten weeks"  # noqa: PLR2004 - one digit


def _count(kills: int) -> str:
    return {0: "no kill", 1: "one kill"}.get(kills, f"{kills} kills")


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def kills_of_image(kills: Sequence[Kill], image: str | None) -> tuple[Kill, ...]:
    """Those of this image, and those of which no source kept the image: leaving them out would forget a limit that killed."""
    return tuple(kill for kill in kills if image is None or kill.image in (None, image))
