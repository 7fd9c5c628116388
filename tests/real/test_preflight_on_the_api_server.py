"""The preflight of `fix` on a real API server: what it says will be refused is refused, in the server's own words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.access import READER
from tests.real.around import (
    CORE,
    VERTICAL,
    define_vertical_autoscalers,
    horizontal,
    limit_range,
    quota,
    refusal,
    vertical,
)
from tests.real.fixing import fix
from tests.real.stage import ROOTS, Stage
from tests.real.status import Json, container, only, running, status_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

DEPLOYMENTS = ROOTS["deployments"]


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def shop(stage: Stage, plural: str = "deployments", replicas: int = 1, **pods: object) -> list[Json]:
    """Workload shop with so many pods of 32Mi and 64Mi, all of which run."""
    owner = stage.workload(plural, "shop", pods=pods)
    if replicas > 1:
        stage.api.patch(stage.path(ROOTS[plural], plural, "shop"), {"spec": {"replicas": replicas}})
    made = stage.made_by(owner, replicas)
    for pod in made:
        names = [one["name"] for one in pod["spec"]["containers"]]
        stage.status(pod, *(status_of(name, running(stage.ago(hours=1))) for name in names))
    return made


def plan(stage: Stage, *args: str, target: str = "deploy/shop", user: str = READER) -> Json:
    """The plan for one container as data, read with permission to read only."""
    ran = fix(stage, target, *args, "-o", "changes", user=user)
    return only(ran.document())


def found(item: Json) -> dict[str, bool]:
    """The codes of its checks, and whether each blocks; who wrote the memory before is another test's matter."""
    return {one["code"]: one["blocks"] for one in item["preflight"] if one["code"] != "other-writer"}


def check(item: Json, code: str) -> Json:
    """The one check with this code."""
    (one,) = (one for one in item["preflight"] if one["code"] == code)
    return dict(one)


def apply(stage: Stage, item: Json, plural: str = "deployments") -> None:
    """What the plan would send, without asking its preflight."""
    stage.api.patch(stage.path(ROOTS[plural], plural, "shop"), item["patch"])


# --- refused after the change itself was taken ------------------------------------------------------------------------


def test_a_quota_that_only_the_surge_exceeds_refuses_the_pod_that_the_plan_says(stage: Stage) -> None:
    shop(stage, replicas=2)
    quota(stage, 200)

    item = plan(stage, "--limit", "96Mi")
    apply(stage, item)

    assert found(item) == {"quota": True}
    told = check(item, "quota")
    assert "2 pods of 96Mi instead of 64Mi, with 1 more while it rolls out, need 128Mi more" in told["message"]
    assert "72Mi are left" in told["message"]
    assert told["evidence"][0]["value"] == "200Mi, 128Mi used"
    assert "requested: limits.memory=96Mi, used: limits.memory=128Mi, limited: limits.memory=200Mi" in refusal(stage)


def test_a_quota_with_room_for_the_surge_takes_the_pods(stage: Stage) -> None:
    shop(stage, replicas=2)
    quota(stage, 256)

    assert found(plan(stage, "--limit", "96Mi")) == {}


def test_a_limit_range_refuses_the_pods_of_a_change_that_was_taken(stage: Stage) -> None:
    shop(stage)
    limit_range(stage, max={"memory": "80Mi"})

    item = plan(stage, "--limit", "96Mi")
    tried = f"{stage.path(DEPLOYMENTS, 'deployments', 'shop')}?dryRun=All"
    stage.api.patch(tried, item["patch"])
    apply(stage, item)

    assert found(item) == {"limit-range": True}
    assert "maximum of 80Mi" in check(item, "limit-range")["message"]
    assert "maximum memory usage per Container is 80Mi, but limit is 96Mi" in refusal(stage)
    assert plan(stage, "--limit", "72Mi", "--allow-decrease")["preflight"][0]["blocks"] is False


# --- refused at once --------------------------------------------------------------------------------------------------


def test_a_limit_above_the_pods_own_is_refused_with_the_template(stage: Stage) -> None:
    shop(stage, resources={"limits": {"memory": "100Mi"}, "requests": {"memory": "40Mi"}})

    item = plan(stage, "--limit", "128Mi")

    assert found(item) == {"above-pod-limit": True}
    with pytest.raises(AssertionError, match="422"):
        apply(stage, item)
    apply(stage, plan(stage, "--limit", "100Mi"))


def test_a_request_above_the_limit_that_stays_is_refused(stage: Stage) -> None:
    shop(stage)

    item = plan(stage, "--request", "96Mi")

    assert found(item) == {"request-above-limit": True}
    with pytest.raises(AssertionError, match="must be less than or equal to memory limit"):
        apply(stage, item)


def test_a_jobs_template_is_refused(stage: Stage) -> None:
    shop(stage, "jobs")

    item = plan(stage, "--limit", "128Mi", target="job/shop")

    assert found(item) == {"job-immutable": True}
    with pytest.raises(AssertionError, match="field is immutable"):
        apply(stage, item, "jobs")


