"""What stands around a workload's size: limit ranges, quotas, nodes, autoscalers, the workload itself."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Rollout, Room
from kubectl_oom.read.allowances import limit_rules_of, quota_of
from kubectl_oom.read.answer import part, text
from kubectl_oom.read.around import FEW, Around, name_of, read_around, read_requested
from kubectl_oom.read.autoscalers import horizontal_of, targets, vertical_of
from kubectl_oom.read.node_room import node_room_of
from kubectl_oom.read.objects import owners_of
from kubectl_oom.read.resources import memory_in, quantity
from kubectl_oom.read.rollout import pod_spec_of, rollout_of, template_of
from kubectl_oom.read.source import (
    DAEMON_SETS,
    HORIZONTAL_AUTOSCALERS,
    LIMIT_RANGES,
    PODS,
    RESOURCE_QUOTAS,
    VERTICAL_AUTOSCALERS,
    Json,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubectl_oom.evidence import CaseFile, NodeRoom, Owner, Pod, WorkloadPast
    from kubectl_oom.read.source import Source

NODES_LOOKED_AT = 5  # the largest that are open: a pod of the workload needs one


def read_rooms(source: Source, case: CaseFile, pasts: Sequence[WorkloadPast]) -> tuple[Room, ...]:
    """One room per past, in their order. Never raises: what cannot be read is a gap of its room."""
    if not pasts:
        return ()
    around = read_around(source, pasts)
    rooms = list(_rooms(case, pasts, around))
    if len(pasts) > FEW:
        return tuple(rooms)
    read_requested(source, dict.fromkeys(node.name for room in rooms for node in _largest_open(room)), around)
    return tuple(_with_requested(room, around) for room in rooms)


def _largest_open(room: Room) -> list[NodeRoom]:
    usable = [node for node in room.nodes if node.closed_because is None]
    return sorted(usable, key=lambda node: (-node.allocatable_bytes, node.name))[:NODES_LOOKED_AT]


# --- one room --------------------------------------------------------------------------------------------------------


def _rooms(case: CaseFile, pasts: Sequence[WorkloadPast], around: Around) -> Iterator[Room]:
    by_name = {(pod.namespace, pod.name): pod for pod in case.pods}
    nodes = _Nodes(around.nodes)
    for past in pasts:
        keys = ((past.namespace, name) for name in past.pods)
        yield _room(past, [by_name[key] for key in keys if key in by_name], around, nodes)


def _room(past: WorkloadPast, pods: Sequence[Pod], around: Around, nodes: _Nodes) -> Room:
    place, owner = past.namespace, past.workload
    item = around.workloads.get(name_of(past), {}) if owner else {}
    spec = pod_spec_of(item, owner.kind) if owner else {}
    priorities = {pod.priority_class for pod in pods}
    quotas = (quota_of(quota, spec, priorities) for quota in around.of(RESOURCE_QUOTAS, place))
    scalers, setters = around.of(HORIZONTAL_AUTOSCALERS, place), around.of(VERTICAL_AUTOSCALERS, place)
    return Room(
        namespace=place,
        workload=owner,
        owned_by=_operator(item, owner, pods),
        rollout=_rollout(item, owner),
        template=template_of(spec),
        limit_rules=tuple(rule for one in around.of(LIMIT_RANGES, place) for rule in limit_rules_of(one)),
        quotas=tuple(quota for quota in quotas if quota is not None),
        nodes=nodes.of(spec, owner.kind) if owner else nodes.under(pods),
        vertical=tuple(vertical_of(one) for one in setters if owner and targets(one, owner, "targetRef")),
        horizontal=tuple(horizontal_of(one) for one in scalers if owner and targets(one, owner, "scaleTargetRef")),
        gaps=around.gaps_of(past),
        pod_request_bytes=memory_in(part(spec, "resources"), "requests"),
        pod_limit_bytes=memory_in(part(spec, "resources"), "limits"),
        overhead_bytes=quantity(part(spec, "overhead").get("memory")) or 0,
    )


def _rollout(item: Json, owner: Owner | None) -> Rollout | None:
    if owner is None:
        return Rollout(replicas=1, surge=0, strategy="bare pod")
    return rollout_of(item, owner.kind) if item else None


def _operator(item: Json, owner: Owner | None, pods: Sequence[Pod]) -> Owner | None:
    """The nearest object above the workload that Kubernetes itself does not know, as far as the chain was read."""
    above = list(owners_of(item))
    for pod in pods:
        chain = pod.owners
        above += chain[chain.index(owner) + 1 :] if owner in chain else chain if owner is None else ()
    return next((one for one in above if not one.is_built_in), None)


class _Nodes:
    """The nodes as different pods see them; pods that ask the same of a node are answered once."""

    def __init__(self, items: Sequence[Json]) -> None:
        self._items = items
        self._seen: dict[str, tuple[NodeRoom, ...]] = {}

    def of(self, spec: Json, kind: str) -> tuple[NodeRoom, ...]:
        """For the pods of a workload; none where nothing tells what they ask of a node."""
        if not spec:
            return ()
        asked = {name: spec.get(name) for name in ("nodeSelector", "affinity", "tolerations")}
        key = json.dumps([asked, kind == DAEMON_SETS.name], sort_keys=True, default=str)
        if key not in self._seen:
            found = (node_room_of(node, spec, kind) for node in self._items)
            self._seen[key] = tuple(room for room in found if room is not None)
        return self._seen[key]

    def under(self, pods: Sequence[Pod]) -> tuple[NodeRoom, ...]:
        """For bare pods: they are resized where they are, whatever keeps others away from there."""
        homes = {pod.node for pod in pods}
        found = (node_room_of(n, {}, PODS.name) for n in self._items if text(part(n, "metadata").get("name")) in homes)
        return tuple(replace(room, closed_because=None) for room in found if room is not None)


def _with_requested(room: Room, around: Around) -> Room:
    asked = {node.name for node in _largest_open(room)}
    nodes = tuple(
        replace(node, requested_bytes=around.requested.get(node.name)) if node.name in asked else node
        for node in room.nodes
    )
    missing = [around.node_gaps[name] for name in sorted(asked) if name in around.node_gaps]
    return replace(room, nodes=nodes, gaps=(*room.gaps, *dict.fromkeys(missing)))
