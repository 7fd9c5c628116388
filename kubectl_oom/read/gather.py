"""One question's evidence, read as far as it may be read: independent reads run at the same time, failures are gaps.

Only the targets themselves must be readable; everything else is optional.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import (
    CaseFile,
    Event,
    Gap,
    Pod,
    PodKey,
    WorkloadKey,
)
from kubectl_oom.read.answer import part, text
from kubectl_oom.read.at_once import readers
from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.objects import pod_of
from kubectl_oom.read.reading import Reading
from kubectl_oom.read.relations import first_of_each_owner, read_neighbours, read_owners, replicas, suspected_nodes
from kubectl_oom.read.single_reads import (
    ended_by_themselves,
    read_events,
    read_heap_lines,
    read_kubelet,
    read_limit_ranges,
    read_node,
    read_run_up,
)
from kubectl_oom.read.targets import Climb, Found, FoundPod, Scope, find

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future, ThreadPoolExecutor
    from datetime import datetime

    from kubectl_oom.read.source import Source

AT_ONCE = 8  # requests in flight: what the pool holds, and far below the API server's fair share per user
SMALL_SELECTION = 20  # pods up to which a selection is read as if each had been named
NODES_BY_KUBELET = 20  # kubelets asked for one answer; the rest is a gap, not a storm


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """Which optional sources to read."""

    logs: bool = True
    kubelet: bool = True
    metrics: bool = True


def gather(source: Source, scope: Scope, *, now: datetime, wants: Wants) -> CaseFile:
    """Everything that may be read about the pods of `scope`. ReadError only when the targets cannot be read."""
    found = find(source, scope)
    pods = _bare_pods(found)
    deep = _worth_reading(pods, scope)
    refused = [gap_of("owners", "ReplicaSets", error) for error in found.refused]
    reading = Reading(gaps=[*refused, *_left_out(pods, deep)])
    full = _read_in_full(source, deep, reading, now=now, wants=wants, tops=_tops(found))
    read = {(pod.namespace, pod.name) for pod in deep}
    rest = [pod for pod in pods if (pod.namespace, pod.name) not in read]
    case = _case_of(full + rest, reading)
    return replace(case, replicas=reading.replicas | replicas(found.workloads), targets=found.targets)


def gather_about(source: Source, pods: Sequence[Pod], *, now: datetime, wants: Wants) -> CaseFile:
    """Everything that may be read about pods that are known already, and that may be gone. Never raises ReadError."""
    reading = Reading()
    return _case_of(_read_in_full(source, pods, reading, now=now, wants=wants), reading)


def _tops(found: Found) -> frozenset[WorkloadKey]:
    """The workloads that were read already, and that are the last owners of their pods unless these have more."""
    metas = [(part(item, "metadata"), text(item.get("kind")) or "") for item in found.workloads]
    return frozenset((text(meta.get("namespace")) or "", kind, text(meta.get("name")) or "") for meta, kind in metas)


def _read_in_full(
    source: Source,
    pods: Sequence[Pod],
    reading: Reading,
    *,
    now: datetime,
    wants: Wants,
    tops: frozenset[WorkloadKey] = frozenset(),
) -> list[Pod]:
    """The pods with their events and owners; what else there is about them goes into the reading.

    Above the `tops` nothing is looked for.
    """
    firsts = [p for p in first_of_each_owner(pods) if (p.namespace, p.owners[-1].kind, p.owners[-1].name) not in tops]
    with readers(AT_ONCE, "read") as pool:
        events = pool.submit(read_events, source, pods, reading)
        climbs = [pool.submit(read_owners, source, pod, reading) for pod in firsts]
        for done in _start_reads(pool, source, pods, reading, now=now, wants=wants):
            done.result()
        full = [_complete(pod, events.result(), climbs) for pod in pods]
        for node in suspected_nodes(full, reading):
            pool.submit(read_neighbours, source, node, reading).result()
    return full


def _case_of(pods: Sequence[Pod], reading: Reading) -> CaseFile:
    return CaseFile(
        pods=tuple(pods),
        nodes=reading.nodes,
        limit_defaults=reading.limit_defaults,
        now_by_container=reading.containers,
        now_by_pod=reading.pods,
        now_by_node=reading.node_now,
        now_by_pods_cgroup=reading.pods_cgroup,
        heap_lines=tuple(reading.heap_lines),
        history=reading.history,
        replicas=reading.replicas,
        gaps=tuple(_told_once(reading.gaps)),
    )


def _start_reads(
    pool: ThreadPoolExecutor, source: Source, pods: Sequence[Pod], reading: Reading, *, now: datetime, wants: Wants
) -> list[Future[None]]:
    started = []
    names = sorted({pod.node for pod in pods if pod.node})
    for name in names:
        started.append(pool.submit(read_node, source, name, reading))
        if wants.kubelet and name in names[:NODES_BY_KUBELET]:
            started.append(pool.submit(read_kubelet, source, name, [p for p in pods if p.node == name], reading))
    if len(names) > NODES_BY_KUBELET:
        reading.gaps.append(
            Gap(
                source="kubelet",
                reason=f"only {NODES_BY_KUBELET} of {len(names)} nodes were asked: kills of child processes "
                "elsewhere were not looked for",
                remedy="narrow the question: -n, -l or a single workload",
            )
        )
    defaulted = sorted({p.namespace for p in pods if any(c.limit_defaulted for c in p.containers)})
    started += [pool.submit(read_limit_ranges, source, namespace, reading) for namespace in defaulted]
    if wants.logs:
        started += [
            pool.submit(read_heap_lines, source, pod, name, previous=previous, reading=reading)
            for pod in pods
            for name, previous in ended_by_themselves(pod)
        ]
    if wants.metrics and pods:
        started.append(pool.submit(read_run_up, source, pods, now, reading))
    return started


def _worth_reading(pods: list[Pod], scope: Scope) -> list[Pod]:
    """The pods whose evidence is read in full: all that were named, and of a large selection those with a trace."""
    if not scope.is_selection or len(pods) <= SMALL_SELECTION:
        return pods
    return [pod for pod in pods if ended_or_stuck(pod)]


def _left_out(pods: list[Pod], deep: list[Pod]) -> list[Gap]:
    if len(deep) == len(pods):
        return []
    return [
        Gap(
            source="kubelet",
            reason=f"{len(pods) - len(deep)} pods that run without a trace of a kill were not asked about: processes killed "
            "inside them were not looked for",
            remedy="name a workload or a node",
        )
    ]


def ended_or_stuck(pod: Pod) -> bool:
    """True when the API shows that something in the pod ended badly, or cannot start."""
    if pod.reason or pod.deletion_at:
        return True
    return any(
        c.waiting_reason not in (None, "ContainerCreating", "PodInitializing")
        or any(t.exit_code != 0 or t.reason not in (None, "Completed") for t in c.terminations)
        for c in pod.containers
    )


def _bare_pods(found: Found) -> list[Pod]:
    def one(pod: FoundPod) -> Pod:
        return pod_of(pod.item, owners=pod.owners)

    return sorted(map(one, found.pods), key=lambda p: (p.namespace, p.name))


def _complete(pod: Pod, events: dict[PodKey, list[Event]], climbs: Sequence[Future[tuple[str, Climb]]]) -> Pod:
    owners = pod.owners
    for done in climbs:
        namespace, climbed = done.result()
        chain = climbed.owners
        if owners and namespace == pod.namespace and owners[-1] in chain:
            owners = (*owners, *chain[chain.index(owners[-1]) + 1 :])
            break
    mine = events.get((pod.namespace, pod.name), [])
    own = [e for e in mine if e.object_uid in (None, pod.uid)]  # not those of an earlier pod of the same name
    return replace(
        pod, owners=owners, events=tuple(sorted(own, key=lambda e: e.last_at.timestamp() if e.last_at else 0))
    )


def _told_once(gaps: Sequence[Gap]) -> list[Gap]:
    return sorted(set(gaps), key=lambda g: (g.source, g.reason))
