"""The rules as questions to real engines: Prometheus and VictoriaMetrics answer each of them, and in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_oom.judge.alert_asked import AlertAsked
from kubectl_oom.judge.alert_rules import alert_rules
from tests.engines import ENGINES, Series, require_program, running

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_790_000_000
KILLED_AT = NOW - 120
API = {"namespace": "shop", "pod": "api-1", "container": "app"}
JOB = {"namespace": "shop", "pod": "job-1", "container": "app"}
PROXY = {"namespace": "shop", "pod": "api-1", "container": "proxy"}


def series(name: str, labels: dict[str, str], before: float | None, after: float, since: int = KILLED_AT) -> Series:
    """A sample every half minute of two hours; None: there is none before."""
    moments = range(NOW - 7200, NOW + 1, 30)
    points = [(at, before if at < since else after) for at in moments if at >= since or before is not None]
    return Series({"__name__": name, **labels}, [(at, value) for at, value in points if value is not None])


def growing() -> Series:
    used = {"id": "/a", "image": "x", "name": "a"}
    points = [(at, 980.0 - (NOW - at) / 15) for at in range(NOW - 7200, NOW + 1, 30)]
    return Series({"__name__": "container_memory_working_set_bytes", **API, **used}, points)


STATE = "kube_pod_container_status_"
SERIES = [
    series(f"{STATE}last_terminated_reason", API | {"reason": "OOMKilled"}, None, 1),
    series(f"{STATE}last_terminated_timestamp", API, None, KILLED_AT),
    series("kube_pod_init_container_status_last_terminated_reason", PROXY | {"reason": "OOMKilled"}, None, 1),
    series("kube_pod_init_container_status_restarts_total", PROXY, 0, 1),
    series(f"{STATE}terminated_reason", JOB | {"reason": "OOMKilled"}, None, 1),
    series("kube_pod_completion_time", {"namespace": "shop", "pod": "job-1"}, None, KILLED_AT),
    series("container_oom_events_total", API, 0, 1),
    series("node_vmstat_oom_kill", {"instance": "10.0.0.1:9100"}, 3, 4),
    series("node_uname_info", {"instance": "10.0.0.1:9100", "nodename": "n1"}, 1, 1),
    series("kube_pod_container_resource_limits", API | {"resource": "memory", "unit": "byte"}, 1000, 1000),
    growing(),
]
TRUE = {
    ("ContainerOOMKilled", "app"),
    ("InitContainerOOMKilledByRestarts", "proxy"),
    ("ContainerFinishedByOOM", "app"),
    ("ContainerProcessOOMKilled", "app"),
    ("NodeOOMKill", None),
    ("ContainerMemoryNearLimit", "app"),
    ("ContainerMemoryGrowsToLimit", "app"),
}


@pytest.mark.parametrize("kind", ENGINES)
def test_every_rule_is_true_of_the_same_things_in_every_engine(kind: str, tmp_path: Path) -> None:
    require_program(kind, "promtool")
    with running(kind, SERIES, tmp_path) as engine:
        found = {
            (rule.name, row["metric"].get("container"))
            for rule in alert_rules(AlertAsked())
            for row in engine.ask("query", query=rule.expr, time=str(NOW))["data"]["result"]
        }

    assert found == TRUE
