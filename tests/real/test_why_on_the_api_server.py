"""`why` on a real API server: kernel kills as nodes report them that no test machine has.

The kubelet's part is written through the status subresource, events as their authors write them; admission, defaults,
in-place resize and access control are the API server's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.real.stage import Stage
from tests.real.status import (
    CONTAINERD,
    CRIO,
    MI,
    condition,
    container,
    ended,
    gap_sources,
    only,
    outcome,
    running,
    status_of,
    waiting,
)

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

OOM_OF_A_PROCESS = "System OOM encountered, victim process: app, pid: 4711"
KERNEL_LINE = (
    "Killed process 4711 (app) total-vm:1448016kB, anon-rss:65452kB, file-rss:832kB, shmem-rss:0kB, UID:9999 "
    "pgtables:1208kB oom_score_adj:997"
)


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def _killed(stage: Stage, *, minutes: float = 5) -> None:
    """The pod `api`, whose only container was OOM-killed that long ago and runs again."""
    stage.kill(stage.pod("api"), minutes=minutes)


# --- was it the node? --------------------------------------------------------------------------------------------------


def test_a_system_oom_at_the_time_of_the_kill_makes_it_the_nodes(stage: Stage) -> None:
    _killed(stage)
    stage.node_event("SystemOOM", OOM_OF_A_PROCESS, stage.ago(minutes=4, seconds=10))

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("node", "likely", ["oom-score"])}
    assert only(answer)["evidence"][0] == {
        "source": "node event",
        "field": "SystemOOM",
        "value": OOM_OF_A_PROCESS,
        "at": stage.rfc3339(minutes=4, seconds=10),
    }


def test_a_system_oom_that_is_repeated_for_hours_counts_when_one_of_its_times_is_the_kills(stage: Stage) -> None:
    _killed(stage)
    about = {"kind": "Node", "name": stage.node_name}
    last, first = stage.ago(minutes=5), stage.ago(minutes=50)
    stage.event(about, "SystemOOM", OOM_OF_A_PROCESS, last, first=first, count=7, kind="Warning")

    assert outcome(stage.why("pod/api")) == {"app": ("node", "likely", ["oom-score"])}


def test_old_kills_that_a_starting_kubelet_tells_again_do_not_make_it_the_nodes(stage: Stage) -> None:
    _killed(stage)
    stage.node_event("Starting", "Starting kubelet.", stage.ago(minutes=5, seconds=30))
    stage.node_event("SystemOOM", OOM_OF_A_PROCESS, stage.ago(minutes=5, seconds=20))

    assert outcome(stage.why("pod/api")) == {"app": ("container-limit", "possible", [])}


@pytest.mark.parametrize("minutes", [3, 15], ids=["after it", "before it"])
def test_a_system_oom_minutes_away_from_the_kill_does_not_make_it_the_nodes(stage: Stage, minutes: int) -> None:
    _killed(stage, minutes=9)
    stage.node_event("SystemOOM", OOM_OF_A_PROCESS, stage.ago(minutes=minutes))

    assert outcome(stage.why("pod/api")) == {"app": ("container-limit", "possible", [])}


def test_a_system_oom_of_another_node_does_not_count(stage: Stage, api_server: Cluster) -> None:
    _killed(stage)
    Stage.on(api_server).node_event("SystemOOM", OOM_OF_A_PROCESS, stage.ago(minutes=5))

    assert outcome(stage.why("pod/api")) == {"app": ("container-limit", "possible", [])}


def test_a_kernel_line_without_a_cgroup_makes_it_the_nodes(stage: Stage) -> None:
    _killed(stage)
    line = f"Out of memory: {KERNEL_LINE}"
    stage.node_event("OOMKilling", line, stage.ago(minutes=5), component="kernel-monitor")

    assert outcome(stage.why("pod/api")) == {"app": ("node", "likely", ["oom-score"])}


def test_the_kubelet_and_the_kernel_together_make_it_certain(stage: Stage) -> None:
    _killed(stage)
    line = f"Out of memory: {KERNEL_LINE}"
    stage.node_event("OOMKilling", line, stage.ago(minutes=5), component="kernel-monitor")
    stage.node_event("SystemOOM", OOM_OF_A_PROCESS, stage.ago(minutes=5))

    assert outcome(stage.why("pod/api")) == {"app": ("node", "certain", ["oom-score"])}


def test_a_kernel_line_that_names_a_cgroup_leaves_it_with_the_limit(stage: Stage) -> None:
    _killed(stage)
    line = f"Memory cgroup out of memory: {KERNEL_LINE}"
    stage.node_event("OOMKilling", line, stage.ago(minutes=5), component="kernel-monitor")

    assert outcome(stage.why("pod/api")) == {"app": ("container-limit", "likely", [])}


def test_a_node_under_memory_pressure_is_not_cleared(stage: Stage) -> None:
    _killed(stage)
    stage.node_event("EvictionThresholdMet", "Attempting to reclaim memory", stage.ago(minutes=5))
    pressure = condition("MemoryPressure", "True", stage.ago(minutes=5), "KubeletHasInsufficientMemory")
    stage.node_status(conditions=[pressure])

    assert outcome(stage.why("pod/api")) == {"app": ("container-limit", "possible", [])}


@pytest.mark.parametrize(
    ("reason", "message"),
    [("SystemOOM", OOM_OF_A_PROCESS), ("OOMKilling", f"Out of memory: {KERNEL_LINE}")],
    ids=["told by the kubelet", "told by the kernel"],
)
def test_a_sigkill_without_the_mark_is_the_nodes_when_the_node_ran_out(stage: Stage, reason: str, message: str) -> None:
    end = ended("Error", 137, stage.ago(minutes=5))
    stage.status(stage.pod("api"), status_of("app", running(stage.ago(minutes=4)), end, restarts=1))
    stage.node_event(reason, message, stage.ago(minutes=5))

    assert outcome(stage.why("pod/api")) == {"app": ("node", "likely", ["oom-score"])}


def test_the_node_says_who_died_there_in_all_namespaces(stage: Stage, api_server: Cluster) -> None:
    _killed(stage)
    stage.node_event("SystemOOM", OOM_OF_A_PROCESS, stage.ago(minutes=5))
    elsewhere = Stage.on(api_server)
    elsewhere.kill(elsewhere.pod("neighbour", nodeName=stage.node_name))
    healthy = stage.pod("healthy")
    stage.status(healthy, status_of("app", running(stage.ago(hours=1))))

    answer = stage.why_node()

    named = {(item["namespace"], item["pod"], item["verdict"]) for item in answer["items"]}
    assert named == {(stage.namespace, "api", "node"), (elsewhere.namespace, "neighbour", "node")}
    (node,) = answer["nodes"]
    assert (node["name"], node["ranOut"], node["confidence"]) == (stage.node_name, True, "certain")


# --- how runtimes report -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runtime", "confidence", "extra"),
    [(CONTAINERD, "certain", []), (CRIO, "likely", ["cri-o-mark"])],
    ids=["containerd", "cri-o"],
)
def test_an_oom_mark_of_cri_o_is_never_certain(
    api_server: Cluster, runtime: str, confidence: str, extra: list[str]
) -> None:
    stage = Stage.on(api_server, runtime=runtime)
    pod = stage.pod("api", container("web", None, "32Mi"), container("batch"))
    kind = runtime.partition(":")[0]
    web = ended("OOMKilled", 137, stage.ago(minutes=5), runtime=kind)
    batch = ended("OOMKilled", 0, stage.ago(minutes=6), runtime=kind)
    again = running(stage.ago(minutes=4))
    stage.status(pod, status_of("web", again, web, restarts=1), status_of("batch", again, batch, restarts=1))

    assert outcome(stage.why("pod/api")) == {
        "web": ("node", confidence, [*extra, "oom-score", "no-limit"]),
        "batch": ("child-killed", confidence, extra),
    }


def test_cri_o_is_known_by_its_container_ids_where_the_node_may_not_be_read(api_server: Cluster) -> None:
    stage = Stage.on(api_server, runtime=CRIO)
    stage.allow("pods-only", ["pods"])
    pod = stage.pod("api")
    end = ended("OOMKilled", 0, stage.ago(minutes=5), runtime="cri-o")
    stage.status(pod, status_of("app", running(stage.ago(minutes=4)), end, restarts=1))

    answer = stage.why("pod/api", "--as", "pods-only", user="admin")

    assert outcome(answer) == {"app": ("child-killed", "likely", ["cri-o-mark"])}
    assert {"node", "node events", "pod events", "kubelet", "metrics engine"} <= gap_sources(answer)


@pytest.mark.parametrize(
    ("kubelet", "image", "codes"),
    [
        ("v1.31.4", "registry.example/gunicorn-app:1", ["whole-container-killed"]),
        ("v1.27.9", "registry.example/gunicorn-app:1", []),
        ("v1.31.4", "registry.example/app:1", []),
    ],
    ids=["workers, since 1.28", "workers, before 1.28", "one process"],
)
def test_a_kubelet_that_kills_whole_containers_is_named_where_there_are_workers(
    api_server: Cluster, kubelet: str, image: str, codes: list[str]
) -> None:
    stage = Stage.on(api_server, kubelet=kubelet)
    stage.kill(stage.pod("api", container(image=image)))

    assert outcome(stage.why("pod/api")) == {"app": ("container-limit", "possible", codes)}


def test_an_init_process_killed_by_the_kernel_is_a_limit_below_what_starting_needs(stage: Stage) -> None:
    pod = stage.pod("api")
    message = (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
        "unable to start container process: container init was OOM-killed (memory limit too low?): unknown"
    )
    end = ended("StartError", 128, stage.ago(minutes=1), lived=0, message=message)
    state = waiting("CrashLoopBackOff", "back-off 40s restarting failed container=app pod=api")
    stage.status(pod, status_of("app", state, end, restarts=3), phase="Running")

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("start-oom", "certain", ["restarts-not-all-kills"])}
    assert (only(answer)["exitCode"], only(answer)["limitBytes"]) == (128, 64 * MI)


def test_a_limit_that_cri_o_refuses_is_named_with_what_it_needs(api_server: Cluster) -> None:
    stage = Stage.on(api_server, runtime=CRIO)
    tiny = {"limits": {"memory": "4096"}, "requests": {"memory": "4096"}}
    pod = stage.pod("api", container(resources=tiny))
    refused = "set memory limit 4096 too low; should be at least 12582912 bytes"
    stage.status(pod, status_of("app", waiting("CreateContainerError", refused)), phase="Pending")

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("start-oom", "certain", [])}
    assert only(answer)["because"] == (
        "The runtime cannot start it within its memory limit: starting already needed 12Mi."
    )
    assert (only(answer)["killedAt"], only(answer)["limitBytes"]) == (None, 4096)


# --- which limit -------------------------------------------------------------------------------------------------------


def test_after_an_in_place_resize_the_limit_at_the_kill_is_said_to_be_unknown(stage: Stage) -> None:
    pod = stage.pod("api")
    end = ended("OOMKilled", 137, stage.ago(minutes=5))
    in_effect = pod["spec"]["containers"][0]["resources"]
    stage.status(pod, status_of("app", running(stage.ago(minutes=4)), end, restarts=1, resources=in_effect))
    stage.resize("api", "app", "128Mi")
    now = {"limits": {"memory": "128Mi"}, "requests": in_effect["requests"]}
    stage.status(pod, status_of("app", running(stage.ago(minutes=4)), end, restarts=1, resources=now))

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("oom-scope-unknown", "certain", ["limit-changed-since"])}
    item = only(answer)
    assert (item["limitBytes"], item["limitKnown"]) == (None, False)
    assert "today's is 128Mi" in item["findings"][0]["message"]


def test_a_limit_that_nobody_chose_is_traced_to_its_limit_range(stage: Stage) -> None:
    default = {"type": "Container", "default": {"memory": "96Mi"}, "defaultRequest": {"memory": "48Mi"}}
    stage.create("/api/v1", "limitranges", {"metadata": {"name": "small-by-default"}, "spec": {"limits": [default]}})
    stage.kill(stage.pod("api", container(limit=None)))

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("container-limit", "possible", ["limit-from-limitrange"])}
    item = only(answer)
    assert (item["limitBytes"], item["requestBytes"]) == (96 * MI, 48 * MI)
    assert "small-by-default" in item["findings"][0]["message"]


def test_inside_a_pod_level_limit_it_cannot_be_told_which_one_was_reached(stage: Stage) -> None:
    both = {"limits": {"memory": "128Mi"}, "requests": {"memory": "64Mi"}}
    pod = stage.pod("api", container(limit="96Mi"), container("sidekick", None), resources=both)
    end = ended("OOMKilled", 137, stage.ago(minutes=5))
    again = running(stage.ago(minutes=4))
    last = ended("OOMKilled", 137, stage.ago(minutes=6))
    stage.status(pod, status_of("app", again, end, restarts=1), status_of("sidekick", again, last, restarts=1))

    assert outcome(stage.why("pod/api")) == {
        "app": ("oom-scope-unknown", "certain", []),
        "sidekick": ("pod-limit", "likely", []),
    }


@pytest.mark.parametrize(
    ("limit", "verdict", "confidence"),
    [("64Mi", "pod-limit", "likely"), (None, "node", "certain")],
    ids=["in a pod whose containers have limits", "in a pod without limits"],
)
def test_a_debug_container_is_charged_to_its_pod(
    stage: Stage, limit: str | None, verdict: str, confidence: str
) -> None:
    pod = stage.pod("api", container(limit=limit))
    stage.debug("api", {"name": "debugger", "image": "registry.example/tools:1", "targetContainerName": "app"})
    debugger = status_of("debugger", ended("OOMKilled", 137, stage.ago(minutes=2), lived=30))
    runs = status_of("app", running(stage.ago(hours=1)))
    stage.status(pod, runs, ephemeralContainerStatuses=[debugger])

    answer = stage.why("pod/api")

    assert outcome(answer)["debugger"][:2] == (verdict, confidence)
    assert [item["containerType"] for item in answer["items"]] == ["ephemeral"]


# --- what the API still knows ------------------------------------------------------------------------------------------


def test_an_oom_kill_before_the_last_end_is_still_the_answer(stage: Stage) -> None:
    pod = stage.pod("api")
    newest = ended("Error", 1, stage.ago(minutes=1), lived=60)
    stage.status(pod, status_of("app", newest, ended("OOMKilled", 137, stage.ago(minutes=5)), restarts=1))

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("container-limit", "possible", ["later-end"])}
    assert (only(answer)["killedAt"], only(answer)["exitCode"]) == (stage.rfc3339(minutes=5), 137)


def test_a_kill_of_hours_ago_says_that_its_events_have_expired(stage: Stage) -> None:
    _killed(stage, minutes=180)

    answer = stage.why("pod/api")

    assert outcome(answer) == {"app": ("container-limit", "possible", [])}
    assert [gap["remedy"] for gap in answer["gaps"] if gap["source"] == "pod events"] == [
        "take a snapshot early next time: kubectl oom snapshot TARGET -f FILE"
    ]


def test_a_fresh_kill_does_not_speak_of_expired_events(stage: Stage) -> None:
    _killed(stage)

    assert "pod events" not in gap_sources(stage.why("pod/api"))
