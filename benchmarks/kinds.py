"""Recipes: what a process needs over time, its pattern built in, in Mi and hours.

Sizes, rates and times are drawn wide on purpose. What monitoring adds to them: series.py.
"""

from __future__ import annotations

import math

from benchmarks.scene import DAY, Scene, Stretch, add_bursts, burst_times, collector, daily, lives, wander

# --- leaks ----------------------------------------------------------------------------------------------------------


def leak(s: Scene) -> None:
    rate = s.leak()
    s.whole(lambda hour: s.size + rate * hour)


def leak_under_daily_load(s: Scene) -> None:
    rate, load, swing = s.leak(), daily(s), s.between(0.1, 0.5)
    s.whole(lambda hour: s.size * (1 + swing * load(hour)) + rate * hour)


def leak_by_load(s: Scene) -> None:
    rate, load = s.leak(), daily(s)
    busy = [load(hour) for hour in s.clock()]
    mean, total = max(sum(busy) / len(busy), 0.05), 0.0
    needs = []
    for one in busy:
        total += one / mean * rate * s.step
        needs.append(s.size * (1 + 0.1 * one) + total)
    s.stretches.append(Stretch(0.0, needs))


def leak_under_a_collector(s: Scene) -> None:
    rate, teeth = s.leak(), collector(s, s.size * s.between(0.2, 0.8), s.wide(0.2, max(0.3, s.hours / 8)))
    s.whole(lambda hour: s.size + rate * hour + teeth(hour))


def leak_until_killed(s: Scene) -> None:
    count = s.dice.randint(2, 5)
    life = s.hours / count
    s.rate = max(s.leak(), 0.3 * s.size / life)
    s.limit = s.size + s.rate * life
    rate = s.rate
    lives(s, count, lambda age, _: s.size + rate * age, killed=True)


def leak_over_rollouts(s: Scene) -> None:
    count = s.dice.randint(2, 4)
    s.rate = max(s.leak(), 0.15 * s.size / (s.hours / count))
    rate = s.rate
    lives(s, count, lambda age, _: s.size + rate * age, killed=False, uneven=0.4)


def leak_in_replicas(s: Scene) -> None:
    rate, load, swing = s.leak(), daily(s), s.between(0, 0.2)
    for _ in range(3):
        base = s.size * s.between(0.95, 1.05)
        s.whole(lambda hour, base=base: base * (1 + swing * load(hour)) + rate * hour)  # type: ignore[misc]


def leak_under_bursts(s: Scene) -> None:
    rate = s.leak()
    add_bursts(s, s.whole(lambda hour: s.size + rate * hour), burst_times(s, 8))


def slow_leak(s: Scene) -> None:
    rate = s.leak(slow=True)
    s.whole(lambda hour: s.size + rate * hour)


def leak_after_warm_up(s: Scene) -> None:
    rate, tau = s.leak(), s.hours / s.between(8, 20)
    s.whole(lambda hour: s.size * (1 - 0.4 * math.exp(-hour / tau)) + rate * hour)


# --- growth ---------------------------------------------------------------------------------------------------------


def data_over_restarts(s: Scene) -> None:
    rate, tau = s.leak(), s.between(0.02, 0.2)
    s.rate = None
    lives(
        s,
        s.dice.randint(2, 5),
        lambda age, hour: (s.size + rate * hour) * (1 - 0.5 * math.exp(-age / tau)),
        killed=False,
        uneven=0.4,
    )


def data_under_daily_load(s: Scene) -> None:
    rate, load, swing = s.leak(), daily(s), s.between(0.1, 0.4)
    s.rate = None
    lives(
        s,
        s.dice.randint(2, 3),
        lambda _, hour: s.size * (1 + swing * load(hour)) + rate * hour,
        killed=False,
        uneven=0.3,
    )


def replicas_of_different_age(s: Scene) -> None:
    rate = s.leak()
    s.rate = None
    for share in (0.0, s.between(0.2, 0.35), s.between(0.4, 0.5)):
        at, base = share * s.hours, s.size * s.between(0.97, 1.03)
        s.stretches.append(Stretch(at, [base + rate * (at + age) for age in s.clock(s.hours - at)]))


def busier_days(s: Scene) -> None:
    load, more = daily(s), s.between(0.1, 0.4)
    s.whole(lambda hour: s.size * (1 + load(hour) * (0.4 + more * hour / DAY)))


