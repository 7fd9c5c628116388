"""How near the containers of a selection are to their limits, in a few questions that the engine narrows down itself.

However large the cluster is, only what is near its limit comes back, or expected there within hours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Climb, Gauge
from kubectl_oom.read import promql
from kubectl_oom.read.lives import RSS, SPEC_LIMIT, WORKING_SET, container_id_in, is_amount, samples_of
from kubectl_oom.read.metrics import SPEC_LIMITS
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Sample
    from kubectl_oom.read.engine import Answer, Engine
    from kubectl_oom.read.live import LiveSource

# Below the lowest mark less what has to be fallen by: what does not come back is far from its limit.
FROM_SHARE = 0.8
# The engine's own straight line, for choosing: who climbs like this for an hour is looked at more closely.
CHOSEN_BY_SECONDS, CHOSEN_WITHIN_SECONDS = 3600, 4 * 3600
# The closer look: a value a minute over hours, as many as a trend is made from.
LOOK = timedelta(hours=3)
LOOK_STEP_SECONDS = 60
# Climbs that are looked at more closely in one round, those nearest to their limits first; more at once is a cluster
# that starts up.
LOOKED_AT = 100
_BY = "by (namespace, pod, container, id)"
_LIMIT = "on (namespace, pod, container) group_left ()"

_Instance = tuple[str, str, str, str]  # namespace, pod, container, id


@dataclass(frozen=True, slots=True)
class Gauges:
    """One round: who is near, and who is on the way."""

    near: tuple[Gauge, ...]
    climbing: tuple[Climb, ...]


@dataclass(frozen=True, slots=True)
class NoRound:
    """One round without an answer; the next may have one."""

    error: ReadError


@dataclass(frozen=True, slots=True)
class NoRounds:
    """There is no engine to be asked."""

    error: ReadError


Round = Gauges | NoRound | NoRounds
_NOT_THERE = ("NotConfigured", "Disabled", "Invalid")


class Rounds:
    """Asks the metrics engine of a source again and again, whatever becomes of it."""

    def __init__(self, source: LiveSource, namespace: str | None) -> None:
        self._source = source
        self._namespace = namespace
        self._gauger: Gauger | None = None

    def next(self, now: datetime) -> Round:
        """The answers of one round."""
        try:
            if self._gauger is None:
                gauger = Gauger(self._source.engine(), self._namespace)
                gauger.check(now)
                self._gauger = gauger
            return self._gauger.read(now)
        except ReadError as error:
            self._gauger = None
            if error.reason in _NOT_THERE:
                return NoRounds(error)
            self._source.forget_engine()  # its address, or its credentials, may be others by now
            return NoRound(error)


class Gauger:
    """Asks an engine about the containers of a namespace (None: of all)."""

    def __init__(self, engine: Engine, namespace: str | None) -> None:
        self._engine = engine
        self._here = (*([promql.equals("namespace", namespace)] if namespace else []), *engine.matchers)
        limits = self._series(SPEC_LIMITS, promql.equals("resource", "memory"))
        enforced = self._series((SPEC_LIMIT,), *promql.IN_CONTAINERS)
        by = "max by (namespace, pod, container)"
        self._limit = f"({by} ({limits}) or {by} ({enforced} > 0))"
        self._memory = self._series((WORKING_SET,), *promql.IN_CONTAINERS)

    def check(self, now: datetime) -> None:
        """ReadError "NoSeries" where the engine holds nothing that warnings could be made from."""
        where = f"{self._engine.label} holds no "
        if not self._engine.query(f"count({self._memory})", at=now).rows:
            raise ReadError("NoSeries", f"{where}{WORKING_SET} of these containers")
        if not self._engine.query(f"count({self._limit})", at=now).rows:
            raise ReadError("NoSeries", f"{where}{SPEC_LIMITS[0]} or {SPEC_LIMIT}, which tell how near a limit is")

    def read(self, now: datetime) -> Gauges:
        """One round; ReadError where a question gets no answer."""
        memory = f"max {_BY} ({self._memory})"
        near = self._engine.query(f"{memory} >= {_LIMIT} ({FROM_SHARE} * {self._limit})", at=now)
        return Gauges(near=tuple(_gauges(near).values()), climbing=tuple(self._climbing(now)))

    def _climbing(self, now: datetime) -> list[Climb]:
        """The last hours of those whom a straight line through the last one takes to their limit."""
        line = f"predict_linear({self._memory}{promql.over(CHOSEN_BY_SECONDS)}, {CHOSEN_WITHIN_SECONDS})"
        share = f"max {_BY} ({line}) / {_LIMIT} {self._limit}"
        chosen = self._engine.query(f"topk({LOOKED_AT}, {share} >= 1)", at=now)
        keys = {_key(row.labels) for row in chosen.rows if row.samples}
        found: list[Climb] = []
        for pods in promql.groups(sorted({pod for _, pod, _, _ in keys})):
            memory, rss = (self._course(family, pods, now) for family in (WORKING_SET, RSS))
            found += [_climb(key, samples, rss.get(key, ())) for key, samples in memory.items() if key in keys]
        return found

    def _course(self, family: str, pods: Sequence[str], now: datetime) -> dict[_Instance, tuple[Sample, ...]]:
        here = (promql.one_of("pod", pods), *promql.IN_CONTAINERS)
        answer = self._engine.query_range(
            f"max {_BY} ({self._series((family,), *here)})",
            since=now - LOOK,
            until=now,
            step_seconds=LOOK_STEP_SECONDS,
        )
        courses = {_key(row.labels): samples_of(dict(row.samples)) for row in answer.rows}
        return {key: samples for key, samples in courses.items() if samples}

    def _series(self, families: Iterable[str], *here: str) -> str:
        return promql.selector(promql.families(*families), *here, *self._here)


def _climb(key: _Instance, samples: tuple[Sample, ...], rss: tuple[Sample, ...]) -> Climb:
    return Climb(now=_gauge(key, samples[-1].value), working_set=samples, rss=rss)


def _gauges(answer: Answer) -> Mapping[_Instance, Gauge]:
    values = {_key(row.labels): row.samples[-1][1] for row in answer.rows if row.samples}
    return {key: _gauge(key, int(value)) for key, value in values.items() if is_amount(value)}


def _gauge(key: _Instance, working_set: int) -> Gauge:
    namespace, pod, container, cgroup = key
    return Gauge(
        namespace=namespace,
        pod=pod,
        container=container,
        container_id=container_id_in(cgroup),
        working_set_bytes=working_set,
    )


def _key(labels: Mapping[str, str]) -> _Instance:
    namespace, pod, container, cgroup = (labels.get(name, "") for name in ("namespace", "pod", "container", "id"))
    return namespace, pod, container, cgroup
