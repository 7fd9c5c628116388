"""New pods that are not even started: their status only says that they are being created, their events say why."""

from __future__ import annotations

from kubectl_oom.act.pods import MOST_PENDING, events_of
from kubectl_oom.act.troubles import SANDBOX_SECONDS, trouble_of
from kubectl_oom.read.objects import event_of, pod_of
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.workload import facts_of
from tests.in_memory import InMemory, metadata
from tests.rollouts import Json, deployment, pod

# As containerd and runc said it on a real node, under limits of 1Mi and 3Mi.
TOO_LOW = (
    "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create containerd task: failed to create "
    "shim task: OCI runtime create failed: runc create failed: unable to start container process: container init was "
    "OOM-killed (memory limit too low?)"
)
STOPPED = "Failed to create pod sandbox: failed to start sandbox container task: cannot start a stopped process"


def _event(message: str) -> Json:
    about = {"kind": "Pod", "name": "api-0", "namespace": "shop"}
    made = metadata("api-0.1")
    return {"metadata": made, "reason": "FailedCreatePodSandBox", "message": message, "involvedObject": about}


def test_a_limit_that_is_less_than_starting_takes_is_a_failure_at_once() -> None:
    trouble = trouble_of(deployment(), [pod_of(pod("Pending"))], [event_of(_event(TOO_LOW))], None)

    assert trouble and trouble.because == (
        "pod/api-0 does not start: its memory limit is less than the container runtime needs to start it."
    )
    assert trouble.fails_after == 0


def test_another_failure_is_told_at_once_and_fails_when_the_kubelet_had_time_to_try_again() -> None:
    trouble = trouble_of(deployment(), [pod_of(pod("Pending"))], [event_of(_event(STOPPED))], None)

    assert trouble and trouble.because == f"pod/api-0 does not start: {STOPPED}"
    assert trouble.fails_after == SANDBOX_SECONDS


def test_what_pods_of_the_old_template_went_through_is_not_counted() -> None:
    assert trouble_of(deployment(), (), [event_of(_event(TOO_LOW))], None) is None


def test_only_a_few_pods_that_have_a_node_and_do_not_run_are_asked_about() -> None:
    item = deployment()
    source = InMemory(objects={"events": [_event(TOO_LOW)]})
    pending = pod("Pending")
    pending["spec"]["nodeName"] = "node-a"

    assert events_of(source, facts_of(item, "apps/v1", "Deployment"), [pod_of(pending)])
    asked = source.asked["list pod events"]
    events_of(source, facts_of(item, "apps/v1", "Deployment"), [pod_of(pending)] * 9)
    assert source.asked["list pod events"] - asked == 1 + MOST_PENDING
    assert not events_of(source, facts_of(item, "apps/v1", "Deployment"), [pod_of(pod("Pending"))])


def test_events_that_may_not_be_read_are_none() -> None:
    source = InMemory(failures={"list pod events": ReadError("Forbidden", "no", 403)})

    assert events_of(source, facts_of(deployment(), "apps/v1", "Deployment"), ()) == ()
