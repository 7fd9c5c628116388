"""Kills that are easy to lose, against a real API server: marked late, two at once, in containers of every kind."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.read.connection import connect
from kubectl_oom.read.target import ConnectOptions
from kubectl_oom.read.watching import Follower, Listed, Pace, Shown
from tests.cluster.access import READER
from tests.real.stage import Stage
from tests.real.status import Json, container, ended, running, status_of, waiting
from tests.real.test_watch_on_the_api_server import is_ready
from tests.real.watched import Watched

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_oom.read.connection import Connection
    from kubectl_oom.read.watching import Lines, Report
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


def watch(stage: Stage) -> Watched:
    return Watched.begin(stage.cluster.kubeconfig(READER), "-n", stage.namespace, "--no-prometheus")


def test_an_end_that_the_runtime_marks_only_after_it_was_reported_is_told_once(stage: Stage) -> None:
    late, never = stage.pod("late"), stage.pod("never")
    with watch(stage) as seen:
        for pod in (late, never):
            end = ended("Error", 137, now())
            stage.status(pod, status_of("app", end))
            again = {"terminated": end["terminated"] | ({"reason": "OOMKilled"} if pod is late else {})}
            stage.status(pod, status_of("app", waiting("CrashLoopBackOff"), again))
            stage.status(pod, status_of("app", running(now()), again, restarts=1))
        seen.wait("the kill", lambda: bool(seen.kills))
        stage.status(stage.pod("another"), status_of("app", ended("OOMKilled", 137, now())))
        seen.wait("another one", lambda: len(seen.kills) > 1)

        assert [pod for pod, _, _ in seen.kills] == ["late", "another"]
        assert {event["diagnosis"]["reason"] for event in seen.of_type("kill")} == {"OOMKilled"}


def test_two_ends_that_one_event_shows_are_two_kills(stage: Stage) -> None:
    pod = stage.pod("twice")
    stage.status(pod, status_of("app", running(now())))
    with watch(stage) as seen:
        earlier, later = now() - timedelta(seconds=3), now()
        ends = (ended("OOMKilled", 137, later, lived=1), ended("OOMKilled", 137, earlier, lived=1))
        stage.status(pod, status_of("app", *ends, restarts=1))
        seen.wait("two kills", lambda: len(seen.kills) == 2)

        assert sorted(at or "" for _, _, at in seen.kills) == sorted(end["terminated"]["finishedAt"] for end in ends)
        assert seen.of_type("missed") == []


def test_init_containers_sidecars_and_ephemeral_containers_are_watched(stage: Stage) -> None:
    inits = [container("setup"), container("agent", restartPolicy="Always")]
    pod = stage.pod("busy", container(), initContainers=inits)
    stage.debug("busy", {"name": "debugger", "image": "registry.example/debug:1", "targetContainerName": "app"})
    with watch(stage) as seen:
        stage.status(
            pod,
            status_of("app", running(now())),
            initContainerStatuses=[status_of(name, ended("OOMKilled", 137, now())) for name in ("setup", "agent")],
            ephemeralContainerStatuses=[status_of("debugger", ended("OOMKilled", 137, now()))],
        )
        seen.wait("three kills", lambda: len(seen.kills) == 3)

        types = {event["container"]: event["containerType"] for event in seen.of_type("kill")}
        assert types == {"setup": "init", "agent": "sidecar", "debugger": "ephemeral"}


def test_a_pod_that_is_made_killed_and_deleted_between_two_watches_is_told(stage: Stage) -> None:
    with Watched.begin(
        stage.cluster.kubeconfig(READER), "-n", stage.namespace, "--no-prometheus", "--renew", "1"
    ) as seen:
        for number in range(12):
            name = f"short-{number}"
            stage.status(stage.pod(name), status_of("app", ended("OOMKilled", 137, now())))
            stage.api.ask("DELETE", stage.path("/api/v1", "pods", name) + "?gracePeriodSeconds=0")
        seen.wait("twelve kills", lambda: len(seen.kills) >= 12)

        assert sorted(pod for pod, _, _ in seen.kills) == sorted(f"short-{number}" for number in range(12))


# --- a version that the server has forgotten ---------------------------------------------------------------------------


class _Late:
    """A connection whose first watch asks for a version that the server forgot long ago."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.server = connection.server
        self.asked: list[str] = []

    def get_json(self, path: str, params: Mapping[str, str] | None = None, *, timeout: float | None = None) -> Json:
        self.asked.append("list")
        return self._connection.get_json(path, params, timeout=timeout)

    def stream(self, path: str, params: Mapping[str, str], *, silent_seconds: float) -> Lines:
        version = params["resourceVersion"] if "watch" in self.asked else "1"
        self.asked.append("watch")
        return self._connection.stream(path, {**params, "resourceVersion": version}, silent_seconds=silent_seconds)


def test_where_a_real_server_has_forgotten_the_version_the_list_shows_what_was_missed(stage: Stage) -> None:
    pod = stage.pod("victim")
    stage.cluster.restart("kube-apiserver")  # what it remembers begins here
    stage.wait("the API server", lambda: is_ready(stage.cluster))
    options = ConnectOptions(kubeconfig=str(stage.cluster.kubeconfig(READER)))
    late = _Late(connect(options))
    follower = Follower(late, stage.namespace, pace=Pace(watch_seconds=5, silent_seconds=10))

    reports: list[Report] = list(follower.start())
    stage.status(pod, status_of("app", ended("OOMKilled", 137, now())))
    for report in follower.go_on():
        reports.append(report)
        if late.asked[-1] == "list" and isinstance(report, Listed):
            break

    ends = [one.pod.containers[0].terminations for one in reports if isinstance(one, Shown)]
    assert late.asked == ["list", "watch", "list"]
    assert [len(each) for each in ends] == [0, 1]
    assert sum(isinstance(one, Listed) for one in reports) == 2
