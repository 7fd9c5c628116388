"""A workload's own object: its pod template, and how a change of it reaches the pods."""

from __future__ import annotations

import re
from math import ceil
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Rollout, TemplateContainer
from kubectl_oom.read.answer import part, parts, text, whole
from kubectl_oom.read.resources import container_type, memory_in

if TYPE_CHECKING:
    from kubectl_oom.read.source import Json

# What the API means where an object does not say.
DEFAULT_SURGE = {"Deployment": "25%", "DaemonSet": 0}
DEFAULT_STRATEGY = "RollingUpdate"
_PERCENT = re.compile(r"^(\d{1,3})%$", re.ASCII)


def pod_spec_of(item: Json, kind: str) -> Json:
    """The spec of the pods that the workload makes; empty where it has none."""
    return part(part(_spec_of_runs(item, kind), "template"), "spec")


def _spec_of_runs(item: Json, kind: str) -> Json:
    spec = part(item, "spec")
    return part(part(spec, "jobTemplate"), "spec") if kind == "CronJob" else spec


def template_of(pod_spec: Json) -> tuple[TemplateContainer, ...]:
    """The containers of a pod spec in the order in which they start; a request that only a limit implies is none."""
    return tuple(
        TemplateContainer(
            name=text(container.get("name")) or "",
            type=container_type(container, listed),
            request_bytes=memory_in(part(container, "resources"), "requests"),
            limit_bytes=memory_in(part(container, "resources"), "limits"),
        )
        for listed in ("initContainers", "containers")
        for container in parts(pod_spec, listed)
    )


def rollout_of(item: Json, kind: str) -> Rollout:
    """How a change of this workload's template reaches its pods."""
    spec = part(item, "spec")
    if kind in ("Job", "CronJob"):
        at_once = whole(_spec_of_runs(item, kind).get("parallelism"))
        strategy = "next run" if kind == "CronJob" else "immutable"
        return Rollout(replicas=1 if at_once is None else at_once, surge=0, strategy=strategy)
    if kind == "ReplicaSet":  # it never replaces a pod because of its template
        return Rollout(replicas=whole(spec.get("replicas")), surge=0, strategy="OnDelete")
    rules = part(spec, "strategy" if kind == "Deployment" else "updateStrategy")
    strategy = text(rules.get("type")) or DEFAULT_STRATEGY
    replicas = whole(spec.get("replicas"))
    if kind == "DaemonSet":
        replicas = whole(part(item, "status").get("desiredNumberScheduled"))
    surge = _surge(part(rules, "rollingUpdate").get("maxSurge"), replicas, kind) if strategy == DEFAULT_STRATEGY else 0
    return Rollout(replicas=replicas, surge=surge, strategy=strategy)


def _surge(given: object, replicas: int | None, kind: str) -> int:
    """`maxSurge` in pods: a percentage is rounded up, as the controllers do."""
    if kind not in DEFAULT_SURGE:
        return 0
    value = DEFAULT_SURGE[kind] if given is None else given
    number = whole(value)
    if number is not None:
        return max(0, number)
    percent = _PERCENT.match(value) if isinstance(value, str) else None
    return ceil(int(percent[1]) * (replicas or 0) / 100) if percent else 0
