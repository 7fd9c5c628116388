"""The core of `recommend`: the request and the limit one container should have, from what was seen of it.

Parameters, what they are worth in replay and how they were found: docs/sizing.md, docs/decisions/0006-sizing.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Band, Confidence, Pattern, Recommendation, Sizes, WorkloadClass
from kubectl_oom.judge.rationale import Reckoning, rationale
from kubectl_oom.judge.rounding import clean_size
from kubectl_oom.judge.rules_of_thumb import NAMED, alternatives
from kubectl_oom.judge.seen import A_WHILE, KilledAt, Seen, is_limit, seen

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory, Kill, MemoryNow

DAY_HOURS, WEEK_HOURS = 24.0, 168.0
# Whatever was asked for, the limit stays this far above the highest sample and above every limit that killed.
FLOOR_MARGIN = 0.05
# A short history has not seen the peak of the day, or of the week: real machines, seen for six hours, go over their
# highest sample by more than 15 % in the next week in 83 of 100 cases, after a week in 20.
SHORT_OF_A_DAY, SHORT_OF_A_WEEK = 0.35, 0.10
# How far the true peak lay above the highest sample of a run of an hour, 90th percentile, by seconds between samples.
# Over a day and more of samples the highest one catches up, so this fades out.
HIDDEN = ((5, 0.03), (10, 0.08), (15, 0.17), (30, 0.21), (60, 0.31), (120, 0.45))
MOST_HIDDEN = 0.50
# A short history counts half for what was killed: how often it was killed is in the bet already.
KILL_WEIGHT = 0.5
# What grows is given a week, a leak from its start at its rate and a bit, as long as that is no more than doubling.
LEAK_RATE, GROWTH_CAP = 1.15, 2.0
YOUNG_SHARE, FEWEST_YOUNG = 0.05, 3  # of the samples of a life: the level from which it sets out
REQUEST_MARGIN = 0.05  # above p95 of the pod that needs most
LIMIT_TO_REQUEST = 2  # a node that packs by requests may be asked for at most twice of them
# Bands, by what they were worth in replay. "A week" allows for a scrape or two missing at its ends.
HIGH_HOURS, MEDIUM_HOURS = 162.0, 42.0
CALM_JUMP = 0.30  # of the highest sample: above, a burst can double what was seen
BATCH_KINDS = frozenset({"Job", "CronJob"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How much memory safety is worth. `rule`: one of the field's rules of thumb, kept above the floors."""

    name: str
    margin: float = FLOOR_MARGIN  # above the highest sample
    jump: float = 0.0  # of the largest usual jump between samples, on top
    bump: float = 1 + FLOOR_MARGIN  # times the limit that killed
    bump_by_share: float = 0.0  # more of it, by the share of days with a kill
    bump_jump: float = 0.0
    rule: str | None = None


BALANCED = Profile(name="balanced", margin=0.10, jump=0.35, bump=1.25, bump_by_share=0.75, bump_jump=0.50)
PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="lean", margin=0.05, jump=0.25, bump=1.15, bump_by_share=0.55, bump_jump=0.35),
        BALANCED,
        Profile(name="safe", margin=0.20, jump=0.50, bump=1.40, bump_by_share=0.90, bump_jump=0.75),
        *(Profile(name=name, rule=name) for name in ("default", "stateless", "stateful", "batch", "peak")),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the user asked for. `headroom` (0.2: 20 %) replaces the profile's margins."""

    profile: Profile = BALANCED
    headroom: float | None = None
    guaranteed: bool = False  # request and limit the same
    workload_class: WorkloadClass | None = None  # None: as told from kind and behaviour


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What each kind of evidence asks for, in bytes; None: that evidence is not there."""

    by_samples: float | None
    by_kills: float | None
    by_growth: float | None
    by_rule: float | None
    floor: float | None
    weight: float  # factor for what a short history has not seen
    killer: KilledAt | None = None  # the limit that killed from which `by_kills` comes
    by_heap: float | None = None  # the least limit under which the program's own heap fits

    @property
    def kill_weight(self) -> float:
        """The part of that factor which applies to limits that killed."""
        return 1 + (self.weight - 1) * KILL_WEIGHT

    @property
    def bytes(self) -> float | None:
        """The largest of them."""
        asked = (self.by_samples, self.by_kills, self.by_growth, self.by_rule, self.by_heap, self.floor)
        return max((one for one in asked if one is not None), default=None)


def recommend(
    history: ContainerHistory,
    *,
    kills: Sequence[Kill],
    until: datetime,
    wishes: Wishes | None = None,
    replicas: int | None = None,
    live: Sequence[MemoryNow] = (),
    heap_needs: int | None = None,
) -> Recommendation:
    """Request and limit for the container of this history.

    `kills` are those that count: of the history, or of one image only where that was asked. `live` is read just now,
    from the kubelet. `heap_needs` is the least limit in which the program's own heap fits.
    """
    wishes = wishes or Wishes()
    found = seen(history, kills, live=live, until=until)
    chosen = _asked(wishes.profile, wishes.headroom)
    estimate = replace(estimate_of(history, found, chosen, weighted=wishes.headroom is None), by_heap=heap_needs)
    band, why = band_of(history, found)
    # A kill whose limit nothing recorded may have been at today's, whatever is known of others.
    keep = band is Band.LOW or found.unknown_limits > 0
    sizes = _sizes(history, found, estimate, keep=keep, guaranteed=wishes.guaranteed)
    told_class, class_reason = (wishes.workload_class, "as asked") if wishes.workload_class else class_of(history)
    growth = growth_of(history, found)
    return Recommendation(
        namespace=history.namespace,
        workload=history.workload,
        container=history.container,
        container_type=history.container_type,
        profile=chosen.name,
        workload_class=told_class,
        class_reason=class_reason,
        confidence=band,
        confidence_reason=why,
        replicas=replicas,
        current=Sizes(request_bytes=history.request_bytes, limit_bytes=history.limit_bytes),
        recommended=sizes,
        floor_bytes=round(estimate.floor) if estimate.floor else None,
        rationale=rationale(Reckoning(history, found, estimate, chosen, sizes, growth, band, why), until=until),
        alternatives=alternatives(history, kills, found, until=until),
        lasts_seconds=growth.lasts(sizes.limit_bytes) if growth and sizes and sizes.limit_bytes else None,
        leaks=growth is not None and growth.leak,
    )


def _asked(profile: Profile, headroom: float | None) -> Profile:
    """The profile, with the user's own headroom in place of its margins."""
    if headroom is None:
        return profile
    margin = max(headroom, FLOOR_MARGIN)
    return Profile(name=f"headroom {headroom:.0%}", margin=margin, bump=1 + margin)


