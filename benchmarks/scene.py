"""What a recipe for a memory series draws from: its dice, its window, its clock; and the ingredients recipes share."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

DAY = 24.0


@dataclass
class Stretch:
    """One life under construction: needs in Mi at every step, from `at` hours into the window."""

    at: float
    needs: list[float]
    killed: bool = False
    lived: float | None = None  # hours, where the samples do not tell
    rss: list[float] | None = None
    cache: list[float] | None = None
    usage: list[float] | None = None


@dataclass
class Scene:
    """What a recipe draws from: its dice, its window, its clock, its size."""

    dice: random.Random
    hours: float
    step: float  # hours between samples
    size: float = 0.0  # Mi, the usual need
    limit: float = 0.0
    rate: float | None = None  # Mi per hour, of a leak
    stretches: list[Stretch] = field(default_factory=list)

    def between(self, low: float, high: float) -> float:
        return self.dice.uniform(low, high)

    def wide(self, low: float, high: float) -> float:
        return math.exp(self.dice.uniform(math.log(low), math.log(high)))

    def clock(self, hours: float | None = None) -> list[float]:
        length = self.hours if hours is None else hours
        return [n * self.step for n in range(max(1, round(length / self.step)))]

    def whole(self, need: Callable[[float], float]) -> Stretch:
        """One life over the whole window."""
        stretch = Stretch(0.0, [need(hour) for hour in self.clock()])
        self.stretches.append(stretch)
        return stretch

    def leak(self, *, slow: bool = False) -> float:
        """Mi per hour: enough to matter within the window, at most one and a half sizes a day."""
        low = max(0.015, 0.06 * DAY / self.hours) if slow else max(0.05, 0.12 * DAY / self.hours)
        high = low * 1.6 if slow else max(low * 1.2, min(1.5, low * 12))
        self.rate = self.size * self.wide(low, high) / DAY
        return self.rate


# --- ingredients ----------------------------------------------------------------------------------------------------


def wander(scene: Scene, count: int, sigma: float, memory: float) -> list[float]:
    """Noise that remembers: AR(1) with this correlation from sample to sample."""
    fresh = sigma * math.sqrt(1 - memory * memory)
    value, out = scene.dice.gauss(0, sigma), []
    for _ in range(count):
        value = memory * value + scene.dice.gauss(0, fresh)
        out.append(value)
    return out


def daily(scene: Scene) -> Callable[[float], float]:
    """Load between 0 and 1 that repeats every day, each day a little different."""
    phase, shape = scene.between(0, 1), scene.between(0.8, 1.8)
    heights = [math.exp(scene.dice.gauss(0, 0.05)) for _ in range(int(scene.hours / DAY) + 3)]

    def load(hour: float) -> float:
        day = hour / DAY + phase
        return float((0.5 - 0.5 * math.cos(2 * math.pi * day)) ** shape) * heights[int(day)]

    return load


def collector(scene: Scene, height: float, period: float) -> Callable[[float], float]:
    """Teeth: a slow climb and a sudden fall, no two quite alike."""
    falls = [0.0]
    while falls[-1] <= scene.hours:
        falls.append(falls[-1] + period * math.exp(scene.dice.gauss(0, 0.2)))
    shift, tooth = scene.between(0, period), 0

    def teeth(hour: float) -> float:
        nonlocal tooth
        while falls[min(tooth + 1, len(falls) - 1)] <= hour + shift and tooth < len(falls) - 2:
            tooth += 1
        return height * min(1.0, (hour + shift - falls[tooth]) / (falls[tooth + 1] - falls[tooth]))

    return teeth


def burst_times(scene: Scene, per_day: float) -> list[tuple[float, float, float]]:
    """Start, length (hours) and height of bursts at no fixed time."""
    found, at = [], scene.dice.expovariate(per_day / DAY)
    while at < scene.hours:
        found.append((at, scene.between(1, 5) / 60, scene.between(0.3, 1.0)))
        at += scene.dice.expovariate(per_day / DAY)
    return found


def add_bursts(scene: Scene, stretch: Stretch, bursts: Sequence[tuple[float, float, float]]) -> None:
    for at, length, height in bursts:
        first = int((at - stretch.at) / scene.step)
        for n in range(max(0, first), min(len(stretch.needs), first + max(1, round(length / scene.step)))):
            stretch.needs[n] += height * scene.size


def lives(
    scene: Scene, count: int, need: Callable[[float, float], float], *, killed: bool, uneven: float = 0.07
) -> None:
    """Lives one after the other; `need` is given the age and the hour of the window."""
    length, at = scene.hours / count, 0.0
    while at < scene.hours - scene.step:
        hours = min(length * scene.between(1 - uneven, 1), scene.hours - at)
        whole = at + hours < scene.hours - scene.step
        needs = [need(age, at + age) for age in scene.clock(hours)]
        scene.stretches.append(Stretch(at, needs, killed=killed and whole))
        at += hours + 2 * scene.step
