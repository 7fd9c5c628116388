"""`fix --apply` follows what it has begun on a real API server, says how it ends, and takes it back when asked to."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from tests.real.fixing import containers_of, fix, read, written
from tests.real.stage import Stage
from tests.real.stand_in import StandIn, ready
from tests.real.status import condition, ended, running, status_of, waiting

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster
    from tests.real.status import Json

pytestmark = pytest.mark.timeout(300)

NOW = ("--apply", "--yes")
SIZES = ("-c", "app", "--limit", "96Mi", "--request", "48Mi")
DEPLOYMENTS = "/apis/apps/v1"


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def _is_new(pod: Json) -> bool:
    return bool(containers_of(pod)[0]["resources"]["limits"]["memory"] == "96Mi")


def _deployment(stage: Stage, replicas: int = 2, **spec: object) -> None:
    deployment = stage.workload("deployments", "shop")
    stage.api.patch(stage.path(DEPLOYMENTS, "deployments", "shop"), {"spec": {"replicas": replicas, **spec}})
    stage.made_by(deployment, replicas=replicas)
    stage.wait("the replicas", lambda: _ready(stage) == replicas)


def _ready(stage: Stage) -> int:
    found: int = read(stage, "deployments", "shop").get("status", {}).get("availableReplicas", 0)
    return found


@pytest.mark.parametrize(("plural", "pods"), [("deployments", 1), ("statefulsets", 1), ("daemonsets", 1)])
def test_a_rollout_is_followed_until_the_new_pods_run_with_the_new_size(stage: Stage, plural: str, pods: int) -> None:
    with StandIn(stage):
        stage.made_by(stage.workload(plural, "shop"))

        ran = fix(stage, f"{plural}/shop", *SIZES, *NOW, "--timeout", "60s")

        assert ran.code == 0, ran.err
        assert ran.err.splitlines()[-1].endswith(f"/shop: {pods} of {pods} pods run with the new size.")
        new = [pod for pod in stage.items("/api/v1", "pods") if "deletionTimestamp" not in pod["metadata"]]
        assert [containers_of(pod)[0]["resources"]["limits"] for pod in new] == [{"memory": "96Mi"}] * pods


def test_a_container_that_is_killed_under_the_new_limit_ends_it_and_the_old_values_come_back(stage: Stage) -> None:
    def says(pod: Json) -> Json:
        told = ready(pod)
        if _is_new(pod):
            now = datetime.now(timezone.utc)
            killed = ended("OOMKilled", 137, now, lived=1)
            crash = waiting("CrashLoopBackOff", "back-off 10s restarting failed container")
            told["containerStatuses"] = [status_of("app", crash, killed, restarts=1)]
            told["conditions"] = told["conditions"][:1]
        return told

    with StandIn(stage, says):
        _deployment(stage)
        assert fix(stage, "deploy/shop", "-c", "app", "--limit", "80Mi", *NOW, "--timeout", "60s").code == 0
        before = written(read(stage, "deployments", "shop"))  # with the note of that change

        ran = fix(stage, "deploy/shop", *SIZES, *NOW, "--timeout", "60s", "--rollback-on-failure")

        assert ran.code == 1
        assert "was OOM-killed again, under the new limit of 96Mi." in ran.err
        assert "The change is taken back." in ran.err
        assert ran.err.splitlines()[-1] == "deployment/shop (taken back): 2 of 2 pods run with the new size."
        assert written(read(stage, "deployments", "shop")) == before


def _crashing(pod: Json) -> Json:
    """Killed again and again, and never ready."""
    killed = ended("OOMKilled", 137, datetime.now(timezone.utc) - timedelta(minutes=5), lived=1)
    crash = waiting("CrashLoopBackOff", "back-off 10s restarting failed container")
    now = datetime.now(timezone.utc)
    conditions = [condition("PodScheduled", "True", now), condition("Ready", "False", now)]
    return ready(pod) | {
        "conditions": conditions,
        "containerStatuses": [status_of("app", crash, killed, restarts=1)],
    }


def test_a_stateful_set_that_waits_for_a_pod_that_never_gets_ready_says_so_and_goes_on_once_it_is_deleted(
    stage: Stage,
) -> None:
    with StandIn(stage, lambda pod: ready(pod) if _is_new(pod) else _crashing(pod)):
        stage.made_by(stage.workload("statefulsets", "shop"))
        stage.wait("its status", lambda: "containerStatuses" in read(stage, "pods", "shop-0").get("status", {}))

        stuck = fix(stage, "sts/shop", *SIZES, *NOW, "--timeout", "5s")

        told = " ".join(stuck.out.split())
        assert stuck.code == 1
        assert (
            "warning waits-for-ready: StatefulSet shop replaces no pod before all are ready, and shop-0 is not" in told
        )
        assert "The StatefulSet replaces no pod before pod/shop-0 is ready" in stuck.err
        assert f"Next: Unless it gets ready: kubectl delete pod shop-0 -n {stage.namespace}" in told
        assert "It goes on all the same" not in told

        stage.cluster.kubectl("delete", "pod", "shop-0", "-n", stage.namespace, "--wait=false")
        again = fix(stage, "sts/shop", *SIZES, *NOW, "--timeout", "60s")

        assert again.code == 0, again.err
        assert _is_new(read(stage, "pods", "shop-0"))


def test_a_limit_range_that_refuses_the_new_pods_after_the_patch_succeeded_is_named_at_once(stage: Stage) -> None:
    with StandIn(stage):
        _deployment(stage)
        at_most = {"limits": [{"type": "Container", "max": {"memory": "80Mi"}}]}
        stage.create("/api/v1", "limitranges", {"metadata": {"name": "at-most"}, "spec": at_most})

        ran = fix(stage, "deploy/shop", *SIZES, *NOW, "--timeout", "60s", "--force")

        assert ran.code == 1
        assert "A LimitRange refuses the new pods: " in ran.err
        assert "maximum memory usage per Container is 80Mi, but limit is 96Mi" in ran.err


def test_a_quota_that_has_no_room_for_the_surge_is_explained_and_the_change_is_taken_back(stage: Stage) -> None:
    with StandIn(stage):
        _deployment(stage, strategy={"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}})
        hard = {"limits.memory": "150Mi"}
        stage.create("/api/v1", "resourcequotas", {"metadata": {"name": "small"}, "spec": {"hard": hard}})
        path = stage.path("/api/v1", "resourcequotas", "small")
        stage.wait("the quota", lambda: "used" in stage.api.ask("GET", path).get("status", {}))
        before = written(read(stage, "deployments", "shop"))

        options = ("--timeout", "90s", "--force", "--rollback-on-failure")
        ran = fix(stage, "deploy/shop", *SIZES, *NOW, *options)

        assert ran.code == 1
        assert "A ResourceQuota refuses the new pods: " in ran.err
        assert "exceeded quota: small, requested: limits.memory=96Mi, used: limits.memory=128Mi" in ran.err
        assert written(read(stage, "deployments", "shop")) == before


def test_an_image_that_cannot_be_pulled_ends_it(stage: Stage) -> None:
    def says(pod: Json) -> Json:
        if not _is_new(pod):
            return ready(pod)
        stuck = waiting("ImagePullBackOff", 'Back-off pulling image "registry.example/app:1"')
        return {"phase": "Pending", "containerStatuses": [status_of("app", stuck)]}

    with StandIn(stage, says):
        _deployment(stage)

        ran = fix(stage, "deploy/shop", *SIZES, *NOW, "--timeout", "60s")

        assert ran.code == 1
        assert 'does not start: ImagePullBackOff (Back-off pulling image "registry.example/app:1").' in ran.err


def test_what_takes_longer_than_the_timeout_is_told_with_where_it_stands(stage: Stage) -> None:
    with StandIn(stage, lambda pod: None if _is_new(pod) else ready(pod)):
        _deployment(stage)

        ran = fix(stage, "deploy/shop", *SIZES, *NOW, "--timeout", "3s")

        assert ran.code == 1
        assert "Not finished within 3 s: 1 of 2 pods updated, 2 available." in " ".join(ran.out.split())


def test_a_pod_that_finds_no_node_is_told_in_the_schedulers_words(stage: Stage) -> None:
    with StandIn(stage):
        _deployment(stage)
        template = {"spec": {"nodeName": None, "nodeSelector": {"kubernetes.io/hostname": "nowhere"}}}
        spec = {"paused": True, "template": template}
        path = stage.path(DEPLOYMENTS, "deployments", "shop")
        stage.api.patch(path, {"spec": spec})
        stage.api.patch(path, {"spec": {"paused": None}})

        ran = fix(stage, "deploy/shop", *SIZES, *NOW, "--timeout", "6s", "--force")

        assert ran.code == 1
        assert "finds no node: 0/" in ran.err


@pytest.mark.parametrize(
    ("plural", "change", "because"),
    [
        ("statefulsets", {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}, "when they are deleted"),
        ("daemonsets", {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}, "when they are deleted"),
        ("replicasets", {}, "when they are deleted"),
        ("deployments", {"paused": True}, "deployment/shop is paused"),
        ("deployments", {"replicas": 0}, "deployment/shop has no pods now"),
        ("cronjobs", {"suspend": True}, "The CronJob is suspended"),
        ("cronjobs", {}, "The next run gets the new size (schedule 0 0 29 2 *)"),
    ],
)
def test_where_no_controller_carries_it_on_it_is_said_what_has_to_happen(
    stage: Stage, plural: str, change: Json, because: str
) -> None:
    with StandIn(stage):
        owner = stage.workload(plural, "shop")
        if plural == "cronjobs":
            stage.cluster.kubectl("create", "job", "--from=cronjob/shop", "shop-1", "-n", stage.namespace)
        stage.made_by(owner)
        root = "/apis/batch/v1" if plural == "cronjobs" else DEPLOYMENTS
        stage.api.patch(stage.path(root, plural, "shop"), {"spec": change})

        ran = fix(stage, f"{plural}/shop", *SIZES, *NOW, "--timeout", "30s")

        assert ran.code == 0, ran.err
        assert because in ran.err


def test_with_in_place_the_running_pods_of_an_on_delete_set_get_the_size_too(stage: Stage) -> None:
    with StandIn(stage):
        owner = stage.workload("statefulsets", "shop")
        path = stage.path(DEPLOYMENTS, "statefulsets", "shop")
        stage.api.patch(path, {"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": None}}})
        (pod,) = stage.made_by(owner)
        stage.wait("the pod", lambda: "containerStatuses" in read(stage, "pods", "shop-0").get("status", {}))

        ran = fix(stage, "sts/shop", *SIZES, *NOW, "--in-place", "--timeout", "30s")

        assert ran.code == 0, ran.err
        after = read(stage, "pods", "shop-0")
        assert after["metadata"]["uid"] == pod["metadata"]["uid"]
        assert containers_of(after)[0]["resources"]["limits"] == {"memory": "96Mi"}
        assert ran.err.splitlines()[-1] == "statefulset/shop: 1 of 1 pods run with the new size."


def test_a_kill_in_the_time_that_is_watched_is_counted(stage: Stage) -> None:
    with StandIn(stage) as stand_in:
        _deployment(stage, replicas=1)
        stand_in.later(_kill_once, after=3.0)

        ran = fix(stage, "deploy/shop", *SIZES, *NOW, "--timeout", "60s", "--watch-for", "20s")

        assert ran.code == 1
        assert "deployment/shop: OOM-killed 1 time since the change" in ran.err


def _kill_once(pod: Json) -> Json | None:
    """The newest status of a new pod: killed a moment ago, and running again."""
    if not _is_new(pod):
        return None
    now = datetime.now(timezone.utc)
    again = status_of("app", running(now), ended("OOMKilled", 137, now, lived=1), restarts=1)
    return ready(pod) | {"containerStatuses": [again]}
