"""The API's JSON becomes evidence: what is there is read, what is not is None, and nothing is made up."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import ContainerType, LimitDefault, MemoryVolume, Owner
from kubectl_oom.read.objects import (
    event_of,
    limit_defaults_of,
    node_of,
    owners_of,
    pod_of,
    when,
)
from kubectl_oom.read.resources import requested_bytes
from kubectl_oom.read.slim import slim
from tests.build import ENDED_ID, KILLED, MI, RUNNING_ID, ago
from tests.in_memory import killed_status, pod_json, stamp


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T08:55:00Z", datetime(2026, 11, 22, 8, 55, tzinfo=timezone.utc)),
        ("2026-11-22T08:55:00.123456Z", datetime(2026, 11, 22, 8, 55, 0, 123456, tzinfo=timezone.utc)),
        ("2026-11-22T08:55:00.123456789Z", datetime(2026, 11, 22, 8, 55, 0, 123456, tzinfo=timezone.utc)),
        ("2026-11-22T08:55:00.5+02:00", datetime(2026, 11, 22, 6, 55, 0, 500000, tzinfo=timezone.utc)),
        ("2026-11-22T08:55:00", datetime(2026, 11, 22, 8, 55, tzinfo=timezone.utc)),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("1970-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-10:00", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (17, None),
    ],
)
def test_api_times(text: object, moment: datetime | None) -> None:
    assert when(text) == moment


@given(st.floats(4e7, 2.5e11))
def test_every_time_comes_back(seconds: float) -> None:
    moment = datetime.fromtimestamp(seconds, tz=timezone.utc)

    assert when(moment.isoformat().replace("+00:00", "Z")) == moment


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_none(text: str) -> None:
    moment = when(text)

    assert moment is None or moment.tzinfo is timezone.utc


def test_a_pod_with_every_field() -> None:
    item = pod_json(
        metadata={
            "namespace": "shop",
            "name": "api-0",
            "uid": "u",
            "creationTimestamp": stamp(900),
            "deletionTimestamp": stamp(10),
            "deletionGracePeriodSeconds": 30,
            "annotations": {"kubernetes.io/limit-ranger": "LimitRanger plugin set: memory limit for container app"},
            "ownerReferences": [
                {"kind": "Other"},
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "controller": True},
            ],
        },
        spec={
            "terminationGracePeriodSeconds": 5,
            "priorityClassName": "system-node-critical",
            "resources": {"limits": {"memory": "1Gi"}, "requests": {"memory": "512Mi"}},
            "volumes": [
                {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
                {"name": "disk", "emptyDir": {}},
            ],
            "containers": [
                {
                    "name": "app",
                    "image": "app:1",
                    "command": ["/bin/sh", "-c"],
                    "resources": {"limits": {"memory": "100Mi"}, "requests": {"memory": "50Mi"}},
                    "volumeMounts": [{"name": "shm"}, {"name": "disk"}],
                    "livenessProbe": {"terminationGracePeriodSeconds": 7},
                    "startupProbe": {},
                    "readinessProbe": {"periodSeconds": 1},
                    "env": [{"name": "GOMEMLIMIT", "value": "90MiB"}, {"name": "TOKEN", "value": "x"}],
                }
            ],
        },
    )

    pod = pod_of(item)

    assert (pod.namespace, pod.name, pod.uid, pod.node) == ("shop", "api-0", "u", "node-a")
    assert (pod.created_at, pod.deletion_at, pod.deletion_grace_seconds) == (ago(900), ago(10), 30)
    assert (pod.grace_seconds, pod.priority_class) == (5, "system-node-critical")
    assert (pod.limit_bytes, pod.request_bytes) == (1024 * MI, 512 * MI)
    assert pod.owners == (Owner(api_version="apps/v1", kind="ReplicaSet", name="r"),)
    assert pod.memory_volumes == (MemoryVolume(name="shm", size_limit_bytes=64 * MI),)
    (app,) = pod.containers
    assert app.memory_volumes == pod.memory_volumes
    assert (app.limit_bytes, app.request_bytes, app.limit_defaulted) == (100 * MI, 50 * MI, True)
    assert (app.probes, app.probe_grace_seconds) == (("liveness", "readiness"), 7)
    assert (app.command, dict(app.env)) == (("sh", "(not recorded)"), {"GOMEMLIMIT": "90MiB"})
    assert (app.state, app.container_id, app.runtime) == ("running", RUNNING_ID, "containerd")
    assert app.running_since == ago(KILLED - 10)
    (ended,) = app.terminations
    assert ended.field == "status.containerStatuses[app].lastState.terminated"
    assert (ended.reason, ended.exit_code, ended.finished_at) == ("OOMKilled", 137, ago(KILLED))
    assert (ended.container_id, ended.is_current) == (ENDED_ID, False)


def test_a_pod_with_nothing_in_it() -> None:
    pod = pod_of({})

    assert (pod.namespace, pod.name, pod.uid, pod.containers, pod.owners) == ("default", "", None, (), ())
    assert (pod.grace_seconds, pod.restart_policy, pod.resized) == (30, "Always", False)


def test_ends_come_newest_first() -> None:
    status = killed_status()
    status["state"] = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": stamp(10)}}

    (app,) = pod_of(pod_json("api-0", status)).containers

    assert [(end.exit_code, end.is_current) for end in app.terminations] == [(1, True), (137, False)]
    assert app.state == "terminated"


@pytest.mark.parametrize(
    ("place", "restart", "kind"),
    [
        ("containers", None, ContainerType.APP),
        ("initContainers", None, ContainerType.INIT),
        ("initContainers", "Always", ContainerType.SIDECAR),
        ("ephemeralContainers", None, ContainerType.EPHEMERAL),
    ],
)
def test_what_kind_of_container_it_is_and_its_own_status(place: str, restart: str | None, kind: ContainerType) -> None:
    status_list = {"containers": "containerStatuses", "initContainers": "initContainerStatuses"}
    spec = {"name": "x"} | ({"restartPolicy": restart} if restart else {})
    item = {
        "spec": {place: [spec]},
        "status": {status_list.get(place, "ephemeralContainerStatuses"): [{"name": "x", "restartCount": 4}]},
    }

    (found,) = pod_of(item).containers

    assert (found.type, found.restart_count) == (kind, 4)


@pytest.mark.parametrize(
    ("limit", "bytes_"), [("100Mi", 100 * MI), ("0", None), (0, None), ("100 megs", None), (None, None), (True, None)]
)
def test_a_limit_of_zero_is_no_limit(limit: object, bytes_: int | None) -> None:
    item = {"spec": {"containers": [{"name": "x", "resources": {"limits": {"memory": limit}}}]}}

    assert pod_of(item).containers[0].limit_bytes == bytes_


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("StartError", True),
        ("ContainerCannotRun", True),
        ("ContainerStatusUnknown", True),
        ("Error", False),
        ("OOMKilled", False),
    ],
)
def test_a_message_that_the_program_wrote_is_not_read(reason: str, kept: bool) -> None:  # noqa: FBT001
    item = pod_json("api-0", killed_status(reason=reason, message="container init was OOM-killed"))

    (ended,) = pod_of(item).containers[0].terminations

    assert ended.message == ("container init was OOM-killed" if kept else None)


@pytest.mark.parametrize(
    ("meta", "resized"),
    [
        ({"managedFields": [{"manager": "kubectl", "subresource": "resize"}]}, True),
        ({"managedFields": [{"manager": "kubelet", "subresource": "status"}]}, False),
        ({"annotations": {"vpaInPlaceUpdated": "true"}}, True),
        ({"annotations": {"vpaUpdates": "x"}}, False),
        ({}, False),
    ],
)
def test_a_resize_in_place_is_noticed(meta: dict[str, Any], resized: bool) -> None:  # noqa: FBT001
    assert pod_of({"metadata": meta}).resized is resized


def resize(at: object, *path: str) -> dict[str, Any]:
    """The managed fields of who resized a pod, as the API server writes them."""
    fields: dict[str, Any] = {}
    for step in reversed(path):
        fields = {step: fields}
    return {"manager": "kubectl", "operation": "Update", "subresource": "resize", "time": at, "fieldsV1": fields}


APP_LIMITS = ("f:spec", "f:containers", 'k:{"name":"app"}', "f:resources", "f:limits")


@pytest.mark.parametrize(
    ("entries", "resized", "at"),
    [
        ([resize(stamp(90), *APP_LIMITS, "f:memory")], True, ago(90)),
        ([resize(stamp(90), *APP_LIMITS, "f:memory"), resize(stamp(50), *APP_LIMITS, "f:memory")], True, ago(50)),
        ([resize(stamp(90), *APP_LIMITS, "f:memory"), resize(stamp(50), *APP_LIMITS, "f:cpu")], True, ago(90)),
        ([resize(stamp(90), *APP_LIMITS, "f:memory"), resize(None, *APP_LIMITS, "f:memory")], True, None),
        ([resize(stamp(90), *APP_LIMITS, "f:cpu")], False, None),
        ([resize(stamp(90))], True, ago(90)),
    ],
    ids=["memory", "twice", "cpu later", "no time", "cpu", "no fields"],
)
def test_when_memory_was_resized_last(entries: list[Any], resized: bool, at: datetime | None) -> None:  # noqa: FBT001
    meta = {"managedFields": entries}
    found, kept = pod_of({"metadata": meta}), pod_of(slim({"metadata": meta}))

    assert (found.resized, found.resized_at) == (kept.resized, kept.resized_at) == (resized, at)


def test_an_event_of_the_old_kind() -> None:
    event = event_of(
        {
            "metadata": {"creationTimestamp": stamp(99)},
            "involvedObject": {"kind": "Pod", "name": "api-0", "uid": "u", "fieldPath": "spec.containers{app}"},
            "reason": "Killing",
            "message": "Stopping container app",
            "type": "Normal",
            "count": 3,
            "firstTimestamp": stamp(50),
            "lastTimestamp": stamp(5),
            "source": {"component": "kubelet"},
        }
    )

    assert (event.first_at, event.last_at, event.count, event.component) == (ago(50), ago(5), 3, "kubelet")
    assert (event.object_uid, event.field_path) == ("u", "spec.containers{app}")


def test_an_event_of_the_new_kind() -> None:
    event = event_of(
        {
            "metadata": {"creationTimestamp": stamp(99)},
            "eventTime": stamp(50),
            "series": {"count": 7, "lastObservedTime": stamp(5)},
            "reportingComponent": "kubelet",
            "firstTimestamp": None,
            "lastTimestamp": None,
        }
    )

    assert (event.first_at, event.last_at, event.count, event.component) == (ago(50), ago(5), 7, "kubelet")


def test_an_event_with_its_creation_only() -> None:
    event = event_of({"metadata": {"creationTimestamp": stamp(99)}})

    assert (event.first_at, event.last_at, event.count) == (ago(99), ago(99), 1)


@pytest.mark.parametrize("prefix", ["", "(combined from similar events): "])
def test_what_a_program_answered_to_a_probe_is_not_read(prefix: str) -> None:
    event = event_of({"reason": "Unhealthy", "message": f"{prefix}Liveness probe failed: token=hunter2"})

    assert event.message == "Liveness probe failed"


def test_a_node() -> None:
    node = node_of(
        {
            "metadata": {"name": "node-a"},
            "status": {
                "capacity": {"memory": "10Gi"},
                "allocatable": {"memory": "9Gi"},
                "nodeInfo": {"kubeletVersion": "v1.36.3", "containerRuntimeVersion": "cri-o://1.36"},
                "conditions": [{"type": "MemoryPressure", "status": "False", "lastTransitionTime": stamp(9)}],
            },
        }
    )

    assert (node.name, node.capacity_bytes, node.allocatable_bytes) == ("node-a", 10240 * MI, 9216 * MI)
    assert (node.kubelet_version, node.runtime_version) == ("v1.36.3", "cri-o://1.36")
    assert [(c.type, c.status, c.at) for c in node.conditions] == [("MemoryPressure", "False", ago(9))]


def test_memory_defaults_of_a_limit_range() -> None:
    item = {
        "metadata": {"name": "defaults"},
        "spec": {
            "limits": [
                {"type": "Container", "default": {"memory": "512Mi"}, "defaultRequest": {"memory": "256Mi"}},
                {"type": "Container", "default": {"cpu": "1"}},
                {"type": "Pod", "max": {"memory": "1Gi"}, "default": {"memory": "1Gi"}},
            ]
        },
    }

    assert limit_defaults_of(item) == (
        LimitDefault(name="defaults", default_limit_bytes=512 * MI, default_request_bytes=256 * MI),
    )


def _asks(memory: str, **more: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"memory": memory}}, **more}


@pytest.mark.parametrize(
    ("spec", "mebibytes"),
    [
        ({"containers": [_asks("10Mi"), _asks("20Mi"), {}]}, 30),
        ({"containers": [_asks("10Mi")], "initContainers": [_asks("50Mi"), _asks("40Mi")]}, 50),
        ({"containers": [_asks("10Mi")], "initContainers": [_asks("5Mi", restartPolicy="Always"), _asks("50Mi")]}, 55),
        ({"containers": [_asks("90Mi")], "initContainers": [_asks("5Mi", restartPolicy="Always"), _asks("50Mi")]}, 95),
        ({"containers": [_asks("10Mi")], "resources": {"requests": {"memory": "7Mi"}}}, 7),
        ({"containers": [_asks("10Mi")], "overhead": {"memory": "3Mi"}}, 13),
        ({"containers": [], "resources": {"requests": {"memory": "7Mi"}}, "overhead": {"memory": "3Mi"}}, 10),
        ({"containers": [_asks("10Mi")], "initContainers": [_asks("50Mi"), _asks("5Mi", restartPolicy="Always")]}, 50),
        ({}, 0),
    ],
)
def test_what_a_pod_asks_the_scheduler_for(spec: dict[str, Any], mebibytes: int) -> None:
    assert requested_bytes({"spec": spec}) == mebibytes * MI


def test_only_the_controller_is_an_owner() -> None:
    refs = [{"kind": "A", "name": "a"}, {"kind": "B", "name": "b", "apiVersion": "x/v1", "controller": True}]

    assert owners_of({"metadata": {"ownerReferences": refs}}) == (Owner(api_version="x/v1", kind="B", name="b"),)
    assert owners_of({"metadata": {"ownerReferences": refs[:1]}}) == ()
