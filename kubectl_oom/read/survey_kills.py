"""OOM kills of many pods, from their statuses as they were shown every five minutes.

The raw samples of the statuses are a million for a dozen pods and a week. kube-state-metrics repeats the last
termination, with the kubelet's own time of it, until there is another: looking every five minutes finds each of them,
but for some of those in the first minutes of a crash loop.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.read import promql
from kubectl_oom.read.engine import TooMuchDataError
from kubectl_oom.read.lives import OOM_EVENTS, SPEC_LIMIT, samples_of
from kubectl_oom.read.metrics import SPEC_LIMITS
from kubectl_oom.read.past_kills import (
    EXIT_CODE,
    OOM_KILLED,
    REASON,
    RESTARTS,
    TERMINATED,
    TIMESTAMP,
    WAITING,
    kills_in,
)
from kubectl_oom.read.raw_samples import RawReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import PastKill, Sample
    from kubectl_oom.read.engine import Engine, Row

STEP_SECONDS = 300  # the kubelet waits no longer than this before it starts a container again that keeps on ending
MOST_POINTS = 10_000  # of one series; Prometheus answers no more than 11,000
# Five series of 2016 points each, for a week: a quarter of a million samples, 6 MB of JSON.
PODS_AT_ONCE = 25
_DATED = (*REASON, *TERMINATED, *TIMESTAMP, *EXIT_CODE)
_UNDATED = (*RESTARTS, *WAITING)  # what tells when it was where kube-state-metrics does not


class KillReader:
    """Asks for the kills of some pods of some namespaces between two instants."""

    def __init__(self, engine: Engine, since: datetime, until: datetime) -> None:
        self._engine = engine
        self._since = since
        self._until = until
        self.warnings: dict[str, None] = {}

    def kills(
        self, namespaces: Sequence[str], pods: Iterable[str], *, marked: Iterable[str] = ()
    ) -> dict[str, tuple[PastKill, ...]]:
        """Namespace → its kills, oldest first; those whose limit was changed in the window say which one it was.

        `marked`: those of the pods of which every scrape was looked at, and one told of a kill.
        """
        names = sorted(set(pods))
        if not names:
            return {}
        rows = self._rows(namespaces, names, _DATED)
        marks = [row for row in rows if _is_mark(row)]
        dated = {_key(row) for row in rows if row.labels.get("__name__") in TIMESTAMP}
        if undated := sorted({row.labels.get("pod", "") for row in marks if _key(row) not in dated}):
            rows += self._rows(namespaces, undated, _UNDATED)
        if passed_over := sorted(set(marked) - {row.labels.get("pod", "") for row in marks}):
            rows += self._every_scrape(namespaces, passed_over)
        by_namespace: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_namespace[row.labels.get("namespace", "")].append(row)
        return {name: kills_in(found, self._since, self._until) for name, found in by_namespace.items()}

    def limits(self, namespaces: Sequence[str], pods: Iterable[str]) -> Limits:
        """The limits of these pods' containers over the window, of the spec, or as the kernel had them."""
        names = sorted(set(pods))
        memory = promql.equals("resource", "memory")
        rows = self._rows(namespaces, names, SPEC_LIMITS, memory) if names else []
        rows = rows or (self._rows(namespaces, names, (SPEC_LIMIT,)) if names else [])
        found: dict[tuple[str, str, str], dict[float, float]] = defaultdict(dict)
        for row in rows:
            found[_key(row)].update({at: value for at, value in row.samples if value})
        return Limits(found)

    def counters(
        self, namespaces: Sequence[str], pods: Iterable[str]
    ) -> dict[tuple[str, str, str], tuple[Sample, ...]]:
        """The kills counted in the instances that run on: of processes whose container did not end with them."""
        names = sorted(set(pods))
        found: dict[tuple[str, str, str], tuple[Sample, ...]] = {}
        for row in self._rows(namespaces, names, (OOM_EVENTS,), promql.differs("container", "")) if names else ():
            runs_on = row.samples and row.samples[-1][0] >= self._until.timestamp() - STEP_SECONDS
            if runs_on and row.samples[-1][1]:
                found[_key(row)] = samples_of(dict(row.samples))
        return found

    def _every_scrape(self, namespaces: Sequence[str], pods: Sequence[str]) -> list[Row]:
        """All that was shown of pods that were gone before the next step: little, since they were not there for long."""
        reader = RawReader(self._engine, self._since, self._until)
        here = promql.one_of("namespace", namespaces)
        rows = reader.of(lambda names: promql.one_of("pod", names), pods, (*_DATED, *_UNDATED), here)
        self.warnings |= dict.fromkeys(reader.warnings)
        return rows

    def _rows(
        self, namespaces: Sequence[str], pods: Sequence[str], families: Sequence[str], *matchers: str
    ) -> list[Row]:
        rows: list[Row] = []
        groups = [
            group[n : n + PODS_AT_ONCE] for group in promql.groups(pods) for n in range(0, len(group), PODS_AT_ONCE)
        ]
        while groups:
            group = groups.pop(0)
            try:
                rows += self._ask(namespaces, group, families, *matchers)
            except TooMuchDataError:
                if len(group) == 1:
                    raise
                groups[:0] = [group[: len(group) // 2], group[len(group) // 2 :]]
        return rows

    def _ask(
        self, namespaces: Sequence[str], pods: Sequence[str], families: Sequence[str], *matchers: str
    ) -> tuple[Row, ...]:
        step = self._step_seconds()
        # The last step is the end of the window: what was killed just now is what people ask about.
        steps = math.floor((self._until - self._since) / timedelta(seconds=step))
        first = self._until - timedelta(seconds=step * steps)
        wanted = (promql.families(*families), promql.one_of("namespace", namespaces), promql.one_of("pod", pods))
        expr = promql.selector(*wanted, *matchers, *self._engine.matchers)
        answer = self._engine.query_range(expr, since=first, until=self._until, step_seconds=step)
        for warning in answer.warnings:
            self.warnings[f"{self._engine.label} warns: {warning}"] = None
        return answer.rows

    def _step_seconds(self) -> int:
        longest = (self._until - self._since).total_seconds() / MOST_POINTS
        return max(STEP_SECONDS, math.ceil(longest / STEP_SECONDS) * STEP_SECONDS)


def _is_mark(row: Row) -> bool:
    """Whether the series tells of an OOM kill."""
    family, reason = row.labels.get("__name__"), row.labels.get("reason")
    return reason == OOM_KILLED and family in (*REASON, *TERMINATED) and any(value for _, value in row.samples)


def _key(row: Row) -> tuple[str, str, str]:
    return row.labels.get("namespace", ""), row.labels.get("pod", ""), row.labels.get("container", "")


class Limits:
    """The limits of containers over a window."""

    def __init__(self, by_container: Mapping[tuple[str, str, str], Mapping[float, float]] | None = None) -> None:
        self._by_container = by_container or {}

    def last(self, namespace: str, pod: str, container: str) -> int | None:
        """The last one known."""
        points = self._by_container.get((namespace, pod, container))
        return round(points[max(points)]) if points else None

    def lowest(self, namespace: str, pod: str, container: str) -> int | None:
        """The lowest one."""
        points = self._by_container.get((namespace, pod, container))
        return round(min(points.values())) if points else None

    def at_kill(self, namespace: str, kill: PastKill) -> PastKill:
        """The kill with the limit that was in force: the last one shown before it."""
        points = self._by_container.get((namespace, kill.pod, kill.container), {})
        before = [at for at in points if at <= kill.at.timestamp()]
        return replace(kill, limit_bytes=round(points[max(before)])) if before else kill
