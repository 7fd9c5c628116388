"""The rules of `alerts` in a real Prometheus beside a real node: real kills fire them, and each alert ends by itself."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.engines import free_port, program
from tests.promtool import check
from tests.real.scene import Scene
from tests.real.tool import oom
from tests.real.workloads import SCRATCH, container, deployment, empty_dir, hog, job, pod_spec, shell

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(900)

# The rules also get the shortest window that may be asked for, so that the end of an alert is seen too.
EVALUATED = "5s"
STICKY = "EndsNever"
GROWS = hog("grow", base=8, step=4, tick="1s")
# Killed once, and well from then on: a file outlives the container.
ONCE = shell(
    "[ -e /scratch/done ] || { touch /scratch/done; exec hog -mode=grow -base=8 -step=4; }; exec hog -base=4 -mode=plateau"
)


@dataclass
class Watcher:
    """A second Prometheus that scrapes what the first does and evaluates the rules; `fired` is all it has seen."""

    url: str
    namespace: str
    fired: set[tuple[str, str, str]] = field(default_factory=set)

    def ask(self, promql: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': promql})}") as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found

    def now(self) -> set[tuple[str, str, str]]:
        """Alert, workload and container of each alert that fires now."""
        alerts = self.ask(f'ALERTS{{alertstate="firing",namespace="{self.namespace}"}}')
        firing = {
            (one["metric"]["alertname"], _workload(one["metric"]["pod"]), one["metric"]["container"]) for one in alerts
        }
        self.fired |= firing
        return firing

    def shown(self) -> str:
        pods = self.ask(f'kube_pod_container_status_last_terminated_reason{{namespace="{self.namespace}"}}')
        return f"fired: {sorted(self.fired)}\nnow: {sorted(self.now())}\nended: {[one['metric'] for one in pods]}"


def _workload(pod: str) -> str:
    """`once` of `once-5b7d49c456-8chg4`: the names here are one word."""
    return pod.partition("-")[0]


@pytest.fixture(scope="module")
def scene(node: Cluster) -> Iterator[Scene]:
    if node.borrowed:
        pytest.skip("this cluster is not ours: its Prometheus' configuration is not known")
    scene = Scene.empty(node)
    objects = [
        deployment("once", pod_spec(container("app", "40Mi", **ONCE, **SCRATCH), volumes=[empty_dir("scratch")])),
        deployment("sidecar", pod_spec(container("app", "32Mi", hog("plateau", base=4)), initContainers=[_sidecar()])),
        job("job", pod_spec(container("app", "40Mi", GROWS))),
        deployment("near", pod_spec(container("app", "64Mi", hog("plateau", base=57)))),
        deployment("healthy", pod_spec(container("app", "64Mi", hog("plateau", base=10)))),
        deployment("exit137", pod_spec(container("app", "32Mi", **shell("sleep 3; exit 137")))),
        deployment("unlimited", pod_spec(container("app", None, hog("plateau", base=30)))),
    ]
    node.apply({"apiVersion": "v1", "kind": "List", "items": objects}, scene.namespace)
    yield scene
    scene.tear_down()


def _sidecar() -> dict[str, Any]:
    return container("proxy", "48Mi", GROWS, restartPolicy="Always")


@pytest.fixture(scope="module")
def watcher(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watcher]:
    folder = tmp_path_factory.mktemp("rules")
    config = json.loads((scene.cluster.state / "prometheus.json").read_text())
    config["global"]["evaluation_interval"] = EVALUATED
    config["rule_files"] = [str(_rules(scene, folder)), str(_sticky(folder))]
    (folder / "prometheus.yml").write_text(json.dumps(config))
    url = f"http://127.0.0.1:{free_port()}"
    command = ["prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    with program([*command, f"--web.listen-address={url.removeprefix('http://')}"], folder, f"{url}/-/ready"):
        yield Watcher(url, scene.namespace)


def _rules(scene: Scene, folder: Path) -> Path:
    """What the tool writes, with the shortest times that it allows."""
    asked = ["--window", "2m", "--warn-for", "10s", "-n", scene.namespace]
    ran = oom(scene.cluster.kubeconfig(), "alerts", *asked)
    assert (ran.code, ran.err) == (0, "")
    file = folder / "own.yml"
    file.write_text(ran.out)
    check(file)
    return file


def _sticky(folder: Path) -> Path:
    """The rule that so many people have, for comparison."""
    expr = (
        'max by (namespace, pod, container) (kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1)'
    )
    file = folder / "sticky.yml"
    file.write_text(json.dumps({"groups": [{"name": "sticky", "rules": [{"alert": STICKY, "expr": expr}]}]}))
    return file


EXPECTED = {
    ("ContainerOOMKilled", "once", "app"),
    ("InitContainerOOMKilledByRestarts", "sidecar", "proxy"),  # this kube-state-metrics tells no time of theirs
    ("ContainerFinishedByOOM", "job", "app"),
    ("ContainerMemoryNearLimit", "near", "app"),
}


def test_real_kills_fire_the_alerts_that_are_about_them(scene: Scene, watcher: Watcher) -> None:
    scene.wait("the alerts", lambda: bool(watcher.now()) and watcher.fired >= EXPECTED, watcher.shown)

    assert "exit137" not in {workload for _, workload, _ in watcher.fired}


def test_an_alert_ends_while_its_pod_and_the_gauge_stay(scene: Scene, watcher: Watcher) -> None:
    killed, stuck = ("ContainerOOMKilled", "once", "app"), (STICKY, "once", "app")

    scene.wait("the end of the alert", lambda: killed not in watcher.now(), watcher.shown)

    assert killed in watcher.fired
    assert stuck in watcher.now()
    (pod,) = scene.list("pods", "-l", "app=once")
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 1
    assert pod["status"]["phase"] == "Running"


def test_nothing_else_fired_in_all_that_time(watcher: Watcher) -> None:
    watcher.now()
    # Each of them stands near its limit before a kill; and a scrape may just catch the count of a container that dies.
    killed = (("sidecar", "proxy"), ("once", "app"), ("job", "app"))
    may = ("ContainerMemoryNearLimit", "ContainerProcessOOMKilled")
    passing = {(name, workload, what) for name in may for workload, what in killed}
    own = {one for one in watcher.fired if one[0] != STICKY}

    assert own - passing == EXPECTED


def test_the_runbook_of_a_real_alert_is_a_command_that_answers(scene: Scene, watcher: Watcher) -> None:
    with urllib.request.urlopen(f"{watcher.url}/api/v1/alerts") as answer:
        alerts = json.load(answer)["data"]["alerts"]
    (runbook,) = {a["annotations"]["runbook"] for a in alerts if a["labels"]["alertname"] == "ContainerFinishedByOOM"}

    words = runbook.split()
    assert words[:2] == ["kubectl", "oom"]
    ran = oom(scene.cluster.kubeconfig(), *words[2:], "--no-prometheus", "-o", "json")
    assert {item["verdict"] for item in ran.document()["items"]} == {"container-limit"}


def test_the_metrics_are_as_the_check_of_rules_says(scene: Scene, watcher: Watcher) -> None:
    def found(promql: str) -> list[dict[str, Any]]:
        return [one["metric"] for one in watcher.ask(promql.replace("NS", f'namespace="{scene.namespace}"'))]

    restarts = found("kube_pod_container_status_restarts_total{NS}")
    assert restarts
    assert not any("reason" in labels for labels in restarts)
    # The pod's total and its sandbox stand beside the containers, and `name` does not tell the sandbox from them.
    totals = found('container_memory_working_set_bytes{NS,pod=~"healthy-.*",container=""}')
    assert any(labels.get("name") for labels in totals)
    assert any(not labels.get("name") for labels in totals)
    assert found('container_spec_memory_limit_bytes{NS,pod=~"unlimited-.*",container="app"} == 0')
    assert found('kube_pod_container_resource_limits{NS,pod=~"unlimited-.*",resource="memory"}') == []
