"""Snapshots: all that one question read, in a file that answers the same questions again.

A snapshot is a small API server: it holds objects, the scopes that were listed, the answers that are no objects, and
the failures, so that a source that was forbidden then is a gap again. A question it was not asked is "NotRecorded",
never an empty answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from kubectl_oom import __version__
from kubectl_oom.read.answer import part, text
from kubectl_oom.read.history_json import history_to_json
from kubectl_oom.read.kubelet import lines_about, memory_of
from kubectl_oom.read.slim import slim
from kubectl_oom.read.source import PODS, Json, Kind, ReadError
from kubectl_oom.read.values import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import HeapLine, MemoryHistory, Owner, PodKey, WorkloadPast
    from kubectl_oom.read.source import Source

API_VERSION = "kubectl-oom/v1"
KIND = "Snapshot"
_T = TypeVar("_T")


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
        pods = {pod_key(item) for item in self.objects.get(PODS.qualified, {}).values()}
        if answer["ask"] == "kubelet-metrics":
            return {**answer, "answer": lines_about(answer["answer"], pods)}
        if answer["ask"] == "kubelet-summary":
            told = [p for p in answer["answer"]["pods"] if pod_key({"metadata": p.get("podRef")}) in pods]
            return {**answer, "answer": {**answer["answer"], "pods": told}}
        return answer


def object_key(item: Json) -> str:
    """`namespace/name` of an object."""
    return "/".join(pod_key(item))


def pod_key(item: Json) -> PodKey:
    """Namespace and name of an object, empty where it has none."""
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
        item = self._ask(get_ask(kind, namespace, name), lambda: self._source.get(kind, namespace, name))
        self._keep(kind, [item])
        return item

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> list[Json]:
        """A list, kept with its scope."""
        scope = list_ask(kind, namespace, labels=labels, fields=fields)
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

    def requested_on(self, node: str) -> int:
        """What is requested on a node, kept as a number: the pods are somebody else's."""
        return self._answer({"ask": "requested-on", "node": node}, lambda: self._source.requested_on(node))

    def heap_lines(self, namespace: str, pod: str, container: str, *, previous: bool) -> tuple[HeapLine, ...]:
        """Matching log lines, kept; no other line of a log ever is."""
        lines = self._ask(
            log_ask(namespace, pod, container, previous=previous),
            lambda: self._source.heap_lines(namespace, pod, container, previous=previous),
        )
        with self._lock:
            told = [{"runtime": line.runtime, "text": line.text} for line in lines]
            self.tape.answers.append({**log_ask(namespace, pod, container, previous=previous), "answer": told})
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
        ask = past_ask(namespace, workload)
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
                shelf[object_key(item)] = slim(item)


def get_ask(kind: Kind, namespace: str | None, name: str) -> Json:
    """The question for one object."""
    return {"ask": "get", "kind": kind.qualified, "namespace": namespace or "", "name": name}


def list_ask(kind: Kind, namespace: str | None, *, labels: str, fields: str) -> Json:
    """The question for a list: its scope."""
    return {"ask": "list", "kind": kind.qualified, "namespace": namespace or "", "labels": labels, "fields": fields}


def past_ask(namespace: str, workload: Owner | None) -> Json:
    """How a question about the past of a workload is kept."""
    name = f"{workload.kind}/{workload.name}" if workload else ""
    return {"ask": "past", "namespace": namespace, "workload": name}


def log_ask(namespace: str, pod: str, container: str, *, previous: bool) -> Json:
    """How a question about a log is kept."""
    return {"ask": "log", "namespace": namespace, "pod": pod, "container": container, "previous": previous}
