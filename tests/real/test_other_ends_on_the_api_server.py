"""`why` on a real API server: ends that no kernel brought about, and exit codes that no signal made.

The scheduler's preemption and the eviction by a drain are real; what a kubelet writes afterwards is written as it
writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real.stage import Stage
from tests.real.status import condition, container, ended, only, outcome, running, status_of, waiting

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster
    from tests.real.status import Json

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def _sigkilled(stage: Stage, *, seconds: float = 0) -> Json:
    """The status of a container that SIGKILL ended that long ago, and that nobody starts again."""
    return status_of("app", ended("Error", 137, stage.ago(seconds=seconds)))


# --- pods that were told to go -----------------------------------------------------------------------------------------


def test_a_preemption_by_the_scheduler_is_a_stop(api_server: Cluster) -> None:
    stage = Stage.on(api_server, memory="100Mi")
    victim = stage.pod("victim", container(limit="80Mi", request="80Mi"))
    stage.status(victim, status_of("app", running(stage.ago(hours=1))))
    stage.urgent_pod("urgent", container(limit="80Mi", request="80Mi"))
    gone = stage.once_deleted("victim")
    stage.killing(gone, "Stopping container app", stage.ago(seconds=5))
    stage.status(gone, _sigkilled(stage), phase="Failed", conditions=gone["status"]["conditions"])

    answer = stage.why("pod/victim")

    assert outcome(answer) == {"app": ("stopped", "certain", [])}
    assert only(answer)["because"] == (
        "The kubelet stopped it: the scheduler preempted the pod for one of higher priority."
    )


@pytest.mark.parametrize("event_kept", [True, False], ids=["with its event", "its event was dropped"])
def test_an_eviction_by_a_drain_is_a_stop(stage: Stage, *, event_kept: bool) -> None:
    pod = stage.pod("api")
    stage.status(pod, status_of("app", running(stage.ago(hours=1))))
    stage.evict("api")
    gone = stage.once_deleted("api")
    if event_kept:
        stage.killing(gone, "Stopping container app", stage.ago(seconds=5))
    stage.status(gone, _sigkilled(stage), phase="Failed", conditions=gone["status"]["conditions"])

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("stopped", "certain", [])}
    assert "evicted through the API (a drain, or an autoscaler)" in only(answer)["because"]


def test_a_deletion_is_a_stop_and_said_to_be_likely_where_no_event_tells(stage: Stage) -> None:
    pod = stage.pod("api")
    stage.status(pod, status_of("app", running(stage.ago(hours=1))))
    stage.api.ask("DELETE", stage.path("/api/v1", "pods", "api"))
    stage.status(pod, _sigkilled(stage), phase="Failed")

    assert outcome(stage.why("pod/api")) == {"app": ("stopped", "likely", [])}


STOPS = {
    "a deletion because of a taint": (
        {},
        ("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),
        "The pod was deleted because of a taint on its node.",
    ),
    "a preemption by the kubelet": (
        {"reason": "Preempting", "message": "Preempted in order to admit critical pod"},
        ("TerminationByKubelet", "Pod was preempted by Kubelet to accommodate a critical pod."),
        "The kubelet preempted the pod to admit a critical one.",
    ),
    "a node shutdown": (
        {"reason": "Terminated", "message": "Pod was terminated in response to imminent node shutdown."},
        ("TerminationByKubelet", "Pod was terminated in response to imminent node shutdown."),
        "The node was shutting down.",
    ),
    "a deadline": (
        {"reason": "DeadlineExceeded", "message": "Pod was active on the node longer than the specified deadline"},
        None,
        "The pod passed its activeDeadlineSeconds.",
    ),
}


@pytest.mark.parametrize("stop", STOPS)
def test_what_ended_the_pod_as_a_whole_is_a_stop(stage: Stage, stop: str) -> None:
    told, disruption, because = STOPS[stop]
    pod = stage.pod("api", restartPolicy="Never")
    conditions = [condition("DisruptionTarget", "True", stage.ago(minutes=1), *disruption)] if disruption else []
    stage.status(pod, _sigkilled(stage, seconds=30), phase="Failed", conditions=conditions, **told)

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("stopped", "certain", [])}
    assert only(answer)["because"] == because


def test_an_oom_mark_on_a_container_that_was_being_stopped_is_a_finding(stage: Stage) -> None:
    pod = stage.pod("api", restartPolicy="Never")
    stage.killing(pod, "Stopping container app", stage.ago(seconds=40))
    end = ended("OOMKilled", 143, stage.ago(seconds=30))
    stage.status(pod, status_of("app", end), phase="Failed")

    assert outcome(stage.why("pod/api")) == {"app": ("stopped", "certain", ["child-killed-before"])}


# --- evictions ---------------------------------------------------------------------------------------------------------


LOW_ON_MEMORY = (
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 88Mi. "
    "Container app was using 1500Mi, request is 500Mi, has larger consumption of memory. "
)


@pytest.mark.parametrize("reason", ["Error", "ContainerStatusUnknown"], ids=["a real 137", "a made-up 137"])
@pytest.mark.parametrize("event_kept", [True, False], ids=["with its event", "its event has expired"])
def test_an_eviction_for_memory_names_who_used_more_than_it_requests(
    stage: Stage, reason: str, *, event_kept: bool
) -> None:
    pod = stage.pod("api", container(limit=None, request="500Mi"))
    if event_kept:
        offender = {"offending_containers": "app", "offending_containers_usage": "1500Mi", "starved_resource": "memory"}
        at = stage.ago(minutes=2)
        stage.event(pod, "Evicted", LOW_ON_MEMORY, at, kind="Warning", annotations=offender)
    disrupted = condition("DisruptionTarget", "True", stage.ago(minutes=2), "TerminationByKubelet", LOW_ON_MEMORY)
    container_status = status_of("app", ended(reason, 137, stage.ago(minutes=2) if reason == "Error" else None))
    told = {"reason": "Evicted", "message": LOW_ON_MEMORY, "conditions": [disrupted]}
    stage.status(pod, container_status, phase="Failed", **told)

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("evicted", "certain", ["over-request", "oom-score", "no-limit"])}
    item = only(answer)
    assert item["killedAt"] == stage.rfc3339(minutes=2)
    assert item["findings"][0]["message"] == (
        "Container app was using 1.46Gi and requests 500Mi; the node had 88Mi left."
    )


def test_a_pod_that_the_kubelet_would_not_admit_was_not_killed(stage: Stage) -> None:
    message = "Node didn't have enough resource: memory, requested: 67108864, used: 8589934592, capacity: 8589934592"
    pod = stage.pod("api")
    stage.status(pod, phase="Failed", reason="OutOfmemory", message=message)

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("no-termination", "certain", [])}
    assert only(answer)["because"] == (
        "The kubelet did not admit the pod (OutOfmemory): its node had no room for what it requests, so nothing of it "
        "ever ran."
    )
    assert only(answer)["evidence"][0]["value"] == f"OutOfmemory: {message}"


# --- codes that say less than they seem --------------------------------------------------------------------------------


def test_a_137_that_the_kubelet_made_up_says_nothing(stage: Stage) -> None:
    pod = stage.pod("api", restartPolicy="Never")
    end = ended("ContainerStatusUnknown", 137, None)
    end["terminated"]["message"] = "The container could not be located when the pod was terminated"
    stage.status(pod, status_of("app", end), phase="Failed")

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("sigkill-unknown", "possible", [])}
    assert only(answer)["because"] == (
        "The exit code says nothing: the kubelet could not find the container any more and filled in 137 itself."
    )
    assert only(answer)["killedAt"] is None


def test_a_restart_of_all_containers_in_place_is_a_stop(stage: Stage) -> None:
    pod = stage.pod("api")
    end = ended("RestartingAllContainers", 137, None)
    end["terminated"]["message"] = "The container is removed because RestartAllContainers in place"
    stage.status(pod, status_of("app", running(stage.ago(minutes=4)), end, restarts=1))

    assert outcome(stage.why("pod/api")) == {"app": ("stopped", "certain", [])}


def test_a_sigkill_that_nobody_explains_is_said_to_be_unknown_with_candidates(stage: Stage) -> None:
    probe = {"exec": {"command": ["true"]}}
    pod = stage.pod("api", container(livenessProbe=probe))
    end = ended("Error", 137, stage.ago(minutes=5))
    stage.status(pod, status_of("app", running(stage.ago(minutes=4)), end, restarts=1))

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("sigkill-unknown", "possible", [])}
    assert [candidate.partition(":")[0] for candidate in only(answer)["candidates"]] == [
        "a failed probe whose event is not kept",
        "an OOM kill that the runtime did not report (its event can be lost)",
        "the program's own `exit 137`, or a shell that passes on its killed child's code",
        "a kill by hand, by another process, or by a user-space OOM daemon on the node",
    ]


@pytest.mark.parametrize(
    ("reason", "code", "confidence"),
    [("Completed", 0, "certain"), ("Error", 1, "certain"), ("Error", 139, "likely")],
    ids=["completed", "an error", "a segmentation fault"],
)
def test_an_end_of_its_own_is_not_oom(stage: Stage, reason: str, code: int, confidence: str) -> None:
    pod = stage.pod("api", restartPolicy="Never")
    end = ended(reason, code, stage.ago(minutes=5))
    stage.status(pod, status_of("app", end), phase="Failed" if code else "Succeeded")

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("not-oom", confidence, [])}
    assert only(answer)["exitCode"] == code


def test_a_container_that_waits_for_its_image_was_not_killed(stage: Stage) -> None:
    pod = stage.pod("api")
    state = waiting("ImagePullBackOff", 'Back-off pulling image "registry.example/app:1"')
    stage.status(pod, status_of("app", state), phase="Pending")

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("no-termination", "likely", [])}
    assert only(answer)["reason"] == "ImagePullBackOff"
