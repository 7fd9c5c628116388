"""Who is next: each mark is said once per episode, of the instance that runs, and a projection of a steady climb."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import Climb, Gauge, Mark, Sample
from kubectl_oom.judge.nearing import FORGOTTEN_AFTER, OLD_SAMPLES, Lookout
from tests.build import LIMIT, MI, NOW, RUNNING_ID, ago, container, last_end, other, pod

if TYPE_CHECKING:
    from kubectl_oom.evidence import Warned

EARLIER = "b" * 64


def gauge(share: float, container_id: str | None = RUNNING_ID, name: str = "app") -> Gauge:
    return Gauge(
        namespace="shop",
        pod="api-0",
        container=name,
        container_id=container_id,
        working_set_bytes=round(share * LIMIT),
    )


def lookout() -> Lookout:
    """A lookout that has seen container app run for hours."""
    found = Lookout()
    found.sees(pod(container(running_since=ago(9 * 3600))))
    return found


def marks(found: list[Warned]) -> list[Mark]:
    return [warned.mark for warned in found]


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((0.84,), []),
        ((0.85,), [Mark.CLOSE]),
        ((0.86, 0.94, 0.86), [Mark.CLOSE]),
        ((0.86, 0.96), [Mark.CLOSE, Mark.VERY_CLOSE]),
        ((0.97,), [Mark.VERY_CLOSE]),  # not both at once
        ((0.97, 0.90), [Mark.VERY_CLOSE]),  # the lower mark was passed on the way
        ((0.97, 0.91, 0.97), [Mark.VERY_CLOSE]),  # teeth
        ((0.97, 0.89, 0.97), [Mark.VERY_CLOSE, Mark.VERY_CLOSE]),
        ((0.86, 0.81, 0.86), [Mark.CLOSE]),
        ((0.86, 0.79, 0.86), [Mark.CLOSE, Mark.CLOSE]),
        ((0.86, None, 0.86), [Mark.CLOSE, Mark.CLOSE]),  # what does not come back is far below
        ((1.2, 1.3), [Mark.VERY_CLOSE]),
    ],
)
def test_a_mark_is_said_when_it_is_reached_and_again_only_after_a_fall(
    shares: tuple[float | None, ...], said: list[Mark]
) -> None:
    watching = lookout()

    found = [watching.nears([] if share is None else [gauge(share)], NOW) for share in shares]

    assert [mark for each in found for mark in marks(each)] == said


@given(st.lists(st.floats(0, 1.5), max_size=30))
def test_between_two_warnings_of_one_mark_there_is_always_a_fall(shares: list[float]) -> None:
    watching = lookout()
    lowest: dict[Mark, float] = {}
    for share in shares:
        for warned in watching.nears([gauge(share)], NOW):
            level = {Mark.CLOSE: 0.85, Mark.VERY_CLOSE: 0.95}[warned.mark]
            assert share >= level - 1e-6
            assert lowest.get(warned.mark, 0.0) < level - 0.05
            lowest[warned.mark] = share
        lowest = {mark: min(before, share) for mark, before in lowest.items()}


def test_the_last_sample_of_an_instance_that_was_killed_warns_of_nothing() -> None:
    watching = lookout()

    assert watching.nears([gauge(0.97, EARLIER)], NOW) == []


def test_without_ids_the_samples_count_once_the_instance_is_older_than_they_can_be() -> None:
    young, old = lookout(), lookout()
    young.sees(pod(container(running_since=NOW - OLD_SAMPLES)))

    assert young.nears([gauge(0.97, None)], NOW) == []
    assert marks(old.nears([gauge(0.97, None)], NOW)) == [Mark.VERY_CLOSE]


def test_the_next_instance_is_a_new_episode_and_so_is_a_new_limit() -> None:
    watching = lookout()
    watching.nears([gauge(0.97)], NOW)
    watching.sees(pod(container(container_id=EARLIER, running_since=ago(600))))

    assert marks(watching.nears([gauge(0.97, EARLIER)], NOW)) == [Mark.VERY_CLOSE]
    watching.sees(pod(container(container_id=EARLIER, running_since=ago(600), limit_in_effect_bytes=LIMIT - MI)))
    assert marks(watching.nears([gauge(0.97, EARLIER)], NOW)) == [Mark.VERY_CLOSE]


@pytest.mark.parametrize("gone", ["ended", "without a limit", "deleted", "in no list", "of another name", "never seen"])
def test_nothing_is_said_of_what_does_not_run_with_a_limit_in_the_selection(gone: str) -> None:
    watching = Lookout("sidecar") if gone == "of another name" else Lookout()
    if gone != "never seen":
        watching.sees(pod(container(running_since=ago(9 * 3600))))
    if gone == "ended":
        watching.sees(pod(container(last_end())))
    if gone == "without a limit":
        watching.sees(pod(container(limit=None, running_since=ago(9 * 3600))))
    if gone == "in no list":
        watching.listed(set())
    if gone == "deleted":
        watching.loses(pod(container(), other()))

    assert watching.nears([gauge(0.97)], NOW) == []


# --- projections ---------------------------------------------------------------------------------------------------


def climb(per_hour: float, now: float = 0.6, *, hours: float = 3, container_id: str | None = RUNNING_ID) -> Climb:
    """A straight climb (in shares of the limit) to this share, a sample a minute."""
    samples = tuple(
        Sample(at=NOW - timedelta(minutes=minute), value=round((now - per_hour * minute / 60) * LIMIT))
        for minute in range(round(hours * 60), -1, -1)
    )
    return Climb(now=gauge(now, container_id), working_set=samples, rss=())


def later(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def test_a_steady_climb_that_reaches_the_limit_within_hours_is_said_with_the_time_left() -> None:
    (warned,) = lookout().climbs([climb(0.1, 0.7)], NOW)

    assert warned.mark is Mark.PROJECTED
    assert warned.least_seconds == pytest.approx(3 * 3600, rel=0.02)
    assert warned.most_seconds == pytest.approx(3 * 3600, rel=0.02)
    assert warned.growth_bytes_per_hour == pytest.approx(0.1 * LIMIT, rel=0.02)


@pytest.mark.parametrize(
    "what",
    [
        climb(0.1, 0.5),  # five hours away
        climb(0.0, 0.9),
        climb(-0.1, 0.5),
        climb(0.5, 0.6, hours=0.5),  # too short to be more than a start
        climb(0.1, 1.01),  # there already
        climb(0.1, 0.7, container_id=EARLIER),
    ],
)
def test_what_does_not_reach_it_soon_or_surely_is_not_said(what: Climb) -> None:
    assert lookout().climbs([what], NOW) == []


def test_a_warm_up_that_levels_off_is_no_projection() -> None:
    samples = tuple(
        Sample(at=NOW - timedelta(minutes=180 - minute), value=round((0.8 - 0.7 * 0.97**minute) * LIMIT))
        for minute in range(181)
    )

    assert lookout().climbs([Climb(now=gauge(0.8), working_set=samples, rss=())], NOW) == []


def test_a_projection_is_said_once_while_it_holds_and_again_when_it_had_been_forgotten() -> None:
    watching, hour = lookout(), FORGOTTEN_AFTER / timedelta(hours=1)

    said = [watching.climbs([climb(0.1, 0.7)], later(at)) for at in (0, 0.5 * hour, 1.2 * hour, 2.5 * hour)]

    assert [len(found) for found in said] == [1, 0, 0, 1]
