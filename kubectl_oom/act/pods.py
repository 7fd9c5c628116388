"""The pods of a workload while it is being changed: which are new, and with which sizes they run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.act.sending import FIELD_MANAGER
from kubectl_oom.evidence import ENDED_PHASES
from kubectl_oom.read.answer import part, parts, text, whole
from kubectl_oom.read.objects import event_of, pod_of, when
from kubectl_oom.read.resources import memory_in
from kubectl_oom.read.source import EVENTS, PODS, REPLICA_SETS, ReadError
from kubectl_oom.read.targets import selector_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Event, FixPlan, Pod, WorkloadFacts
    from kubectl_oom.read.source import Json, Source

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"
REVISION_HASH = "controller-revision-hash"
DAEMON_GENERATION = "pod-template-generation"
DAEMON_GENERATION_NOW = "deprecated.daemonset.template.generation"
MOST_PENDING = 3  # pods of one template do not start for the same reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """The workload's pods that are to stay, as JSON; `new` are those made from its present template."""

    all: tuple[Json, ...]
    new: tuple[Json, ...]


def changed_at(item: Json) -> datetime | None:
    """When this tool last changed the object, by the API server's own clock; None where it never did."""
    mine = [
        when(entry.get("time"))
        for entry in parts(part(item, "metadata"), "managedFields")
        if entry.get("manager") == FIELD_MANAGER
    ]
    return max((at for at in mine if at), default=None)


def pods_of(source: Source, item: Json, facts: WorkloadFacts) -> Pods:
    """The workload's pods; ReadError where pods may not be listed."""
    if facts.target.kind == "Pod":
        return Pods(all=(item,), new=(item,))
    selector = selector_of(part(part(item, "spec"), "selector"))
    if not selector:
        return Pods(all=(), new=())
    listed = source.list(PODS, facts.namespace, labels=selector)
    if facts.target.kind == "Deployment":
        return _of_deployment(source, item, facts, selector, listed)
    own = _living(one for one in listed if _maker(one) == _uid(item))
    return Pods(all=own, new=tuple(one for one in own if _has_present_template(one, item, facts.target.kind)))


def _of_deployment(source: Source, item: Json, facts: WorkloadFacts, selector: str, listed: Sequence[Json]) -> Pods:
    try:
        sets = [one for one in source.list(REPLICA_SETS, facts.namespace, labels=selector) if _maker(one) == _uid(item)]
    except ReadError:  # without them, what was made after the change was made from it
        since = changed_at(item)
        own = _living(listed)
        return Pods(all=own, new=tuple(one for one in own if since and (_made_at(one) or since) >= since))
    uids = {_uid(one) for one in sets}
    own = _living(one for one in listed if _maker(one) in uids)
    present = {_uid(one) for one in sets if _annotation(one, REVISION) == _annotation(item, REVISION)}
    return Pods(all=own, new=tuple(one for one in own if _maker(one) in present))


def _has_present_template(pod: Json, item: Json, kind: str) -> bool:
    labels = part(part(pod, "metadata"), "labels")
    if kind == "StatefulSet":
        return labels.get(REVISION_HASH) == part(item, "status").get("updateRevision")
    if kind == "DaemonSet":
        return labels.get(DAEMON_GENERATION) == _annotation(item, DAEMON_GENERATION_NOW)
    return False  # a ReplicaSet never replaces its pods


def events_of(source: Source, facts: WorkloadFacts, new_pods: Sequence[Pod]) -> tuple[Event, ...]:
    """The events about the workload itself, and about its new pods that have a node and do not run; else empty."""
    pending = [pod.name for pod in new_pods if pod.phase == "Pending" and pod.node]
    about = [(facts.target.kind, facts.target.name), *(("Pod", name) for name in pending[:MOST_PENDING])]
    return tuple(event for kind, name in about for event in _events_about(source, facts.namespace, kind, name))


def _events_about(source: Source, namespace: str, kind: str, name: str) -> tuple[Event, ...]:
    about = f"involvedObject.name={name},involvedObject.kind={kind}"
    try:
        return tuple(event_of(one) for one in source.list(EVENTS, namespace, fields=about))
    except ReadError:
        return ()


def as_evidence(items: Sequence[Json]) -> tuple[Pod, ...]:
    """The same pods as evidence."""
    return tuple(pod_of(one) for one in items)


def unlike_wanted(pods: Sequence[Json], plan: FixPlan) -> tuple[str, ...]:
    """Where a pod has other sizes than the plan brings about: `app of pod/x has a limit of 64Mi`, one per container."""
    found = []
    for pod in pods:
        name = text(part(pod, "metadata").get("name")) or ""
        for listed in ("containers", "initContainers"):
            for container in parts(part(pod, "spec"), listed):
                found += [
                    f"{container.get('name')} of pod/{name} has a {side.removesuffix('s')} of {there}"
                    for side, there in _differences(container, plan)
                ]
    return tuple(found)


def _differences(container: Json, plan: FixPlan) -> list[tuple[str, str]]:
    change = next((one for one in plan.changes if one.container == container.get("name")), None)
    if change is None:
        return []
    resources = part(container, "resources")
    wanted = {"limits": change.after.limit_bytes, "requests": change.after.request_bytes}
    return [
        (side, text(part(resources, side).get("memory")) or "nothing")
        for side, size in wanted.items()
        if size is not None and memory_in(resources, side) != size
    ]


def in_effect(pod: Json, plan: FixPlan) -> bool | None:
    """Whether the kubelet reports the plan's sizes as what it enforces; None where it reports none at all."""
    found: list[bool] = []
    for listed in ("containerStatuses", "initContainerStatuses"):
        for status in parts(part(pod, "status"), listed):
            resources = status.get("resources")
            if not isinstance(resources, dict):
                continue
            change = [one for one in plan.changes if one.container == status.get("name")]
            if change:
                found.append(not _differences({"name": status.get("name"), "resources": resources}, plan))
    return all(found) if found else None


def ended(pod: Json) -> bool:
    """Whether the pod has run to its end."""
    return part(pod, "status").get("phase") in ENDED_PHASES


def generation_seen(pod: Json) -> bool:
    """Whether the kubelet has seen the pod's present spec; kubelets before 1.34 do not say, which counts as seen."""
    seen = whole(part(pod, "status").get("observedGeneration"))
    return seen is None or seen >= (whole(part(pod, "metadata").get("generation")) or 0)


def _living(items: Iterable[Json]) -> tuple[Json, ...]:
    return tuple(one for one in items if "deletionTimestamp" not in part(one, "metadata"))


def _annotation(item: Json, name: str) -> str | None:
    return text(part(part(item, "metadata"), "annotations").get(name))


def _uid(item: Json) -> str | None:
    return text(part(item, "metadata").get("uid"))


def _made_at(item: Json) -> datetime | None:
    return when(part(item, "metadata").get("creationTimestamp"))


def _maker(item: Json) -> str | None:
    refs = parts(part(item, "metadata"), "ownerReferences")
    return next((text(ref.get("uid")) for ref in refs if ref.get("controller")), None)
