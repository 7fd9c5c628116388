"""Nodes as a workload's pods see them: how large, and why they cannot go there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import NodeRoom
from kubectl_oom.read.answer import part, parts, text, words
from kubectl_oom.read.objects import cpus_of
from kubectl_oom.read.resources import quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_oom.read.source import Json

_KEEPING_AWAY = ("NoSchedule", "NoExecute")
_CORDONED = "node.kubernetes.io/unschedulable"
# What the DaemonSet controller lets every one of its pods tolerate.
_DAEMONS_TOLERATE = tuple(
    {"key": f"node.kubernetes.io/{name}", "operator": "Exists"}
    for name in ("not-ready", "unreachable", "disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")
)


def node_room_of(node: Json, pod_spec: Json, kind: str) -> NodeRoom | None:
    """The node for pods of this spec; None where it does not say how much it has to give."""
    allocatable = quantity(part(part(node, "status"), "allocatable").get("memory"))
    if allocatable is None:
        return None
    tolerations = [*parts(pod_spec, "tolerations"), *(_DAEMONS_TOLERATE if kind == "DaemonSet" else ())]
    return NodeRoom(
        name=text(part(node, "metadata").get("name")) or "",
        allocatable_bytes=allocatable,
        requested_bytes=None,
        cpus=cpus_of(node),
        closed_because=_closed(node, pod_spec, tolerations),
    )


def _closed(node: Json, pod_spec: Json, tolerations: list[Json]) -> str | None:
    spec = part(node, "spec")
    cordon = {"key": _CORDONED, "effect": "NoSchedule"}
    if spec.get("unschedulable") is True and not _tolerated(cordon, tolerations):
        return "is cordoned"
    labels = part(part(node, "metadata"), "labels")
    for key, value in part(pod_spec, "nodeSelector").items():
        if labels.get(key) != value:
            return f"does not have the label {key}={value} that the pods ask for"
    if not _in_affinity(node, pod_spec):
        return "is not among those that the pods' node affinity asks for"
    for taint in parts(spec, "taints"):
        if taint.get("effect") in _KEEPING_AWAY and not _tolerated(taint, tolerations):
            value = f"={taint['value']}" if taint.get("value") else ""
            return f"has the taint {taint.get('key')}{value}:{taint.get('effect')}, which the pods do not tolerate"
    return None


def _tolerated(taint: Json, tolerations: Iterable[Json]) -> bool:
    """As `ToleratesTaint` of k8s.io/component-helpers: an empty effect or key matches all."""
    for one in tolerations:
        if text(one.get("effect")) not in (None, taint.get("effect")):
            continue
        if text(one.get("key")) not in (None, taint.get("key")):
            continue
        same_value = (text(one.get("value")) or "") == (text(taint.get("value")) or "")
        if one.get("operator") == "Exists" or (one.get("operator") in (None, "", "Equal") and same_value):
            return True
    return False


# --- node affinity ---------------------------------------------------------------------------------------------------


def _in_affinity(node: Json, pod_spec: Json) -> bool:
    """Whether the node meets the affinity that is required; of its terms one must hold, of a term every rule."""
    required = part(part(part(pod_spec, "affinity"), "nodeAffinity"), "requiredDuringSchedulingIgnoredDuringExecution")
    terms = parts(required, "nodeSelectorTerms")
    meta = part(node, "metadata")
    labels, fields = part(meta, "labels"), {"metadata.name": meta.get("name")}
    return not terms or any(
        all(_meets(labels, rule) for rule in parts(term, "matchExpressions"))
        and all(_meets(fields, rule) for rule in parts(term, "matchFields"))
        and bool(parts(term, "matchExpressions") or parts(term, "matchFields"))
        for term in terms
    )


def _meets(held: Json, rule: Json) -> bool:
    key, operator, values = str(rule.get("key")), str(rule.get("operator")), words(rule, "values")
    if operator in ("Exists", "DoesNotExist"):
        return (key in held) == (operator == "Exists")
    if operator in ("In", "NotIn"):
        return (key in held and held[key] in values) == (operator == "In")
    try:
        number, bound = int(str(held.get(key))), int(values[0])
    except (ValueError, IndexError):
        return False
    return number > bound if operator == "Gt" else number < bound
