"""How a change reaches the pods: what holds it up, what it costs meanwhile, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_oom.evidence import Budget, Condition, Owner, Sizes
from tests.preflights import by_hand, check, facts, found, manager, planned, pod_facts, pod_with
from tests.room import API, app, replicas, room


def _kind(kind: str, group: str = "apps", **changes: Any) -> Any:
    return facts(target=Owner(api_version=f"{group}/v1", kind=kind, name="api"), **changes)


STILL = ("The QoS class stays Burstable.",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "2 pods are replaced, with up to 1 more at a time and none unavailable."),
        (
            {"surge": 0, "unavailable": 1},
            "2 pods are replaced, with no more at a time than today and up to 1 unavailable.",
        ),
        (
            {"replicas": 1, "surge": 1},
            "1 pod is replaced, with up to 1 more at a time and none unavailable.",
        ),
        ({"strategy": "Recreate", "surge": 0}, "2 pods stop, and then as many start with the new size."),
        ({"paused": True}, "No pod restarts until the rollout is resumed."),
        ({"replicas": 0}, "No pod restarts: there is none."),
        ({"strategy": "OnDelete", "surge": 0}, "No pod restarts by itself: 2 pods keep the old size until deleted."),
        (
            {"partition": 1, "surge": 0, "unavailable": 1},
            "1 pod is replaced, with no more at a time than today and up to 1 unavailable.",
        ),
    ],
)
def test_the_effects_say_how_many_pods_restart_and_how(changes: dict[str, Any], said: str) -> None:
    assert planned(facts(**changes)).effects == (said, *STILL)


def test_a_cron_jobs_next_run_has_the_new_size_and_nothing_restarts() -> None:
    plan = planned(_kind("CronJob", "batch", strategy="next run", replicas=None, surge=0))

    assert plan.effects[0] == "The next run of the CronJob has the new size; one that runs now keeps the old size."
    assert found(plan) == {}


def test_a_resize_restarts_nothing_unless_the_container_asks_for_it() -> None:
    asked = by_hand(512)

    assert planned(pod_facts(), asked=asked).effects[0] == "The pod is resized in place: no container restarts."
    assert planned(pod_facts(restarts_on_resize=("app",)), asked=asked).effects[0] == (
        "The pod is resized in place; app is restarted for it."
    )


def test_pods_of_a_workload_that_are_resized_are_replaced_afterwards_all_the_same() -> None:
    plan = planned(facts(kubelets={"node-a": "v1.36.3"}), asked=by_hand(512, in_place=True))

    assert plan.effects[1] == "Running pods are resized in place as well, until the rollout replaces them."


@pytest.mark.parametrize(
    ("changes", "code", "remedy"),
    [
        ({"paused": True}, "paused", "kubectl rollout resume deployment/api -n shop"),
        ({"strategy": "OnDelete", "surge": 0}, "on-delete", "delete its pods one after the other"),
        ({"partition": 5}, "partition", "set the partition to 0"),
        ({"replicas": 0}, "no-replicas", None),
        ({"strategy": "Recreate", "surge": 0}, "recreate", "choose an hour"),
        ({"replicas": 1, "surge": 0, "unavailable": 1}, "single-replica", "choose an hour"),
    ],
)
def test_what_holds_the_pods_up_is_said_and_does_not_block(
    changes: dict[str, Any], code: str, remedy: str | None
) -> None:
    plan = planned(facts(**changes))

    assert found(plan) == {code: False}
    assert (check(plan, code).remedy or "").startswith(remedy or "")


def test_one_replica_with_a_surge_is_never_down() -> None:
    assert found(planned(facts(replicas=1, surge=1))) == {}


def test_a_job_cannot_be_changed_unless_it_is_suspended() -> None:
    job = _kind("Job", "batch", strategy="immutable", surge=0)

    assert found(planned(job)) == {"job-immutable": True}
    suspended = planned(replace(job, suspended=True))
    assert found(suspended) == {"job-suspended": False}
    assert suspended.effects[0] == "The Job's pods have the new size once it is resumed."
    assert [command.split()[:3] for command in suspended.commands] == [["kubectl", "patch", "job/api"]]


def test_a_budget_that_allows_less_than_the_rollout_takes_is_said() -> None:
    none, one = Budget(name="strict", allowed=0), Budget(name="loose", allowed=1)
    rolling = facts(surge=0, unavailable=1, budgets=(none, one))

    assert found(planned(rolling)) == {"pod-disruption-budget": False}
    assert check(planned(rolling), "pod-disruption-budget").message == (
        "PodDisruptionBudget strict allows 0 disruptions now, and a rollout does not ask it: 1 pod may be missing at a "
        "time."
    )
    assert found(planned(replace(rolling, unavailable=0, surge=1))) == {}
    assert found(planned(replace(rolling, budgets=(Budget(name="new", allowed=None),)))) == {}


def test_a_claim_of_one_pod_blocks_where_the_rollout_would_wait_for_itself() -> None:
    stuck = facts(claims_one_pod=("data",))

    assert found(planned(stuck)) == {"claim-of-one-pod": True}
    assert found(planned(replace(stuck, unavailable=1))) == {"claim-of-one-pod": False}
    assert found(planned(replace(stuck, surge=0, unavailable=1))) == {}


def test_a_claim_on_one_node_may_work_and_does_not_block() -> None:
    plan = planned(facts(claims_once=("data",)))

    assert found(plan) == {"claim-on-one-node": False}
    assert [(one.source, one.value) for one in check(plan, "claim-on-one-node").evidence] == [
        ("persistentvolumeclaim/data", "ReadWriteOnce")
    ]


def test_a_pod_of_a_controller_is_resized_alone_and_a_static_one_not_at_all() -> None:
    asked = by_hand(512)
    mine = Owner(api_version="apps/v1", kind="ReplicaSet", name="api-7d9")
    old = Owner(api_version="v1", kind="ReplicationController", name="api-3")  # what a DeploymentConfig makes
    static = Owner(api_version="v1", kind="Node", name="node-a")

    for owner in (mine, old):
        plan = planned(pod_facts(controller=owner, managers=(manager("kube-controller-manager"),)), asked=asked)
        assert found(plan) == {"template-unchanged": False}
    assert found(planned(pod_facts(controller=static), asked=asked)) == {"static-pod": True}


# --- QoS -------------------------------------------------------------------------------------------------------------


def test_raising_the_limit_alone_takes_the_guarantee_away() -> None:
    guaranteed = pod_with(app(128, 128), qos_class="Guaranteed")
    plan = planned(facts(cpu_guaranteed=True), pods=guaranteed, asked=by_hand(512))

    assert (plan.qos_before, plan.qos_after) == ("Guaranteed", "Burstable")
    assert found(plan) == {"qos-change": False}
    assert check(plan, "qos-change").remedy == "set request and limit to the same value"
    assert plan.effects[-1] == "The QoS class changes from Guaranteed to Burstable."


def test_raising_both_keeps_the_guarantee() -> None:
    guaranteed = pod_with(app(128, 128), qos_class="Guaranteed")
    plan = planned(facts(cpu_guaranteed=True), pods=guaranteed, asked=by_hand(512, 512))

    assert (plan.qos_before, plan.qos_after, found(plan)) == ("Guaranteed", "Guaranteed", {})


@pytest.mark.parametrize(
    ("cpu", "after"), [(True, "Guaranteed"), (False, "Burstable"), (None, None)], ids=["cpu", "no-cpu", "not-known"]
)
def test_equal_memory_makes_a_guarantee_only_with_equal_cpu(*, cpu: bool | None, after: str | None) -> None:
    plan = planned(facts(cpu_guaranteed=cpu), asked=by_hand(512, 512))

    assert (plan.qos_before, plan.qos_after) == ("Burstable", after)


def test_what_a_webhook_adds_leaves_the_class_open() -> None:
    pods = pod_with(app(), app(name="istio-proxy", request=64, limit=64))
    plan = planned(facts(cpu_guaranteed=True), pods=pods, asked=by_hand(512, 512))

    assert plan.qos_after is None


def test_a_first_limit_makes_a_best_effort_pod_burstable() -> None:
    pods = pod_with(app(None, None), qos_class="BestEffort")

    assert planned(pods=pods, asked=by_hand(512, 512)).qos_after == "Burstable"


def test_the_pods_own_resources_keep_the_class() -> None:
    plan = planned(facts(pod_level=Sizes(request_bytes=None, limit_bytes=1 << 40)), asked=by_hand(512, 512))

    assert (plan.qos_before, plan.qos_after) == ("Burstable", "Burstable")


def test_without_pods_the_template_tells_the_class() -> None:
    plan = planned(facts(replicas=0), around=replace(room(), workload=API), pods=[])

    assert (plan.qos_before, plan.qos_after) == ("Burstable", "Burstable")


def test_a_stateful_set_that_waits_for_a_pod_that_is_down_is_said() -> None:
    down = (Condition(type="Ready", status="False", reason=None, message=None, at=None),)
    pods = [*replicas(2), *replicas(1, conditions=down)]
    ordered = _kind("StatefulSet", "apps", strategy="RollingUpdate", surge=0, ordered=True)

    plan = planned(ordered, pods=pods)
    parallel = planned(replace(ordered, ordered=False), pods=pods)

    assert "waits-for-ready" not in found(parallel)
    assert found(plan) == found(parallel) | {"waits-for-ready": False}
    assert (check(plan, "waits-for-ready").remedy or "").startswith(
        "after the change: kubectl delete pod api-0 -n shop"
    )
