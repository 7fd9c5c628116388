"""`fix --apply` that is interrupted while the pods of a real node are replaced: what stands is said, and running it
again finishes the job.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.cluster.access import FIXER
from tests.real.carrying_out import Begun, fix
from tests.real.fixing import containers_of
from tests.real.relay import Relay
from tests.real.scene import Scene
from tests.real.workloads import container, deployment, hog, pod_spec

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.cluster import Cluster
    from tests.real.tool import Ran
    from tests.real.workloads import Json

pytestmark = pytest.mark.timeout(300)

SIZES = ("-c", "app", "--limit", "96Mi", "--request", "48Mi")
ROLLOUT_SECONDS = 20  # long enough to lose the connection and to start the command again before it is done
PATIENCE = "10s"
HALFWAY = "1 of 1 pods updated"
DONE = "1 of 1 pods run with the new size."
NO_ANSWER = "The cluster cannot be asked now"


@dataclass(frozen=True)
class Told:
    """The run that was interrupted, what stood there then, and the same command again."""

    interrupted: Ran
    left: Json
    again: Ran
    after: Json


class Slow:
    """A Deployment whose rollout takes its time."""

    def __init__(self, scene: Scene, name: str) -> None:
        self.scene = scene
        self.target = f"deploy/{name}"
        made = deployment(name, pod_spec(container("app", "64Mi", hog("plateau", base=20))))
        made["spec"]["minReadySeconds"] = ROLLOUT_SECONDS
        scene.cluster.apply(made, scene.namespace)
        scene.wait(f"{name} runs", self._runs, lambda: str(self.read().get("status")))

    def begun(self, *args: str, kubeconfig: Path | None = None) -> Begun:
        """The command, under way."""
        return Begun(self.scene, self.target, *SIZES, *args, kubeconfig=kubeconfig)

    def then(self, interrupted: Ran) -> Told:
        """The same command again, and what it left."""
        left = self.read()
        again = fix(self.scene, self.target, *SIZES)
        return Told(interrupted, left, again, self.read())

    def read(self) -> Json:
        """The Deployment as the API server holds it."""
        return self.scene.cluster.get(self.target, "-n", self.scene.namespace)

    def _runs(self) -> bool:
        return bool(self.read().get("status", {}).get("readyReplicas") == 1)


def _by_ctrl_c(scene: Scene) -> Told:
    slow = Slow(scene, "ctrl-c")
    with slow.begun() as run:
        run.wait_until_it_says(HALFWAY)
        run.interrupt()
        return slow.then(run.end())


def _by_a_lost_connection(scene: Scene, relay: Relay) -> Told:
    slow = Slow(scene, "lost")
    with relay, slow.begun("--timeout", PATIENCE, kubeconfig=relay.kubeconfig) as run:
        run.wait_until_it_says(HALFWAY)
        relay.refuses = _everything
        return slow.then(run.end())


def _by_a_connection_that_comes_back(scene: Scene, relay: Relay) -> Ran:
    slow = Slow(scene, "mended")
    with relay, slow.begun(kubeconfig=relay.kubeconfig) as run:
        run.wait_until_it_says(HALFWAY)
        relay.refuses = _everything
        run.wait_until_it_says(NO_ANSWER)
        relay.refuses = _nothing
        return run.end()


def _everything(_method: str, _path: str) -> bool:
    return True


def _nothing(_method: str, _path: str) -> bool:
    return False


@dataclass(frozen=True)
class Stories:
    """What is told, as soon as it has happened."""

    ctrl_c: Future[Told]
    lost: Future[Told]
    mended: Future[Ran]


@pytest.fixture(scope="module")
def stories(node: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stories]:
    scene = Scene.empty(node)

    def relay(name: str) -> Relay:
        return Relay(node, FIXER, tmp_path_factory.mktemp(name))

    with ThreadPoolExecutor() as side_by_side:
        yield Stories(
            side_by_side.submit(_by_ctrl_c, scene),
            side_by_side.submit(_by_a_lost_connection, scene, relay("lost")),
            side_by_side.submit(_by_a_connection_that_comes_back, scene, relay("mended")),
        )
    scene.tear_down()


def test_ctrl_c_halfway_says_what_stands_and_the_same_command_again_finishes_the_job(stories: Stories) -> None:
    told = stories.ctrl_c.result()

    assert told.interrupted.code == 130
    assert told.interrupted.err.strip().splitlines()[-1] == (
        "Interrupted: the change of deployment/ctrl-c is applied, 1 of 1 pods updated. "
        "Run the same command again to follow it; --undo --apply takes it back."
    )
    _finished(told)


def test_a_connection_lost_halfway_is_told_with_what_to_do_and_the_same_command_again_finishes_the_job(
    stories: Stories,
) -> None:
    told = stories.lost.result()

    assert told.interrupted.code == 1
    assert NO_ANSWER in told.interrupted.err
    said = " ".join(told.interrupted.out.split())  # it is folded
    assert "Not finished within 10 s: The cluster cannot be asked now" in said
    assert "It goes on all the same; the same command again follows it" in said
    _finished(told)


def _finished(told: Told) -> None:
    assert _limit(told.left) == "96Mi"
    assert told.left["status"].get("availableReplicas", 0) == 0 or told.left["status"]["replicas"] > 1
    assert told.again.code == 0, told.again.err
    assert "has these sizes already: there is nothing to change." in told.again.err
    assert told.again.err.splitlines()[-1].endswith(DONE)
    assert told.after["spec"] == told.left["spec"]  # nothing was sent again
    assert told.after["metadata"]["generation"] == told.left["metadata"]["generation"]


def test_a_connection_that_comes_back_is_no_failure(stories: Stories) -> None:
    ran = stories.mended.result()

    assert ran.code == 0, ran.err
    assert NO_ANSWER in ran.err
    assert ran.err.splitlines()[-1] == f"deployment/mended: {DONE}"


def _limit(item: Json) -> str:
    found: str = containers_of(item)[0]["resources"]["limits"]["memory"]
    return found
