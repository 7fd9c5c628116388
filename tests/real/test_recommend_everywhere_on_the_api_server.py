"""`recommend -A` on a real API server and a real Prometheus: thirty pods, their past, and one that is gone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.cluster.access import READER
from tests.engines import require_program, running
from tests.real.stage import ROOTS, Stage
from tests.real.status import running as runs
from tests.real.status import status_of
from tests.real.tool import oom
from tests.stories import MI, End, PodStory, owned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.cluster import Cluster
    from tests.engines import RunningEngine

pytestmark = pytest.mark.timeout(300)

REPLICAS = 30
HOUR = 3600
GONE = "shop-7d9c5b6f4d-x2x8p"


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    """A deployment of thirty pods that run."""
    stage = Stage.on(api_server)
    deployment = stage.workload("deployments", "shop")
    stage.api.patch(stage.path(ROOTS["deployments"], "deployments", "shop"), {"spec": {"replicas": REPLICAS}})
    for pod in stage.made_by(deployment, replicas=REPLICAS):
        stage.status(pod, status_of("app", runs(stage.ago(hours=5))))
    return stage


@pytest.fixture
def engine(stage: Stage, tmp_path: Path) -> Iterator[RunningEngine]:
    """Two days of one pod that was killed and is gone since, and five hours of those that run."""
    require_program("prometheus", "promtool")
    now = int(time.time())
    names = [pod["metadata"]["name"] for pod in stage.items("/api/v1", "pods")]
    sets = {GONE.rpartition("-")[0], *(name.rpartition("-")[0] for name in names)}
    stories = [
        PodStory(
            name, ("ReplicaSet", name.rpartition("-")[0]), now - 5 * HOUR, now - 300, namespace=stage.namespace, step=60
        )
        for name in names
    ]
    killed = End(now - 30 * HOUR)
    owner = ("ReplicaSet", GONE.rpartition("-")[0])
    stories.append(
        PodStory(GONE, owner, now - 53 * HOUR, now - 5 * HOUR, (killed,), 96 * MI, namespace=stage.namespace, step=60)
    )
    series = [one for story in stories for one in story.series() if one.points]
    series += [owned(stage.namespace, "shop", name, now - 53 * HOUR, now - 300, 60) for name in sorted(sets)]
    with running("prometheus", series, tmp_path) as prometheus:
        yield prometheus


def test_a_selection_of_thirty_pods_is_one_row_with_the_past_of_the_pod_that_is_gone(
    stage: Stage, engine: RunningEngine
) -> None:
    document = stage.recommend("-l", "app=shop", "--prometheus-url", engine.url)
    [item] = document["items"]
    assert item["workload"] == {"kind": "Deployment", "name": "shop"}
    assert (item["risk"], item["replicas"], item["recommended"]["limitBytes"] > 96 * MI) == ("killed", REPLICAS, True)
    assert "OOM-killed once at a limit of 96Mi" in " ".join(item["rationale"])
    sources = {gap["source"] for gap in document["gaps"]}
    assert "single pods" in sources
    assert not any("owners" in source or "metrics engine" in source for source in sources)


def test_rows_are_on_stdout_and_nothing_of_the_progress_is_in_a_pipe(stage: Stage, engine: RunningEngine) -> None:
    ran = oom(stage.cluster.kubeconfig(READER), "recommend", "deploy", "-A", "--prometheus-url", engine.url)
    assert ran.code == 0
    rows = [line.split() for line in ran.out.splitlines()]
    assert rows[0][:3] == ["RISK", "NAMESPACE", "WORKLOAD"]
    assert any(row[1:3] == [stage.namespace, "deploy/shop"] for row in rows if len(row) > 2)
    assert ran.err == ""


def test_without_an_engine_it_is_answered_from_status(stage: Stage) -> None:
    document = stage.recommend("-l", "app=shop", "--no-prometheus")
    [item] = document["items"]
    assert (item["risk"], item["recommended"], item["confidence"]) == ("unknown", None, "low")
    assert "metrics.k8s.io" in {gap["source"].partition(" ")[0] for gap in document["gaps"]}
