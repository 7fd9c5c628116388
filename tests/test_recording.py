"""Snapshots: a file answers the questions it holds as the cluster did, and no others."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.cli.reading import fatal
from kubectl_oom.errors import OomError
from kubectl_oom.evidence import Owner, PodKey
from kubectl_oom.judge.diagnose import diagnose
from kubectl_oom.read.gather import Wants, gather
from kubectl_oom.read.recording import API_VERSION, KIND, RecordingSource
from kubectl_oom.read.replay import RecordedSource, load
from kubectl_oom.read.source import DEPLOYMENTS, EVENTS, NODES, PODS, Json, ReadError
from kubectl_oom.read.targets import Scope, Target
from tests.build import NOW, ago, heap_line, history, life, samples
from tests.in_memory import InMemory, cluster, event_json, killed_status, metadata, node_json, pod_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kubectl_oom.evidence import CaseFile

    Question = Callable[[InMemory | RecordedSource | RecordingSource], Any]

SELECTED = {"labels": {"app": "api"}}
HEAP = heap_line("fatal error: out of memory", "go")
DAY = (ago(86_400), NOW)


def _file(tape: Json, folder: Path) -> str:
    path = folder / "snapshot.json"
    path.write_text(json.dumps(tape), encoding="utf-8")
    return str(path)


def _replayed(source: InMemory, folder: Path, *questions: Question) -> RecordedSource:
    """The source again, from the file that a recording of these questions became."""
    recording = RecordingSource(source, NOW)
    for question in questions:
        with contextlib.suppress(ReadError):
            question(recording)
    return load(_file(recording.tape.to_json(), folder))


QUESTIONS: dict[str, Question] = {
    "a pod": lambda s: s.get(PODS, "shop", "api-0")["status"],
    "a pod of the context's namespace": lambda s: s.get(PODS, None, "api-0")["status"],
    "a node": lambda s: s.get(NODES, None, "node-a"),
    "an absent pod": lambda s: s.get(PODS, "shop", "api-9"),
    "all pods": lambda s: len(s.list(PODS, None)),
    "the pods of a namespace": lambda s: len(s.list(PODS, "shop")),
    "selected pods": lambda s: len(s.list(PODS, "shop", labels="app=api")),
    "events of a pod": lambda s: len(s.list(EVENTS, "shop", fields="involvedObject.name=api-0")),
    "a kubelet's page": lambda s: s.kubelet_metrics("node-a"),
    "a kubelet's summary": lambda s: s.kubelet_summary("node-a")["pods"],
    "the summary of another kubelet": lambda s: s.kubelet_summary("node-z"),
    "pod metrics": lambda s: s.pod_metrics("shop", "api-0"),
    "what is requested on a node": lambda s: s.requested_on("node-a"),
    "a log": lambda s: s.heap_lines("shop", "api-0", "app", previous=True),
    "a history": lambda s: s.history("shop", ["api-0"], ["node-a"], *DAY),
    "a past": lambda s: s.past("shop", Owner(api_version="apps/v1", kind="Deployment", name="api"), ["api-0"], *DAY),
}


def _answer(source: InMemory | RecordedSource, question: Question) -> Any:
    try:
        return question(source)
    except ReadError as error:
        return (error.reason, error.message, error.status)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_gets_the_same_answer_from_the_file(name: str, tmp_path: Path) -> None:
    source = cluster(lines={"api-0": (HEAP,)})
    expected = _answer(source, QUESTIONS[name])

    replayed = _replayed(source, tmp_path, lambda s: s.list(PODS, None), QUESTIONS[name])

    assert _answer(replayed, QUESTIONS[name]) == expected
    assert (replayed.namespace, replayed.taken_at) == ("shop", NOW)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_that_was_not_asked_is_not_recorded_rather_than_empty(name: str, tmp_path: Path) -> None:
    replayed = _replayed(cluster(), tmp_path)

    assert _answer(replayed, QUESTIONS[name])[0] == "NotRecorded"


@pytest.mark.parametrize("reason", ["Forbidden", "NotFound", "Timeout", "Unreachable", "BadAnswer"])
@pytest.mark.parametrize(
    "failing",
    [
        "list pods",
        "get nodes",
        "kubelet metrics",
        "kubelet summary",
        "pod metrics",
        "requested on a node",
        "log previous=True",
        "history",
        "past",
    ],
)
def test_a_failure_is_the_same_failure_from_the_file(failing: str, reason: str, tmp_path: Path) -> None:
    source = cluster(failures={failing: ReadError(reason, f"{failing} did not work", 418)})

    replayed = _replayed(source, tmp_path, *QUESTIONS.values())

    expected = {name: _answer(source, question) for name, question in QUESTIONS.items()}
    assert {name: _answer(replayed, question) for name, question in QUESTIONS.items()} == expected


WIDER: dict[str, tuple[Question, Question, Question]] = {
    "namespaces": (
        lambda s: s.list(PODS, "shop"),
        lambda s: s.get(PODS, "shop", "api-0"),
        lambda s: s.list(PODS, None),
    ),
    "labels": (
        lambda s: s.list(PODS, "shop", labels="app=api"),
        lambda s: s.list(PODS, "shop", labels="app=api,tier!=web"),
        lambda s: s.list(PODS, "shop"),
    ),
    "fields": (
        lambda s: s.list(EVENTS, "shop", fields="involvedObject.kind=Pod"),
        lambda s: s.list(EVENTS, "shop", fields="involvedObject.kind=Pod,involvedObject.name=api-0"),
        lambda s: s.list(EVENTS, "shop"),
    ),
    "kinds": (
        lambda s: s.list(PODS, None),
        lambda s: s.list(PODS, "shop"),
        lambda s: s.list(DEPLOYMENTS, "shop"),
    ),
    "pods of a history": (
        lambda s: s.history("shop", ["api-0", "api-1"], ["node-a"], *DAY),
        lambda s: s.history("shop", ["api-0"], ["node-a"], *DAY),
        lambda s: s.history("shop", ["api-0", "api-2"], ["node-a"], *DAY),
    ),
    "nodes of a history": (
        lambda s: s.history("shop", ["api-0"], ["node-a"], *DAY),
        lambda s: s.history("shop", ["api-0"], [], *DAY),
        lambda s: s.history("shop", ["api-0"], ["node-a", "node-b"], *DAY),
    ),
    "the window of a history": (
        lambda s: s.history("shop", ["api-0"], ["node-a"], *DAY),
        lambda s: s.history("shop", ["api-0"], ["node-a"], ago(7200), ago(60)),
        lambda s: s.history("shop", ["api-0"], ["node-a"], ago(90_000), NOW),
    ),
    "instances of a log": (
        lambda s: s.heap_lines("shop", "api-0", "app", previous=True),
        lambda s: s.heap_lines("shop", "api-0", "app", previous=True),
        lambda s: s.heap_lines("shop", "api-0", "app", previous=False),
    ),
}


@pytest.mark.parametrize("name", WIDER)
def test_narrower_questions_are_answered_and_wider_ones_are_not_recorded(name: str, tmp_path: Path) -> None:
    asked, narrower, wider = WIDER[name]

    replayed = _replayed(cluster(), tmp_path, asked)

    narrower(replayed)
    with pytest.raises(ReadError) as raised:
        wider(replayed)
    assert raised.value.reason == "NotRecorded"


def test_a_narrower_window_holds_only_its_own_samples(tmp_path: Path) -> None:
    source = cluster(remembered=history(life(samples(1, 2, 3, last=100, every=100)), pod_usage={"api-0": samples(9)}))

    replayed = _replayed(source, tmp_path, lambda s: s.history("shop", ["api-0"], ["node-a"], *DAY))
    told = replayed.history("shop", ["api-0"], ["node-a"], ago(210), ago(90))

    assert [sample.value for sample in told.lives[0].usage] == [2, 3]
    assert told.pod_usage == {"api-0": ()}


def test_an_object_in_a_listed_scope_that_is_not_there_was_not_there(tmp_path: Path) -> None:
    replayed = _replayed(cluster(), tmp_path, lambda s: s.list(PODS, "shop"))

    with pytest.raises(ReadError) as raised:
        replayed.get(PODS, "shop", "gone-0")
    assert (raised.value.reason, raised.value.status) == ("NotFound", 404)


# --- the whole of `why`, live and from the file ---------------------------------------------------------------------

TARGET = Scope(targets=(Target(DEPLOYMENTS, "api"),), namespace="shop")


def _busy() -> InMemory:
    """A cluster where many questions are asked: an eviction, an end without a mark, an unlimited container."""
    crashed = pod_json("api-1", killed_status(reason="Error", exitCode=1))
    evicted = pod_json("api-2")
    evicted["status"] |= {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory. "}
    unlimited = pod_json("api-3", spec={"containers": [{"name": "app"}]})
    source = cluster(lines={"api-1": (replace(HEAP, pod="api-1"),)})
    source.objects["pods"] += [
        crashed,
        evicted,
        unlimited,
        pod_json("other-0", metadata=metadata("other-0", labels={})),
    ]
    return source


def _told(case: CaseFile) -> tuple[Any, ...]:
    report = diagnose(case, now=NOW)
    return report.items, report.gaps


@pytest.mark.parametrize(
    "failures",
    [
        {},
        {"kubelet metrics": "Forbidden"},
        {"history": "Timeout", "list node events": "Forbidden"},
        {"log previous=True": "Forbidden", "list pods of a node": "Timeout"},
    ],
    ids=str,
)
def test_a_snapshot_gives_the_very_answer_of_the_cluster(failures: dict[str, str], tmp_path: Path) -> None:
    source = _busy()
    source.failures = {question: ReadError(reason, f"{question}: {reason}") for question, reason in failures.items()}
    recording = RecordingSource(source, NOW)
    live = gather(recording, TARGET, now=NOW, wants=Wants())

    replayed = gather(load(_file(recording.tape.to_json(), tmp_path)), TARGET, now=NOW, wants=Wants())

    assert _told(replayed) == _told(live)
    assert len(diagnose(live, now=NOW).items) >= 3


def test_one_pod_of_a_snapshot_of_its_workload_is_answered_as_well(tmp_path: Path) -> None:
    recording = RecordingSource(_busy(), NOW)
    gather(recording, TARGET, now=NOW, wants=Wants())
    narrower = Scope(targets=(Target(PODS, "api-0"),), namespace="shop")

    replayed = gather(load(_file(recording.tape.to_json(), tmp_path)), narrower, now=NOW, wants=Wants())

    (item,) = diagnose(replayed, now=NOW).items
    assert (item.pod, item.verdict.value, item.confidence.value) == ("api-0", "container-limit", "certain")
    assert replayed.gaps == ()


def test_another_target_than_the_snapshots_is_not_recorded(tmp_path: Path) -> None:
    recording = RecordingSource(_busy(), NOW)
    gather(recording, TARGET, now=NOW, wants=Wants())
    other = Scope(targets=(Target(DEPLOYMENTS, "web"),), namespace="shop")

    with pytest.raises(ReadError) as raised:
        gather(load(_file(recording.tape.to_json(), tmp_path)), other, now=NOW, wants=Wants())
    assert raised.value.reason == "NotRecorded"


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ("shop", ""),
        ("default", ", in namespaces s0, s1, s2 and 2 more (-n)"),
    ],
)
def test_a_question_about_another_namespace_is_told_those_of_the_snapshot(
    asked: str, where: str, tmp_path: Path
) -> None:
    names = [asked] if not where else [f"s{n}" for n in range(5)]
    pods = [pod_json("api-0", metadata=metadata("api-0", name)) for name in names]
    source = _replayed(
        InMemory(objects={PODS.qualified: pods}), tmp_path, lambda s: s.list(PODS, None, labels="app=api")
    )

    with pytest.raises(ReadError) as missing:
        source.get(PODS, asked, "api-9")

    hint = fatal(missing.value, source, asked).hint
    assert hint == f"{source.label} holds what was read when it was taken{where}"


def test_sources_that_were_not_wanted_are_gaps_of_the_snapshot(tmp_path: Path) -> None:
    recording = RecordingSource(_busy(), NOW)
    gather(recording, TARGET, now=NOW, wants=Wants(logs=False, kubelet=False, metrics=False))

    replayed = gather(load(_file(recording.tape.to_json(), tmp_path)), TARGET, now=NOW, wants=Wants())

    told = {gap.source.partition(" (")[0] for gap in replayed.gaps}
    assert {"kubelet", "metrics engine", "log"} <= told
    assert all(gap.remedy == "take a new snapshot of this target" for gap in replayed.gaps)


def test_a_snapshot_names_no_pod_that_nobody_asked_about(tmp_path: Path) -> None:
    page = cluster().pages["node-a"]
    stranger: PodKey = ("bank", "vault-0")
    source = cluster(
        pages={"node-a": page + page.replace('"shop"', f'"{stranger[0]}"').replace('"api-0"', f'"{stranger[1]}"')},
        summaries={"node-a": {"pods": [{"podRef": {"namespace": stranger[0], "name": stranger[1]}, "memory": {}}]}},
    )
    recording = RecordingSource(source, NOW)
    recording.get(PODS, "shop", "api-0")
    recording.kubelet_metrics("node-a")
    recording.kubelet_summary("node-a")

    written = json.dumps(recording.tape.to_json())

    assert "vault" not in written
    assert "api-0" in load(_file(recording.tape.to_json(), tmp_path)).kubelet_metrics("node-a")


# --- files that are no snapshots ------------------------------------------------------------------------------------

WHOLE: dict[str, Any] = {
    "apiVersion": API_VERSION,
    "kind": KIND,
    "takenAt": "2026-11-22T09:00:00Z",
    "cluster": "c",
    "namespace": "shop",
    "objects": {"pods": [pod_json()], "nodes": [node_json()], "events": [event_json("e", "Killing", "x")]},
    "scopes": [{"ask": "list", "kind": "pods", "namespace": "", "labels": "", "fields": ""}],
    "answers": [],
    "failures": [],
}


def _without(key: str) -> dict[str, Any]:
    return {name: value for name, value in WHOLE.items() if name != key}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a snapshot: it is not JSON"),
        ("{", "is not a snapshot: it is not JSON"),
        ("\udcff", "is not a snapshot: it is not JSON"),
        ("[" * 100_000, "is not a snapshot: it is not JSON"),
        ('{"a": ' + "9" * 5000 + "}", "is not a snapshot: it is not JSON"),
        ("null", "is not a snapshot of kubectl oom"),
        ("[]", "is not a snapshot of kubectl oom"),
        ('{"kind": "Pod"}', "is not a snapshot of kubectl oom"),
        (
            json.dumps(WHOLE | {"apiVersion": "kubectl-oom/v9"}),
            "is a snapshot of version kubectl-oom/v9, this is kubectl-oom/v1",
        ),
        *((json.dumps(_without(key)), "is a damaged snapshot") for key in ("objects", "scopes", "answers", "failures")),
        (json.dumps(WHOLE | {"objects": {"pods": [5]}}), "is a damaged snapshot"),
        (json.dumps(WHOLE | {"objects": {"pods": [{"metadata": {}}]}}), "is a damaged snapshot"),
        (json.dumps(WHOLE | {"scopes": [{"kind": "pods"}]}), "is a damaged snapshot"),
        (json.dumps(WHOLE | {"answers": [{"ask": "kubelet-metrics", "answer": 5}]}), "is a damaged snapshot"),
        (json.dumps(WHOLE | {"answers": [{"ask": "kubelet-summary", "answer": []}]}), "is a damaged snapshot"),
        (json.dumps(WHOLE | {"answers": [{"ask": "log", "answer": [{"runtime": "go"}]}]}), "is a damaged snapshot"),
        (json.dumps(WHOLE | {"answers": [{"ask": "history", "answer": {}}]}), "is a damaged snapshot"),
        (json.dumps(WHOLE | {"failures": [{"ask": "get", "failure": {}}]}), "is a damaged snapshot"),
    ],
    ids=lambda value: value[:40],
)
def test_a_malformed_file_is_one_clear_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))

    with pytest.raises(OomError) as raised:
        load(str(path))

    assert message in raised.value.message
    assert raised.value.message.startswith(f"error: {path}")
    assert "\n" not in raised.value.message
    assert raised.value.hint


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OomError) as raised:
        load(str(tmp_path / "nothing.json"))

    assert raised.value.message == f"error: No such file or directory: {tmp_path / 'nothing.json'}"


@pytest.mark.parametrize("seconds", [float("inf"), 1e300, -1e300, 1e12, "x"])
def test_a_history_with_impossible_times_is_damaged(seconds: Any, tmp_path: Path) -> None:
    recording = RecordingSource(cluster(), NOW)
    recording.history("shop", ["api-0"], ["node-a"], NOW - timedelta(days=1), NOW)
    tape = recording.tape.to_json()
    tape["answers"][0]["answer"]["lives"][0]["usage"] = [[seconds, 1]]

    with pytest.raises(OomError, match="damaged"):
        load(_file(tape, tmp_path))


def test_a_whole_file_loads(tmp_path: Path) -> None:
    assert load(_file(WHOLE, tmp_path)).list(PODS, "shop") == [pod_json()]
