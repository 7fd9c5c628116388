"""`fix --apply` on a real node: what was OOM-killed is not killed again, and what does not work is taken back.

The stories happen side by side: each is mostly waiting.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.real.carrying_out import fix
from tests.real.fixing import containers_of, without_note, written
from tests.real.needy import Needy
from tests.real.scene import Scene
from tests.real.workloads import container, deployment, hog, pod_spec, probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.cluster import Cluster
    from tests.real.tool import Ran
    from tests.real.workloads import Json

pytestmark = pytest.mark.timeout(300)

NEEDED_MI = 62  # no clean size, so that no answer can name it by chance
AS_SPELLED = {"limits": {"memory": "42M"}, "requests": {"memory": "9M"}}  # not as this tool would write it
ENOUGH = {"limits": {"memory": "128Mi"}, "requests": {"memory": "64Mi"}}
SMALLER = ("-c", "app", "--limit", "16Mi", "--request", "8Mi", "--allow-decrease")
# What it takes to start a container is some Mi: below, the runtime's own process is killed.
TOO_SMALL_TO_START = ("-c", "app", "--limit", "1Mi", "--request", "1Mi", "--allow-decrease")
WATCHED = "20s"
NEEDS_IT_AFTER = "12s"  # when the rollout is done, and the watching has begun

GROWING = hog("grow", base=9, step=3, tick="200ms", max=NEEDED_MI)
AT_ONCE = hog("plateau", base=NEEDED_MI)
LATE = hog("spike", base=9, after=NEEDS_IT_AFTER, max=NEEDED_MI)
SERVES = {"readinessProbe": probe("true", initialDelaySeconds=3)}  # what is killed at once never serves


@dataclass(frozen=True)
class Told:
    """One run of the tool: the Deployment and its pods before and after."""

    ran: Ran
    before: Json
    after: Json
    pods_before: list[Json]
    pods_after: list[Json]


class Workload(Needy):
    """A Deployment of one pod on the node."""

    @classmethod
    def create(cls, scene: Scene, name: str, resources: Json, args: list[str], **more: object) -> Workload:
        """A new one."""
        spec = pod_spec(container("app", None, args, resources=resources, **more))
        scene.cluster.apply(deployment(name, spec), scene.namespace)
        return cls(scene, name, NEEDED_MI)

    def fixed(self, *args: str) -> Told:
        """What one run does to it."""
        before, pods_before = self.read(), self.pods()
        ran = fix(self.scene, f"deploy/{self.name}", *args)
        return Told(ran, before, self.read(), pods_before, self.living())

    def read(self) -> Json:
        """The Deployment as the API server holds it."""
        return self.scene.cluster.get(f"deploy/{self.name}", "-n", self.scene.namespace)

    def living(self) -> list[Json]:
        """The pods that are to stay."""
        return [pod for pod in self.pods() if "deletionTimestamp" not in pod["metadata"]]

    def wait(self, what: str, happened: Callable[[], bool]) -> None:
        """Return once it has happened."""
        self.scene.wait(f"{self.name}: {what}", happened, lambda: str(self.pods()))

    def serves(self) -> bool:
        """Whether its one pod is available, and nothing else is left of it."""
        status = self.read().get("status", {})
        return bool(status.get("availableReplicas") == status.get("replicas") == 1)


def _killed_again_and_again(scene: Scene) -> tuple[Told, Told, bool]:
    """One recommendation applied, and its undo; whether it had what it needed in between."""
    hungry = Workload.create(scene, "hungry", AS_SPELLED, GROWING)
    assert hungry.is_killed()
    applied = hungry.fixed("--accept-low-confidence", "--watch-for", WATCHED)
    runs = not hungry.is_killed()
    undone = hungry.fixed("--undo", "--timeout", "0")
    return applied, undone, runs


def _made_too_small(*sizes: str) -> Callable[[Scene], Told]:
    def story(scene: Scene) -> Told:
        served = Workload.create(scene, f"served-under-{sizes[3].lower()}", ENOUGH, AT_ONCE, **SERVES)
        served.wait("it serves", served.serves)
        return served.fixed(*sizes, "--rollback-on-failure")

    return story


def _killed_later(scene: Scene) -> Told:
    late = Workload.create(scene, "late", ENOUGH, LATE)
    late.wait("it serves", late.serves)
    return late.fixed(*SMALLER, "--watch-for", WATCHED)


@dataclass(frozen=True)
class Stories:
    """What is told, as soon as it has happened."""

    hungry: Future[tuple[Told, Told, bool]]
    killed_at_once: Future[Told]
    never_started: Future[Told]
    killed_later: Future[Told]


@pytest.fixture(scope="module")
def stories(node: Cluster) -> Iterator[Stories]:
    if not node.prometheus_url:
        pytest.skip("no Prometheus: name one with KUBECTL_OOM_TEST_PROMETHEUS_URL")
    scene = Scene.empty(node)
    with ThreadPoolExecutor() as side_by_side:
        yield Stories(
            side_by_side.submit(_killed_again_and_again, scene),
            side_by_side.submit(_made_too_small(*SMALLER), scene),
            side_by_side.submit(_made_too_small(*TOO_SMALL_TO_START), scene),
            side_by_side.submit(_killed_later, scene),
        )
    scene.tear_down()


def _sizes(item: Json) -> Json:
    found: Json = containers_of(item)[0]["resources"]
    return found


def test_what_is_oom_killed_is_fixed_with_one_command_and_not_killed_again(stories: Stories) -> None:
    applied, _, runs = stories.hungry.result()

    assert applied.ran.code == 0, applied.ran.err
    assert "deployment/hungry: 1 of 1 pods run with the new size." in applied.ran.err
    assert "no OOM kill; the highest sample was" in applied.ran.out
    assert runs
    (pod,) = applied.pods_after
    assert _sizes(pod) == _sizes(applied.after)
    (status,) = pod["status"]["containerStatuses"]
    assert (status["restartCount"], status["resources"]["limits"]) == (0, _sizes(applied.after)["limits"])


def test_nothing_but_its_memory_is_changed_and_undo_brings_the_old_values_back_as_they_were_spelled(
    stories: Stories,
) -> None:
    applied, undone, _ = stories.hungry.result()

    assert _sizes(applied.before) == AS_SPELLED
    expected = written(applied.before)
    containers_of(expected)[0]["resources"] = _sizes(applied.after)
    assert without_note(applied.after) == expected
    assert undone.ran.code == 0, undone.ran.err
    assert written(undone.after) == written(applied.before)


def test_a_limit_under_which_it_is_killed_at_once_is_taken_back_and_the_pod_that_served_still_does(
    stories: Stories,
) -> None:
    _taken_back(stories.killed_at_once.result(), "was OOM-killed again, under the new limit of 16Mi.")


def test_a_limit_under_which_it_cannot_even_start_is_taken_back(stories: Stories) -> None:
    _taken_back(stories.never_started.result(), "does not start")


def _taken_back(told: Told, because: str) -> None:
    assert told.ran.code == 1
    assert because in told.ran.err
    assert "The change is taken back." in told.ran.err
    assert "The change was taken back: the values from before stand there again." in told.ran.out
    assert written(told.after) == written(told.before)
    assert [pod["metadata"]["uid"] for pod in told.pods_after] == [pod["metadata"]["uid"] for pod in told.pods_before]
    (status,) = told.pods_after[0]["status"]["containerStatuses"]
    assert (status["ready"], status["restartCount"]) == (True, 0)


def test_a_kill_while_it_is_watched_is_told_and_the_exit_code_says_it_too(stories: Stories) -> None:
    told = stories.killed_later.result()

    assert told.ran.code == 1
    assert "deployment/late: 1 of 1 pods run with the new size." in told.ran.err
    assert "deployment/late: OOM-killed 1 time since the change" in told.ran.err
    assert _sizes(told.after)["limits"] == {"memory": "16Mi"}
