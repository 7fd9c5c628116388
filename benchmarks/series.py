"""Memory series whose pattern is known because it was built in: fixed seeds, the standard library only.

Every kind is a recipe (kinds.py) seen through what monitoring adds: noise, lost scrapes, a gap of hours, doubled
samples, a window that begins in the middle of a life.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import kinds
from benchmarks.scene import Scene, Stretch, wander
from kubectl_oom.evidence import Pattern, Sample
from kubectl_oom.judge.instance import LifeSpan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MI = 1 << 20
START = datetime(2026, 3, 2, 5, 17, tzinfo=timezone.utc)
LOST = 0.02  # scrapes
GAP_CHANCE, DOUBLED_CHANCE, BEFORE_CHANCE, RSS_CHANCE = 0.10, 0.05, 0.3, 0.4


class Kind(NamedTuple):
    """A recipe, its truth, and the windows in which that truth can be seen."""

    recipe: Callable[[Scene], None]
    truth: Pattern
    at_least: float = 0.0  # hours
    at_most: float = math.inf


KINDS: dict[str, Kind] = {
    "leak": Kind(kinds.leak, Pattern.LEAK),
    "leak under daily load": Kind(kinds.leak_under_daily_load, Pattern.LEAK),
    "leak by load": Kind(kinds.leak_by_load, Pattern.LEAK),
    "leak under a collector": Kind(kinds.leak_under_a_collector, Pattern.LEAK),
    "leak until killed": Kind(kinds.leak_until_killed, Pattern.LEAK),
    "leak over rollouts": Kind(kinds.leak_over_rollouts, Pattern.LEAK),
    "leak in replicas": Kind(kinds.leak_in_replicas, Pattern.LEAK),
    "leak under bursts": Kind(kinds.leak_under_bursts, Pattern.LEAK),
    "slow leak": Kind(kinds.slow_leak, Pattern.LEAK),
    "leak after warm-up": Kind(kinds.leak_after_warm_up, Pattern.LEAK),
    "data over restarts": Kind(kinds.data_over_restarts, Pattern.GROWTH),
    "data under daily load": Kind(kinds.data_under_daily_load, Pattern.GROWTH, at_least=72),
    "replicas of different age": Kind(kinds.replicas_of_different_age, Pattern.GROWTH),
    "busier days": Kind(kinds.busier_days, Pattern.GROWTH, at_least=120),
    "stairs": Kind(kinds.stairs, Pattern.GROWTH),
    "level": Kind(kinds.level, Pattern.PLATEAU),
    "wandering level": Kind(kinds.wandering_level, Pattern.PLATEAU),
    "warm-up": Kind(kinds.warm_up, Pattern.PLATEAU),
    "heap to its maximum": Kind(kinds.heap_to_its_maximum, Pattern.PLATEAU),
    "one step": Kind(kinds.one_step, Pattern.PLATEAU),
    "daily rollouts": Kind(kinds.daily_rollouts, Pattern.PLATEAU),
    "at its limit": Kind(kinds.at_its_limit, Pattern.PLATEAU),
    "rare bursts": Kind(kinds.rare_bursts, Pattern.SPIKE),
    "gone between samples": Kind(kinds.gone_between_samples, Pattern.SPIKE),
    "burst at the end": Kind(kinds.burst_at_the_end, Pattern.SPIKE),
    "peak at start": Kind(kinds.peak_at_start, Pattern.STARTUP),
    "dies at start": Kind(kinds.dies_at_start, Pattern.STARTUP),
    "daily load": Kind(kinds.daily_load, Pattern.PERIODIC, at_least=48),
    "working days": Kind(kinds.working_days, Pattern.PERIODIC, at_least=72),
    "batch": Kind(kinds.batch, Pattern.PERIODIC),
    "killed every night": Kind(kinds.killed_every_night, Pattern.PERIODIC, at_least=100),
    "collector": Kind(kinds.collecting, Pattern.SAWTOOTH),
    "files read": Kind(kinds.files_read, Pattern.CACHE),
    "cache at the limit": Kind(kinds.cache_at_the_limit, Pattern.CACHE),
    "a few minutes": Kind(kinds.a_few_minutes, Pattern.UNKNOWN),
    "part of a day": Kind(kinds.part_of_a_day, Pattern.UNKNOWN, at_most=24),
    "random walk": Kind(kinds.random_walk, Pattern.UNKNOWN),
}
HARD: dict[str, Kind] = {
    "warm-up not over": Kind(kinds.warm_up_not_over, Pattern.PLATEAU),
    "heap not yet full": Kind(kinds.heap_not_yet_full, Pattern.PLATEAU),
    "warm-ups until killed": Kind(kinds.warm_ups_until_killed, Pattern.PLATEAU),
    "data in one instance": Kind(kinds.data_in_one_instance, Pattern.GROWTH),
}
# What looks the same in the middle of a life as at its start: the window may begin anywhere in it.
STEADY_STATE = frozenset(
    {"level", "wandering level", "rare bursts", "daily load", "working days", "batch", "collector"}
)


@dataclass(frozen=True)
class Series:
    """One labelled case: what was seen, and what it is."""

    kind: str
    truth: Pattern
    hours: float
    lives: tuple[LifeSpan, ...]
    until: datetime
    limit_bytes: int
    leak_per_hour: float | None  # bytes, where one was built in


def make(kind: str, hours: float, seed: int) -> Series:
    """The series of this kind, window and seed: the same on every machine."""
    recipe = (KINDS | HARD)[kind]
    dice = random.Random(f"{kind}/{hours:g}/{seed}")
    every = dice.choice([15, 30, 60] if hours <= 12 else [30, 60] if hours <= 24 else [60, 120])
    scene = Scene(dice, hours, every / 3600)
    scene.size = scene.wide(60, 4000)
    scene.limit = scene.size * scene.between(2, 4)
    recipe.recipe(scene)
    noise = scene.size * scene.wide(0.003, 0.03)
    with_rss = dice.random() < RSS_CHANCE
    before = scene.between(1, 100) if dice.random() < BEFORE_CHANCE and kind in STEADY_STATE else 0.0
    spans = tuple(
        _observe(scene, stretch, noise, with_rss=with_rss, before=0.0 if stretch.at else before)
        for stretch in scene.stretches
    )
    return Series(
        kind=kind,
        truth=recipe.truth,
        hours=hours,
        lives=spans,
        until=START + timedelta(hours=hours),
        limit_bytes=int(scene.limit * MI),
        leak_per_hour=scene.rate * MI if scene.rate else None,
    )


def _observe(scene: Scene, stretch: Stretch, noise: float, *, with_rss: bool, before: float) -> LifeSpan:
    """The life as a metrics engine holds it."""
    dice, count = scene.dice, len(stretch.needs)
    rough = [a + dice.gauss(0, noise / 2) for a in wander(scene, count, noise / 2, 0.9)]
    kept = _kept(scene, count)
    begins = START + timedelta(hours=stretch.at)
    lived = stretch.lived or count * scene.step
    offset = scene.between(0, min(scene.step, lived))
    at = [begins + timedelta(seconds=round(3600 * (offset + n * scene.step), 3)) for n in range(count)]

    def seen(values: Sequence[float], rough_share: float = 1.0) -> tuple[Sample, ...]:
        return tuple(
            Sample(at=at[n], value=max(1, int((values[n] + rough_share * rough[n]) * MI))) for n in kept if n < count
        )

    rss = stretch.rss
    if rss is None and with_rss:
        rss = [0.93 * need for need in stretch.needs]
    running = not stretch.killed and stretch.at + lived >= scene.hours - 2 * scene.step
    return LifeSpan(
        samples=seen(stretch.needs),
        rss=seen(rss, 0.5) if rss else (),
        usage=seen(stretch.usage, 0.1) if stretch.usage else (),
        cache=seen(stretch.cache, 0.1) if stretch.cache else (),
        started_at=begins - timedelta(hours=before),
        ended_at=None if running else begins + timedelta(hours=lived),
        oom_killed=stretch.killed,
        limit_bytes=int(scene.limit * MI),
    )


def _kept(scene: Scene, count: int) -> list[int]:
    """Which samples were scraped; some twice, and now and then none for hours."""
    dice = scene.dice
    kept = [n for n in range(count) if dice.random() >= LOST]
    if dice.random() < GAP_CHANCE and count * scene.step > 12:
        first, length = dice.randrange(count), int(scene.between(1, 6) / scene.step)
        kept = [n for n in kept if not first <= n < first + length]
    if dice.random() < DOUBLED_CHANCE and kept:
        kept += dice.sample(kept, k=max(1, len(kept) // 50))
    return kept or list(range(count))
