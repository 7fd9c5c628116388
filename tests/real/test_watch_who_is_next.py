"""`watch` with a real Prometheus: who is next, among the running containers of a real API server."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from tests.cluster.access import READER
from tests.engines import Series
from tests.engines import running as engine_running
from tests.real.stage import Stage
from tests.real.status import MI, Json, container, ended, running, status_of
from tests.real.watched import Watched

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[2] / "docs" / "schema.json").read_text()))


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


LIMIT = 100 * MI


def _series(stage: Stage, name: str, status: Json, points: list[tuple[int, float]]) -> list[Series]:
    cgroup = f"/kubepods/burstable/pod1/{status['containerID'].rpartition('/')[2]}"
    labels = {"namespace": stage.namespace, "pod": name, "container": "app"}
    limit = {"__name__": "kube_pod_container_resource_limits", "resource": "memory", "unit": "byte"}
    memory = {"__name__": "container_memory_working_set_bytes", "id": cgroup}
    return [Series(labels | memory, points), Series(labels | limit, [(at, float(LIMIT)) for at, _ in points])]


def test_who_is_next_is_said_once_at_each_mark_and_by_projection(stage: Stage, tmp_path: Path) -> None:
    # A climb of 12 Mi an hour, at 64 Mi now; others that stand at 87 %, 96 % and 50 % of their limit.
    until = int(now().timestamp())
    times = list(range(until - 3 * 3600, until + 1, 30))
    courses = {
        "climbing": [(at, (64 - 12 * (until - at) / 3600) * MI) for at in times],
        "close": [(at, 0.87 * LIMIT) for at in times],
        "very-close": [(at, 0.96 * LIMIT) for at in times],
        "calm": [(at, 0.5 * LIMIT + (at % 7) * 1000) for at in times],
    }
    series = []
    for name, points in courses.items():
        status = status_of("app", running(now() - timedelta(hours=4)))
        stage.status(stage.pod(name, container(limit="100Mi")), status)
        series += _series(stage, name, status, points)
    with engine_running("prometheus", series, tmp_path) as engine:
        arguments = ("-n", stage.namespace, "--prometheus-url", engine.url, "--interval", "1s")
        with Watched.begin(stage.cluster.kubeconfig(READER), *arguments, "--for", "10s") as seen:
            assert seen.finish() == 0

        told = {event["pod"]: event for event in seen.of_type("warning")}
        assert len(seen.events) == len(told) == 3
        assert {name: event["warning"]["mark"] for name, event in told.items()} == {
            "climbing": "projected",
            "close": "85%",
            "very-close": "95%",
        }
        climbing = told["climbing"]["warning"]
        assert climbing["growthBytesPerHour"] == pytest.approx(12 * MI, rel=0.05)
        assert climbing["secondsToLimit"]["least"] == pytest.approx(3 * 3600, rel=0.1)
        assert "reaches its limit in about 3 h at this rate" in told["climbing"]["message"]
        for event in told.values():
            SCHEMA.validate(event)


def test_an_engine_that_does_not_answer_is_said_once_and_kills_are_told_all_the_same(stage: Stage) -> None:
    pod = stage.pod("victim")
    engine = ("--prometheus-url", "http://127.0.0.1:1", "--interval", "1s")
    with Watched.begin(stage.cluster.kubeconfig(READER), "-n", stage.namespace, *engine) as seen:
        stage.status(pod, status_of("app", ended("OOMKilled", 137, now())))
        seen.wait("the kill", lambda: len(seen.kills) == 1)
        seen.wait("word of the engine", lambda: any("who is next is not" in line for line in seen.told))

        assert seen.end() == 130
        assert sum("who is next is not" in line for line in seen.told) == 1
