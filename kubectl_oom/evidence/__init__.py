"""What was read, and what was concluded: the vocabulary that read, judge and show share.

Frozen values only. Bytes are `int`, times are aware `datetime`s in UTC, durations are seconds, absent is `None`
and never 0. What could not be read is evidence too: a `Gap`.
"""

from __future__ import annotations

from kubectl_oom.evidence.case import CaseFile
from kubectl_oom.evidence.cluster import (
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
from kubectl_oom.evidence.history import ContainerHistory, HistoryReport, ImageChange, Kill, LifeGrowth
from kubectl_oom.evidence.memory import (
    ContainerWindow,
    Life,
    MemoryHistory,
    MemoryNow,
    MemoryWindow,
    PastKill,
    Sample,
    Spread,
    WorkloadPast,
)
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

__all__ = [
    "KERNEL_OOM_VERDICTS",
    "NOTHING_KILLED",
    "Band",
    "CaseFile",
    "Checkup",
    "Citation",
    "Condition",
    "Confidence",
    "Container",
    "ContainerHistory",
    "ContainerKey",
    "ContainerType",
    "ContainerWindow",
    "Diagnosis",
    "Event",
    "Finding",
    "Gap",
    "HeapLine",
    "HistoryReport",
    "ImageChange",
    "Kill",
    "LastSample",
    "Life",
    "LifeGrowth",
    "LimitDefault",
    "MemoryHistory",
    "MemoryNow",
    "MemoryVolume",
    "MemoryWindow",
    "Neighbour",
    "Node",
    "NodeAnswer",
    "Owner",
    "PastKill",
    "Pattern",
    "Pod",
    "PodKey",
    "Recommendation",
    "Replicas",
    "Report",
    "RunUp",
    "Sample",
    "Severity",
    "Sizes",
    "Spread",
    "Termination",
    "Verdict",
    "WorkloadClass",
    "WorkloadKey",
    "WorkloadPast",
]
