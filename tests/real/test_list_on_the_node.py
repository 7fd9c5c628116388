"""`list` on a real node: as many kills are listed as the kernel made, through restarts of kubelet and API server."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.access import READER
from tests.cluster.process import ClusterError
from tests.real.scenarios import CHILD
from tests.real.scene import Scene
from tests.real.tool import Ran, oom
from tests.real.workloads import SCRATCH, bare_pod, container, empty_dir, hog, pod_spec, probe, shell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(900)

LIMIT = "40Mi"
GROWS = hog("grow", base=8, step=4, tick="1s")  # past the limit in eight seconds
WAVE = 8  # pods that are killed once, in each of three waves
LOOPS, LOOP_KILLS = 3, 3  # pods that are killed again and again, and run for good then: each back-off is twice the last
CHILD_KILLS = 2
AGAIN = "/again"  # a file in the container of children
DELETED = 3  # pods of the first wave that are deleted after their kill
KILLS = 3 * WAVE + LOOPS * LOOP_KILLS + CHILD_KILLS
LAST_REASON = "kube_pod_container_status_last_terminated_timestamp"
REASON = "kube_pod_container_status_terminated_reason"
COUNTER = "container_oom_events_total"

# Counts its lives in a file that outlives them: so many are killed, the next one runs for good.
LOOP = (
    f"read n < /scratch/n || n=0; n=$((n+1)); echo $n > /scratch/n; "
    f"test $n -le {LOOP_KILLS} && exec hog {' '.join(GROWS)}; exec sleep 100000"
)


def kernel_kills() -> int:
    """How many processes the kernel of this machine has OOM-killed since it started."""
    found = re.search(r"^oom_kill (\d+)$", Path("/proc/vmstat").read_text(), re.MULTILINE)
    if found is None:
        pytest.skip("this kernel does not count its OOM kills in /proc/vmstat")
    return int(found[1])


@dataclass
class Run:
    """What was done on the node, and how many kills the kernel made meanwhile."""

    scene: Scene
    began: datetime
    deleted: tuple[str, ...]
    made: int

    def list(self, *args: str, metrics: bool = True) -> Ran:
        cluster = self.scene.cluster
        engine = ("--prometheus-url", str(cluster.prometheus_url)) if metrics else ("--no-prometheus",)
        # No longer than that: of the time before Prometheus began nobody knows whether it was counted.
        since = math.ceil((datetime.now(timezone.utc) - self.began).total_seconds())
        where = ("-n", self.scene.namespace, "--since", f"{since}s")
        return oom(cluster.kubeconfig(READER), "list", *where, *engine, *args)

    def rows(self, *args: str, metrics: bool = True) -> dict[str, dict[str, Any]]:
        items = self.list(*args, "-o", "json", metrics=metrics).document()["items"]
        found = {item["pod"]: item for item in items}
        assert len(found) == len(items)
        return found


@pytest.fixture(scope="module")
def run(node: Cluster) -> Iterator[Run]:
    """Dozens of kills; the kubelet and the API server restart while they happen, some pods are deleted after them."""
    if node.borrowed:
        pytest.skip("parts of a cluster that is not ours are not restarted")
    scene = Scene.empty(node)
    began, before = datetime.now(timezone.utc), kernel_kills()
    _steady(scene)
    # A kubelet that restarts counts anew: what was not scraped before is known to nobody.
    scene.wait("Prometheus to count a child", lambda: _counted(scene) > 0, lambda: str(_counted(scene)))
    _wave(scene, 1)
    scene.wait("a first kill", lambda: _ended(scene, "wave-1") > 0, lambda: "none")
    node.restart("kubelet")
    _wave(scene, 2)
    scene.wait("the first wave", lambda: _ended(scene, "wave-1") == WAVE, lambda: str(_ended(scene, "wave-1")))
    node.restart("kube-apiserver")
    _ready(scene)
    node.kubectl("exec", "-n", scene.namespace, "parent", "--", "touch", AGAIN)
    _wave(scene, 3)
    deleted = tuple(f"wave-1-{number}" for number in range(DELETED))
    scene.wait("Prometheus to know the first wave", lambda: _known(scene, deleted), lambda: "not known")
    node.kubectl("delete", "pod", "-n", scene.namespace, *deleted)
    scene.wait("all kills", lambda: kernel_kills() - before >= KILLS and _settled(scene), lambda: _told(scene, before))
    yield Run(scene, began, deleted, kernel_kills() - before)
    scene.tear_down()


def _steady(scene: Scene) -> None:
    """What happens all the while: loops, children; and what looks like a kill and is none."""
    scratch = {"volumes": [empty_dir("scratch")], "restartPolicy": "Always"}
    pods = [
        bare_pod(f"loop-{n}", pod_spec(container("app", LIMIT, **shell(LOOP), **SCRATCH), **scratch))
        for n in range(LOOPS)
    ]
    # The second child begins when it is told to: the kill of a child while the kubelet restarts is known to nobody.
    children = f"{CHILD}; until [ -e {AGAIN} ]; do sleep 1; done; {CHILD}; exec sleep 100000"
    pods.append(bare_pod("parent", pod_spec(container("app", LIMIT, **shell(children)))))
    pods.append(bare_pod("exits", pod_spec(container("app", LIMIT, **shell("sleep 5; exit 137")))))
    sick = probe("false", initialDelaySeconds=5, failureThreshold=1)
    probed = container("app", LIMIT, **shell("trap '' TERM; while true; do sleep 1; done"), livenessProbe=sick)
    pods.append(bare_pod("probed", pod_spec(probed, restartPolicy="Always")))
    pods.append(bare_pod("calm", pod_spec(container("app", LIMIT, hog("plateau", base=4)))))
    _apply(scene, pods)


def _wave(scene: Scene, wave: int) -> None:
    _apply(scene, [bare_pod(f"wave-{wave}-{n}", pod_spec(container("app", LIMIT, GROWS))) for n in range(WAVE)])


def _apply(scene: Scene, pods: list[dict[str, Any]]) -> None:
    scene.cluster.apply({"apiVersion": "v1", "kind": "List", "items": pods}, scene.namespace)


def _ready(scene: Scene) -> None:
    def answers() -> bool:
        try:
            scene.cluster.kubectl("get", "--raw", "/readyz")
        except ClusterError:
            return False
        return True

    scene.wait("the API server", answers, lambda: "no answer")


def _ended(scene: Scene, prefix: str) -> int:
    """How many pods whose names begin like that have ended."""
    pods = [pod for pod in scene.list("pods") if pod["metadata"]["name"].startswith(prefix)]
    return sum(pod["status"].get("phase") == "Failed" for pod in pods)


def _known(scene: Scene, pods: tuple[str, ...]) -> bool:
    names = "|".join(pods)
    query = f'{REASON}{{namespace="{scene.namespace}",pod=~"{names}",reason="OOMKilled"}} == 1'
    return len(scene.cluster.query(query)) == len(pods)


def _settled(scene: Scene) -> bool:
    """Whether every kill has reached the API server, and Prometheus where that alone keeps it."""
    loops = [pod for pod in scene.list("pods") if pod["metadata"]["name"].startswith("loop-")]
    restarted = [s["restartCount"] for pod in loops for s in pod["status"].get("containerStatuses", ())]
    if restarted != [LOOP_KILLS] * LOOPS or _ended(scene, "wave-") != 3 * WAVE - DELETED:
        return False
    last = scene.cluster.query(f'max by (pod) ({LAST_REASON}{{namespace="{scene.namespace}",pod=~"loop-.*"}})')
    running = scene.cluster.query(
        f'kube_pod_container_status_restarts_total{{namespace="{scene.namespace}",pod=~"loop-.*"}} == {LOOP_KILLS}'
    )
    return len(last) == len(running) == LOOPS and _counted(scene) >= CHILD_KILLS


def _counted(scene: Scene) -> int:
    """How often Prometheus saw the counter of children's kills rise; with the kubelet it begins at 0 again."""
    series = scene.cluster.query(f'{COUNTER}{{namespace="{scene.namespace}",pod="parent",container="app"}}[30m]')
    values = [[int(value) for _, value in one["values"]] for one in series]
    return sum(max(later - earlier, 0) for one in values for earlier, later in pairwise([0, *one]))


