"""What programs would use if nothing limited them: the workloads that `replay` sizes. Fixed seeds, the standard library.

Mi every 15 seconds, in two parts: what comes from outside whenever it comes (load, bursts, runs, data), and what
comes with the age of the instance (warm-up, start, leak) and begins anew with every restart.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from itertools import accumulate
from operator import add, mul
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

STEP_SECONDS = 15
HOUR = 3600 // STEP_SECONDS
DAY, WEEK = 24 * HOUR, 168 * HOUR
SLOW = 20  # steps for which what moves slowly is held: five minutes


@dataclass
class Pod:
    """The demand of one replica: `outside` by time, `by_age` by the age of the instance (its last value holds on)."""

    outside: list[float]
    by_age: list[float] = field(default_factory=list)


@dataclass
class Draw:
    """What a recipe draws from, for all replicas of one workload."""

    dice: random.Random
    steps: int
    size: float  # Mi
    load: list[float]
    numbers: dict[str, float] = field(default_factory=dict)  # the workload's own, the same for every replica

    def once(self, name: str, low: float, high: float) -> float:
        """A number that every replica of the workload shares."""
        return self.numbers.setdefault(name, self.dice.uniform(low, high))

    def spread(self, sigma: float) -> float:
        return math.exp(self.dice.gauss(0, sigma))

    def wander(self, memory: float, sigma: float) -> list[float]:
        """Noise that remembers."""
        fresh = sigma * math.sqrt(1 - memory * memory)
        count = self.steps // SLOW + 1
        noise = accumulate((self.dice.gauss(0, fresh) for _ in range(count)), lambda was, new: memory * was + new)
        return held(noise, self.steps)

    def level(self, size: float) -> list[float]:
        return [size * (1 + one) for one in self.wander(0.98, self.dice.uniform(0.005, 0.02))]


def held(values: Iterable[float], steps: int) -> list[float]:
    return [value for value in values for _ in range(SLOW)][:steps]


def workload(name: str, seed: int, steps: int) -> list[Pod]:
    """The replicas of the workload of this class and seed: the same on every machine."""
    dice = random.Random(f"{name}/{seed}")
    size = math.exp(dice.uniform(math.log(128), math.log(4096)))
    draw = Draw(dice, steps, size, [])
    draw.load = _daily(draw)
    return [CLASSES[name](draw, size * draw.spread(0.06)) for _ in range(dice.choice([1, 2, 3, 5]))]


def _daily(draw: Draw) -> list[float]:
    """Load between 0 and about 1: every day alike and a little different, weekends quieter."""
    dice, days = draw.dice, draw.steps // DAY + 2
    phase, shape, weekday = dice.random(), dice.uniform(0.8, 2.0), dice.randrange(7)
    heights = [draw.spread(0.06) * (0.85 if (n + weekday) % 7 >= 5 else 1.0) for n in range(days + 1)]
    curve = []
    for n in range(draw.steps // SLOW + 1):
        day = n * SLOW / DAY
        here = int(day)
        height = heights[here] + (day - here) * (heights[here + 1] - heights[here])
        curve.append((0.5 - 0.5 * math.cos(2 * math.pi * (day + phase))) ** shape * height)
    return [max(0.0, one) for one in map(add, held(curve, draw.steps), draw.wander(0.97, 0.03))]


def _scaled(values: Iterable[float], factor: float, plus: float = 0.0) -> list[float]:
    return [factor * value + plus for value in values]


def _with_bursts(draw: Draw, values: list[float], per_day: float, height: Callable[[], float], steps: float) -> None:
    """Bursts at no fixed time, on top of the values."""
    at = draw.dice.expovariate(per_day / DAY)
    while at < len(values):
        first, more = int(at), height()
        last = min(len(values), first + max(1, round(steps * draw.spread(0.5))))
        values[first:last] = [value + more for value in values[first:last]]
        at += draw.dice.expovariate(per_day / DAY)


# --- recipes --------------------------------------------------------------------------------------------------------


def flat(draw: Draw, size: float) -> Pod:
    return Pod(draw.level(size))


def diurnal(draw: Draw, size: float) -> Pod:
    swing = draw.once("swing", 0.2, 1.2)
    own = [max(0.0, one) for one in map(add, draw.load, draw.wander(0.97, 0.02))]
    return Pod(list(map(mul, _scaled(own, size * swing, 0.6 * size), _scaled(draw.wander(0.9, 0.01), 1, 1))))


def collector(draw: Draw, size: float) -> Pod:
    """A garbage collector's teeth, every minute to every half hour, on a live set that follows the load."""
    height, period = draw.once("height", 0.2, 1.0), draw.once("period", 4, 120)
    teeth: list[float] = []
    while len(teeth) < draw.steps:
        length = max(1, round(period * draw.spread(0.3)))
        top = size * height * min(1.6, max(0.5, draw.dice.gauss(1, 0.12)))
        teeth += [top * n / length for n in range(length)]
    return Pod(list(map(add, _scaled(draw.load, 0.15 * size, 0.6 * size), teeth)))


