"""Kills of the past, joined from every source that tells of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

from kubectl_oom.evidence import (
    Confidence,
    ContainerType,
    ContainerWindow,
    Diagnosis,
    Kill,
    Life,
    MemoryHistory,
    MemoryWindow,
    PastKill,
    Sample,
    Verdict,
)
from kubectl_oom.judge.counted import increases
from kubectl_oom.judge.kills import kills_of, past_verdict
from kubectl_oom.judge.past import Past

T0 = datetime(2026, 5, 1, 3, 0, tzinfo=timezone.utc)
MI = 1 << 20


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def diagnosis(verdict: Verdict = Verdict.CONTAINER_LIMIT, at: datetime | None = T0) -> Diagnosis:
    return Diagnosis(
        namespace="shop",
        pod="api-1",
        node="worker-1",
        container="app",
        container_type=ContainerType.APP,
        workload=None,
        verdict=verdict,
        confidence=Confidence.LIKELY,
        because="",
        killed_at=at,
        started_at=None,
        restarted_at=None,
        ready_again_at=None,
        exit_code=137,
        reason="OOMKilled",
        restart_count=1,
        limit_bytes=64 * MI,
        limit_known=True,
        request_bytes=None,
        last_sample=None,
        run_up=None,
        serving=None,
        evidence=(),
        findings=(),
    )


def remembered(at: datetime, *, pod: str = "api-1", exact: bool = True, exit_code: int | None = 137) -> PastKill:
    return PastKill(pod=pod, container="app", at=at, exact=exact, exit_code=exit_code, source="ksm")


def life(pod: str, values: dict[float, int], *, counted: dict[float, int] | None = None, limit: int = 64) -> Life:
    return Life(
        pod=pod,
        container="app",
        container_id=None,
        working_set=tuple(Sample(at=after(at), value=value * MI) for at, value in values.items()),
        usage=tuple(Sample(at=after(at), value=value * MI) for at, value in values.items()),
        limit=tuple(Sample(at=after(at), value=limit * MI) for at in values),
        oom_events=tuple(Sample(at=after(at), value=value) for at, value in (counted or {}).items()),
    )


def window(*kills: PastKill) -> MemoryWindow:
    numbers = ContainerWindow(
        pod="gone-1",
        container="app",
        working_set=None,
        usage=None,
        limit_bytes=128 * MI,
        lowest_limit_bytes=128 * MI,
        restarts=None,
        oom_events=None,
        node="worker-2",
        image="shop/api:7",
    )
    return MemoryWindow(
        source="Prometheus", since=T0, until=after(3600), containers=(numbers,), kills=kills, kills_known=True
    )


def past(
    *diagnoses: Diagnosis,
    kills: tuple[PastKill, ...] = (),
    lives: tuple[Life, ...] = (),
    alive: tuple[str, ...] = ("api-1",),
) -> tuple[Kill, ...]:
    history = MemoryHistory(source="Prometheus", since=T0, until=after(3600), lives=lives)
    return kills_of(
        Past(namespace="shop", diagnoses=diagnoses, window=window(*kills), history=history, alive=frozenset(alive))
    )


def test_one_kill_told_by_status_and_by_kube_state_metrics_is_one_kill_with_two_sources() -> None:
    (kill,) = past(diagnosis(), kills=(remembered(after(1)),))

    assert kill.at == T0
    assert kill.sources == ("pod status", "ksm")


def test_exact_times_three_seconds_apart_are_two_kills() -> None:
    kills = past(diagnosis(), kills=(remembered(after(3)),))

    assert [kill.at for kill in kills] == [after(3), T0]


def test_a_kill_first_seen_by_a_scrape_is_the_one_of_a_minute_before() -> None:
    (kill,) = past(diagnosis(), kills=(remembered(after(60), exact=False),))

    assert kill.exact


def test_a_kill_of_a_pod_that_is_gone_carries_what_the_engine_remembers() -> None:
    (kill,) = past(
        kills=(remembered(after(100), pod="gone-1"),), lives=(life("gone-1", {0: 20, 30: 40, 60: 62}, limit=64),)
    )

    assert kill.pod_gone
    assert (kill.node, kill.image) == ("worker-2", "shop/api:7")
    assert (kill.limit_bytes, kill.highest_sampled_bytes) == (64 * MI, 62 * MI)
    assert (kill.verdict, kill.confidence) == (Verdict.CONTAINER_LIMIT, Confidence.LIKELY)


def test_a_probe_kill_in_the_status_is_no_oom_kill_of_the_history() -> None:
    assert past(diagnosis(Verdict.PROBE_KILL)) == ()


def test_a_kill_that_the_engine_remembers_and_the_api_shows_to_be_a_probes_is_none() -> None:
    probed = diagnosis(Verdict.PROBE_KILL)
    unmarked = replace(probed, reason="Error")

    assert past(probed, kills=(remembered(after(1)),)) == ()
    assert past(probed, kills=(remembered(after(60), exact=False),)) == ()
    assert [kill.at for kill in past(probed, kills=(remembered(after(3)),))] == [after(3)]  # another one
    assert len(past(unmarked, kills=(remembered(after(1)),))) == 1  # what is remembered carried the mark


def test_a_counter_that_rises_with_a_known_kill_is_that_kill() -> None:
    (kill,) = past(diagnosis(at=after(62)), lives=(life("api-1", {0: 20, 60: 60}, counted={0: 0, 70: 1}),))

    assert kill.verdict is Verdict.CONTAINER_LIMIT


def test_a_counter_that_rises_far_from_any_kill_is_that_many_killed_children() -> None:
    kills = past(lives=(life("api-1", {0: 20, 600: 60}, counted={0: 0, 300: 2, 600: 3}),))

    assert [(kill.verdict, kill.at, kill.exact) for kill in kills] == [
        (Verdict.CHILD_KILLED, after(600), False),
        (Verdict.CHILD_KILLED, after(300), False),
        (Verdict.CHILD_KILLED, after(300), False),
    ]


def test_a_counter_first_seen_above_zero_has_risen_before_the_first_scrape() -> None:
    assert increases(life("api-1", {}, counted={10: 2, 20: 2})) == [(after(10), 2)]


def test_a_counter_that_falls_is_another_instance_and_no_kill() -> None:
    assert increases(life("api-1", {}, counted={10: 0, 20: 3, 30: 0})) == [(after(20), 3)]


def test_what_a_counter_held_when_the_samples_began_may_be_of_long_ago_and_is_no_kill_of_the_window() -> None:
    old = life("api-1", {0: 20, 30: 20, 600: 20}, counted={0: 2, 30: 2, 600: 3})
    late = life("gone-1", {90: 20, 120: 20}, counted={90: 1, 120: 1})

    kills = past(lives=(old, late))

    assert [(kill.pod, kill.at) for kill in kills] == [("api-1", after(600)), ("gone-1", after(90))]


def test_samples_that_begin_later_than_the_window_know_nothing_of_the_time_before_them() -> None:
    kills = past(
        lives=tuple(life(name, {1800: 20, 1830: 20}, counted={1800: 4, 1830: 4}) for name in ("api-1", "gone-1"))
    )

    assert kills == ()


def test_an_instance_that_the_api_server_saw_begin_within_the_window_lost_its_children_within_it() -> None:
    young = replace(life("api-1", {30: 20}, counted={30: 2}), container_id="a" * 64)
    history = MemoryHistory(source="Prometheus", since=T0, until=after(3600), lives=(young,))

    def counted_in(started: datetime) -> int:
        starts = {"a" * 64: started}
        about = Past(
            namespace="shop", diagnoses=(), window=None, history=history, alive=frozenset({"api-1"}), starts=starts
        )
        return len(kills_of(about))

    assert (counted_in(after(10)), counted_in(after(-10))) == (2, 0)


def test_samples_of_the_next_life_are_not_those_of_the_kill() -> None:
    (kill,) = past(kills=(remembered(after(100), pod="gone-1"),), lives=(life("gone-1", {0: 20, 90: 40, 4000: 63}),))

    assert kill.highest_sampled_bytes is None


def test_what_remains_of_an_old_kill_supports_no_more_than_it_says() -> None:
    assert past_verdict(0, 64 * MI, 64 * MI) == (Verdict.CHILD_KILLED, Confidence.CERTAIN)
    assert past_verdict(137, None, 64 * MI) == (Verdict.OOM_SCOPE_UNKNOWN, Confidence.CERTAIN)
    assert past_verdict(137, 100, 95) == (Verdict.CONTAINER_LIMIT, Confidence.LIKELY)
    assert past_verdict(137, 100, 94) == (Verdict.CONTAINER_LIMIT, Confidence.POSSIBLE)
    assert past_verdict(None, 100, None) == (Verdict.CONTAINER_LIMIT, Confidence.POSSIBLE)


def test_kills_come_newest_first_whatever_told_of_them() -> None:
    kills = past(
        diagnosis(at=after(500)), kills=(remembered(after(900), pod="gone-1"), remembered(after(100), pod="gone-1"))
    )

    assert [kill.at for kill in kills] == [after(900), after(500), after(100)]


def test_a_diagnosis_without_a_time_of_death_is_left_to_the_counter() -> None:
    assert past(replace(diagnosis(Verdict.CHILD_KILLED), killed_at=None)) == ()


# --- the limit at the kill -------------------------------------------------------------------------------------------


def resized(*limits: tuple[float, int]) -> Life:
    """A life of the diagnosed pod, with the limits (in Mi) that were seen at these seconds."""
    one = life("api-1", {-60: 40, 0: 50, 60: 30})
    return replace(one, limit=tuple(Sample(at=after(at), value=limit * MI) for at, limit in limits))


def test_a_limit_that_was_changed_since_is_the_one_that_was_seen_before_the_kill() -> None:
    unknown = replace(diagnosis(), limit_bytes=None, limit_known=False)

    (kill,) = past(unknown, lives=(resized((-60, 64), (60, 256)),))
    (open_kill,) = past(unknown, lives=(resized((60, 256)),))

    assert kill.limit_bytes == 64 * MI
    assert open_kill.limit_bytes is None


def test_the_last_limit_of_a_window_is_not_that_of_the_kill_where_it_was_another_before() -> None:
    told = remembered(after(100), pod="gone-1")
    numbers = window(told)
    changed = replace(numbers, containers=tuple(replace(row, lowest_limit_bytes=64 * MI) for row in numbers.containers))

    def limit_in(seen: MemoryWindow) -> int | None:
        (kill,) = kills_of(Past(namespace="shop", diagnoses=(), window=seen, history=None, alive=frozenset()))
        return kill.limit_bytes

    assert (limit_in(numbers), limit_in(changed)) == (128 * MI, None)


def test_a_counter_that_jumps_by_a_billion_counts_no_kills() -> None:
    assert increases(life("api-1", {0: 10, 60: 20}, counted={0: 0, 60: 10**9})) == []


def test_a_child_was_killed_under_the_limit_of_that_time_whatever_the_container_was_resized_to_since() -> None:
    """It lives on, and a larger limit is what a kill is followed by: else each fix would ask for a larger one."""
    counted = tuple(Sample(at=after(at), value=count) for at, count in ((-60, 0), (0, 2), (60, 2)))

    def limits_of(*limits: tuple[float, int]) -> set[int | None]:
        return {kill.limit_bytes for kill in past(lives=(replace(resized(*limits), oom_events=counted),))}

    assert limits_of((-60, 64), (0, 64), (60, 256)) == {64 * MI}
    assert limits_of((-60, 64), (-1, 256), (60, 256)) == {None}  # before the resize, or after it
    assert limits_of((60, 64)) == {64 * MI}  # there was no other
    assert limits_of() == {None}
