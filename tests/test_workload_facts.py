"""A workload's own object as facts: how it rolls out, what is in its pods, and who writes to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_oom.evidence import Owner
from kubectl_oom.read.workload import UNKNOWN_WRITERS, facts_of
from tests.build import MI
from tests.in_memory import controlled_by
from tests.preflights import read, workload_json

if TYPE_CHECKING:
    from kubectl_oom.read.source import (
        Json,
    )

GUARANTEED = {"cpu": "1", "memory": "128Mi"}


# --- how it rolls out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "rules", "surge", "unavailable"),
    [
        ("Deployment", {}, 1, 1),
        ("Deployment", {"maxSurge": "26%", "maxUnavailable": "49%"}, 2, 1),
        ("Deployment", {"maxSurge": 0, "maxUnavailable": 0}, 0, 1),
        ("Deployment", {"maxSurge": 2, "maxUnavailable": 0}, 2, 0),
        ("StatefulSet", {}, 0, 1),
        ("StatefulSet", {"maxUnavailable": "30%"}, 0, 2),
        ("DaemonSet", {}, 0, 1),
        ("DaemonSet", {"maxSurge": 1, "maxUnavailable": 0}, 1, 0),
    ],
)
def test_surge_and_unavailability_round_as_the_controllers_do(
    kind: str, rules: Json, surge: int, unavailable: int
) -> None:
    field = "strategy" if kind == "Deployment" else "updateStrategy"
    item = workload_json(kind, **{field: {"rollingUpdate": rules}}) | {"status": {"desiredNumberScheduled": 4}}

    found = read(item, kind)

    assert (found.strategy, found.surge, found.unavailable, found.replicas) == ("RollingUpdate", surge, unavailable, 4)


def test_a_workload_that_is_replaced_at_once_or_by_hand_has_neither() -> None:
    once = read(workload_json(strategy={"type": "Recreate"}))
    by_hand = read(workload_json("StatefulSet", updateStrategy={"type": "OnDelete"}), "StatefulSet")

    assert (once.strategy, once.surge, once.unavailable) == ("Recreate", 0, 0)
    assert (by_hand.strategy, by_hand.surge, by_hand.unavailable) == ("OnDelete", 0, 0)


def test_what_holds_a_rollout_up_is_read() -> None:
    partition = {"rollingUpdate": {"partition": 2}}

    assert read(workload_json(paused=True)).paused
    assert read(workload_json("StatefulSet", updateStrategy=partition), "StatefulSet").partition == 2
    assert read(workload_json("Job", suspend=True), "Job").suspended
    assert read(workload_json("CronJob"), "CronJob").replicas is None


# --- what is in the pods ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resources", "equal"),
    [
        ({"limits": GUARANTEED, "requests": {"cpu": "1000m"}}, True),
        ({"limits": GUARANTEED}, True),
        ({"limits": GUARANTEED, "requests": {"cpu": "500m"}}, False),
        ({"requests": GUARANTEED}, False),
        ({}, False),
    ],
)
def test_cpu_is_guaranteed_where_limit_and_request_are_the_same(resources: Json, *, equal: bool) -> None:
    pods = {"containers": [{"name": "app", "resources": resources}]}

    assert read(workload_json(pods=pods)).cpu_guaranteed is equal


def test_the_pods_own_resources_and_resize_policies_are_read() -> None:
    policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
    pods = {"containers": [{"name": "app", "resizePolicy": policy}], "resources": {"limits": {"memory": "1Mi"}}}

    found = read(workload_json(pods=pods))

    assert found.restarts_on_resize == ("app",)
    assert found.pod_level is not None
    assert (found.pod_level.limit_bytes, found.pod_level.request_bytes) == (MI, None)
    assert read(workload_json()).pod_level is None


# --- who keeps it ----------------------------------------------------------------------------------------------------


def test_managers_own_the_memory_of_the_containers_that_their_fields_name() -> None:
    owns: Json = {"f:resources": {"f:limits": {"f:memory": {}}}}
    cpu: Json = {"f:resources": {"f:limits": {"f:cpu": {}}}}
    containers = {'k:{"name":"app"}': owns, 'k:{"name":"log"}': cpu}
    fields = {"f:spec": {"f:template": {"f:spec": {"f:containers": containers}}}}
    entry = {"manager": "bot", "operation": "Apply", "time": "2026-11-22T08:00:00Z", "fieldsV1": fields}

    (found,) = read(workload_json(meta={"managedFields": [entry]})).managers

    assert (found.name, found.operation, found.memory_of) == ("bot", "Apply", ("app",))
    assert found.at is not None and found.at.hour == 8


def test_an_object_without_managed_fields_says_that_its_writers_are_not_known() -> None:
    assert read(workload_json(meta={"labels": {}})).gaps == (UNKNOWN_WRITERS,)
    assert read(workload_json()).gaps == ()


def test_an_operator_is_told_from_a_controller_of_kubernetes_itself() -> None:
    theirs = workload_json(meta={"ownerReferences": controlled_by("Database", "orders", "databases.example.com/v1")})
    ours = workload_json(meta={"ownerReferences": controlled_by("Deployment", "api")})
    node_of_it = {"metadata": {"ownerReferences": controlled_by("Node", "node-a", "v1")}}

    assert read(theirs).owned_by == Owner(api_version="databases.example.com/v1", kind="Database", name="orders")
    assert (read(ours).owned_by, read(ours).controller) == (
        None,
        Owner(api_version="apps/v1", kind="Deployment", name="api"),
    )
    assert facts_of(node_of_it, "v1", "Pod").owned_by is None
