"""One workload's own object as facts: how its memory is spelled, who wrote it, how a change of it rolls out."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ContainerType, FieldManager, Gap, Owner, Rollout, Saved, Sizes, WorkloadFacts, Written
from kubectl_oom.judge.patching import UNDO_ANNOTATION, pod_spec_of
from kubectl_oom.quantity import parse_cpus
from kubectl_oom.read.answer import part, parts, text, whole
from kubectl_oom.read.objects import owners_of, when
from kubectl_oom.read.resources import memory_in
from kubectl_oom.read.rollout import DEFAULT_STRATEGY, rollout_of
from kubectl_oom.read.settings import HEAP_AND_WORKER_SETTINGS, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.read.source import Json

DEFAULT_UNAVAILABLE = {"Deployment": "25%", "StatefulSet": "1", "DaemonSet": "1"}
_PERCENT = re.compile(r"^(\d{1,3})%$", re.ASCII)
BY_NAME = 'k:{"name":"'  # how managedFields name an entry of a list that is merged by name
# Every object of an API server has managed fields; a snapshot leaves them out.
UNKNOWN_WRITERS = Gap(
    source="managed fields",
    reason="a snapshot does not hold who else writes to the workload, its volumes, nor its disruption budgets",
    remedy="ask the cluster itself before it is applied",
)
# Labels and annotations that tell who keeps an object: GitOps tools, package managers, operators.
MARKS = frozenset(
    {
        "app.kubernetes.io/managed-by",
        "app.kubernetes.io/instance",
        "meta.helm.sh/release-name",
        "meta.helm.sh/release-namespace",
        "helm.sh/chart",
        "argocd.argoproj.io/tracking-id",
        "argocd.argoproj.io/instance",
        "kustomize.toolkit.fluxcd.io/name",
        "kustomize.toolkit.fluxcd.io/namespace",
        "kustomize.toolkit.fluxcd.io/reconcile",
        "kustomize.toolkit.fluxcd.io/ssa",
        "helm.toolkit.fluxcd.io/name",
        "helm.toolkit.fluxcd.io/namespace",
        "kapp.k14s.io/app",
        "config.kubernetes.io/origin",
    }
)


def facts_of(item: Json, api_version: str, kind: str) -> WorkloadFacts:
    """The facts of an object as the API server holds it."""
    meta, spec = part(item, "metadata"), part(item, "spec")
    rollout = _rollout(item, kind)
    pod_spec = pod_spec_of(item)
    controller = next(iter(owners_of(item)), None)
    managers = tuple(_manager(entry) for entry in parts(meta, "managedFields"))
    marks = {**part(meta, "labels"), **part(meta, "annotations")}
    return WorkloadFacts(
        namespace=text(meta.get("namespace")) or "",
        target=Owner(api_version=api_version, kind=kind, name=text(meta.get("name")) or ""),
        resource_version=text(meta.get("resourceVersion")),
        written=tuple(_written(item)),
        replicas=rollout.replicas,
        surge=rollout.surge,
        unavailable=_unavailable(spec, kind, rollout),
        strategy=rollout.strategy,
        paused=spec.get("paused") is True,
        pod_level=_pod_level(pod_spec),
        marks={key: str(value) for key, value in marks.items() if key in MARKS},
        managers=managers,
        owned_by=controller if controller and not controller.is_built_in else None,
        saved=_saved(part(meta, "annotations").get(UNDO_ANNOTATION)),
        gaps=() if managers else (UNKNOWN_WRITERS,),
        controller=controller,
        partition=_partition(spec, kind),
        ordered=kind == "StatefulSet" and is_ordered({**item, "kind": kind}),
        suspended=kind == "Job" and spec.get("suspend") is True,
        restarts_on_resize=tuple(_restarted(pod_spec)),
        cpu_guaranteed=_cpu_guaranteed(pod_spec),
    )


def is_ordered(item: Json) -> bool:
    """Whether it is a StatefulSet that changes its pods one by one, each when those before it are ready."""
    spec = part(item, "spec")
    ordered = (text(spec.get("podManagementPolicy")) or "OrderedReady") == "OrderedReady"
    rolling = (text(part(spec, "updateStrategy").get("type")) or DEFAULT_STRATEGY) == DEFAULT_STRATEGY
    return item.get("kind") == "StatefulSet" and ordered and rolling


def _rollout(item: Json, kind: str) -> Rollout:
    if kind == "Pod":
        return Rollout(replicas=1, surge=0, strategy="in place")
    found = rollout_of(item, kind)
    return replace(found, replicas=None) if kind == "CronJob" else found  # how many run is its schedule's business


def _partition(spec: Json, kind: str) -> int:
    rules = part(part(spec, "updateStrategy"), "rollingUpdate")
    return max(0, whole(rules.get("partition")) or 0) if kind == "StatefulSet" else 0


def _pod_level(pod_spec: Json) -> Sizes | None:
    """The memory in the pod's own `spec.resources`; None where it has none."""
    resources = part(pod_spec, "resources")
    sizes = Sizes(request_bytes=memory_in(resources, "requests"), limit_bytes=memory_in(resources, "limits"))
    return None if sizes == Sizes(request_bytes=None, limit_bytes=None) else sizes


