"""The answer of `report`: what `why`, `history` and `recommend` concluded, put together per incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import KERNEL_OOM_VERDICTS, NOTHING_KILLED, PostMortem, PostMortemReport
from kubectl_oom.judge.post_mortem.impact import impact_of
from kubectl_oom.judge.post_mortem.kernel import why_no_throttling
from kubectl_oom.judge.post_mortem.measures import measures_of
from kubectl_oom.judge.post_mortem.timeline import timeline_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kubectl_oom.evidence import (
        CaseFile,
        ContainerHistory,
        Diagnosis,
        HistoryReport,
        Proposal,
        ProposalReport,
        Report,
    )

OWN_COMMANDS = frozenset({"history"})


def post_mortems(
    case: CaseFile,
    report: Report,
    history: HistoryReport,
    proposals: ProposalReport,
    *,
    commands: Collection[str] = OWN_COMMANDS,
) -> PostMortemReport:
    """One post-mortem per container of a workload that something ended in the window, the newest first.

    `report`, `history` and `proposals` are the answers to the same `case`. Of our own commands only those among
    `commands` are advised.
    """
    items = [_post_mortem(case, report, one, proposals.items, commands) for one in history.items]
    found = [item for item in items if item is not None]
    found.sort(key=lambda item: -(item.happened_at.timestamp() if item.happened_at else 0.0))
    gaps = dict.fromkeys((*report.gaps, *history.gaps, *proposals.gaps))
    return PostMortemReport(items=tuple(found), gaps=tuple(gaps), since=history.since, until=history.until)


def _post_mortem(
    case: CaseFile, report: Report, history: ContainerHistory, proposals: Sequence[Proposal], commands: Collection[str]
) -> PostMortem | None:
    """None where nothing of this container was ended that any source shows."""
    ended = sorted((item for item in report.items if _is_of(item, history)), key=_kernel_kills_first)
    if not ended and not history.kills:
        return None
    told = ended[0] if ended else None
    last = history.kills[0] if history.kills else None
    proposal = next((one for one in proposals if _is_for(one, history)), None)
    impact = impact_of(case, history, ended)
    return PostMortem(
        namespace=history.namespace,
        workload=history.workload,
        pod=told.pod if told else last.pod if last else None,
        container=history.container,
        happened_at=(told.killed_at if told else None) or (last.at if last else None),
        diagnosis=told,
        others=tuple(ended[1:]),
        history=history,
        proposal=proposal,
        impact=impact,
        timeline=timeline_of(case, history, ended),
        kernel=why_no_throttling(told, _qos_class(case, told)) if told else (),
        measures=measures_of(history, told, proposal, impact, commands),
    )


def _is_of(item: Diagnosis, history: ContainerHistory) -> bool:
    """Whether it is an end of this container; what never ended, and an exit that no kill explains, is no incident."""
    same = (item.namespace, item.container) == (history.namespace, history.container) and item.pod in history.pods
    return same and item.verdict not in NOTHING_KILLED


def _is_for(proposal: Proposal, history: ContainerHistory) -> bool:
    size = proposal.size
    same = (size.namespace, size.workload, size.container) == (history.namespace, history.workload, history.container)
    return same and (history.workload is not None or proposal.pod in history.pods)


def _kernel_kills_first(item: Diagnosis) -> tuple[bool, float]:
    return item.verdict not in KERNEL_OOM_VERDICTS, -(item.killed_at.timestamp() if item.killed_at else 0.0)


def _qos_class(case: CaseFile, told: Diagnosis) -> str | None:
    """The QoS class of the pod, which decides whom the kernel takes first."""
    return next((p.qos_class for p in case.pods if (p.namespace, p.name) == (told.namespace, told.pod)), None)
