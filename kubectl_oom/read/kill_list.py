"""Everything about the kills of a selection: one list of its pods, and a handful of questions about those with a trace.

In this order: what a metrics engine knows of kills, the pods page by page, then events and owners of the few that are
kept. What fails but for the list of pods is a gap. A page is the largest thing that is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import CaseFile, Gap, KillLot, Owner, WorkloadPast
from kubectl_oom.read.at_once import readers
from kubectl_oom.read.deadline import begin
from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.gather import AT_ONCE
from kubectl_oom.read.kill_owners import with_workloads
from kubectl_oom.read.kill_traces import traces
from kubectl_oom.read.kill_words import nodes_by_words, stuck_sandboxes, with_words, words_about
from kubectl_oom.read.source import PODS, ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Event, Node, Pod, PodKey
    from kubectl_oom.read.kill_series import KillSeries, Remembered
    from kubectl_oom.read.kill_traces import Traces
    from kubectl_oom.read.source import ClusterSource, Json

# Pods of which an engine tells and that a selector left out or that are gone: which of the two, one request each says.
MOST_LOOKED_UP = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which pods, and between which instants."""

    namespace: str | None  # None: all
    labels: str
    since: datetime
    until: datetime
    metrics: bool = True


class KillReader:
    """The kills of a selection, ready to be judged lot after lot; `gaps` is complete when they have been gone through."""

    def __init__(self, source: ClusterSource, selection: Selection, wanted: frozenset[PodKey] = frozenset()) -> None:
        self._source = source
        self._selection = selection
        self._wanted = wanted  # pods that are kept whatever they show
        self.gaps: list[Gap] = []
        self.pods_seen = 0

    def lots(self) -> Iterator[KillLot]:
        """A few pods of one namespace at a time. ReadError where the pods cannot be listed."""
        first, series, stuck = self._begin()
        named = self._wanted | frozenset(stuck) | (series.pods if series else frozenset())
        kept = traces(first, self._selection.since, named, selected=bool(self._selection.labels))
        self.pods_seen = kept.seen
        pods = self._complete(kept, stuck)
        nodes = nodes_by_words(self._source, {pod.node for pod in pods.values() if pod.node}, self.gaps)
        if series is None:
            yield from _without_engine(pods, nodes)
            return
        gone = self._gone(series, kept)
        for remembered in series.of({*pods, *gone}):
            yield _lot(remembered, pods, nodes, gone)
        self.gaps += series.gaps

    def _begin(self) -> tuple[Iterator[Sequence[Json]], KillSeries | None, Mapping[PodKey, list[Event]]]:
        """The pages of pods, and who is named beside them: asked at once, so that a server that hangs costs one wait."""
        asked, told = self._selection, list[Gap]()
        series = begin(self._series, name="the metrics engine")
        stuck = begin(lambda: stuck_sandboxes(self._source, asked.namespace, told), name="sandboxes")
        pages = _first(self._source.pages_of(PODS, asked.namespace, labels=asked.labels))
        found = pages, series(None), stuck(None)
        self.gaps += told
        return found

    def _series(self) -> KillSeries | None:
        asked = self._selection
        if not asked.metrics:
            return None
        from kubectl_oom.read.kill_series import KillSeries  # noqa: PLC0415 - 0.1 s, only when asked

        try:
            return KillSeries(self._source.engine(), asked.since, asked.until, asked.namespace)
        except ReadError as error:
            self.gaps.append(gap_of("metrics engine", "", error))
            return None

    def _complete(self, kept: Traces, stuck: Mapping[PodKey, list[Event]]) -> dict[PodKey, Pod]:
        """The pods with their owners and events."""
        pods = with_workloads(self._source, kept.pods.values(), kept.by_hash, self.gaps)
        words = words_about(self._source, pods, self._selection.namespace, self.gaps) if pods else {}
        found = {}
        for key, pod in pods.items():
            told = list(words.get(key, ()))
            told += [event for event in stuck.get(key, ()) if event not in told]
            found[key] = with_words(pod, told)
        return found

    # --- pods that are gone ---

    def _gone(self, series: KillSeries, kept: Traces) -> dict[PodKey, Owner | None]:
        """The pods that only the engine remembers, with their workloads; of a selection, those of its workloads."""
        missing = sorted(series.pods - kept.pods.keys())
        if not self._selection.labels:
            return _tops(missing, series)
        owners = series.owners(missing)
        mine = [
            key
            for key in missing
            if any((key[0], owner.kind, owner.name) in kept.workloads for owner in owners.get(key, ()))
        ]
        if mine:
            self.gaps.append(
                Gap(
                    source="labels of pods that are gone",
                    reason="nothing keeps them: pods that belonged to the same workloads as those selected are taken",
                )
            )
        if len(mine) > MOST_LOOKED_UP:
            self.gaps.append(
                Gap(
                    source="pods that are gone",
                    reason=f"{len(mine) - MOST_LOOKED_UP} more pods of these workloads were killed than are looked up",
                    remedy="leave the selector out, or shorten --since",
                )
            )
        return _tops(self._deleted(mine[:MOST_LOOKED_UP]), series)

    def _deleted(self, keys: list[PodKey]) -> list[PodKey]:
        """Those that are gone, and not merely without the label."""

        def is_gone(key: PodKey) -> bool:
            try:
                self._source.get(PODS, *key)
            except ReadError as error:
                return error.reason == "NotFound"
            return False

        with readers(AT_ONCE, "pods") as pool:
            return [key for key, gone in zip(keys, pool.map(is_gone, keys), strict=True) if gone]


def _first(pages: Iterator[Sequence[Json]]) -> Iterator[Sequence[Json]]:
    """The same pages, of which the first has been read. ReadError where it cannot be."""
    held = [page for page in (next(pages, None),) if page is not None]

    def whole() -> Iterator[Sequence[Json]]:
        while held:
            yield held.pop()
        yield from pages

    return whole()


def _tops(keys: list[PodKey], series: KillSeries) -> dict[PodKey, Owner | None]:
    owners = series.owners(keys) if keys else {}
    return {key: owners[key][-1] if owners.get(key) else None for key in keys}


def _lot(
    remembered: Remembered,
    pods: Mapping[PodKey, Pod],
    nodes: Mapping[str, Node],
    gone: Mapping[PodKey, Owner | None],
) -> KillLot:
    past = remembered.past
    keys = [(past.namespace, name) for name in past.pods]
    case = CaseFile(pods=tuple(pods[key] for key in keys if key in pods), nodes=nodes, history=past.history)
    owners = {key[1]: owner for key in keys if (owner := gone.get(key))}
    return KillLot(
        case=case, past=past, owners=owners, counted=remembered.counted, counted_since=remembered.counted_since
    )


def _without_engine(pods: Mapping[PodKey, Pod], nodes: Mapping[str, Node]) -> Iterator[KillLot]:
    """What the API server shows, namespace after namespace."""
    for namespace in sorted({key[0] for key in pods}):
        own = tuple(pod for key, pod in sorted(pods.items()) if key[0] == namespace)
        past = WorkloadPast(
            namespace=namespace,
            workload=None,
            pods=tuple(pod.name for pod in own),
            window=None,
            history=None,
            stepped_seconds=None,
        )
        yield KillLot(case=CaseFile(pods=own, nodes=nodes), past=past)
