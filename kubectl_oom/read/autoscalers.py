"""Autoscalers as evidence: those that scale on memory, and those that set sizes themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import HorizontalAutoscaler, MemoryMetric, VerticalAutoscaler, VerticalPolicy
from kubectl_oom.read.answer import part, parts, text, whole, words
from kubectl_oom.read.resources import quantity

if TYPE_CHECKING:
    from kubectl_oom.evidence import Owner
    from kubectl_oom.read.source import Json

_SOURCES = {"Resource": "resource", "ContainerResource": "containerResource"}  # metric type → its field
# What the API means where an object does not say.
_MIN_REPLICAS = 1
_UPDATE_MODE = "Auto"


def targets(item: Json, workload: Owner, field: str) -> bool:
    """Whether the reference under `spec.<field>` names this workload."""
    ref = part(part(item, "spec"), field)
    same_group = str(ref.get("apiVersion", "")).partition("/")[0] == workload.api_version.partition("/")[0]
    return same_group and (ref.get("kind"), ref.get("name")) == (workload.kind, workload.name)


def horizontal_of(item: Json) -> HorizontalAutoscaler:
    """A HorizontalPodAutoscaler of autoscaling/v2, with its memory metrics."""
    spec, status = part(item, "spec"), part(item, "status")
    current = {_about(metric): _value(metric, "current") for metric in parts(status, "currentMetrics")}
    least = whole(spec.get("minReplicas"))
    return HorizontalAutoscaler(
        name=_name(item),
        min_replicas=_MIN_REPLICAS if least is None else least,
        max_replicas=whole(spec.get("maxReplicas")) or _MIN_REPLICAS,
        current_replicas=whole(status.get("currentReplicas")),
        memory=tuple(_metric(m, current) for m in parts(spec, "metrics") if _about(m) is not None),
    )


def _about(metric: Json) -> tuple[str | None] | None:
    """The container whose memory a metric is about, in a tuple: (None,) is the whole pod; None is no memory metric."""
    of = part(metric, _SOURCES.get(str(metric.get("type")), ""))
    return (text(of.get("container")),) if of.get("name") == "memory" else None


def _value(metric: Json, side: str) -> Json:
    return part(part(metric, _SOURCES.get(str(metric.get("type")), "")), side)


def _metric(metric: Json, current: dict[tuple[str | None] | None, Json]) -> MemoryMetric:
    about = _about(metric) or (None,)
    wanted, now = _value(metric, "target"), current.get(about, {})
    return MemoryMetric(
        container=about[0],
        target_percent=whole(wanted.get("averageUtilization")),
        target_bytes=quantity(wanted.get("averageValue")),
        current_percent=whole(now.get("averageUtilization")),
        current_bytes=quantity(now.get("averageValue")),
    )


def vertical_of(item: Json) -> VerticalAutoscaler:
    """A VerticalPodAutoscaler of autoscaling.k8s.io/v1; a policy that leaves memory alone is one whose mode is Off."""
    spec = part(item, "spec")
    policies = parts(part(spec, "resourcePolicy"), "containerPolicies")
    told = parts(part(part(item, "status"), "recommendation"), "containerRecommendations")
    wanted = {text(one.get("containerName")) or "": quantity(part(one, "target").get("memory")) for one in told}
    return VerticalAutoscaler(
        name=_name(item),
        update_mode=text(part(spec, "updatePolicy").get("updateMode")) or _UPDATE_MODE,
        controls_limits=all(policy.get("controlledValues") != "RequestsOnly" for policy in policies),
        policies=tuple(_policy(policy) for policy in policies),
        targets={name: size for name, size in wanted.items() if size is not None},
    )


def _policy(policy: Json) -> VerticalPolicy:
    controlled = words(policy, "controlledResources")
    leaves_memory = bool(controlled) and "memory" not in controlled
    return VerticalPolicy(
        container=text(policy.get("containerName")) or "*",
        mode="Off" if leaves_memory else text(policy.get("mode")) or "Auto",
        min_bytes=quantity(part(policy, "minAllowed").get("memory")),
        max_bytes=quantity(part(policy, "maxAllowed").get("memory")),
    )


def _name(item: Json) -> str:
    return text(part(item, "metadata").get("name")) or ""