def stairs(s: Scene) -> None:
    count = s.dice.randint(4, 8)
    steps = [(n + s.between(0.1, 0.9)) / count * s.hours for n in range(count)]
    sizes = [s.size * s.between(0.08, 0.2) for _ in steps]
    s.whole(lambda hour: s.size + sum(size for at, size in zip(steps, sizes, strict=True) if at <= hour))


# --- levels ---------------------------------------------------------------------------------------------------------


def level(s: Scene) -> None:
    s.whole(lambda _: s.size)


def wandering_level(s: Scene) -> None:
    drift = wander(s, len(s.clock()), s.between(0.02, 0.07), math.exp(-s.step / s.between(2, 12)))
    s.stretches.append(Stretch(0.0, [s.size * (1 + one) for one in drift]))


def warm_up(s: Scene) -> None:
    tau, share = s.hours / s.between(3, 12), s.between(0.3, 0.8)
    s.whole(lambda hour: s.size * (1 - share * math.exp(-hour / tau)))


def heap_to_its_maximum(s: Scene) -> None:
    full, first = s.between(0.15, 0.55) * s.hours, s.between(0.3, 0.6)
    s.whole(lambda hour: s.size * min(first + (1 - first) * hour / full, 1))


def one_step(s: Scene) -> None:
    at, size = s.between(0.2, 0.8) * s.hours, s.between(0.1, 0.4)
    s.whole(lambda hour: s.size * (1 + size * (hour >= at)))


def daily_rollouts(s: Scene) -> None:
    count = max(2, round(s.hours / 20))
    tau = min(s.between(0.3, 3.0), s.hours / count / 6)
    lives(s, count, lambda age, _: s.size * (1 - 0.5 * math.exp(-age / tau)), killed=False, uneven=0.5)


def at_its_limit(s: Scene) -> None:
    count = s.dice.randint(2, 4)
    tau = s.hours / count / s.between(5, 12)
    s.limit = s.size * 1.03
    lives(s, count, lambda age, _: s.size * (1 - 0.5 * math.exp(-age / tau)), killed=True, uneven=0.3)


# --- bursts, starts, cycles -----------------------------------------------------------------------------------------


def rare_bursts(s: Scene) -> None:
    bursts = burst_times(s, s.between(4, 12)) or [(s.hours / 2, 0.05, 1.0)]
    add_bursts(s, s.whole(lambda _: s.size), bursts)


def gone_between_samples(s: Scene) -> None:
    s.limit = s.size / s.between(0.3, 0.75)
    lives(s, s.dice.randint(2, 5), lambda _, __: s.size, killed=True, uneven=0.8)


def burst_at_the_end(s: Scene) -> None:
    s.limit = s.size / s.between(0.3, 0.7)
    lives(s, s.dice.randint(2, 4), lambda _, __: s.size, killed=True, uneven=0.7)
    for stretch in s.stretches:
        if stretch.killed:
            for n in range(1, s.dice.randint(2, 3)):
                stretch.needs[-n] = s.limit * s.between(0.86, 0.99)


def peak_at_start(s: Scene) -> None:
    tau, height = s.between(0.02, 0.15), s.between(0.3, 1.5)
    s.whole(lambda hour: s.size * (1 + height * math.exp(-hour / tau)))


def dies_at_start(s: Scene) -> None:
    s.limit = s.size
    age, at, pause = s.wide(20, 400) / 3600, 0.0, 10 / 3600
    while at < s.hours and len(s.stretches) < 40:
        lived = age * math.exp(s.dice.gauss(0, 0.08))
        count = int(lived / s.step + s.between(0, 1))
        needs = [s.size * min(1.0, 0.2 + 0.8 * (n + s.between(0, 1)) * s.step / lived) for n in range(count)]
        s.stretches.append(Stretch(at, needs, killed=True, lived=lived))
        at += lived + pause
        pause = min(pause * 2, 300 / 3600)


def daily_load(s: Scene) -> None:
    load, swing = daily(s), s.between(0.25, 1.0)
    s.whole(lambda hour: s.size * (1 + swing * load(hour)))


def working_days(s: Scene) -> None:
    load, swing, first = daily(s), s.between(0.4, 1.0), s.dice.randint(0, 6)
    s.whole(lambda hour: s.size * (1 + swing * load(hour) * (0.65 if (int(hour / DAY) + first) % 7 >= 5 else 1)))


