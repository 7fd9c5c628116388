"""What will happen when the change is made, in sentences; and the QoS class before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import TemplateContainer
from kubectl_oom.judge.fits.pod import WholePod, reserved
from kubectl_oom.judge.preflight.situation import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.judge.preflight.situation import Situation

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"


def effects_of(here: Situation) -> Iterator[str]:
    """One sentence each, in the order in which it happens."""
    if not here.plan.changes:
        return
    if here.facts.target.kind == "Pod":
        yield from _of_a_resize(here)
    else:
        yield from _of_a_template(here)
    yield from _of_the_class(here)


def _of_a_resize(here: Situation) -> Iterator[str]:
    restarted = sorted(here.changed & set(here.facts.restarts_on_resize))
    if restarted:
        yield f"The pod is resized in place; {' and '.join(restarted)} {_is_or_are(restarted)} restarted for it."
    else:
        yield "The pod is resized in place: no container restarts."


def _is_or_are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _of_a_template(here: Situation) -> Iterator[str]:
    facts, kind = here.facts, here.facts.target.kind
    if kind == "Job" and facts.suspended:
        yield "The Job's pods have the new size once it is resumed."
    elif kind == "Job":
        yield "Nothing: a Job's template stays as it was created."
    elif kind == "CronJob":
        yield "The next run of the CronJob has the new size; one that runs now keeps the old size."
    elif facts.paused:
        yield "No pod restarts until the rollout is resumed."
    elif here.replicas == 0:
        yield "No pod restarts: there is none."
    elif facts.strategy == "OnDelete":
        yield f"No pod restarts by itself: {counted(here.replicas, 'pod')} keep the old size until deleted."
    else:
        yield from _of_a_rollout(here)
    if here.plan.in_place:
        yield "Running pods are resized in place as well, until the rollout replaces them."


def _of_a_rollout(here: Situation) -> Iterator[str]:
    facts = here.facts
    count = max(0, here.replicas - facts.partition)
    pods = counted(count, "pod")
    if facts.strategy == "Recreate":
        yield f"{pods} {_stops(count)}, and then as many start with the new size."
        return
    surge = f"up to {facts.surge} more at a time" if facts.surge else "no more at a time than today"
    missing = f"up to {facts.unavailable} unavailable" if facts.unavailable else "none unavailable"
    yield f"{pods} {_restarts(count)}, with {surge} and {missing}."


def _stops(count: int) -> str:
    return "stops" if count == 1 else "stop"


def _restarts(count: int) -> str:
    return "is replaced" if count == 1 else "are replaced"


def _of_the_class(here: Situation) -> Iterator[str]:
    before, after = here.plan.qos_before, here.plan.qos_after
    if before and before == after:
        yield f"The QoS class stays {before}."
    elif before and after:
        yield f"The QoS class changes from {before} to {after}."


# --- QoS -------------------------------------------------------------------------------------------------------------


def classes_of(here: Situation) -> tuple[str | None, str | None]:
    """The QoS class of the pods before and after; None where it cannot be told.

    As `ComputePodQOS` of the API server counts: Guaranteed takes CPU and memory of every container, with limit and
    request the same. What runs in the pods counts, containers that a webhook adds included, as do defaults.
    """
    today = _today(here)
    then = today.with_sizes({change.container: here.after(change) for change in here.plan.changes})
    before = next((pod.qos_class for pod in here.living if pod.qos_class), None) or _class_of(here, today)
    if here.facts.pod_level is not None or not here.plan.changes:
        return before, before  # the pod's own resources decide, and they stay
    if before == GUARANTEED:
        return before, GUARANTEED if _memory_is_guaranteed(then) else BURSTABLE
    if before == BEST_EFFORT:  # which says that no CPU is set
        return before, BURSTABLE if _says_anything(then) else BEST_EFFORT
    return before, _class_of(here, then) if before else None


def _today(here: Situation) -> WholePod:
    for pod in here.living[:1]:
        there = [one for one in pod.containers if one.type.value != "ephemeral"]
        return WholePod(
            containers=tuple(
                TemplateContainer(
                    name=one.name, type=one.type, request_bytes=one.request_bytes, limit_bytes=one.limit_bytes
                )
                for one in there
            )
        )
    return WholePod(containers=here.room.template if here.room else ())


def _class_of(here: Situation, pod: WholePod) -> str | None:
    """From memory and what the template says of CPU; None where that leaves it open."""
    if not pod.containers:
        return None
    if not _memory_is_guaranteed(pod):
        # Without any memory it is BestEffort, unless CPU is set, which is only known where it is guaranteed.
        return BURSTABLE if _says_anything(pod) else None
    own = {one.name for one in here.facts.written}
    if here.facts.cpu_guaranteed is None or any(one.name not in own for one in pod.containers):
        return None
    return GUARANTEED if here.facts.cpu_guaranteed else BURSTABLE


def _memory_is_guaranteed(pod: WholePod) -> bool:
    return all(one.limit_bytes is not None and reserved(one) == one.limit_bytes for one in pod.containers)


def _says_anything(pod: WholePod) -> bool:
    return any(one.limit_bytes is not None or one.request_bytes is not None for one in pod.containers)
