"""Days of memory in a few numbers: the engine does the work, and answers with one number per container.

Plain `f_over_time(x[7d])` on a selector streams one series after the other: it loads no more at a time than its
longest series, where a subquery or raw samples would load all of them.
"""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ContainerWindow, MemoryWindow, Spread
from kubectl_oom.read import promql
from kubectl_oom.read.engine import TooMuchDataError
from kubectl_oom.read.lives import OOM_EVENTS, SPEC_LIMIT, USAGE, WORKING_SET, is_amount, samples_of
from kubectl_oom.read.metrics import SPEC_LIMITS
from kubectl_oom.read.past_kills import OOM_KILLED, REASON, RESTARTS, TERMINATED, past_kills
from kubectl_oom.read.raw_samples import named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Sample
    from kubectl_oom.read.engine import Answer, Engine, Row

Container = tuple[str, str]  # pod, container
Numbers = dict[Container, float]

IMAGES = ("kube_pod_container_info", "kube_pod_init_container_info")

# SERIES stands for the selector and the window. Copies kept by several servers are the same series but for labels
# that nobody can foresee, hence `max by` around everything; instances of one container differ by `id`.
_BY = "by (pod, container)"
_COUNT = f"sum {_BY} (max by (pod, container, id) (count_over_time(SERIES)))"
_MEAN = f"sum {_BY} (sum_over_time(SERIES)) / sum {_BY} (count_over_time(SERIES))"
_QUANTILE = f"max {_BY} (quantile_over_time(%s, SERIES))"
_MAX = f"max {_BY} (max_over_time(SERIES))"
_MIN = f"min {_BY} (min_over_time(SERIES))"
_LAST = f"max {_BY} (last_over_time(SERIES))"
# What a counter rose by between its first and last sample: increase() would add what it thinks lies outside.
_ROSE = (
    f"sum {_BY} (max by (pod, container, %s) (max_over_time(SERIES))"
    " - min by (pod, container, %s) (min_over_time(SERIES)))"
)

_IN_CONTAINERS = (promql.differs("container", ""), promql.differs("container", "POD"))

# Widths of a chart's step, in seconds; a step shorter than a scrape repeats samples.
_STEPS = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)


def read_window(engine: Engine, namespace: str, pods: Sequence[str], since: datetime, until: datetime) -> MemoryWindow:
    """Numbers, restarts and kills of these pods' containers between two instants.

    ReadError where a question fails: numbers over half of the containers would be taken for numbers over all.
    """
    asking = _Questions(engine, namespace, sorted(set(pods)), since, until)
    spreads = (asking.spreads(WORKING_SET), asking.spreads(USAGE))
    containers = _containers(asking, *spreads)
    killed = asking.killed()
    kills, warnings = past_kills(engine, namespace, sorted(killed), since, until)
    kills_known = bool(killed) or any(one.restarts is not None for one in containers)
    if not kills_known:
        asking.warn(f"{engine.label} does not hold how these containers ended (kube-state-metrics)")
    return MemoryWindow(
        source=engine.label,
        since=since,
        until=until,
        containers=containers,
        kills=kills,
        kills_known=kills_known,
        warnings=(*asking.warnings, *warnings),
    )


def read_course(
    engine: Engine, namespace: str, pods: Sequence[str], since: datetime, until: datetime, *, points: int
) -> dict[Container, tuple[Sample, ...]]:
    """The working set over the window for a chart: of each of at most `points` steps, the highest sample in it.

    Steps follow each other without a gap, so no spike is lost; a step without samples has no point.
    """
    asking = _Questions(engine, namespace, sorted(set(pods)), since, until)
    return asking.course((WORKING_SET,), step_for(since, until, points))


def read_limit_course(
    engine: Engine, namespace: str, pods: Sequence[str], since: datetime, until: datetime, *, points: int
) -> dict[Container, tuple[Sample, ...]]:
    """The limits over the window in such steps, for containers that were resized in place."""
    asking = _Questions(engine, namespace, sorted(set(pods)), since, until)
    step = step_for(since, until, points)
    found = asking.course(SPEC_LIMITS, step, promql.equals("resource", "memory"))
    return found or asking.course((SPEC_LIMIT,), step)


def step_for(since: datetime, until: datetime, points: int) -> int:
    """Seconds of a round step that cuts the window into at most `points`."""
    wanted = (until - since).total_seconds() / points
    return next((step for step in _STEPS if step >= wanted), _STEPS[-1])


def _containers(
    asking: _Questions, working_set: dict[Container, Spread], usage: dict[Container, Spread]
) -> tuple[ContainerWindow, ...]:
    limit, lowest = _limits(asking)
    restarts = asking.numbers(_ROSE % ("uid", "uid"), RESTARTS)
    oom_events = asking.numbers(_ROSE % ("id", "id"), (OOM_EVENTS,))
    nodes = asking.texts(("kube_pod_info",), ("pod", "node")) or asking.texts((WORKING_SET,), ("pod", "node"))
    # `image` of the same series is what the runtime calls it, which may be another name or a digest.
    images = asking.texts(IMAGES, ("pod", "container", "image_spec"))
    images = images or asking.texts((WORKING_SET,), ("pod", "container", "image"))
    everything = working_set.keys() | usage.keys() | limit.keys() | restarts.keys()
    return tuple(
        ContainerWindow(
            pod=key[0],
            container=key[1],
            working_set=working_set.get(key),
            usage=usage.get(key),
            limit_bytes=_limit(limit.get(key)),
            lowest_limit_bytes=_limit(lowest.get(key)),
            restarts=_whole(restarts.get(key)),
            oom_events=_whole(oom_events.get(key)),
            node=nodes.get((key[0],)),
            image=images.get(key),
        )
        for key in sorted(everything)
    )


