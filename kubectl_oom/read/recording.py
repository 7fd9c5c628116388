"""Snapshots: all that one question read, in a file that answers the same questions again.

A snapshot is a small API server: it holds objects, the scopes that were listed, the answers that are no objects, and
the failures, so that a source that was forbidden then is a gap again. A question it was not asked is "NotRecorded",
never an empty answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from kubectl_oom import __version__
from kubectl_oom.errors import OomError
from kubectl_oom.evidence import HeapLine
from kubectl_oom.read.history_json import history_from_json, history_to_json
from kubectl_oom.read.objects import when
from kubectl_oom.read.selectors import matches_fields, matches_labels, terms
from kubectl_oom.read.slim import slim
from kubectl_oom.read.source import Json, Kind, ReadError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_oom.evidence import MemoryHistory
    from kubectl_oom.read.source import Source

API_VERSION = "kubectl-oom/v1"
KIND = "Snapshot"
_T = TypeVar("_T")
# Windows are computed from `now`, which a replay takes from the file: whole seconds of rounding are allowed for.
WINDOW_SLACK = timedelta(seconds=2)


@dataclass(slots=True)
class Tape:
    """What has been recorded; one line of each list is one answer."""

    taken_at: datetime
    label: str
    namespace: str
    objects: dict[str, dict[str, Json]] = field(default_factory=dict)  # kind → "namespace/name" → object
    scopes: list[Json] = field(default_factory=list)
    answers: list[Json] = field(default_factory=list)
    failures: list[Json] = field(default_factory=list)

    def to_json(self) -> Json:
        """The file's document."""
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "toolVersion": __version__,
            "takenAt": self.taken_at.isoformat().replace("+00:00", "Z"),
            "cluster": self.label,
            "namespace": self.namespace,
            "objects": {kind: list(items.values()) for kind, items in sorted(self.objects.items())},
            "scopes": self.scopes,
            "answers": self.answers,
            "failures": self.failures,
        }


def _object_key(item: Json) -> str:
    meta = item.get("metadata") or {}
    return f"{meta.get('namespace') or ''}/{meta.get('name') or ''}"


class RecordingSource:
    """Passes every question on, and keeps question and answer on a tape."""

    def __init__(self, source: Source, taken_at: datetime) -> None:
        self._source = source
        self._lock = Lock()
        self.namespace = source.namespace
        self.label = source.label
        self.tape = Tape(taken_at=taken_at, label=source.label, namespace=source.namespace)

    def get(self, kind: Kind, namespace: str | None, name: str) -> Json:
        """One object, kept."""
        item = self._ask(
            {"ask": "get", "kind": kind.qualified, "namespace": namespace or "", "name": name},
            lambda: self._source.get(kind, namespace, name),
        )
        self._keep(kind, [item])
        return item

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> list[Json]:
        """A list, kept with its scope."""
        scope = {
            "ask": "list",
            "kind": kind.qualified,
            "namespace": namespace or "",
            "labels": labels,
            "fields": fields,
        }
        items = self._ask(scope, lambda: self._source.list(kind, namespace, labels=labels, fields=fields))
        self._keep(kind, items)
        with self._lock:
            self.tape.scopes.append(scope)
        return items

    def kubelet_metrics(self, node: str) -> str:
        """A kubelet's memory lines, kept."""
        return self._answer({"ask": "kubelet-metrics", "node": node}, lambda: self._source.kubelet_metrics(node))

    def kubelet_summary(self, node: str) -> Json:
        """A kubelet's summary, kept without what this tool does not read."""
        return self._answer(
            {"ask": "kubelet-summary", "node": node}, lambda: _memory_of(self._source.kubelet_summary(node))
        )

    def pod_metrics(self, namespace: str, pod: str) -> Json:
        """A pod's metrics, kept."""
        ask = {"ask": "pod-metrics", "namespace": namespace, "pod": pod}
        return self._answer(ask, lambda: self._source.pod_metrics(namespace, pod))

    def heap_lines(self, namespace: str, pod: str, container: str, *, previous: bool) -> tuple[HeapLine, ...]:
        """Matching log lines, kept; no other line of a log ever is."""
        lines = self._ask(
            _log_ask(namespace, pod, container, previous=previous),
            lambda: self._source.heap_lines(namespace, pod, container, previous=previous),
        )
        with self._lock:
            told = [{"runtime": line.runtime, "text": line.text} for line in lines]
            self.tape.answers.append({**_log_ask(namespace, pod, container, previous=previous), "answer": told})
        return lines

    def history(
        self, namespace: str, pods: Sequence[str], nodes: Sequence[str], since: datetime, until: datetime
    ) -> MemoryHistory:
        """A history, kept."""
        ask = {"ask": "history", "namespace": namespace}
        found = self._ask(ask, lambda: self._source.history(namespace, pods, nodes, since, until))
        with self._lock:
            self.tape.answers.append({**ask, "pods": sorted(pods), "answer": history_to_json(found)})
        return found

    def _answer(self, ask: Json, question: Callable[[], _T]) -> _T:
        answer = self._ask(ask, question)
        with self._lock:
            self.tape.answers.append({**ask, "answer": answer})
        return answer

    def _ask(self, ask: Json, question: Callable[[], _T]) -> _T:
        try:
            return question()
        except ReadError as error:
            failure = {"reason": error.reason, "message": error.message, "status": error.status}
            with self._lock:
                self.tape.failures.append({**ask, "failure": failure})
            raise

    def _keep(self, kind: Kind, items: Sequence[Json]) -> None:
        with self._lock:
            shelf = self.tape.objects.setdefault(kind.qualified, {})
            for item in items:
                shelf[_object_key(item)] = slim(item)


