"""The lists around workloads: each kind is read once, however many workloads are asked about."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from kubectl_oom.read.answer import part, text
from kubectl_oom.read.at_once import readers
from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.source import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    HORIZONTAL_AUTOSCALERS,
    JOBS,
    LIMIT_RANGES,
    NODES,
    REPLICA_SETS,
    RESOURCE_QUOTAS,
    STATEFUL_SETS,
    VERTICAL_AUTOSCALERS,
    Json,
    Kind,
    ReadError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kubectl_oom.evidence import Gap, WorkloadPast
    from kubectl_oom.read.source import Source

AT_ONCE = 8  # requests in flight, as for the evidence itself
# Namespaces up to which each is listed by itself; beyond, one list over all of them is cheaper for everybody.
NAMESPACES_LISTED_ALONE = 5
# Workloads up to which each is read by name, and the room on single nodes is worth a list of their pods.
FEW = 20

_WORKLOADS = {kind.name: kind for kind in (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, REPLICA_SETS, JOBS, CRON_JOBS)}
_LISTED = (
    ("limit ranges", LIMIT_RANGES),
    ("resource quotas", RESOURCE_QUOTAS),
    ("autoscalers", HORIZONTAL_AUTOSCALERS),
    ("vertical autoscalers", VERTICAL_AUTOSCALERS),
)
WorkloadName = tuple[str, str, str]  # namespace, kind, name; kind and name are empty for a bare pod


@dataclass(slots=True)
class Around:
    """What was read, for all workloads; filled from several threads, each under keys of its own."""

    lists: dict[tuple[str, str], list[Json]] = field(default_factory=dict)  # kind, namespace → objects
    workloads: dict[WorkloadName, Json] = field(default_factory=dict)
    nodes: list[Json] = field(default_factory=list)
    requested: dict[str, int] = field(default_factory=dict)  # node → bytes
    gaps: dict[str, list[Gap]] = field(default_factory=dict)  # namespace → what is missing there; "": everywhere
    own_gaps: dict[WorkloadName, Gap] = field(default_factory=dict)
    node_gaps: dict[str, Gap] = field(default_factory=dict)

    def of(self, kind: Kind, namespace: str) -> list[Json]:
        """The objects of a kind in a namespace."""
        return self.lists.get((kind.plural, namespace), [])

    def gaps_of(self, past: WorkloadPast) -> tuple[Gap, ...]:
        """What is missing for one workload."""
        own = self.own_gaps.get(name_of(past))
        return (*self.gaps.get("", ()), *self.gaps.get(past.namespace, ()), *([own] if own else []))


def name_of(past: WorkloadPast) -> WorkloadName:
    """The name under which the workload's own object is kept."""
    return (past.namespace, past.workload.kind, past.workload.name) if past.workload else (past.namespace, "", "")


def read_around(source: Source, pasts: Sequence[WorkloadPast]) -> Around:
    """Everything but the single nodes, all at once."""
    around = Around()
    _at_once(_reads(source, pasts, around))
    return around


def read_requested(source: Source, nodes: Iterable[str], around: Around) -> None:
    """How much is requested on these nodes."""
    _at_once(partial(_requested, source, name, around) for name in nodes)


def _at_once(reads: Iterable[Callable[[], None]]) -> None:
    with readers(AT_ONCE, "room") as pool:
        for done in [pool.submit(read) for read in reads]:
            done.result()


def _reads(source: Source, pasts: Sequence[WorkloadPast], around: Around) -> Iterator[Callable[[], None]]:
    namespaces = sorted({past.namespace for past in pasts})
    places: list[str | None] = [*namespaces] if len(namespaces) <= NAMESPACES_LISTED_ALONE else [None]
    yield partial(_list_nodes, source, around)
    for name, kind in _LISTED:
        for place in places:
            yield partial(_list, source, name, kind, place, around)
    named = {name_of(past) for past in pasts if past.workload and past.workload.kind in _WORKLOADS}
    if len(pasts) <= FEW:
        for workload in sorted(named):
            yield partial(_get, source, workload, around)
        return
    for kind_name in sorted({workload[1] for workload in named}):
        for place in places:
            yield partial(_list_workloads, source, _WORKLOADS[kind_name], place, around)


def _list(source: Source, name: str, kind: Kind, place: str | None, around: Around) -> None:
    try:
        items = source.list(kind, place)
    except ReadError as error:
        if kind is VERTICAL_AUTOSCALERS and error.reason == "NotFound":
            return  # the cluster knows no such kind, so there are none
        around.gaps.setdefault(place or "", []).append(gap_of(name, _where(place), error))
        return
    for item in sorted(items, key=_name):  # an order of our own: a snapshot keeps another
        around.lists.setdefault((kind.plural, _namespace(item)), []).append(item)


def _where(place: str | None) -> str:
    return f"namespace {place}" if place else "all namespaces"


def _namespace(item: Json) -> str:
    return text(part(item, "metadata").get("namespace")) or ""


def _name(item: Json) -> str:
    return text(part(item, "metadata").get("name")) or ""


def _list_nodes(source: Source, around: Around) -> None:
    try:
        around.nodes += sorted(source.list(NODES, None), key=_name)
    except ReadError as error:
        around.gaps.setdefault("", []).append(gap_of("nodes", "", error))


def _get(source: Source, key: WorkloadName, around: Around) -> None:
    namespace, kind, name = key
    try:
        around.workloads[key] = source.get(_WORKLOADS[kind], namespace, name)
    except ReadError as error:
        around.own_gaps[key] = gap_of("owners", f"{kind} {name}", error)


def _list_workloads(source: Source, kind: Kind, place: str | None, around: Around) -> None:
    try:
        items = source.list(kind, place)
    except ReadError as error:
        around.gaps.setdefault(place or "", []).append(gap_of("owners", f"{kind.plural}, {_where(place)}", error))
        return
    for item in items:
        around.workloads[_namespace(item), kind.name, _name(item)] = item


def _requested(source: Source, name: str, around: Around) -> None:
    try:
        around.requested[name] = source.requested_on(name)
    except ReadError as error:
        around.node_gaps[name] = gap_of("node pods", "" if error.reason == "Forbidden" else f"node {name}", error)
