"""What a resize of running pods needs, and what it cannot do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Check, Citation, ContainerType, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import ContainerChange, Pod
    from kubectl_oom.judge.preflight.situation import Situation

# InPlacePodVerticalScaling is on by default from 1.33 (beta). No kubelet is newer than its API server, so a kubelet
# that can do it tells of a server that can.
RESIZES = (1, 33)
DECREASES = (1, 34)  # before, a lower limit is refused unless the container is restarted for it
RESIZES_INIT = (1, 36)  # InPlacePodVerticalScalingInitContainers, on by default
_VERSION = re.compile(r"^v(\d+)\.(\d+)", re.ASCII)


def in_place(here: Situation) -> Iterator[Check]:
    """The checks of a plan that resizes; none for one that does not."""
    if not here.plan.in_place or not here.plan.changes:
        return
    yield from _kubelets(here)
    yield from _silent(here)
    yield from _classes(here)
    for change in here.plan.changes:
        yield from _what_it_cannot(here, change)
        yield from _decrease(here, change)
        yield from _restarts(here, change)
        yield from _not_running(here, change)


def is_bare(here: Situation) -> bool:
    """Whether the resize is all that happens: a workload's template is changed too, and its pods are replaced."""
    return here.facts.target.kind == "Pod"


def version_of(text: str | None) -> tuple[int, int] | None:
    """Major and minor of `v1.36.3`; None where it is no version."""
    match = _VERSION.match(text or "")
    return (int(match[1]), int(match[2])) if match else None


def _older(here: Situation, than: tuple[int, int]) -> list[Citation]:
    """The kubelets of the pods' nodes that are older than that."""
    nodes = dict.fromkeys(pod.node for pod in here.living if pod.node)
    versions = {node: here.facts.kubelets[node] for node in nodes if node in here.facts.kubelets}
    return [
        Citation(source=f"node/{node}", field="status.nodeInfo.kubeletVersion", value=text)
        for node, text in versions.items()
        if (version_of(text) or than) < than
    ]


def _kubelets(here: Situation) -> Iterator[Check]:
    if old := _older(here, RESIZES):
        yield Check(
            code="resize-not-supported",
            severity=Severity.CRITICAL,
            message="Pods are resized by kubelets of 1.33 and later, and those of "
            f"{', '.join(one.source.partition('/')[2] for one in old)} are older.",
            evidence=tuple(old),
            remedy="make the pod anew with the new size" if is_bare(here) else "leave out --in-place",
            blocks=True,
        )


def _silent(here: Situation) -> Iterator[Check]:
    """Running containers of which the kubelet does not report what is enforced: the API server refuses their resize."""
    if not is_bare(here) or _older(here, RESIZES):
        return
    for change in here.plan.changes:
        named = here.in_pods(change.container)
        if any(one.state == "running" and one.limit_bytes and one.limit_in_effect_bytes is None for one in named):
            yield Check(
                code="resize-not-reported",
                severity=Severity.CRITICAL,
                message=f"The kubelet does not report what it enforces for {change.container}, so the API server takes "
                "it for one that cannot resize.",
                evidence=(here.cite(f"status.containerStatuses[{change.container}].resources", "not set"),),
                remedy="make the pod anew with the new size",
                blocks=True,
            )


def _classes(here: Situation) -> Iterator[Check]:
    before, after = here.plan.qos_before, here.plan.qos_after
    if before and after and before != after:
        yield Check(
            code="resize-changes-qos",
            severity=Severity.CRITICAL,
            message=f"A resize cannot change the QoS class, and this one would make {after} of {before}.",
            evidence=(here.cite("status.qosClass", before),),
            remedy="change request and limit together" if before == "Guaranteed" else "make the pod anew",
            blocks=True,
        )


def _what_it_cannot(here: Situation, change: ContainerChange) -> Iterator[Check]:
    if change.type is ContainerType.INIT and (old := _older(here, RESIZES_INIT)):
        yield Check(
            code="resize-of-init",
            severity=Severity.CRITICAL,
            message=f"{change.container} is an init container, which API servers before 1.36 do not resize.",
            evidence=tuple(old),
            remedy="make the pod anew with the new size",
            blocks=is_bare(here),
        )
    after = here.after(change)
    taken = [
        name
        for name, was, then in (
            ("limit", change.before.limit_bytes, after.limit_bytes),
            ("request", change.before.request_bytes, after.request_bytes),
        )
        if was is not None and then is None
    ]
    if taken:
        yield Check(
            code="resize-cannot-remove",
            severity=Severity.CRITICAL,
            message=f"A resize cannot take away the {' and the '.join(taken)} of {change.container}.",
            evidence=(here.cite(f"resources of {change.container}", f"has a {' and a '.join(taken)}"),),
            remedy="make the pod anew without it",
            blocks=True,
        )


def _decrease(here: Situation, change: ContainerChange) -> Iterator[Check]:
    old, new = change.before.limit_bytes, here.after(change).limit_bytes
    if old is None or new is None or new >= old or change.container in here.facts.restarts_on_resize:
        return
    before_134 = _older(here, DECREASES)
    if before_134:
        yield Check(
            code="resize-decrease",
            severity=Severity.CRITICAL,
            message=f"Before 1.34 the limit of {change.container} cannot be lowered in place.",
            evidence=tuple(before_134),
            remedy="make the pod anew with the new size",
            blocks=True,
        )
    else:
        yield Check(
            code="resize-decrease-may-fail",
            severity=Severity.WARNING,
            message=f"The kubelet lowers the limit of {change.container} only while it uses less than that, caches "
            "included; if it grows in that moment, it is killed.",
            evidence=(here.cite(f"resources.limits.memory of {change.container}", change.written.limit or "not set"),),
        )


def _restarts(here: Situation, change: ContainerChange) -> Iterator[Check]:
    if change.container in here.facts.restarts_on_resize:
        yield Check(
            code="resize-restarts",
            severity=Severity.WARNING,
            message=f"{change.container} is restarted by a resize of its memory, as its resizePolicy says.",
            evidence=(here.cite(f"resizePolicy of {change.container}", "RestartContainer"),),
        )


def _not_running(here: Situation, change: ContainerChange) -> Iterator[Check]:
    """A container that was OOM-killed and is not back: its own cgroup grows and its pod's does not.

    https://github.com/kubernetes/kubernetes/issues/138760
    """
    down = [(pod, state) for pod in here.living if (state := _state(pod, change.container)) not in (None, "running")]
    if down and change.type is not ContainerType.INIT:
        names = ", ".join(pod.name for pod, _ in down)
        yield Check(
            code="resize-not-running",
            severity=Severity.WARNING,
            message=f"{change.container} does not run in {names}: a resize may not bring back what was OOM-killed.",
            evidence=tuple(
                Citation(source=f"pod/{pod.name}", field=f"state of {change.container}", value=state or "")
                for pod, state in down
            ),
            remedy=f"delete the pod if it stays down: kubectl delete pod {down[0][0].name} -n {here.facts.namespace}",
        )


def _state(pod: Pod, name: str) -> str | None:
    found = next((one for one in pod.containers if one.name == name), None)
    return (found.waiting_reason or found.state) if found else None
