"""Where a resize of running pods stands, as the kubelet reports it: admitted, deferred, refused, in effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.act.pods import as_evidence, ended, generation_seen, in_effect
from kubectl_oom.act.steps import Step
from kubectl_oom.act.troubles import was_killed
from kubectl_oom.evidence import RolloutState
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import FixPlan, Pod
    from kubectl_oom.read.source import Json

PENDING = "PodResizePending"
IN_PROGRESS = "PodResizeInProgress"


def resized(pods: Sequence[Json], plan: FixPlan, since: datetime | None) -> Step:
    """Where the resize of these pods stands."""
    evidence = as_evidence(pods)
    reached = [pod for pod in pods if _has_it(pod, plan)]
    failures = [why for pod, item in zip(evidence, pods, strict=True) for why in _failures(pod, item, since)]
    waits = [why for pod in evidence for why in _waits(pod)]
    wanted, updated = len(pods), len(reached)
    done = updated == wanted and not waits
    because = f"{updated} of {wanted} pods run with the new size."
    state = RolloutState.DONE if done else None
    if failures:
        because, state = failures[0], RolloutState.FAILED
    elif waits:
        because = waits[0]
    return Step(
        state=state, updated=updated, wanted=wanted, ready=updated, because=because, verified=True if done else None
    )


def _has_it(pod: Json, plan: FixPlan) -> bool:
    return generation_seen(pod) and in_effect(pod, plan) is True


def _failures(pod: Pod, item: Json, since: datetime | None) -> Iterator[str]:
    for container in pod.containers:
        if since is not None and was_killed(container, since):
            limit = f" of {show_bytes(container.limit_bytes)}" if container.limit_bytes is not None else ""
            yield f"{container.name} of pod/{pod.name} was OOM-killed again, under the new limit{limit}."
    if ended(item):
        yield f"pod/{pod.name} has ended: a resize does nothing for it."
    for condition in pod.conditions:
        if condition.status == "True" and (condition.type, condition.reason) in (
            (PENDING, "Infeasible"),
            (IN_PROGRESS, "Error"),
        ):
            yield f"pod/{pod.name} cannot be resized ({condition.reason}): {condition.message or 'no reason is given'}"


def _waits(pod: Pod) -> Iterator[str]:
    for condition in pod.conditions:
        if condition.status == "True" and condition.type in (PENDING, IN_PROGRESS):
            why = f": {condition.message}" if condition.message else ""
            how = "waits for room on its node" if condition.reason == "Deferred" else "is being resized"
            yield f"pod/{pod.name} {how}{why}"
