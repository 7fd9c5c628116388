"""Workloads that no controller carries a change to the pods of: what is said of them, and of those resized in place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kubectl_oom.act.rollout import Patience, follow
from kubectl_oom.act.steps import nothing_to_follow
from kubectl_oom.evidence import Rolled, RolloutState
from kubectl_oom.judge.fixing import FixAsked, in_place
from kubectl_oom.read.workload import facts_of
from tests.in_memory import InMemory, metadata
from tests.rollouts import NEW, Json, deployment, plan, pod

PAUSED = "deployment/api is paused: its pods get the new size when it is resumed."


def _paused(*pods: Json) -> Rolled:
    """A change with --in-place of a paused Deployment that has these pods."""
    item = deployment()
    item["spec"]["paused"] = True
    made_by = {"ownerReferences": [{"kind": "Deployment", "name": "api", "uid": item["metadata"]["uid"]}]}
    replica_set = {"metadata": metadata("api-1", labels={"app": "api"}, **_controlled(made_by)), "spec": {}}
    for one in pods:
        owner = {"ownerReferences": [{"kind": "ReplicaSet", "name": "api-1", "uid": replica_set["metadata"]["uid"]}]}
        one["metadata"] |= {"labels": {"app": "api"}, **_controlled(owner)}
    objects = {"deployments.apps": [item], "replicasets.apps": [replica_set], "pods": list(pods)}
    resized = replace(plan(item), in_place=True)
    return follow(InMemory(objects=objects), resized, Patience(seconds=0), lambda _: None)


def _controlled(meta: dict[str, Any]) -> dict[str, Any]:
    return {"ownerReferences": [ref | {"controller": True, "apiVersion": "apps/v1"} for ref in meta["ownerReferences"]]}


def _running() -> Json:
    return pod("Running", {"name": "app", "state": {"running": {}}, "resources": NEW})


def test_a_pod_that_was_evicted_before_does_not_fail_the_resize_of_the_others() -> None:
    rolled = _paused(_running(), pod("Failed"))

    assert (rolled.state, rolled.because) == (RolloutState.DONE, "1 of 1 pods run with the new size.")


def test_where_no_pod_runs_nothing_was_resized() -> None:
    rolled = _paused(pod("Failed"))

    assert (rolled.state, rolled.because) == (RolloutState.NOTHING_TO_FOLLOW, PAUSED)


def test_pods_of_a_run_are_never_resized_whatever_is_asked() -> None:
    asked = FixAsked(in_place=True)

    assert {kind: in_place(kind, asked) for kind in ("CronJob", "Job", "Deployment")} == {
        "CronJob": False,
        "Job": False,
        "Deployment": True,
    }
    assert in_place("Pod", FixAsked())


def test_the_command_that_tries_a_cron_job_goes_to_its_namespace() -> None:
    item = {"kind": "CronJob", "metadata": metadata("nightly"), "spec": {"schedule": "0 0 * * *"}}

    step = nothing_to_follow(item, facts_of(item, "batch/v1", "CronJob"))

    assert step
    assert step.remedy == "To try it now: kubectl create job nightly-try --from=cronjob/nightly -n shop"
