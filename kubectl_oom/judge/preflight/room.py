"""What the cluster around the workload says to the sizes of the plan: the same fits as those of `recommend`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import (
    Band,
    Check,
    Citation,
    Recommendation,
    Severity,
    Sizes,
    WorkloadClass,
)
from kubectl_oom.judge.fits import fits_of
from kubectl_oom.judge.fits.pod import trial_of
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kubectl_oom.evidence import ContainerChange, Fit, Room
    from kubectl_oom.judge.preflight.situation import Situation


@dataclass(frozen=True, slots=True)
class Rule:
    """What a fit that is none becomes."""

    code: str
    severity: Severity
    blocks: bool
    evidence: Callable[[Room], Iterator[Citation]]


def around(here: Situation) -> Iterator[Check]:
    """The checks about limit ranges, quotas, nodes and autoscalers."""
    if here.room is None:
        return
    told: set[tuple[str, str]] = set()
    together = {change.container: here.after(change) for change in here.plan.changes}
    for change in here.plan.changes:
        size = _size(here, change)
        trial = trial_of(size, here.room, here.pods, together)
        fits, _ = fits_of(size, here.room, here.pods, together)
        for fit in (fit for fit in fits if not fit.ok and fit.check in RULES and _touches(fit, here.room, change)):
            rule = _rule(fit, here.room, trial.then.request if trial else 0)
            if (rule.code, fit.detail) not in told:
                told.add((rule.code, fit.detail))
                yield _check(fit, rule, here.room, change)
    if not {OVERCOMMITTED.code, RULES["node"].code} & {code for code, _ in told}:
        yield from _overcommitted(here, here.room)


def _touches(fit: Fit, room: Room, change: ContainerChange) -> bool:
    """Whether an autoscaler that sets sizes sets what is changed: one that controls requests leaves the limit alone."""
    if fit.check != "vertical-autoscaler" or change.after.request_bytes is not None:
        return True
    return any(one.acts and one.controls_limits for one in room.vertical)


def _rule(fit: Fit, room: Room, request: int) -> Rule:
    """A node that the request fits on takes the pod, although it cannot give as much as the limit says."""
    sizes = [node.allocatable_bytes for node in room.nodes if node.closed_because is None]
    everywhere = room.workload is not None and room.workload.kind == "DaemonSet"
    if fit.check == "node" and sizes and request <= (min(sizes) if everywhere else max(sizes)):
        return OVERCOMMITTED
    return RULES[fit.check]


def _size(here: Situation, change: ContainerChange) -> Recommendation:
    """The recommendation with the sizes of the plan, which may be given by hand."""
    proposal = here.by_container.get(change.container)
    sizes = here.after(change)
    if proposal is not None:
        return replace(proposal.size, recommended=sizes)
    return Recommendation(
        namespace=here.facts.namespace,
        workload=here.facts.target if here.facts.target.kind != "Pod" else None,
        container=change.container,
        container_type=change.type,
        profile="by hand",
        workload_class=WorkloadClass.STATELESS,
        class_reason="",
        confidence=Band.LOW,
        confidence_reason="",
        replicas=here.facts.replicas,
        current=change.before,
        recommended=sizes,
        floor_bytes=None,
        rationale=(),
        alternatives={},
        lasts_seconds=None,
    )


def _check(fit: Fit, rule: Rule, room: Room, change: ContainerChange) -> Check:
    return Check(
        code=rule.code,
        severity=rule.severity,
        message=f"{change.container}: {fit.detail}",
        evidence=tuple(rule.evidence(room)),
        remedy=fit.remedy,
        blocks=rule.blocks,
    )


# --- evidence --------------------------------------------------------------------------------------------------------


def _of_limit_ranges(room: Room) -> Iterator[Citation]:
    for rule in room.limit_rules:
        bounds = {"min": rule.min_bytes, "max": rule.max_bytes}
        said = [f"{name} {show_bytes(value)}" for name, value in bounds.items() if value is not None]
        if rule.max_limit_to_request is not None:
            said.append(f"maxLimitRequestRatio {rule.max_limit_to_request:g}")
        yield Citation(source=f"limitrange/{rule.name}", field=f"spec.limits ({rule.scope})", value=", ".join(said))


def _of_quotas(room: Room) -> Iterator[Citation]:
    for quota in room.quotas:
        for name, hard, used in (
            ("limits.memory", quota.hard_limits_bytes, quota.used_limits_bytes),
            ("requests.memory", quota.hard_requests_bytes, quota.used_requests_bytes),
        ):
            if hard is not None:
                taken = f", {show_bytes(used)} used" if used is not None else ""
                yield Citation(source=f"resourcequota/{quota.name}", field=name, value=f"{show_bytes(hard)}{taken}")


def _of_pod_level(room: Room) -> Iterator[Citation]:
    for name, value in (("limits", room.pod_limit_bytes), ("requests", room.pod_request_bytes)):
        if value is not None:
            yield Citation(source="template", field=f"spec.resources.{name}.memory", value=show_bytes(value))


def _of_nodes(room: Room) -> Iterator[Citation]:
    usable = [node for node in room.nodes if node.closed_because is None]
    for node in sorted(usable, key=lambda node: -node.allocatable_bytes)[:1]:
        yield Citation(
            source=f"node/{node.name}", field="status.allocatable.memory", value=show_bytes(node.allocatable_bytes)
        )


def _of_vertical(room: Room) -> Iterator[Citation]:
    for scaler in room.vertical:
        yield Citation(
            source=f"verticalpodautoscaler/{scaler.name}",
            field="spec.updatePolicy.updateMode",
            value=scaler.update_mode,
        )
        for policy in scaler.policies:
            if policy.max_bytes is not None:
                yield Citation(
                    source=f"verticalpodautoscaler/{scaler.name}",
                    field=f"maxAllowed of {policy.container}",
                    value=show_bytes(policy.max_bytes),
                )


def _of_horizontal(room: Room) -> Iterator[Citation]:
    for scaler in room.horizontal:
        for metric in scaler.memory:
            if metric.target_percent is not None:
                now = f", now {metric.current_percent}%" if metric.current_percent is not None else ""
                yield Citation(
                    source=f"horizontalpodautoscaler/{scaler.name}",
                    field="memory utilisation",
                    value=f"target {metric.target_percent}%{now}",
                )


# What is checked by judge/fits → what it means for a change. It blocks where the API server refuses the change or its
# pods, where the scheduler finds no node that is large enough, and where an autoscaler overwrites what was set. Room
# that is taken now may be free in a minute, or an autoscaler of nodes makes some.
OVERCOMMITTED = Rule("node-overcommitted", Severity.WARNING, blocks=False, evidence=_of_nodes)
RULES = {
    "limit-range": Rule("limit-range", Severity.CRITICAL, blocks=True, evidence=_of_limit_ranges),
    "pod-limit": Rule("above-pod-limit", Severity.CRITICAL, blocks=True, evidence=_of_pod_level),
    "quota": Rule("quota", Severity.CRITICAL, blocks=True, evidence=_of_quotas),
    "node": Rule("node-too-small", Severity.CRITICAL, blocks=True, evidence=_of_nodes),
    "node-free": Rule("no-free-room", Severity.WARNING, blocks=False, evidence=_of_nodes),
    "vertical-autoscaler": Rule("vertical-autoscaler", Severity.CRITICAL, blocks=True, evidence=_of_vertical),
    "horizontal-autoscaler": Rule("horizontal-autoscaler", Severity.WARNING, blocks=False, evidence=_of_horizontal),
}


# --- overcommitted nodes ---------------------------------------------------------------------------------------------


def _overcommitted(here: Situation, room: Room) -> Iterator[Check]:
    """Limits of this workload's own pods beyond what their node has; those of other pods are not read."""
    for node in room.nodes:
        pods = [pod for pod in here.living if pod.node == node.name]
        limits = [here_limit for pod in pods if (here_limit := _limit_of(here, pod.name)) is not None]
        if sum(limits) > node.allocatable_bytes:
            yield Check(
                code=OVERCOMMITTED.code,
                severity=OVERCOMMITTED.severity,
                message=f"The limits of the workload's pods on {node.name} come to {show_bytes(sum(limits))}, and the "
                f"node has {show_bytes(node.allocatable_bytes)}: it may run out before a limit is reached.",
                evidence=(
                    Citation(
                        source=f"node/{node.name}",
                        field="status.allocatable.memory",
                        value=show_bytes(node.allocatable_bytes),
                    ),
                ),
                remedy="raise the requests too, so that the scheduler spreads the pods",
            )


def _limit_of(here: Situation, name: str) -> int | None:
    """The limits of a pod's app containers and sidecars with the change; None where one has none."""
    after = {change.container: here.after(change) for change in here.plan.changes}
    pod = next(pod for pod in here.living if pod.name == name)
    limits = [
        after.get(one.name, Sizes(request_bytes=None, limit_bytes=one.limit_bytes)).limit_bytes
        for one in pod.containers
        if one.type.value in ("app", "sidecar")
    ]
    known = [limit for limit in limits if limit is not None]
    return sum(known) if len(known) == len(limits) else None
