"""The evidence about kills that were just seen, read in time for a verdict within seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import CaseFile, Gap
from kubectl_oom.read.deadline import within
from kubectl_oom.read.gather import gather_about
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.targets import climb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Owner, Pod
    from kubectl_oom.read.gather import Wants
    from kubectl_oom.read.source import Source

# A node that has run out of memory may have a kubelet that answers nobody: a verdict without its word, now, is worth
# more than one with it a minute later.
EVIDENCE_SECONDS = 10.0
_EVENTS = "pod events"  # asked of the API server for every pod
_REFUSED = "(403)"


@dataclass(frozen=True, slots=True)
class Looked:
    """What was read about some pods."""

    case: CaseFile

    @property
    def is_lacking(self) -> bool:
        """Whether the API server itself gave no answer, which may come if it is asked again."""
        return any(gap.source.startswith(_EVENTS) and _REFUSED not in gap.reason for gap in self.case.gaps)

    def with_evidence(self, pod: Pod) -> Pod:
        """The pod as it was seen, with the owners and events that were read."""
        for read in self.case.pods:
            if (read.namespace, read.name, read.uid) == (pod.namespace, pod.name, pod.uid):
                return replace(pod, owners=read.owners, events=read.events)
        return pod

    def case_about(self, pod: Pod) -> CaseFile:
        """The case with that pod in place of the one that was read."""
        others = [one for one in self.case.pods if (one.namespace, one.name) != (pod.namespace, pod.name)]
        return replace(self.case, pods=(pod, *others))


def look_into(source: Source, pods: Sequence[Pod], *, now: datetime, wants: Wants) -> Looked:
    """What can be read about these pods within seconds; of a pod that is shown twice the later one counts."""
    latest = list({(pod.namespace, pod.name): pod for pod in pods}.values())
    try:
        case = within(
            EVIDENCE_SECONDS, lambda: gather_about(source, latest, now=now, wants=wants), whom="the evidence of a kill"
        )
    except ReadError:
        slow = Gap(
            source="all evidence but the status",
            reason=f"it was not there within {EVIDENCE_SECONDS:g} s",
            remedy="ask again: kubectl oom why pod/NAME",
        )
        case = CaseFile(pods=tuple(latest), gaps=(slow,))
    return Looked(case)


def workload_of(source: Source, namespace: str, owner: Owner | None) -> Owner | None:
    """The top of the chain of owners, as far as it can be read; `owner` is the nearest."""
    if owner is None:
        return None
    try:
        chain = within(EVIDENCE_SECONDS, lambda: climb(source, namespace, (owner,)), whom="the owner of a pod")
    except ReadError:
        return owner
    return chain.owners[-1] if chain.owners else owner
