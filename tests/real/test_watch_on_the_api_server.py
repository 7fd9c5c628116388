"""`watch` against a real API server: kills as a kubelet reports them, each told once, with the verdict of `why`."""

from __future__ import annotations

import json
import stat
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from tests.cluster.access import NOBODY, READER
from tests.cluster.process import ClusterError
from tests.real.stage import Stage
from tests.real.status import Json, container, ended, running, status_of, waiting
from tests.real.tool import oom
from tests.real.watched import Watched

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

SCHEMA = Draft202012Validator(json.loads((Path(__file__).parents[2] / "docs" / "schema.json").read_text()))
TOO_SMALL = (
    "failed to create containerd task: runc create failed: container init was OOM-killed (memory limit too low?)"
)


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def now() -> datetime:
    return datetime.now(timezone.utc).replace(microsecond=0)


def watch(stage: Stage, *args: str, user: str = READER) -> Watched:
    return Watched.begin(stage.cluster.kubeconfig(user), "-n", stage.namespace, "--no-prometheus", *args)


def killed(pod: Json, stage: Stage, *, restarts: int = 0, reason: str = "OOMKilled", code: int = 137) -> None:
    """What the kubelet says a moment after the end of the pod's one container."""
    stage.status(pod, status_of("app", ended(reason, code, now()), restarts=restarts))


def test_every_kill_is_told_once_within_seconds_with_the_verdict_of_why(stage: Stage) -> None:
    names = ("plain", "child", "of-the-node", "unlimited", "too-small")
    pods = {name: stage.pod(name, *([container(limit=None)] if name == "unlimited" else [])) for name in names}
    stage.kill(stage.pod("long-ago"))
    with watch(stage) as seen:
        killed(pods["plain"], stage)
        killed(pods["child"], stage, code=0)
        killed(pods["unlimited"], stage)
        stage.node_event("SystemOOM", "System OOM encountered, victim process: app, pid: 4711", now())
        killed(pods["of-the-node"], stage)
        start = ended("StartError", 128, now(), message=TOO_SMALL)
        stage.status(pods["too-small"], status_of("app", waiting("CrashLoopBackOff"), start))
        seen.wait("five kills", lambda: len(seen.kills) >= 5)
        for name in ("plain", "child"):  # the same ends again, in other words
            pod = stage.api.ask("GET", stage.path("/api/v1", "pods", name))
            (status,) = pod["status"]["containerStatuses"]
            end = status["state"]
            stage.status(pod, status | {"state": waiting("CrashLoopBackOff"), "lastState": end})
            stage.status(pod, status | {"state": running(now()), "lastState": end, "restartCount": 1})
        later = stage.pod("later")
        killed(later, stage)
        seen.wait("the last kill", lambda: "later" in [pod for pod, _, _ in seen.kills])

        assert sorted(pod for pod, _, _ in seen.kills) == sorted(
            ["plain", "child", "of-the-node", "unlimited", "too-small", "later"]
        )
        assert max(seen.delays()) < 10
        for event in seen.of_type("kill"):
            (item,) = stage.why(f"pod/{event['pod']}", "--no-prometheus")["items"]
            told = event["diagnosis"]
            assert (told["verdict"], told["confidence"]) == (item["verdict"], item["confidence"]), event["pod"]
            SCHEMA.validate(event)
        assert seen.end() == 130
        assert not any("Traceback" in line for line in seen.told)


def test_what_is_no_oom_kill_is_not_told(stage: Stage) -> None:
    failed, unexplained, probed = (stage.pod(name) for name in ("failed", "unexplained", "probed"))
    with watch(stage) as seen:
        stage.killing(probed, "Container app failed liveness probe, will be restarted", now())
        killed(probed, stage, reason="Error")
        killed(failed, stage, reason="Error", code=1)
        killed(unexplained, stage, reason="Error")
        killed(stage.pod("victim"), stage)
        seen.wait("the kill", lambda: bool(seen.kills))

        assert [pod for pod, _, _ in seen.kills] == ["victim"]


def test_through_expired_watches_and_restarts_of_the_api_server_no_kill_is_lost_and_none_told_twice(
    stage: Stage,
) -> None:
    pods = [stage.pod(f"victim-{number}") for number in range(24)]
    with watch(stage, "--renew", "2") as seen:
        for number, pod in enumerate(pods):
            killed(pod, stage)
            if number in (7, 15):
                stage.cluster.restart("kube-apiserver")
                stage.wait("the API server", lambda: is_ready(stage.cluster))
        seen.wait("all of them", lambda: len(seen.kills) >= len(pods))
        extra = stage.pod("one-more")
        killed(extra, stage)
        seen.wait("one more", lambda: len(seen.kills) > len(pods))

        assert sorted(pod for pod, _, _ in seen.kills) == sorted(
            ["one-more", *(pod["metadata"]["name"] for pod in pods)]
        )
        assert seen.of_type("missed") == []


