"""`history` on a real node: the kills that were made are the kills that are found, each once, gone pods included."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.access import READER
from tests.cluster.process import ClusterError
from tests.cluster.settings import MONITORING
from tests.real.tool import oom
from tests.real.workloads import container, deployment, hog, pod_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.real.scene import Scene

pytestmark = pytest.mark.timeout(600)

NAME = "again-and-again"
FIRST_POD_KILLS = 3
TERMINATED = "kube_pod_container_status_last_terminated_timestamp"

Kill = tuple[str, str]  # pod, moment


class Witness:
    """Whoever looks at the API server all the time sees every kill: a container lives ten seconds and waits as long.

    kube-state-metrics tells the time of a kill once the container has started again; before that only that it was
    killed, and when it saw so.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.kills: set[Kill] = set()  # after which the container started again
        self.all: set[Kill] = set()

    def look(self) -> set[Kill]:
        for pod in self._scene.list("pods", "-l", f"app={NAME}"):
            for status in pod["status"].get("containerStatuses", []):
                for where in ("state", "lastState"):
                    ended = status[where].get("terminated", {})
                    if ended.get("reason") == "OOMKilled":
                        kill = (pod["metadata"]["name"], ended["finishedAt"])
                        self.all.add(kill)
                        if where == "lastState":
                            self.kills.add(kill)
        return self.kills

    def pods(self) -> set[str]:
        return {pod for pod, _ in self.kills}

    def without_restart(self) -> set[Kill]:
        return self.all - self.kills


@pytest.fixture(scope="module")
def killed(scene: Scene) -> Iterator[Witness]:
    """A workload killed again and again, in a pod that was deleted and in the one after it; none is left."""
    if not scene.cluster.prometheus_url:
        pytest.skip("no Prometheus: name one with KUBECTL_OOM_TEST_PROMETHEUS_URL")
    witness = Witness(scene)
    hungry = container("app", "40Mi", hog("grow", base=8, step=4, tick="1s"))
    scene.cluster.apply(deployment(NAME, pod_spec(hungry)), scene.namespace)
    scene.wait("three kills of one pod", lambda: len(witness.look()) >= FIRST_POD_KILLS, lambda: str(witness.kills))
    # A pod's last kill goes with it: one that was not scraped before the pod is deleted is never known.
    scene.wait("Prometheus to know them", lambda: witness.look() <= _known(scene), lambda: _unknown(scene, witness))
    scene.cluster.kubectl("delete", "pod", "-n", scene.namespace, "-l", f"app={NAME}", "--wait=false")
    scene.wait(
        "a kill of the next pod", lambda: bool(witness.look()) and len(witness.pods()) > 1, lambda: str(witness.kills)
    )
    scene.wait("Prometheus to know them all", lambda: witness.look() <= _known(scene), lambda: _unknown(scene, witness))
    scene.cluster.kubectl("scale", "-n", scene.namespace, f"deployment/{NAME}", "--replicas=0")

    def gone() -> bool:
        witness.look()
        return not scene.list("pods", "-l", f"app={NAME}")

    scene.wait("the end of the last pod", gone, lambda: str(scene.list("pods", "-l", f"app={NAME}")))
    yield witness
    scene.cluster.kubectl("delete", "-n", scene.namespace, f"deployment/{NAME}")


