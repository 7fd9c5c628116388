"""The closed words of every answer: verdicts, confidences, patterns; and what an answer rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class Verdict(str, Enum):
    """The closed vocabulary of `why`."""

    CONTAINER_LIMIT = "container-limit"
    POD_LIMIT = "pod-limit"
    NODE = "node"
    OOM_SCOPE_UNKNOWN = "oom-scope-unknown"
    START_OOM = "start-oom"
    CHILD_KILLED = "child-killed"
    APP_HEAP = "app-heap"
    PROBE_KILL = "probe-kill"
    STOPPED = "stopped"
    EVICTED = "evicted"
    SIGKILL_UNKNOWN = "sigkill-unknown"
    NOT_OOM = "not-oom"
    NO_TERMINATION = "no-termination"


KERNEL_OOM_VERDICTS = frozenset(
    {
        Verdict.CONTAINER_LIMIT,
        Verdict.POD_LIMIT,
        Verdict.NODE,
        Verdict.OOM_SCOPE_UNKNOWN,
        Verdict.START_OOM,
        Verdict.CHILD_KILLED,
    }
)
NOTHING_KILLED = frozenset({Verdict.NOT_OOM, Verdict.NO_TERMINATION})


class Confidence(str, Enum):
    """How strongly the evidence supports a verdict. The words are defined in docs/verdicts.md."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"


class Pattern(str, Enum):
    """What the memory did in the run-up to a kill, or over a window."""

    LEAK = "leak"
    GROWTH = "growth"
    PLATEAU = "plateau"
    SPIKE = "spike"
    STARTUP = "startup"
    PERIODIC = "periodic"
    SAWTOOTH = "sawtooth"
    CACHE = "cache"
    UNKNOWN = "unknown"


class ContainerType(str, Enum):
    """Where the container stands in the pod; a sidecar is an init container that restarts always."""

    APP = "app"
    INIT = "init"
    SIDECAR = "sidecar"
    EPHEMERAL = "ephemeral"


class Severity(str, Enum):
    """How much a finding matters to the person reading it."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A source that could not be read, why, and what would close the gap."""

    source: str
    reason: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """One piece of evidence: which source, which field, what it said, and when that was true."""

    source: str
    field: str
    value: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something worth knowing beside the verdict, with a stable code (docs/findings.md)."""

    code: str
    severity: Severity
    message: str
    evidence: tuple[Citation, ...] = ()
    remedy: str | None = None
