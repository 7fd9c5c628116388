"""Kills that cAdvisor's counter tells of: of processes inside containers that live on, which no status shows."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from kubectl_oom.judge.samples import interval_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from kubectl_oom.evidence import Life, MemoryHistory, Pod

# cAdvisor counts a kill when it reads the kernel log: within its housekeeping (10 to 30 s) and a scrape.
COUNTED_WITHIN = timedelta(seconds=120)
# More than this between two scrapes are no kills but a garbled counter.
MOST_AT_ONCE = 1000
# What ran before the samples begin shows itself at the first scrape or, where that one failed, at the second.
SCRAPES_UNTIL_SEEN = 2
# Where one sample does not tell how often it was scraped: the widest steps that counters are read in are 5 minutes.
WIDEST_STEP_SECONDS = 300.0

Increase = tuple["datetime", int]  # when it was seen, and by how much


def increases(life: Life) -> list[Increase]:
    """When the kill counter of a life was seen higher, and by how much; a first value above 0 is an increase too."""
    if not life.oom_events:
        return []
    first = life.oom_events[0]
    steps = [(first.at, first.value)] if first.value > 0 else []
    steps += [(b.at, b.value - a.value) for a, b in pairwise(life.oom_events) if b.value > a.value]
    return [(at, count) for at, count in steps if count <= MOST_AT_ONCE]


def increases_seen(history: MemoryHistory, starts: Mapping[str, datetime]) -> list[tuple[Life, list[Increase]]]:
    """The increases of every life, without first values that may be older than the samples.

    `starts` says when an instance began, by its container id, where the API server still knows it.
    """
    firsts = [first for life in history.lives if (first := _first_seen(life))]
    since = max([history.since, *([min(firsts)] if firsts else [])])
    found = []
    for life in history.lives:
        steps = increases(life)
        is_first = bool(steps) and steps[0][0] == life.oom_events[0].at
        if is_first and not _began_within(life, history.since, since, starts.get(life.container_id or "")):
            del steps[0]
        found.append((life, steps))
    return found


def starts_of(pods: Iterable[Pod]) -> dict[str, datetime]:
    """When the instances began that the API server still shows, by container id."""
    found: dict[str, datetime] = {}
    for pod in pods:
        for container in pod.containers:
            known = [(container.container_id, container.running_since)]
            known += [(end.container_id, end.started_at) for end in container.terminations]
            found |= {identity: at for identity, at in known if identity and at}
    return found


def _began_within(life: Life, asked_since: datetime, seen_since: datetime, started: datetime | None) -> bool:
    """Whether the instance began after the samples did: else its first value may tell of kills long ago."""
    if started is not None:
        return started >= asked_since
    step = interval_of(life.oom_events) or interval_of(life.working_set) or WIDEST_STEP_SECONDS
    first = _first_seen(life)
    return first is not None and first - seen_since > timedelta(seconds=SCRAPES_UNTIL_SEEN * step)


def _first_seen(life: Life) -> datetime | None:
    return min((series[0].at for series in (life.working_set, life.usage, life.oom_events) if series), default=None)