def _log_ask(namespace: str, pod: str, container: str, *, previous: bool) -> Json:
    return {"ask": "log", "namespace": namespace, "pod": pod, "container": container, "previous": previous}


def _memory_of(summary: Json) -> Json:
    """The summary's memory numbers: names, sizes and times."""
    node = summary.get("node") or {}
    return {
        "node": {
            "nodeName": node.get("nodeName"),
            "memory": node.get("memory"),
            "systemContainers": [
                {"name": c.get("name"), "memory": c.get("memory")} for c in node.get("systemContainers") or ()
            ],
        },
        "pods": [
            {
                "podRef": pod.get("podRef"),
                "memory": pod.get("memory"),
                "containers": [{"name": c.get("name"), "memory": c.get("memory")} for c in pod.get("containers") or ()],
            }
            for pod in summary.get("pods") or ()
        ],
    }


class RecordedSource:
    """A snapshot as a source."""

    def __init__(self, tape: Tape, label: str) -> None:
        self._tape = tape
        self.namespace = tape.namespace
        self.label = label
        self.taken_at = tape.taken_at

    def get(self, kind: Kind, namespace: str | None, name: str) -> Json:
        """The object, if it was read; NotFound only when a scope that holds it was read without it."""
        if kind.namespaced and namespace is None:
            namespace = self.namespace
        place = namespace if kind.namespaced else ""
        item = self._tape.objects.get(kind.qualified, {}).get(f"{place}/{name}")
        if item is not None:
            return item
        ask = {"ask": "get", "kind": kind.qualified, "namespace": namespace or "", "name": name}
        self._fail_as_recorded(ask)
        if self._covered(kind, namespace, "", ""):
            raise ReadError("NotFound", f'{kind.qualified} "{name}" not found', 404)
        raise ReadError("NotRecorded", f'{kind.qualified} "{name}" is not in the snapshot')

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> list[Json]:
        """The matching objects, when a scope that covers the question was read."""
        scope = {
            "ask": "list",
            "kind": kind.qualified,
            "namespace": namespace or "",
            "labels": labels,
            "fields": fields,
        }
        if not self._covered(kind, namespace, labels, fields):
            self._fail_as_recorded(scope)
            where = f" of namespace {namespace}" if namespace else ""
            raise ReadError("NotRecorded", f"{kind.qualified}{where} were not listed for this snapshot")
        return [
            item
            for item in self._tape.objects.get(kind.qualified, {}).values()
            if (namespace is None or not kind.namespaced or (item.get("metadata") or {}).get("namespace") == namespace)
            and matches_labels(item, labels)
            and matches_fields(item, fields)
        ]

    def _covered(self, kind: Kind, namespace: str | None, labels: str, fields: str) -> bool:
        return any(
            scope["kind"] == kind.qualified
            and scope["namespace"] in ("", namespace or "")
            and terms(scope["labels"]) <= terms(labels)
            and terms(scope["fields"]) <= terms(fields)
            for scope in self._tape.scopes
        )

    def kubelet_metrics(self, node: str) -> str:
        """A kubelet's memory lines."""
        return str(self._answer({"ask": "kubelet-metrics", "node": node}))

    def kubelet_summary(self, node: str) -> Json:
        """A kubelet's summary."""
        return dict(self._answer({"ask": "kubelet-summary", "node": node}))

    def pod_metrics(self, namespace: str, pod: str) -> Json:
        """A pod's metrics."""
        return dict(self._answer({"ask": "pod-metrics", "namespace": namespace, "pod": pod}))

    def heap_lines(self, namespace: str, pod: str, container: str, *, previous: bool) -> tuple[HeapLine, ...]:
        """The log lines that matched."""
        told = self._answer(_log_ask(namespace, pod, container, previous=previous))
        return tuple(HeapLine(pod=pod, container=container, runtime=t["runtime"], text=t["text"]) for t in told)

    def history(
        self, namespace: str, pods: Sequence[str], nodes: Sequence[str], since: datetime, until: datetime
    ) -> MemoryHistory:
        """The part of a recorded history that lies in the window."""
        ask = {"ask": "history", "namespace": namespace}
        for entry in self._tape.answers:
            if ask.items() <= entry.items() and set(pods) <= set(entry["pods"]):
                return history_from_json(
                    entry["answer"], pods=pods, nodes=nodes, since=since - WINDOW_SLACK, until=until + WINDOW_SLACK
                )
        self._fail_as_recorded(ask)
        raise ReadError("NotRecorded", "the metrics engine was not asked for this snapshot")

    def _answer(self, ask: Json) -> Any:  # noqa: ANN401 - whatever was recorded
        for entry in self._tape.answers:
            if ask.items() <= entry.items():
                return entry["answer"]
        self._fail_as_recorded(ask)
        raise ReadError("NotRecorded", f"{ask['ask']} was not asked for this snapshot")

    def _fail_as_recorded(self, ask: Json) -> None:
        for entry in self._tape.failures:
            if ask.items() <= entry.items():
                failure = entry["failure"]
                raise ReadError(str(failure["reason"]), str(failure["message"]), failure["status"])


