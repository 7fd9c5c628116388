"""What the pods of a rollout tell: why it does not go on, when it is done, and with which sizes they run."""

from __future__ import annotations

import pytest

from kubectl_oom.act.in_place import resized
from kubectl_oom.act.rollout import Patience, follow
from kubectl_oom.act.steps import Step, counts_of, progress
from kubectl_oom.act.troubles import trouble_of
from kubectl_oom.evidence import RolloutState
from kubectl_oom.read.objects import pod_of
from tests.build import ago
from tests.in_memory import InMemory, metadata
from tests.rollouts import NEW, Json, deployment, killed, plan, pod

DONE = deployment(replicas=2, updatedReplicas=2, availableReplicas=2)


def test_a_deadline_that_has_passed_is_told_with_what_the_pods_wait_for() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    item = deployment(conditions=[late])
    unscheduled = pod("Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}])

    alone, caused = trouble_of(item, (), (), None), trouble_of(item, [pod_of(unscheduled)], (), None)

    assert alone and "ProgressDeadlineExceeded" in alone.because
    assert alone.remedy and alone.remedy.startswith("kubectl get events -n shop ")
    assert caused and caused.because.startswith("pod/api-0 finds no node") and not caused.fails_after


def test_a_kill_counts_only_when_it_came_after_the_change() -> None:
    after, before = pod("Running", killed(30)), pod("Running", killed(3000))
    item = deployment()

    since = trouble_of(item, [pod_of(after)], (), ago(600))

    assert since and since.because == "app of pod/api-0 was OOM-killed again, under the new limit of 96Mi."
    assert trouble_of(item, [pod_of(before)], (), ago(600)) is None


@pytest.mark.parametrize(
    ("kind", "item", "done"),
    [
        ("StatefulSet", {"spec": {"replicas": 3}, "status": {"updatedReplicas": 3, "availableReplicas": 3}}, True),
        ("StatefulSet", {"spec": {"replicas": 3}, "status": {"updatedReplicas": 1, "availableReplicas": 3}}, False),
        (
            "DaemonSet",
            {"status": {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2}},
            True,
        ),
        (
            "DaemonSet",
            {"status": {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1}},
            False,
        ),
    ],
)
def test_a_rollout_is_done_when_all_pods_are_new_and_available(kind: str, item: Json, done: bool) -> None:  # noqa: FBT001
    assert (progress(item, kind).state is RolloutState.DONE) is done


def test_pods_below_a_partition_are_not_waited_for_and_are_told() -> None:
    strategy = {"rollingUpdate": {"partition": 2}}
    item = {
        "spec": {"replicas": 3, "updateStrategy": strategy},
        "status": {"updatedReplicas": 1, "availableReplicas": 3},
    }

    assert counts_of(item, "StatefulSet").wanted == 1
    assert (
        progress(item, "StatefulSet").because
        == "1 of 1 pods run with the new size. 2 below the partition keep the old one."
    )


def _resize(pod_json: Json) -> Step:
    return resized((pod_json,), plan(deployment()), ago(600))


def test_a_resize_is_done_when_the_kubelet_reports_the_new_size() -> None:
    running: Json = {"name": "app", "state": {"running": {}}, "resources": NEW}
    old = running | {"resources": {"limits": {"memory": "64Mi"}}}
    pending = {"type": "PodResizePending", "status": "True", "message": "Node didn't have enough resource"}

    assert _resize(pod("Running", running)).state is RolloutState.DONE
    assert _resize(pod("Running", old)).state is None
    assert _resize(pod("Running", {"name": "app", "state": {"running": {}}})).state is None  # not reported is not done
    deferred = _resize(pod("Running", old, conditions=[pending | {"reason": "Deferred"}]))
    assert (deferred.state, deferred.because) == (
        None,
        "pod/api-0 waits for room on its node: Node didn't have enough resource",
    )
    refused = _resize(pod("Running", old, conditions=[pending | {"reason": "Infeasible"}]))
    assert refused.state is RolloutState.FAILED
    assert _resize(pod("Failed")).because == "pod/api-0 has ended: a resize does nothing for it."
    assert _resize(pod("Running", killed(30))).state is RolloutState.FAILED


def test_a_new_pod_that_has_another_size_than_the_template_is_said() -> None:
    item = DONE | {"metadata": DONE["metadata"] | {"annotations": {"deployment.kubernetes.io/revision": "2"}}}
    owned = [{"kind": "Deployment", "name": "api", "uid": "uid-of-api", "controller": True}]
    of_set = [{"kind": "ReplicaSet", "name": "api-2", "uid": "uid-of-api-2", "controller": True}]
    replica_set = {
        "metadata": metadata("api-2", ownerReferences=owned, annotations={"deployment.kubernetes.io/revision": "2"})
    }
    changed = pod(ownerReferences=of_set)
    changed["spec"]["containers"][0]["resources"] = {"limits": {"memory": "64Mi"}}
    objects = {"deployments.apps": [item], "replicasets.apps": [replica_set], "pods": [changed]}

    wrong = follow(InMemory(objects=objects), plan(item), Patience(seconds=1), lambda _: None)
    right = follow(
        InMemory(objects=objects | {"pods": [pod(ownerReferences=of_set)]}),
        plan(item),
        Patience(seconds=1),
        lambda _: None,
    )

    assert (wrong.state, wrong.verified) == (RolloutState.DONE, False)
    assert "But app of pod/api-0 has a limit of 64Mi" in wrong.because
    assert (right.state, right.verified) == (RolloutState.DONE, True)


@pytest.mark.parametrize(
    ("changes", "waits"),
    [
        ({}, True),
        ({"podManagementPolicy": "OrderedReady"}, True),
        ({"podManagementPolicy": "Parallel"}, False),
        ({"updateStrategy": {"type": "OnDelete"}}, False),
    ],
)
def test_an_ordered_stateful_set_waits_for_a_pod_that_is_down_and_never_fails_for_that(
    changes: Json,
    waits: bool,  # noqa: FBT001
) -> None:
    item = deployment() | {"kind": "StatefulSet"}
    item["spec"] |= changes
    down = pod_of(pod("Running", conditions=[{"type": "Ready", "status": "False"}]))
    ready = pod_of(pod("Running", conditions=[{"type": "Ready", "status": "True"}]))

    trouble = trouble_of(item, (), (), None, [ready, down])

    assert (trouble is not None) == waits
    assert trouble_of(item, (), (), None, [ready]) is None
    if trouble:
        assert "replaces no pod before pod/api-0 is ready" in trouble.because
        assert (trouble.remedy or "").startswith("Unless it gets ready: kubectl delete pod api-0 -n shop ")
        assert trouble.fails_after > 1e9