def _known(scene: Scene) -> set[Kill]:
    """The kills whose time Prometheus holds, as pod and moment."""
    selector = f'{TERMINATED}{{namespace="{scene.namespace}",pod=~"{NAME}-.*"}}'
    raw = scene.cluster.query(f"{selector}[30m]")
    return {
        (row["metric"]["pod"], datetime.fromtimestamp(float(value), tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"))
        for row in raw
        for _, value in row["values"]
    }


def _unknown(scene: Scene, witness: Witness) -> str:
    known = _known(scene)
    return f"not known: {sorted(witness.kills - known)} of {len(witness.kills)}; known: {sorted(known)}"


def _history(scene: Scene, *args: str) -> dict[str, Any]:
    engine = ["--prometheus-url", str(scene.cluster.prometheus_url)]
    kubeconfig = scene.cluster.kubeconfig(READER)
    ran = oom(
        kubeconfig, "history", f"deploy/{NAME}", "-n", scene.namespace, "--since", "1h", *engine, *args, "-o", "json"
    )
    (item,) = ran.document()["items"]
    found: dict[str, Any] = item
    return found


def test_every_kill_that_was_made_is_found_once_with_the_kubelets_own_time(scene: Scene, killed: Witness) -> None:
    item = _history(scene)

    exact = [(kill["pod"], kill["at"]) for kill in item["kills"] if kill["exact"]]
    assert len(exact) == len(set(exact))
    assert killed.kills <= set(exact) <= killed.all | _known(scene)
    # Of the kills after which nothing started again, each is told at most once, when it was first seen.
    late = [(kill["pod"], kill["at"]) for kill in item["kills"] if not kill["exact"]]
    assert len(late) <= len(killed.without_restart())
    assert all(any(_first_sight(kill, seen) for kill in killed.without_restart()) for seen in late)


def _first_sight(kill: Kill, seen: Kill) -> bool:
    """Whether a kill may have been first seen then: by a scrape within a minute and a half."""
    at, then = (datetime.fromisoformat(moment.replace("Z", "+00:00")) for _, moment in (kill, seen))
    return kill[0] == seen[0] and 0 <= (then - at).total_seconds() <= 90


@pytest.mark.usefixtures("killed")
def test_the_pods_are_said_to_be_gone_and_the_limit_is_that_of_the_kill(scene: Scene) -> None:
    item = _history(scene)

    assert all(kill["podGone"] for kill in item["kills"])
    assert all(kill["exitCode"] == 137 for kill in item["kills"] if kill["exact"])
    assert {kill["limitBytes"] for kill in item["kills"]} == {40 << 20}
    assert {kill["verdict"] for kill in item["kills"]} == {"container-limit"}
    assert item["restarts"] >= FIRST_POD_KILLS - 1


@pytest.mark.usefixtures("killed")
def test_the_numbers_are_those_of_the_raw_samples(scene: Scene) -> None:
    selector = f'container_memory_working_set_bytes{{namespace="{scene.namespace}",pod=~"{NAME}-.*",container="app"}}'
    raw = scene.cluster.query(f"{selector}[1h]")
    values = [int(float(value)) for row in raw for _, value in row["values"]]

    spread = _history(scene)["workingSet"]

    assert spread["samples"] == len(values)
    assert spread["maxSampledBytes"] == max(values)
    assert abs(spread["avgBytes"] - sum(values) / len(values)) <= 1


@pytest.mark.parametrize("login", ["reader", "reader-certificate", "reader-exec"])
def test_the_engine_of_the_cluster_is_asked_with_whatever_the_kubeconfig_logs_in_with(
    scene: Scene, killed: Witness, login: str
) -> None:
    if scene.cluster.borrowed:
        pytest.skip("this cluster is not ours: it may have no Prometheus, or several")
    scene.wait("the Service's pod", lambda: _proxied(scene), lambda: str(scene.cluster.get("pods", "-A")))

    arguments = ["history", f"deploy/{NAME}", "-n", scene.namespace, "--since", "1h", "-o", "json"]
    ran = oom(scene.cluster.kubeconfig(login), *arguments)

    assert ran.code == 0, ran.err
    assert "was found by the labels of its Service" in ran.err
    (item,) = json.loads(ran.out)["items"]
    assert killed.kills <= {(kill["pod"], kill["at"]) for kill in item["kills"]}


def _proxied(scene: Scene) -> bool:
    with contextlib.suppress(ClusterError):
        path = f"/api/v1/namespaces/{MONITORING}/services/prometheus:web/proxy/-/ready"
        return bool(scene.cluster.kubectl("get", "--raw", path))
    return False


@pytest.mark.usefixtures("killed")
def test_watching_draws_again_until_it_is_interrupted(scene: Scene) -> None:
    engine = ["--prometheus-url", str(scene.cluster.prometheus_url)]
    arguments = ["history", f"deploy/{NAME}", "-n", scene.namespace, "--since", "1h", *engine]
    environment = {**os.environ, "KUBECONFIG": str(scene.cluster.kubeconfig(READER))}
    # A parent that ignores SIGINT, as a shell's background job does, hands that down.
    heed = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.executable, sys.argv[1:])"
    )
    tool = [sys.executable, "-m", "kubectl_oom", *arguments, "--watch", "--every", "1s"]
    with subprocess.Popen(
        [sys.executable, "-c", heed, *tool],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as watching:
        assert watching.stdout is not None
        titles = 0
        for line in watching.stdout:
            titles += line.startswith(f"deployment/{NAME}")
            if titles == 2:
                break
        watching.send_signal(signal.SIGINT)
        _, err = watching.communicate(timeout=60)

    assert watching.returncode == 130
    assert "Traceback" not in err


def test_a_picture_and_a_ticket_come_out_of_the_same_history(scene: Scene, killed: Witness) -> None:
    engine = ["--prometheus-url", str(scene.cluster.prometheus_url)]
    arguments = ["history", f"deploy/{NAME}", "-n", scene.namespace, "--since", "1h", *engine]
    kubeconfig = scene.cluster.kubeconfig(READER)

    picture = oom(kubeconfig, *arguments, "-o", "svg")
    screen = oom(kubeconfig, *arguments)
    ticket = oom(kubeconfig, *arguments, "-o", "markdown")

    assert picture.out.startswith("<svg ")
    assert picture.out.count("OOM kill at") >= len(killed.kills)
    assert "limit 40Mi" in picture.out
    assert all(len(line) <= 80 for line in screen.out.splitlines())
    assert f"deployment/{NAME}" in screen.out.splitlines()[0]
    assert "| verdict |" in ticket.out
    assert picture.err == ""