def load(path: str) -> RecordedSource:
    """The snapshot in a file; OomError with one clear line where it is none."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - "-" and /dev/stdin are fine too
            document = json.load(file)
    except OSError as error:
        raise OomError(f"error: {error.strerror}: {path}") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise OomError(
            f"error: {path} is not a snapshot: it is not JSON", "Make one: kubectl oom snapshot TARGET -f FILE"
        ) from error
    return RecordedSource(_tape_of(document, path), path)


def _tape_of(document: object, path: str) -> Tape:
    if not isinstance(document, dict) or document.get("kind") != KIND:
        raise OomError(
            f"error: {path} is not a snapshot of kubectl oom", "Make one: kubectl oom snapshot TARGET -f FILE"
        )
    if document.get("apiVersion") != API_VERSION:
        raise OomError(
            f"error: {path} is a snapshot of version {document.get('apiVersion')}, this is {API_VERSION}",
            "Read it with the kubectl-oom that made it, or take a new one",
        )
    taken = when(document.get("takenAt")) or datetime.fromtimestamp(0, tz=timezone.utc)
    try:
        objects = {
            str(kind): {_object_key(item): item for item in items} for kind, items in document["objects"].items()
        }
        tape = Tape(
            taken_at=taken,
            label=str(document.get("cluster")),
            namespace=str(document["namespace"]),
            objects=objects,
            scopes=[dict(s) for s in document["scopes"]],
            answers=[dict(a) for a in document["answers"]],
            failures=[dict(f) for f in document["failures"]],
        )
        _check(tape)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OomError(
            f"error: {path} is a damaged snapshot: {type(error).__name__} at {error}", "Take a new one"
        ) from error
    return tape


def _check(tape: Tape) -> None:
    """Touch what a later question would trip over."""
    for scope in tape.scopes:
        _ = {name: str(scope[name]) for name in ("kind", "namespace", "labels", "fields")}
    for answer in tape.answers:
        _ = answer["ask"], answer["answer"]
        if answer["ask"] == "history":
            _ = answer["namespace"], [str(p) for p in answer["pods"]]
            history_from_json(answer["answer"], pods=None, nodes=None, since=None, until=None)
        if answer["ask"] == "log":
            _ = [(line["runtime"], line["text"]) for line in answer["answer"]]
    for failure in tape.failures:
        _ = failure["failure"]["reason"], failure["failure"]["message"], failure["failure"]["status"]
