"""What keeps a rollout from going on, as its pods, conditions and events tell it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.act.steps import condition_of
from kubectl_oom.judge.messages import start_needs
from kubectl_oom.judge.preflight.reach import is_down
from kubectl_oom.quantity import show_bytes
from kubectl_oom.read.answer import part, text
from kubectl_oom.read.workload import is_ordered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Container, Event, Pod
    from kubectl_oom.read.source import Json

# A quota is free again when old pods have ended; the ReplicaSet tries again within seconds.
QUOTA_SECONDS = 30.0
# A cluster autoscaler brings a node within two to three minutes.
SCHEDULING_SECONDS = 180.0
# The kubelet tries again every 12 s or so; a network plug-in that starts together with its node is there by then.
SANDBOX_SECONDS = 60.0
# LimitRanger's words: what they refuse is refused for good.
_LIMIT_RANGE = re.compile(r"(?:maximum|minimum) memory usage per|memory max limit to request ratio per")
# Why a container is not started, where waiting does not help.
REFUSED_STARTS = frozenset(
    {
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One thing that stands in the way."""

    because: str
    remedy: str | None
    fails_after: float = 0.0  # seconds without movement after which it is a failure


def trouble_of(
    item: Json,
    new_pods: Sequence[Pod],
    events: Sequence[Event],
    since: datetime | None,
    old_pods: Sequence[Pod] = (),
) -> Trouble | None:
    """The worst thing that stands in the way, None where nothing does.

    `new_pods` are those of the new template and `old_pods` the others, `events` the workload's own and those of pods
    that do not start; what was before `since` is not counted.
    """
    found = [
        *(trouble for pod in new_pods for trouble in _of_pod(pod, since)),
        *_of_creation(item, events, since),
        *_of_sandboxes(new_pods, events),
        *_of_order(item, old_pods),
    ]
    worst = min(found, key=lambda one: one.fails_after, default=None)
    if condition_of(item, "Progressing").get("reason") == "ProgressDeadlineExceeded":
        return replace(worst, fails_after=0.0) if worst else _too_late(_namespace_of(item))
    return worst


def _of_pod(pod: Pod, since: datetime | None) -> Iterator[Trouble]:
    for container in pod.containers:
        if was_killed(container, since):
            yield _killed(pod, container)
        elif container.waiting_reason == "CrashLoopBackOff" and container.restart_count:
            yield _crashes(pod, container)
        elif container.waiting_reason in REFUSED_STARTS:
            message = f" ({container.waiting_message})" if container.waiting_message else ""
            yield Trouble(
                because=f"{container.name} of pod/{pod.name} does not start: {container.waiting_reason}{message}.",
                remedy=f"kubectl describe pod {pod.name} -n {pod.namespace}",
            )
    for condition in pod.conditions:
        if condition.type == "PodScheduled" and condition.reason == "Unschedulable":
            yield Trouble(
                because=f"pod/{pod.name} finds no node: {condition.message or 'the scheduler does not say why'}",
                remedy="A smaller --request, or a node with more room",
                fails_after=SCHEDULING_SECONDS,
            )


def _too_late(namespace: str) -> Trouble:
    return Trouble(
        because="The rollout made no progress within its progressDeadlineSeconds (ProgressDeadlineExceeded).",
        remedy=f"kubectl get events -n {namespace} --sort-by=.lastTimestamp shows what its pods wait for",
    )


def _namespace_of(item: Json) -> str:
    return text(part(item, "metadata").get("namespace")) or ""


def _of_sandboxes(new_pods: Sequence[Pod], events: Sequence[Event]) -> Iterator[Trouble]:
    """Pods that are not started at all: their status only says that they are being created."""
    waiting = {pod.name for pod in new_pods}
    for event in events:
        if event.reason != "FailedCreatePodSandBox" or event.object_name not in waiting:
            continue
        too_low, _ = start_needs(event.message)
        if too_low:
            yield Trouble(
                because=f"pod/{event.object_name} does not start: its memory limit is less than the container runtime "
                "needs to start it.",
                remedy="A larger --limit",
            )
        else:
            yield Trouble(
                because=f"pod/{event.object_name} does not start: {event.message}",
                remedy=None,
                fails_after=SANDBOX_SECONDS,
            )


def _of_order(item: Json, old_pods: Sequence[Pod]) -> Iterator[Trouble]:
    """Pods for which an ordered StatefulSet waits before it replaces any, themselves included.

    https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
    """
    if not is_ordered(item):
        return
    for pod in old_pods:
        if is_down(pod):
            yield Trouble(
                because=f"The StatefulSet replaces no pod before pod/{pod.name} is ready, and that one still has the size "
                "from before.",
                remedy=f"Unless it gets ready: kubectl delete pod {pod.name} -n {pod.namespace} (the one made in its place "
                "has what stands in the template)",
                fails_after=math.inf,  # it may get ready, if only for a moment
            )


def was_killed(container: Container, since: datetime | None) -> bool:
    """Whether an instance of it was OOM-killed, as far as the API remembers, not before `since`."""
    return any(
        end.reason == "OOMKilled" and (since is None or end.finished_at is None or end.finished_at >= since)
        for end in container.terminations
    )


def _killed(pod: Pod, container: Container) -> Trouble:
    limit = f" of {show_bytes(container.limit_bytes)}" if container.limit_bytes is not None else ""
    return Trouble(
        because=f"{container.name} of pod/{pod.name} was OOM-killed again, under the new limit{limit}.",
        remedy=f"kubectl oom why {pod.name} -n {pod.namespace}",
    )


def _crashes(pod: Pod, container: Container) -> Trouble:
    end = container.terminations[0] if container.terminations else None
    how = f", last with exit code {end.exit_code}" if end and end.exit_code is not None else ""
    return Trouble(
        because=f"{container.name} of pod/{pod.name} crashes again and again{how} (CrashLoopBackOff).",
        remedy=f"kubectl logs {pod.name} -n {pod.namespace} -c {container.name} --previous",
    )


def _of_creation(item: Json, events: Sequence[Event], since: datetime | None) -> Iterator[Trouble]:
    """Pods that could not be created: a Deployment has a condition of it, other kinds only events."""
    failure, namespace = condition_of(item, "ReplicaFailure"), _namespace_of(item)
    if failure.get("status") == "True":
        yield _not_created(text(failure.get("message")) or "", namespace)
    for event in events:
        late = event.last_at is not None and (since is None or event.last_at >= since)
        if event.reason == "FailedCreate" and late:
            yield _not_created(event.message, namespace)


def _not_created(message: str, namespace: str) -> Trouble:
    if _LIMIT_RANGE.search(message):
        return Trouble(
            because=f"A LimitRange refuses the new pods: {message}",
            remedy=f"kubectl describe limitrange -n {namespace} shows what it allows",
        )
    if "exceeded quota" in message:
        return Trouble(
            because=f"A ResourceQuota refuses the new pods: {message}",
            remedy="Raise the quota, or roll out with less surge: old and new pods count together",
            fails_after=QUOTA_SECONDS,
        )
    return Trouble(because=f"The new pods cannot be created: {message}", remedy=None, fails_after=QUOTA_SECONDS)
