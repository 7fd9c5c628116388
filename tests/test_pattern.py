"""The nine patterns: scenes as a person would tell them, properties that must hold for any samples, measured floors."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.evidence import Confidence, Pattern, Sample
from kubectl_oom.judge.instance import LifeSpan
from kubectl_oom.judge.pattern import PatternResult, recognise, run_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START = datetime(2026, 1, 5, 3, 20, tzinfo=timezone.utc)
MI = 1 << 20
BANDS = {Confidence.CERTAIN: 0.97, Confidence.LIKELY: 0.9, Confidence.POSSIBLE: 0.7}


def series(
    need: Callable[[float], float], seconds: float, every: float = 60, *, noise: float = 1.0
) -> tuple[Sample, ...]:
    """Samples of a need in Mi by hour, from the start on."""
    dice = random.Random(f"{seconds}/{every}")
    return tuple(
        Sample(
            at=START + timedelta(seconds=n * every),
            value=max(0, int((need(n * every / 3600) + dice.gauss(0, noise)) * MI)),
        )
        for n in range(int(seconds / every))
    )


def moved(samples: Sequence[Sample], hours: float) -> tuple[Sample, ...]:
    return tuple(Sample(at=sample.at + timedelta(hours=hours), value=sample.value) for sample in samples)


def life(
    samples: tuple[Sample, ...], *, limit: int | None = None, killed: bool = False, ended: bool = False
) -> LifeSpan:
    """A life that began with its first sample; a killed one ended five seconds after its last."""
    return LifeSpan(
        samples=samples,
        started_at=samples[0].at,
        ended_at=samples[-1].at + timedelta(seconds=5) if killed or ended else None,
        oom_killed=killed,
        limit_bytes=None if limit is None else limit * MI,
    )


def later(one: LifeSpan, hours: float) -> LifeSpan:
    """The same life, some hours later."""
    return replace(
        one,
        samples=moved(one.samples, hours),
        rss=moved(one.rss, hours),
        usage=moved(one.usage, hours),
        cache=moved(one.cache, hours),
        started_at=one.started_at and one.started_at + timedelta(hours=hours),
        ended_at=one.ended_at and one.ended_at + timedelta(hours=hours),
    )


def now(lives: Sequence[LifeSpan]) -> datetime:
    return max(sample.at for one in lives for sample in one.samples)


def over(*lives: LifeSpan) -> PatternResult:
    return recognise(lives, until=now(lives))


# --- one kill -------------------------------------------------------------------------------------------------------


def test_forty_seconds_of_climbing_are_not_called_a_leak_but_too_short_to_tell() -> None:
    short = life(series(lambda hour: 20 + 460 * hour * 3600 / 40, 40, 5, noise=0), limit=500, killed=True)
    found = run_up(short, (), sampling_seconds=5)
    assert (found.pattern, found.confidence, found.growth_bytes_per_hour) == (Pattern.UNKNOWN, None, None)
    assert found.reason == (
        "rose from 20Mi to 422Mi in 35 s (8 samples): in so short a life start-up, a leak and a burst of load look alike; "
        "to tell: a second start that ends at the same age, or a life of hours"
    )
    assert found.highest_working_set_bytes == max(sample.value for sample in short.samples)
    assert found.samples == short.samples


def test_dying_at_the_same_age_again_and_again_is_start_up() -> None:
    short = life(series(lambda hour: 20 + 460 * hour * 3600 / 40, 40, 5, noise=0), limit=500, killed=True)
    earlier = [later(short, -hours / 60) for hours in (5, 11)]
    found = run_up(short, earlier, sampling_seconds=5)
    assert (found.pattern, found.confidence) == (Pattern.STARTUP, Confidence.LIKELY)
    assert found.reason == "3 instances died 40 s after their start"
    many = run_up(short, [later(short, -n / 10) for n in range(1, 6)], sampling_seconds=5)
    assert many.confidence is Confidence.CERTAIN


def test_start_up_is_seen_from_ages_alone_when_nothing_was_sampled() -> None:
    def born(minute: int, lived: int) -> LifeSpan:
        start = START + timedelta(minutes=minute)
        return LifeSpan(samples=(), started_at=start, ended_at=start + timedelta(seconds=lived), oom_killed=True)

    found = run_up(born(10, 33), [born(0, 30), born(5, 36)], sampling_seconds=None)
    assert (found.pattern, found.confidence) == (Pattern.STARTUP, Confidence.LIKELY)
    unlike = run_up(born(10, 33), [born(0, 300), born(5, 580)], sampling_seconds=None)
    assert unlike.pattern is Pattern.UNKNOWN
    assert unlike.reason.startswith("no samples of the 33 s it lived; to tell: samples every few seconds")


def test_two_ages_of_which_one_is_twice_the_other_are_not_the_same() -> None:
    lives = [life(series(lambda _: 100, seconds, 5), limit=110, killed=True) for seconds in (85, 175)]
    assert run_up(later(lives[0], 1), [lives[1]], sampling_seconds=5).pattern is Pattern.UNKNOWN


def test_ends_that_were_no_oom_kills_are_not_dying_at_the_start() -> None:
    short = life(series(lambda _: 100, 140, 5), limit=500, ended=True)
    found = run_up(later(short, 1), [short, later(short, 0.5)], sampling_seconds=5)
    assert found.pattern is Pattern.UNKNOWN


def test_an_hourly_kill_between_starts_is_not_start_up() -> None:
    short = life(series(lambda _: 100, 40, 5), limit=500, killed=True)
    long = life(series(lambda _: 100, 7200, 60), limit=500, killed=True)
    assert run_up(later(long, 10), [later(short, -1), later(short, -2)], sampling_seconds=60).pattern is Pattern.SPIKE


def test_level_and_then_gone_between_two_samples_is_a_spike() -> None:
    found = run_up(life(series(lambda _: 301, 6 * 3600, 30, noise=0), limit=500, killed=True), (), sampling_seconds=30)
    assert (found.pattern, found.confidence) == (Pattern.SPIKE, Confidence.LIKELY)
    assert found.reason == "level at 301Mi for 6 h, then gone, the last sample at 301Mi (60% of its limit)"


def test_a_burst_seen_in_the_last_samples_is_a_spike_too() -> None:
    samples = series(lambda hour: 300 if hour < 5.95 else 480, 6 * 3600, 30, noise=0)
    found = run_up(life(samples, limit=500, killed=True), (), sampling_seconds=30)
    assert (found.pattern, found.confidence) == (Pattern.SPIKE, Confidence.LIKELY)
    assert "then up to 480Mi (96% of its limit) within 10 min" in found.reason


def test_a_burst_every_night_at_the_same_hour_is_periodic() -> None:
    nights = [later(life(series(lambda _: 200, 23.5 * 3600, 60), limit=500, killed=True), 24 * n) for n in range(4)]
    found = run_up(nights[-1], nights[:-1], sampling_seconds=60)
    assert (found.pattern, found.confidence) == (Pattern.PERIODIC, Confidence.POSSIBLE)
    assert found.reason == "4 of 4 kills came within half an hour of the same time of day, on 4 days"


def test_level_at_the_limit_is_a_plateau() -> None:
    samples = series(lambda hour: 490 - 300 * math.exp(-hour / 0.5), 8 * 3600, noise=0)
    found = run_up(life(samples, limit=500, killed=True), (), sampling_seconds=60)
    assert (found.pattern, found.confidence) == (Pattern.PLATEAU, Confidence.LIKELY)
    assert found.reason.startswith("rose by ")
    assert found.reason.endswith("has been level since at 490Mi (98% of its limit)")


def test_a_climb_of_nine_hours_is_not_called_a_leak_until_a_second_life_does_the_same() -> None:
    one = life(series(lambda hour: 100 + 40 * hour, 9 * 3600, noise=0), limit=460, killed=True)
    alone = run_up(later(one, 10), (), sampling_seconds=60)
    assert (alone.pattern, alone.confidence) == (Pattern.UNKNOWN, None)
    assert alone.growth_bytes_per_hour == pytest.approx(40 * MI, rel=0.01)
    assert alone.reason.startswith(
        "climbs 40Mi/h in one instance (9 h) and has not levelled off: a warm-up or a leak, too short"
    )
    again = run_up(later(one, 10), [one], sampling_seconds=60)
    assert (again.pattern, again.confidence) == (Pattern.LEAK, Confidence.LIKELY)
    assert again.reason.startswith(
        "climbs 40Mi/h in each of 2 instances (median 9 h), each from the same start, and does not level"
    )


def test_a_kill_without_a_known_limit_is_a_spike_only_when_the_burst_was_sampled() -> None:
    level = run_up(life(series(lambda _: 300, 6 * 3600), killed=True), (), sampling_seconds=60)
    burst = run_up(
        life(series(lambda hour: 300 if hour < 5.95 else 480, 6 * 3600), killed=True), (), sampling_seconds=60
    )
    assert [level.pattern, burst.pattern] == [Pattern.PLATEAU, Pattern.SPIKE]
    assert burst.confidence is Confidence.POSSIBLE


def test_the_run_up_lists_samples_in_order_with_one_value_an_instant() -> None:
    samples = series(lambda _: 300, 600, 30)
    mixed = (*samples[10:], *samples[:10], Sample(at=samples[3].at, value=999 * MI))
    found = run_up(LifeSpan(samples=mixed, usage=samples, ended_at=now([life(samples)])), (), sampling_seconds=30)
    assert [sample.at for sample in found.samples] == [sample.at for sample in samples]
    assert found.samples[3].value == found.highest_working_set_bytes == 999 * MI
    assert found.highest_usage_bytes == max(sample.value for sample in samples)


# --- many instances -------------------------------------------------------------------------------------------------


def test_a_leak_starts_anew_with_each_instance_and_data_does_not() -> None:
    climb = series(lambda hour: 200 + 6 * hour, 20 * 3600)
    leak = over(*(later(life(climb, ended=n < 2), 21 * n) for n in range(3)))
    growing = series(lambda hour: 200 + 6 * hour, 62 * 3600)
    data = over(*(life(growing[21 * 60 * n : 21 * 60 * n + 20 * 60], ended=n < 2) for n in range(3)))
    assert [(one.pattern, one.confidence) for one in (leak, data)] == [
        (Pattern.LEAK, Confidence.LIKELY),
        (Pattern.GROWTH, Confidence.LIKELY),
    ]
    assert leak.growth_bytes_per_hour == pytest.approx(6 * MI, rel=0.02)


def test_replicas_of_different_age_but_one_size_hold_data_that_grows() -> None:
    growing = series(lambda hour: 200 + 3 * hour, 72 * 3600)
    replicas = [life(growing[hours * 60 :]) for hours in (0, 20, 34)]
    assert over(*replicas).pattern is Pattern.GROWTH


def test_replicas_started_together_count_as_one_round() -> None:
    climb = life(series(lambda hour: 200 + 20 * hour, 6 * 3600))
    assert over(climb, climb, climb).pattern is Pattern.UNKNOWN


def test_the_time_left_is_that_of_the_instance_that_gets_there_first() -> None:
    slow = life(series(lambda hour: 200 + 2 * hour, 72 * 3600), limit=600)
    fast = life(series(lambda hour: 220 + 3 * hour, 72 * 3600), limit=600)
    found = over(slow, fast)
    assert found.pattern is Pattern.LEAK
    assert found.seconds_to_limit == pytest.approx((600 - 220 - 3 * 72) / 3 * 3600, rel=0.03)


def test_no_time_is_left_to_tell_without_a_limit_or_without_a_running_instance() -> None:
    climb = series(lambda hour: 200 + 2 * hour, 72 * 3600)
    found = [over(life(climb)), over(life(climb, limit=600, ended=True))]
    assert [(one.pattern, one.seconds_to_limit) for one in found] == [(Pattern.LEAK, None)] * 2
    stale = recognise([life(climb, limit=600)], until=START + timedelta(hours=90))
    assert stale.seconds_to_limit is None


def test_a_young_instance_is_given_the_rate_of_its_elders() -> None:
    climb = series(lambda hour: 100 + 40 * hour, 9 * 3600)
    elders = [later(life(climb, limit=460, killed=True), 9.2 * n) for n in range(3)]
    young = later(life(climb[:30], limit=460), 9.2 * 3)
    assert over(*elders, young).seconds_to_limit == pytest.approx((460 - 120) / 40 * 3600, rel=0.05)


def test_page_cache_does_not_look_like_a_leak_when_rss_is_there_or_cache() -> None:
    grown = series(lambda hour: 300 + 3 * hour, 72 * 3600)
    flat, cache = series(lambda _: 280, 72 * 3600), series(lambda hour: 20 + 3 * hour, 72 * 3600)
    bare = life(grown, limit=900)
    found = [
        over(bare),
        over(replace(bare, rss=flat)),
        over(replace(bare, cache=cache)),
        over(replace(bare, rss=flat, cache=cache)),
    ]
    assert [(one.pattern, one.confidence) for one in found] == [
        (Pattern.LEAK, Confidence.LIKELY),
        (Pattern.CACHE, Confidence.POSSIBLE),
        (Pattern.CACHE, Confidence.POSSIBLE),
        (Pattern.CACHE, Confidence.LIKELY),
    ]


def test_a_climb_that_is_neither_the_process_nor_cache_is_still_a_leak() -> None:
    grown = series(lambda hour: 300 + 3 * hour, 72 * 3600)
    flat = series(lambda _: 280, 72 * 3600)
    assert over(replace(life(grown), rss=flat, cache=series(lambda _: 20, 72 * 3600))).pattern is Pattern.LEAK


def test_cache_at_the_limit_is_not_sure_to_be_harmless_when_the_instance_was_killed() -> None:
    grown, flat = series(lambda hour: 300 + 8 * hour, 72 * 3600), series(lambda _: 280, 72 * 3600)
    cache = series(lambda hour: 20 + 8 * hour, 72 * 3600)
    full = replace(life(grown, limit=880, killed=True), rss=flat, cache=cache)
    found = run_up(full, (), sampling_seconds=60)
    assert (found.pattern, found.confidence) == (Pattern.CACHE, Confidence.POSSIBLE)
    assert "except what a memory-backed volume holds" in found.reason


def test_instances_that_differ_are_unknown_and_said_to_differ() -> None:
    level = life(series(lambda _: 300, 48 * 3600))
    teeth = life(series(lambda hour: 200 + 200 * (hour / 2 % 1), 48 * 3600))
    found = over(level, teeth)
    assert (found.pattern, found.confidence) == (Pattern.UNKNOWN, None)
    assert found.reason == "the instances differ: 1 plateau, 1 sawtooth"
    assert found.data_needed == "more instances of the same image under the same load"


def test_nothing_seen_is_unknown_and_says_how_much_is_needed() -> None:
    nothing = recognise([], until=START)
    assert nothing == PatternResult(
        pattern=Pattern.UNKNOWN,
        confidence=None,
        reason="no samples at all",
        growth_bytes_per_hour=None,
        seconds_to_limit=None,
        data_needed="one instance seen for 12 h, or two for an hour each, with samples every minute",
    )
    one = recognise([LifeSpan(samples=(Sample(at=START, value=5 * MI),))], until=START)
    assert (one.pattern, one.growth_bytes_per_hour) == (Pattern.UNKNOWN, None)
    assert one.reason.startswith("about 5Mi for 0 s (1 sample): too short a life")
