"""What goes into a snapshot: everything that is read, and no secret."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.read.objects import event_of, pod_of
from kubectl_oom.read.settings import HEAP_AND_WORKER_SETTINGS
from kubectl_oom.read.slim import slim
from tests import junk
from tests.in_memory import event_json, killed_status, pod_json

SECRET = "hunter2-S3cr3t"
MARKED = st.sampled_from(
    [
        SECRET,
        f"x {SECRET}",
        f"--flag={SECRET}",
        f"a:{SECRET}@host",
        f"-p{SECRET}",
        f"-Dp={SECRET}",
        f"https://u:{SECRET}@h/java",
    ]
)
OPTIONS = st.sampled_from(["--password", "--api-key", "-p", "-u", "--requirepass", "-e", "--workers", "-w"])


def _container(value: str, option: str) -> dict[str, Any]:
    names = [*HEAP_AND_WORKER_SETTINGS, "DB_PASSWORD", "PATH"]
    probe = {
        "httpGet": {"httpHeaders": [{"name": "Authorization", "value": value}], "path": value},
        "exec": {"command": ["curl", value]},
        "periodSeconds": 5,
    }
    return {
        "name": "app",
        "image": "app:1",
        "env": [{"name": name, "value": value} for name in names]
        + [{"name": "FROM", "valueFrom": {"secretKeyRef": {"name": value, "key": value}}}],
        "envFrom": [{"secretRef": {"name": value}}],
        "command": ["/bin/sh", "-c", f"export PW={value}; exec java -Xmx64m"],
        "args": ["mysql", option, value, value],
        "livenessProbe": probe,
        "readinessProbe": probe,
        "startupProbe": probe,
        "lifecycle": {"postStart": {"exec": {"command": [value]}}},
        "volumeMounts": [{"name": "v", "mountPath": value, "subPathExpr": value}],
        "ports": [{"name": value}],
        "workingDir": value,
    }


def _spec(value: str, option: str) -> dict[str, Any]:
    containers = [_container(value, option)]
    return {
        "containers": containers,
        "initContainers": containers,
        "ephemeralContainers": containers,
        "imagePullSecrets": [{"name": value}],
        "hostAliases": [{"hostnames": [value]}],
        "dnsConfig": {"options": [{"name": value}]},
        "securityContext": {"sysctls": [{"name": "a", "value": value}]},
        "volumes": [
            {"name": "v", "csi": {"volumeAttributes": {"password": value}}},
            {"name": "w", "flexVolume": {"options": {"password": value}}},
            {"name": "x", "iscsi": {"chapAuthSession": True, "iqn": value}},
        ],
        "volumeClaimTemplates": [{"metadata": {"annotations": {"a": value}}}],
    }


def _status(value: str) -> dict[str, Any]:
    ended = {"reason": "Error", "exitCode": 1, "message": value}
    waits = {"reason": "RunContainerError", "message": f'exec: "server --password={value}": not found'}
    return {
        "containerStatuses": [
            killed_status(reason="Error", message=value),
            {"name": "x", "state": {"terminated": ended}},
        ],
        "initContainerStatuses": [{"name": "i", "state": {"waiting": waits}}],
        "ephemeralContainerStatuses": [{"name": "e", "lastState": {"terminated": {**ended, "reason": "StartError"}}}],
    }


def _metadata(value: str) -> dict[str, Any]:
    return {
        "name": "api-0",
        "namespace": "shop",
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": value, "checksum/secret": value},
        "managedFields": [
            {"manager": "kubectl", "fieldsV1": {"f:x": value}},
            {"manager": "vpa", "subresource": "resize", "fieldsV1": {value: {}}},
        ],
    }


def _event(reason: str, message: str) -> dict[str, Any]:
    return event_json("e", reason, message, metadata=_metadata(SECRET))


@given(MARKED, OPTIONS)
def test_no_secret_of_a_pod_or_workload_survives(value: str, option: str) -> None:
    pod = {"metadata": _metadata(value), "spec": _spec(value, option), "status": _status(value)}
    template = {"metadata": _metadata(value), "spec": _spec(value, option)}
    workload = {"metadata": _metadata(value), "spec": {"template": template, "replicas": 1}}
    cron_job = {"metadata": _metadata(value), "spec": {"jobTemplate": {"metadata": {}, "spec": {"template": template}}}}

    assert SECRET not in json.dumps([slim(pod), slim(workload), slim(cron_job)])


@given(MARKED)
def test_no_secret_of_config_maps_secrets_and_events_survives(value: str) -> None:
    held = {"metadata": _metadata(value), "data": {"a": value}, "stringData": {"a": value}, "binaryData": {"a": value}}
    told = [
        _event("Unhealthy", f"Liveness probe failed: HTTP probe failed: {value}"),
        _event("Unhealthy", f"(combined from similar events): Liveness probe failed: {value}"),
        _event("FailedPostStartHook", f"Exec lifecycle hook ([{value}]) failed"),
        _event("Failed", f'Error: exec: "{value}": not found'),
        _event("SomethingNew", value),
    ]

    assert SECRET not in json.dumps([slim(item) for item in (held, *told)])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(SECRET),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "value", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON_VALUES, st.sampled_from(["env", "command", "args", "livenessProbe", "volumeMounts", "lifecycle", "new"]))
def test_no_shape_of_a_container_field_lets_a_secret_through(value: Any, name: str) -> None:
    volume_names = name == "volumeMounts"  # names of volumes are no secrets, and they are read

    kept = json.dumps(slim({"metadata": {}, "spec": {"containers": [{"name": "app", name: value}]}}))

    assert volume_names or SECRET not in kept


def test_what_is_read_of_a_pod_survives_whole() -> None:
    item = pod_json(
        spec={
            "terminationGracePeriodSeconds": 5,
            "volumes": [
                {"name": "shm", "emptyDir": {"medium": "Memory"}},
                {"name": "s", "secret": {"secretName": "s"}},
            ],
            "containers": [
                {
                    "name": "app",
                    "image": "app:1",
                    "command": ["java", "-Xmx64m"],
                    "env": [{"name": "JAVA_OPTS", "value": "-Xmx64m"}],
                    "resources": {"limits": {"memory": "100Mi"}},
                    "volumeMounts": [{"name": "shm", "mountPath": "/shm"}],
                    "livenessProbe": {"httpGet": {}, "terminationGracePeriodSeconds": 7},
                    "startupProbe": {"httpGet": {"path": "/"}},
                }
            ],
        },
    )
    item["metadata"]["annotations"] = {
        "vpaInPlaceUpdated": "true",
        "kubernetes.io/limit-ranger": "memory limit for container app",
    }

    assert pod_of(slim(item)) == pod_of(item)


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        ("Killing", "Container app failed liveness probe, will be restarted"),
        ("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500"),
        ("SystemOOM", "System OOM encountered, victim process: java, pid: 4711"),
        ("OOMKilling", "Memory cgroup out of memory: Killed process 1 (a) total-vm:1kB, anon-rss:1kB, file-rss:1kB"),
        (
            "FailedCreatePodSandBox",
            "Failed to create pod sandbox: container init was OOM-killed (memory limit too low?)",
        ),
        ("Evicted", "The node was low on resource: memory. "),
        ("Starting", "Starting kubelet."),
    ],
)
def test_what_is_read_of_an_event_survives_whole(reason: str, message: str) -> None:
    item = event_json("e", reason, message)

    assert event_of(slim(item)) == event_of(item)


def test_a_start_that_failed_for_memory_keeps_its_message() -> None:
    message = "container init was OOM-killed (memory limit too low?)"
    item = pod_json("api-0", killed_status(reason="StartError", exitCode=128, message=message))

    (kept,) = pod_of(slim(item)).containers[0].terminations
    assert kept.message == message


def test_of_a_horizontal_autoscaler_only_what_is_about_memory_survives() -> None:
    memory = {"type": "Resource", "resource": {"name": "memory", "target": {"averageUtilization": 80}}}
    external = {
        "type": "External",
        "external": {"metric": {"name": "queue", "selector": {"matchLabels": {"token": SECRET}}}},
    }
    target = {"kind": "Deployment", "name": "api"}
    item = {
        "metadata": {"name": "api", "annotations": {"note": SECRET}},
        "spec": {"scaleTargetRef": target, "maxReplicas": 9, "metrics": [external, memory], "behavior": {"x": SECRET}},
        "status": {
            "currentReplicas": 4,
            "currentMetrics": [memory, external],
            "conditions": [{"type": "ScalingActive", "message": SECRET}],
        },
    }

    assert slim(item) == {
        "metadata": {"name": "api"},
        "spec": {"scaleTargetRef": target, "maxReplicas": 9, "metrics": [memory]},
        "status": {"currentReplicas": 4, "currentMetrics": [memory]},
    }


@pytest.mark.parametrize("item", [junk.LIMIT_RANGE, junk.RESOURCE_QUOTA, junk.VERTICAL_AUTOSCALER])
def test_what_else_stands_around_a_size_survives_whole(item: dict[str, Any]) -> None:
    assert slim(item) == item


def test_of_a_node_the_taints_survive_and_its_place_in_the_cloud_does_not() -> None:
    taints = [{"key": "team", "value": "data", "effect": "NoSchedule"}]
    spec = {"providerID": f"cloud:///{SECRET}", "podCIDR": "10.1.0.0/24", "podCIDRs": ["10.1.0.0/24"], "taints": taints}

    assert slim({"metadata": {"name": "node-a"}, "spec": spec})["spec"] == {"taints": taints}
