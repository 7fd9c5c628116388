"""Autoscalers around a workload, read from a cluster in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import HorizontalAutoscaler, MemoryMetric, VerticalAutoscaler, VerticalPolicy
from tests.build import MI
from tests.test_room import cluster, named, only

if TYPE_CHECKING:
    from kubectl_oom.read.source import Json


def _reference(name: str = "api", kind: str = "Deployment") -> Json:
    return {"apiVersion": "apps/v1", "kind": kind, "name": name}


def test_autoscalers_of_the_workload_are_read_with_their_memory_metrics() -> None:
    of_pod = {
        "type": "Resource",
        "resource": {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}},
    }
    of_container = {
        "type": "ContainerResource",
        "containerResource": {
            "name": "memory",
            "container": "app",
            "target": {"type": "AverageValue", "averageValue": "300Mi"},
        },
    }
    of_cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}}
    now = {
        "type": "Resource",
        "resource": {"name": "memory", "current": {"averageUtilization": 70, "averageValue": "45Mi"}},
    }
    own = named(
        "api",
        {"scaleTargetRef": _reference(), "maxReplicas": 9, "metrics": [of_cpu, of_pod, of_container]},
        {"currentReplicas": 4, "currentMetrics": [now]},
    )
    others = [
        named("b", {"scaleTargetRef": _reference("other"), "maxReplicas": 9}),
        named("c", {"scaleTargetRef": _reference(kind="StatefulSet"), "maxReplicas": 9}),
    ]

    assert only(cluster(horizontalpodautoscalers_autoscaling=[own, *others])).horizontal == (
        HorizontalAutoscaler(
            name="api",
            min_replicas=1,
            max_replicas=9,
            current_replicas=4,
            memory=(
                MemoryMetric(
                    container=None,
                    target_percent=80,
                    target_bytes=None,
                    current_percent=70,
                    current_bytes=45 * MI,
                ),
                MemoryMetric(
                    container="app",
                    target_percent=None,
                    target_bytes=300 * MI,
                    current_percent=None,
                    current_bytes=None,
                ),
            ),
        ),
    )


def test_vertical_autoscalers_of_the_workload_are_read_with_what_they_would_set() -> None:
    policies = [
        {"containerName": "app", "minAllowed": {"memory": "50Mi"}, "maxAllowed": {"memory": "500Mi", "cpu": "1"}},
        {"containerName": "*", "controlledResources": ["cpu"], "controlledValues": "RequestsOnly"},
    ]
    own = named(
        "api",
        {"targetRef": _reference(), "resourcePolicy": {"containerPolicies": policies}},
        {
            "recommendation": {
                "containerRecommendations": [
                    {"containerName": "app", "target": {"cpu": "25m", "memory": "262144k"}},
                    {"containerName": "mesh", "target": {"cpu": "25m"}},
                ]
            }
        },
    )
    other = named("b", {"targetRef": _reference("other"), "updatePolicy": {"updateMode": "Off"}})

    assert only(cluster(verticalpodautoscalers_autoscaling_k8s_io=[own, other])).vertical == (
        VerticalAutoscaler(
            name="api",
            update_mode="Auto",
            controls_limits=False,
            policies=(
                VerticalPolicy(container="app", mode="Auto", min_bytes=50 * MI, max_bytes=500 * MI),
                VerticalPolicy(container="*", mode="Off", min_bytes=None, max_bytes=None),
            ),
            targets={"app": 262_144_000},
        ),
    )
