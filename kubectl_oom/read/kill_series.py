"""What a metrics engine remembers of kills: of pods that are gone, of child processes, and how often.

A few questions for the whole selection say which pods are worth asking about; everything else is about these alone. Few
of them are read sample by sample, so that every scrape is looked at; many as they stood every five minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Gap, Life, MemoryHistory, MemoryWindow, WorkloadPast
from kubectl_oom.read import promql
from kubectl_oom.read.kill_facts import KillFacts
from kubectl_oom.read.lives import OOM_EVENTS
from kubectl_oom.read.metrics import SILENT, read_lives
from kubectl_oom.read.past_kills import RESTARTS, USUAL_SCRAPE_SECONDS, past_kills
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.survey_kills import KillReader
from kubectl_oom.read.survey_numbers import Surveyor
from kubectl_oom.read.survey_overview import overview_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import PodKey
    from kubectl_oom.read.engine import Engine
    from kubectl_oom.read.kill_facts import Known

# Families that are read of each pod: seven of its memory, six of its status.
SERIES_OF_A_POD = 13
# Raw samples that are read in all: 25 MB of JSON and some seconds. Twenty-seven pods, a day, every 30 s.
RAW_SAMPLES = 1_000_000
RAW_SAMPLES_AT_ONCE = 150_000  # and at a time: 33 MB once parsed
EARLIER_SECONDS = 600  # two steps of five minutes
STEPPED_AT_ONCE = 100  # pods, where they are looked at every five minutes
# How closely the first scrape is looked for: Prometheus answers with samples of the last five minutes, and in a window
# of a month an hour is near enough.
FOUND_WITHIN, FOUND_WITHIN_PART = timedelta(minutes=5), 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Some pods of one namespace, and what the engine remembers of them."""

    past: WorkloadPast
    counted: bool  # every scrape was looked at
    counted_since: datetime | None  # where the scrapes begin within the window


