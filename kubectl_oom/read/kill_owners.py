"""The workloads of pods with a trace of a kill: one read per owner, or their names where there are too many."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Gap, Owner
from kubectl_oom.read.at_once import readers
from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.gather import AT_ONCE
from kubectl_oom.read.relations import first_of_each_owner
from kubectl_oom.read.source import REPLICA_SETS, ReadError
from kubectl_oom.read.targets import Climb, climb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubectl_oom.evidence import Pod, PodKey
    from kubectl_oom.read.source import Source

# Owners that are read one by one: two requests each, eight at a time, are a second or two.
MOST_OWNERS_READ = 100
Chains = dict[tuple[str, Owner], tuple[Owner, ...]]


def with_workloads(
    source: Source, pods: Iterable[Pod], by_hash: Mapping[PodKey, Owner], gaps: list[Gap]
) -> dict[PodKey, Pod]:
    """The pods with the chains of their owners.

    `by_hash` are the Deployments that the names of ReplicaSets tell; they stand in where the chain could not be read.
    """
    listed = list(pods)
    firsts = first_of_each_owner(listed)
    read = firsts[:MOST_OWNERS_READ]
    chains = _chains(source, read, gaps)
    if len(read) < len(firsts):
        gaps.append(
            Gap(
                source="owners",
                reason=f"of {len(firsts)} owners of pods {len(read)} were read: Deployments of the others are told by the "
                "names of their ReplicaSets, and Jobs stand for their CronJobs",
                remedy="narrow the question: -n or -l",
            )
        )
    return {key: _owned(pod, chains, by_hash.get(key)) for pod in listed for key in ((pod.namespace, pod.name),)}


def _chains(source: Source, firsts: list[Pod], gaps: list[Gap]) -> Chains:
    def chain_of(pod: Pod) -> Climb:
        return climb(source, pod.namespace, pod.owners)

    found: Chains = {}
    with readers(AT_ONCE, "owners") as pool:
        for pod, climbed in zip(firsts, pool.map(chain_of, firsts), strict=True):
            found[pod.namespace, pod.owners[-1]] = climbed.owners
            if climbed.stopped_by and climbed.stopped_by.reason != "NotFound":  # a deleted owner is no gap
                _tell(gaps, climbed.owners[-1].kind, climbed.stopped_by)
    return found


def _tell(gaps: list[Gap], kind: str, error: ReadError) -> None:
    """One gap for each kind: a hundred ReplicaSets that may not be read are one permission."""
    gap = gap_of("owners", f"{kind}s", error)
    if gap not in gaps:
        gaps.append(gap)


def _owned(pod: Pod, chains: Chains, by_hash: Owner | None) -> Pod:
    if not pod.owners:
        return pod
    chain = chains.get((pod.namespace, pod.owners[-1]), pod.owners)
    if by_hash and len(chain) == 1 and chain[0].kind == REPLICA_SETS.name:
        chain = (*chain, by_hash)
    return replace(pod, owners=chain)
