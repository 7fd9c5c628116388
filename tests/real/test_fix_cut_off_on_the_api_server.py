"""`fix --apply` that is cut off: by Ctrl-C, by a lost answer, by a lost connection. What stands is said, and finished."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.cluster.access import FIXER
from tests.real.fixing import ANNOTATION, PROGRAM, arguments, containers_of, environment, fix, read, written
from tests.real.relay import Relay
from tests.real.stage import Stage
from tests.real.stand_in import StandIn, ready
from tests.real.tool import Ran, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.cluster import Cluster
    from tests.real.status import Json

pytestmark = pytest.mark.timeout(300)

CHANGE = ("deploy/shop", "-c", "app", "--limit", "96Mi", "--request", "48Mi", "--apply", "--yes")
PATIENCE_SECONDS = 60.0


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def _deployment(stage: Stage) -> None:
    deployment = stage.workload("deployments", "shop")
    stage.api.patch(stage.path("/apis/apps/v1", "deployments", "shop"), {"spec": {"replicas": 2}})
    stage.made_by(deployment, replicas=2)
    stage.wait("two pods", lambda: read(stage, "deployments", "shop")["status"].get("availableReplicas") == 2)


def _limit(stage: Stage) -> object:
    return containers_of(read(stage, "deployments", "shop"))[0]["resources"]["limits"]["memory"]


def _new_ones_wait(pod: Json) -> Json | None:
    return None if containers_of(pod)[0]["resources"]["limits"]["memory"] == "96Mi" else ready(pod)


def test_ctrl_c_during_the_rollout_says_what_stands_and_the_same_command_finishes_the_job(stage: Stage) -> None:
    with StandIn(stage, _new_ones_wait) as stand_in:
        _deployment(stage)
        process = subprocess.Popen(
            [*PROGRAM, *arguments(stage, *CHANGE)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(stage),
        )
        said = _until(process, "1 of 2 pods updated")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)

        assert (process.returncode, out) == (130, "")
        assert (said + err).strip().splitlines()[-1] == (
            "Interrupted: the change of deployment/shop is applied, 1 of 2 pods updated. Run the same command again to "
            "follow it; --undo --apply takes it back."
        )
        applied = written(read(stage, "deployments", "shop"))
        assert containers_of(applied)[0]["resources"]["limits"] == {"memory": "96Mi"}

        stand_in.says = ready
        again = fix(stage, *CHANGE)

        assert again.code == 0, again.err
        assert again.err.splitlines()[-1] == "deployment/shop: 2 of 2 pods run with the new size."
        assert written(read(stage, "deployments", "shop")) == applied


def _until(process: subprocess.Popen[str], words: str) -> str:
    """What the process says on stderr, up to these words."""
    assert process.stderr
    said, deadline = "", time.monotonic() + PATIENCE_SECONDS
    with selectors.DefaultSelector() as ready_to_read:
        ready_to_read.register(process.stderr, selectors.EVENT_READ)
        while words not in said:
            assert time.monotonic() < deadline, said
            if ready_to_read.select(timeout=1.0):
                got = os.read(process.stderr.fileno(), 65536).decode()
                assert got, said
                said += got
    return said


def _through(relay: Relay, stage: Stage, *args: str) -> Ran:
    return run(PROGRAM, arguments(stage, *CHANGE, *args), environment(stage) | {"KUBECONFIG": str(relay.kubeconfig)})


def test_where_the_answer_to_the_change_is_lost_the_object_is_read_again_and_the_work_goes_on(
    stage: Stage, tmp_path: Path
) -> None:
    patches: list[str] = []

    def lost(method: str, path: str) -> bool:
        if method == "PATCH":
            patches.append(path)
        return method == "PATCH"

    with StandIn(stage), Relay(stage.cluster, FIXER, tmp_path) as relay:
        _deployment(stage)
        relay.loses = lost

        ran = _through(relay, stage, "--timeout", "60s")

        assert ran.code == 0, ran.err
        assert "deployment/shop was read again: the change was made." in ran.err
        assert ran.err.splitlines()[-1] == "deployment/shop: 2 of 2 pods run with the new size."
        assert len(patches) == 1


def test_where_the_change_did_not_reach_the_server_that_is_said_and_nothing_is_sent_again(
    stage: Stage, tmp_path: Path
) -> None:
    patches: list[str] = []

    def refused(method: str, path: str) -> bool:
        if method == "PATCH":
            patches.append(path)
        return method == "PATCH"

    with StandIn(stage), Relay(stage.cluster, FIXER, tmp_path) as relay:
        _deployment(stage)
        relay.refuses = refused

        ran = _through(relay, stage)

        assert ran.code == 1
        assert ran.err.strip().endswith(
            "error: the change of deployment/shop got no answer (Unable to connect to the server: EOF); "
            "deployment/shop was read again: the change was not made\nRun the command again"
        )
        assert len(patches) == 1
        assert ANNOTATION not in read(stage, "deployments", "shop")["metadata"].get("annotations", {})


def test_a_connection_that_is_lost_during_the_rollout_is_waited_for(stage: Stage, tmp_path: Path) -> None:
    sent: list[float] = []

    def gone(method: str, path: str) -> bool:
        del path
        if method == "PATCH":
            sent.append(time.monotonic())
            return False
        return bool(sent) and time.monotonic() - sent[0] < 3

    with StandIn(stage), Relay(stage.cluster, FIXER, tmp_path) as relay:
        _deployment(stage)
        relay.refuses = gone

        ran = _through(relay, stage, "--timeout", "60s")

        assert ran.code == 0, ran.err
        assert "The cluster cannot be asked now (Unable to connect to the server: EOF)." in ran.err
        assert ran.err.splitlines()[-1] == "deployment/shop: 2 of 2 pods run with the new size."


def test_a_connection_that_never_comes_back_ends_with_what_was_seen_last(stage: Stage, tmp_path: Path) -> None:
    sent: list[str] = []

    def gone(method: str, path: str) -> bool:
        if method == "PATCH":
            sent.append(path)
            return False
        return bool(sent)

    with StandIn(stage), Relay(stage.cluster, FIXER, tmp_path) as relay:
        _deployment(stage)
        relay.refuses = gone

        ran = _through(relay, stage, "--timeout", "4s")

        assert ran.code == 1
        assert "Not finished within 4 s: The cluster cannot be asked now" in " ".join(ran.out.split())
        assert _limit(stage) == "96Mi"
