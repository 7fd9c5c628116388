"""The right size where little is known: no samples, one, a short time, wide steps, an engine's numbers alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_oom.evidence import (
    Band,
    MemoryNow,
    Spread,
)
from kubectl_oom.judge.rounding import clean_size
from tests.pasts import MI, UNTIL, ago, history, kill, life, limit_of, size


def test_nothing_known_gives_no_number_at_all() -> None:
    answer = size(history())

    assert answer.recommended is None
    assert answer.floor_bytes is None
    assert answer.alternatives == {}
    assert answer.rationale == (
        "No sample of its memory was found.",
        "Nothing is known that a size could be made from, so none is recommended.",
    )


def test_one_sample_gives_a_cautious_size_and_never_a_lower_limit() -> None:
    one = history(life(100, since=0.0))

    assert limit_of(size(one)) == clean_size(100 * MI * 1.1 * 1.45) / MI
    assert limit_of(size(replace(one, limit_bytes=512 * MI))) == 512
    assert size(one).confidence is Band.LOW


def test_live_usage_alone_gives_a_size() -> None:
    now = MemoryNow(source="kubelet", container_id=None, at=UNTIL, working_set_bytes=100 * MI, usage_bytes=110 * MI)

    assert limit_of(size(history(), live=[now])) == clean_size(100 * MI * 1.1 * 1.45) / MI


@pytest.mark.parametrize(("files", "counts"), [(5, True), (90, False)])
def test_the_kernels_high_water_mark_counts_where_little_of_it_can_be_file_cache(files: int, *, counts: bool) -> None:
    now = MemoryNow(
        source="kubelet",
        container_id=None,
        at=UNTIL,
        working_set_bytes=100 * MI,
        usage_bytes=110 * MI,
        cache_bytes=files * MI,
        peak_bytes=400 * MI,
    )
    answer = size(history(life(100)), live=[now])

    assert (limit_of(answer) >= 440) is counts


def test_pods_without_a_sample_are_not_told_to_have_given_some() -> None:
    answer = size(replace(history(life(100)), pods=("api-1", "api-that-is-pending")))

    assert answer.rationale[0].startswith("10081 samples of one pod over 7 days")


def test_less_history_than_asked_for_is_said_and_gets_more_room() -> None:
    short, whole = size(history(life(400, since=10))), size(history(life(400)))

    assert "Asked for 7 days, and only 10 h of them have samples." in short.rationale
    assert limit_of(short) > limit_of(whole)
    assert (short.confidence, whole.confidence) == (Band.LOW, Band.HIGH)


def test_wide_steps_of_samples_are_said() -> None:
    answer = size(history(life(400, every=600), stepped=600.0))

    assert any("highest sample of each 10 min" in sentence for sentence in answer.rationale)


def test_numbers_of_an_engine_without_the_samples_are_enough_for_a_size() -> None:
    spread = Spread(
        samples=20000,
        mean_bytes=100 * MI,
        p50_bytes=100 * MI,
        p95_bytes=150 * MI,
        p99_bytes=180 * MI,
        max_sampled_bytes=200 * MI,
    )
    answer = size(history(spread=spread))

    assert limit_of(answer) >= 200 * 1.1
    assert answer.confidence is not Band.HIGH


def test_numbers_alone_tell_on_how_many_days_it_was_killed() -> None:
    spread = Spread(samples=20160, mean_bytes=0, p50_bytes=0, p95_bytes=0, p99_bytes=0, max_sampled_bytes=500 * MI)
    once = replace(history(spread=spread, kills=[kill(20, 512)]), pods=("api-1", "api-2"), interval_seconds=60.0)

    assert limit_of(size(once)) == clean_size(512 * (1.25 + 0.75 / 14) * MI) / MI


def test_runs_seen_once_get_what_the_samples_between_can_hide() -> None:
    wide, fine = history(life(400, since=0.5, every=60)), history(life(400, since=0.5, every=5))
    wide, fine = (replace(one, since=ago(200)) for one in (wide, fine))
    runs = tuple(life(400, since=24 * n, to=24 * n - 0.2, pod=f"run-{n}") for n in range(1, 8))

    assert limit_of(size(wide)) >= limit_of(size(fine))
    assert limit_of(size(history(*runs, kind="CronJob"))) < limit_of(size(wide))