def _restarted(pod_spec: Json) -> Iterator[str]:
    for container in (*parts(pod_spec, "containers"), *parts(pod_spec, "initContainers")):
        policies = {rule.get("resourceName"): rule.get("restartPolicy") for rule in parts(container, "resizePolicy")}
        if policies.get("memory") == "RestartContainer":
            yield text(container.get("name")) or ""


def _cpu_guaranteed(pod_spec: Json) -> bool | None:
    """Whether every container's CPU has a limit that is its request; None where there is no container."""
    found = [part(one, "resources") for name in ("containers", "initContainers") for one in parts(pod_spec, name)]
    if not found:
        return None
    return all(_cpu_equal(resources) for resources in found)


def _cpu_equal(resources: Json) -> bool:
    limit, request = (part(resources, side).get("cpu") for side in ("limits", "requests"))
    if limit in (None, "", 0, "0"):
        return False
    # Without a request the limit is made one.
    return request is None or parse_cpus(str(request)) == parse_cpus(str(limit))


def _written(item: Json) -> Iterator[Written]:
    spec = pod_spec_of(item)
    for name in ("containers", "initContainers"):
        for container in parts(spec, name):
            resources = part(container, "resources")
            kind = ContainerType.APP
            if name == "initContainers":
                kind = ContainerType.SIDECAR if container.get("restartPolicy") == "Always" else ContainerType.INIT
            yield Written(
                name=text(container.get("name")) or "",
                type=kind,
                request=text(part(resources, "requests").get("memory")),
                limit=text(part(resources, "limits").get("memory")),
                settings=_settings(container),
            )


def _settings(container: Json) -> dict[str, str | None]:
    """The memory settings of its env; None where the value is not only that, so that nothing else gets lost."""
    readable = settings_of(container)
    found: dict[str, str | None] = {}
    for entry in parts(container, "env"):
        name = text(entry.get("name")) or ""
        if name in HEAP_AND_WORKER_SETTINGS:
            whole_value = readable.get(name)
            found[name] = whole_value if whole_value == entry.get("value") else None
    return found


def _unavailable(spec: Json, kind: str, rollout: Rollout) -> int:
    """How many pods may be missing while it rolls out: a Deployment rounds a percentage down, the others up."""
    if kind not in DEFAULT_UNAVAILABLE or rollout.strategy != DEFAULT_STRATEGY:
        return 0
    rules = part(spec, "strategy" if kind == "Deployment" else "updateStrategy")
    given = part(rules, "rollingUpdate").get("maxUnavailable")
    share = _share(DEFAULT_UNAVAILABLE[kind] if given is None else given, rollout.replicas or 0)
    missing = int(share) if kind == "Deployment" else ceil(share)
    # Where nothing may be missing and nothing may be added, the controllers let one be missing.
    return missing if missing or rollout.surge else 1


def _share(value: object, replicas: int) -> float:
    """An IntOrString of the pods."""
    number = whole(value)
    if number is not None:
        return max(0, number)
    percent = _PERCENT.match(str(value))
    return replicas * int(percent[1]) / 100 if percent else 0


def _manager(entry: Json) -> FieldManager:
    return FieldManager(
        name=text(entry.get("manager")) or "",
        operation=text(entry.get("operation")) or "",
        at=when(entry.get("time")),
        memory_of=tuple(_memory_of(part(entry, "fieldsV1"))),
    )


def _memory_of(fields: Json) -> Iterator[str]:
    """The containers whose memory these fields own: `k:{"name":"app"}` over `f:resources` over `f:memory`."""
    for key, inner in fields.items():
        if not isinstance(inner, dict):
            continue
        if key.startswith(BY_NAME) and "f:memory" in json.dumps(part(inner, "f:resources")):
            yield key[len(BY_NAME) :].partition('"')[0]
        else:
            yield from _memory_of(inner)


def _saved(annotation: object) -> Saved | None:
    """What an earlier `fix` kept; None where there is nothing, or nothing that can be read."""
    try:
        kept = json.loads(annotation) if isinstance(annotation, str) else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(kept, dict):
        return None
    containers = [
        Written(
            name=text(one.get("name")) or "",
            type=ContainerType(one["type"]),
            request=text(one.get("request")),
            limit=text(one.get("limit")),
            settings={name: text(value) for name, value in part(one, "env").items()},
        )
        for one in parts(kept, "containers")
        if one.get("type") in {kind.value for kind in ContainerType}
    ]
    return Saved(at=when(kept.get("at")), version=text(kept.get("version")) or "", containers=tuple(containers))
