"""Rows of an engine become lives: the samples of one container instance, oldest first.

A container that restarts is a new series with a new cgroup `id`. Engines that drop `id` keep one series for all
instances; there the instance's start time tells them apart, and where that is missing too, nothing does.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from datetime import datetime, timezone
from functools import lru_cache
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Life, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubectl_oom.read.engine import Row

WORKING_SET = "container_memory_working_set_bytes"
USAGE = "container_memory_usage_bytes"
RSS = "container_memory_rss"
CACHE = "container_memory_cache"
SPEC_LIMIT = "container_spec_memory_limit_bytes"
OOM_EVENTS = "container_oom_events_total"
STATED_LIMIT = "resource_limits of kube-state-metrics"  # where cAdvisor's own was not kept
CONTAINER_FAMILIES = (WORKING_SET, USAGE, RSS, CACHE, SPEC_LIMIT, OOM_EVENTS)

# Prometheus answers with a sample that is up to 5 minutes old (query.lookback-delta), so a limit known that long
# before a short life is the limit of that life.
LOOKBACK_SECONDS = 300
# An exbibyte; cgroup v1 writes "no limit" as eight of them less a page.
NO_MEMORY_IS_AS_LARGE = float(1 << 60)
_CONTAINER_ID = re.compile(r"([0-9a-f]{64})(?:\.scope)?\Z")

Points = dict[float, float]  # seconds since 1970 → value
Container = tuple[str, str]  # pod, container


def merged(rows: Iterable[Row]) -> Points:
    """The samples of all these series as one; of two at the same instant, the larger.

    They are copies of one measurement, kept by two servers or scraped by two jobs, and one may be a stale repetition.
    """
    points: Points = {}
    for row in rows:
        if not points:  # mostly there is one
            points.update(row.samples)
            continue
        for at, value in row.samples:
            points[at] = max(value, points.get(at, value))
    return points


@lru_cache(maxsize=1 << 16)  # the six families of a container share their instants: half the time of a history
def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, tz=timezone.utc)


def samples_of(points: Mapping[float, float], *, zero_is_absent: bool = False) -> tuple[Sample, ...]:
    """The points as samples, oldest first; cAdvisor writes 0 for "no limit", which is not a limit of 0.

    What is no amount of memory (or of kills) is left out: one garbled sample would be the highest of all.
    """
    return tuple(
        Sample(at=_moment(at), value=int(value))
        for at, value in sorted(points.items())
        if is_amount(value) and (value or not zero_is_absent)
    )


def is_amount(value: float) -> bool:
    """Whether bytes can be as many as this: none, or more than none, and less than an exbibyte."""
    return 0 <= value < NO_MEMORY_IS_AS_LARGE


def lives_of(rows: Iterable[Row], starts: Iterable[Row], spec_limits: Iterable[Row]) -> tuple[Life, ...]:
    """One life per container instance, by pod, container and time.

    `starts` (container_start_time_seconds) splits series that no id tells apart; `spec_limits`
    (kube_pod_container_resource_limits) fills in where the enforced limit was not kept.
    """
    limits, starts_of = _by_container(spec_limits), _by_container(starts)
    lives = []
    for (pod, container), instances in _by_instance(rows).items():
        for instance, family_rows in instances.items():
            families = {name: merged(found) for name, found in family_rows.items()}
            cuts = [] if instance else _start_times(starts_of.get((pod, container), {}))
            limit = limits.get((pod, container), {})
            lives += [_life(pod, container, instance, part, limit) for part in _cut(families, cuts)]
    return tuple(sorted(lives, key=_order))


def has_instances(rows: Iterable[Row]) -> bool:
    """Whether the engine kept what tells one instance of a container from the next."""
    return all(_instance(row) for row in rows)


def container_id_in(label: str) -> str | None:
    """The container's id where a cgroup's path, or cAdvisor's name for it, ends with one."""
    found = _CONTAINER_ID.search(label)
    return found.group(1) if found else None


def _instance(row: Row) -> str:
    """What tells this instance from others of its container: its id, else whatever the engine kept of it."""
    cgroup, name = row.labels.get("id", ""), row.labels.get("name", "")
    return container_id_in(cgroup) or container_id_in(name) or cgroup or name


def _by_instance(rows: Iterable[Row]) -> dict[Container, dict[str, dict[str, list[Row]]]]:
    """Container → instance → family → series.

    Where one scrape job keeps ids and another drops them, the copy without is left out: it cannot say of whom it is.
    """
    found: dict[Container, dict[str, dict[str, list[Row]]]] = {}
    for row in rows:
        instances = found.setdefault((row.labels.get("pod", ""), row.labels.get("container", "")), {})
        instances.setdefault(_instance(row), {}).setdefault(row.labels.get("__name__", ""), []).append(row)
    for instances in found.values():
        if len(instances) > 1:
            instances.pop("", None)
    return found


def _by_container(rows: Iterable[Row]) -> dict[Container, Points]:
    grouped: dict[Container, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.labels.get("pod", ""), row.labels.get("container", "")].append(row)
    return {container: merged(found) for container, found in grouped.items()}


def _start_times(starts: Points) -> list[float]:
    """When the second instance started, the third, …: samples at or after one of these belong to that instance."""
    return sorted(set(starts.values()))[1:]


def _cut(families: dict[str, Points], cuts: list[float]) -> list[dict[str, Points]]:
    """The families, in as many parts as the cuts make."""
    if not cuts:
        return [families]
    parts: list[dict[str, Points]] = [defaultdict(dict) for _ in range(len(cuts) + 1)]
    for name, points in families.items():
        for at, value in points.items():
            parts[bisect_right(cuts, at)][name][at] = value
    return [part for part in parts if part]


def _life(pod: str, container: str, instance: str, families: Mapping[str, Points], limits: Points) -> Life:
    """`instance` becomes the container's id where it is one."""
    instants = [at for points in families.values() for at in points]
    limit, series = samples_of(families.get(SPEC_LIMIT, {}), zero_is_absent=True), SPEC_LIMIT
    if SPEC_LIMIT not in families:
        limit, series = samples_of(_during(limits, min(instants), max(instants))), STATED_LIMIT
    return Life(
        pod=pod,
        container=container,
        container_id=instance if _CONTAINER_ID.fullmatch(instance) else None,
        working_set=_while_alive(samples_of(families.get(WORKING_SET, {}))),
        usage=_while_alive(samples_of(families.get(USAGE, {}))),
        rss=samples_of(families.get(RSS, {})),
        cache=samples_of(families.get(CACHE, {})),
        limit=limit,
        oom_events=samples_of(families.get(OOM_EVENTS, {})),
        limit_series=series,
    )


def _while_alive(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    """The samples without zeros at their end: a cgroup that is being torn down reads as empty, a process never does."""
    last = len(samples)
    while last and samples[last - 1].value == 0:
        last -= 1
    return samples[:last]


def _during(points: Points, since: float, until: float) -> Points:
    return {at: value for at, value in points.items() if since - LOOKBACK_SECONDS <= at <= until}


def _order(life: Life) -> tuple[str, str, float]:
    series = life.working_set or life.usage or life.rss or life.cache or life.limit or life.oom_events
    return life.pod, life.container, series[0].at.timestamp() if series else 0.0
