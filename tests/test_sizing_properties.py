"""What holds for every size, whatever the past."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubectl_oom.evidence import (
    Confidence,
    ContainerHistory,
    Life,
    Pattern,
    Sample,
    Verdict,
)
from kubectl_oom.judge.rounding import clean_size
from kubectl_oom.judge.seen import seen
from kubectl_oom.judge.sizing import BALANCED, PROFILES, estimate_of
from tests.pasts import MI, UNTIL, ago, history, kill, limit_of, size

# --- properties ------------------------------------------------------------------------------------------------------

levels = st.integers(8, 4096)
profiles = st.sampled_from(sorted(PROFILES))


@st.composite
def pasts(draw: st.DrawFn) -> ContainerHistory:
    """Any history: some lives of some pods, kills with and without limits, of any verdict that speaks of the limit."""
    lives = []
    for pod in draw(st.lists(st.sampled_from(["api-1", "api-2"]), max_size=3)):
        values, since = draw(st.lists(levels, min_size=1, max_size=30)), draw(st.floats(4, 300))
        every = draw(st.sampled_from([15, 60, 300, 7200]))
        points = tuple(
            Sample(at=ago(since) + timedelta(seconds=n * every), value=value * MI) for n, value in enumerate(values)
        )
        lives.append(Life(pod=pod, container="app", container_id=None, working_set=points))
    kills = [
        kill(hours, limit, verdict=verdict)
        for hours, limit, verdict in draw(
            st.lists(
                st.tuples(
                    st.floats(0, 200),
                    st.none() | levels,
                    st.sampled_from([Verdict.CONTAINER_LIMIT, Verdict.CHILD_KILLED, Verdict.START_OOM]),
                ),
                max_size=5,
            )
        )
    ]
    return history(
        *lives,
        kills=kills,
        limit=draw(st.none() | levels),
        request=draw(st.none() | levels),
        pattern=draw(st.sampled_from(list(Pattern))),
        confidence=draw(st.none() | st.sampled_from(list(Confidence))),
        growth=draw(st.none() | st.floats(0.01, 100)),
    )


def has_size(past: ContainerHistory) -> bool:
    return bool(past.lives) or any(one.limit_bytes for one in past.kills)


@given(pasts(), profiles, st.none() | st.floats(0, 2))
def test_no_answer_is_at_or_below_a_limit_that_killed_or_the_highest_sample(
    past: ContainerHistory, profile: str, headroom: float | None
) -> None:
    answer = size(past, profile=PROFILES[profile], headroom=headroom)
    known = [s.value for one in past.lives for s in one.working_set] + [k.limit_bytes or 0 for k in past.kills]

    assert (answer.recommended is not None) is has_size(past)
    if answer.recommended is not None:
        assert limit_of(answer) * MI >= 1.05 * max(known) - 1


@given(pasts(), profiles)
def test_the_request_is_at_most_the_limit_and_at_least_half_of_it(past: ContainerHistory, profile: str) -> None:
    sizes = size(past, profile=PROFILES[profile]).recommended

    if sizes is not None:
        assert sizes.request_bytes is not None
        assert sizes.limit_bytes is not None
        assert sizes.request_bytes <= sizes.limit_bytes <= 2 * sizes.request_bytes


@given(pasts(), profiles, st.lists(st.tuples(st.floats(0, 200), levels), min_size=1, max_size=4))
def test_more_kills_never_shrink_the_size(
    past: ContainerHistory, profile: str, more: list[tuple[float, float]]
) -> None:
    before = size(past, profile=PROFILES[profile])
    worse = replace(past, kills=(*past.kills, *(kill(hours, limit) for hours, limit in more)))
    after = size(worse, profile=PROFILES[profile])

    if before.recommended is not None:
        assert limit_of(after) >= limit_of(before)


@given(pasts(), profiles)
def test_applying_the_size_and_asking_again_changes_nothing(past: ContainerHistory, profile: str) -> None:
    once = size(past, profile=PROFILES[profile])

    if once.recommended is not None:
        applied = replace(past, limit_bytes=once.recommended.limit_bytes, request_bytes=once.recommended.request_bytes)
        assert size(applied, profile=PROFILES[profile]).recommended == once.recommended


@given(pasts(), profiles, st.sampled_from([2, 3, 8]))
def test_scaling_all_samples_and_limits_scales_the_size(past: ContainerHistory, profile: str, factor: int) -> None:
    def times(sample: Sample) -> Sample:
        return Sample(at=sample.at, value=sample.value * factor)

    scaled = replace(
        past,
        lives=tuple(replace(one, working_set=tuple(map(times, one.working_set))) for one in past.lives),
        kills=tuple(replace(one, limit_bytes=one.limit_bytes and one.limit_bytes * factor) for one in past.kills),
        growth_bytes_per_hour=past.growth_bytes_per_hour and past.growth_bytes_per_hour * factor,
    )
    small, large = (
        estimate_of(one, seen(one, one.kills, until=UNTIL), PROFILES[profile]).bytes for one in (past, scaled)
    )

    assert (small is None) is (large is None)
    if small is not None:
        assert large == pytest.approx(small * factor, abs=4 * factor)


@given(st.integers(1, 1 << 45), st.integers(1, 1 << 45))
def test_rounding_goes_up_by_an_eighth_at_most_and_keeps_the_order(one: int, other: int) -> None:
    assert one <= clean_size(one) <= max(one * 1.125, one + 4 * MI)
    assert clean_size(clean_size(one)) == clean_size(one)
    assert (clean_size(one) <= clean_size(other)) or one > other


@given(pasts())
@settings(max_examples=50)
def test_every_sentence_is_whole_and_nothing_is_a_peak(past: ContainerHistory) -> None:
    answer = size(past)

    assert all(re.fullmatch(r"[A-Z0-9].*\.", sentence) for sentence in answer.rationale)
    assert answer.profile == BALANCED.name