def plateau(draw: Draw, size: float) -> Pod:
    """A cache or a heap that fills up, within an hour or within two days of every start."""
    tau, share = math.exp(draw.once("tau", math.log(1), math.log(40))) * HOUR, draw.once("share", 0.3, 0.8)
    outside = list(map(add, _scaled(draw.level(size), 1 - share), _scaled(draw.load, 0.1 * size)))
    filled = [size * share * (1 - math.exp(-n * SLOW / tau)) for n in range(draw.steps // SLOW + 1)]
    return Pod(outside, held(filled, draw.steps))


def spiky(draw: Draw, size: float) -> Pod:
    """One to twenty bursts a day, of half a minute to minutes."""
    per_day, height = draw.once("per day", 1, 20), draw.once("height", 0.2, 1.0) * draw.size
    sigma, steps = draw.once("sigma", 0.25, 0.6), draw.once("seconds", 20, 200) / STEP_SECONDS
    outside = list(map(mul, draw.level(size), _scaled(draw.load, 0.2, 0.8)))
    _with_bursts(draw, outside, per_day, lambda: height * draw.spread(sigma), steps)
    return Pod(outside)


def heavy_tail(draw: Draw, size: float) -> Pod:
    """Rare bursts, a few of them many times larger than the rest: no history shows the next one."""
    per_day, height = draw.once("per day", 0.5, 5), draw.once("height", 0.15, 0.5) * draw.size
    alpha, steps = draw.once("alpha", 2.0, 3.5), draw.once("seconds", 30, 400) / STEP_SECONDS
    outside = draw.level(size)
    _with_bursts(draw, outside, per_day, lambda: height * min(12.0, draw.dice.paretovariate(alpha)), steps)
    return Pod(outside)


def batch(draw: Draw, size: float) -> Pod:
    """Runs every hour, six hours or day inside a container that lives on."""
    outside = _scaled(draw.level(size), 0.3)
    for first, values in _runs(draw, 0.3 * size):
        last = min(len(outside), first + len(values))
        outside[first:last] = list(map(add, outside[first:last], values))
    return Pod(outside)


def job(draw: Draw, size: float) -> Pod:
    """The same runs, each in a container of its own: 0 in between."""
    outside = [0.0] * draw.steps
    for first, values in _runs(draw, size / 2):
        last = min(len(outside), first + len(values))
        outside[first:last] = [0.2 * size + value for value in values[: last - first]]
    return Pod(outside)


def _runs(draw: Draw, size: float) -> list[tuple[int, list[float]]]:
    every = (1, 6, 24)[int(draw.once("every", 0, 2.999))] * HOUR
    factor, sigma = draw.once("factor", 1.5, 5), draw.once("sigma", 0.05, 0.25)
    minutes, phase = draw.once("minutes", 4, 40), draw.once("phase", 0, 1)
    found = []
    for first in range(int(phase * every), draw.steps, every):
        length = max(2, int(minutes * 60 / STEP_SECONDS * draw.spread(0.2)))
        top = size * factor * draw.spread(sigma)
        found.append((first, [top * min(1.0, (n + 1) / (0.6 * length)) for n in range(length)]))
    return found


def startup(draw: Draw, size: float) -> Pod:
    """Every start needs more than running does, for less than a minute to minutes."""
    length = int(max(2, draw.once("seconds", 20, 240) / STEP_SECONDS))
    top = size * draw.once("factor", 0.3, 1.6) * draw.spread(draw.once("sigma", 0.03, 0.12))
    after = [top * math.exp(-n / (0.6 * length)) for n in range(3 * length)]
    return Pod(list(map(mul, draw.level(size), _scaled(draw.load, 0.15, 0.85))), [top] * length + after)


def weekly(draw: Draw, size: float) -> Pod:
    """A run once a week that needs far more than the rest."""
    factor, length = draw.once("factor", 0.6, 2.5), int(draw.once("minutes", 20, 150) * 60 / STEP_SECONDS)
    first, sigma = int(draw.once("first", 0, WEEK - 1)), draw.once("sigma", 0.03, 0.12)
    outside = list(map(mul, draw.level(size), _scaled(draw.load, 0.15, 0.85)))
    for start in range(first, draw.steps, WEEK):
        top = size * factor * draw.spread(sigma)
        outside[start : start + length] = [value + top for value in outside[start : start + length]]
    return Pod(outside)


def growth(draw: Draw, size: float) -> Pod:
    """Data that grows by 5 to 40 % a week, restarts or not, under a daily load."""
    rate = draw.once("rate", 0.05, 0.40) / WEEK
    grown = held((1 + rate * n * SLOW for n in range(draw.steps // SLOW + 1)), draw.steps)
    return Pod(list(map(mul, map(mul, draw.level(size), grown), _scaled(draw.load, 0.1, 0.9))))


def leak(draw: Draw, size: float) -> Pod:
    """2 to 60 % a day, half of them under a daily load."""
    rate = math.exp(draw.once("rate", math.log(0.02), math.log(0.60))) * draw.size / DAY
    outside = draw.level(size)
    if draw.once("loaded", 0, 1) < 0.5:
        outside = list(map(mul, outside, _scaled(draw.load, 0.1, 0.9)))
    return Pod(outside, held((rate * n * SLOW for n in range(draw.steps // SLOW + 1)), draw.steps))


CLASSES: dict[str, Callable[[Draw, float], Pod]] = {
    "flat": flat,
    "diurnal": diurnal,
    "collector": collector,
    "plateau": plateau,
    "spiky": spiky,
    "heavy tail": heavy_tail,
    "batch": batch,
    "job": job,
    "startup": startup,
    "weekly": weekly,
    "growth": growth,
    "leak": leak,
}
