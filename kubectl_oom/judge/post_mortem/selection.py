"""What of a large selection is read on: the workloads in which something ended, with all of their pods."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import NOTHING_KILLED, Gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kubectl_oom.evidence import CaseFile, Owner, Pod, Report

    # Namespace, kind and name of an owner → that owner and those above it.
    Chains = Mapping[tuple[str, str, str], tuple[Owner, ...]]


def only_ended(case: CaseFile, report: Report) -> CaseFile:
    """The case with those workloads alone in which something ended; a gap names how much was left out.

    In a large selection the owners of a pod that runs undisturbed are not climbed: they are those of its sibling.
    """
    keys = {(item.namespace, item.pod) for item in report.items if item.verdict not in NOTHING_KILLED}
    ended = [pod for pod in case.pods if (pod.namespace, pod.name) in keys]
    kept = tuple(_with_siblings(case.pods, {(pod.namespace, pod.name) for pod in ended}, _chains(ended)))
    left_out = len(case.pods) - len(kept)
    if not left_out:
        return replace(case, pods=kept)
    gap = Gap(
        source="kills of the past",
        reason=f"{left_out} pod{'' if left_out == 1 else 's'} of workloads in which the API shows no kill were not asked about",
        remedy="name a workload, and the metrics engine is asked about its past too",
    )
    return replace(case, pods=kept, gaps=(*case.gaps, gap))


def _chains(ended: Iterable[Pod]) -> Chains:
    return {
        (pod.namespace, owner.kind, owner.name): pod.owners[place:]
        for pod in ended
        for place, owner in enumerate(pod.owners)
    }


def _with_siblings(pods: Iterable[Pod], ended: set[tuple[str, str]], chains: Chains) -> Iterator[Pod]:
    for pod in pods:
        if (pod.namespace, pod.name) in ended:
            yield pod
        elif chain := _chain_of(pod, chains):
            yield replace(pod, owners=chain)


def _chain_of(pod: Pod, chains: Chains) -> tuple[Owner, ...]:
    """The owners of a pod of a workload in which something ended; none for any other."""
    for place, owner in enumerate(pod.owners):
        if above := chains.get((pod.namespace, owner.kind, owner.name)):
            return (*pod.owners[:place], *above)
    nearest = pod.owners[0] if len(pod.owners) == 1 else None
    if nearest is None or nearest.kind != "ReplicaSet":
        return ()
    # As the deployment controller names them: the Deployment's name and a hash.
    above = chains.get((pod.namespace, "Deployment", nearest.name.rpartition("-")[0]), ())
    return (nearest, *above) if above else ()
