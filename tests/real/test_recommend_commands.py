"""The command that `recommend` prints, run by a shell with the real kubectl: it does exactly what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.cluster import ADMIN
from tests.real.stage import ROOTS, Stage, reference
from tests.real.status import Json, container, ended, running, status_of
from tests.real.tool import run

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

Place = tuple[Any, ...]
# What no command sets, and every write changes.
BOOKKEEPING = ("generation", "managedFields", "resourceVersion")
COUNTERS = ("deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation")
CPU = {"cpu": "200m"}
APP = container(
    resources={"limits": {"memory": "64Mi", **CPU}, "requests": {"memory": "32Mi", "cpu": "100m"}},
    env=[{"name": "GREETING", "value": 'it\'s "me"'}],
)
OTHER, SETUP = container("other", "48Mi"), container("setup", "32Mi")
PROXY = container("proxy", "40Mi", restartPolicy="Always")
PODS = {"containers": [OTHER, APP], "initContainers": [SETUP, PROXY]}


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def kill_all(stage: Stage, pod: Json) -> None:
    """Every container of the pod was OOM-killed once, and runs again or is done."""
    end, again = ended("OOMKilled", 137, stage.ago(hours=5)), running(stage.ago(hours=4))
    done = ended("Completed", 0, stage.ago(hours=4))

    def statuses(listed: str) -> list[Json]:
        return [
            status_of(
                one["name"], done if one["name"] == "setup" else again, end, restarts=1, resources=one["resources"]
            )
            for one in pod["spec"].get(listed, ())
        ]

    stage.status(pod, *statuses("containers"), initContainerStatuses=statuses("initContainers"))


def asked(stage: Stage, *words: str) -> dict[str, Json]:
    """Container → proposal."""
    return {item["container"]: item for item in stage.recommend(*words, "--no-prometheus")["items"]}


def shell(stage: Stage, line: str) -> None:
    """Run a line as its reader would: pasted into a shell."""
    cluster = stage.cluster
    path = f"{Path(cluster.kubectl_binary).parent}:/usr/bin:/bin"
    environment = {"KUBECONFIG": str(cluster.kubeconfig(ADMIN)), "HOME": str(cluster.state), "PATH": path}
    done = run(["/bin/sh", "-c"], (line,), environment)
    assert done.code == 0, f"{line}\n{done.err}"


def stored(stage: Stage, path: str) -> Json:
    """The object without its status and bookkeeping."""
    return bare(stage.api.ask("GET", path))


def bare(item: Json) -> Json:
    kept = {name: value for name, value in item["metadata"].items() if name not in BOOKKEEPING}
    notes = {name: value for name, value in kept.get("annotations", {}).items() if name not in COUNTERS}
    return {"metadata": kept | {"annotations": notes}, "spec": item["spec"]}


def changes(before: Any, after: Any, place: Place = ()) -> dict[Place, Any]:
    """Where two objects differ, and what stands there afterwards."""
    if isinstance(before, dict) and isinstance(after, dict):
        found: dict[Place, Any] = {}
        for key in before.keys() | after.keys():
            found |= changes(before.get(key), after.get(key), (*place, key))
        return found
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return {where: value for n, (a, b) in pairs for where, value in changes(a, b, (*place, n)).items()}
    return {} if before == after else {place: after}


def mebibytes(count: int) -> str:
    return f"{count // (1 << 20)}Mi"


def assert_does_exactly_that(stage: Stage, proposal: Json, path: str, list_path: Place, *, resize: str = "") -> None:
    """The printed command changes the container's memory and nothing else, and is what the patch says."""
    before = stored(stage, path)
    by_patch = bare(stage.api.patch(f"{path}{resize}?dryRun=All", proposal["patch"]))

    shell(stage, proposal["command"])

    after = stored(stage, path)
    spec: Any = before
    for step in list_path:
        spec = spec[step]
    place = [one["name"] for one in spec].index(proposal["container"])
    resources = (*list_path, place, "resources")
    assert changes(before, after) == {
        (*resources, "limits", "memory"): mebibytes(proposal["recommended"]["limitBytes"]),
        (*resources, "requests", "memory"): mebibytes(proposal["recommended"]["requestBytes"]),
    }
    assert after == by_patch


SPEC = ("spec", "template", "spec")
SPECS: dict[str, Place] = {
    "deployments": SPEC,
    "statefulsets": SPEC,
    "daemonsets": SPEC,
    "cronjobs": ("spec", "jobTemplate", *SPEC),
}
LISTS = {"app": "containers", "setup": "initContainers", "proxy": "initContainers"}


@pytest.mark.parametrize("plural", SPECS)
def test_the_command_sets_the_memory_of_that_container_and_nothing_else(stage: Stage, plural: str) -> None:
    name = "shop-v2" if plural == "statefulsets" else "shop.v2-a"  # whose names may have no dots
    owner = stage.workload(plural, name, pods=PODS)
    if plural == "cronjobs":
        stage.cluster.kubectl("create", "job", f"--from=cronjob/{name}", "first", "-n", stage.namespace)
    (pod,) = stage.made_by(owner)
    kill_all(stage, pod)
    path = stage.path(ROOTS[plural], plural, name)
    proposals = asked(stage, f"{plural}/{name}")

    for one, listed in LISTS.items():
        assert_does_exactly_that(stage, proposals[one], path, (*SPECS[plural], listed))


