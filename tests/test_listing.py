"""Which containers `list` lists: kernel kills of the window, each container once, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.evidence import (
    Confidence,
    ContainerType,
    KillLot,
    ListedKill,
    MemoryWindow,
    Owner,
    PastKill,
    Pattern,
    Verdict,
    WorkloadPast,
)
from kubectl_oom.judge.listing import in_order, listed
from tests.build import (
    KILLED,
    LIMIT,
    MI,
    NOW,
    PROMETHEUS,
    ago,
    case,
    container,
    end,
    event,
    history,
    killing,
    last_end,
    life,
    node,
    other,
    pod,
    samples,
    system_oom,
    waiting,
)

if TYPE_CHECKING:
    from kubectl_oom.evidence import CaseFile, MemoryHistory, Pod

DAY = 86_400.0
OWNER = Owner(api_version="apps/v1", kind="Deployment", name="api")


def lot(*pods: Pod, kills: tuple[PastKill, ...] = (), counted: bool = False, **changes: Any) -> KillLot:
    """Pods of namespace shop, and the kills that an engine remembers there."""
    file: CaseFile = replace(case(pods[0]) if pods else case(pod()), pods=pods, **changes)
    names = {one.name for one in pods} | {kill.pod for kill in kills}
    window = MemoryWindow(
        source=PROMETHEUS, since=ago(DAY), until=NOW, containers=(), kills=kills, kills_known=True, warnings=()
    )
    seen: MemoryHistory | None = file.history
    past = WorkloadPast(
        namespace="shop",
        workload=None,
        pods=tuple(sorted(names)),
        window=window if counted else None,
        history=seen,
        stepped_seconds=None,
    )
    return KillLot(case=file, past=past, owners={"api-gone": OWNER}, counted=counted)


def remembered(at: float, *, of: str = "api-0", exit_code: int = 137, exact: bool = True) -> PastKill:
    """A kill that the engine remembers."""
    return PastKill(pod=of, container="app", at=ago(at), exact=exact, exit_code=exit_code, source="…_timestamp")


def rows(of: KillLot, *, since: float = DAY, all_137: bool = False) -> tuple[ListedKill, ...]:
    return listed(of, since=ago(since), until=NOW, all_137=all_137)


def row(of: KillLot) -> ListedKill:
    [one] = rows(of)
    return one


def told(found: tuple[ListedKill, ...]) -> list[tuple[str, str, int]]:
    return [(item.container, item.verdict.value, item.kills) for item in in_order(found)]


def test_a_container_that_was_killed_is_a_row_with_all_that_is_known_of_it() -> None:
    assert row(lot(pod(container(end())))) == ListedKill(
        namespace="shop",
        pod="api-0",
        pod_gone=False,
        container="app",
        container_type=ContainerType.APP,
        workload=Owner(api_version="apps/v1", kind="StatefulSet", name="api"),
        node="node-a",
        verdict=Verdict.CONTAINER_LIMIT,
        confidence=Confidence.POSSIBLE,
        is_oom=True,
        kills=1,
        at_least=False,
        verdicts={Verdict.CONTAINER_LIMIT: 1},
        last_killed_at=ago(KILLED),
        exit_code=137,
        limit_bytes=LIMIT,
        unlimited=False,
        pattern=Pattern.UNKNOWN,
        highest_sampled_bytes=None,
        sources=("pod status",),
    )


def test_two_ends_of_one_container_are_one_row_that_tells_of_the_last() -> None:
    found = row(lot(pod(container(last_end(killed=20), end(killed=900)))))

    assert (found.kills, found.at_least, found.last_killed_at) == (2, False, ago(20))


@pytest.mark.parametrize(("restarts", "at_least"), [(1, False), (2, True), (40, True)])
def test_restarts_that_nobody_shows_any_more_make_the_count_a_least_one(restarts: int, *, at_least: bool) -> None:
    found = row(lot(pod(container(end(), restart_count=restarts))))

    assert (found.kills, found.at_least) == (1, at_least)


def test_the_first_end_of_a_container_that_waits_after_its_second_is_shown_by_nobody() -> None:
    found = row(lot(pod(waiting(end(), restart_count=1))))

    assert (found.kills, found.at_least) == (1, True)


def test_ends_from_before_the_window_leave_nothing_that_is_not_counted() -> None:
    died = lot(pod(container(end(lived=2 * DAY), restart_count=40)))

    assert [found.at_least for since in (DAY, 3 * DAY) for found in rows(died, since=since)] == [False, True]


def test_an_engine_that_saw_every_scrape_has_counted_all() -> None:
    found = row(lot(pod(container(end(), restart_count=40)), counted=True, kills=(remembered(900),)))

    assert (found.kills, found.at_least) == (2, False)


def test_a_kill_that_status_and_engine_tell_of_is_one() -> None:
    found = row(lot(pod(container(end())), counted=True, kills=(remembered(KILLED),)))

    assert (found.kills, found.sources) == (1, ("pod status", "…_timestamp"))


@pytest.mark.parametrize(
    "ended",
    [end("Error", 137), end("Error", 1), end("Completed", 0), end("ContainerStatusUnknown", 137)],
    ids=["137 that nobody explains", "an error", "an end", "an end that nobody saw"],
)
def test_what_is_no_kernel_kill_is_not_listed(ended: Any) -> None:
    assert rows(lot(pod(container(ended)))) == ()


def test_a_probe_kill_after_a_childs_death_is_not_listed_although_it_carries_the_mark() -> None:
    killed = pod(container(end(), probes=("liveness",)), events=(killing(),))

    assert rows(lot(killed)) == ()
    assert rows(lot(killed, counted=True, kills=(remembered(KILLED), remembered(KILLED + 1)))) == ()
    assert rows(lot(killed, counted=True, kills=(remembered(KILLED - 60, exact=False),))) == ()


def test_all_137_lists_the_others_with_their_verdicts_and_counts_nothing_as_oom() -> None:
    ends = (end("Error", 137), end("Error", 1))
    found = rows(lot(pod(container(ends[0]), other("steady", LIMIT, ends[1]))), all_137=True)

    assert told(found) == [("app", "sigkill-unknown", 1)]
    assert [item.is_oom for item in found] == [False]


def test_a_container_that_died_both_ways_has_two_rows_under_all_137() -> None:
    died = pod(container(last_end("Error", 137, killed=20), end(killed=900)))

    assert told(rows(lot(died))) == [("app", "container-limit", 1)]
    assert told(rows(lot(died), all_137=True)) == [("app", "sigkill-unknown", 1), ("app", "container-limit", 1)]


def test_137_without_the_mark_is_listed_when_the_node_ran_out() -> None:
    found = lot(pod(container(end("Error", 137))), nodes={"node-a": node(system_oom())})

    assert told(rows(found)) == [("app", "node", 1)]


def test_a_child_that_was_killed_before_the_container_ended_by_itself_is_listed() -> None:
    assert told(rows(lot(pod(container(end(code=0)))))) == [("app", "child-killed", 1)]


def test_children_that_were_counted_in_a_container_that_lives_on_are_listed_each() -> None:
    lived = life(samples(50 * MI, 60 * MI), container_id="a" * 64, oom_events=samples(0, 2, 3))
    found = row(lot(pod(container()), counted=True, history=history(lived)))

    assert (found.verdict, found.kills, found.highest_sampled_bytes) == (Verdict.CHILD_KILLED, 3, 60 * MI)


def test_a_pod_that_is_gone_is_a_row_with_the_workload_it_had() -> None:
    found = row(lot(counted=True, kills=(remembered(900, of="api-gone"), remembered(100, of="api-gone"))))

    assert (found.pod, found.pod_gone, found.workload, found.container_type) == ("api-gone", True, OWNER, None)
    assert (found.kills, found.last_killed_at, found.at_least) == (2, ago(100), False)


def test_kills_before_the_window_do_not_count() -> None:
    died = pod(container(last_end(killed=20), end(killed=900)))

    assert told(rows(lot(died), since=600)) == [("app", "container-limit", 1)]
    assert rows(lot(pod(container(end(killed=900)))), since=600) == ()


def test_a_kill_by_a_clock_that_is_ahead_of_ours_is_listed() -> None:
    assert row(lot(pod(container(last_end(killed=-30))))).last_killed_at == ago(-30)


def test_a_container_that_cannot_start_for_lack_of_memory_is_listed_without_an_end() -> None:
    message = "failed to create containerd task: container init was OOM-killed (memory limit too low?)"
    found = row(lot(pod(waiting(reason="RunContainerError", message=message))))

    assert (found.verdict, found.last_killed_at, found.kills) == (Verdict.START_OOM, None, 1)


def test_a_sandbox_that_cannot_start_is_as_old_as_its_last_event() -> None:
    told_by = event(
        "FailedCreatePodSandBox", "container init was OOM-killed (memory limit too low?)", at=50, field_path=None
    )
    stuck = pod(waiting(reason="ContainerCreating"), phase="Pending", events=(told_by,))

    assert (row(lot(stuck)).verdict, row(lot(stuck)).last_killed_at) == (Verdict.START_OOM, ago(50))


def test_a_container_without_a_limit_is_told_from_one_whose_limit_is_not_known() -> None:
    unlimited, resized = pod(container(end(), limit=None)), pod(container(end()), resized=True)

    assert (row(lot(unlimited)).limit_bytes, row(lot(unlimited)).unlimited) == (None, True)
    assert (row(lot(resized)).limit_bytes, row(lot(resized)).unlimited) == (None, False)


def test_what_killed_a_container_in_different_ways_is_counted_by_verdict() -> None:
    found = row(lot(pod(container(last_end(code=0, killed=20), end(killed=900)))))

    assert (found.verdict, dict(found.verdicts)) == (
        Verdict.CHILD_KILLED,
        {Verdict.CHILD_KILLED: 1, Verdict.CONTAINER_LIMIT: 1},
    )


def test_rows_are_sorted_by_the_last_kill_by_kills_or_by_name() -> None:
    one = row(lot(pod(container(end()))))
    items = (
        replace(one, pod="a", kills=1, last_killed_at=ago(50)),
        replace(one, pod="b", kills=9, last_killed_at=ago(90)),
        replace(one, pod="c", kills=1, last_killed_at=None),
        replace(one, pod="d", kills=1, last_killed_at=ago(10)),
        replace(one, pod="z", namespace="auth", kills=1, last_killed_at=ago(99)),
    )

    assert "".join(item.pod for item in in_order(items)) == "dabzc"
    assert "".join(item.pod for item in in_order(items, "kills")) == "bdazc"
    assert "".join(item.pod for item in in_order(items, "namespace")) == "zabcd"
