"""Pods resized while they run, on a real node: the kernel's limit is another one, and the container is the same."""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.quantity import parse_bytes
from tests.cluster.access import READER
from tests.real.carrying_out import fix
from tests.real.fixing import containers_of, written
from tests.real.needy import MI, Needy, children
from tests.real.scene import Scene
from tests.real.tool import oom
from tests.real.workloads import bare_pod, container, deployment, hog, pod_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.cluster import Cluster
    from tests.real.tool import Ran
    from tests.real.workloads import Json

pytestmark = pytest.mark.timeout(300)

NEEDED_MI = 62
KILLS_MI = 42  # its children are killed under it, some ten seconds apart
STILL_KILLS = ("-c", "app", "--limit", "50Mi", "--request", "25Mi")
LARGER_MI = 96
LARGER = ("-c", "app", "--limit", "96Mi", "--request", "48Mi")
AS_SPELLED = {"limits": {"memory": "67108864"}, "requests": {"memory": "9M"}}  # not as this tool would write it
CALM = hog("plateau", base=20)
WATCHED, WATCHED_LONGER = "20s", "40s"  # cAdvisor counts what was killed 10 to 15 s later

SPEC_LIMIT = re.compile(r"^container_spec_memory_limit_bytes\{([^}]*)\} (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Told:
    """One run of the tool: the object it was about and its pod, before and after."""

    ran: Ran
    before: Json
    after: Json
    pod_before: Json
    pod_after: Json

    @property
    def is_same_container(self) -> bool:
        """Whether the very container that ran before still runs, and was never restarted."""
        before, after = _status(self.pod_before), _status(self.pod_after)
        return before["containerID"] == after["containerID"] and after["restartCount"] == 0 and _runs(self.pod_after)

    @property
    def in_effect(self) -> Json:
        """The sizes that the kubelet reports as those it enforces."""
        found: Json = _status(self.pod_after)["resources"]
        return found


class Workload(Needy):
    """A pod on the node, bare or of a StatefulSet."""

    def __init__(self, scene: Scene, document: Json, needs_mi: int) -> None:
        super().__init__(scene, document["metadata"]["name"], needs_mi)
        self._target = f"{document['kind'].lower()}/{self.name}"
        scene.cluster.apply(document, scene.namespace)
        self.wait("it runs", lambda: any(map(_runs, self.pods())))

    def fixed(self, *args: str, enforced_mi: int | None = None) -> Told:
        """What one run does to it, once the kernel is seen to have the pod's limit, or the one that is given."""
        before, (pod_before,) = self.read(), self.pods()
        ran = fix(self.scene, self._target, *args)
        (pod_after,) = self.pods()
        limit = (
            enforced_mi * MI
            if enforced_mi
            else parse_bytes(containers_of(pod_after)[0]["resources"]["limits"]["memory"])
        )
        self.wait(f"a limit of {limit}\n{ran.err}", lambda: self._enforced() == limit)
        return Told(ran, before, self.read(), pod_before, pod_after)

    def read(self) -> Json:
        """The object as the API server holds it."""
        return self.scene.cluster.get(self._target, "-n", self.scene.namespace)

    def wait(self, what: str, happened: Callable[[], bool]) -> None:
        """Return once it has happened."""
        self.scene.wait(f"{self.name}: {what}", happened, lambda: str(self.pods()))

    def _enforced(self) -> int | None:
        """The limit of the container's cgroup, as the kubelet's cAdvisor reads it there."""
        (pod,) = self.pods()
        path = f"/api/v1/nodes/{pod['spec']['nodeName']}/proxy/metrics/cadvisor"
        ours = (f'namespace="{self.scene.namespace}"', f'pod="{pod["metadata"]["name"]}"', 'container="app"')
        page = self.scene.cluster.kubectl("get", "--raw", path)
        found = [value for labels, value in SPEC_LIMIT.findall(page) if all(one in labels for one in ours)]
        return int(float(found[0])) if found else None


def _status(pod: Json) -> Json:
    found: Json = pod["status"]["containerStatuses"][0]
    return found


def _runs(pod: Json) -> bool:
    return "containerStatuses" in pod["status"] and "running" in _status(pod)["state"]


@dataclass(frozen=True)
class Rescue:
    """A pod whose children were killed: its fix, what `history` knows then, and an undo that comes too late."""

    fixed: Told
    history: Json
    undone: Told


def _rescued(scene: Scene) -> Rescue:
    spec = pod_spec(container("app", f"{KILLS_MI}Mi", **children(NEEDED_MI)))
    rescued = Workload(scene, bare_pod("rescued", spec), NEEDED_MI)
    assert rescued.is_killed()
    fixed = rescued.fixed("--accept-low-confidence", "--watch-for", WATCHED)
    rescued.wait("it has what it needs", rescued.has_what_it_needs)
    named = ("pod/rescued", "-n", scene.namespace, "--prometheus-url", str(scene.cluster.prometheus_url))
    history = oom(scene.cluster.kubeconfig(READER), "history", *named, "-o", "json").document()
    (container_before,) = containers_of(fixed.after)
    limit = parse_bytes(container_before["resources"]["limits"]["memory"])
    assert limit
    return Rescue(fixed, history, rescued.fixed("--undo", enforced_mi=limit // MI))


def _killed_still(scene: Scene) -> Told:
    spec = pod_spec(container("app", f"{KILLS_MI}Mi", **children(NEEDED_MI)))
    still = Workload(scene, bare_pod("killed-still", spec), NEEDED_MI)
    assert still.is_killed()
    return still.fixed(*STILL_KILLS, "--watch-for", WATCHED_LONGER)


def _calm(scene: Scene) -> tuple[Told, Told]:
    """A bare pod whose limit goes up, and down again."""
    calm = Workload(scene, bare_pod("calm", pod_spec(container("app", None, CALM, resources=AS_SPELLED))), 20)
    return calm.fixed(*LARGER), calm.fixed("--undo")


def _kept(scene: Scene) -> tuple[Told, Told]:
    """The same with a pod whose StatefulSet replaces it when it is deleted, and not before."""
    made = deployment("kept", pod_spec(container("app", None, CALM, resources=AS_SPELLED)))
    made |= {"kind": "StatefulSet", "spec": made["spec"] | {"updateStrategy": {"type": "OnDelete"}}}
    kept = Workload(scene, made, 20)
    return kept.fixed(*LARGER, "--in-place"), kept.fixed("--undo", "--in-place")


@dataclass(frozen=True)
class Stories:
    """What is told, as soon as it has happened."""

    rescued: Future[Rescue]
    killed_still: Future[Told]
    calm: Future[tuple[Told, Told]]
    kept: Future[tuple[Told, Told]]


@pytest.fixture(scope="module")
def stories(node: Cluster) -> Iterator[Stories]:
    if not node.prometheus_url:
        pytest.skip("no Prometheus: name one with KUBECTL_OOM_TEST_PROMETHEUS_URL")
    scene = Scene.empty(node)
    with ThreadPoolExecutor() as side_by_side:
        tell = side_by_side.submit
        yield Stories(tell(_rescued, scene), tell(_killed_still, scene), tell(_calm, scene), tell(_kept, scene))
    scene.tear_down()


def test_a_pod_whose_children_are_killed_is_rescued_without_a_restart(stories: Stories) -> None:
    fixed = stories.rescued.result().fixed

    assert fixed.ran.code == 0, fixed.ran.err
    assert fixed.is_same_container
    assert fixed.in_effect == containers_of(fixed.after)[0]["resources"]
    assert "no OOM kill; the highest sample was" in fixed.ran.out


def test_the_kills_before_a_resize_stay_kills_under_the_limit_of_that_time(stories: Stories) -> None:
    (item,) = stories.rescued.result().history["items"]

    assert item["kills"]
    assert {kill["limitBytes"] for kill in item["kills"]} <= {KILLS_MI * MI, None}  # None: counted around the resize


def test_an_undo_to_less_than_is_in_use_is_refused_by_the_kubelet_and_harms_nothing(stories: Stories) -> None:
    told = stories.rescued.result()

    assert told.undone.ran.code == 1
    assert "pod/rescued cannot be resized (Error): cannot decrease memory limits" in told.undone.ran.err
    assert told.undone.is_same_container
    assert told.undone.in_effect == told.fixed.in_effect


def test_kills_inside_a_container_that_lives_on_are_seen_while_it_is_watched(stories: Stories) -> None:
    told = stories.killed_still.result()

    assert told.is_same_container
    assert told.ran.code == 1
    assert "pod/killed-still: OOM-killed " in told.ran.err


@pytest.mark.parametrize("name", ["calm", "kept"])
def test_a_limit_goes_up_and_back_to_how_it_was_spelled_while_the_container_runs(stories: Stories, name: str) -> None:
    up, down = getattr(stories, name).result()

    assert (up.ran.code, down.ran.code) == (0, 0), up.ran.err + down.ran.err
    assert up.is_same_container and down.is_same_container
    assert up.in_effect["limits"] == {"memory": f"{LARGER_MI}Mi"}
    assert containers_of(up.before)[0]["resources"] == AS_SPELLED
    assert containers_of(down.after)[0]["resources"] == AS_SPELLED
    assert containers_of(down.pod_after)[0]["resources"] == AS_SPELLED
    assert written(down.after) == written(up.before)