def batch(s: Scene) -> None:
    period = s.dice.choice([1.0, 2.0, 6.0] if s.hours >= 30 else [0.5, 1.0])
    first, length, height = s.between(0, period), s.between(0.08, 0.4) * period, s.between(0.4, 1.5)
    runs = [(s.between(0, 0.03) * period, length * s.between(0.8, 1.2)) for _ in range(int(s.hours / period) + 2)]

    def need(hour: float) -> float:
        number = math.floor((hour - first) / period)
        late, lasts = runs[number]
        return s.size * (1 + height * (0 <= hour - first - number * period - late < lasts))

    s.whole(need)


def killed_every_night(s: Scene) -> None:
    s.limit, night = s.size / s.between(0.3, 0.7), s.between(2, 20)
    at = 0.0
    while at < s.hours - s.step:
        end = min(s.hours, (math.floor((at - night) / DAY) + 1) * DAY + night + s.between(0, 0.2))
        s.stretches.append(Stretch(at, [s.size] * max(1, round((end - at) / s.step)), killed=end < s.hours))
        at = end + 2 * s.step


def collecting(s: Scene) -> None:
    teeth = collector(s, s.size * s.between(0.25, 1.0), s.wide(0.2, max(0.3, s.hours / 8)))
    s.limit = s.size * s.between(2.05, 3)
    s.whole(lambda hour: s.size + teeth(hour))


# --- cache ----------------------------------------------------------------------------------------------------------


def files_read(s: Scene) -> None:
    s.limit = s.size * s.between(1.3, 2.0)
    reads = sorted((s.between(0, s.hours), s.size * s.between(0.02, 0.15)) for _ in range(s.dice.randint(5, 20)))
    cached = [min(sum(size for at, size in reads if at <= hour), 0.98 * s.limit - s.size) for hour in s.clock()]
    stretch = s.whole(lambda _: s.size)
    stretch.rss = [0.9 * need for need in stretch.needs]
    stretch.needs = [need + one for need, one in zip(stretch.needs, cached, strict=True)]
    stretch.cache = [0.1 * s.size + one for one in cached]


def cache_at_the_limit(s: Scene) -> None:
    s.limit = s.size * s.between(1.6, 4.0)
    stretch = s.whole(lambda _: s.size)
    stretch.rss = [0.9 * need for need in stretch.needs]
    stretch.usage = [0.97 * s.limit] * len(stretch.needs)
    stretch.cache = [0.97 * s.limit - 0.9 * s.size] * len(stretch.needs)


# --- too little to tell ---------------------------------------------------------------------------------------------


def a_few_minutes(s: Scene) -> None:
    lived = s.between(0.5, 20) / 60
    s.step, s.limit = min(s.step, lived / s.dice.randint(5, 12)), s.size
    s.stretches.append(Stretch(0.0, [s.size * (0.1 + 0.88 * age / lived) for age in s.clock(lived)], killed=True))


def part_of_a_day(s: Scene) -> None:
    load, swing = daily(s), s.between(0.5, 1.0)
    s.whole(lambda hour: s.size * (1 + swing * load(hour)))


def random_walk(s: Scene) -> None:
    value, needs, stride = s.size, [], 0.5 * s.size / math.sqrt(s.hours / s.step)
    for _ in s.clock():
        value = max(0.2 * s.size, value + s.dice.gauss(0, stride))
        needs.append(value)
    s.stretches.append(Stretch(0.0, needs))


# --- cannot be told apart by shape ----------------------------------------------------------------------------------


def warm_up_not_over(s: Scene) -> None:
    tau, share = s.hours / s.between(0.5, 1.5), s.between(0.3, 0.8)
    s.whole(lambda hour: s.size * (1 - share * math.exp(-hour / tau)))


def heap_not_yet_full(s: Scene) -> None:
    full, first = s.hours * s.between(1, 2), s.between(0.3, 0.6)
    s.whole(lambda hour: s.size * (first + (1 - first) * hour / full))


def warm_ups_until_killed(s: Scene) -> None:
    count, reached, share = s.dice.randint(2, 5), s.between(0.5, 0.85), s.between(0.4, 0.8)
    life = s.hours / count
    tau = -life / math.log(1 - reached)
    s.limit = s.size * (1 - share + share * reached)
    lives(s, count, lambda age, _: s.size * (1 - share * math.exp(-age / tau)), killed=True)


def data_in_one_instance(s: Scene) -> None:
    rate = s.leak()
    s.rate = None
    s.whole(lambda hour: s.size + rate * hour)
