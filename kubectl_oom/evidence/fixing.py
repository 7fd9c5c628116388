"""What `fix` reads of a workload, plans, and reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kubectl_oom.evidence.cluster import Owner
    from kubectl_oom.evidence.proposal import HeapAdvice
    from kubectl_oom.evidence.sizing import Sizes
    from kubectl_oom.evidence.vocabulary import Citation, ContainerType, Gap, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The memory of one container as the object spells it: `500M` stays `500M` when a change is taken back."""

    name: str
    type: ContainerType
    request: str | None
    limit: str | None
    # What its env says about memory: None where the value holds other words too, or comes from elsewhere.
    settings: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldManager:
    """Who wrote to the object, as managedFields tell; `memory_of` are the containers whose memory it owns."""

    name: str
    operation: str  # Apply | Update
    at: datetime | None
    memory_of: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A PodDisruptionBudget that selects the workload's pods."""

    name: str
    allowed: int | None  # disruptions allowed now


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The values from before the last `fix`, as its annotation keeps them."""

    at: datetime | None
    version: str
    containers: tuple[Written, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFacts:
    """One workload (or bare pod) as its own object has it: what a change starts from and what may stand against it."""

    namespace: str
    target: Owner  # of a bare pod: v1, Pod
    resource_version: str | None
    written: tuple[Written, ...]  # app and init containers of the template, in its order
    replicas: int | None
    surge: int
    unavailable: int
    strategy: str  # RollingUpdate | Recreate | OnDelete | (Job) immutable | next run | in place
    paused: bool = False
    pod_level: Sizes | None = None  # spec.resources of the pod
    marks: Mapping[str, str] = field(default_factory=dict)  # labels and annotations that tell who keeps the object
    managers: tuple[FieldManager, ...] = ()
    budgets: tuple[Budget, ...] = ()
    claims_once: tuple[str, ...] = ()  # claims that one node at a time may mount
    owned_by: Owner | None = None
    saved: Saved | None = None
    gaps: tuple[Gap, ...] = ()
    controller: Owner | None = None  # whatever controls the object, Kubernetes' own kinds included
    claims_one_pod: tuple[str, ...] = ()  # claims that one pod at a time may mount
    partition: int = 0  # of a StatefulSet: pods with a lower ordinal keep their template
    suspended: bool = False  # of a Job
    ordered: bool = False  # a StatefulSet that replaces no pod before all are ready
    restarts_on_resize: tuple[str, ...] = ()  # containers whose resizePolicy restarts them for memory
    cpu_guaranteed: bool | None = None  # every container's CPU limit is set and equals its request
    kubelets: Mapping[str, str] = field(default_factory=dict)  # node → version, of the nodes that run its pods
    self_heals: bool | None = None  # its Argo CD application reverts changes by itself; None: not read

    @property
    def template_stays(self) -> bool:
        """Whether the API server takes no change of it: of a Job, unless it is suspended (1.36 and later)."""
        return self.target.kind == "Job" and not self.suspended


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerChange:
    """One container's memory before and after; what is None is not touched (before: not set)."""

    container: str
    type: ContainerType
    before: Sizes
    after: Sizes
    written: Written  # as spelled before
    heap: HeapAdvice | None = None
    env: Mapping[str, str | None] = field(default_factory=dict)  # set along with the sizes; None: taken away


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at before a change (docs/preflight.md); `blocks` where server or controller would refuse it."""

    code: str
    severity: Severity
    message: str
    evidence: tuple[Citation, ...] = ()
    remedy: str | None = None
    blocks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FixPlan:
    """What will be done to one workload, and what will happen then."""

    facts: WorkloadFacts
    changes: tuple[ContainerChange, ...]  # empty: it has these sizes already
    patch: Mapping[str, Any]  # strategic merge: the named containers' memory and nothing else
    undo: Mapping[str, Any]
    commands: tuple[str, ...]  # kubectl's own, with the same effect as the patch
    undo_commands: tuple[str, ...]
    heap_commands: tuple[str, ...] = ()
    preflight: tuple[Check, ...] = ()
    effects: tuple[str, ...] = ()  # what will happen, one sentence each
    qos_before: str | None = None
    qos_after: str | None = None
    in_place: bool = False
    is_undo: bool = False
    evidence: tuple[str, ...] = ()  # the rationale of the sizes, for a pull request
    former: Saved | None = None  # of a rollback: what the annotation kept before the change that is taken back

    @property
    def blocked_by(self) -> tuple[Check, ...]:
        """The checks that stand against it."""
        return tuple(check for check in self.preflight if check.blocks)


class RolloutState(str, Enum):
    """How a rollout ended, as far as it was followed."""

    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed-out"
    NOTHING_TO_FOLLOW = "nothing-to-follow"  # a CronJob's next run, OnDelete, no replicas


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolled:
    """What was seen of a rollout."""

    state: RolloutState
    updated: int  # pods with the new size
    wanted: int
    seconds: float
    because: str  # one sentence
    remedy: str | None = None
    verified: bool | None = None  # the new pods run with the new limit; None: not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What happened in the time after a change."""

    seconds: float
    kills: int
    highest_bytes: int | None
    limit_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FixOutcome:
    """A plan and what became of it."""

    plan: FixPlan
    applied: bool
    dry_run: str | None = None  # client | server
    rollout: Rolled | None = None
    watched: Watched | None = None
    rolled_back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FixReport:
    """What `fix` answers."""

    items: tuple[FixOutcome, ...]
    gaps: tuple[Gap, ...]
    warnings: tuple[str, ...] = ()
