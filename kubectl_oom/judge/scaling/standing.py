"""What stands against another autoscaler, whatever memory does: one is there, somebody else counts, nothing to count."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Scaling, ScalingAnswer
from kubectl_oom.judge.fits.wording import amount

if TYPE_CHECKING:
    from kubectl_oom.evidence import HorizontalAutoscaler, MemoryMetric, Recommendation, Room, VerticalAutoscaler

SCALED = frozenset({"Deployment", "StatefulSet", "ReplicaSet"})


def standing(size: Recommendation, room: Room | None) -> Scaling | None:
    """The answer where it does not depend on the samples alone; None where they decide."""
    kind = size.workload.kind if size.workload else None
    if kind not in SCALED:
        whose = f"A {kind} has" if kind else "A pod that nothing owns has"
        return _cannot(f"{whose} no number of pods that an autoscaler could set.")
    if room is None:
        return _unknown("What scales it was not read.", None)
    if room.horizontal:
        return _exists(room.horizontal[0], size.container)
    for one in room.vertical:
        if _sets_memory(one, size.container):
            return _cannot(
                f"VerticalPodAutoscaler {one.name} sets its memory: one that counts pods by memory would work against it."
            )
    if room.owned_by:
        return _cannot(f"{room.owned_by.kind} {room.owned_by.name} sets the number of its pods, and would set it back.")
    return _counted(size, room)


def counts_by_memory(size: Recommendation, room: Room | None) -> bool:
    """Whether an autoscaler that is there counts pods by the memory of this container."""
    return any(_by_memory(one, size.container) for one in (room.horizontal if room else ()))


def warned(stands: Scaling, room: Room | None, falls: Scaling) -> Scaling:
    """The same, with a warning where what that autoscaler counts by does not fall."""
    if room is None or not room.horizontal or falls.answer is not ScalingAnswer.DOES_NOT_FALL:
        return stands
    return replace(stands, warnings=(f"HorizontalPodAutoscaler {room.horizontal[0].name}: {falls.reason}",))


def _counted(size: Recommendation, room: Room) -> Scaling | None:
    missing = next((gap for gap in room.gaps if gap.source.startswith("autoscalers")), None)
    if missing:
        return _unknown(f"Whether an autoscaler scales it already could not be read: {missing.reason}.", missing.remedy)
    if size.replicas is None:
        return _unknown("How many pods it wants is not known.", "the permission to read the workload")
    if size.replicas <= 1:
        return _cannot(
            "It runs as one pod. Whether it may run beside another of its kind, nobody but its author knows."
            if size.replicas
            else "It is scaled to no pod."
        )
    return None


def _sets_memory(one: VerticalAutoscaler, container: str) -> bool:
    modes = {policy.container: policy.mode for policy in one.policies}
    return one.acts and modes.get(container, modes.get("*", "Auto")) != "Off"


def _exists(one: HorizontalAutoscaler, container: str) -> Scaling:
    aims = " and ".join(map(_aim, _by_memory(one, container))) or "something other than its memory"
    return Scaling(
        answer=ScalingAnswer.EXISTS,
        reason=f"HorizontalPodAutoscaler {one.name} scales it from {one.min_replicas} to {one.max_replicas} pods by {aims}; "
        "a second one would count against it.",
    )


def _by_memory(one: HorizontalAutoscaler, container: str) -> list[MemoryMetric]:
    return [metric for metric in one.memory if metric.container in (None, container)]


def _aim(metric: MemoryMetric) -> str:
    of = f" of container {metric.container}" if metric.container else ""
    if metric.target_percent is not None:
        return f"memory at {metric.target_percent}% of the request{of}"
    return f"memory at {amount(metric.target_bytes)}{of} a pod" if metric.target_bytes else f"memory{of}"


def _cannot(reason: str) -> Scaling:
    return Scaling(answer=ScalingAnswer.CANNOT_SCALE, reason=reason)


def _unknown(reason: str, would_tell: str | None) -> Scaling:
    return Scaling(answer=ScalingAnswer.UNKNOWN, reason=reason, would_tell=would_tell)