def _told(scene: Scene, before: int) -> str:
    names = [(pod["metadata"]["name"], pod["status"].get("phase")) for pod in scene.list("pods")]
    counted = f"{_counted(scene)} of {CHILD_KILLS} children counted"
    return f"{kernel_kills() - before} kills of {KILLS} by the kernel; {counted}; {names}"


def test_as_many_kills_are_listed_as_the_kernel_made(run: Run) -> None:
    assert run.made >= KILLS  # exactly that where nothing else runs on the node
    rows = run.rows()

    assert sum(row["kills"] for row in rows.values()) == KILLS
    assert {pod: row["kills"] for pod, row in rows.items()} == {
        **{f"wave-{wave}-{n}": 1 for wave in (1, 2, 3) for n in range(WAVE)},
        **{f"loop-{n}": LOOP_KILLS for n in range(LOOPS)},
        "parent": CHILD_KILLS,
    }
    assert not any(row["killsAtLeast"] for row in rows.values())


def test_pods_that_are_gone_are_listed_as_gone_and_no_others(run: Run) -> None:
    assert {pod for pod, row in run.rows().items() if row["podGone"]} == set(run.deleted)


def test_each_kill_has_its_verdict_and_what_is_none_is_not_listed(run: Run) -> None:
    rows = run.rows()
    others = run.rows("--all-137")

    assert {row["verdict"] for pod, row in rows.items() if pod != "parent"} == {"container-limit"}
    assert rows["parent"]["verdict"] == "child-killed"
    assert {pod: row["verdict"] for pod, row in others.items() if not row["oomKilled"]} == {
        "exits": "sigkill-unknown",
        "probed": "probe-kill",
    }
    assert {row["limitBytes"] for row in rows.values()} == {40 << 20}
    highest = [row["highestSampledBytes"] for pod, row in rows.items() if pod.startswith("loop-")]
    assert all(size is None or 0 < size <= 41 << 20 for size in highest)


def test_without_metrics_the_api_servers_share_is_listed_and_the_rest_is_said_to_be_missing(run: Run) -> None:
    rows = run.rows(metrics=False)

    assert set(rows) == set(run.rows()) - set(run.deleted) - {"parent"}
    assert {(row["kills"], row["killsAtLeast"]) for pod, row in rows.items() if pod.startswith("loop-")} == {(1, True)}
    assert {(row["kills"], row["killsAtLeast"]) for pod, row in rows.items() if pod.startswith("wave-")} == {(1, False)}


def test_the_table_has_a_line_for_each_and_the_newest_first(run: Run) -> None:
    ran = run.list("-o", "wide", "--no-headers")

    assert ran.code == 0
    listed = [line.split()[1] for line in ran.out.splitlines()]
    moments = {pod: row["lastKilledAt"] for pod, row in run.rows().items()}
    assert set(listed) == set(moments)
    assert [moments[pod] for pod in listed] == sorted(moments.values(), reverse=True)
    assert run.list("--exit-code").code == 1
