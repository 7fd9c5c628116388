"""`why` on a real node: real kernel kills, a real kubelet, real metrics. One scenario for each way to end.

They need root, and the binaries that `python -m tests.cluster build` builds; or a cluster of your own (see
tests/cluster/borrowed.py).
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.access import READER, READER_WITHOUT_KUBELET
from tests.cluster.process import ClusterError
from tests.cluster.settings import MONITORING
from tests.real.scenarios import SCENARIOS, Scenario
from tests.real.tool import oom

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.real.scene import Scene

pytestmark = pytest.mark.timeout(600)

MI = 1024**2


@dataclass(frozen=True)
class Mode:
    """Which of the two sources of metrics may be asked."""

    prometheus: bool
    kubelet: bool

    def __str__(self) -> str:
        return f"{'with' if self.prometheus else 'without'} Prometheus, {'with' if self.kubelet else 'without'} kubelet"

    @property
    def user(self) -> str:
        """Who asks: the same role with or without nodes/proxy."""
        return READER if self.kubelet else READER_WITHOUT_KUBELET

    @property
    def blind(self) -> bool:
        """Whether the API server is the only witness."""
        return not self.prometheus and not self.kubelet


MODES = [Mode(prometheus, kubelet) for prometheus in (True, False) for kubelet in (True, False)]


def _why(scene: Scene, scenario: Scenario, mode: Mode) -> dict[str, Any]:
    if scenario.one_process_dies and scene.cluster.borrowed:
        pytest.skip("this cluster is not ours: its kubelet may kill a whole container at once (memory.oom.group)")
    if mode.prometheus and not scene.cluster.prometheus_url:
        pytest.skip("no Prometheus: name one with KUBECTL_OOM_TEST_PROMETHEUS_URL")
    scene.wait_until_reached(scenario, metrics=mode.prometheus)
    engine = ["--prometheus-url", str(scene.cluster.prometheus_url)] if mode.prometheus else ["--no-prometheus"]
    ran = oom(scene.cluster.kubeconfig(mode.user), "why", scenario.target, "-n", scene.namespace, "-o", "json", *engine)
    return ran.document()


@pytest.mark.parametrize("mode", MODES, ids=str)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_way_to_end_gets_its_true_verdict(scene: Scene, scenario: Scenario, mode: Mode) -> None:
    answer = _why(scene, scenario, mode)

    truths = scenario.expects.items()
    expected = {name: truth.without_metrics() if mode.blind else truth.verdict for name, truth in truths}
    assert {item["container"]: item["verdict"] for item in answer["items"]} == expected
    for item in answer["items"]:
        truth = scenario.expects[item["container"]]
        assert item["exitCode"] in (truth.exit_code, truth.overdue or truth.exit_code)
        assert (item["killedAt"] is None) == (truth.exit_code is None)


def test_what_could_not_be_asked_is_named_with_its_remedy(scene: Scene) -> None:
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == "child")

    answer = _why(scene, scenario, Mode(prometheus=False, kubelet=False))

    (kubelet,) = [gap for gap in answer["gaps"] if gap["source"].startswith("kubelet")]
    assert "403" in kubelet["reason"]
    assert "nodes/proxy" in kubelet["remedy"]


def test_a_prometheus_of_the_cluster_is_found_and_asked_through_the_api_server(scene: Scene) -> None:
    if scene.cluster.borrowed:
        pytest.skip("this cluster is not ours: it may have no Prometheus, or several")
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == "child")
    scene.wait_until_reached(scenario, metrics=True)

    scene.wait("the Service's pod", _prometheus_answers(scene), lambda: str(scene.cluster.get("pods", "-A")))
    kubeconfig = scene.cluster.kubeconfig(READER_WITHOUT_KUBELET)
    answer = oom(kubeconfig, "why", scenario.target, "-n", scene.namespace, "-o", "json").document()

    assert [item["verdict"] for item in answer["items"]] == ["child-killed"]


def _prometheus_answers(scene: Scene) -> Callable[[], bool]:
    def answers() -> bool:
        with contextlib.suppress(ClusterError):
            path = f"/api/v1/namespaces/{MONITORING}/services/prometheus:web/proxy/-/ready"
            return bool(scene.cluster.kubectl("get", "--raw", path))
        return False

    return answers


def test_metrics_k8s_io_tells_the_working_set_where_the_kubelet_may_not_be_asked(scene: Scene) -> None:
    if scene.cluster.borrowed:
        pytest.skip("this cluster is not ours: it may have no metrics-server")
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == "healthy")
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{scene.namespace}/pods"
    scene.wait(
        "metrics-server's first numbers",
        lambda: any(scenario.name in pod["metadata"]["name"] for pod in _items(scene, path)),
        lambda: str(_items(scene, path)),
    )

    (item,) = _why(scene, scenario, Mode(prometheus=False, kubelet=False))["items"]

    sample = item["lastSample"]
    assert sample["source"].startswith("metrics.k8s.io")
    assert 10 * MI <= sample["workingSetBytes"] <= 16 * MI  # it holds 10 Mi, and little more
    assert sample["usageBytes"] is None  # which metrics.k8s.io does not tell


def _items(scene: Scene, path: str) -> list[dict[str, Any]]:
    with contextlib.suppress(ClusterError):
        found: list[dict[str, Any]] = json.loads(scene.cluster.kubectl("get", "--raw", path))["items"]
        return found
    return []
