"""`report` on a real API server, without an engine: what it still knows, and a selection too large to read in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.access import READER
from tests.real.stage import ROOTS, Stage
from tests.real.status import MI, condition, ended, status_of
from tests.real.status import running as runs
from tests.real.tool import oom

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

REPLICAS = 3
QUIET = 22  # with the others more than are read one by one


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    """A deployment of three pods: one was killed and came back, one never stopped, one has started since."""
    stage = Stage.on(api_server)
    shop = stage.workload("deployments", "shop")
    stage.api.patch(stage.path(ROOTS["deployments"], "deployments", "shop"), {"spec": {"replicas": REPLICAS}})
    killed, steady, later = stage.made_by(shop, replicas=REPLICAS)
    at = stage.ago(minutes=10)
    back = stage.ago(minutes=9)
    stage.status(
        killed,
        status_of("app", runs(back), ended("OOMKilled", 137, at), restarts=1),
        conditions=[condition("Ready", "True", back)],
    )
    for pod, since in ((steady, stage.ago(hours=5)), (later, stage.ago(minutes=2))):
        stage.status(pod, status_of("app", runs(since)), conditions=[condition("Ready", "True", since)])
    return stage


def _reported(stage: Stage, *args: str) -> dict[str, Any]:
    kubeconfig = stage.cluster.kubeconfig(READER)
    return oom(kubeconfig, "report", *args, "-n", stage.namespace, "--no-prometheus", "-o", "json").document()


def test_impact_is_told_from_what_the_api_server_keeps_of_readiness(stage: Stage) -> None:
    (item,) = _reported(stage, "deploy/shop")["items"]
    impact = item["impact"]
    (outage,) = impact["outages"]

    assert item["diagnosis"]["verdict"] in ("container-limit", "oom-scope-unknown")
    assert item["diagnosis"]["limitBytes"] == 64 * MI
    assert outage["pod"] == item["pod"]
    assert outage["downSeconds"] == 60
    assert len(impact["keptServing"]) == 1
    assert len(impact["readyOnlyLater"]) == 1
    assert item["kernel"]


def test_of_a_large_selection_only_what_was_killed_is_told_and_the_rest_is_named(stage: Stage) -> None:
    for number in range(QUIET):
        stage.status(
            stage.pod(f"quiet-{number}", {"name": "app", "image": "x"}), status_of("app", runs(stage.ago(hours=5)))
        )

    document = _reported(stage, "pods")
    (item,) = document["items"]

    assert item["workload"] == {"kind": "Deployment", "name": "shop"}
    assert len(item["impact"]["keptServing"]) == 1
    assert f"{QUIET} pods of workloads in which the API shows no kill were not asked about" in {
        gap["reason"] for gap in document["gaps"]
    }


def test_a_workload_that_does_not_exist_is_an_error_in_kubectls_words(stage: Stage) -> None:
    ran = oom(stage.cluster.kubeconfig(READER), "report", "deploy/nothing", "-n", stage.namespace)

    assert ran.code == 1
    assert ran.err.startswith('Error from server (NotFound): deployments.apps "nothing" not found')
