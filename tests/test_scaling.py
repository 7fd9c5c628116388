"""When more replicas are the answer in place of more memory, and what is said where they are not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.evidence import (
    Confidence,
    LimitRule,
    Owner,
    ScalingAnswer,
)
from kubectl_oom.judge.scaling.falling import falls_with_load
from tests.pasts import MI, history, life
from tests.scaled import DAY, Shape, advised, autoscaler_of, item_of, of_the_day, scaling_of
from tests.worlds import DEPLOYMENT

if TYPE_CHECKING:
    from collections.abc import Callable

DAILY = Shape(of_the_day(150, 400))


def owner(kind: str) -> Owner:
    return replace(DEPLOYMENT, kind=kind)


# --- what the samples show -------------------------------------------------------------------------------------------


def test_memory_that_follows_the_day_is_a_case_for_replicas_and_no_more_than_possible() -> None:
    found = scaling_of(DAILY)

    assert (found.answer, found.confidence) == (ScalingAnswer.APPLIES, Confidence.POSSIBLE)
    assert found.reason == (
        "Its memory seems to fall with load: every day it goes between 152Mi and 398Mi a pod, 7 days seen. That another "
        "pod takes its share is what a Service does, and was not seen here."
    )


def test_memory_that_fell_whenever_there_were_more_pods_is_a_likely_case() -> None:
    """Two pods, and four in the second half of each day; the load is the same."""
    shared = Shape(_shared, replicas=2)
    extra = [
        life(
            _shared,
            pod=f"extra-{day}-{n}",
            since=day * DAY + 12,
            to=day * DAY,
            every=300,
        )
        for day in range(7)
        for n in range(2)
    ]
    found = scaling_of(shared, lives=(*shared.lives(), *extra))

    assert (found.answer, found.confidence) == (ScalingAnswer.APPLIES, Confidence.LIKELY)
    assert found.reason == "Its memory is shared: with 4 pods each held about 41% less than with 2."


def _shared(hours: float) -> float:
    """600Mi of load and 60Mi of each pod's own; at noon and at midnight it takes an hour until the load has moved."""
    phase = -hours % DAY
    before, after = (4, 2) if phase < 12 else (2, 4)
    moved = min(1.0, phase % 12)
    return 60 + 600 / before * (1 - moved) + 600 / after * moved


def test_a_stateful_set_needs_to_have_shown_that_another_pod_takes_something_over() -> None:
    found = scaling_of(DAILY, kind=owner("StatefulSet"))

    assert found.answer is ScalingAnswer.UNKNOWN
    assert found.reason.endswith(
        "Whether another pod of a StatefulSet would take some of that over, its samples do not show."
    )
    assert found.would_tell == "one pod more for some hours, twice, and whether the samples of the others fall"


def _growing(hours: float) -> float:
    return 400 - hours


def _level(_hours: float) -> float:
    return 300


@pytest.mark.parametrize(
    ("need", "why"),
    [
        (_growing, "it grows and does not level off, and more pods would grow too"),
        (_level, "in 7 days the average over its pods stayed between 300Mi and 300Mi"),
    ],
    ids=["grows", "level"],
)
def test_memory_that_does_not_fall_is_warned_about(need: Any, why: str) -> None:
    found = scaling_of(Shape(need))

    assert (found.answer, found.autoscaler) == (ScalingAnswer.DOES_NOT_FALL, None)
    assert found.reason == (
        f"Its memory does not fall with load: an autoscaler would only ever add pods. What tells: {why}."
    )


def _from_its_start(end: float) -> Callable[[float], float]:
    """From 100Mi to 400Mi within an hour, in a day that ends so many hours before the end."""
    return lambda hours: min(400, 100 + 300 * (DAY - (hours - end)))


def test_memory_that_only_restarts_bring_down_does_not_fall_with_load() -> None:
    lives = [
        life(_from_its_start(day * DAY), pod=f"api-{n}", since=(day + 1) * DAY, to=day * DAY + 0.1, every=300)
        for n in range(3)
        for day in reversed(range(7))
    ]
    found = scaling_of(DAILY, lives=lives)

    assert found.answer is ScalingAnswer.DOES_NOT_FALL


def test_a_day_is_too_short_to_tell_and_two_are_asked_for() -> None:
    found = scaling_of(replace(DAILY, since=DAY))

    assert found.answer is ScalingAnswer.UNKNOWN
    assert (found.reason, found.would_tell) == (
        "24 h of samples do not tell whether its memory falls with load.",
        "two days of samples, which hold two highs and two lows",
    )


def test_samples_of_starting_pods_alone_tell_nothing_and_are_not_called_none() -> None:
    found = scaling_of(replace(DAILY, since=0.3))

    assert found.answer is ScalingAnswer.UNKNOWN
    assert found.reason.startswith("Its samples are too few, or all of starting pods:")


def test_what_was_read_in_numbers_only_is_not_judged() -> None:
    past = history(*DAILY.lives(), stepped=21_600)
    size = item_of(advised(DAILY)).size

    assert falls_with_load(past, size, None).would_tell == "name the workload, and it is read in full"


def test_without_samples_a_metrics_engine_would_tell() -> None:
    found = scaling_of(DAILY, lives=())

    assert (found.answer, found.would_tell) == (
        ScalingAnswer.UNKNOWN,
        "a metrics engine with two days of samples: --prometheus-url",
    )


def test_ups_and_downs_at_no_time_of_day_may_be_anything() -> None:
    found = scaling_of(Shape(lambda hours: 150 if (hours * 2654435761 // 7) % 5 < 2 else 400))

    assert found.answer is ScalingAnswer.UNKNOWN
    assert found.reason.endswith("at no time of day: whether that is load, its samples do not tell.")


def test_what_falls_less_than_one_pod_more_needs_is_not_scaled_back() -> None:
    found = scaling_of(Shape(of_the_day(300, 400)))

    assert found.answer is ScalingAnswer.DOES_NOT_FALL
    assert (
        "Its memory falls with load, but not far enough: pods hold 301Mi at their lowest, and one more than the 3 of"
        in (found.reason)
    )


def test_memory_that_rises_faster_than_pods_start_is_no_case_for_replicas() -> None:
    """Bursts of 130Mi within a minute by day, and a LimitRange that leaves no room for them."""

    def need(hours: float) -> float:
        return of_the_day(250, 345)(hours) + (130 if int(hours * 60) % 97 == 0 and 6 < hours % DAY < 18 else 0)

    cap = LimitRule(name="mem", scope="Container", min_bytes=None, max_bytes=512 * MI, max_limit_to_request=None)
    with_room = scaling_of(Shape(need, every=60))
    without = scaling_of(Shape(need, every=60), room={"limit_rules": (cap,)})

    assert with_room.answer is ScalingAnswer.APPLIES
    assert without.answer is ScalingAnswer.TOO_FAST
    assert without.reason.startswith("Its memory rises faster than pods start: by up to 13")


def test_the_whole_answer_is_about_the_size_that_fits() -> None:
    item = item_of(advised(DAILY))

    assert item.size.recommended is not None
    assert autoscaler_of(DAILY).request_bytes == item.size.recommended.request_bytes
