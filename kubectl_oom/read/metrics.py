"""The questions about memory that a metrics engine is asked, and the history that its answers make.

Raw samples are asked for (`x[86400s]` at one instant), never a range with a step: the scrape's own times survive,
nothing is filled in between them, and a spike between two steps is not lost.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from kubectl_oom.evidence import MemoryHistory
from kubectl_oom.read import promql
from kubectl_oom.read.engine import joined
from kubectl_oom.read.lives import (
    CONTAINER_FAMILIES,
    SPEC_LIMIT,
    USAGE,
    WORKING_SET,
    has_instances,
    lives_of,
    merged,
    samples_of,
)
from kubectl_oom.read.node_samples import NodeMemory, read_nodes
from kubectl_oom.read.raw_samples import RawReader, named
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Life, Sample
    from kubectl_oom.read.engine import Engine, Row

STARTS = "container_start_time_seconds"
SILENT = "no memory samples"  # how a warning about pods without any begins
SPEC_LIMITS = ("kube_pod_container_resource_limits", "kube_pod_init_container_resource_limits")
NEEDED_FAMILIES = (
    *CONTAINER_FAMILIES,
    "kube_pod_container_resource_limits",
    "kube_pod_container_status_restarts_total",
    "kube_pod_container_status_last_terminated_reason",
    "kube_pod_container_status_last_terminated_timestamp",
    "kube_pod_owner",
    "kube_replicaset_owner",
)
# What shared stores name a cluster by; the same pod name in two clusters is two pods.
_CLUSTER_LABELS = ("cluster", "cluster_name", "cluster_id", "k8s_cluster", "k8s_cluster_name")


def missing_families(engine: Engine) -> tuple[str, ...]:
    """The series this tool reads that the engine does not hold now, in the order of `NEEDED_FAMILIES`."""
    expr = f"count by (__name__) ({promql.selector(promql.families(*NEEDED_FAMILIES), *engine.matchers)})"
    there = {row.labels.get("__name__") for row in engine.query(expr).rows}
    return tuple(name for name in NEEDED_FAMILIES if name not in there)


def clock_difference(engine: Engine, now: datetime) -> float:
    """Seconds by which the engine's clock is ahead of `now`; negative where it is behind."""
    answer = engine.query("time()")
    if not answer.rows or not answer.rows[0].samples:
        raise ReadError("BadAnswer", f"{engine.label} does not say what time it has")
    return answer.rows[0].samples[0][1] - now.timestamp()


def read_history(
    engine: Engine, namespace: str, pods: Sequence[str], nodes: Sequence[str], since: datetime, until: datetime
) -> MemoryHistory:
    """All raw samples of these pods' containers between two instants, and of their nodes.

    `warnings` says what is missing. ReadError where nothing could be read, or where the engine holds no container
    memory of anything: an engine that knows no containers says nothing about these.
    """
    reader = RawReader(engine, since, until)
    names = sorted(set(pods))
    lives = _lives(reader, engine, namespace, names, until)
    # The pod's own cgroup: the sandbox's has a name, and a container's has a container.
    own = [promql.equals(label, "") for label in ("container", "image", "name")]
    pod_rows = reader.of_pods(namespace, names, (USAGE,), *own)
    node = read_nodes(reader, sorted(set(nodes))) if nodes else NodeMemory()
    return MemoryHistory(
        source=engine.label,
        since=since,
        until=until,
        lives=lives,
        node_usage=node.working_set,
        pods_working_set=node.pods_working_set,
        pods_limit=node.pods_limit,
        pod_usage=_by_pod(pod_rows),
        warnings=reader.warnings,
    )


def read_lives(
    engine: Engine,
    namespace: str,
    pods: Sequence[str],
    since: datetime,
    until: datetime,
    *,
    samples: Mapping[str, int] | None = None,
) -> MemoryHistory:
    """As `read_history`, of the containers alone. `samples`: how many each pod has, where that is known."""
    reader = RawReader(engine, since, until, samples=samples)
    lives = _lives(reader, engine, namespace, sorted(set(pods)), until)
    return MemoryHistory(source=engine.label, since=since, until=until, lives=lives, warnings=reader.warnings)


def _container_rows(reader: RawReader, namespace: str, names: Sequence[str]) -> list[Row]:
    """All families of the pods' containers; warns of pods without any, and of clusters mixed up."""
    rows = reader.of_pods(namespace, names, CONTAINER_FAMILIES, *promql.IN_CONTAINERS)
    seen = {row.labels.get("pod") for row in rows}
    silent = [name for name in names if name not in seen]
    if silent:
        reader.warn(f"{SILENT} of {len(silent)} of {len(names)} pods in this window: {named(silent)}")
    for label in _CLUSTER_LABELS:
        clusters = sorted({row.labels[label] for row in rows if label in row.labels})
        if len(clusters) > 1:
            reader.warn(
                f"the samples are of several clusters ({label}: {named(clusters)}), which may have pods of the same"
                f" name; ask for one with --prometheus-label {label}=…"
            )
    return rows


def _must_know_containers(engine: Engine, at: datetime) -> None:
    family = promql.equals("__name__", WORKING_SET)
    if engine.query(f"count({promql.selector(family, *engine.matchers)})", at=at).rows:
        return
    where = f" with {joined(engine.matchers)}" if engine.matchers else ""
    raise ReadError(
        "NoSeries", f"{engine.label} holds no {WORKING_SET}{where}: it does not scrape the kubelets' cAdvisor"
    )


def _lives(
    reader: RawReader, engine: Engine, namespace: str, names: Sequence[str], until: datetime
) -> tuple[Life, ...]:
    """The containers' lives. What the rows themselves do not tell is asked for only then."""
    rows = _container_rows(reader, namespace, names)
    if names and not rows:
        _must_know_containers(engine, until)
    starts: list[Row] = []
    limits: list[Row] = []
    if not has_instances(rows):
        starts = reader.of_pods(namespace, names, (STARTS,))
    if rows and not any(row.labels.get("__name__") == SPEC_LIMIT for row in rows):
        # Stacks that keep kube-state-metrics often drop cAdvisor's own limit.
        limits = reader.of_pods(namespace, names, SPEC_LIMITS, promql.equals("resource", "memory"))
    return lives_of(rows, starts, limits)


def _by_pod(rows: Sequence[Row]) -> dict[str, tuple[Sample, ...]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.labels.get("pod", "")].append(row)
    return {name: samples_of(merged(found)) for name, found in sorted(grouped.items())}
