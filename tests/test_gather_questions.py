"""How many questions a target costs: a few, whatever the number of its pods, and deep ones only where it matters."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_oom.evidence import Replicas
from kubectl_oom.read.gather import NODES_BY_KUBELET, ended_or_stuck
from kubectl_oom.read.objects import pod_of
from kubectl_oom.read.single_reads import EVENT_LISTS_BY_POD
from kubectl_oom.read.source import DEPLOYMENTS
from kubectl_oom.read.targets import Scope, Target
from tests.in_memory import cluster, killed_status, metadata, pod_json, stamp
from tests.test_gather import EVERYTHING, answered, failing, many


def test_one_pod_costs_a_dozen_questions_at_most() -> None:
    source = cluster()

    answered(source)

    questions = {name: count for name, count in source.asked.items() if name != "nodes of a history"}
    assert sum(questions.values()) <= 12
    assert max(questions.values()) == 1


@pytest.mark.parametrize("name", ["api", None])
def test_a_workload_that_was_asked_about_is_read_once(name: str | None) -> None:
    source = cluster()

    case, _ = answered(source, Scope(targets=(Target(DEPLOYMENTS, name),), namespace="shop"))

    assert source.asked["get deployments"] + source.asked["list deployments"] == 1
    (pod,) = case.pods
    assert [owner.kind for owner in pod.owners] == ["ReplicaSet", "Deployment"]
    assert case.replicas["shop", "Deployment", "api"] == Replicas(ready=1, wanted=2)


def test_many_pods_of_one_workload_on_one_node_cost_no_more_than_a_few() -> None:
    source = many(200)

    answered(source, Scope(targets=(Target(DEPLOYMENTS, "api"),), namespace="shop"))

    assert source.asked["list pod events"] == 1
    assert source.asked["kubelet metrics"] == source.asked["get nodes"] == source.asked["list node events"] == 1
    assert source.asked["history"] == 1
    assert source.asked["get deployments"] <= 2


def test_a_few_pods_are_asked_for_their_own_events_only() -> None:
    source = many(EVENT_LISTS_BY_POD)

    answered(source, EVERYTHING)

    assert source.asked["list pod events"] == EVENT_LISTS_BY_POD


def test_not_every_kubelet_of_a_large_cluster_is_asked_and_that_is_said() -> None:
    source = many(60, nodes=30)

    _, report = answered(source, EVERYTHING)

    assert source.asked["kubelet metrics"] == NODES_BY_KUBELET
    told = [gap for gap in report.gaps if gap.source == "kubelet"]
    assert any("only 20 of 30 nodes were asked" in gap.reason for gap in told)
    assert all(gap.remedy for gap in told)


def test_one_gap_for_many_pods_of_one_cause() -> None:
    _, report = answered(failing("list pod events", "Forbidden", many(5)), EVERYTHING)

    assert len([gap for gap in report.gaps if gap.source.startswith("pod events")]) == 1


def test_a_large_selection_reads_deep_only_where_something_ended() -> None:
    source = many(3)
    calm = {"name": "app", "state": {"running": {}}, "ready": True}
    source.objects["pods"] += [pod_json(f"calm-{n}", calm) for n in range(100)]

    case, report = answered(source, EVERYTHING)

    assert len(case.pods) == 103
    assert [item.pod for item in report.items] == ["api-0", "api-1", "api-2"]
    assert source.asked["list pod events"] == 3


@pytest.mark.parametrize(
    ("changes", "bad"),
    [
        ({}, True),
        ({"status": {"reason": "Evicted"}}, True),
        ({"metadata": metadata("a", deletionTimestamp=stamp(1))}, True),
        (
            {"status": {"containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}},
            True,
        ),
        (
            {"status": {"containerStatuses": [{"name": "app", "state": {"waiting": {"reason": "ContainerCreating"}}}]}},
            False,
        ),
        ({"status": {"containerStatuses": [killed_status(reason="Completed", exitCode=0)]}}, False),
        ({"status": {"containerStatuses": [killed_status(reason="OOMKilled", exitCode=0)]}}, True),
        ({"status": {}}, False),
    ],
)
def test_what_counts_as_a_trace_of_trouble(changes: dict[str, Any], bad: bool) -> None:  # noqa: FBT001
    assert ended_or_stuck(pod_of(pod_json(**changes))) is bad
