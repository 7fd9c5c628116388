"""What a watch knows: every end is told once, however its pod is shown, and what nobody saw is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import EndSeen, EndsMissed, StuckSeen
from kubectl_oom.judge.ledger import CLOCKS_APART, GONE_REMEMBERED, Ledger
from tests.build import ago, container, end, last_end, other, pod, waiting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import Pod, Sighting, Termination

BEGAN = ago(1000)


def begun(*pods: Pod, since: float = 0, name: str | None = None) -> Ledger:
    """A ledger that has seen these pods when it began."""
    ledger = Ledger(BEGAN, since=timedelta(seconds=since), container=name)
    for each in pods:
        ledger.sees(each, BEGAN)
    ledger.listed({each.identity for each in pods})
    return ledger


def ends_of(found: Sequence[Sighting]) -> list[Termination]:
    return [one.end for one in found if isinstance(one, EndSeen)]


def restarted(*ends: Termination, restarts: int = 1, **changes: object) -> Pod:
    return pod(container(*ends, restart_count=restarts), **changes)


# --- one end, told once --------------------------------------------------------------------------------------------


def test_an_end_is_told_when_it_is_reported_and_not_again_when_the_container_has_started_again() -> None:
    ledger = begun(pod(container()))

    first = ledger.sees(pod(container(last_end())), ago(299))
    later = ledger.sees(pod(waiting(end(), restart_count=0)), ago(298))
    again = ledger.sees(restarted(end()), ago(290))

    assert [one.exit_code for one in ends_of(first)] == [137]
    assert (later, again) == ([], [])


def test_what_ended_before_the_watch_began_is_not_told() -> None:
    ledger = Ledger(BEGAN)
    old = restarted(end(killed=1001))

    assert ledger.sees(old, BEGAN) == []
    ledger.listed({old.identity})
    assert ledger.sees(old, ago(500)) == []


def test_with_since_it_is_told_as_far_back_as_asked() -> None:
    ledger = Ledger(BEGAN, since=timedelta(seconds=60))
    recent, old = end(killed=1050), end(killed=1100, container_id="0" * 64)

    assert ends_of(ledger.sees(restarted(recent, old, restarts=2), BEGAN)) == [recent]


def test_an_end_of_the_first_seconds_of_the_watch_is_told_although_the_list_shows_it() -> None:
    ledger = Ledger(BEGAN)
    mine = end(killed=999)

    assert ends_of(ledger.sees(restarted(mine), BEGAN)) == [mine]


def test_the_two_ends_of_one_object_are_told_oldest_first() -> None:
    ledger = begun(pod(container()))
    newer, older = last_end(killed=100), end(killed=200, container_id="0" * 64)

    assert ends_of(ledger.sees(pod(container(newer, older)), ago(99))) == [older, newer]


def test_a_pod_of_the_same_name_is_another_pod() -> None:
    ledger = begun(restarted(end()))
    fresh = end(killed=10)

    assert ends_of(ledger.sees(restarted(fresh, uid="another"), ago(9))) == [fresh]


def test_the_end_that_only_the_deletion_shows_is_told() -> None:
    ledger = begun(pod(container()))
    last = last_end()

    assert ends_of(ledger.goes(pod(container(last)), ago(1))) == [last]


def test_a_pod_that_is_gone_and_is_shown_again_by_a_belated_answer_tells_nothing_twice() -> None:
    ledger = begun(pod(container()))
    killed = pod(container(last_end()))
    ledger.goes(killed, ago(10))

    assert ledger.sees(killed, ago(9)) == []
    ledger.listed(set())
    assert ledger.sees(killed, ago(8)) == []


def test_only_so_many_pods_that_are_gone_are_remembered() -> None:
    ledger = begun()
    for number in range(GONE_REMEMBERED + 5):
        ledger.goes(pod(container(), uid=f"{number}"), ago(10))

    assert len(ledger._gone) == GONE_REMEMBERED


def test_only_the_container_that_was_asked_for_is_looked_at() -> None:
    ledger = begun(pod(container(), other()), name="steady")

    found = ledger.sees(pod(container(last_end()), other("steady", None, last_end())), ago(299))

    assert [one.container.name for one in found if isinstance(one, EndSeen)] == ["steady"]


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        (last_end(), True),
        (last_end("Error", 137), True),  # the runtime may have lost its word
        (last_end("OOMKilled", 0), True),  # a child
        (last_end("StartError", 128, message="container init was OOM-killed (memory limit too low?)"), True),
        (last_end("Error", 1), False),
        (last_end("Completed", 0), False),
        (last_end("StartError", 128, message="exec: not found"), False),
    ],
)
def test_only_what_may_be_an_oom_kill_is_told(ended: Termination, told: bool) -> None:  # noqa: FBT001 - a table
    ledger = begun(pod(container()))

    assert bool(ledger.sees(pod(container(ended)), ago(299))) is told


def test_ends_without_an_id_are_told_apart_by_their_time_and_without_that_by_their_number() -> None:
    ledger = begun(pod(container()))
    nameless = [end(killed=killed, container_id=None) for killed in (300, 200)]
    timeless = end(container_id=None, finished_at=None)

    assert ends_of(ledger.sees(restarted(nameless[0]), ago(299))) == [nameless[0]]
    assert ends_of(ledger.sees(restarted(nameless[1], nameless[0], restarts=2), ago(199))) == [nameless[1]]
    assert ends_of(ledger.sees(restarted(timeless, restarts=3), ago(99))) == [timeless]
    assert ends_of(ledger.sees(restarted(timeless, restarts=3), ago(98))) == []
    assert ends_of(ledger.sees(restarted(timeless, restarts=4), ago(97))) == [timeless]


# --- pods that turn up later ---------------------------------------------------------------------------------------


def test_a_pod_that_only_now_fits_the_selection_tells_no_old_kill() -> None:
    ledger = begun()
    old = end(killed=1000 + CLOCKS_APART.total_seconds() + 1)

    assert ledger.sees(restarted(old), ago(10)) == []


def test_the_kill_of_a_new_pod_is_told_although_its_nodes_clock_is_behind() -> None:
    ledger = begun()
    behind = end(killed=1000 + CLOCKS_APART.total_seconds() - 1)

    assert ends_of(ledger.sees(restarted(behind), ago(10))) == [behind]


# --- what nobody saw -----------------------------------------------------------------------------------------------


def test_restarts_that_nobody_saw_are_counted() -> None:
    ledger = begun(pod(container()))
    ledger.sees(restarted(end(), restarts=1), ago(250))

    (missed, seen) = ledger.sees(
        pod(waiting(end(killed=20, container_id="4" * 64), restart_count=4, name="app")), ago(10)
    )

    assert isinstance(missed, EndsMissed)
    assert (missed.ends, missed.since) == (3, ago(250))  # instances 1, 2 and 3 of 0 to 4
    assert isinstance(seen, EndSeen)


def test_of_a_pod_that_was_born_and_killed_between_two_looks_the_ends_that_are_not_shown_are_counted() -> None:
    ledger = begun()
    newborn = restarted(end(killed=20), restarts=3, created_at=ago(500))

    missed, seen = ledger.sees(newborn, ago(10))

    assert isinstance(missed, EndsMissed)
    assert isinstance(seen, EndSeen)
    assert (missed.ends, missed.since) == (2, None)


def test_restarts_of_a_container_that_never_was_oom_killed_are_not_missed() -> None:
    ledger = begun(pod(container()))

    assert ledger.sees(restarted(end("Completed", 0), restarts=9), ago(10)) == []


def test_restarts_from_before_the_watch_are_not_missed() -> None:
    ledger = begun(restarted(end(killed=2000), restarts=7))

    assert ledger.sees(restarted(end(killed=2000), restarts=7, phase="Failed"), ago(10)) == []


# --- containers that cannot start ----------------------------------------------------------------------------------

TOO_SMALL = (
    "failed to create shim task: OCI runtime create failed: container init was OOM-killed (memory limit too low?)"
)


def test_a_container_that_cannot_start_for_lack_of_memory_is_told_once_until_it_runs() -> None:
    ledger = begun(pod(waiting(reason="ContainerCreating")))
    stuck, between = (
        pod(waiting(reason="CreateContainerError", message=TOO_SMALL)),
        pod(waiting(message="back-off 10s")),
    )

    told = [ledger.sees(each, ago(10)) for each in (stuck, stuck, between, stuck, pod(container()), stuck)]

    assert [[type(one) for one in found] for found in told] == [[StuckSeen], [], [], [], [], [StuckSeen]]


# --- any order -----------------------------------------------------------------------------------------------------


def _lives(kills: int) -> list[Pod]:
    """All that the API shows of a container that is killed so often: it runs, it has ended, it waits, it runs …"""
    ends = [
        end(killed=900 - 20 * number, container_id=f"{number:064x}") for number in range(kills)
    ]  # one for every instance
    shown = [pod(container())]
    for number, last in enumerate(ends):
        before = ends[number - 1 : number]
        shown += [
            pod(container(replace(last, is_current=True), *before, restart_count=number)),
            pod(waiting(last, restart_count=number)),
            pod(container(last, restart_count=number + 1)),
        ]
    return shown


@given(st.data())
def test_however_pods_are_shown_each_kill_that_is_shown_is_told_exactly_once(data: st.DataObject) -> None:
    shown = [
        replace(each, uid=uid) for uid in ("a", "b") for each in _lives(data.draw(st.integers(0, 4), label="kills"))
    ]
    steps = data.draw(st.lists(st.sampled_from(["sees", "goes", "listed", "listed without it"]), max_size=40))
    ledger = begun(*(replace(pod(container()), uid=uid) for uid in ("a", "b")))

    told: list[tuple[str | None, str | None]] = []
    visible: set[tuple[str | None, str | None]] = set()
    for step in steps:
        each = data.draw(st.sampled_from(shown))
        if step == "listed without it":
            ledger.listed({one.identity for one in shown if one.uid != each.uid})
            continue
        found = ledger.goes(each, ago(1)) if step == "goes" else ledger.sees(each, ago(1))
        if step == "listed":
            ledger.listed({one.identity for one in shown})
        visible |= {(each.uid, one.container_id) for one in each.containers[0].terminations}
        told += [(one.pod.uid, one.end.container_id) for one in found if isinstance(one, EndSeen)]

    assert len(told) == len(set(told))
    assert set(told) == visible


@given(st.data())
def test_of_what_is_shown_in_order_with_holes_all_that_ended_is_told_or_counted(data: st.DataObject) -> None:
    shown = _lives(data.draw(st.integers(1, 6)))
    kept = data.draw(st.lists(st.integers(0, len(shown) - 1), min_size=1).map(sorted))
    ledger = begun(shown[0])

    found = [one for number in kept for one in ledger.sees(shown[number], ago(1))]

    told = len(ends_of(found)) + sum(one.ends for one in found if isinstance(one, EndsMissed))
    assert told == shown[kept[-1]].containers[0].ended_instances
