"""The kills that a snapshot holds: of the pods it was taken for, and of the pasts that were recorded with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import CaseFile, Gap, KillLot
from kubectl_oom.read.kill_list import KillReader, Selection
from kubectl_oom.read.replay import WINDOW_SLACK
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubectl_oom.evidence import Owner, WorkloadPast
    from kubectl_oom.read.engine import Engine
    from kubectl_oom.read.replay import RecordedSource
    from kubectl_oom.read.source import Json, Kind


class HeldPages:
    """A snapshot as a cluster that can be listed: everything in it is one page."""

    def __init__(self, recorded: RecordedSource) -> None:
        self._recorded = recorded
        self.get = recorded.get
        self.kubelet_metrics, self.kubelet_summary = recorded.kubelet_metrics, recorded.kubelet_summary
        self.pod_metrics, self.requested_on = recorded.pod_metrics, recorded.requested_on
        self.heap_lines, self.history, self.past = recorded.heap_lines, recorded.history, recorded.past
        self.namespace, self.label = recorded.namespace, recorded.label

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> list[Json]:
        """All that was recorded, whatever for."""
        return [*self._recorded.held(kind, namespace, labels=labels, fields=fields)]

    def pages_of(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Iterator[Sequence[Json]]:
        """As one page."""
        yield self._recorded.held(kind, namespace, labels=labels, fields=fields)

    def engine(self) -> Engine:
        """None: what it answered is recorded by workload."""
        raise ReadError("NotRecorded", "the metrics engine is asked by workload for a snapshot")


class RecordedKills:
    """As `KillReader`, for a snapshot."""

    def __init__(self, recorded: RecordedSource, selection: Selection) -> None:
        self._recorded = recorded
        self._selection = selection
        self.gaps: list[Gap] = [
            Gap(
                source="other pods",
                reason="a snapshot holds those it was taken for, and no others",
                remedy="ask the cluster, or take a snapshot of all: kubectl oom snapshot -A -f FILE",
            )
        ]

    def lots(self) -> Iterator[KillLot]:
        """The pods by namespace, with the pasts that were recorded there."""
        pasts = self._pasts()
        wanted = frozenset((past.namespace, name) for past in pasts for name in past.pods)
        reader = KillReader(HeldPages(self._recorded), replace(self._selection, metrics=False), wanted)
        lots = {lot.past.namespace: lot for lot in reader.lots()}
        self.gaps += reader.gaps
        for namespace in sorted({*lots, *(past.namespace for past in pasts)}):
            here = [past for past in pasts if past.namespace == namespace]
            lot = lots.get(namespace)
            if not here and lot:
                yield lot
            elif here:
                past = _joined(here)
                case = replace(lot.case if lot else CaseFile(pods=()), history=past.history)
                known = all(one.window and one.window.kills_known for one in here)
                yield KillLot(case=case, past=past, owners=_owners(here), counted=known)

    def _pasts(self) -> list[WorkloadPast]:
        if not self._selection.metrics or self._selection.labels:
            return []
        here = self._selection.namespace
        found = [past for past in self._recorded.pasts() if here in (None, past.namespace)]
        late = max((past.window.since for past in found if past.window), default=self._selection.since)
        if late - self._selection.since > WINDOW_SLACK:
            short = f"the snapshot holds what the metrics engine knew from {late:%Y-%m-%dT%H:%M:%SZ} on"
            self.gaps.append(Gap(source="metrics engine", reason=short))
        return found


def _joined(pasts: Sequence[WorkloadPast]) -> WorkloadPast:
    """The pasts of one namespace as one."""
    windows = [past.window for past in pasts if past.window]
    histories = [past.history for past in pasts if past.history]
    rows = tuple(row for one in windows for row in one.containers)
    kills = tuple(kill for one in windows for kill in one.kills)
    window = replace(windows[0], containers=rows, kills=kills) if windows else None
    lives = tuple(life for one in histories for life in one.lives)
    history = replace(histories[0], lives=lives) if histories else None
    pods = tuple(name for past in pasts for name in past.pods)
    return replace(pasts[0], workload=None, pods=pods, window=window, history=history)


def _owners(pasts: Sequence[WorkloadPast]) -> dict[str, Owner]:
    return {name: past.workload for past in pasts if past.workload for name in past.pods}
