"""Kills a week before and after: a replay of what was seen, and what it cannot say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.evidence import Confidence, Kill, Pattern, Sizes, Verdict
from kubectl_oom.judge.expected import expected_kills, kills_of_image
from tests.pasts import MI, WEEK, history, kill, life, size

if TYPE_CHECKING:
    from kubectl_oom.evidence import ContainerHistory, ExpectedKills


def expected(past: ContainerHistory, limit: int | None = None, **changes: Any) -> ExpectedKills:
    """Of the recommended size, or of another limit in Mi."""
    made = replace(size(past), **changes)
    wanted = made.recommended if limit is None else Sizes(request_bytes=limit * MI, limit_bytes=limit * MI)
    found = expected_kills(past, made, wanted)
    assert found is not None
    return found


def rates(found: ExpectedKills) -> tuple[float | None, float | None]:
    return found.before, found.after


def test_kills_at_the_limit_of_today_are_not_passed_under_a_larger_one() -> None:
    found = expected(history(life(300), kills=[kill(20, 512), kill(60, 512)], limit=512))

    assert rates(found) == (2.0, 0.0)
    assert found.detail == (
        "Replayed under 768Mi, the 7 days that were seen have no kill instead of 2 kills under the 512Mi of today; "
        "how far above its limit it would have gone at a kill, no replay knows."
    )


def test_kills_at_limits_below_that_of_today_are_not_held_against_today() -> None:
    found = expected(history(life(300), kills=[kill(100, 256), kill(60, 512)], limit=512))

    assert found.before == 1.0


def test_a_limit_that_was_taken_away_is_not_one_that_kills() -> None:
    found = expected(history(life(300), kills=[kill(60, 512)], limit=None))

    assert rates(found) == (0.0, 0.0)
    assert "the 7 days that were seen have no kill; how far above its limit" in found.detail


def test_samples_above_a_limit_are_kills_no_more_often_than_the_back_off_lets_it_start() -> None:
    high = history(life(lambda hours: 600 if 50 < hours < 51 else 300), limit=1024)
    found = expected(high, 512)

    assert found.after == pytest.approx(12, abs=1)  # an hour, every five minutes
    assert rates(expected(high)) == (0.0, 0.0)


def test_a_kill_right_at_a_sample_above_the_limit_is_one_kill() -> None:
    spike = life(lambda hours: 600 if 50 < hours < 50.02 else 300, every=60)
    found = expected(history(spike, kills=[kill(50, 512)], limit=512))

    assert found.before == 1.0


def test_a_kill_at_a_limit_that_nothing_recorded_leaves_the_new_one_open() -> None:
    found = expected(history(life(300), kills=[kill(20, None)], limit=512))

    assert rates(found) == (1.0, None)
    assert found.detail.startswith("OOM-killed once at a limit that nothing recorded: how often under ")


@pytest.mark.parametrize("verdict", [Verdict.NODE, Verdict.POD_LIMIT])
def test_kills_by_the_node_or_the_pods_limit_are_none_of_this_limits(verdict: Verdict) -> None:
    assert rates(expected(history(life(300), kills=[kill(20, 512, verdict=verdict)], limit=512))) == (0.0, 0.0)


def test_less_than_a_day_is_no_rate() -> None:
    found = expected(history(life(300, since=5), kills=[kill(2, 512)], limit=512))

    assert rates(found) == (None, None)
    assert found.detail == "Less than a day was seen: how often it is killed in a week cannot be told."


def test_kills_from_before_the_first_sample_are_spread_over_their_own_time_too() -> None:
    found = expected(history(life(300, since=WEEK / 2), kills=[kill(160, 512), kill(20, 512)], limit=512))

    assert found.before == pytest.approx(2 * 168 / 160)


def test_without_a_limit_there_is_nothing_to_replay() -> None:
    past = history(life(300))

    assert expected_kills(past, size(past), None) is None
    assert expected_kills(past, size(past), Sizes(request_bytes=MI, limit_bytes=None)) is None


# --- what grows ------------------------------------------------------------------------------------------------------


def leak(*kills: Kill, limit: float = 256) -> ContainerHistory:
    """A Mi an hour, from 100Mi, in two lives of one pod."""
    lives = [life(lambda hours: 100 + 168 - hours, to=85), life(lambda hours: 100 + 84 - hours, since=84)]
    sure = {"pattern": Pattern.LEAK, "confidence": Confidence.LIKELY, "growth": 1.0}
    return history(*lives, kills=kills, limit=limit, **sure)  # type: ignore[arg-type]  # the test's words


def test_a_leak_fills_every_limit_and_never_more_often_than_a_smaller_one() -> None:
    killed, spared = expected(leak(kill(84, 256))), expected(leak())

    for found in (killed, spared):
        assert found.before is not None and found.after is not None
        assert 0 < found.after < found.before
    assert killed.before == 1.0
    assert spared.before == pytest.approx(168 / (256 - 102), rel=0.05)  # led on: it was not full so far
    assert killed.detail.startswith("A leak fills 352Mi in 10 days from each start: about 0.7 kills a week, 1.0 kills")


def test_growth_that_takes_longer_than_a_week_is_no_kill_of_the_next_one() -> None:
    past = history(life(lambda hours: 1000 - hours), limit=2048)
    found = expected(past)

    assert rates(found) == (0.0, 0.0)
    assert found.detail.startswith("At the rate it grows, ")
    assert found.detail.endswith("from now: not within a week.")


def test_growth_that_is_there_within_a_week_is_left_open() -> None:
    past = history(life(100), pattern=Pattern.GROWTH, confidence=Confidence.LIKELY, growth=2.0, limit=128)
    found = expected(past)

    assert found.after is None
    assert found.detail.endswith("how often it is killed then cannot be told.")


def test_of_an_offer_below_the_size_the_time_is_its_own() -> None:
    whole, less = expected(leak(kill(84, 256))), expected(leak(kill(84, 256)), 288)

    assert whole.after is not None and less.after is not None
    assert whole.after < less.after <= 1.0


# --- images ----------------------------------------------------------------------------------------------------------


def test_kills_of_another_image_are_left_out_and_those_of_an_unknown_one_are_not() -> None:
    old, new, unknown = (replace(kill(20, 512), image=image) for image in ("api:1", "api:2", None))

    assert kills_of_image([old, new, unknown], "api:2") == (new, unknown)
    assert kills_of_image([old, new, unknown], None) == (old, new, unknown)