def is_ready(cluster: Cluster) -> bool:
    """Whether the API server answers again, and has read its roles."""
    try:
        return cluster.kubectl("get", "--raw", "/readyz") == "ok"
    except ClusterError:
        return False


def test_restarts_that_nobody_saw_are_told_as_such(stage: Stage) -> None:
    pod = stage.pod("looping")
    stage.status(pod, status_of("app", running(now())))
    with watch(stage) as seen:
        stage.status(pod, status_of("app", waiting("CrashLoopBackOff"), ended("OOMKilled", 137, now()), restarts=3))
        seen.wait("the kill that is shown", lambda: len(seen.kills) == 1)

        (missed,) = seen.of_type("missed")
        assert missed["missed"]["ends"] == 3
        SCHEMA.validate(missed)


def test_kills_from_before_are_told_as_far_back_as_since_says_oldest_first(stage: Stage) -> None:
    for name, minutes in (("today", 30.0), ("now", 5.0), ("yesterday", 1500.0)):
        stage.kill(stage.pod(name), minutes=minutes)

    ran = oom(
        stage.cluster.kubeconfig(READER),
        *("watch", "-n", stage.namespace, "--since", "1h", "--for", "3s", "--no-prometheus"),
    )

    assert ran.code == 0
    lines = ran.out.splitlines()
    assert [line.split()[2] for line in lines] == [f"{stage.namespace}/today", f"{stage.namespace}/now"]
    assert lines[0].startswith(f"{stage.rfc3339(minutes=30)}  KILLED   {stage.namespace}/today app  container-limit [")
    assert ran.err == f"Watching 3 pods in namespace {stage.namespace}. Ctrl-C ends it.\n"


def test_labels_and_containers_narrow_what_is_told(stage: Stage) -> None:
    two = (container("app"), container("proxy"))
    mine, other = stage.pod("mine", *two, labels={"app": "api"}), stage.pod("other", *two, labels={"app": "web"})
    with watch(stage, "-l", "app=api", "-c", "app") as seen:
        for pod in (other, mine):
            ends = [status_of(name, ended("OOMKilled", 137, now())) for name in ("proxy", "app")]
            stage.status(pod, *ends)
        seen.wait("the kill", lambda: bool(seen.kills))
        killed(stage.pod("another", labels={"app": "api"}), stage)
        seen.wait("another", lambda: len(seen.kills) == 2)

        assert [(pod, name) for pod, name, _ in seen.kills] == [("mine", "app"), ("another", "app")]


def test_the_last_words_of_a_pod_that_is_deleted_are_heard(stage: Stage) -> None:
    pod = stage.pod("short", terminationGracePeriodSeconds=0)
    with watch(stage) as seen:
        killed(pod, stage)
        stage.api.ask("DELETE", stage.path("/api/v1", "pods", "short") + "?gracePeriodSeconds=0")
        seen.wait("the kill", lambda: [name for name, _, _ in seen.kills] == ["short"])

        assert seen.of_type("kill")[0]["diagnosis"]["verdict"] == "container-limit"


def test_where_watching_is_not_permitted_the_pods_are_listed_again_and_that_is_said(stage: Stage) -> None:
    stage.allow(NOBODY, ["pods", "events"])
    pod = stage.pod("victim")
    with watch(stage, user=NOBODY) as seen:
        seen.wait("it to say so", lambda: any("listed every 10 s instead" in line for line in seen.told))
        killed(pod, stage)
        seen.wait("the kill", lambda: len(seen.kills) == 1)


def test_without_permission_to_list_pods_it_does_not_begin(stage: Stage) -> None:
    ran = oom(stage.cluster.kubeconfig(NOBODY), "watch", "-n", stage.namespace)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("Error from server (Forbidden): pods is forbidden")


# --- programs that are told ----------------------------------------------------------------------------------------


def _program(folder: Path, body: str) -> str:
    file = folder / "told.py"
    file.write_text(f"#!{sys.executable}\nimport sys, json\n{body}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def test_a_program_gets_every_event_as_json_and_its_failures_end_nothing(stage: Stage, tmp_path: Path) -> None:
    pods = [stage.pod(f"victim-{number}") for number in range(3)]
    kept = tmp_path / "kept.jsonl"
    body = f"line = sys.stdin.read()\nopen({str(kept)!r}, 'a').write(line)\nprint('noted', sys.argv[1])\nsys.exit(3)"
    with watch(stage, "--exec", f"{_program(tmp_path, body)} 'two words'") as seen:
        for pod in pods:
            killed(pod, stage)
        seen.wait("the kills", lambda: len(seen.kills) == 3)
        seen.wait("the program", lambda: sum("exit code 3" in line for line in seen.told) == 3)

        assert [json.loads(line) for line in kept.read_text().splitlines()] == seen.of_type("kill")
        assert seen.told.count("noted two words") == 3
