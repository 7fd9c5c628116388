"""How often a cluster is asked for what stands around workloads, what is missing where it may not be read, and nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.evidence import NodeRoom, WorkloadPast
from kubectl_oom.read.source import ReadError
from tests.build import GI, MI
from tests.in_memory import InMemory, node_json, pod_json
from tests.test_room import cluster, only, past, rooms, workload

if TYPE_CHECKING:
    from kubectl_oom.read.source import Json

LISTS = {
    "list limitranges": "limit ranges (namespace shop)",
    "list resourcequotas": "resource quotas (namespace shop)",
    "list horizontalpodautoscalers": "autoscalers (namespace shop)",
    "list verticalpodautoscalers": "vertical autoscalers (namespace shop)",
    "list nodes": "nodes",
    "get deployments": "owners (Deployment api)",
    "requested on a node": "node pods",
}


def node(name: str = "node-a", *, labels: Json | None = None, **spec: Any) -> Json:
    made = node_json(name)
    return {**made, "metadata": {"name": name, "labels": labels or {}}, "spec": spec}


def test_the_room_on_the_largest_open_nodes_is_what_their_pods_leave() -> None:
    asks = {"containers": [{"name": "app", "resources": {"requests": {"memory": "1Gi"}}}]}
    over = pod_json("gone", spec=asks) | {"status": {"phase": "Succeeded"}}

    room = only(cluster(pods=[pod_json(spec=asks), pod_json("api-1", spec=asks), over]))

    assert room.nodes == (
        NodeRoom(name="node-a", allocatable_bytes=9 * GI, requested_bytes=2 * GI, cpus=None, closed_because=None),
    )


def test_only_five_open_nodes_are_looked_at_whatever_their_number() -> None:
    source = cluster(nodes=[node(f"node-{n}", unschedulable=n == 0) for n in range(9)])

    (room,) = rooms(source)

    assert [n.name for n in room.nodes if n.requested_bytes is not None] == [f"node-{n}" for n in range(1, 6)]
    assert source.asked["requested on a node"] == 5


TAINT = {"key": "team", "value": "data", "effect": "NoSchedule"}
AFFINITY = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}]
        }
    }
}


@pytest.mark.parametrize(
    ("spec", "labels", "pod", "closed"),
    [
        ({}, {}, {}, None),
        ({"unschedulable": True}, {}, {}, "is cordoned"),
        (
            {},
            {"disk": "hdd"},
            {"nodeSelector": {"disk": "ssd"}},
            "does not have the label disk=ssd that the pods ask for",
        ),
        ({}, {"disk": "ssd"}, {"nodeSelector": {"disk": "ssd"}}, None),
        ({}, {"disk": "hdd"}, {"affinity": AFFINITY}, "is not among those that the pods' node affinity asks for"),
        ({}, {"disk": "ssd"}, {"affinity": AFFINITY}, None),
        ({"taints": [TAINT]}, {}, {}, "has the taint team=data:NoSchedule, which the pods do not tolerate"),
        ({"taints": [TAINT]}, {}, {"tolerations": [{"key": "team", "value": "data"}]}, None),
        ({"taints": [TAINT]}, {}, {"tolerations": [{"key": "team", "operator": "Exists"}]}, None),
        ({"taints": [TAINT]}, {}, {"tolerations": [{"operator": "Exists", "effect": "NoSchedule"}]}, None),
        (
            {"taints": [TAINT]},
            {},
            {"tolerations": [{"key": "team", "value": "web"}]},
            "has the taint team=data:NoSchedule, which the pods do not tolerate",
        ),
        ({"taints": [TAINT | {"effect": "PreferNoSchedule"}]}, {}, {}, None),
    ],
)
def test_a_node_is_closed_for_a_reason(spec: Json, labels: Json, pod: Json, closed: str | None) -> None:
    source = cluster(nodes=[node(labels=labels, **spec)], deployments_apps=[workload(pod=pod)])

    assert [n.closed_because for n in only(source).nodes] == [closed]


def test_a_node_without_a_size_is_left_out() -> None:
    assert only(cluster(nodes=[{"metadata": {"name": "node-a"}}])).nodes == ()


def test_a_bare_pod_has_the_node_it_runs_on() -> None:
    bare = WorkloadPast(
        namespace="shop", workload=None, pods=("api-0",), window=None, history=None, stepped_seconds=None
    )

    (room,) = rooms(cluster(nodes=[node("node-b"), node("node-a", unschedulable=True)]), [bare])

    assert [(n.name, n.closed_because) for n in room.nodes] == [("node-a", None)]
    assert room.rollout is not None
    assert (room.rollout.replicas, room.rollout.strategy) == (1, "bare pod")


# --- what cannot be read ----------------------------------------------------------------------------------------------


def failing(question: str, reason: str = "Forbidden", **objects: Any) -> InMemory:
    source = cluster(**objects)
    source.failures = {question: ReadError(reason, "no", 403)}
    return source


@pytest.mark.parametrize("question", LISTS)
def test_what_may_not_be_read_is_one_gap_and_the_rest_is_read(question: str) -> None:
    room = only(failing(question))

    assert [gap.source for gap in room.gaps] == [LISTS[question]]
    assert room.gaps[0].remedy is not None
    assert room.gaps[0].remedy.startswith("grant ")
    assert (room.rollout is None) == (question == "get deployments")
    # Without the template nobody knows to which nodes its pods can go.
    assert (room.nodes == ()) == (question in ("get deployments", "list nodes"))


def test_a_cluster_that_knows_no_vertical_autoscalers_has_none() -> None:
    assert only(failing("list verticalpodautoscalers", "NotFound")).gaps == ()
    assert [gap.source for gap in only(failing("list horizontalpodautoscalers", "NotFound")).gaps] == [
        "autoscalers (namespace shop)"
    ]


def test_everything_may_be_forbidden_at_once() -> None:
    source = cluster()
    source.failures = {question: ReadError("Forbidden", "no", 403) for question in LISTS}

    (room,) = rooms(source)

    assert {gap.source for gap in room.gaps} == set(LISTS.values()) - {"node pods"}
    assert (room.namespace, room.limit_rules, room.nodes, room.template) == ("shop", (), (), ())


def test_nothing_is_asked_where_there_is_nothing_to_size() -> None:
    source = cluster()

    assert (rooms(source, []), source.asked) == ((), {})


# --- how often is asked -----------------------------------------------------------------------------------------------

ONCE = [question for question in LISTS if question.startswith("list ")]


def test_each_list_is_read_once_however_many_workloads_a_namespace_has() -> None:
    source = cluster(deployments_apps=[workload(f"api-{n}") for n in range(20)])

    found = rooms(source, [past(f"api-{n}") for n in range(20)])

    assert [room.rollout is not None for room in found] == [True] * 20
    assert {question: source.asked[question] for question in ONCE} == dict.fromkeys(ONCE, 1)
    assert (source.asked["get deployments"], source.asked["requested on a node"]) == (20, 1)


def test_many_workloads_are_listed_and_no_single_node_is_looked_at() -> None:
    names = [f"api-{n}" for n in range(21)]
    source = cluster(deployments_apps=[workload(name) for name in names])

    found = rooms(source, [past(name) for name in names])

    assert [room.rollout is not None for room in found] == [True] * 21
    assert (source.asked["get deployments"], source.asked["list deployments"]) == (0, 1)
    assert [n.requested_bytes for room in found for n in room.nodes] == [None] * 21


@pytest.mark.parametrize(("namespaces", "lists"), [(5, 5), (6, 1)])
def test_many_namespaces_are_listed_at_once(namespaces: int, lists: int) -> None:
    names = [f"shop-{n}" for n in range(namespaces)]
    ranges = [
        {"metadata": {"name": "mem", "namespace": name}, "spec": {"limits": [_most(n)]}} for n, name in enumerate(names)
    ]
    source = cluster(limitranges=ranges)

    found = rooms(source, [past(namespace=name) for name in names])

    assert source.asked["list limitranges"] == lists
    assert [rule.max_bytes for room in found for rule in room.limit_rules] == [(n + 1) * MI for n in range(namespaces)]


def _most(count: int) -> Json:
    return {"type": "Container", "max": {"memory": f"{count + 1}Mi"}}


def test_a_failure_over_all_namespaces_is_a_gap_of_each() -> None:
    found = rooms(failing("list resourcequotas"), [past(namespace=f"shop-{n}") for n in range(6)])

    assert {gap.source for room in found for gap in room.gaps if "quota" in gap.source} == {
        "resource quotas (all namespaces)"
    }
    assert all(any("quota" in gap.source for gap in room.gaps) for room in found)
