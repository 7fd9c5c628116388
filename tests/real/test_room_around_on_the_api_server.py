"""`recommend` on a real API server: nodes, autoscalers, missing permissions, and a snapshot of it all."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.cluster.access import NOBODY, READER
from tests.real.around import (
    VERTICAL,
    define_vertical_autoscalers,
    fits,
    horizontal,
    killed_shop,
    limit_range,
    quota,
    recommend,
    vertical,
)
from tests.real.stage import ROOTS
from tests.real.status import gap_sources, only
from tests.real.tool import oom

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.cluster import Cluster
    from tests.real.stage import Stage

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return killed_shop(api_server)


def test_nodes_that_the_pods_cannot_go_to_are_told_apart(stage: Stage) -> None:
    stage.api.patch(
        f"/api/v1/nodes/{stage.node_name}", {"spec": {"taints": [{"key": "own", "value": "x", "effect": "NoSchedule"}]}}
    )
    here = {"nodeSelector": {"kubernetes.io/hostname": stage.node_name}}
    change = {"spec": {"template": {"spec": here}}}
    stage.api.patch(stage.path(ROOTS["deployments"], "deployments", "shop"), change)

    ((ok, closed),) = fits(recommend(stage), "node")
    assert not ok
    assert f"{stage.node_name} has the taint own=x:NoSchedule, which the pods do not tolerate" in closed

    here["tolerations"] = [{"key": "own", "operator": "Exists"}]  # type: ignore[assignment] # both are JSON
    stage.api.patch(stage.path(ROOTS["deployments"], "deployments", "shop"), change)
    answer = recommend(stage)
    ((large, node),) = fits(answer, "node")
    ((free, room),) = fits(answer, "node-free")
    assert (large, free) == (True, True)
    assert f"({stage.node_name}) has 8Gi for pods." in node
    assert "(1 of 1 open nodes looked at)" in room


def test_an_autoscaler_on_memory_is_told_with_what_the_request_does_to_it(stage: Stage) -> None:
    horizontal(stage)

    ((ok, told),) = fits(recommend(stage), "horizontal-autoscaler")

    assert not ok
    assert told.startswith(
        "HorizontalPodAutoscaler shop aims at 80% of the request: the 26Mi used per pod are 81% of 32Mi and "
    )
    assert "raising the request lets it scale in from 4 to " in told


@pytest.fixture(scope="module")
def vertical_autoscalers(api_server: Cluster) -> Iterator[None]:
    """The kind VerticalPodAutoscaler, as far as this tool reads it."""
    define_vertical_autoscalers(api_server)
    yield
    api_server.kubectl("delete", "crd", f"verticalpodautoscalers.{VERTICAL}")


def test_a_cluster_without_vertical_autoscalers_lacks_nothing(stage: Stage) -> None:
    answer = recommend(stage)

    assert fits(answer, "vertical-autoscaler") == []
    assert not gap_sources(answer) & {"vertical autoscalers", "autoscalers", "resource quotas", "limit ranges", "nodes"}


@pytest.mark.usefixtures("vertical_autoscalers")
def test_a_vertical_autoscaler_that_acts_is_told(stage: Stage) -> None:
    vertical(stage)

    ((ok, told),) = fits(recommend(stage), "vertical-autoscaler")

    assert not ok
    assert "(mode Recreate) sets the request of container app itself, to 48Mi now" in told
    assert "never above 50Mi (maxAllowed), which is less than the" in told


# --- without permission, and from a file ------------------------------------------------------------------------------


def test_what_may_not_be_read_is_named_and_the_rest_is_told(stage: Stage) -> None:
    limit_range(stage, max={"memory": "100Mi"})
    user = NOBODY
    stage.allow(
        user,
        ["pods", "events", "limitranges", "deployments", "replicasets"],
        groups=("", "apps"),
    )

    answer = recommend(stage, user=user)

    assert [ok for ok, _ in fits(answer, "limit-range")] == [False]
    assert {"resource quotas", "autoscalers", "vertical autoscalers", "nodes"} <= gap_sources(answer)
    remedies = {gap["source"].partition(" (")[0]: gap["remedy"] for gap in answer["gaps"]}
    assert remedies["resource quotas"] == "grant list on resourcequotas: docs/clusterrole.yaml"
    assert remedies["autoscalers"] == (
        'grant list on horizontalpodautoscalers in apiGroups ["autoscaling"]: docs/clusterrole.yaml'
    )


def test_a_snapshot_holds_what_the_cluster_allows(stage: Stage, tmp_path: Path) -> None:
    limit_range(stage, max={"memory": "100Mi"})
    quota(stage, 100)
    horizontal(stage)
    file = tmp_path / "shop.json"
    taken = oom(
        stage.cluster.kubeconfig(READER),
        *("snapshot", "deploy/shop", "-n", stage.namespace, "-f", str(file), "--no-prometheus"),
    )
    assert taken.code == 0, taken.err

    live, replayed = recommend(stage), recommend(stage, "--from", str(file))

    assert {fit["check"] for fit in only(live)["fits"]} >= {
        "limit-range",
        "quota",
        "node",
        "node-free",
        "horizontal-autoscaler",
    }
    assert only(replayed)["fits"] == only(live)["fits"]
    assert only(replayed)["offer"] == only(live)["offer"]
    recorded = json.loads(file.read_text(encoding="utf-8"))
    assert {answer["answer"] >= 0 for answer in recorded["answers"] if answer["ask"] == "requested-on"} == {True}
    assert {pod["metadata"]["namespace"] for pod in recorded["objects"]["pods"]} == {stage.namespace}


def test_the_doctor_tries_each_of_these_sources(stage: Stage) -> None:
    ran = oom(stage.cluster.kubeconfig(READER), "doctor", "-n", stage.namespace, "--no-prometheus")

    answers = dict(re.findall(r"^(\w[\w .]*?)  +(yes|no) ", ran.out, re.MULTILINE))
    around = {"nodes", "node pods", "limit ranges", "resource quotas", "autoscalers", "vertical autoscalers"}
    around |= {"disruption budgets", "claims", "argo cd", "alert rules"}
    assert {source: answers[source] for source in around} == dict.fromkeys(around, "yes")
