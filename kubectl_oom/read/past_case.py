"""Which workloads a scope is about, for questions about the past: those that were named, and the owners of its pods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Owner, WorkloadPast
from kubectl_oom.read.source import NODES, PODS

if TYPE_CHECKING:
    from kubectl_oom.evidence import CaseFile, MemoryHistory
    from kubectl_oom.read.targets import Scope


def workloads_of(scope: Scope, case: CaseFile) -> list[WorkloadPast]:
    """One entry per workload, with the pods that exist and nothing read yet; a named pod stands for itself.

    A named workload without any pod left is asked about all the same: its past is what is wanted.
    """
    found: dict[tuple[str, Owner | None, str], list[str]] = {}
    named_pods = {target.name for target in scope.targets if target.kind is PODS and target.name}
    for target in scope.targets:
        if target.name and target.kind not in (PODS, NODES):
            version = f"{target.kind.group}/{target.kind.version}"
            named = Owner(api_version=version, kind=target.kind.name, name=target.name)
            found[scope.namespace or "", named, ""] = []
    for pod in case.pods:
        # The nearest workload that was named, else the top of the chain that the metrics engine can follow too.
        owner = None if pod.name in named_pods else _known_owner(pod.owners, [key[1] for key in found])
        found.setdefault((pod.namespace, owner, "" if owner else pod.name), []).append(pod.name)
    return [
        WorkloadPast(
            namespace=namespace, workload=owner, pods=tuple(pods), window=None, history=None, stepped_seconds=None
        )
        for (namespace, owner, _), pods in found.items()
    ]


def _known_owner(owners: tuple[Owner, ...], named: list[Owner | None]) -> Owner | None:
    """The owner whose past is asked for: one that was named, else the highest of Kubernetes' own kinds."""
    for owner in owners:
        for other in named:
            if other and (owner.kind, owner.name) == (other.kind, other.name):
                return other
    builtin = [o for o in owners if o.api_version.partition("/")[0] in ("apps", "batch")]
    return builtin[-1] if builtin else None


def past_of(asked: WorkloadPast, history: MemoryHistory | None) -> WorkloadPast:
    """The past as far as the case itself holds it, where no metrics engine answered."""
    return WorkloadPast(
        namespace=asked.namespace,
        workload=asked.workload,
        pods=asked.pods,
        window=None,
        history=history,
        stepped_seconds=None,
    )
