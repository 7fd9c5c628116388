"""What the change means inside the pod: containers that others add, limits that others give, heaps, the pod's own limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Check, Citation, ContainerType, Severity, Verdict
from kubectl_oom.judge.patching import heap_commands_of
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import ContainerChange
    from kubectl_oom.judge.preflight.situation import Situation

# Containers that an admission webhook adds → the annotations of the pod template that set their memory: request, limit.
# istio.io/docs/reference/config/annotations, linkerd.io/2/reference/proxy-configuration,
# docs.dapr.io/operations/hosting/kubernetes/kubernetes-production, and the annotations of HashiCorp's vault-k8s.
_ANNOTATIONS = {
    "istio-proxy": ("sidecar.istio.io/proxyMemory", "sidecar.istio.io/proxyMemoryLimit"),
    "linkerd-proxy": ("config.linkerd.io/proxy-memory-request", "config.linkerd.io/proxy-memory-limit"),
    "daprd": ("dapr.io/sidecar-memory-request", "dapr.io/sidecar-memory-limit"),
    "vault-agent": ("vault.hashicorp.com/agent-requests-mem", "vault.hashicorp.com/agent-limits-mem"),
}
# Istio takes all four values from annotations as soon as one of them is set: what is not annotated is then not set.
_ALL_OR_NOTHING = {"istio-proxy": "; set proxyCPU and proxyCPULimit along with them, or they are lost"}


def within(here: Situation) -> Iterator[Check]:
    """The checks about the containers of the pod."""
    yield from _injected(here)
    for change in here.plan.changes:
        yield from _not_the_limit(here, change)
        yield from _from_a_limit_range(here, change)
        yield from _heap(here, change)
    yield from _pod_level(here)
    yield from _qos(here)


def _injected(here: Situation) -> Iterator[Check]:
    """Containers of the pods that the template lacks: no change of the template reaches them."""
    own = {one.name for one in here.facts.written}
    found = {one.name: one for pod in here.living for one in pod.containers if one.type is not ContainerType.EPHEMERAL}
    wanted = [here.asked.container] if here.asked.container else sorted({*here.by_container} & {*found})
    for name in (name for name in wanted if name in found and name not in own):
        asked = here.by_container.get(name)
        limit = here.asked.limit_bytes or (
            asked.size.recommended.limit_bytes if asked and asked.size.recommended else None
        )
        at = f" of {show_bytes(limit)}" if limit else ""
        annotations = _ANNOTATIONS.get(name)
        where = (
            f"set the annotations {annotations[0]} and {annotations[1]} of the pod template"
            f"{_ALL_OR_NOTHING.get(name, '')}"
            if annotations
            else "set the size where it comes from: kubectl get mutatingwebhookconfigurations"
        )
        yield Check(
            code="injected-container",
            severity=Severity.WARNING,
            message=f"{name} is not in the template of {here.name}: a webhook adds it to the pods, so a limit{at} has "
            "to be set there.",
            evidence=(Citation(source="pod", field="spec.containers", value=name),),
            remedy=where,
            blocks=name == here.asked.container and not here.plan.is_undo,
        )


def _not_the_limit(here: Situation, change: ContainerChange) -> Iterator[Check]:
    """Every kill came from elsewhere: the node ran out, or the pod as a whole."""
    proposal = here.by_container.get(change.container)
    if proposal is None or proposal.kills or not proposal.kills_elsewhere:
        return
    by_node = Verdict.NODE in proposal.kills_elsewhere
    who = "because its node ran out of memory" if by_node else "because its pod reached the limit of the whole pod"
    yield Check(
        code="not-the-limit",
        severity=Severity.WARNING,
        message=f"{change.container} was killed {who}, and not at its own limit: a higher limit alone does not help.",
        evidence=tuple(
            Citation(source="history", field="verdict", value=one.value) for one in proposal.kills_elsewhere
        ),
        remedy="raise the request, so that the scheduler leaves it that much"
        if by_node
        else "raise the limit of the pod, or lower what its other containers use",
    )


def _from_a_limit_range(here: Situation, change: ContainerChange) -> Iterator[Check]:
    given = [one.limit_bytes for one in here.in_pods(change.container) if one.limit_defaulted and one.limit_bytes]
    if change.written.limit is not None or not given:
        return
    yield Check(
        code="limit-from-limit-range",
        severity=Severity.INFO,
        message=f"The limit of {change.container}, {show_bytes(max(given))}, is the default of a LimitRange: the template "
        + (
            "has none, and gets one of its own now." if change.after.limit_bytes else "has none, and keeps having none."
        ),
        evidence=(
            Citation(source="pod", field="metadata.annotations[kubernetes.io/limit-ranger]", value="memory limit"),
        ),
    )


# --- heaps -----------------------------------------------------------------------------------------------------------


def _heap(here: Situation, change: ContainerChange) -> Iterator[Check]:
    """A program that was told how much memory it may take has to be told anew."""
    if change.heap is None or here.plan.is_undo:
        return
    moved = [f"{name}={value}" for name, value in change.env.items()]
    left = [f"{one.name}={one.value}" for one in change.heap.settings if one.name not in change.env]
    if moved:
        yield Check(
            code="heap-moves-along",
            severity=Severity.INFO,
            message=f"{change.container} is told its new memory as well: {', '.join(moved)}.",
            evidence=change.heap.evidence,
        )
    if left:
        command = next(heap_commands_of(here.facts.namespace, here.facts.target, (change,)), None)
        by_hand = None if moved else command
        yield Check(
            code="heap-settings",
            severity=Severity.WARNING,
            message=f"What {change.container} ({change.heap.runtime}) is told about memory stays as it is; with the new "
            f"limit go {', '.join(left)}.",
            evidence=change.heap.evidence,
            remedy=f"apply it with --with-heap, or: {by_hand}" if by_hand else "change that along with the limit",
        )


# --- the pod as a whole ----------------------------------------------------------------------------------------------


def _pod_level(here: Situation) -> Iterator[Check]:
    """A limit of the whole pod that binds before the limits of its containers do."""
    bound = here.facts.pod_level.limit_bytes if here.facts.pod_level else None
    if bound is None or not here.plan.changes:
        return
    after = {change.container: here.after(change).limit_bytes for change in here.plan.changes}
    together = [
        after.get(one.name, one.limit_bytes)
        for pod in here.living[:1]
        for one in pod.containers
        if one.type in (ContainerType.APP, ContainerType.SIDECAR)
    ]
    known = sum(limit for limit in together if limit is not None)
    # A container above the pod's own limit is refused, and said by another check.
    if known > bound and all((limit or 0) <= bound for limit in together):
        yield Check(
            code="pod-limit-binds",
            severity=Severity.WARNING,
            message=f"The limits of its containers come to {show_bytes(known)}, and the whole pod may have "
            f"{show_bytes(bound)}: that limit may be reached first.",
            evidence=(here.cite("spec.resources.limits.memory", show_bytes(bound)),),
            remedy=f"raise spec.resources of the pod to {show_bytes(known)} as well",
        )


def _qos(here: Situation) -> Iterator[Check]:
    before, after = here.plan.qos_before, here.plan.qos_after
    if before is None or after is None or before == after or here.facts.target.kind == "Pod":
        return
    less = "less" if before == "Guaranteed" or after == "BestEffort" else "more"
    yield Check(
        code="qos-change",
        severity=Severity.WARNING,
        message=f"The QoS class changes from {before} to {after}: the pods are protected {less} when a node runs out.",
        evidence=(here.cite("status.qosClass", before),),
        remedy="set request and limit to the same value" if before == "Guaranteed" else None,
    )
