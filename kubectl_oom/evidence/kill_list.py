"""What `list` reads and answers: who was killed, anywhere."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kubectl_oom.evidence.case import CaseFile
    from kubectl_oom.evidence.cluster import Owner
    from kubectl_oom.evidence.past import WorkloadPast
    from kubectl_oom.evidence.vocabulary import Confidence, ContainerType, Gap, Pattern, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class KillLot:
    """Some pods of one namespace with a trace of a kill: what is judged together, and can be dropped after that."""

    case: CaseFile  # the pods that exist
    past: WorkloadPast  # what a metrics engine remembers of these pods, and of those that are gone
    owners: Mapping[str, Owner] = field(default_factory=dict)  # a pod that is gone → its workload
    counted: bool = False  # every scrape was looked at, so the number of kills is not the API's two ends at most
    counted_since: datetime | None = None  # the scrapes begin within the window, then; None: they were there before it


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedKill:
    """One container that was killed, once or more; what is told of a kill is told of the last one."""

    namespace: str
    pod: str
    pod_gone: bool
    container: str
    container_type: ContainerType | None  # None: the pod is gone
    workload: Owner | None  # None: nothing owns it, or the pod is gone and nothing kept its owner
    node: str | None
    verdict: Verdict
    confidence: Confidence
    is_oom: bool  # a kernel OOM kill; False only for what ended with 137 and was asked for
    kills: int  # in the window
    at_least: bool  # earlier restarts may have been kills too: the API keeps two ends
    verdicts: Mapping[Verdict, int]  # of all its kills
    last_killed_at: datetime | None  # None: no source says when
    exit_code: int | None
    limit_bytes: int | None  # None: no limit, or not known
    unlimited: bool  # there is none
    pattern: Pattern
    highest_sampled_bytes: int | None  # working set, in the life that ended
    sources: tuple[str, ...]
    context: str | None = None  # of the kubeconfig, where several were asked


@dataclass(frozen=True, slots=True, kw_only=True)
class KillList:
    """What `list` answers."""

    items: tuple[ListedKill, ...]
    gaps: tuple[Gap, ...]
