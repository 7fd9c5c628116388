"""The right size: what each kind of evidence asks for, the rules no answer may break, and the place among other rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.cases import OURS
from kubectl_oom.evidence import (
    Band,
    Confidence,
    ContainerHistory,
    Pattern,
    Sizes,
    Verdict,
    WorkloadClass,
)
from kubectl_oom.judge.rationale import HELD
from kubectl_oom.judge.rounding import clean_size
from kubectl_oom.judge.sizing import PROFILES, class_of
from tests.pasts import MI, history, kill, life, limit_of, size, sizes_of

# --- the cases that other tools get wrong --------------------------------------------------------------------------


def test_the_limit_that_killed_counts_more_than_the_highest_sample() -> None:
    answer = size(history(life(300), kills=[kill(20, 512)], limit=512))

    assert 512 * 1.25 <= limit_of(answer) <= 1024
    assert answer.alternatives["krr"] == 345 * MI
    assert answer.alternatives["krr-oom"] == 640 * MI


def test_a_kill_in_a_pod_since_replaced_counts() -> None:
    past = history(life(220, since=40, pod="api-2"), kills=[kill(60, 512, pod="api-1")], limit=512)

    assert limit_of(size(past)) >= 512 * 1.25


def test_one_high_sample_among_thousands_counts() -> None:
    request, limit = sizes_of(size(history(life(lambda hours: 900 if abs(hours - 50) < 0.002 else 200, every=15))))

    assert limit >= 900 * 1.1 * MI
    assert request == limit // 2


def test_a_limit_raised_since_and_clean_for_a_day_is_kept_just_above_the_one_that_killed() -> None:
    raised = life(700, since=100, limit=2048)
    answer = size(history(life(500, since=168, to=101, limit=512), raised, kills=[kill(101, 512)], limit=2048))

    assert limit_of(answer) == clean_size(700 * 1.1 * MI) / MI
    assert "The limit was raised since, and held for a day and more." in answer.rationale


def test_a_limit_raised_a_few_hours_ago_proves_nothing_yet() -> None:
    raised = life(520, since=5, limit=2048)
    answer = size(history(life(500, since=168, to=6, limit=512), raised, kills=[kill(5.5, 512)], limit=2048))

    assert limit_of(answer) >= 512 * 1.25


def test_applying_a_size_after_a_resize_in_place_does_not_run_away() -> None:
    past = history(life(500, limit=512), kills=[kill(3, 512)], limit=2048)
    once = size(past)
    request, limit = sizes_of(once)
    again = size(replace(past, request_bytes=request, limit_bytes=limit))

    assert again.recommended == once.recommended


def test_a_crash_loop_of_half_an_hour_without_a_sample_gets_a_size_from_its_kills() -> None:
    answer = size(history(kills=[kill(n / 12, 64) for n in range(6)], limit=64, since=1))

    assert 128 <= limit_of(answer) <= 192
    assert answer.confidence is Band.LOW
    assert answer.rationale == (
        "No sample of its memory was found.",
        "OOM-killed 6 times at a limit of 64Mi: it needed at least 64Mi, and how much more, no source can know.",
        (
            "Profile balanced: the limit that killed, 64Mi, times 2.00 (killed in 100% of the time it was seen), "
            "all times 1.23 for a short history = 157Mi. That is a bet, not a measurement."
        ),
        "Rounded up to a clean size, the limit is 160Mi.",
        "The request is 80Mi: a limit is at most twice its request.",
        "What it needs at other times is not known.",
        (
            f"Confidence low: no samples of its memory. In replay {HELD[Band.LOW]} of 100 sizes of this confidence held "
            "through the following week."
        ),
    )


# --- kills that say nothing about the limit --------------------------------------------------------------------------


@pytest.mark.parametrize("verdict", [Verdict.NODE, Verdict.POD_LIMIT])
def test_a_kill_by_the_node_or_the_pods_limit_does_not_move_the_size(verdict: Verdict) -> None:
    without, told = history(life(300)), history(life(300), kills=[kill(20, 512, verdict=verdict)])

    assert size(told).recommended == size(without).recommended
    assert any("not counted" in sentence for sentence in size(told).rationale)


@pytest.mark.parametrize("limit", [None, 0, (1 << 63) / MI])
def test_a_kill_without_a_limit_makes_no_number(limit: float | None) -> None:
    told = size(history(life(300), kills=[kill(20, limit)]))

    assert told.recommended == size(history(life(300))).recommended
    assert "OOM-killed once at a limit that nothing recorded." in told.rationale


def test_a_kill_without_a_limit_keeps_todays_whatever_is_known_of_another() -> None:
    """The one may have been at today's limit: that the other was at a lower one does not make it safe to lower it."""
    unrecorded, recorded = kill(20, None), kill(30, 256)
    told = size(history(life(200), kills=[unrecorded, recorded], limit=2048))

    assert limit_of(size(history(life(200), kills=[recorded], limit=2048))) < 2048
    assert limit_of(size(history(life(200), kills=[unrecorded], limit=2048))) == 2048
    assert limit_of(told) == 2048
    why = "a kill whose limit nothing recorded may have been at it"
    assert f"That is below the limit of today, 2Gi, and {why}: it stays." in told.rationale


