"""`why` on a real node whose pods share 900 Mi: what the node does to pods that outgrow it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.access import READER, READER_WITHOUT_KUBELET
from tests.real.scenarios import Scenario, Truth
from tests.real.scene import Scene
from tests.real.tool import oom
from tests.real.workloads import bare_pod, container, ended, evicted, hog, pod_spec

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(900)

USERS = {"with the kubelet": READER, "without the kubelet": READER_WITHOUT_KUBELET}
# Killed by the kernel at the limit of all pods together, far below any limit of its own: it has none.
OUTGROWS_FAST = Scenario(
    name="no-limit-fast",
    says="a container without a limit takes more than all pods may have, faster than the kubelet looks",
    kind="pod",
    objects=(
        bare_pod("no-limit-fast", pod_spec(container("app", None, hog("spike", base=20, after="30s", max=2000)))),
    ),
    reached=ended("app", "OOMKilled", 137),
    expects={"app": Truth("node", 137)},
    metric='count_over_time(container_memory_usage_bytes{namespace="{ns}",pod="no-limit-fast",container="app"}[30m])',
)
# Seen by the kubelet in time: it evicts below 100 Mi available, and looks every ten seconds.
OUTGROWS_SLOWLY = Scenario(
    name="no-limit-slow",
    says="a container without a limit slowly takes what all pods may have, and the kubelet evicts its pod",
    kind="pod",
    objects=(
        bare_pod(
            "no-limit-slow", pod_spec(container("app", None, hog("grow", base=650, step=5, tick="2s", deaf="true")))
        ),
    ),
    reached=evicted,
    expects={"app": Truth("evicted", 137)},
)


@pytest.fixture(scope="module")
def fast(small_node: Cluster) -> Scene:
    """The first pod alone: an eviction leaves the node under memory pressure for minutes."""
    scene = Scene.set_up(small_node, (OUTGROWS_FAST,))
    scene.wait_until_reached(OUTGROWS_FAST, metrics=True)
    return scene


@pytest.fixture(scope="module")
def slow(fast: Scene) -> Scene:
    """The second pod, after the first has ended."""
    scene = Scene.set_up(fast.cluster, (OUTGROWS_SLOWLY,))
    scene.wait_until_reached(OUTGROWS_SLOWLY, metrics=False)
    return scene


def _verdicts(scene: Scene, scenario: Scenario, user: str, *engine: str) -> dict[str, tuple[str, int | None]]:
    kubeconfig = scene.cluster.kubeconfig(user)
    answer = oom(kubeconfig, "why", scenario.target, "-n", scene.namespace, "-o", "json", *engine).document()
    return {item["container"]: (item["verdict"], item["exitCode"]) for item in answer["items"]}


@pytest.mark.parametrize("user", USERS.values(), ids=USERS.keys())
@pytest.mark.parametrize("prometheus", [True, False], ids=["with Prometheus", "without Prometheus"])
def test_a_kill_at_the_limit_of_all_pods_is_the_nodes(fast: Scene, user: str, prometheus: bool) -> None:  # noqa: FBT001
    engine = ("--prometheus-url", str(fast.cluster.prometheus_url)) if prometheus else ("--no-prometheus",)

    assert _verdicts(fast, OUTGROWS_FAST, user, *engine) == {"app": ("node", 137)}


@pytest.mark.parametrize("user", USERS.values(), ids=USERS.keys())
def test_an_eviction_for_memory_is_no_oom_kill_whatever_its_exit_code(slow: Scene, user: str) -> None:
    assert _verdicts(slow, OUTGROWS_SLOWLY, user, "--no-prometheus") == {"app": ("evicted", 137)}


def test_the_node_names_who_died_on_it_and_that_it_ran_out(slow: Scene) -> None:
    ran = oom(slow.cluster.kubeconfig(READER), "why", "node/node-a", "-o", "json", "--no-prometheus")

    named = {(item["pod"], item["verdict"]) for item in ran.document()["items"]}
    assert {("no-limit-fast", "node"), ("no-limit-slow", "evicted")} <= named