class KillSeries:
    """Asks an engine about the kills of a selection; ReadError where it does not say which pods they are of."""

    def __init__(self, engine: Engine, since: datetime, until: datetime, namespace: str | None) -> None:
        self._engine = engine
        self._until = until
        self._surveyor = Surveyor(engine, since, until)
        here = (promql.equals("namespace", namespace),) if namespace else ()
        overview = overview_of(self._surveyor, [namespace] if namespace else [])
        above_zero = "max by (namespace, pod) (max_over_time(SERIES)) > 0"
        counted = self._surveyor.over_window(above_zero, (OOM_EVENTS,), *here, *promql.IN_CONTAINERS)
        self._kills_known = overview.kills_known
        self._interval = overview.interval_seconds or USUAL_SCRAPE_SECONDS
        # A counter's first sample may tell of kills long ago: it is read from before the window, where it counts not.
        self._from = since - timedelta(seconds=max(EARLIER_SECONDS, 2 * self._interval))
        rows = [(row.labels.get("namespace", ""), row.labels.get("pod", "")) for row in counted.rows]
        self.pods: frozenset[PodKey] = overview.killed | frozenset(rows)
        self.gaps: dict[Gap, None] = {}
        self._facts = KillFacts(self._surveyor, self._warn)
        self.owners = self._facts.owners
        for warning in overview.warnings:
            self._warn(warning)
        self._counted_since: datetime | None = None
        if overview.kills_known:
            self._counted_since = self._first_scrape(since, here)
        else:
            self.gaps[
                Gap(
                    source="kills of the past",
                    reason=f"{engine.label} holds no kube-state-metrics series that would tell of them",
                    remedy="install kube-state-metrics and scrape it",
                )
            ] = None

    def _first_scrape(self, since: datetime, here: Sequence[str]) -> datetime | None:
        """When what tells of kills begins, where that is later than the window; ReadError where it does not say."""

        def is_known(at: datetime) -> bool:
            known = promql.selector(promql.families(*RESTARTS), *here, *self._engine.matchers)
            return bool(self._engine.query(f"count({known})", at=at).rows)

        near = max(FOUND_WITHIN, (self._until - since) / FOUND_WITHIN_PART)
        before, after = min(since + near, self._until), self._until
        if is_known(before):
            return None
        while after - before > near:
            middle = before + (after - before) / 2
            before, after = (before, middle) if is_known(middle) else (middle, after)
        self._warn(
            f"it knows how containers ended from {after:%Y-%m-%dT%H:%MZ} on: before, only the API's last two ends"
        )
        return after

    # --- what happened in some pods ---

    def of(self, pods: Iterable[PodKey]) -> Iterator[Remembered]:
        """What it remembers of these pods, a few of one namespace at a time. Never raises ReadError."""
        by_namespace: dict[str, list[str]] = {}
        for namespace, name in sorted(set(pods)):
            by_namespace.setdefault(namespace, []).append(name)
        each = SERIES_OF_A_POD * (self._until - self._from).total_seconds() / self._interval
        raw = each * sum(map(len, by_namespace.values())) <= RAW_SAMPLES
        at_once = max(1, int(RAW_SAMPLES_AT_ONCE / each)) if raw else STEPPED_AT_ONCE
        if not raw:
            self._warn(
                "many pods were killed: they were looked at every five minutes, and kills in between can be missing"
            )
        for namespace, names in by_namespace.items():
            known = self._facts.known(namespace, names)
            for first in range(0, len(names), at_once):
                yield self._remembered(namespace, names[first : first + at_once], known, raw=raw)

    def _remembered(self, namespace: str, names: list[str], known: Known, *, raw: bool) -> Remembered:
        window: MemoryWindow | None = None
        history: MemoryHistory | None = None
        try:
            read = self._raw if raw else self._stepped
            window, history = read(namespace, names, known)
        except ReadError as error:
            self._warn(f"namespace {namespace}: {error.message}")
        past = WorkloadPast(
            namespace=namespace,
            workload=None,
            pods=tuple(names),
            window=window,
            history=history,
            stepped_seconds=None,
        )
        counted = raw and window is not None and namespace in self._kills_known
        return Remembered(past=past, counted=counted, counted_since=self._counted_since)

    def _raw(self, namespace: str, names: list[str], known: Known) -> tuple[MemoryWindow, MemoryHistory | None]:
        """Every scrape of the window."""
        kills, warnings = past_kills(self._engine, namespace, names, self._from, self._until)
        history: MemoryHistory | None = None
        try:
            history = read_lives(self._engine, namespace, names, self._from, self._until)
        except ReadError as error:
            self._warn(error.message)
        told = [warning for warning in history.warnings if not warning.startswith(SILENT)] if history else []
        for warning in (*warnings, *told):
            self._warn(warning)
        containers = {(kill.pod, kill.container) for kill in kills}
        containers |= {(life.pod, life.container) for life in history.lives} if history else set()
        rows = tuple(known.row(pod, container) for pod, container in sorted(containers))
        window = MemoryWindow(
            source=self._engine.label,
            since=self._from,
            until=self._until,
            containers=rows,
            kills=kills,
            kills_known=namespace in self._kills_known,
        )
        return window, history

    def _stepped(self, namespace: str, names: list[str], known: Known) -> tuple[MemoryWindow, MemoryHistory]:
        """As it stood every five minutes; of memory nothing but the limits."""
        reader = KillReader(self._engine, self._from, self._until)
        kills = reader.kills([namespace], names).get(namespace, ())
        limits = reader.limits([namespace], names)
        counters = reader.counters([namespace], names)
        for warning in reader.warnings:
            self._warn(warning)
        lives = tuple(
            Life(pod=pod, container=container, container_id=None, working_set=(), oom_events=samples)
            for (of, pod, container), samples in sorted(counters.items())
            if of == namespace
        )
        containers = {(kill.pod, kill.container) for kill in kills} | {(life.pod, life.container) for life in lives}
        label = self._engine.label
        window = MemoryWindow(
            source=label,
            since=self._from,
            until=self._until,
            containers=tuple(known.row(pod, container) for pod, container in sorted(containers)),
            kills=tuple(limits.at_kill(namespace, kill) for kill in kills),
            kills_known=namespace in self._kills_known,
        )
        return window, MemoryHistory(source=label, since=self._from, until=self._until, lives=lives)

    def _warn(self, sentence: str) -> None:
        self.gaps[Gap(source="metrics engine", reason=sentence)] = None
