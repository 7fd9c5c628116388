"""Snapshots: all that one question read, in a file that answers the same questions again.

A snapshot is a small API server: it holds objects, the scopes that were listed, the answers that are no objects, and
the failures, so that a source that was forbidden then is a gap again. A question it was not asked is "NotRecorded",
never an empty answer.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from kubectl_oom import __version__
from kubectl_oom.errors import OomError
from kubectl_oom.evidence import HeapLine, WorkloadPast
from kubectl_oom.read.answer import part, text
from kubectl_oom.read.history_json import history_from_json, history_to_json
from kubectl_oom.read.kubelet import lines_about, memory_of
from kubectl_oom.read.objects import when
from kubectl_oom.read.selectors import matches_fields, matches_labels, terms
from kubectl_oom.read.slim import slim
from kubectl_oom.read.source import PODS, Json, Kind, ReadError
from kubectl_oom.read.values import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_oom.evidence import MemoryHistory, Owner, PodKey
    from kubectl_oom.read.source import Source

API_VERSION = "kubectl-oom/v1"
KIND = "Snapshot"
_T = TypeVar("_T")
# Windows are computed from `now`, which a replay takes from the file: whole seconds of rounding are allowed for.
WINDOW_SLACK = timedelta(seconds=2)
_SLACK = WINDOW_SLACK.total_seconds()


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
            "answers": [self._own_part(answer) for answer in self.answers],
            "failures": self.failures,
        }

    def _own_part(self, answer: Json) -> Json:
        """A kubelet's answer without the pods that nobody asked about: their names are for their owners to tell."""
        pods = {_pod_key(item) for item in self.objects.get(PODS.qualified, {}).values()}
        if answer["ask"] == "kubelet-metrics":
            return {**answer, "answer": lines_about(answer["answer"], pods)}
        if answer["ask"] == "kubelet-summary":
            told = [p for p in answer["answer"]["pods"] if _pod_key({"metadata": p.get("podRef")}) in pods]
            return {**answer, "answer": {**answer["answer"], "pods": told}}
        return answer


def _object_key(item: Json) -> str:
    return "/".join(_pod_key(item))


def _pod_key(item: Json) -> PodKey:
    meta = part(item, "metadata")
    return text(meta.get("namespace")) or "", text(meta.get("name")) or ""


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
            {"ask": "kubelet-summary", "node": node}, lambda: memory_of(self._source.kubelet_summary(node))
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
        window = {"since": since.timestamp(), "until": until.timestamp()}
        asked = {**ask, "pods": sorted(pods), "nodes": sorted(nodes), **window}
        with self._lock:
            self.tape.answers.append({**asked, "answer": history_to_json(found)})
        return found

    def past(
        self, namespace: str, workload: Owner | None, living: Sequence[str], since: datetime, until: datetime
    ) -> WorkloadPast:
        """The past of a workload, kept."""
        ask = _past_ask(namespace, workload)
        found = self._ask(ask, lambda: self._source.past(namespace, workload, living, since, until))
        window = {"since": since.timestamp(), "until": until.timestamp()}
        with self._lock:
            self.tape.answers.append({**ask, **window, "answer": to_json(found)})
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


def _past_ask(namespace: str, workload: Owner | None) -> Json:
    name = f"{workload.kind}/{workload.name}" if workload else ""
    return {"ask": "past", "namespace": namespace, "workload": name}


def _log_ask(namespace: str, pod: str, container: str, *, previous: bool) -> Json:
    return {"ask": "log", "namespace": namespace, "pod": pod, "container": container, "previous": previous}


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
            if (namespace is None or not kind.namespaced or _pod_key(item)[0] == namespace)
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
        """The part of a recorded history that lies in the window; a window that reaches beyond it was not recorded."""
        ask = {"ask": "history", "namespace": namespace}
        for entry in self._tape.answers:
            holds = (
                ask.items() <= entry.items() and set(pods) <= set(entry["pods"]) and set(nodes) <= set(entry["nodes"])
            )
            if holds and entry["since"] - _SLACK <= since.timestamp() and until.timestamp() <= entry["until"] + _SLACK:
                return history_from_json(
                    entry["answer"], pods=pods, nodes=nodes, since=since - WINDOW_SLACK, until=until + WINDOW_SLACK
                )
        self._fail_as_recorded(ask)
        raise ReadError("NotRecorded", "the metrics engine was not asked about this for this snapshot")

    def past(
        self, namespace: str, workload: Owner | None, living: Sequence[str], since: datetime, until: datetime
    ) -> WorkloadPast:
        """The past that was recorded for this workload and window; of bare pods, those that were asked about."""
        ask = _past_ask(namespace, workload)
        for entry in self._tape.answers:
            if ask.items() <= entry.items() and (workload or set(living) <= set(entry["answer"]["pods"])):
                if max(abs(entry["since"] - since.timestamp()), abs(entry["until"] - until.timestamp())) <= _SLACK:
                    return from_json(WorkloadPast, entry["answer"])
                raise ReadError("NotRecorded", "the snapshot holds another window of this history: see --since")
        self._fail_as_recorded(ask)
        raise ReadError("NotRecorded", "the past of this workload was not asked for this snapshot")

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
    except (ValueError, RecursionError) as error:  # also what is no text, and numbers too long to read
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
    taken = when(document.get("takenAt"))
    if taken is None:  # without it no age and no event's expiry could be told
        raise OomError(f"error: {path} is a damaged snapshot: it does not say when it was taken", "Take a new one")
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
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError, RecursionError) as error:
        raise OomError(
            f"error: {path} is a damaged snapshot: {type(error).__name__} at {error}", "Take a new one"
        ) from error
    return tape


# What an answer must be, where it is not looked at below.
_ANSWERS = {"kubelet-metrics": str, "kubelet-summary": dict, "pod-metrics": dict}


def _check(tape: Tape) -> None:
    """Touch what a later question would trip over."""
    for item in (item for items in tape.objects.values() for item in items.values()):
        _ = str(item["metadata"]["name"])
    for scope in tape.scopes:
        scope.update({name: str(scope[name]) for name in ("kind", "namespace", "labels", "fields")})
    for answer in tape.answers:
        _check_type(str(answer["ask"]), answer["answer"])
        if answer["ask"] == "history":
            answer["pods"], answer["nodes"] = [str(p) for p in answer["pods"]], [str(n) for n in answer["nodes"]]
            answer["since"], answer["until"] = float(answer["since"]), float(answer["until"])
            _ = answer["namespace"]
            history_from_json(answer["answer"], pods=None, nodes=None, since=None, until=None)
        if answer["ask"] == "past":
            _ = answer["namespace"], answer["workload"], float(answer["since"]), float(answer["until"])
            from_json(WorkloadPast, answer["answer"])
        if answer["ask"] == "log":
            answer["answer"] = [{key: str(line[key]) for key in ("runtime", "text")} for line in answer["answer"]]
    for failure in tape.failures:
        _ = failure["failure"]["reason"], failure["failure"]["message"], failure["failure"]["status"]


def _check_type(ask: str, answer: object) -> None:
    if not isinstance(answer, _ANSWERS.get(ask, object)):
        raise ValueError(f"the answer of {ask}")  # noqa: TRY004 - damaged, whatever it is
