"""`why` on a real API server: from workloads to their pods and back, with the real controllers in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real.stage import ROOTS, Stage, reference
from tests.real.status import condition, gap_sources, only, outcome, running, status_of

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

KINDS = {
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "daemonsets": "DaemonSet",
    "replicasets": "ReplicaSet",
    "jobs": "Job",
    "cronjobs": "CronJob",
}


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def _run_once(stage: Stage, plural: str, name: str) -> None:
    """Start what waits for its hour, as its owner would by hand."""
    if plural == "cronjobs":
        stage.cluster.kubectl("create", "job", f"--from=cronjob/{name}", f"{name}-1", "-n", stage.namespace)


@pytest.mark.parametrize("plural", KINDS)
def test_a_workload_and_its_pod_lead_to_the_same_answer_under_the_workloads_name(stage: Stage, plural: str) -> None:
    owner = stage.workload(plural, "shop")
    _run_once(stage, plural, "shop")
    (pod,) = stage.made_by(owner)
    stage.kill(pod)

    from_the_top = only(stage.why(f"{plural}/shop"))
    from_the_pod = only(stage.why(pod["metadata"]["name"]))

    assert from_the_top == from_the_pod
    assert from_the_top["workload"] == {"kind": KINDS[plural], "name": "shop"}
    assert from_the_top["pod"] == pod["metadata"]["name"]
    assert from_the_top["verdict"] == "container-limit"
    codes = [finding["code"] for finding in from_the_top["findings"]]
    assert codes == (["job-will-fail-again"] if "job" in plural else [])


def test_a_replica_set_names_the_deployment_it_belongs_to(stage: Stage) -> None:
    (pod,) = stage.made_by(stage.workload("deployments", "shop"))
    stage.kill(pod)
    (replica_set,) = stage.items(ROOTS["replicasets"], "replicasets")

    answer = stage.why(f"rs/{replica_set['metadata']['name']}")

    assert only(answer)["workload"] == {"kind": "Deployment", "name": "shop"}


def test_the_replicas_that_kept_serving_are_counted(stage: Stage) -> None:
    deployment = stage.workload("deployments", "shop")
    path = stage.path(ROOTS["deployments"], "deployments", "shop")
    stage.api.patch(path, {"spec": {"replicas": 3}})
    killed, *others = stage.made_by(deployment, replicas=3)
    stage.kill(killed)
    ready = [condition("Ready", "True", stage.ago(hours=1))]
    for pod in others:
        stage.status(pod, status_of("app", running(stage.ago(hours=1))), conditions=ready)
    stage.wait("two ready replicas", lambda: stage.api.ask("GET", path)["status"].get("readyReplicas") == 2)

    assert only(stage.why("deploy/shop"))["serving"] == {"readyReplicas": 2, "replicas": 3}


def test_of_two_workloads_with_one_selector_each_has_its_own_pods(stage: Stage) -> None:
    shared = {"app": "shared"}
    red, blue = (stage.workload("deployments", name, labels=shared) for name in ("red", "blue"))
    (of_red,), (of_blue,) = stage.made_by(red), stage.made_by(blue)
    stage.kill(of_red)
    stage.kill(of_blue)

    assert only(stage.why("deploy/red"))["pod"] == of_red["metadata"]["name"]
    assert only(stage.why("deploy/blue"))["workload"] == {"kind": "Deployment", "name": "blue"}


def test_an_operators_own_kind_is_the_top_even_though_it_may_not_be_read(stage: Stage) -> None:
    database = stage.database("orders")
    owned = stage.workload("statefulsets", "orders-db", ownerReferences=[reference(database)])
    (pod,) = stage.made_by(owned)
    stage.kill(pod)

    for target in ("sts/orders-db", f"pod/{pod['metadata']['name']}"):
        answer = stage.why(target)
        assert only(answer)["workload"] == {"kind": "Database", "name": "orders"}
        assert "owners" not in gap_sources(answer)


def test_owners_that_may_not_be_read_are_a_gap_and_the_nearest_is_named(stage: Stage) -> None:
    (pod,) = stage.made_by(stage.workload("deployments", "shop"))
    stage.kill(pod)
    stage.allow("pods-and-events", ["pods", "events"])

    answer = stage.why(pod["metadata"]["name"], "--as", "pods-and-events", user="admin")

    assert outcome(answer) == {"app": ("container-limit", "possible", [])}
    assert only(answer)["workload"]["kind"] == "ReplicaSet"
    (gap,) = (gap for gap in answer["gaps"] if gap["source"].startswith("owners"))
    assert gap["reason"] == "not permitted (403)"
    assert gap["remedy"].startswith("grant get,list on replicasets,deployments,")


def test_without_permission_on_replica_sets_a_deployments_pods_are_told_by_name(stage: Stage) -> None:
    shared = {"app": "shared"}
    red, redder = (stage.workload("deployments", name, labels=shared) for name in ("red", "red-der"))
    (of_red,), (of_redder,) = stage.made_by(red), stage.made_by(redder)
    stage.kill(of_red)
    stage.kill(of_redder)
    stage.allow("pods-and-deployments", ["pods", "events", "deployments"], groups=("", "apps"))

    answer = stage.why("deploy/red", "--as", "pods-and-deployments", user="admin")

    assert only(answer)["pod"] == of_red["metadata"]["name"]
    assert only(answer)["workload"] == {"kind": "Deployment", "name": "red"}
    (gap,) = (gap for gap in answer["gaps"] if gap["source"].startswith("owners"))
    assert (gap["source"], gap["reason"]) == ("owners (ReplicaSets)", "not permitted (403)")
    assert gap["remedy"].startswith("grant get,list on replicasets,deployments,")


def test_pods_of_an_earlier_rollout_belong_to_their_deployment_too(stage: Stage) -> None:
    deployment = stage.workload("deployments", "shop")
    (old,) = stage.made_by(deployment)
    path = stage.path(ROOTS["deployments"], "deployments", "shop")
    annotated = {"spec": {"template": {"metadata": {"annotations": {"rolled": "out"}}}}}
    stage.api.patch(path, annotated)
    both = stage.made_by(deployment, replicas=2)
    for pod in both:
        stage.kill(pod)

    named = {item["pod"] for item in stage.why("deploy/shop")["items"]}

    assert named == {pod["metadata"]["name"] for pod in both}
    assert old["metadata"]["name"] in named
