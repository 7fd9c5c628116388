"""The course of memory and of limits over days, in as many steps as a chart has points."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.read import promql
from kubectl_oom.read.columns import Column, Columns
from kubectl_oom.read.engine import Row
from kubectl_oom.read.lives import SPEC_LIMIT, WORKING_SET, lives_of, samples_of
from kubectl_oom.read.metrics import SPEC_LIMITS
from kubectl_oom.read.window import HIGHEST, OF_MEMORY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Life, Sample
    from kubectl_oom.read.engine import Answer, Engine
    from kubectl_oom.read.window import Container

# Widths of a step, in seconds; a step shorter than a scrape repeats samples.
_STEPS = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
# By instance: the next life in the same line would make a leak that is killed look like a collector at work.
_MEMORY = Column("max by (pod, container, id) (max_over_time(SERIES))", (WORKING_SET,), promql.IN_CONTAINERS)
_LIMIT = Column(HIGHEST, SPEC_LIMITS, (*promql.IN_CONTAINERS, OF_MEMORY))
_ENFORCED_LIMIT = Column(HIGHEST, (SPEC_LIMIT,), promql.IN_CONTAINERS)


def read_course(
    engine: Engine, namespace: str, pods: Sequence[str], since: datetime, until: datetime, *, points: int
) -> tuple[Life, ...]:
    """The working set over the window: of each of at most `points` steps, the highest sample of each instance in it.

    Steps follow each other without a gap, so no spike is lost; a step without samples has no point. Each is stamped with
    its end, so the last of a life may lie behind the life's.
    """
    rows = _Course(engine, namespace, pods, since, until, points).rows(_MEMORY)
    named = [Row(labels={**row.labels, "__name__": WORKING_SET}, samples=row.samples) for row in rows]
    return lives_of(named, (), ())


def read_limit_course(
    engine: Engine, namespace: str, pods: Sequence[str], since: datetime, until: datetime, *, points: int
) -> dict[Container, tuple[Sample, ...]]:
    """The limits over the window in such steps, for containers that were resized in place."""
    course = _Course(engine, namespace, pods, since, until, points)
    return course.of(_LIMIT) or course.of(_ENFORCED_LIMIT)


def step_for(since: datetime, until: datetime, points: int) -> int:
    """Seconds of a round step that cuts the window into at most `points`."""
    wanted = (until - since).total_seconds() / points
    return next((step for step in _STEPS if step >= wanted), _STEPS[-1])


class _Course:
    """Asks for the highest sample of each step, stamped with the step's end; the last step ends with the window."""

    def __init__(
        self, engine: Engine, namespace: str, pods: Sequence[str], since: datetime, until: datetime, points: int
    ) -> None:
        seconds = step_for(since, until, points)
        step = timedelta(seconds=seconds)
        first = until - step * math.ceil((until - since) / step - 1)

        def ask(expr: str) -> Answer:
            return engine.query_range(expr, since=first, until=until, step_seconds=seconds)

        self._asking = Columns(engine, namespace, pods, seconds, ask)

    def rows(self, column: Column) -> list[Row]:
        return self._asking.rows({"course": column})["course"]

    def of(self, column: Column) -> dict[Container, tuple[Sample, ...]]:
        return {
            (row.labels.get("pod", ""), row.labels.get("container", "")): samples_of(dict(row.samples))
            for row in self.rows(column)
        }
