"""Days of memory in a few numbers: the engine does the work, and answers with one number per container.

Plain `f_over_time(x[7d])` on a selector streams one series after the other: it loads no more at a time than its
longest series, where a subquery or raw samples would load all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import ContainerWindow, MemoryWindow, Spread
from kubectl_oom.read import promql
from kubectl_oom.read.columns import Column, Columns
from kubectl_oom.read.lives import OOM_EVENTS, SPEC_LIMIT, USAGE, WORKING_SET, is_amount
from kubectl_oom.read.metrics import SPEC_LIMITS
from kubectl_oom.read.past_kills import OOM_KILLED, REASON, RESTARTS, TERMINATED, past_kills
from kubectl_oom.read.raw_samples import named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.read.engine import Engine, Row

Container = tuple[str, str]  # pod, container
Numbers = dict[Container, float]

IMAGES = ("kube_pod_container_info", "kube_pod_init_container_info")
OF_MEMORY = promql.equals("resource", "memory")
_OF_A_KILL = promql.equals("reason", OOM_KILLED)

# SERIES stands for the selector and the window. Copies kept by several servers are the same series but for labels
# that nobody can foresee, hence `max by` around everything; instances of one container differ by `id`.
_BY = "by (pod, container)"
HIGHEST = f"max {_BY} (max_over_time(SERIES))"
_LOWEST = f"min {_BY} (min_over_time(SERIES))"
_LAST = f"max {_BY} (last_over_time(SERIES))"
_QUANTILE = f"max {_BY} (quantile_over_time(%s, SERIES))"
_SPREAD = {
    "count": f"sum {_BY} (max by (pod, container, id) (count_over_time(SERIES)))",
    "mean": f"sum {_BY} (sum_over_time(SERIES)) / sum {_BY} (count_over_time(SERIES))",
    "p50": _QUANTILE % 0.5,
    "p95": _QUANTILE % 0.95,
    "p99": _QUANTILE % 0.99,
    "highest": HIGHEST,
}
# What a counter rose by between its first and last sample: increase() would add what it thinks lies outside.
_ROSE = (
    f"sum {_BY} (max by (pod, container, %s) (max_over_time(SERIES))"
    " - min by (pod, container, %s) (min_over_time(SERIES)))"
)
_WAS_TRUE = "max by (pod) (max_over_time(SERIES))"


def _texts(families: Sequence[str], labels: Sequence[str]) -> Column:
    return Column(f"max by ({', '.join(labels)}) (last_over_time(SERIES))", families)


def _of_containers(template: str, families: Sequence[str], *matchers: str) -> Column:
    return Column(template, families, (*promql.IN_CONTAINERS, *matchers))


_OF_POD, _OF_CONTAINER = ("pod",), ("pod", "container")
_COLUMNS = {
    **{f"working_set_{name}": _of_containers(template, (WORKING_SET,)) for name, template in _SPREAD.items()},
    **{f"usage_{name}": _of_containers(template, (USAGE,)) for name, template in _SPREAD.items()},
    "limit": _of_containers(_LAST, SPEC_LIMITS, OF_MEMORY),
    "lowest_limit": _of_containers(_LOWEST, SPEC_LIMITS, OF_MEMORY),
    "restarts": _of_containers(_ROSE % ("uid", "uid"), RESTARTS),
    "oom_events": _of_containers(_ROSE % ("id", "id"), (OOM_EVENTS,)),
    "node": _texts(("kube_pod_info",), (*_OF_POD, "node")),
    # `image` of the same series is what the runtime calls it, which may be another name or a digest.
    "image": _texts(IMAGES, (*_OF_CONTAINER, "image_spec")),
    # Two columns: without their names, series of the two are the same.
    "was_killed": Column(_WAS_TRUE, REASON, (_OF_A_KILL,)),
    "is_killed": Column(_WAS_TRUE, TERMINATED, (_OF_A_KILL,)),
}
# What cAdvisor tells, asked for where nobody kept kube-state-metrics' word.
_IN_ITS_PLACE = {
    "limit": _of_containers(_LAST, (SPEC_LIMIT,)),
    "lowest_limit": _of_containers(_LOWEST, (SPEC_LIMIT,)),
    "node": _texts((WORKING_SET,), (*_OF_POD, "node")),
    "image": _texts((WORKING_SET,), (*_OF_CONTAINER, "image")),
}


def read_window(engine: Engine, namespace: str, pods: Sequence[str], since: datetime, until: datetime) -> MemoryWindow:
    """Numbers, restarts and kills of these pods' containers between two instants.

    ReadError where a question fails: numbers over half of the containers would be taken for numbers over all.
    """
    asking = Columns(
        engine, namespace, pods, (until - since).total_seconds(), lambda expr: engine.query(expr, at=until)
    )
    answers = asking.rows(_COLUMNS)
    answers |= asking.rows({name: column for name, column in _IN_ITS_PLACE.items() if not _says(name, answers[name])})
    spreads = [
        _spreads(answers, name, family, asking) for name, family in (("working_set", WORKING_SET), ("usage", USAGE))
    ]
    containers = _containers(answers, *spreads)
    killed = {pod for name in ("was_killed", "is_killed") for pod in _true(answers[name])}
    kills, warnings = past_kills(engine, namespace, sorted(killed), since, until, samples=samples_of_pods(containers))
    kills_known = bool(killed) or any(one.restarts is not None for one in containers)
    if not containers:  # no pod of it was ever sampled, or none yet: that says nothing about the engine
        kills_known = kills_known or _keeps_statuses(engine, until)
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


def _keeps_statuses(engine: Engine, at: datetime) -> bool:
    """Whether the engine holds how containers ended, of any pods."""
    return bool(engine.query(f"count({promql.selector(promql.families(*RESTARTS), *engine.matchers)})", at=at).rows)


def samples_of_pods(containers: Sequence[ContainerWindow]) -> dict[str, int]:
    """How many samples of its working set each pod has, its containers together."""
    found: dict[str, int] = {}
    for row in containers:
        found[row.pod] = found.get(row.pod, 0) + (row.working_set.samples if row.working_set else 0)
    return found


def _containers(
    answers: Mapping[str, Sequence[Row]], working_set: Mapping[Container, Spread], usage: Mapping[Container, Spread]
) -> tuple[ContainerWindow, ...]:
    limit, lowest, restarts, oom_events = (
        _numbers(answers[name]) for name in ("limit", "lowest_limit", "restarts", "oom_events")
    )
    nodes = _told(answers["node"], _OF_POD, ("node",))
    images = _told(answers["image"], _OF_CONTAINER, ("image_spec", "image"))
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


def _spreads(answers: Mapping[str, Sequence[Row]], name: str, family: str, asking: Columns) -> dict[Container, Spread]:
    """How the samples of a family were spread, for each container that every column speaks of."""
    columns = {part: _numbers(answers[f"{name}_{part}"]) for part in _SPREAD}
    everywhere = set.intersection(*(set(column) for column in columns.values()))
    garbled = {key for key in everywhere if not all(is_amount(column[key]) for column in columns.values())}
    if garbled:
        asking.warn(
            f"{asking.label} holds samples of {family} that are no amount of memory, so its numbers are not "
            f"used for {named(sorted(f'{container} in {pod}' for pod, container in garbled))}"
        )
    return {
        key: Spread(
            samples=round(columns["count"][key]),
            mean_bytes=round(columns["mean"][key]),
            p50_bytes=round(columns["p50"][key]),
            p95_bytes=round(columns["p95"][key]),
            p99_bytes=round(columns["p99"][key]),
            max_sampled_bytes=round(columns["highest"][key]),
        )
        for key in everywhere - garbled
    }


def _says(name: str, rows: Sequence[Row]) -> bool:
    """Whether the column says anything: an older kube-state-metrics names containers without their `image_spec`."""
    said_by = {"node": "node", "image": "image_spec"}.get(name)
    return any(row.labels.get(said_by) for row in rows) if said_by else bool(rows)


def _numbers(rows: Sequence[Row]) -> Numbers:
    """The number of each container; containers without samples are not in it."""
    return {
        (row.labels.get("pod", ""), row.labels.get("container", "")): row.samples[0][1] for row in rows if row.samples
    }


def _told(rows: Sequence[Row], key: Sequence[str], said_by: Sequence[str]) -> dict[tuple[str, ...], str]:
    """The text in one of the labels by those of the key, where it was the same all the time."""
    found: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        if text := next((row.labels[label] for label in said_by if row.labels.get(label)), ""):
            found.setdefault(tuple(row.labels.get(label, "") for label in key), set()).add(text)
    return {of: texts.pop() for of, texts in found.items() if len(texts) == 1}


def _true(rows: Sequence[Row]) -> set[str]:
    """The pods of which it was true at any time."""
    return {row.labels.get("pod", "") for row in rows if row.samples and row.samples[0][1]}


def _limit(number: float | None) -> int | None:
    """The limit, or None: cAdvisor writes none as 0, cgroup v1 as what no machine has."""
    return round(number) if number and is_amount(number) else None


def _whole(number: float | None) -> int | None:
    """A count; None where the engine gives what no counter counts to."""
    return round(number) if number is not None and is_amount(number) else None
