"""What `list` reads: one list of pods, and few questions about those with a trace of a kill."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import Verdict
from kubectl_oom.judge.listing import listed
from kubectl_oom.read import kill_owners
from kubectl_oom.read.kill_list import KillReader, Selection
from kubectl_oom.read.kill_traces import shows_kill
from kubectl_oom.read.live import PAGE
from kubectl_oom.read.source import EVENTS, NODES, PODS, REPLICA_SETS, ReadError
from tests.build import NOW
from tests.in_memory import controlled_by, event_json, killed_status, metadata, pod_json, replica_set_json, stamp
from tests.survey_scene import Live

if TYPE_CHECKING:
    import pytest

    from kubectl_oom.evidence import ListedKill
    from kubectl_oom.read.source import Json

EVERYTHING = Selection(namespace=None, labels="", since=NOW - timedelta(days=1), until=NOW, metrics=False)
FORBIDDEN = ReadError("Forbidden", "no", 403)


def running_status(**changes: Any) -> Json:
    return {"name": "app", "ready": True, "restartCount": 0, "state": {"running": {}}, "lastState": {}, **changes}


def cluster(*pods: Json, **changes: Any) -> Live:
    objects = {
        PODS.qualified: list(pods),
        EVENTS.qualified: [],
        NODES.qualified: [],
        REPLICA_SETS.qualified: [replica_set_json()],
    }
    return Live(**{"objects": objects, **changes})


def read(source: Live, selection: Selection = EVERYTHING) -> tuple[list[ListedKill], KillReader]:
    reader = KillReader(source, selection)
    lots = list(reader.lots())
    return [row for lot in lots for row in listed(lot, since=selection.since, until=selection.until)], reader


def test_a_large_cluster_is_one_list_of_pods_and_four_of_events() -> None:
    calm = [pod_json(f"calm-{number}", running_status()) for number in range(2 * PAGE)]
    killed = [pod_json(f"api-{number}") for number in range(10)]
    source = cluster(*calm, *killed)

    rows, reader = read(source)

    assert [row.pod for row in rows] == sorted(pod["metadata"]["name"] for pod in killed)
    assert reader.gaps == []
    assert reader.pods_seen == 2 * PAGE + 10
    # Sandboxes, kills, probes; the nodes' own; the ReplicaSet and the Deployment that all of them belong to.
    assert source.asked == {
        "list pods": 1,
        "pages": 3 + 3 + 1,
        "list pod events": 3,
        "list node events": 1,
        "get replicasets": 1,
        "get deployments": 1,
    }


def test_where_nothing_was_killed_little_is_asked() -> None:
    source = cluster(pod_json("calm", running_status()))

    assert read(source)[0] == []
    assert source.asked == {"list pods": 1, "list pod events": 1, "pages": 2}


def test_a_trace_is_an_oom_mark_a_sigkill_or_a_start_without_memory_of_the_window() -> None:
    since = NOW - timedelta(hours=1)
    start = "failed to create task: container init was OOM-killed (memory limit too low?)"

    def shows(**status: Any) -> bool:
        return shows_kill(pod_json("x", running_status(**status)), since)

    def ended(**fields: Any) -> Json:
        return {"terminated": {"reason": "Error", "exitCode": 1, "finishedAt": stamp(60), **fields}}

    assert shows(lastState=ended(reason="OOMKilled"))
    assert shows(lastState=ended(exitCode=137))
    assert shows(state=ended(reason="OOMKilled", exitCode=0))
    assert shows(lastState=ended(exitCode=137, finishedAt=None))
    assert shows(state=ended(reason="StartError", exitCode=128, message=start))
    assert shows(state={"waiting": {"reason": "CreateContainerError", "message": start}})
    assert not shows()
    assert not shows(lastState=ended())
    assert not shows(lastState=ended(reason="OOMKilled", exitCode=137, finishedAt=stamp(7200)))
    assert not shows_kill(
        {"status": {"containerStatuses": [7, {"state": "x", "lastState": {"terminated": []}}]}}, since
    )


def test_events_decide_whether_a_kill_was_a_probes() -> None:
    pods = [pod_json(f"api-{number}") for number in range(10)]
    source = cluster(*pods)
    source.objects[EVENTS.qualified] = [
        event_json("e1", "Killing", "Container app failed liveness probe, will be restarted", of="api-3")
        | {"firstTimestamp": stamp(302), "lastTimestamp": stamp(302)}
    ]

    assert "api-3" not in {row.pod for row in read(source)[0]}
    assert len(read(source)[0]) == 9


def test_a_pod_whose_sandbox_cannot_start_is_found_by_its_event() -> None:
    pending = pod_json("api-9", running_status(state={"waiting": {"reason": "ContainerCreating"}}))
    source = cluster(pending)
    message = "Failed to create pod sandbox: container init was OOM-killed (memory limit too low?)"
    source.objects[EVENTS.qualified] = [event_json("e1", "FailedCreatePodSandBox", message, of="api-9")]

    assert [(row.pod, row.verdict) for row in read(source)[0]] == [("api-9", Verdict.START_OOM)]


def test_what_may_not_be_read_is_a_gap_and_the_kills_are_listed_all_the_same() -> None:
    refused = dict.fromkeys(("list pod events", "list node events", "get replicasets"), FORBIDDEN)
    labels = {"app": "api", "pod-template-hash": "7d9"}
    meta = metadata("api-0", labels=labels, ownerReferences=controlled_by("ReplicaSet", "api-7d9"))
    [row], reader = read(cluster(pod_json("api-0", metadata=meta), failures=refused))

    assert (row.workload.kind, row.workload.name) == ("Deployment", "api") if row.workload else False
    assert {gap.source for gap in reader.gaps} == {
        "owners (ReplicaSets)",
        "pod events",
        "pod events (namespace shop)",
        "node events (namespace default)",
    }
    assert {gap.reason for gap in reader.gaps} == {"not permitted (403)"}


def test_too_many_owners_are_told_by_name_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kill_owners, "MOST_OWNERS_READ", 2)
    pods = []
    for number in range(5):
        labels = {"pod-template-hash": "7d9"}
        owners = controlled_by("ReplicaSet", f"api{number}-7d9")
        pods.append(pod_json(f"p-{number}", metadata=metadata(f"p-{number}", labels=labels, ownerReferences=owners)))

    rows, reader = read(cluster(*pods))

    assert sorted(row.workload.name for row in rows if row.workload) == [f"api{number}" for number in range(5)]
    assert [gap.source for gap in reader.gaps] == ["owners"]


def test_a_selection_looks_at_its_pods_only() -> None:
    other = pod_json("web-0", metadata=metadata("web-0", labels={"app": "web"}))
    source = cluster(pod_json("api-0"), other, pod_json("far-0", metadata=metadata("far-0", "elsewhere")))

    assert [row.pod for row in read(source, replace(EVERYTHING, labels="app=web"))[0]] == ["web-0"]
    assert [row.pod for row in read(source, replace(EVERYTHING, namespace="elsewhere"))[0]] == ["far-0"]


def test_without_an_engine_that_is_a_gap() -> None:
    rows, reader = read(cluster(pod_json("api-0")), replace(EVERYTHING, metrics=True))

    assert [row.pod for row in rows] == ["api-0"]
    assert [(gap.source, gap.remedy) for gap in reader.gaps] == [("metrics engine", "name one: --prometheus-url URL")]


def test_anything_may_stand_in_a_list_of_pods() -> None:
    broken: list[Json] = [
        {},
        {"metadata": None, "status": None},
        {"metadata": {"name": 7}, "status": {"containerStatuses": {"a": 1}}},
        {"metadata": {"name": "x"}, "status": {"containerStatuses": [killed_status() | {"name": None}]}},
    ]
    source = cluster()
    source.objects[PODS.qualified] = broken

    reader = KillReader(source, replace(EVERYTHING, namespace=None))

    assert [lot.past.namespace for lot in reader.lots()] == ["default"]
