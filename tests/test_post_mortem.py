"""What a post-mortem concludes from the evidence: impact, timeline, the kernel's part, and what to do."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import (
    Condition,
    HistoryReport,
    Owner,
    ProposalReport,
    Replicas,
    Report,
    Verdict,
    WorkloadPast,
)
from kubectl_oom.judge.diagnose import diagnose
from kubectl_oom.judge.history import recount
from kubectl_oom.judge.post_mortem import post_mortems
from kubectl_oom.judge.post_mortem.selection import only_ended
from tests.build import (
    KILLED,
    MI,
    NOW,
    ago,
    case,
    container,
    event,
    history,
    last_end,
    life,
    node,
    now_of,
    other,
    pod,
    samples,
)

if TYPE_CHECKING:
    from kubectl_oom.evidence import CaseFile, Pod, PostMortem, PostMortemReport

OWNER = Owner(api_version="apps/v1", kind="Deployment", name="api")
SINCE = NOW - timedelta(days=7)


def ready(seconds: float, status: str = "True") -> Condition:
    return Condition(type="Ready", status=status, reason=None, message=None, at=ago(seconds))


def killed_pod(**changes: Any) -> Pod:
    return pod(container(last_end(), running_since=ago(KILLED - 5), ready=True), owners=(OWNER,), **changes)


def reported(file: CaseFile, *, proposals: ProposalReport | None = None, **options: Any) -> PostMortemReport:
    """The post-mortems of a case whose pods all belong to one workload, without an engine."""
    past = WorkloadPast(
        namespace="shop" if not file.pods else file.pods[0].namespace,
        workload=OWNER,
        pods=tuple(one.name for one in file.pods),
        window=None,
        history=file.history,
        stepped_seconds=None,
    )
    return post_mortems(
        file,
        diagnose(file, now=NOW),
        recount(file, [past], since=SINCE, until=NOW),
        proposals or ProposalReport(items=(), gaps=()),
        **options,
    )


def one(file: CaseFile, **options: Any) -> PostMortem:
    (item,) = reported(file, **options).items
    return item


# --- impact --------------------------------------------------------------------------------------------------------


def test_a_pod_that_was_ready_before_the_kill_and_ever_since_kept_serving() -> None:
    killed = killed_pod(conditions=(ready(KILLED - 60),))
    steady = pod(container(), name="steady-0", owners=(OWNER,), conditions=(ready(KILLED + 1000),))
    later = pod(container(), name="later-0", owners=(OWNER,), conditions=(ready(KILLED - 1),))
    replicas = {(killed.namespace, "Deployment", "api"): Replicas(ready=3, wanted=3)}

    impact = one(replace(case(killed), pods=(killed, steady, later), replicas=replicas)).impact

    assert (impact.kept_serving, impact.later_ready) == (("steady-0",), ("later-0",))
    assert (impact.ready_now, impact.wanted) == (3, 3)


def test_down_time_is_from_the_kill_to_ready_again() -> None:
    killed = killed_pod(conditions=(ready(KILLED - 60),))

    (outage,) = one(case(killed)).impact.outages

    assert outage.since == ago(KILLED)
    assert outage.until == ago(KILLED - 60)
    assert not outage.goes_on


def test_a_pod_that_is_not_ready_is_still_down() -> None:
    killed = killed_pod(conditions=(ready(KILLED - 1, status="False"),))

    (outage,) = one(case(killed)).impact.outages

    assert outage.until is None
    assert outage.goes_on


def test_without_a_word_on_readiness_nobody_says_when_it_ended() -> None:
    (outage,) = one(case(killed_pod(conditions=()))).impact.outages

    assert outage.until is None
    assert not outage.goes_on


def test_a_container_that_lost_a_child_was_not_down() -> None:
    alive = pod(container(running_since=ago(900)), owners=(OWNER,), conditions=(ready(900),))
    file = case(alive, now_by_container={(alive.namespace, alive.name, "app"): (now_of(oom_events=2),)})

    item = one(file)

    assert item.diagnosis is not None
    assert item.diagnosis.verdict is Verdict.CHILD_KILLED
    assert item.impact.outages == ()
    assert item.happened_at is None


# --- timeline ------------------------------------------------------------------------------------------------------


def test_the_timeline_is_in_order_and_tells_what_every_source_knows() -> None:
    killed = killed_pod(
        conditions=(ready(KILLED - 60),),
        events=(event("BackOff", "Back-off restarting\nfailed container", at=200, type="Warning"),),
    )
    seen = history(life(samples(50 * MI, 95 * MI, 96 * MI)))

    item = one(case(killed, node(), seen))

    assert [moment.what for moment in item.timeline] == [
        "started",
        "near the limit",
        "last sample",
        "OOM kill",
        "restarted",
        "ready again",
        "event BackOff",
    ]
    assert [moment.at for moment in item.timeline] == sorted(moment.at for moment in item.timeline)
    assert item.timeline[-1].note == "Back-off restarting failed container"


def test_events_of_another_container_are_not_part_of_it() -> None:
    told = event("BackOff", "of the other", type="Warning", field_path="spec.containers{steady}")
    killed = pod(container(last_end()), other("steady"), owners=(OWNER,), events=(told,))

    assert not any(moment.what == "event BackOff" for moment in one(case(killed)).timeline)


def test_of_a_crash_loop_the_newest_kills_and_the_first_are_told() -> None:
    item = one(case(killed_pod()))
    (kill,) = item.history.kills
    many = replace(item.history, kills=tuple(replace(kill, at=kill.at - timedelta(hours=n)) for n in range(30)))
    file = case(killed_pod())
    report = HistoryReport(items=(many,), gaps=(), since=SINCE, until=NOW)

    (told,) = post_mortems(file, diagnose(file, now=NOW), report, ProposalReport(items=(), gaps=())).items
    kills = [moment for moment in told.timeline if moment.what == "OOM kill"]

    assert len(kills) == 12
    assert kills[0].at == many.kills[-1].at
    assert "18 more" in kills[0].note
    assert told.impact.untold == 29


# --- what is an incident -------------------------------------------------------------------------------------------


def test_where_nothing_was_killed_there_is_no_incident() -> None:
    assert reported(case(pod(container(), owners=(OWNER,)))).items == ()


def test_a_kill_that_only_the_engine_remembers_is_one() -> None:
    item = one(case(killed_pod()))
    empty = replace(case(killed_pod()), pods=())
    gone = HistoryReport(items=(item.history,), gaps=(), since=SINCE, until=NOW)

    (told,) = post_mortems(empty, Report(items=(), gaps=()), gone, ProposalReport(items=(), gaps=())).items

    assert told.diagnosis is None
    assert told.happened_at == item.history.kills[0].at
    assert told.pod == item.history.kills[0].pod
    assert told.kernel == ()


def owned_by(*names: str) -> tuple[Owner, ...]:
    """A ReplicaSet, and the Deployment above it where that is known."""
    kinds = ("ReplicaSet", "Deployment")
    return tuple(Owner(api_version="apps/v1", kind=kind, name=name) for kind, name in zip(kinds, names, strict=False))


def test_of_a_large_selection_the_workload_of_a_kill_is_read_on_with_all_its_pods() -> None:
    killed = pod(container(last_end()), owners=owned_by("api-7d9c", "api"))
    sibling = pod(container(), name="sibling-0", owners=owned_by("api-7d9c"))
    older = pod(container(), name="older-0", owners=owned_by("api-5b5b"))
    quiet = pod(container(), name="quiet-0", owners=owned_by("quiet-6f6f"))
    file = replace(case(killed), pods=(killed, sibling, older, quiet))

    narrowed = only_ended(file, diagnose(file, now=NOW))

    assert {one.name: one.owners for one in narrowed.pods} == {
        killed.name: killed.owners,
        "sibling-0": owned_by("api-7d9c", "api"),
        "older-0": owned_by("api-5b5b", "api"),
    }
    assert narrowed.gaps[-1].reason.startswith("1 pod of workloads")


def test_where_every_workload_had_a_kill_nothing_is_left_out() -> None:
    file = case(killed_pod())

    assert only_ended(file, diagnose(file, now=NOW)) == file