# --- limit ----------------------------------------------------------------------------------------------------------


def estimate_of(history: ContainerHistory, found: Seen, profile: Profile, *, weighted: bool = True) -> Estimate:
    """What samples, kills and growth ask for under this profile."""
    weight = weight_of(found) if weighted and profile.rule is None else 1.0
    top, killed = found.highest_bytes, found.killed_limit_bytes
    known = [count for count in (top, killed) if count]
    asked = [(_by_kill(found, one, profile, 1 + (weight - 1) * KILL_WEIGHT), one) for one in found.killed_at]
    by_kills, killer = max(asked, key=lambda pair: pair[0], default=(None, None))
    jump = found.jump_bytes or 0
    rule = NAMED[profile.rule](found.spread) if profile.rule and found.spread else None
    return Estimate(
        by_samples=top * (1 + profile.margin) * weight + profile.jump * jump if top else None,
        by_kills=by_kills,
        by_growth=_by_growth(growth_of(history, found), max(known), profile) if known and not profile.rule else None,
        by_rule=rule,
        floor=max(known) * (1 + FLOOR_MARGIN) if known else None,
        weight=weight,
        killer=killer,
    )


def weight_of(found: Seen) -> float:
    """The factor for what a short history, or short lives between wide samples, cannot have shown."""
    missing_day = max(0.0, 1 - found.span_hours / DAY_HOURS)
    unseen = max(0.0, 1 - found.sampled_hours / DAY_HOURS) / max(1, found.whole_lives)
    missing_week = max(0.0, 1 - found.span_hours / WEEK_HOURS)
    hidden = hidden_share(found.interval_seconds) * unseen
    return 1 + max(SHORT_OF_A_DAY * missing_day, hidden) + SHORT_OF_A_WEEK * missing_week


def hidden_share(interval: float | None) -> float:
    """How much higher than the highest sample a peak between samples may be, of a run that was seen once."""
    seconds = 60.0 if interval is None else interval
    return next((share for step, share in HIDDEN if seconds <= step), MOST_HIDDEN)


def _by_kill(found: Seen, killed: KilledAt, profile: Profile, weight: float) -> float:
    """A limit that killed is a lower bound; how far above it to go is a bet on how often it was hit."""
    if killed.held_since:
        return killed.limit_bytes * (1 + FLOOR_MARGIN)
    bump = profile.bump + profile.bump_by_share * found.killed_share
    jump = profile.bump_jump * min(found.jump_bytes or 0, killed.limit_bytes)
    without, bet = killed.limit_bytes * bump * weight, (killed.limit_bytes * bump + jump) * weight
    # Jumps stand in for what lay above the limit. Under a limit raised since, that has been seen: the rise of every
    # start to there would otherwise raise it again and again.
    return max(without, min(bet, killed.passed_under or bet))


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """From which level it grows, and how fast."""

    start: float
    bytes_per_hour: float
    leak: bool  # it begins anew with every life

    def lasts(self, limit: int) -> float:
        """Seconds from a start (growth: from now) until it is at the limit."""
        return max(0.0, (limit - self.start) / self.bytes_per_hour * 3600)


