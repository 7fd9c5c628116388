"""From the case to the report: which containers, in which order, with which times, and which gaps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_oom.evidence import Condition, Gap, Owner, Replicas
from kubectl_oom.judge.blind_spots import kills_before_the_samples
from kubectl_oom.judge.diagnose import diagnose, every_end
from kubectl_oom.show.next_steps import OWN_COMMANDS, Place, next_steps
from kubectl_oom.show.sentences import verdict_sentence
from tests.build import (
    EARLIER_ID,
    EARLY,
    KILLED,
    LIMIT,
    MI,
    NOW,
    PROMETHEUS,
    RUNNING_ID,
    ago,
    case,
    codes,
    container,
    counted,
    end,
    event,
    heap_line,
    history,
    last_end,
    life,
    node,
    node_event,
    now_of,
    other,
    pod,
    samples,
    system_oom,
    waiting,
    why,
)

READY = Condition(type="Ready", status="True", reason=None, message=None, at=ago(KILLED - 20))
DEPLOYMENT = Owner(api_version="apps/v1", kind="Deployment", name="api")


def _verdicts(*pods: Any, **changes: Any) -> list[tuple[str, str, str]]:
    file = case(pods[0], **{"pods": pods} | changes)
    return [(item.pod, item.container, item.verdict.value) for item in diagnose(file, now=NOW).items]


def test_killed_containers_come_newest_first_and_the_others_not_at_all() -> None:
    old = pod(container(end(killed=900)), other(), name="api-1")
    new = pod(container(end(killed=100)), other("second", LIMIT, end("OOMKilled", 0, killed=500)))

    assert _verdicts(old, new) == [
        ("api-0", "app", "container-limit"),
        ("api-0", "second", "child-killed"),
        ("api-1", "app", "container-limit"),
    ]


def test_where_nothing_was_killed_every_container_is_told() -> None:
    ended = other("done", LIMIT, last_end("Completed", 0))

    assert _verdicts(pod(container(), ended)) == [("api-0", "done", "not-oom"), ("api-0", "app", "no-termination")]


def test_no_pods_no_items() -> None:
    report = diagnose(case(pod(), pods=()), now=NOW)

    assert (report.items, report.gaps) == ((), ())


def test_the_times_of_a_kill_and_of_the_way_back() -> None:
    found = why(case(pod(container(end()), conditions=(READY,))))

    assert (found.started_at, found.killed_at) == (ago(KILLED + 600), ago(KILLED))
    assert (found.restarted_at, found.ready_again_at) == (ago(KILLED - 10), ago(KILLED - 20))


def test_an_instance_that_has_ended_since_did_start_again() -> None:
    done = last_end("Completed", 0, killed=60, lived=200, container_id=EARLIER_ID)

    found = why(case(pod(container(done, end(), restart_count=1))))

    assert found.verdict.value == "container-limit"
    assert (found.restarted_at, found.ready_again_at) == (ago(260), None)


def test_an_instance_whose_end_has_no_time_was_followed_by_the_one_that_runs() -> None:
    made_up = end("ContainerStatusUnknown", started_at=None, finished_at=None)

    found = why(case(pod(container(made_up), conditions=(READY,))))

    assert (found.verdict.value, found.killed_at) == ("sigkill-unknown", None)
    assert (found.restarted_at, found.ready_again_at) == (ago(KILLED - 10), ago(KILLED - 20))
    steps = [step.command for step in next_steps(found, place=Place(namespace="shop"), commands=OWN_COMMANDS)]
    assert steps == ["kubectl oom why node/node-a", "kubectl oom history sts/api"]  # its log is lost as well


def test_an_end_that_containerd_did_not_see_is_not_said_to_be_free_of_oom_kills() -> None:
    unseen = last_end("Unknown", 255, killed=60, container_id=EARLIER_ID)
    found = why(case(pod(container(end("Unknown", 255)))))
    later = why(case(pod(container(unseen, end(), restart_count=1))))

    assert verdict_sentence(found, NOW) == (
        "sts/api (pod api-0, container app) ended 5m ago (Unknown, exit code 255), and nobody saw how."
    )
    (finding,) = [finding for finding in later.findings if finding.code == "later-end"]
    assert "containerd did not see it end" in finding.message


@pytest.mark.parametrize(
    ("killed", "conditions"),
    [
        (waiting(end()), (READY,)),
        (container(end(), ready=False), (READY,)),
        (container(end()), ()),
        (container(end()), (Condition(type="Ready", status="True", reason=None, message=None, at=ago(KILLED + 9)),)),
        (container(last_end()), (READY,)),
    ],
    ids=["waiting", "not ready", "no condition", "ready since before", "nothing started since"],
)
def test_not_ready_again_as_far_as_can_be_told(killed: Any, conditions: Any) -> None:
    assert why(case(pod(killed, conditions=conditions))).ready_again_at is None


def test_how_many_replicas_serve_now() -> None:
    owners = (Owner(api_version="apps/v1", kind="ReplicaSet", name="api-7d9"), DEPLOYMENT)
    replicas = {("shop", "Deployment", "api"): Replicas(ready=1, wanted=3)}

    found = why(case(pod(container(end()), owners=owners), replicas=replicas))

    assert (found.serving, found.workload) == ((1, 3), DEPLOYMENT)


def test_a_static_pod_stands_for_itself_and_not_for_the_node_that_mirrors_it() -> None:
    mirrored = pod(container(end()), name="etcd-node-a", owners=(Owner(api_version="v1", kind="Node", name="node-a"),))

    found = why(case(mirrored))

    assert found.workload is None
    assert verdict_sentence(found, NOW).startswith("pod/etcd-node-a (container app) was OOM-killed")
    steps = [step.command for step in next_steps(found, place=Place(namespace="shop"), commands=OWN_COMMANDS)]
    assert steps == [f"kubectl oom {command} pod/etcd-node-a" for command in ("recommend", "history", "fix")]


def test_a_system_oom_told_again_at_a_kubelet_start_neither_accuses_the_node_nor_clears_it() -> None:
    told_again = node(node_event("Starting", "Starting kubelet.", at=400), system_oom(at=390))

    (answer,) = diagnose(case(pod(container(end())), told_again), now=NOW, nodes=["node-a"]).nodes

    assert (answer.ran_out, answer.confidence.value) == (None, "possible")
    assert answer.because.startswith("A SystemOOM among its events was told just after its kubelet started")
    assert answer.evidence[0].field == "SystemOOM"


@pytest.mark.parametrize(
    ("asked", "tally"),
    [
        ({}, "No container on it was OOM-killed that the API still shows."),
        ({"namespace": "shop"}, "No container on it of those asked about was OOM-killed that the API still shows."),
        ({"container": "app"}, "No container on it of those asked about was OOM-killed that the API still shows."),
    ],
)
def test_a_node_of_which_a_part_was_asked_about_is_not_said_to_be_free_of_kills(asked: Any, tally: str) -> None:
    (answer,) = diagnose(case(pod(container()), node(EARLY)), now=NOW, nodes=["node-a"], **asked).nodes

    assert answer.because.endswith(tally)


def test_replicas_of_a_workload_of_another_namespace_are_not_told() -> None:
    replicas = {("elsewhere", "StatefulSet", "api"): Replicas(ready=1, wanted=3)}

    assert why(case(pod(container(end())), replicas=replicas)).serving is None


def test_the_last_sample_before_the_end() -> None:
    seen = history(life(samples(70 * MI, 80 * MI, every=30), samples(50 * MI, 60 * MI, every=30)))

    last = why(case(pod(container(end())), None, seen)).last_sample

    assert last is not None
    assert (last.source, last.at, last.interval_seconds) == (PROMETHEUS, ago(KILLED + 5), 30)
    assert (last.working_set_bytes, last.usage_bytes) == (60 * MI, 80 * MI)


def test_the_run_up_is_that_of_the_life_that_ended() -> None:
    climb = samples(*(n * MI for n in range(20, 96, 3)))
    earlier = life(samples(5 * MI, 5 * MI, last=KILLED + 4000), container_id=EARLIER_ID)

    found = why(case(pod(container(end())), None, history(life(climb), earlier)))

    assert found.run_up is not None
    assert [sample.value for sample in found.run_up.samples] == [sample.value for sample in climb]
    assert found.run_up.highest_working_set_bytes == 95 * MI


def test_without_samples_there_is_no_run_up_and_no_last_sample() -> None:
    found = why(case(pod(container(end())), None, history()))

    assert (found.run_up, found.last_sample) == (None, None)


@pytest.mark.parametrize(
    ("now", "limit"),
    [
        (now_of(limit_bytes=200 * MI), 200 * MI),
        (now_of(), LIMIT),
        (None, LIMIT),
    ],
)
def test_the_limit_of_a_running_container_is_the_one_in_force(now: Any, limit: int) -> None:
    found = why(case(pod(container()), **(counted(now) if now else {})))

    assert found.limit_bytes == limit


def test_a_running_container_has_its_present_numbers_as_last_sample() -> None:
    found = why(case(pod(container()), **counted(now_of(working_set_bytes=30 * MI, usage_bytes=40 * MI))))

    assert found.last_sample is not None
    assert (found.last_sample.working_set_bytes, found.last_sample.usage_bytes) == (30 * MI, 40 * MI)
    assert found.last_sample.interval_seconds is None


def test_numbers_of_another_instance_are_not_the_present_ones() -> None:
    found = why(case(pod(container()), **counted(now_of(EARLIER_ID, oom_events=9))))

    assert (found.verdict.value, found.last_sample) == ("no-termination", None)


def test_the_metrics_engine_stands_in_for_a_kubelet_that_cannot_be_asked() -> None:
    running = life(samples(96 * MI, last=20), container_id=RUNNING_ID)

    found = why(case(pod(container()), None, history(running)))

    assert codes(found) == ["near-limit"]


def test_a_pod_that_was_not_admitted_was_not_killed() -> None:
    pending = waiting(reason="ContainerCreating")
    message = "Node didn't have enough resource: memory, requested: 1, used: 2, capacity: 3"

    found = why(case(pod(pending, phase="Failed", reason="OutOfmemory", message=message)))

    assert (found.verdict.value, found.killed_at) == ("no-termination", None)
    assert "did not admit the pod" in found.because


# --- gaps ---------------------------------------------------------------------------------------------------------


def _gaps(*ends: Any, events: Any = (), **changes: Any) -> list[str]:
    counting = history(life(samples(MI), oom_events=samples(0), container_id=EARLIER_ID))
    file = case(pod(container(*ends), events=events), **{"history": counting} | changes)
    return [gap.source for gap in diagnose(file, now=NOW).gaps]


@pytest.mark.parametrize(
    ("killed", "events", "expected"),
    [
        (3600, (), []),
        (3601, (), ["pod events"]),
        (3601, (event("Started", "", at=4000),), []),
        (3601, (event("Started", "", at=100),), ["pod events"]),
    ],
)
def test_events_that_must_have_expired_are_a_gap(killed: int, events: Any, expected: list[str]) -> None:
    assert _gaps(end(killed=killed), events=events) == expected


def test_expired_events_matter_only_where_they_could_tell_something_else() -> None:
    assert _gaps(end("OOMKilled", 0, killed=9999)) == []
    assert _gaps(end("Error", 1, killed=9999)) == []
    assert _gaps(end("Error", 137, killed=9999)) == ["pod events"]


def test_kills_of_children_that_nobody_counts_are_a_gap() -> None:
    assert _gaps(history=None) == ["kills of child processes"]
    assert _gaps(history=history(life(samples(MI)))) == ["kills of child processes"]
    assert _gaps(history=None, **counted(now_of(None))) == ["kills of child processes"]
    assert _gaps(history=None, **counted(now_of(oom_events=0))) == []
    assert _gaps(last_end(), history=None) == []


@pytest.mark.parametrize(
    ("killed", "asked_since", "remedies"),
    [
        (10 * 86_400 - 60, 86_400, ["kubectl oom history TARGET --since 11d"]),
        (10 * 86_400, 86_400, ["kubectl oom history TARGET --since 11d"]),
        (3600, 86_400, []),
    ],
)
def test_a_kill_from_before_the_samples_that_were_asked_for_is_a_gap(
    killed: float, asked_since: float, remedies: list[str]
) -> None:
    file = case(pod(container(end(killed=killed))), None, history(since=ago(asked_since)))

    gaps = kills_before_the_samples(diagnose(file, now=NOW), file, NOW)

    assert [gap.remedy for gap in gaps] == remedies
    assert kills_before_the_samples(diagnose(file, now=NOW), replace(file, history=None), NOW) == ()


def test_a_step_that_was_done_long_before_the_samples_leaves_no_gap() -> None:
    file = case(pod(container(last_end("Completed", 0, killed=10 * 86_400))), None, history(since=ago(86_400)))

    assert kills_before_the_samples(diagnose(file, now=NOW), file, NOW) == ()


def test_a_log_tells_of_the_end_that_it_was_read_for_and_not_of_the_one_before() -> None:
    worker = heap_line("Worker (pid:7) was sent SIGKILL! Perhaps out of memory?", "gunicorn")
    twice = pod(container(end("Error", 1), end("Error", 1, killed=900, container_id=EARLIER_ID), restart_count=2))

    ends = every_end(case(twice, heap_lines=(worker,)))

    assert [item.verdict.value for item in ends] == ["child-killed", "not-oom"]


def test_gaps_of_the_reading_come_first() -> None:
    gap = Gap(source="node (node node-a)", reason="not permitted (403)", remedy="grant get on nodes")

    report = diagnose(case(pod(container(end(killed=9999))), gaps=(gap,)), now=NOW)

    assert [told.source for told in report.gaps] == ["node (node node-a)", "pod events", "kills of child processes"]
    assert all(told.remedy for told in report.gaps)