def _limits(asking: _Questions) -> tuple[Numbers, Numbers]:
    """The last limit of each container and the lowest: the spec's, or cAdvisor's where that was not kept."""
    memory = promql.equals("resource", "memory")
    last = asking.numbers(_LAST, SPEC_LIMITS, memory)
    if last:
        return last, asking.numbers(_MIN, SPEC_LIMITS, memory)
    return asking.numbers(_LAST, (SPEC_LIMIT,)), asking.numbers(_MIN, (SPEC_LIMIT,))


def _spread(samples: int, mean: int, p50: int, p95: int, p99: int, highest: int) -> Spread:
    return Spread(
        samples=samples, mean_bytes=mean, p50_bytes=p50, p95_bytes=p95, p99_bytes=p99, max_sampled_bytes=highest
    )


def _limit(number: float | None) -> int | None:
    """The limit, or None: cAdvisor writes none as 0, cgroup v1 as what no machine has."""
    return round(number) if number and is_amount(number) else None


def _whole(number: float | None) -> int | None:
    """A count; None where the engine gives what no counter counts to."""
    return round(number) if number is not None and is_amount(number) else None


class _Questions:
    """Questions about the containers of some pods over one window."""

    def __init__(self, engine: Engine, namespace: str, pods: Sequence[str], since: datetime, until: datetime) -> None:
        self._engine = engine
        self._here = promql.equals("namespace", namespace)
        self._pods = pods
        self._since = since
        self._until = until
        self.warnings: dict[str, None] = {}  # an ordered set

    def warn(self, sentence: str) -> None:
        """Add a sentence to the warnings, once."""
        self.warnings[sentence] = None

    def numbers(self, template: str, families: Sequence[str], *matchers: str) -> Numbers:
        """The template's number for each container; containers without samples are not in it."""
        rows = self._rows(template, families, *_IN_CONTAINERS, *matchers)
        return {
            (row.labels.get("pod", ""), row.labels.get("container", "")): row.samples[0][1]
            for row in rows
            if row.samples
        }

    def spreads(self, family: str) -> dict[Container, Spread]:
        """How the samples of a family were spread, for each container."""
        templates = (_COUNT, _MEAN, _QUANTILE % 0.5, _QUANTILE % 0.95, _QUANTILE % 0.99, _MAX)
        columns = [self.numbers(template, (family,)) for template in templates]
        everywhere = set.intersection(*(set(column) for column in columns))
        garbled = {key for key in everywhere if not all(is_amount(column[key]) for column in columns)}
        if garbled:
            self.warn(
                f"{self._engine.label} holds samples of {family} that are no amount of memory, so its numbers are not "
                f"used for {named(sorted(f'{container} in {pod}' for pod, container in garbled))}"
            )
        return {key: _spread(*(round(column[key]) for column in columns)) for key in everywhere - garbled}

    def texts(self, families: Sequence[str], labels: tuple[str, ...]) -> dict[tuple[str, ...], str]:
        """The last of the labels by the others, where it was the same all the time."""
        found: dict[tuple[str, ...], set[str]] = {}
        for row in self._rows(f"max by ({', '.join(labels)}) (last_over_time(SERIES))", families):
            *key, text = (row.labels.get(label, "") for label in labels)
            if text:
                found.setdefault(tuple(key), set()).add(text)
        return {key: texts.pop() for key, texts in found.items() if len(texts) == 1}

    def killed(self) -> set[str]:
        """The pods of which a container's state or last state was "OOMKilled" at any time of the window."""
        reason = promql.equals("reason", OOM_KILLED)
        found: set[str] = set()
        for families in (REASON, TERMINATED):  # not together: without their names, series of the two are the same
            rows = self._rows("max by (pod) (max_over_time(SERIES))", families, reason)
            found |= {row.labels.get("pod", "") for row in rows if row.samples and row.samples[0][1]}
        return found

    def course(self, families: Sequence[str], step_seconds: int, *matchers: str) -> dict[Container, tuple[Sample, ...]]:
        """The highest sample of each step, stamped with the step's end; the last step ends with the window."""
        step = timedelta(seconds=step_seconds)
        first = self._until - step * math.ceil((self._until - self._since) / step - 1)

        def ask(expr: str) -> Answer:
            return self._engine.query_range(expr, since=first, until=self._until, step_seconds=step_seconds)

        wanted = (*_IN_CONTAINERS, *matchers)
        rows = self._rows(_MAX, families, *wanted, window=promql.over(step_seconds), ask=ask)
        return {
            (row.labels.get("pod", ""), row.labels.get("container", "")): samples_of(dict(row.samples)) for row in rows
        }

    def _rows(
        self,
        template: str,
        families: Sequence[str],
        *matchers: str,
        window: str | None = None,
        ask: Callable[[str], Answer] | None = None,
    ) -> list[Row]:
        """The rows of all pods, in as few questions as their names fit into."""
        window = window or promql.over((self._until - self._since).total_seconds())
        ask = ask or (lambda expr: self._engine.query(expr, at=self._until))
        rows: list[Row] = []
        groups = list(promql.groups(self._pods))
        while groups:
            group = groups.pop(0)
            wanted = (promql.families(*families), self._here, promql.one_of("pod", group), *matchers)
            series = promql.selector(*wanted, *self._engine.matchers) + window
            try:
                answer = ask(template.replace("SERIES", series))
            except TooMuchDataError:
                if len(group) == 1:
                    raise
                groups[:0] = [group[: len(group) // 2], group[len(group) // 2 :]]
                continue
            for warning in answer.warnings:
                self.warn(f"{self._engine.label} warns: {warning}")
            rows += answer.rows
        return rows
