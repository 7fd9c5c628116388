"""JSON as nobody means it: real objects with parts of them replaced by anything."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tests.build import ENDED_ID, MI, NOW
from tests.in_memory import cadvisor, event_json, killed_status, metadata, node_json, pod_json, replica_set_json, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import DrawFn, SearchStrategy

    from kubectl_oom.read.source import Json

TIMES = [
    "2026-11-22T08:55:00Z",
    "9999-12-31T23:59:59Z",
    "9998-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "1971-01-01T00:00:00Z",
]
WORDS = [
    "OOMKilled",
    "Error",
    "Evicted",
    "Killing",
    "Always",
    "Memory",
    "0",
    "-1",
    "1e999",
    "100Mi",
    "app",
    "True",
    "api-0",
]
NUMBERS = [0, 1, -1, 137, 143, 1 << 62, -(1 << 62), 1 << 70, 10**300]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(NUMBERS),
    st.integers(),
    st.floats(),
    st.sampled_from(TIMES),
    st.sampled_from(WORDS),
    st.text(max_size=8),
)
KEYS = st.sampled_from(["name", "namespace", "metadata", "state", "memory", "limits", "message", "reason", "at", "x"])
JUNK = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=6
)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a value, the value itself first."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from paths(inner, (*path, place))


def _replace(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with `new` at the path; unchanged where an earlier replacement removed the path."""
    if not path:
        return new
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    if path[0] in keys:
        value[path[0]] = _replace(value[path[0]], path[1:], new)
    return value


@st.composite
def mangled(draw: DrawFn, whole: Json, most: int = 5) -> Json:
    """The object with up to `most` of its parts replaced; always an object itself."""
    value = copy.deepcopy(whole)
    places = [path for path in paths(whole) if path]
    for path in draw(st.lists(st.sampled_from(places), max_size=most)):
        value = _replace(value, path, draw(JUNK))
    return dict(value)


