"""Whose a pod is, and who else is on its node."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import (
    Neighbour,
    Pod,
    Replicas,
    WorkloadKey,
)
from kubectl_oom.read import kubelet
from kubectl_oom.read.answer import part
from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.objects import node_of
from kubectl_oom.read.reading import Reading, attempt
from kubectl_oom.read.resources import requested_bytes
from kubectl_oom.read.source import PODS
from kubectl_oom.read.targets import Climb, climb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.read.source import Json, Source


# --- owners and neighbours -----------------------------------------------------------------------------------------


def first_of_each_owner(pods: Sequence[Pod]) -> list[Pod]:
    """One pod of every owner: the chain above is the same for all of its pods."""
    firsts = {(pod.namespace, pod.owners[-1]): pod for pod in reversed(pods) if pod.owners}
    return list(firsts.values())


def read_owners(source: Source, pod: Pod, reading: Reading) -> tuple[str, Climb]:
    """The chain of owners above a pod, with its namespace; the replicas it meets are kept."""
    chain = climb(source, pod.namespace, pod.owners)
    if chain.stopped_by is not None and chain.stopped_by.reason != "NotFound":  # a deleted owner is no gap
        top = chain.owners[-1]
        reading.gaps.append(gap_of("owners", f"{top.kind} {top.name}", chain.stopped_by))
    reading.replicas.update(replicas(chain.objects))
    return pod.namespace, chain


def replicas(workloads: Sequence[Json]) -> dict[WorkloadKey, Replicas]:
    """Ready and wanted pods of the workloads that say so."""
    found: dict[WorkloadKey, Replicas] = {}
    for item in workloads:
        spec, status, meta = part(item, "spec"), part(item, "status"), part(item, "metadata")
        wanted = spec.get("replicas", status.get("desiredNumberScheduled"))
        ready = status.get("readyReplicas", status.get("numberReady", 0))
        if isinstance(wanted, int) and isinstance(ready, int):
            key = (str(meta.get("namespace", "")), str(item.get("kind", "")), str(meta.get("name", "")))
            found[key] = Replicas(ready=ready, wanted=wanted)
    return found


def suspected_nodes(pods: Sequence[Pod], reading: Reading) -> list[str]:
    """Nodes that may have run out of memory: their pods' requests are worth a list."""
    suspected = set()
    for pod in pods:
        unlimited = any(
            c.limit_bytes is None and any(t.reason == "OOMKilled" for t in c.terminations) for c in pod.containers
        )
        pressed = pod.reason == "Evicted"
        node = reading.nodes.get(pod.node or "")
        told = node is not None and any(e.reason in ("SystemOOM", "OOMKilling") for e in node.events)
        if pod.node and (unlimited or pressed or told) and pod.limit_bytes is None:
            suspected.add(pod.node)
    return sorted(suspected)


def read_neighbours(source: Source, name: str, reading: Reading) -> None:
    """What the other pods of a node ask for and use."""
    items = attempt(
        reading, "node pods", f"node {name}", lambda: source.list(PODS, None, fields=f"spec.nodeName={name}")
    )
    summary = attempt(reading, "kubelet", f"node {name}", lambda: source.kubelet_summary(name)) if items else None
    use = kubelet.from_summary(summary or {}).pods
    found = []
    for item in items or ():
        meta = part(item, "metadata")
        key = (str(meta.get("namespace", "")), str(meta.get("name", "")))
        now = use.get(key)
        found.append(
            Neighbour(
                namespace=key[0],
                name=key[1],
                request_bytes=requested_bytes(item),
                working_set_bytes=now.working_set_bytes if now else None,
            )
        )
    found.sort(key=lambda n: n.request_bytes - (n.working_set_bytes or 0))
    node = reading.nodes.get(name) or node_of({"metadata": {"name": name}})
    reading.nodes[name] = replace(node, neighbours=tuple(found))