def test_samples_of_zero_are_no_memory() -> None:
    assert size(history(life(0))).recommended is None


# --- growth --------------------------------------------------------------------------------------------------------


def test_a_leak_gets_a_week_and_is_told_how_long_the_size_lasts() -> None:
    first = life(lambda hours: 100 + (168 - hours), since=168, to=85)
    second = life(lambda hours: 100 + (84 - hours), since=84)
    answer = size(history(first, second, pattern=Pattern.LEAK, confidence=Confidence.LIKELY, growth=1.0))
    room = limit_of(answer)

    assert room >= 1.1 * (100 + 1.15 * 168)
    assert answer.lasts_seconds == pytest.approx((room - 102) * 3600, rel=0.02)
    assert any("a leak has no right size" in sentence for sentence in answer.rationale)
    assert answer.confidence is Band.LOW


def test_a_leak_never_more_than_doubles_what_is_known() -> None:
    answer = size(history(life(100), pattern=Pattern.LEAK, confidence=Confidence.LIKELY, growth=50.0))

    assert limit_of(answer) == clean_size(200 * MI) / MI


def test_peaks_that_rise_day_after_day_get_the_rise_of_a_week() -> None:
    level, rising = history(life(1000)), history(life(lambda hours: 1000 - hours))

    assert limit_of(size(rising)) >= (1000 + 160) * 1.1
    assert size(level).lasts_seconds is None
    assert size(rising).lasts_seconds is not None


# --- what is asked for -----------------------------------------------------------------------------------------------


def test_the_named_rules_do_what_they_say_above_the_floors() -> None:
    bursts = history(life(lambda hours: 400 if int(hours * 60) % 30 == 0 else 200))  # p95 200, p99 and highest 400
    rules = {name: limit_of(size(bursts, profile=PROFILES[name])) for name in ("default", "stateful", "batch", "peak")}

    assert rules == {"default": 448, "stateful": 576, "batch": 640, "peak": 640}
    assert any("below the floor" in s for s in size(bursts, profile=PROFILES["default"]).rationale)


def test_profiles_ask_for_more_as_their_names_say() -> None:
    past = history(life(300), kills=[kill(20, 512)])

    limits = [limit_of(size(past, profile=PROFILES[name])) for name in OURS]
    assert limits == sorted(limits)
    assert len(set(limits)) == len(limits)


def test_headroom_is_what_the_user_said_and_never_below_the_floors() -> None:
    past = history(life(400))

    assert limit_of(size(past, headroom=0.5)) == clean_size(600 * MI) / MI
    assert limit_of(size(past, headroom=0.0)) == clean_size(420 * MI) / MI


def test_guaranteed_makes_the_request_the_limit() -> None:
    answer = size(history(life(400)), guaranteed=True)

    assert answer.recommended == Sizes(request_bytes=448 * MI, limit_bytes=448 * MI)


def test_the_request_is_what_the_hungriest_pod_stays_below_and_5_percent() -> None:
    answer = size(history(life(400, pod="api-1"), life(lambda hours: 520 if hours < 1 else 300, pod="api-2")))

    assert answer.recommended == Sizes(request_bytes=448 * MI, limit_bytes=clean_size((572 + 0.35 * 220) * MI))
    assert (
        "The request, 448Mi, is what the pod that needs most stays below for 95 % of its time (400Mi) and 5 %."
        in answer.rationale
    )


def test_losing_the_guaranteed_class_is_said() -> None:
    bursts = life(lambda hours: 900 if 50 < hours < 50.02 else 200)
    answer = size(history(bursts, limit=512, request=512))

    assert answer.rationale[-3].endswith("a Guaranteed pod becomes Burstable.")


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        (history(life(1, since=1), kind="CronJob"), WorkloadClass.BATCH),
        (history(life(1, since=1), kind="StatefulSet"), WorkloadClass.STATEFUL),
        (history(life(1, since=1), kind="Deployment"), WorkloadClass.STATELESS),
        (history(life(1, since=1), kind=None), WorkloadClass.STATELESS),
        (history(life(1, since=1), pattern=Pattern.GROWTH), WorkloadClass.STATEFUL),
    ],
)
def test_the_class_is_told_from_kind_and_behaviour(past: ContainerHistory, expected: WorkloadClass) -> None:
    assert class_of(past)[0] is expected


@pytest.mark.parametrize(
    ("size_in_mi", "clean"), [(1, 4), (70, 72), (517, 576), (576, 576), (900, 960), (2100, 2304), (5000, 5120)]
)
def test_sizes_are_rounded_up_to_clean_steps(size_in_mi: int, clean: int) -> None:
    assert clean_size(size_in_mi * MI) == clean * MI
