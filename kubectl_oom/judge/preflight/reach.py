"""How the change reaches the pods, and what stands in its way: paused, by hand only, at the price of downtime."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import ENDED_PHASES, Check, Citation, Severity
from kubectl_oom.judge.preflight.situation import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Pod
    from kubectl_oom.judge.preflight.situation import Situation

ROLLING = "RollingUpdate"


def reach(here: Situation) -> Iterator[Check]:
    """The checks about the rollout; a pod that is resized has none."""
    if here.facts.target.kind == "Pod":
        yield from _pod_of_a_controller(here)
        return
    yield from _job(here)
    yield from _does_not_start(here)
    yield from _downtime(here)
    yield from _budgets(here)
    yield from _claims(here)


def _pod_of_a_controller(here: Situation) -> Iterator[Check]:
    owner = here.facts.controller
    if owner is None:
        return
    cited = here.cite("metadata.ownerReferences", f"{owner.api_version} {owner.kind} {owner.name}")
    if owner.kind == "Node":
        yield Check(
            code="static-pod",
            severity=Severity.CRITICAL,
            message=f"{here.name} mirrors a static pod: the kubelet of {owner.name} makes it from a file on the node.",
            evidence=(cited,),
            remedy=f"change the file on node {owner.name}",
            blocks=True,
        )
    elif owner.is_built_in:  # an operator's own kind is told by another check
        yield Check(
            code="template-unchanged",
            severity=Severity.WARNING,
            message=f"Only this one pod is resized: the next pod of {owner.kind} {owner.name} has the old size.",
            evidence=(cited,),
            remedy="fix the workload instead, or as well",
        )


def _job(here: Situation) -> Iterator[Check]:
    if here.facts.target.kind != "Job":
        return
    if here.facts.suspended:
        yield Check(
            code="job-suspended",
            severity=Severity.WARNING,
            message=f"{here.name} is suspended: API servers of 1.36 and later take new sizes then, earlier ones refuse.",
            evidence=(here.cite("spec.suspend", "true"),),
        )
        return
    yield Check(
        code="job-immutable",
        severity=Severity.CRITICAL,
        message=f"The template of {here.name} cannot be changed: the API server refuses that.",
        evidence=(here.cite("kind", "Job"),),
        remedy=f"delete it and create it with the new size: kubectl get {here.shell_name} -o yaml",
        blocks=True,
    )


def _does_not_start(here: Situation) -> Iterator[Check]:
    facts = here.facts
    if facts.paused:
        yield Check(
            code="paused",
            severity=Severity.WARNING,
            message=f"{here.name} is paused: no pod gets the new size until it is resumed.",
            evidence=(here.cite("spec.paused", "true"),),
            remedy=f"kubectl rollout resume {here.shell_name}",
        )
    if facts.strategy == "OnDelete":
        yield Check(
            code="on-delete",
            severity=Severity.WARNING,
            message=f"{here.name} does not replace its pods by itself: each gets the new size after it was deleted.",
            evidence=(here.cite("spec.updateStrategy.type", "OnDelete"),),
            remedy="delete its pods one after the other, each when the one before is ready",
        )
    if facts.partition > 0:
        kept = min(facts.partition, here.replicas)
        yield Check(
            code="partition",
            severity=Severity.WARNING,
            message=f"{here.name} keeps {counted(kept, 'pod')} as they are: its rollout begins at ordinal "
            f"{facts.partition}.",
            evidence=(here.cite("spec.updateStrategy.rollingUpdate.partition", str(facts.partition)),),
            remedy="set the partition to 0 when the others are well",
        )
    down = [pod.name for pod in here.living if is_down(pod)] if facts.ordered else []
    if down:
        yield Check(
            code="waits-for-ready",
            severity=Severity.WARNING,
            message=f"{here.name} replaces no pod before all are ready, and {' and '.join(down)} "
            f"{'is' if len(down) == 1 else 'are'} not: what is down keeps the old size until it is deleted.",
            evidence=tuple(
                Citation(source=f"pod/{name}", field="status.conditions[Ready]", value="False") for name in down
            ),
            remedy=f"after the change: kubectl delete pod {' '.join(down)} -n {facts.namespace}",
        )
    if facts.replicas == 0 and facts.target.kind != "CronJob":
        yield Check(
            code="no-replicas",
            severity=Severity.INFO,
            message=f"{here.name} has no replicas: the new size shows when it is scaled up.",
            evidence=(here.cite("spec.replicas", "0"),),
        )


def is_down(pod: Pod) -> bool:
    """Whether its kubelet, or the scheduler, says that it is not ready."""
    return pod.phase not in ENDED_PHASES and any(
        one.status == "False" and one.type in ("Ready", "PodScheduled") for one in pod.conditions
    )


def _downtime(here: Situation) -> Iterator[Check]:
    facts = here.facts
    if facts.strategy == "Recreate" and here.replicas:
        yield Check(
            code="recreate",
            severity=Severity.WARNING,
            message=f"All {counted(here.replicas, 'pod')} stop before the first new one starts: it is down meanwhile."
            if here.replicas > 1
            else "Its one pod stops before the new one starts: it is down meanwhile.",
            evidence=(here.cite("spec.strategy.type", "Recreate"),),
            remedy="choose an hour when that is acceptable",
        )
    elif facts.strategy == ROLLING and here.replicas == 1 and facts.surge == 0 and facts.target.kind != "DaemonSet":
        yield Check(
            code="single-replica",
            severity=Severity.WARNING,
            message="There is one replica, and it stops before the new one starts: it is down meanwhile.",
            evidence=(here.cite("spec.replicas", "1"),),
            remedy="choose an hour when that is acceptable",
        )


def _budgets(here: Situation) -> Iterator[Check]:
    """A rollout asks no budget: only the eviction API does. Whoever made the budget did not expect that."""
    missing = here.replicas if here.facts.strategy == "Recreate" else here.facts.unavailable
    for budget in here.facts.budgets:
        if budget.allowed is not None and missing > budget.allowed and _starts_by_itself(here):
            yield Check(
                code="pod-disruption-budget",
                severity=Severity.WARNING,
                message=f"PodDisruptionBudget {budget.name} allows {counted(budget.allowed, 'disruption')} now, and a "
                f"rollout does not ask it: {counted(missing, 'pod')} may be missing at a time.",
                evidence=(_allowed(budget.name, budget.allowed),),
                remedy="lower maxUnavailable of the workload if that is too many",
            )


def _starts_by_itself(here: Situation) -> bool:
    return not here.facts.paused and here.facts.strategy in (ROLLING, "Recreate")


def _allowed(name: str, allowed: int) -> Citation:
    return Citation(source=f"poddisruptionbudget/{name}", field="status.disruptionsAllowed", value=str(allowed))


def _claims(here: Situation) -> Iterator[Check]:
    """Old and new pods run beside each other where there is a surge, and want the same volume."""
    facts = here.facts
    if not (facts.strategy == ROLLING and facts.surge and here.replicas):
        return
    # With nothing allowed to be missing the old pod stays until the new one is ready, which it never is.
    stuck = facts.unavailable == 0
    for claim in facts.claims_one_pod:
        yield Check(
            code="claim-of-one-pod",
            severity=Severity.CRITICAL,
            message=f"Claim {claim} may be used by one pod: the scheduler refuses the new pod while the old one runs"
            + (", and the old one runs until the new one is ready." if stuck else "."),
            evidence=(_mode(claim, "ReadWriteOncePod"),),
            remedy="set the strategy to Recreate, or maxSurge to 0 and maxUnavailable to 1",
            blocks=stuck,
        )
    for claim in facts.claims_once:
        yield Check(
            code="claim-on-one-node",
            severity=Severity.WARNING,
            message=f"Claim {claim} may be mounted on one node: a new pod that lands on another waits (Multi-Attach) "
            "while the old one runs" + (", and the old one runs until the new one is ready." if stuck else "."),
            evidence=(_mode(claim, "ReadWriteOnce"),),
            remedy="set the strategy to Recreate, or maxSurge to 0 and maxUnavailable to 1",
        )


def _mode(claim: str, mode: str) -> Citation:
    return Citation(source=f"persistentvolumeclaim/{claim}", field="spec.accessModes", value=mode)