def test_a_suspended_job_is_taken_by_this_server(stage: Stage) -> None:
    shop(stage, "jobs")
    path = stage.path(ROOTS["jobs"], "jobs", "shop")
    stage.api.patch(path, {"spec": {"suspend": True}})

    assert found(plan(stage, "--limit", "128Mi", target="job/shop"))["job-suspended"] is False


def test_a_resize_that_would_change_the_class_is_refused(stage: Stage) -> None:
    same = {"cpu": "100m", "memory": "64Mi"}
    pod = stage.pod("alone", container(resources={"limits": same, "requests": same}))
    stage.status(pod, status_of("app", running(stage.ago(hours=1)), resources={"limits": same, "requests": same}))

    item = plan(stage, "--limit", "96Mi", target="pod/alone")
    path = stage.path(CORE, "pods", "alone/resize")

    assert item["qosClass"] == {"before": "Guaranteed", "after": "Burstable"}
    assert found(item) == {"resize-changes-qos": True}
    with pytest.raises(AssertionError, match="Pod QOS Class may not change"):
        stage.api.patch(path, item["patch"])
    both = plan(stage, "--limit", "96Mi", "--request", "96Mi", target="pod/alone")
    assert found(both) == {}
    stage.api.patch(path, both["patch"])


def test_a_resize_of_what_the_kubelet_does_not_report_on_is_refused(stage: Stage) -> None:
    pod = stage.pod("alone", container())
    stage.status(pod, status_of("app", running(stage.ago(hours=1))))

    item = plan(stage, "--limit", "96Mi", target="pod/alone")

    assert found(item) == {"resize-not-reported": True}
    with pytest.raises(AssertionError, match="without support for resize"):
        stage.api.patch(stage.path(CORE, "pods", "alone/resize"), item["patch"])


def test_a_claim_of_one_pod_keeps_the_new_pod_from_being_placed(stage: Stage) -> None:
    claimed(stage, "ReadWriteOncePod")
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    here = {"kubernetes.io/hostname": stage.node_name}
    shop(stage, nodeName=None, nodeSelector=here, volumes=[volume])

    item = plan(stage, "--limit", "96Mi")
    apply(stage, item)

    assert found(item) == {"claim-of-one-pod": True}
    stage.wait("the scheduler's word", lambda: any("ReadWriteOncePod" in said for said in unscheduled(stage)))


def claimed(stage: Stage, mode: str) -> None:
    """Claim data of this access mode, bound to a volume."""
    storage = {"capacity": {"storage": "1Mi"}, "accessModes": [mode], "storageClassName": ""}
    reference = {"namespace": stage.namespace, "name": "data"}
    spec = {**storage, "hostPath": {"path": "/nowhere"}, "claimRef": reference}
    stage.api.ask("POST", "/api/v1/persistentvolumes", {"metadata": {"name": stage.namespace}, "spec": spec})
    asked = {
        "accessModes": [mode],
        "storageClassName": "",
        "volumeName": stage.namespace,
        "resources": {"requests": {"storage": "1Mi"}},
    }
    stage.create(CORE, "persistentvolumeclaims", {"metadata": {"name": "data"}, "spec": asked})
    path = stage.path(CORE, "persistentvolumeclaims", "data")
    stage.wait("the claim to be bound", lambda: stage.api.ask("GET", path)["status"].get("phase") == "Bound")


def unscheduled(stage: Stage) -> list[str]:
    """Why pods are not placed, in the scheduler's words."""
    conditions = [one for pod in stage.items(CORE, "pods") for one in pod.get("status", {}).get("conditions", ())]
    return [one.get("message", "") for one in conditions if one["type"] == "PodScheduled" and one["status"] == "False"]


# --- autoscalers ------------------------------------------------------------------------------------------------------


def test_an_autoscaler_on_memory_is_told_to_scale_in_by_a_higher_request(stage: Stage) -> None:
    shop(stage)
    horizontal(stage)

    item = plan(stage, "--limit", "128Mi", "--request", "64Mi")

    assert found(item) == {"horizontal-autoscaler": False}
    assert "81% of 32Mi and 40% of 64Mi" in check(item, "horizontal-autoscaler")["message"]
    assert found(plan(stage, "--limit", "128Mi")) == {}


@pytest.fixture
def vertical_autoscalers(api_server: Cluster) -> Iterator[None]:
    define_vertical_autoscalers(api_server)
    yield
    api_server.kubectl("delete", "crd", f"verticalpodautoscalers.{VERTICAL}")


@pytest.mark.usefixtures("vertical_autoscalers")
def test_an_autoscaler_that_sets_sizes_itself_blocks_with_what_it_allows(stage: Stage) -> None:
    shop(stage)
    vertical(stage)

    item = plan(stage, "--limit", "128Mi", "--request", "96Mi")

    assert found(item) == {"vertical-autoscaler": True}
    assert [one["value"] for one in check(item, "vertical-autoscaler")["evidence"]] == ["Recreate", "50Mi"]