def _full_pod() -> Json:
    ended = {
        "reason": "Error",
        "exitCode": 137,
        "finishedAt": stamp(5),
        "startedAt": stamp(6),
        "containerID": "cri-o://x",
    }
    init = {
        "name": "init",
        "state": {"terminated": ended | {"message": "container init was OOM-killed"}},
        "restartCount": 3,
    }
    waits = {"name": "new", "state": {"waiting": {"reason": "RunContainerError", "message": "possibly OOM-killed"}}}
    pod = pod_json(
        "api-0",
        killed_status(),
        waits,
        metadata=metadata(
            "api-0",
            creationTimestamp=stamp(9999),
            deletionTimestamp=stamp(1),
            deletionGracePeriodSeconds=30,
            annotations={"kubernetes.io/limit-ranger": "memory limit for container app"},
            managedFields=[{"subresource": "resize"}],
            ownerReferences=[
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api-7d9", "uid": "u", "controller": True}
            ],
        ),
        spec={
            "nodeName": "node-a",
            "terminationGracePeriodSeconds": 30,
            "resources": {"limits": {"memory": "200Mi"}, "requests": {"memory": "1Mi"}},
            "volumes": [{"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}],
            "containers": [
                {
                    "name": "app",
                    "image": "app:1",
                    "command": ["sh", "-c"],
                    "args": ["java -Xmx64m"],
                    "env": [{"name": "JAVA_OPTS", "value": "-Xmx64m"}],
                    "resources": {"limits": {"memory": "100Mi"}, "requests": {"memory": "50Mi"}},
                    "volumeMounts": [{"name": "shm"}],
                    "livenessProbe": {"terminationGracePeriodSeconds": 7},
                },
                {"name": "new"},
            ],
            "initContainers": [{"name": "init", "restartPolicy": "Always", "resources": {"limits": {"memory": "1Gi"}}}],
        },
    )
    disruption = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "EvictionByEvictionAPI",
        "lastTransitionTime": stamp(3),
    }
    low = "The node was low on resource: memory. Container app was using 2Gi, request is 1Gi, has larger consumption of memory. "
    pod["status"] |= {
        "initContainerStatuses": [init],
        "reason": "Evicted",
        "message": low,
        "qosClass": "Burstable",
        "startTime": stamp(9999),
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": stamp(2)}, disruption],
    }
    return pod


POD = _full_pod()
NODE = node_json()
NODE["status"]["conditions"] = [{"type": "MemoryPressure", "status": "True", "lastTransitionTime": stamp(3)}]
OOM = "System OOM encountered, victim process: java, pid: 4711"
KERNEL = "Out of memory: Killed process 1 (a) total-vm:1kB, anon-rss:1kB, file-rss:1kB"
EVENTS = [
    event_json(
        "e1", "Killing", "Container app failed liveness probe, will be restarted", count=3, lastTimestamp=stamp(302)
    ),
    event_json("e2", "Unhealthy", "Liveness probe failed: x", lastTimestamp=stamp(303)),
    event_json("e3", "FailedCreatePodSandBox", "container init was OOM-killed"),
    event_json("e4", "SystemOOM", OOM, kind="Node", of="node-a", lastTimestamp=stamp(301)),
    event_json(
        "e5", "OOMKilling", KERNEL, kind="Node", of="node-a", series={"count": 3, "lastObservedTime": stamp(300)}
    ),
    event_json("e6", "Starting", "Starting kubelet.", kind="Node", of="node-a"),
]
LIMIT_RANGE: Json = {
    "metadata": {"name": "defaults"},
    "spec": {"limits": [{"type": "Container", "default": {"memory": "1Gi"}, "defaultRequest": {"memory": "1Mi"}}]},
}
SUMMARY: Json = {
    "node": {
        "memory": {"time": stamp(5), "workingSetBytes": 1, "usageBytes": 2, "rssBytes": 3},
        "systemContainers": [{"name": "pods", "memory": {"workingSetBytes": 1}}],
    },
    "pods": [
        {
            "podRef": {"namespace": "shop", "name": "api-0"},
            "memory": {"workingSetBytes": 1, "time": stamp(5)},
            "containers": [{"name": "app", "memory": {"workingSetBytes": 95 * MI, "usageBytes": 99 * MI}}],
        }
    ],
}
POD_METRICS: Json = {"timestamp": stamp(5), "containers": [{"name": "app", "usage": {"memory": "20Mi"}}]}
REPLICA_SET = replica_set_json()
PAGE = cadvisor(
    ("container_memory_working_set_bytes", "app", f"/kubepods/x/{ENDED_ID}", 5.0),
    ("container_oom_events_total", "app", f"/kubepods/x/{ENDED_ID}", 2.0),
    ("container_memory_usage_bytes", "", "/kubepods/x", 5.0),
)


@st.composite
def pages(draw: DrawFn) -> str:
    """A cAdvisor page with pieces of it replaced by any text."""
    page = PAGE
    for piece in draw(
        st.lists(st.sampled_from(["{", "}", '"', " ", "app", "5.0", "container_", "\n", ENDED_ID]), max_size=4)
    ):
        page = page.replace(piece, draw(st.text(max_size=6)), draw(st.integers(1, 9)))
    return page


def histories() -> SearchStrategy[Json]:
    """A history as a snapshot writes it, mangled."""
    second = NOW.timestamp()
    pairs = [[second - 310, 90 * MI], [second - 305, 96 * MI]]
    life: Json = {"pod": "api-0", "container": "app", "container_id": ENDED_ID}
    life |= dict.fromkeys(("working_set", "usage", "rss", "cache", "limit", "oom_events"), pairs)
    whole: Json = {
        "source": "Prometheus",
        "since": second - 86_400,
        "until": second,
        "lives": [life, life | {"container_id": None}],
        "pods_limit": {"node-a": 5},
        "warnings": ["x"],
        "node_usage": {"node-a": pairs},
        "pods_working_set": {"node-a": pairs},
        "pod_usage": {"api-0": pairs},
    }
    return mangled(whole)


RESOURCE_QUOTA: Json = {
    "metadata": metadata("mem"),
    "spec": {
        "hard": {"requests.memory": "1Gi"},
        "scopes": ["NotTerminating"],
        "scopeSelector": {
            "matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high", "low"]}]
        },
    },
    "status": {"hard": {"requests.memory": "1Gi", "limits.memory": "2Gi"}, "used": {"limits.memory": "64Mi"}},
}
_SCALED = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}
_OF_CONTAINER = {"name": "memory", "container": "app", "target": {"averageUtilization": 80, "averageValue": "1Mi"}}
HORIZONTAL_AUTOSCALER: Json = {
    "metadata": metadata("api"),
    "spec": {
        "scaleTargetRef": _SCALED,
        "minReplicas": 2,
        "maxReplicas": 9,
        "metrics": [{"type": "ContainerResource", "containerResource": _OF_CONTAINER}],
    },
    "status": {
        "currentReplicas": 4,
        "currentMetrics": [
            {"type": "", "resource": None},
            {"type": "Resource", "resource": {"name": "memory", "current": {"averageValue": "45Mi"}}},
        ],
    },
}
VERTICAL_AUTOSCALER: Json = {
    "metadata": metadata("api"),
    "spec": {
        "targetRef": _SCALED,
        "updatePolicy": {"updateMode": "Recreate"},
        "resourcePolicy": {
            "containerPolicies": [
                {"containerName": "app", "maxAllowed": {"memory": "1Gi"}, "controlledResources": ["memory"]}
            ]
        },
    },
    "status": {"recommendation": {"containerRecommendations": [{"containerName": "app", "target": {"memory": "1"}}]}},
}
WORKLOAD: Json = {
    "metadata": metadata("api"),
    "spec": {
        "replicas": 3,
        "parallelism": 2,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}},
        "updateStrategy": {"rollingUpdate": {"maxSurge": 1}},
        "template": {"spec": POD["spec"]},
        "jobTemplate": {"spec": {"parallelism": 2}},
    },
    "status": {"desiredNumberScheduled": 4},
}
