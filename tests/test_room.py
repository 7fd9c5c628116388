"""What stands around workloads, read from a cluster in memory: every kind once, and a gap for what cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.evidence import (
    CaseFile,
    ContainerType,
    LimitRule,
    Owner,
    Quota,
    Rollout,
    TemplateContainer,
    WorkloadPast,
)
from kubectl_oom.read.objects import pod_of
from kubectl_oom.read.room import read_rooms
from kubectl_oom.read.source import (
    DEPLOYMENTS,
    HORIZONTAL_AUTOSCALERS,
    LIMIT_RANGES,
    NODES,
    PODS,
    RESOURCE_QUOTAS,
    VERTICAL_AUTOSCALERS,
)
from tests.build import GI, MI
from tests.in_memory import InMemory, metadata, node_json, pod_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import Room
    from kubectl_oom.read.source import Json

API = Owner(api_version="apps/v1", kind="Deployment", name="api")


def workload(name: str = "api", *, pod: Json | None = None, **changes: Any) -> Json:
    """A Deployment of four pods with a container and a sidecar."""
    spec = {
        "initContainers": [
            {"name": "setup", "resources": {"requests": {"memory": "5Mi"}}},
            {"name": "mesh", "restartPolicy": "Always", "resources": {"limits": {"memory": "20Mi"}}},
        ],
        "containers": [{"name": "app", "resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi"}}}],
        **(pod or {}),
    }
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "30%"}}
    return {
        "metadata": metadata(name, **changes.pop("meta", {})),
        "spec": {"replicas": 4, "strategy": rolling, "template": {"spec": spec}},
        **changes,
    }


def past(name: str = "api", namespace: str = "shop", kind: str = "Deployment") -> WorkloadPast:
    owner = Owner(api_version="batch/v1" if "Job" in kind else "apps/v1", kind=kind, name=name)
    return WorkloadPast(
        namespace=namespace, workload=owner, pods=("api-0",), window=None, history=None, stepped_seconds=None
    )


def cluster(**objects: list[Json]) -> InMemory:
    """A cluster with the Deployment, one pod of it and one node, and lists named as `kubectl api-resources` does."""
    kinds = (LIMIT_RANGES, RESOURCE_QUOTAS, HORIZONTAL_AUTOSCALERS, VERTICAL_AUTOSCALERS)
    held: dict[str, list[Json]] = {kind.qualified: [] for kind in kinds}
    held |= {PODS.qualified: [pod_json()], NODES.qualified: [node_json()], DEPLOYMENTS.qualified: [workload()]}
    return InMemory(objects=held | {name.replace("_", "."): items for name, items in objects.items()})


def rooms(source: InMemory, pasts: Sequence[WorkloadPast] = (past(),), pods: Sequence[Json] = ()) -> tuple[Room, ...]:
    return read_rooms(source, CaseFile(pods=tuple(map(pod_of, pods or [pod_json()])), nodes={}, history=None), pasts)


def only(source: InMemory) -> Room:
    (room,) = rooms(source)
    return room


def named(name: str, spec: Json, status: Json | None = None) -> Json:
    return {"metadata": metadata(name), "spec": spec, "status": status or {}}


def test_the_workloads_template_and_rollout_are_read() -> None:
    room = only(cluster())

    assert (room.namespace, room.workload, room.owned_by, room.gaps) == ("shop", API, None, ())
    assert room.rollout == Rollout(replicas=4, surge=2, strategy="RollingUpdate")  # 30% of 4, rounded up
    assert room.template == (
        TemplateContainer(name="setup", type=ContainerType.INIT, request_bytes=5 * MI, limit_bytes=None),
        TemplateContainer(name="mesh", type=ContainerType.SIDECAR, request_bytes=None, limit_bytes=20 * MI),
        TemplateContainer(name="app", type=ContainerType.APP, request_bytes=64 * MI, limit_bytes=128 * MI),
    )


def test_resources_of_the_pod_itself_are_read() -> None:
    own = {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "2Gi"}}, "overhead": {"memory": "9Mi"}}
    room = only(cluster(deployments_apps=[workload(pod=own)]))

    assert (room.pod_request_bytes, room.pod_limit_bytes, room.overhead_bytes) == (GI, 2 * GI, 9 * MI)


@pytest.mark.parametrize(
    ("kind", "spec", "status", "rollout"),
    [
        ("Deployment", {"replicas": 3}, {}, (3, 1, "RollingUpdate")),  # 25% is what the API means
        ("Deployment", {"replicas": 3, "strategy": {"rollingUpdate": {"maxSurge": 2}}}, {}, (3, 2, "RollingUpdate")),
        ("Deployment", {"replicas": 3, "strategy": {"type": "Recreate"}}, {}, (3, 0, "Recreate")),
        ("StatefulSet", {"replicas": 3}, {}, (3, 0, "RollingUpdate")),
        ("StatefulSet", {"replicas": 3, "updateStrategy": {"type": "OnDelete"}}, {}, (3, 0, "OnDelete")),
        ("DaemonSet", {}, {"desiredNumberScheduled": 5}, (5, 0, "RollingUpdate")),
        (
            "DaemonSet",
            {"updateStrategy": {"rollingUpdate": {"maxSurge": "50%"}}},
            {"desiredNumberScheduled": 5},
            (5, 3, "RollingUpdate"),
        ),
        ("ReplicaSet", {"replicas": 3}, {}, (3, 0, "OnDelete")),
        ("Job", {"parallelism": 2}, {}, (2, 0, "immutable")),
        ("CronJob", {"jobTemplate": {"spec": {"parallelism": 3}}}, {}, (3, 0, "next run")),
        ("CronJob", {}, {}, (1, 0, "next run")),
    ],
)
def test_how_a_change_rolls_out_depends_on_the_kind(
    kind: str, spec: Json, status: Json, rollout: tuple[int, int, str]
) -> None:
    group = "batch" if "Job" in kind else "apps"
    source = cluster(**{f"{kind.lower()}s_{group}": [named("api", spec, status)]})

    (room,) = rooms(source, [past(kind=kind)])

    assert room.rollout is not None
    assert (room.rollout.replicas, room.rollout.surge, room.rollout.strategy) == rollout


def test_an_operators_object_above_is_named_and_a_built_in_kind_is_not() -> None:
    def owned(api_version: str, kind: str) -> Json:
        return workload(
            meta={
                "ownerReferences": [{"apiVersion": api_version, "kind": kind, "name": "main", "controller": True}],
            }
        )

    shop = Owner(api_version="acme.io/v1", kind="Shop", name="main")
    assert only(cluster(deployments_apps=[owned("acme.io/v1", "Shop")])).owned_by == shop
    assert only(cluster(deployments_apps=[owned("batch/v1", "CronJob")])).owned_by is None


def test_limit_ranges_are_read_as_far_as_they_rule_memory() -> None:
    limits = [
        {"type": "Container", "max": {"memory": "1Gi"}, "maxLimitRequestRatio": {"memory": "1500m"}},
        {"type": "Pod", "min": {"memory": "8Mi"}},
        {"type": "Container", "max": {"cpu": "2"}},
        {"type": "PersistentVolumeClaim", "max": {"memory": "1Gi"}},
        {"type": "Container", "default": {"memory": "64Mi"}},
    ]

    assert only(cluster(limitranges=[named("mem", {"limits": limits})])).limit_rules == (
        LimitRule(name="mem", scope="Container", min_bytes=None, max_bytes=GI, max_limit_to_request=1.5),
        LimitRule(name="mem", scope="Pod", min_bytes=8 * MI, max_bytes=None, max_limit_to_request=None),
    )


def test_quotas_are_read_as_they_are_enforced() -> None:
    hard, used = {"requests.memory": "1Gi", "limits.memory": "2Gi"}, {"requests.memory": "64Mi", "limits.memory": "1Gi"}
    counted = named("mem", {"hard": {"requests.memory": "9Gi"}}, {"hard": hard, "used": used})
    pods_only = named("pods", {"hard": {"pods": "9"}})

    assert only(cluster(resourcequotas=[counted, pods_only])).quotas == (
        Quota(
            name="mem",
            scopes=(),
            hard_requests_bytes=GI,
            used_requests_bytes=64 * MI,
            hard_limits_bytes=2 * GI,
            used_limits_bytes=GI,
        ),
    )


@pytest.mark.parametrize(
    ("rule", "pod", "printed", "counts"),
    [
        ({"scopes": ["NotTerminating"]}, {}, "NotTerminating", True),
        ({"scopes": ["Terminating"]}, {}, "Terminating", False),
        ({"scopes": ["Terminating"]}, {"activeDeadlineSeconds": 9}, "Terminating", True),
        ({"scopes": ["NotBestEffort"]}, {}, "NotBestEffort", True),
        ({"scopes": ["BestEffort"]}, {}, "BestEffort", False),
        ("In", {"priorityClassName": "high"}, "PriorityClass In (high)", True),
        ("NotIn", {"priorityClassName": "high"}, "PriorityClass NotIn (high)", False),
        ("In", {}, "PriorityClass In (high)", None),  # the cluster may have a default class
    ],
)
def test_a_scope_tells_whether_the_pods_are_counted(
    rule: Json | str,
    pod: Json,
    printed: str,
    counts: bool | None,  # noqa: FBT001 - the outcome
) -> None:
    if isinstance(rule, str):
        rule = {
            "scopeSelector": {
                "matchExpressions": [{"scopeName": "PriorityClass", "operator": rule, "values": ["high"]}]
            }
        }
    source = cluster(
        resourcequotas=[named("mem", {"hard": {"limits.memory": "1Gi"}, **rule})],
        deployments_apps=[workload(pod=pod)],
    )

    (room,) = rooms(source, pods=[pod_json(spec=pod)])

    assert [(quota.scopes, quota.counts) for quota in room.quotas] == [((printed,), counts)]