def growth_of(history: ContainerHistory, found: Seen) -> Growth | None:
    """A leak or growth that the pattern of the history tells of, or peaks that were higher day after day.

    Only a restart tells a leak from data that grows: as long as none was seen, the more careful one is assumed.
    """
    level = max(found.highest_bytes or 0, found.killed_limit_bytes or 0)
    slope = history.growth_bytes_per_hour or 0.0
    sure = slope > 0 and history.confidence is not Confidence.POSSIBLE
    if not level:
        return None
    leaks = sure and history.pattern is Pattern.LEAK
    rates = [slope] if sure and history.pattern is Pattern.GROWTH else []
    rates += [found.rise_per_day / DAY_HOURS] if found.rise_per_day else []
    if leaks and (found.restarted or not rates):
        return Growth(start=_young(history) or level, bytes_per_hour=slope, leak=True)
    return Growth(start=level, bytes_per_hour=max(rates), leak=False) if rates else None


def _young(history: ContainerHistory) -> float | None:
    """The level from which a leak sets out: that of the first samples of its lives, of the highest one."""
    firsts = [
        life.working_set[: max(FEWEST_YOUNG, int(len(life.working_set) * YOUNG_SHARE))]
        for life in history.lives
        if len(life.working_set) >= A_WHILE
    ]
    return max((median(sample.value for sample in first) for first in firsts), default=None)


def _by_growth(growth: Growth | None, known: int, profile: Profile) -> float | None:
    """Room for a week, of a leak from its start, else from where it is now; at most double what is known."""
    if growth is None:
        return None
    rate = growth.bytes_per_hour * (LEAK_RATE if growth.leak else 1.0)
    return min(GROWTH_CAP * known, (growth.start + rate * WEEK_HOURS) * (1 + profile.margin))


# --- request --------------------------------------------------------------------------------------------------------


def _sizes(history: ContainerHistory, found: Seen, estimate: Estimate, *, keep: bool, guaranteed: bool) -> Sizes | None:
    """Clean sizes, the request never above the limit and never less than half of it; None where nothing is known."""
    if estimate.bytes is None:
        return None
    limit = clean_size(estimate.bytes)
    current = history.limit_bytes
    if keep and current is not None and is_limit(current) and current > limit:
        limit = current
    if guaranteed:
        return Sizes(request_bytes=limit, limit_bytes=limit)
    least = clean_size(limit / LIMIT_TO_REQUEST)
    steady = found.steady_bytes
    wanted = clean_size(steady * (1 + REQUEST_MARGIN)) if steady else (history.request_bytes or 0)
    if keep:
        wanted = max(wanted, history.request_bytes or 0)
    return Sizes(request_bytes=min(limit, max(wanted, least)), limit_bytes=limit)


# --- words ----------------------------------------------------------------------------------------------------------


def band_of(history: ContainerHistory, found: Seen) -> tuple[Band, str]:
    """How far the size can be trusted, and what decides that."""
    if found.highest_bytes is None:
        return Band.LOW, "no samples of its memory"
    if found.unknown_limits and not found.killed_at:
        return Band.LOW, "it was OOM-killed, and nothing recorded at which limit"
    if found.span_hours < MEDIUM_HOURS:
        return Band.LOW, "less than two days were seen"
    if history.pattern is Pattern.LEAK:
        return Band.LOW, "a leak has no right size"
    if found.span_hours < HIGH_HOURS:
        return Band.MEDIUM, "less than a week was seen"
    if history.pattern is Pattern.GROWTH or found.rise_per_day:
        return Band.MEDIUM, "it grows, and last week says less about the next"
    if found.jump_bytes is None:
        return Band.MEDIUM, "only numbers were read, not the course of its samples"
    if found.jump_bytes > CALM_JUMP * found.highest_bytes:
        return Band.MEDIUM, "it rises by a third and more from one sample to the next"
    return Band.HIGH, "a week was seen, and it rises calmly"


def class_of(history: ContainerHistory) -> tuple[WorkloadClass, str]:
    """Stateless, stateful or batch, from the kind of the workload and from how its memory behaves."""
    kind = history.workload.kind if history.workload else None
    if kind in BATCH_KINDS:
        return WorkloadClass.BATCH, f"a {kind}"
    if history.pattern is Pattern.PERIODIC and _mostly_idle(history):
        return WorkloadClass.BATCH, "idle most of the time, with runs that need several times as much"
    if kind == "StatefulSet":
        return WorkloadClass.STATEFUL, "a StatefulSet"
    if history.pattern in (Pattern.GROWTH, Pattern.CACHE):
        return WorkloadClass.STATEFUL, "it keeps what it has read"
    return WorkloadClass.STATELESS, f"a {kind}" if kind else "no sign of state or of runs"


def _mostly_idle(history: ContainerHistory) -> bool:
    spread = history.working_set
    return bool(spread and spread.p50_bytes is not None and spread.max_sampled_bytes >= 2 * spread.p50_bytes)
