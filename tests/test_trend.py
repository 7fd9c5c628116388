"""The statistics against their definitions: brute force, enumeration, and curves whose answer is known."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import Sample
from kubectl_oom.judge import trend as t
from kubectl_oom.judge.shape import daily_likeness, has_teeth, swings, troughs

if TYPE_CHECKING:
    from collections.abc import Callable

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
MI = 1 << 20
heights = st.lists(st.integers(-(10**6), 10**6), min_size=4, max_size=14)


def curve(values: list[float], every: float = 60) -> t.Curve:
    return t.Curve(START, [n * every for n in range(len(values))], [round(value) for value in values])


def noisy(hours: int, need: Callable[[float], float], sigma: float = 2 * MI, every: int = 60) -> t.Curve:
    dice = random.Random(hours)
    return curve([need(n * every / 3600) + dice.gauss(0, sigma) for n in range(hours * 3600 // every)], every)


def trend(of: t.Curve) -> t.Trend:
    found = t.trend_of(of)
    assert found is not None
    return found


# --- definitions ----------------------------------------------------------------------------------------------------


@given(heights)
def test_theil_sen_is_the_median_of_the_slopes_of_all_pairs(values: list[int]) -> None:
    x = [n * 0.5 for n in range(len(values))]
    pairs = itertools.combinations(zip(x, values, strict=True), 2)
    expected = statistics.median((later[1] - earlier[1]) / (later[0] - earlier[0]) for earlier, later in pairs)
    assert t.theil_sen(x, values) == expected


@pytest.mark.parametrize("values", [[1, 2, 3, 4, 5, 6], [1, 1, 2, 3, 3, 4], [5, 5, 5, 5, 6, 6]])
def test_the_variance_of_mann_kendall_is_that_of_all_orders_of_the_values(values: list[int]) -> None:
    scores = [
        sum((b > a) - (b < a) for a, b in itertools.combinations(order, 2)) for order in itertools.permutations(values)
    ]
    variance = statistics.fmean(score * score for score in scores)
    highest = max(scores)
    assert t.mann_kendall_z(values) == pytest.approx((highest - 1) / math.sqrt(variance))


def test_correlation_widens_mann_kendall_by_the_known_factor() -> None:
    values = list(range(12))
    assert t.mann_kendall_z(values, 0.6) == pytest.approx(t.mann_kendall_z(values) / math.sqrt(1.6 / 0.4))
    assert t.mann_kendall_z(values, -0.5) == t.mann_kendall_z(values)


@given(heights)
def test_a_reversed_series_scores_the_opposite(values: list[int]) -> None:
    assert t.mann_kendall_z(values[::-1]) == pytest.approx(-t.mann_kendall_z(values))


def test_a_constant_series_has_no_trend_no_correlation_and_no_noise() -> None:
    assert (t.mann_kendall_z([7] * 9), t.lag_one([7] * 9), t.sigma([7] * 9), t.theil_sen([1, 2, 3], [7] * 3)) == (
        0,
        0,
        0,
        0,
    )


@given(st.lists(st.integers(0, 10**9), min_size=3, max_size=40))
def test_the_quantile_is_the_inclusive_one_of_the_standard_library(values: list[int]) -> None:
    ordered = sorted(values)
    assert t.quantile(ordered, 0.25) == pytest.approx(statistics.quantiles(ordered, n=4, method="inclusive")[0])
    assert (t.quantile(ordered, 0), t.quantile(ordered, 1)) == (ordered[0], ordered[-1])


@given(heights)
def test_the_misfit_of_a_line_is_that_of_linear_regression(values: list[int]) -> None:
    x = [math.sqrt(n) for n in range(len(values))]
    line = statistics.linear_regression(x, values)
    expected = sum((y - line.intercept - line.slope * a) ** 2 for a, y in zip(x, values, strict=True))
    assert t._misfit(x, values) == pytest.approx(expected, rel=1e-6, abs=1e-3)


@given(heights, st.floats(-1e5, 1e5), st.floats(-1e5, 1e5))
def test_no_other_line_after_a_warm_up_fits_better_than_the_one_found(
    values: list[int], rate: float, warm: float
) -> None:
    share = [n / (len(values) - 1) for n in range(len(values))]
    best = t._warmed_misfit(share, 1 / 7, values)
    shape = [rate * a + warm * math.exp(-a * 7) for a in share]
    shift = statistics.fmean(y - s for y, s in zip(values, shape, strict=True))
    other = sum((y - s - shift) ** 2 for y, s in zip(values, shape, strict=True))
    assert best <= other * (1 + 1e-6) + 1e-3 or best == math.inf


@given(heights)
def test_the_misfit_of_steps_is_the_best_of_all_ways_to_cut(values: list[int]) -> None:
    def level(part: list[int]) -> float:
        return sum((y - statistics.fmean(part)) ** 2 for y in part)

    ways = [level(values)]
    for cuts in (1, 2):
        for at in itertools.combinations(range(1, len(values)), cuts):
            parts = [values[a:b] for a, b in itertools.pairwise([0, *at, len(values)])]
            if all(len(part) >= 2 for part in parts):
                ways.append(sum(level(part) for part in parts))
    assert t._steps_misfit(values) == pytest.approx(min(ways), rel=1e-6, abs=1e-3)


@given(st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 10**6)), min_size=1, max_size=60))
def test_a_bin_holds_the_quantile_of_its_own_samples(pairs: list[tuple[int, int]]) -> None:
    found = t.curve_of([Sample(at=START + timedelta(seconds=at), value=value) for at, value in pairs])
    assert found is not None
    groups: dict[int, list[int]] = {}
    for at, value in zip(found.seconds, found.values, strict=True):
        groups.setdefault(int(at // 900), []).append(value)
    assert t.binned(found, 900, 0.5) == {number: statistics.median(values) for number, values in groups.items()}


def test_every_bin_divides_a_day() -> None:
    assert [width for width in t.BIN_SECONDS if t.DAY % width] == []


def test_bins_grow_with_the_curve_and_with_the_time_between_samples() -> None:
    widths = [t.bin_width(hours * 3600, 30) for hours in (1, 6, 24, 48, 168, 24 * 60, 24 * 365)]
    assert widths == [150 * 2, 600, 1800, 3600, 10800, 86400, 86400 * 7]
    assert t.bin_width(6 * 3600, 600) == 3600


# --- samples to curves ----------------------------------------------------------------------------------------------


def test_samples_become_a_curve_in_order_with_the_highest_of_each_instant() -> None:
    samples = [
        Sample(at=START + timedelta(seconds=at), value=value) for at, value in ((60, 7), (0, 5), (60, 9), (60, 8))
    ]
    assert t.curve_of(samples) == t.Curve(START, [0.0, 60.0], [5, 9])
    assert t.curve_of([]) is None


def test_spacing_is_the_usual_one_whatever_the_gaps() -> None:
    assert t.Curve(START, [0, 30, 60, 90, 9000, 9030], [1] * 6).spacing == 30
    assert t.Curve(START, [0], [1]).spacing == 0


def test_too_few_bins_have_no_trend() -> None:
    assert t.trend_of(curve([1, 2, 3])) is None
    assert t.trend_of(curve([5])) is None
    assert t.trend_of_points([1, 2, 3], [1, 2, 3], 3 * 3600) is None


# --- curves whose answer is known -----------------------------------------------------------------------------------


def test_the_slope_of_a_line_is_found_under_bursts_in_one_sample_of_ten() -> None:
    dice = random.Random(4)
    found = trend(noisy(24, lambda hour: 300 * MI + 5 * MI * hour + (900 * MI if dice.random() < 0.1 else 0)))
    assert found.slope == pytest.approx(5 * MI, rel=0.02)
    assert t.is_steady(found)


def test_the_slope_under_a_daily_load_is_that_of_the_same_hours() -> None:
    found = trend(noisy(72, lambda hour: 300 * MI + 1 * MI * hour + 100 * MI * math.sin(hour / 24 * math.tau)))
    assert found.daily
    assert found.slope == pytest.approx(MI, rel=0.03)
    assert t.is_steady(found)


def test_a_daily_load_alone_does_not_climb() -> None:
    found = trend(noisy(72, lambda hour: 300 * MI + 100 * MI * math.sin(hour / 24 * math.tau)))
    assert not t.is_climb(found)


def test_a_step_within_two_days_is_no_line_with_a_daily_profile() -> None:
    found = trend(noisy(48, lambda hour: (300 if hour < 23 else 400) * MI))
    assert not found.daily
    assert found.line_over_steps < 0
    assert not t.is_steady(found)


@pytest.mark.parametrize("tau", [4, 8, 16])
def test_a_curve_that_levels_off_is_no_line(tau: float) -> None:
    found = trend(noisy(24, lambda hour: (400 - 200 * math.exp(-hour / tau)) * MI, sigma=MI))
    assert found.line_over_levelling < -2
    assert not t.is_steady(found)


def test_a_ramp_that_ends_is_no_line() -> None:
    found = trend(noisy(24, lambda hour: (200 + 10 * min(hour, 14)) * MI))
    assert found.line_over_levelling < -2
    assert not t.is_steady(found)


def test_a_line_after_a_warm_up_is_still_a_line() -> None:
    found = trend(noisy(48, lambda hour: (300 - 100 * math.exp(-hour / 2) + 4 * hour) * MI))
    assert found.line_over_levelling > 2
    assert t.is_steady(found)


def test_of_ten_random_walks_at_most_one_is_called_a_steady_climb() -> None:
    called = 0
    for seed in range(60):
        dice, value, values = random.Random(seed), 300.0 * MI, []
        for _ in range(24 * 60):
            value += dice.gauss(0, 2 * MI)
            values.append(max(value, 1.0))
        called += t.is_steady(trend(curve(values)))
    assert called <= 6


# --- other shapes ---------------------------------------------------------------------------------------------------


def test_teeth_climb_slowly_and_fall_at_once() -> None:
    saw = [n % 50 for n in range(600)]
    pulses = [0 if n % 50 < 40 else 50 for n in range(600)]
    waves = [25 + 25 * math.sin(n / 50 * math.tau) for n in range(600)]
    at = [60.0 * n for n in range(600)]
    assert [has_teeth(swings(at, values, 12, 37)) for values in (saw, pulses, waves)] == [True, False, False]
    assert swings(at, saw, 12, 37).period == 50 * 60


def test_the_troughs_of_a_collector_show_the_leak_below() -> None:
    found = troughs(curve([1000 + n + 400 * (n % 50) / 50 for n in range(600)]), 1 / 60)
    assert [value for _, value in found] == [1000 + 50 * n for n in range(12)]


def test_of_hundreds_of_teeth_no_more_troughs_are_kept_than_bins() -> None:
    assert len(troughs(curve([100 * (n % 20) for n in range(20 * 400)]), 0.0)) <= t.MOST_BINS


def test_days_are_alike_under_a_daily_load_and_unlike_in_a_warm_up() -> None:
    load = noisy(96, lambda hour: (300 + 100 * math.sin(hour / 24 * math.tau)) * MI)
    warm_up = noisy(96, lambda hour: (400 - 200 * math.exp(-hour / 40)) * MI)
    assert daily_likeness(load) == pytest.approx(1, abs=0.05)
    assert (daily_likeness(warm_up) or 0) < 0
    assert daily_likeness(noisy(24, lambda _: 300 * MI)) is None
