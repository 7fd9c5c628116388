"""What is worth knowing where the node, not the container, ran out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, ContainerType, Finding, Severity, Verdict
from kubectl_oom.judge.messages import eviction
from kubectl_oom.judge.running import no_limit
from kubectl_oom.quantity import parse_bytes, show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Container, Node, Pod
    from kubectl_oom.judge.clues import Clues
    from kubectl_oom.judge.scope import Ruling
# Guaranteed and node-critical containers, and the bounds of the rest (pkg/kubelet/qos/policy.go).
GUARANTEED_ADJ, BEST_EFFORT_ADJ, LOWEST_BURSTABLE_ADJ, HIGHEST_BURSTABLE_ADJ = -997, 1000, 3, 999
SHOWN_NEIGHBOURS = 3


def node_findings(clues: Clues, ruling: Ruling) -> Iterator[Finding]:
    """What made this container the victim, and who used more than it asked for."""
    if ruling.verdict is not Verdict.NODE and not (
        ruling.verdict is Verdict.EVICTED and eviction(clues.pod.message).resource == "memory"
    ):
        return
    adj = oom_score_adj(clues.pod, clues.container, clues.node)
    if adj is not None:
        yield Finding(
            code="oom-score",
            severity=Severity.INFO,
            message=f"oom_score_adj {adj} (QoS {clues.pod.qos_class or 'not known'}): the kernel picks the process with the most "
            "memory plus this handicap, 1000 being the whole node.",
            remedy="a higher memory request lowers it; a higher limit does not",
        )
    over = [
        n
        for n in (clues.node.neighbours if clues.node else ())
        if n.working_set_bytes is not None
        and n.working_set_bytes > n.request_bytes
        and (n.namespace, n.name) != (clues.pod.namespace, clues.pod.name)
    ][:SHOWN_NEIGHBOURS]
    if over:
        told = "; ".join(
            f"{n.namespace}/{n.name} uses {show_bytes(n.working_set_bytes or 0)}, requests {show_bytes(n.request_bytes)}"
            for n in over
        )
        yield Finding(
            code="neighbours-over-request",
            severity=Severity.WARNING,
            message=f"Pods on node {clues.node.name if clues.node else ''} that use more than they request now: {told}.",
            remedy="raise their requests so that the scheduler spreads them",
        )
    if clues.container.limit_bytes is None and clues.pod.limit_bytes is None:
        yield no_limit(clues.container)


def oom_score_adj(pod: Pod, container: Container, node: Node | None) -> int | None:
    """The handicap the kubelet gives the container's processes; None where node or QoS class is not known."""
    if pod.qos_class == "Guaranteed" or pod.priority_class == "system-node-critical":
        return GUARANTEED_ADJ
    if pod.qos_class == "BestEffort":
        return BEST_EFFORT_ADJ
    if node is None or not node.capacity_bytes or pod.qos_class != "Burstable" or pod.request_bytes is not None:
        return None
    adj = 1000 - 1000 * (container.request_bytes or 0) // node.capacity_bytes
    if container.type is ContainerType.SIDECAR:
        requests = [c.request_bytes or 0 for c in pod.containers if c.type is ContainerType.APP]
        adj = min(adj, 1000 - 1000 * min(requests, default=0) // node.capacity_bytes)
    return min(max(adj, LOWEST_BURSTABLE_ADJ), HIGHEST_BURSTABLE_ADJ)


def eviction_of_end(clues: Clues, ruling: Ruling) -> Iterator[Finding]:
    """What an eviction's message says, where this end was one."""
    if ruling.verdict is Verdict.EVICTED:
        yield from eviction_findings(clues.pod)


def eviction_findings(pod: Pod) -> Iterator[Finding]:
    """What the eviction's own message says about who used too much."""
    told = eviction(pod.message)
    if not told.container or not told.use or not told.request:
        return
    use, request = parse_bytes(told.use), parse_bytes(told.request)
    use_text = show_bytes(use) if use is not None else told.use
    request_text = show_bytes(request) if request else "nothing"
    yield Finding(
        code="over-request",
        severity=Severity.WARNING,
        message=f"Container {told.container} was using {use_text} and requests {request_text}; the node had "
        f"{told.available or 'little'} left.",
        evidence=(Citation(source="pod", field="status.message", value=" ".join((pod.message or "").split())[:160]),),
        remedy="raise the request to what it really uses: kubectl oom history",
    )
