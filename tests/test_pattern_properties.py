"""What holds for every pattern, whatever the samples."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.series import HARD, KINDS, Series, make
from kubectl_oom.evidence import Pattern, Sample
from kubectl_oom.judge.instance import LifeSpan
from kubectl_oom.judge.pattern import PatternResult, recognise, run_up
from tests.test_pattern import MI, START, later, life, over

# --- whatever the samples -------------------------------------------------------------------------------------------

kinds = st.sampled_from(sorted(KINDS | HARD))
cases = st.builds(make, kinds, st.sampled_from((6, 12, 30)), st.integers(5000, 9000))
raw = st.lists(st.tuples(st.integers(0, 300_000), st.integers(0, 1 << 40)), max_size=120)


def rough(pairs: list[tuple[int, int]], *, killed: bool = False) -> LifeSpan:
    samples = tuple(Sample(at=START + timedelta(seconds=at), value=value) for at, value in pairs)
    return LifeSpan(samples=samples, oom_killed=killed, ended_at=START + timedelta(days=4) if killed else None)


@settings(max_examples=25, deadline=None)
@given(cases, st.integers(-(10**9), 10**9))
def test_another_date_changes_nothing(case: Series, seconds: int) -> None:
    hours = seconds / 3600
    shifted = recognise([later(one, hours) for one in case.lives], until=case.until + timedelta(hours=hours))
    assert shifted == recognise(case.lives, until=case.until)


@settings(max_examples=25, deadline=None)
@given(cases, st.integers(2, 9))
def test_memory_times_k_grows_k_times_as_fast_and_keeps_its_pattern(case: Series, k: int) -> None:
    def scaled(samples: tuple[Sample, ...], factor: int) -> tuple[Sample, ...]:
        return tuple(Sample(at=sample.at, value=factor * sample.value) for sample in samples)

    def of(factor: int) -> PatternResult:
        lives = [
            replace(
                one,
                limit_bytes=one.limit_bytes and factor * one.limit_bytes,
                samples=scaled(one.samples, factor),
                rss=scaled(one.rss, factor),
                usage=scaled(one.usage, factor),
                cache=scaled(one.cache, factor),
            )
            for one in case.lives
        ]
        return recognise(lives, until=case.until)

    single, many = of(1), of(k)
    assert (single.pattern, single.confidence) == (many.pattern, many.confidence)
    if single.growth_bytes_per_hour is None:
        assert many.growth_bytes_per_hour is None
    else:
        assert many.growth_bytes_per_hour == pytest.approx(k * single.growth_bytes_per_hour, rel=1e-6, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_samples_and_of_lives_changes_nothing(case: Series, dice: random.Random) -> None:
    def mixed(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        return tuple(dice.sample(samples, k=len(samples)))

    lives = [replace(one, samples=mixed(one.samples), rss=mixed(one.rss), cache=mixed(one.cache)) for one in case.lives]
    dice.shuffle(lives)
    assert recognise(lives, until=case.until) == recognise(case.lives, until=case.until)


@given(st.lists(st.integers(0, 10**6), max_size=80), st.integers(0, 1 << 40), st.integers(1, 3))
def test_a_flat_series_is_never_a_climb(times: list[int], value: int, count: int) -> None:
    flat = rough([(at, value) for at in times])
    found = recognise([later(flat, 300 * n) for n in range(count)], until=START + timedelta(days=60))
    assert found.pattern in {Pattern.PLATEAU, Pattern.UNKNOWN}
    assert found.seconds_to_limit is None
    assert not found.growth_bytes_per_hour


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from((6, 30, 72)), st.floats(0, 0.01))
def test_a_level_with_noise_is_never_a_climb(seed: int, hours: int, noise: float) -> None:
    dice = random.Random(seed)
    samples = tuple(
        Sample(at=START + timedelta(minutes=5 * n), value=int(500 * MI * (1 + dice.gauss(0, noise))))
        for n in range(12 * hours)
    )
    assert over(life(samples)).pattern is Pattern.PLATEAU


@settings(max_examples=200, deadline=None)
@given(pairs=raw, earlier=raw, limit=st.one_of(st.none(), st.integers(1, 1 << 40)), killed=st.booleans())
def test_no_samples_are_too_odd_to_be_judged(
    pairs: list[tuple[int, int]], earlier: list[tuple[int, int]], limit: int | None, *, killed: bool
) -> None:
    this = replace(
        rough(pairs, killed=killed), limit_bytes=limit, cache=rough(earlier).samples, rss=rough(pairs).samples
    )
    before = later(rough(earlier, killed=True), -100)
    found = run_up(this, [before], sampling_seconds=None)
    assert (found.confidence is None) == (found.pattern is Pattern.UNKNOWN)
    assert [one.at for one in found.samples] == sorted({one.at for one in this.samples})
    pooled = recognise([before, this], until=START + timedelta(days=4))
    assert (pooled.confidence is None) == (pooled.pattern is Pattern.UNKNOWN)
    assert pooled.reason
    assert pooled.pattern is not Pattern.UNKNOWN or pooled.data_needed
    assert pooled.seconds_to_limit is None or pooled.seconds_to_limit >= 0
