"""Every rule of `alerts` beside a real node: real kills fire it, each alert ends by itself, and health fires none.

Two kinds of cluster watch the same pods: one with a kube-state-metrics and a node-exporter of now, and rules about
everything; one with an old kube-state-metrics, no node-exporter, and rules about one namespace.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.real.alarms import NODE, STATES, STICKY, Alarms, Alert, alarms, node_exporter, old_state_metrics
from tests.real.scene import Scene
from tests.real.tool import oom
from tests.real.workloads import SCRATCH, bare_pod, container, deployment, empty_dir, hog, job, pod_spec, shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(900)

# Far over the limit at once: it is never seen near it. Not before a scrape or two have seen it alive.
SPIKE = hog("spike", base=4, max=100, after="15s")
# Killed once, and well from then on: a file outlives the container.
ONCE = shell(
    "[ -e /scratch/done ] || { touch /scratch/done; exec hog -mode=spike -base=4 -max=100 -after=15s; };"
    " exec hog -base=4 -mode=plateau"
)


def at(percent: int) -> dict[str, Any]:
    """A container that stands at this percentage of its limit; the program itself takes 1 or 2 Mi."""
    return container("app", "100Mi", hog("plateau", base=percent - 1))


KILLED = [
    deployment("once", pod_spec(container("app", "40Mi", **ONCE, **SCRATCH), volumes=[empty_dir("scratch")])),
    deployment(
        "sidecar",
        pod_spec(
            container("app", "32Mi", hog("plateau", base=4)),
            initContainers=[container("proxy", "48Mi", SPIKE, restartPolicy="Always")],
        ),
    ),
    job("job", pod_spec(container("app", "40Mi", SPIKE))),
    bare_pod(
        "setup",
        pod_spec(container("app", "32Mi", hog("plateau")), initContainers=[container("unpack", "40Mi", SPIKE)]),
    ),
    deployment("child", pod_spec(container("app", "48Mi", hog("child", base=2, step=100)))),
]
NEAR = [deployment(name, pod_spec(at(percent))) for name, percent in (("info", 87), ("warning", 92), ("critical", 97))]
GROWING = [deployment("grows", pod_spec(container("app", "400Mi", hog("grow", base=210, step=1, tick="3s", max=300))))]
IN_HEALTH = [
    deployment("healthy", pod_spec(at(10))),
    deployment("steady", pod_spec(at(70))),
    deployment("unlimited", pod_spec(container("app", None, hog("plateau", base=30)))),
    deployment("exit137", pod_spec(container("app", "32Mi", **shell("sleep 3; exit 137")))),
    job("job137", pod_spec(container("app", "32Mi", **shell("sleep 3; exit 137")))),
]

OF_MEMORY = {
    Alert("ContainerMemoryNearLimit", "info", "app", "info"),
    Alert("ContainerMemoryNearLimit", "warning", "app", "info"),
    Alert("ContainerMemoryNearLimit", "warning", "app", "warning"),
    Alert("ContainerMemoryNearLimit", "critical", "app", "info"),
    Alert("ContainerMemoryNearLimit", "critical", "app", "warning"),
    Alert("ContainerMemoryNearLimit", "critical", "app", "critical"),
    Alert("ContainerMemoryGrowsToLimit", "grows", "app"),
}
OF_ANY_CLUSTER = {
    Alert("ContainerFinishedByOOM", "job", "app"),
    Alert("ContainerFinishedByOOM", "setup", "unpack"),
    Alert("ContainerProcessOOMKilled", "child", "app"),
} | OF_MEMORY
ONCE_KILLED, ONCE_KILLED_BEFORE = (
    Alert("ContainerOOMKilled", "once", "app"),
    Alert("ContainerOOMKilledByRestarts", "once", "app"),
)
EXPECTED = OF_ANY_CLUSTER | {
    ONCE_KILLED,
    Alert("InitContainerOOMKilled", "sidecar", "proxy"),
    Alert("NodeOOMKill", severity="info"),
}
EXPECTED_BEFORE = OF_ANY_CLUSTER | {
    ONCE_KILLED_BEFORE,
    Alert("InitContainerOOMKilledByRestarts", "sidecar", "proxy"),
}
# What goes on for longer than these tests take, however busy the machine is.
LASTING = {"ContainerFinishedByOOM", "ContainerProcessOOMKilled", "NodeOOMKill", "ContainerMemoryNearLimit"}
# True of what is being killed, if a scrape just catches it: the count of a container that dies, its memory on the way.
PASSING = {
    Alert(name, workload, container, severity)
    for workload, container in (
        ("once", "app"),
        ("sidecar", "proxy"),
        ("job", "app"),
        ("setup", "unpack"),
        ("child", "app"),
    )
    for name, severity in (
        ("ContainerProcessOOMKilled", "warning"),
        ("ContainerMemoryGrowsToLimit", "warning"),
        *(("ContainerMemoryNearLimit", severity) for severity in ("info", "warning", "critical")),
    )
}


@pytest.fixture(scope="module")
def scene(node: Cluster) -> Iterator[Scene]:
    if node.borrowed:
        pytest.skip("this cluster is not ours: its Prometheus' configuration is not known")
    scene = Scene.empty(node)
    yield scene
    scene.tear_down()


@pytest.fixture(scope="module")
def watching(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Alarms, Alarms]]:
    """Both, from before anything runs."""
    folder = tmp_path_factory.mktemp("alarms")
    with (
        node_exporter(folder) as exporter,
        alarms(scene, folder / "now", ports={NODE: exporter}) as of_now,
        old_state_metrics(scene.cluster, folder) as states,
        alarms(scene, folder / "before", "-n", scene.namespace, ports={STATES: states}) as of_before,
    ):
        items = [*KILLED, *NEAR, *GROWING, *IN_HEALTH]
        scene.cluster.apply({"apiVersion": "v1", "kind": "List", "items": items}, scene.namespace)
        yield of_now, of_before


@pytest.fixture(scope="module")
def now(watching: tuple[Alarms, Alarms]) -> Alarms:
    return watching[0]


@pytest.fixture(scope="module")
def before(watching: tuple[Alarms, Alarms]) -> Alarms:
    return watching[1]


def test_every_rule_is_expected_to_fire(scene: Scene) -> None:
    ran = oom(scene.cluster.kubeconfig(), "alerts")
    (group,) = yaml.safe_load(ran.out)["groups"]

    written = {(rule["alert"], rule["labels"]["severity"]) for rule in group["rules"]}
    assert written == {(alert.name, alert.severity) for alert in EXPECTED | EXPECTED_BEFORE}


def test_real_kills_and_real_memory_fire_every_alert(scene: Scene, now: Alarms) -> None:
    scene.wait("the alerts", lambda: now.ever() >= EXPECTED, now.shown)


def test_an_older_kube_state_metrics_fires_the_rules_that_are_for_it(scene: Scene, before: Alarms) -> None:
    scene.wait("the alerts", lambda: before.ever() >= EXPECTED_BEFORE, before.shown)


def test_an_alert_ends_while_its_pod_and_the_gauge_stay(scene: Scene, now: Alarms, before: Alarms) -> None:
    stuck = Alert(STICKY, "once", "app")

    scene.wait("the end of the alert", lambda: ONCE_KILLED not in now.now(), now.shown)
    scene.wait("the end of the older alert", lambda: ONCE_KILLED_BEFORE not in before.now(), before.shown)

    assert ONCE_KILLED in now.ever()
    assert ONCE_KILLED_BEFORE in before.ever()
    assert stuck in now.now() & before.now()
    (pod,) = scene.list("pods", "-l", "app=once")
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 1
    assert pod["status"]["phase"] == "Running"


def test_nothing_else_fired_in_all_that_time(now: Alarms, before: Alarms) -> None:
    fired = [{one for one in each.ever() if one.name != STICKY} for each in (now, before)]

    assert [each - (PASSING - EXPECTED) for each in fired] == [EXPECTED, EXPECTED_BEFORE]


def test_the_runbook_of_every_real_alert_is_a_command_that_answers(scene: Scene, now: Alarms) -> None:
    said = {name: words for name, words in now.runbooks().items() if name != STICKY}
    assert said.keys() >= LASTING
    answers = {}
    for name, runbook in said.items():
        words = runbook.split()
        assert words[:2] == ["kubectl", "oom"]
        answers[name] = oom(scene.cluster.kubeconfig(), *words[2:], "-o", "json").document()["items"]

    assert {item["verdict"] for item in answers["ContainerFinishedByOOM"]} == {"container-limit"}
    assert {item["verdict"] for item in answers["ContainerProcessOOMKilled"]} == {"child-killed"}
    assert {item["namespace"] for item in answers["NodeOOMKill"]} >= {scene.namespace}
    (near,) = answers["ContainerMemoryNearLimit"]
    assert near["pod"].partition("-")[0] in {alert.workload for alert in OF_MEMORY}


def test_the_metrics_are_as_the_check_of_rules_says(scene: Scene, now: Alarms) -> None:
    def found(promql: str) -> list[dict[str, Any]]:
        return [one["metric"] for one in now.ask(promql.replace("NS", f'namespace="{scene.namespace}"'))]

    restarts = found("kube_pod_container_status_restarts_total{NS}")
    assert restarts
    assert not any("reason" in labels for labels in restarts)
    # The pod's total and its sandbox stand beside the containers, and `name` does not tell the sandbox from them.
    totals = found('container_memory_working_set_bytes{NS,pod=~"healthy-.*",container=""}')
    assert any(labels.get("name") for labels in totals)
    assert any(not labels.get("name") for labels in totals)
    assert found('container_spec_memory_limit_bytes{NS,pod=~"unlimited-.*",container="app"} == 0')
    assert found('kube_pod_container_resource_limits{NS,pod=~"unlimited-.*",resource="memory"}') == []
