"""`list` on a real API server: a row for every kernel kill as kubelets report them, and for nothing else."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.access import READER
from tests.real.stage import Stage
from tests.real.status import Json, condition, container, ended, running, status_of, waiting
from tests.real.tool import Ran, oom

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

START_FAILED = "failed to create containerd task: container init was OOM-killed (memory limit too low?)"
POD_RESOURCES = {"limits": {"memory": "256Mi"}, "requests": {"memory": "128Mi"}}


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def ask(stage: Stage, *args: str, user: str = READER) -> Ran:
    where = () if {"-n", "-A"} & set(args) else ("-n", stage.namespace)
    return oom(stage.cluster.kubeconfig(user), "list", "--no-prometheus", *where, *args)


def items(stage: Stage, *args: str, user: str = READER) -> list[Json]:
    found: list[Json] = ask(stage, *args, "-o", "json", user=user).document()["items"]
    return found


def verdicts(stage: Stage, *args: str) -> dict[str, str]:
    """Pod → verdict of its one row."""
    rows = items(stage, *args)
    assert len({row["pod"] for row in rows}) == len(rows)
    return {row["pod"]: row["verdict"] for row in rows}


def ends(stage: Stage, name: str, reason: str, code: int, *, minutes: float = 5, **spec: Any) -> Json:
    """A pod whose container ended like that, and runs again."""
    containers = spec.pop("containers", (container(),))
    pod = stage.pod(name, *containers, **spec)
    end = ended(reason, code, stage.ago(minutes=minutes))
    stage.status(pod, status_of("app", running(stage.ago(minutes=minutes - 1)), end, restarts=1))
    return pod


def every_verdict(stage: Stage) -> None:
    """A pod for each way to be OOM-killed, and one for each way to look like it."""
    ends(stage, "container-limit", "OOMKilled", 137)
    ends(stage, "pod-limit", "OOMKilled", 137, containers=(container(limit=None),), resources=POD_RESOURCES)
    ends(stage, "node", "OOMKilled", 137, containers=(container(limit=None),))
    both = (container(limit="200Mi", request="8Mi"), container("proxy", limit="200Mi", request="8Mi"))
    ends(stage, "oom-scope-unknown", "OOMKilled", 137, containers=both, resources=POD_RESOURCES)
    ends(stage, "child-killed", "OOMKilled", 0)
    stuck = stage.pod("start-oom")
    failed = ended("StartError", 128, stage.ago(minutes=5), message=START_FAILED)
    stage.status(stuck, status_of("app", waiting("CrashLoopBackOff"), failed, restarts=3))

    probed = ends(
        stage, "probe-kill", "Error", 137, containers=(container(livenessProbe={"exec": {"command": ["x"]}}),)
    )
    told = "Container app failed liveness probe, will be restarted"
    stage.killing(probed, told, stage.ago(minutes=5, seconds=3))
    marked = ends(stage, "marked-probe", "OOMKilled", 137)
    stage.killing(marked, told, stage.ago(minutes=5, seconds=3))
    ends(stage, "sigkill-unknown", "Error", 137)
    ends(stage, "not-oom", "Error", 1)
    stopped = stage.pod("stopped", restartPolicy="Never")
    over = status_of("app", ended("Error", 137, stage.ago(minutes=5)))
    preempted = condition("DisruptionTarget", "True", stage.ago(minutes=6), "PreemptionByScheduler", "preempted")
    stage.status(stopped, over, phase="Failed", conditions=[preempted])
    evicted = stage.pod("evicted", restartPolicy="Never")
    message = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi. "
    stage.status(evicted, over, phase="Failed", reason="Evicted", message=message)
    calm = stage.pod("calm")
    stage.status(calm, status_of("app", running(stage.ago(hours=1))))
    stage.pod("pending")


OOM_VERDICTS = ("container-limit", "pod-limit", "node", "oom-scope-unknown", "child-killed", "start-oom")
OTHER_VERDICTS = ("probe-kill", "sigkill-unknown", "stopped", "evicted")


def test_every_kernel_kill_is_a_row_with_its_verdict_and_nothing_else_is(stage: Stage) -> None:
    every_verdict(stage)

    assert verdicts(stage) == {name: name for name in OOM_VERDICTS}
    listed = verdicts(stage, "--all-137")
    assert listed == {name: name for name in (*OOM_VERDICTS, *OTHER_VERDICTS)} | {"marked-probe": "probe-kill"}


def test_what_list_says_is_what_why_says(stage: Stage) -> None:
    every_verdict(stage)

    diagnosed = {
        item["pod"]: item["verdict"] for item in stage.why("-l", "!none", "--no-logs", "--no-kubelet")["items"]
    }

    assert verdicts(stage).items() <= diagnosed.items()
    assert {pod for pod, verdict in diagnosed.items() if verdict in OOM_VERDICTS} == set(verdicts(stage))


def test_a_row_holds_what_the_api_knows(stage: Stage) -> None:
    deployment = stage.workload("deployments", "api")
    [pod] = stage.made_by(deployment)
    stage.kill(pod, minutes=5)

    [row] = items(stage)

    assert row == {
        "context": None,
        "namespace": stage.namespace,
        "pod": pod["metadata"]["name"],
        "podGone": False,
        "container": "app",
        "containerType": "app",
        "workload": {"kind": "Deployment", "name": "api"},
        "node": stage.node_name,
        "verdict": "container-limit",
        "confidence": "possible",
        "oomKilled": True,
        "kills": 1,
        "killsAtLeast": False,
        "killsByVerdict": [{"verdict": "container-limit", "kills": 1}],
        "lastKilledAt": stage.rfc3339(minutes=5),
        "exitCode": 137,
        "limitBytes": 64 << 20,
        "pattern": "unknown",
        "highestSampledBytes": None,
        "sources": ["pod status"],
    }
    [line] = ask(stage, "--no-headers").out.splitlines()
    assert line.split() == [
        stage.namespace, pod["metadata"]["name"], "app", "container-limit", "1", line.split()[5], "64Mi", "deploy/api"
    ]  # fmt: skip
    assert ask(stage, "-o", "name").out.split() == [f"pod/{pod['metadata']['name']}"]


def test_init_containers_sidecars_and_several_containers_have_rows_of_their_own(stage: Stage) -> None:
    inits = [container("setup"), container("agent", restartPolicy="Always")]
    pod = stage.pod("busy", container(), container("proxy"), initContainers=inits)
    killed = ended("OOMKilled", 137, stage.ago(minutes=5))
    again = running(stage.ago(minutes=4))
    stage.status(
        pod,
        status_of("app", again, killed, restarts=1),
        status_of("proxy", again),
        initContainerStatuses=[
            status_of("setup", ended("Completed", 0, stage.ago(minutes=7)), killed, restarts=1),
            status_of("agent", again, killed, restarts=1),
        ],
    )

    found = {(row["container"], row["containerType"]) for row in items(stage)}

    assert found == {("app", "app"), ("setup", "init"), ("agent", "sidecar")}


def test_forgotten_ends_make_the_count_a_least_one(stage: Stage) -> None:
    pod = stage.pod("loop")
    now = ended("OOMKilled", 137, stage.ago(minutes=1))
    before = ended("OOMKilled", 137, stage.ago(minutes=9))
    stage.status(pod, status_of("app", now, before, restarts=41))

    [row] = items(stage)

    assert (row["kills"], row["killsAtLeast"]) == (2, True)
    assert ask(stage, "--no-headers").out.split()[4] == "2+"


def three_kills(stage: Stage) -> None:
    for name, minutes in (("b-old", 300), ("a-new", 5), ("c-mid", 50)):
        pod = stage.pod(name, labels={"app": name[0]})
        if name == "c-mid":
            twice = (ended("OOMKilled", 137, stage.ago(minutes=m)) for m in (minutes, minutes + 5))
            stage.status(pod, status_of("app", *twice, restarts=1))
        else:
            stage.kill(pod, minutes=minutes)


def test_rows_are_sorted_as_asked(stage: Stage) -> None:
    three_kills(stage)

    def order(*args: str) -> list[str]:
        return [row["pod"] for row in items(stage, *args)]

    assert order() == order("--sort-by", "last") == ["a-new", "c-mid", "b-old"]
    assert order("--sort-by", "kills") == ["c-mid", "a-new", "b-old"]
    assert order("--sort-by", "namespace") == ["a-new", "b-old", "c-mid"]


def test_kills_before_the_window_are_not_listed(stage: Stage) -> None:
    three_kills(stage)

    assert set(verdicts(stage, "--since", "1h")) == {"a-new", "c-mid"}
    assert set(verdicts(stage, "--since", "52m")) == {"a-new", "c-mid"}
    assert [row["kills"] for row in items(stage, "--since", "52m")] == [1, 1]
    assert set(verdicts(stage, "--since", "1d")) == {"a-new", "b-old", "c-mid"}


def test_a_label_selects_and_other_namespaces_are_left_out(stage: Stage, api_server: Cluster) -> None:
    three_kills(stage)
    elsewhere = Stage.on(api_server)
    elsewhere.kill(elsewhere.pod("far"))

    assert set(verdicts(stage, "-l", "app in (a,b)")) == {"a-new", "b-old"}
    assert "far" not in verdicts(stage)
    everywhere = {(row["namespace"], row["pod"]) for row in items(stage, "-A")}
    assert everywhere >= {(stage.namespace, "a-new"), (elsewhere.namespace, "far")}


def test_the_exit_code_answers_where_that_was_asked_for(stage: Stage, tmp_path: Path) -> None:
    assert ask(stage, "--exit-code").code == 0
    ends(stage, "sigkill-unknown", "Error", 137)
    assert ask(stage, "--exit-code", "--all-137").code == 0
    stage.kill(stage.pod("api"))
    assert ask(stage).code == 0
    assert ask(stage, "--exit-code").code == 1
    assert ask(stage, "--exit-code", "-l", "app in (").code == 2
    assert ask(stage, "--exit-code", "--server", "https://127.0.0.1:1").code == 2
    assert oom(tmp_path / "none", "list", "--exit-code").code == 2


def test_who_may_read_pods_only_gets_the_kills_and_is_told_what_is_missing(stage: Stage) -> None:
    three_kills(stage)
    stage.allow("reader-nobody", ["pods"])
    ran = ask(stage, "-o", "json", "--as", "reader-nobody", user="admin")
    document = json.loads(ran.out)

    assert ran.code == 0
    assert [row["pod"] for row in document["items"]] == ["a-new", "c-mid", "b-old"]
    assert {gap["source"].partition(" (")[0] for gap in document["gaps"]} == {"pod events", "node events"}


def test_who_may_not_list_pods_is_told_so_in_kubectls_words(stage: Stage) -> None:
    ran = ask(stage, "--as", "somebody", user="admin")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith('Error from server (Forbidden): pods is forbidden: User "somebody" cannot list resource')


def test_several_contexts_are_asked_and_one_that_is_down_is_named(stage: Stage, tmp_path: Path) -> None:
    three_kills(stage)
    config = json.loads(json.dumps(_config(stage)))
    config["contexts"] = [{"name": name, "context": config["contexts"][0]["context"]} for name in ("eu", "us")]
    config["contexts"].append({"name": "down", "context": {"cluster": "down", "user": "nobody"}})
    config["clusters"].append({"name": "down", "cluster": {"server": "https://127.0.0.1:1"}})
    config["users"].append({"name": "nobody", "user": {}})
    file = tmp_path / "config"
    file.write_text(json.dumps(config))

    args = ("list", "--no-prometheus", "-n", stage.namespace, "--contexts", "eu,down,us")
    ran = oom(file, *args, "--no-headers")

    assert ran.code == 1
    assert [line.split()[0] for line in ran.out.splitlines()] == ["eu", "us"] * 3
    assert [line for line in ran.err.splitlines() if line.startswith("context down: ")] == [
        "context down: The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?"
    ]
    assert oom(file, *args, "--exit-code").code == 2


def _config(stage: Stage) -> Any:

    return yaml.safe_load(stage.cluster.kubeconfig(READER).read_text())


def test_only_lists_are_asked_for_and_the_pods_once(stage: Stage) -> None:
    for number in range(8):
        stage.kill(stage.pod(f"api-{number}"))
    began = datetime.now(timezone.utc).isoformat()

    def asked() -> list[tuple[str, str]]:
        """What has reached the audit log, which is written a moment later: resource and query, in any order."""
        events = [event for event in stage.cluster.audited(READER) if event["requestReceivedTimestamp"] >= began]
        uris = [event["requestURI"].partition("?") for event in events]
        return sorted((path.rpartition("/")[2], query) for path, _, query in uris)

    ask(stage)
    stage.wait("the audit log", lambda: len(asked()) >= 5)

    assert [resource for resource, _ in asked()] == ["events"] * 4 + ["pods"]
    assert all("limit=500" in query for _, query in asked())