@pytest.mark.parametrize("name", ["app", "proxy"])
def test_a_bare_pod_is_resized_in_place(stage: Stage, name: str) -> None:
    pod = stage.pod("api", OTHER, APP, initContainers=[SETUP, PROXY])
    kill_all(stage, pod)
    proposal = asked(stage, "pod/api")[name]
    path = stage.path("/api/v1", "pods", "api")

    assert proposal["pod"] == "api"
    assert_does_exactly_that(stage, proposal, path, ("spec", LISTS[name]), resize="/resize")


def refused(proposal: Json) -> str:
    """Why no command is printed."""
    assert proposal["command"] is None
    assert proposal["patch"] is None
    assert proposal["recommended"] is not None
    reason: str = proposal["whyNoCommand"]
    return reason


def test_an_init_container_of_a_bare_pod_has_no_command(stage: Stage) -> None:
    kill_all(stage, stage.pod("api", APP, initContainers=[SETUP]))

    assert refused(asked(stage, "pod/api")["setup"]).startswith("only app containers and sidecars of a pod can be")


SAME: Json = {"limits": {"memory": "64Mi", "cpu": "1"}, "requests": {"memory": "64Mi", "cpu": "1"}}


def test_a_guaranteed_pod_has_no_command_that_the_api_server_would_refuse(stage: Stage) -> None:
    kill_all(stage, stage.pod("api", container(resources=SAME)))

    found = asked(stage, "pod/api")["app"]

    assert refused(found).startswith("pod api is Guaranteed, and a resize cannot change that")
    sizes = {side: {"memory": str(found["recommended"][f"{side[:-1]}Bytes"])} for side in ("limits", "requests")}
    wanted = {"spec": {"containers": [{"name": "app", "resources": sizes}]}}
    with pytest.raises(AssertionError, match="Pod QOS Class may not change"):
        stage.api.patch(f"{stage.path('/api/v1', 'pods', 'api')}/resize?dryRun=All", wanted)


def test_a_guaranteed_pod_is_resized_where_it_is_to_stay_guaranteed(stage: Stage) -> None:
    kill_all(stage, stage.pod("api", container(resources=SAME)))
    proposal = asked(stage, "pod/api", "--target-qos", "guaranteed")["app"]
    path = stage.path("/api/v1", "pods", "api")

    assert_does_exactly_that(stage, proposal, path, ("spec", "containers"), resize="/resize")


def test_a_job_has_no_command(stage: Stage) -> None:
    (pod,) = stage.made_by(stage.workload("jobs", "load"))
    stage.kill(pod)

    reason = refused(asked(stage, "job/load")["app"])
    assert reason == "the template of Job load cannot be changed: delete it and create it with the new size"


def test_a_replica_set_of_a_deployment_sends_to_the_deployment(stage: Stage) -> None:
    (pod,) = stage.made_by(stage.workload("deployments", "shop"))
    stage.kill(pod)
    (replica_set,) = stage.items(ROOTS["replicasets"], "replicasets")

    reason = refused(asked(stage, f"rs/{replica_set['metadata']['name']}")["app"])
    assert "belongs to Deployment shop (apps/v1)" in reason


def test_what_an_operator_owns_sends_to_the_operators_own_object(stage: Stage) -> None:
    owner: Json = {"ownerReferences": [reference(stage.database("orders"))]}
    (pod,) = stage.made_by(stage.workload("statefulsets", "orders-db", **owner))
    stage.kill(pod)
    bare_pod = {"metadata": {"name": "orders-0", **owner}, "spec": {"nodeName": stage.node_name, "containers": [APP]}}
    stage.kill(stage.create("/api/v1", "pods", bare_pod))

    for target in ("sts/orders-db", "pod/orders-0"):
        assert "belongs to Database orders (databases.example.com/v1)" in refused(asked(stage, target)["app"])


def test_a_container_that_is_not_in_the_template_has_no_command(stage: Stage) -> None:
    injected = container("injected", "48Mi")
    owner = stage.workload("deployments", "shop", pods={"containers": [APP, injected]})
    (pod,) = stage.made_by(owner)
    kill_all(stage, pod)
    path = stage.path(ROOTS["deployments"], "deployments", "shop")
    # While a rollout is paused, the pods stay as they were made.
    stage.api.patch(path, {"spec": {"paused": True}})
    template = {"spec": {"containers": [{"$patch": "delete", "name": "injected"}]}}
    stage.api.patch(path, {"spec": {"template": template}})

    found = asked(stage, "deploy/shop")

    assert "container injected is not in the template of Deployment shop" in refused(found["injected"])
    assert found["app"]["command"] is not None
