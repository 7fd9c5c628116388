"""A snapshot file as a source: it answers the questions it was asked when it was taken, and no others."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from kubectl_oom.errors import OomError
from kubectl_oom.evidence import HeapLine, WorkloadPast
from kubectl_oom.read.answer import decoded
from kubectl_oom.read.history_json import history_from_json
from kubectl_oom.read.objects import when
from kubectl_oom.read.recording import (
    API_VERSION,
    KIND,
    Tape,
    get_ask,
    list_ask,
    log_ask,
    object_key,
    past_ask,
    pod_key,
)
from kubectl_oom.read.selectors import matches_fields, matches_labels, terms
from kubectl_oom.read.source import Json, Kind, ReadError
from kubectl_oom.read.values import from_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import MemoryHistory, Owner
# Windows are computed from `now`, which a replay takes from the file: whole seconds of rounding are allowed for.
WINDOW_SLACK = timedelta(seconds=2)
STDIN = "-"
GZIP = b"\x1f\x8b"  # how each of its files begins
# Far more than any snapshot holds; a few kilobytes that somebody sends may unpack to any amount of memory.
LARGEST_UNPACKED_BYTES = 1 << 30
_SLACK = WINDOW_SLACK.total_seconds()


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
        self._fail_as_recorded(get_ask(kind, namespace, name))
        if self._covered(kind, namespace, "", ""):
            raise ReadError("NotFound", f'{kind.qualified} "{name}" not found', 404)
        raise ReadError("NotRecorded", f'{kind.qualified} "{name}" is not in the snapshot')

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> list[Json]:
        """The matching objects, when a scope that covers the question was read."""
        if not self._covered(kind, namespace, labels, fields):
            self._fail_as_recorded(list_ask(kind, namespace, labels=labels, fields=fields))
            where = f" of namespace {namespace}" if namespace else ""
            raise ReadError("NotRecorded", f"{kind.qualified}{where} were not listed for this snapshot")
        return [*self.held(kind, namespace, labels=labels, fields=fields)]

    def held(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> Sequence[Json]:
        """The matching objects that are in the file, whatever they were read for: there may have been others."""
        return [
            item
            for item in self._tape.objects.get(kind.qualified, {}).values()
            if (namespace is None or not kind.namespaced or pod_key(item)[0] == namespace)
            and matches_labels(item, labels)
            and matches_fields(item, fields)
        ]

    def pasts(self) -> Sequence[WorkloadPast]:
        """All pasts that were recorded, each of its own window."""
        return [from_json(WorkloadPast, entry["answer"]) for entry in self._tape.answers if entry["ask"] == "past"]

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

    def requested_on(self, node: str) -> int:
        """What was requested on a node."""
        return int(self._answer({"ask": "requested-on", "node": node}))

    def heap_lines(self, namespace: str, pod: str, container: str, *, previous: bool) -> tuple[HeapLine, ...]:
        """The log lines that matched."""
        told = self._answer(log_ask(namespace, pod, container, previous=previous))
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
        ask = past_ask(namespace, workload)
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
        document = decoded(_content(path))
    except OSError as error:
        raise OomError(f"error: {error.strerror or error}: {path}") from error
    except ValueError as error:  # also what is no text, and numbers too long to read
        raise OomError(
            f"error: {path} is not a snapshot: it is not JSON", "Make one: kubectl oom snapshot TARGET -f FILE"
        ) from error
    return RecordedSource(_tape_of(document, path), path)


def _content(path: str) -> bytes:
    """What the file holds, or standard input for `-`: unpacked where it was handed on with gzip."""
    if path == STDIN:
        raw = sys.stdin.buffer.read() if sys.stdin else b""
    else:
        with open(path, "rb") as file:  # noqa: PTH123 - /dev/stdin and pipes are fine too
            raw = file.read()
    return _unpacked(raw) if raw.startswith(GZIP) else raw


def _unpacked(raw: bytes) -> bytes:
    import zlib  # noqa: PLC0415 - few snapshots are compressed

    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)  # 16: with the header of gzip
    try:
        content = unpacking.decompress(raw, LARGEST_UNPACKED_BYTES)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not unpacking.eof:
        raise ValueError("cut short, or larger than any snapshot")
    return content


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
        objects = {str(kind): {object_key(item): item for item in items} for kind, items in document["objects"].items()}
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
_ANSWERS = {"kubelet-metrics": str, "kubelet-summary": dict, "pod-metrics": dict, "requested-on": int}


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
