"""What was read, and what was concluded: the vocabulary that read, judge and show share.

Frozen values only. Bytes are `int`, times are aware `datetime`s in UTC, durations are seconds, absent is `None`
and never 0. What could not be read is evidence too: a `Gap`.

A name loads its module when it is used first: Python takes half a millisecond to make a dataclass, there are
ninety, and `why` needs a third of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kubectl_oom.evidence.case import CaseFile
    from kubectl_oom.evidence.cluster import (
        ENDED_PHASES,
        Condition,
        Container,
        ContainerKey,
        Event,
        HeapLine,
        LimitDefault,
        MemoryVolume,
        Neighbour,
        Node,
        Owner,
        Pod,
        PodKey,
        Replicas,
        Termination,
        WorkloadKey,
    )
    from kubectl_oom.evidence.diagnosis import Checkup, Diagnosis, LastSample, NodeAnswer, Report, RunUp
    from kubectl_oom.evidence.fixing import (
        Budget,
        Check,
        ContainerChange,
        FieldManager,
        FixOutcome,
        FixPlan,
        FixReport,
        Rolled,
        RolloutState,
        Saved,
        Watched,
        WorkloadFacts,
        Written,
    )
    from kubectl_oom.evidence.history import ContainerHistory, HistoryReport, ImageChange, Kill, LifeGrowth
    from kubectl_oom.evidence.kill_list import KillList, KillLot, ListedKill
    from kubectl_oom.evidence.memory import Life, MemoryHistory, MemoryNow, Sample
    from kubectl_oom.evidence.past import ContainerWindow, MemoryWindow, PastKill, Spread, WorkloadPast
    from kubectl_oom.evidence.post_mortem import (
        Happening,
        Impact,
        Measure,
        MeasureKind,
        Outage,
        PostMortem,
        PostMortemReport,
    )
    from kubectl_oom.evidence.proposal import (
        Change,
        Cost,
        ExpectedKills,
        Fit,
        HeapAdvice,
        Proposal,
        ProposalReport,
        Risk,
        Setting,
    )
    from kubectl_oom.evidence.room import (
        HorizontalAutoscaler,
        LimitRule,
        MemoryMetric,
        NodeRoom,
        Quota,
        Rollout,
        Room,
        TemplateContainer,
        VerticalAutoscaler,
        VerticalPolicy,
    )
    from kubectl_oom.evidence.scaling import Autoscaler, Scaling, ScalingAnswer
    from kubectl_oom.evidence.sizing import Band, Recommendation, Sizes, WorkloadClass
    from kubectl_oom.evidence.vocabulary import (
        KERNEL_OOM_VERDICTS,
        NOTHING_KILLED,
        Citation,
        Confidence,
        ContainerType,
        Finding,
        Gap,
        Pattern,
        Severity,
        Verdict,
    )
    from kubectl_oom.evidence.watching import (
        Climb,
        EndSeen,
        EndsMissed,
        Gauge,
        KillSeen,
        Mark,
        Sighting,
        StuckSeen,
        Warned,
        WatchEvent,
    )

# Where each name is; the imports above tell type checkers the same.
_NAMES = {
    "case": "CaseFile",
    "cluster": (
        "ENDED_PHASES Condition Container ContainerKey Event HeapLine LimitDefault MemoryVolume Neighbour "
        "Node Owner Pod PodKey Replicas Termination WorkloadKey"
    ),
    "diagnosis": "Checkup Diagnosis LastSample NodeAnswer Report RunUp",
    "fixing": (
        "Budget Check ContainerChange FieldManager FixOutcome FixPlan FixReport Rolled RolloutState Saved "
        "Watched WorkloadFacts Written"
    ),
    "history": "ContainerHistory HistoryReport ImageChange Kill LifeGrowth",
    "kill_list": "KillList KillLot ListedKill",
    "memory": "Life MemoryHistory MemoryNow Sample",
    "past": "ContainerWindow MemoryWindow PastKill Spread WorkloadPast",
    "post_mortem": "Happening Impact Measure MeasureKind Outage PostMortem PostMortemReport",
    "proposal": "Change Cost ExpectedKills Fit HeapAdvice Proposal ProposalReport Risk Setting",
    "room": (
        "HorizontalAutoscaler LimitRule MemoryMetric NodeRoom Quota Rollout Room TemplateContainer "
        "VerticalAutoscaler VerticalPolicy"
    ),
    "scaling": "Autoscaler Scaling ScalingAnswer",
    "sizing": "Band Recommendation Sizes WorkloadClass",
    "vocabulary": (
        "KERNEL_OOM_VERDICTS NOTHING_KILLED Citation Confidence ContainerType Finding Gap Pattern Severity Verdict"
    ),
    "watching": "Climb EndSeen EndsMissed Gauge KillSeen Mark Sighting StuckSeen Warned WatchEvent",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}


if not TYPE_CHECKING:  # a type checker would take any name for one of ours

    def __getattr__(name: str) -> object:
        """The name, from the module it is defined in."""
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found: object = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = found  # the next one finds it without asking here
        return found


__all__ = [
    "ENDED_PHASES",
    "KERNEL_OOM_VERDICTS",
    "NOTHING_KILLED",
    "Autoscaler",
    "Band",
    "Budget",
    "CaseFile",
    "Change",
    "Check",
    "Checkup",
    "Citation",
    "Climb",
    "Condition",
    "Confidence",
    "Container",
    "ContainerChange",
    "ContainerHistory",
    "ContainerKey",
    "ContainerType",
    "ContainerWindow",
    "Cost",
    "Diagnosis",
    "EndSeen",
    "EndsMissed",
    "Event",
    "ExpectedKills",
    "FieldManager",
    "Finding",
    "Fit",
    "FixOutcome",
    "FixPlan",
    "FixReport",
    "Gap",
    "Gauge",
    "Happening",
    "HeapAdvice",
    "HeapLine",
    "HistoryReport",
    "HorizontalAutoscaler",
    "ImageChange",
    "Impact",
    "Kill",
    "KillList",
    "KillLot",
    "KillSeen",
    "LastSample",
    "Life",
    "LifeGrowth",
    "LimitDefault",
    "LimitRule",
    "ListedKill",
    "Mark",
    "Measure",
    "MeasureKind",
    "MemoryHistory",
    "MemoryMetric",
    "MemoryNow",
    "MemoryVolume",
    "MemoryWindow",
    "Neighbour",
    "Node",
    "NodeAnswer",
    "NodeRoom",
    "Outage",
    "Owner",
    "PastKill",
    "Pattern",
    "Pod",
    "PodKey",
    "PostMortem",
    "PostMortemReport",
    "Proposal",
    "ProposalReport",
    "Quota",
    "Recommendation",
    "Replicas",
    "Report",
    "Risk",
    "Rolled",
    "Rollout",
    "RolloutState",
    "Room",
    "RunUp",
    "Sample",
    "Saved",
    "Scaling",
    "ScalingAnswer",
    "Setting",
    "Severity",
    "Sighting",
    "Sizes",
    "Spread",
    "StuckSeen",
    "TemplateContainer",
    "Termination",
    "Verdict",
    "VerticalAutoscaler",
    "VerticalPolicy",
    "Warned",
    "WatchEvent",
    "Watched",
    "WorkloadClass",
    "WorkloadFacts",
    "WorkloadKey",
    "WorkloadPast",
    "Written",
]
