"""What was read, and what was concluded: the vocabulary that read, judge and show share.

Frozen values only. Bytes are `int`, times are aware `datetime`s in UTC, durations are seconds, absent is `None`
and never 0. What could not be read is evidence too: a `Gap`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
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


# --- what the API server says -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Termination:
    """The end of one container instance, as `state.terminated` or `lastState.terminated` tells it."""

    field: str  # status.containerStatuses[app].lastState.terminated
    reason: str | None
    exit_code: int | None
    message: str | None  # the runtime's or the kubelet's; what the program wrote is not read
    started_at: datetime | None
    finished_at: datetime | None
    container_id: str | None
    is_current: bool  # `state`, not `lastState`: nothing has started since


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryVolume:
    """A memory-backed emptyDir: what is in it is charged to the pod and survives container restarts."""

    name: str
    size_limit_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a pod: spec and status together."""

    name: str
    type: ContainerType
    image: str | None
    limit_bytes: int | None  # spec
    request_bytes: int | None  # spec
    limit_in_effect_bytes: int | None  # status.resources: what the runtime enforces now
    state: str | None  # running | waiting | terminated
    waiting_reason: str | None
    waiting_message: str | None
    running_since: datetime | None
    container_id: str | None
    ready: bool
    restart_count: int
    terminations: tuple[Termination, ...]  # newest first, two at most: the API forgets the rest
    probes: tuple[str, ...]  # liveness, readiness, startup
    probe_grace_seconds: int | None  # a probe's own grace period, where one is set
    memory_volumes: tuple[MemoryVolume, ...]
    command: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)  # heap and worker settings only
    limit_defaulted: bool = False  # set by a LimitRange, not by the author of the pod
    runtime: str | None = None  # containerd, cri-o, …: as its id tells


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of a pod or a node. Events expire (an hour by default) and are dropped in crash loops."""

    type: str | None
    reason: str
    message: str
    object_kind: str
    object_name: str
    object_uid: str | None
    field_path: str | None
    component: str | None
    first_at: datetime | None
    last_at: datetime | None
    count: int
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition of a pod or a node."""

    type: str
    status: str
    reason: str | None
    message: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A link of the owner chain, nearest first; `api_version` tells a Deployment from an operator's own kind."""

    api_version: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One pod, with everything about it that the API server still knows."""

    namespace: str
    name: str
    uid: str | None
    node: str | None
    phase: str | None
    reason: str | None
    message: str | None
    qos_class: str | None
    created_at: datetime | None
    start_time: datetime | None
    deletion_at: datetime | None  # when the grace period ends
    deletion_grace_seconds: int | None
    grace_seconds: int
    restart_policy: str
    limit_bytes: int | None  # pod-level spec.resources
    request_bytes: int | None
    owners: tuple[Owner, ...]
    conditions: tuple[Condition, ...]
    containers: tuple[Container, ...]
    events: tuple[Event, ...]
    memory_volumes: tuple[MemoryVolume, ...]
    resized: bool  # limits were changed in place since the pod was created
    priority_class: str | None = None

    @property
    def workload(self) -> Owner | None:
        """The top of the owner chain: what a person would name. None for a bare pod."""
        return self.owners[-1] if self.owners else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node, with its events."""

    name: str
    capacity_bytes: int | None
    allocatable_bytes: int | None
    kubelet_version: str | None
    runtime_version: str | None
    os_image: str | None
    kernel_version: str | None
    conditions: tuple[Condition, ...]
    events: tuple[Event, ...]
    neighbours: tuple[Neighbour, ...] = ()  # other pods, most over their request first


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A pod on the same node: what it asked for and what it uses now, where that could be read."""

    namespace: str
    name: str
    request_bytes: int
    working_set_bytes: int | None


# --- what the kubelet and the metrics engine say -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNow:
    """Memory of one container, pod or node as read just now; `at` is when the kubelet measured it.

    `oom_events` counts kills in this very instance; 0 proves nothing, since the series dies with its container.
    `peak_bytes` is the kernel's own high-water mark and includes page cache; 0 is reported as None.
    """

    source: str
    container_id: str | None
    at: datetime | None
    working_set_bytes: int | None
    usage_bytes: int | None
    rss_bytes: int | None = None
    cache_bytes: int | None = None
    limit_bytes: int | None = None
    peak_bytes: int | None = None
    oom_events: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sample: memory is only known at these instants, never between them."""

    at: datetime
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """The samples of one container instance, oldest first; `container_id` may be unknown to the engine."""

    pod: str
    container: str
    container_id: str | None
    working_set: tuple[Sample, ...]
    usage: tuple[Sample, ...] = ()
    rss: tuple[Sample, ...] = ()
    cache: tuple[Sample, ...] = ()
    limit: tuple[Sample, ...] = ()
    oom_events: tuple[Sample, ...] = ()
    namespace: str | None = None  # None: of the one namespace that was asked about


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryHistory:
    """What a metrics engine holds about some pods over a window."""

    source: str  # as printed: "Prometheus http://…"
    since: datetime
    until: datetime
    lives: tuple[Life, ...]
    node_usage: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)  # node → working set of the whole node
    # node → working set of the cgroup of all its pods: its usage is full of file cache on any busy node
    pods_working_set: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)
    pods_limit: Mapping[str, int] = field(default_factory=dict)  # node → limit of its pods' cgroup
    pod_usage: Mapping[str, tuple[Sample, ...]] = field(
        default_factory=dict
    )  # pod (in a case: namespace/pod) → its cgroup's usage
    warnings: tuple[str, ...] = ()  # what the engine could not or did not answer, one sentence each


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How one kind of memory of one container was spread over a window, as the engine worked it out.

    Where the container had several instances, the quantiles are those of the instance where they are highest; the
    mean is over all samples, and the maximum is the highest sample of all.
    """

    samples: int
    mean_bytes: int
    p50_bytes: int
    p95_bytes: int
    p99_bytes: int
    max_sampled_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerWindow:
    """What an engine holds about one container of one pod over a window, in numbers instead of samples."""

    pod: str
    container: str
    working_set: Spread | None
    usage: Spread | None
    limit_bytes: int | None  # the last known in the window; None: none was set, or not known
    lowest_limit_bytes: int | None  # differs where it was changed in place
    restarts: int | None  # in the window, at least
    oom_events: int | None  # kills that cAdvisor counted in instances of the window, at least; mostly of children
    node: str | None
    image: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastKill:
    """An OOM kill that a metrics engine remembers, of a pod that may be long gone."""

    pod: str
    container: str
    at: datetime
    exact: bool  # the kubelet's own time; otherwise it was seen then: a scrape later, or a back-off where restarts tell
    exit_code: int | None
    source: str  # the series that tells


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryWindow:
    """What a metrics engine holds about some pods over days: numbers, restarts and kills."""

    source: str
    since: datetime
    until: datetime
    containers: tuple[ContainerWindow, ...]
    kills: tuple[PastKill, ...]  # oldest first
    kills_known: bool  # False: the engine holds no series that would tell, so no kill here means nothing
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitDefault:
    """A LimitRange of the namespace that gives containers a memory limit they did not ask for."""

    name: str
    default_limit_bytes: int | None
    default_request_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicas:
    """How many pods of a workload are ready now, of how many it wants."""

    ready: int
    wanted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapLine:
    """A line of the previous instance's log that names the program's own out-of-memory error; nothing else is kept."""

    pod: str
    container: str
    runtime: str  # jvm, node, go, python, …
    text: str
    namespace: str | None = None  # None: of the one namespace that was asked about


ContainerKey = tuple[str, str, str]  # namespace, pod, container
PodKey = tuple[str, str]  # namespace, pod
WorkloadKey = tuple[str, str, str]  # namespace, kind, name


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """All that was read for one question. Every part may be missing; `gaps` says which and why."""

    pods: tuple[Pod, ...]
    nodes: Mapping[str, Node] = field(default_factory=dict)
    limit_defaults: Mapping[str, tuple[LimitDefault, ...]] = field(default_factory=dict)  # by namespace
    now_by_container: Mapping[ContainerKey, tuple[MemoryNow, ...]] = field(default_factory=dict)
    now_by_pod: Mapping[PodKey, MemoryNow] = field(default_factory=dict)
    now_by_node: Mapping[str, MemoryNow] = field(default_factory=dict)
    now_by_pods_cgroup: Mapping[str, MemoryNow] = field(default_factory=dict)  # node → /kubepods
    heap_lines: tuple[HeapLine, ...] = ()
    history: MemoryHistory | None = None
    replicas: Mapping[WorkloadKey, Replicas] = field(default_factory=dict)
    targets: tuple[frozenset[PodKey], ...] = ()  # the pods of each thing that was asked about; none: all as one
    gaps: tuple[Gap, ...] = ()


# --- what was concluded --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LastSample:
    """The last sample before the end (or the newest one while it runs), from one source at one moment."""

    source: str
    at: datetime
    working_set_bytes: int | None
    usage_bytes: int | None
    interval_seconds: float | None  # between samples; None where the source gives one number only


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUp:
    """What the memory of one container did before it ended: the drawn series and what is made of it."""

    pattern: Pattern
    confidence: Confidence | None
    reason: str  # one sentence: what in the samples says so, or how much data is missing
    samples: tuple[Sample, ...] = ()  # working set
    usage: tuple[Sample, ...] = ()
    highest_working_set_bytes: int | None = None
    highest_usage_bytes: int | None = None
    growth_bytes_per_hour: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The answer for one container."""

    namespace: str
    pod: str
    node: str | None
    container: str
    container_type: ContainerType
    workload: Owner | None
    verdict: Verdict
    confidence: Confidence
    because: str  # one sentence: why this verdict and this confidence
    killed_at: datetime | None
    started_at: datetime | None
    restarted_at: datetime | None
    ready_again_at: datetime | None
    exit_code: int | None
    reason: str | None
    restart_count: int
    limit_bytes: int | None  # in force when it died; None: none was set, or not known (a finding says which)
    limit_known: bool
    request_bytes: int | None
    last_sample: LastSample | None
    run_up: RunUp | None
    serving: tuple[int, int] | None  # ready replicas now, of how many
    evidence: tuple[Citation, ...]
    findings: tuple[Finding, ...]
    candidates: tuple[str, ...] = ()  # of a SIGKILL nobody explains, most plausible first


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAnswer:
    """The answer about a node as a whole: whether the node itself ran out of memory."""

    name: str
    ran_out: bool | None  # None: cannot be told
    confidence: Confidence
    because: str
    evidence: tuple[Citation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `why` answers: one diagnosis per killed container, and what could not be seen."""

    items: tuple[Diagnosis, ...]
    gaps: tuple[Gap, ...]
    nodes: tuple[NodeAnswer, ...] = ()  # of the nodes that were asked about by name


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """What `doctor` found about one source: whether it answered, how long that took, and what is lost without it."""

    source: str
    serves: str  # what the source is read for
    seconds: float
    detail: str  # what answered
    gap: Gap | None
    rule: str | None  # the RBAC rule that would grant it, when permission is what is missing


# --- history -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadPast:
    """What was read about one workload (or some bare pods, where `workload` is None) over a window."""

    namespace: str
    workload: Owner | None
    pods: tuple[str, ...]  # all names known over the window, gone ones included
    window: MemoryWindow | None
    history: MemoryHistory | None
    stepped_seconds: float | None  # the samples are the highest of each so many seconds; None: raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One OOM kill in the past of a workload, as far as any source still knows it."""

    at: datetime
    exact: bool  # the kubelet's own time; otherwise first seen then, up to a scrape late
    namespace: str
    pod: str
    pod_gone: bool
    node: str | None
    container: str
    verdict: Verdict
    confidence: Confidence
    exit_code: int | None
    limit_bytes: int | None  # in force then; None: none, or not known
    highest_sampled_bytes: int | None  # working set, in the life that ended
    pattern: Pattern
    image: str | None
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageChange:
    """The first sample of a pod with another image than the pods before it."""

    at: datetime
    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeGrowth:
    """How fast the floor of one instance grew; None where it was seen for too short a time."""

    pod: str
    since: datetime
    until: datetime
    bytes_per_hour: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerHistory:
    """What one container of a workload did over a window, its pods and instances taken together."""

    namespace: str
    workload: Owner | None
    pods: tuple[str, ...]  # with samples in the window, gone ones included
    container: str
    container_type: ContainerType | None  # None: every pod that had it is gone
    since: datetime
    until: datetime
    interval_seconds: float | None
    samples: int
    working_set: Spread | None
    usage: Spread | None
    limit_bytes: int | None  # now, or the last known
    request_bytes: int | None
    pattern: Pattern
    confidence: Confidence | None
    reason: str
    data_needed: str | None
    growth_bytes_per_hour: float | None
    seconds_to_limit: float | None
    kills: tuple[Kill, ...]  # newest first
    restarts: int | None  # of any cause, at least; None: not known
    kills_per_week: float | None  # None: the window is too short to say
    findings: tuple[Finding, ...]
    now: LastSample | None = None  # of the running instance with the largest working set
    growth_of_lives: tuple[LifeGrowth, ...] = ()  # oldest first
    image_changes: tuple[ImageChange, ...] = ()  # oldest first; none where the engine kept no images
    lives: tuple[Life, ...]
    stepped_seconds: float | None  # the samples of `lives` are the highest of each so many seconds; None: raw


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryReport:
    """What `history` answers."""

    items: tuple[ContainerHistory, ...]
    gaps: tuple[Gap, ...]
    since: datetime
    until: datetime


# --- recommend -----------------------------------------------------------------------------------------------------


class Band(str, Enum):
    """How far a recommended size can be trusted. What the words were worth in replay: docs/sizing.md."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class WorkloadClass(str, Enum):
    """What kind of work a container does, as far as kind and behaviour tell; the rules of thumb differ by it."""

    STATELESS = "stateless"
    STATEFUL = "stateful"
    BATCH = "batch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Memory request and limit of one container; None: not set, or not known."""

    request_bytes: int | None
    limit_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The size one container should have, and why."""

    namespace: str
    workload: Owner | None
    container: str
    container_type: ContainerType | None
    profile: str
    workload_class: WorkloadClass
    class_reason: str
    confidence: Band
    confidence_reason: str
    replicas: int | None
    current: Sizes
    recommended: Sizes | None  # None: nothing is known that a size could be made from
    floor_bytes: int | None  # no profile goes below: every limit that killed and the highest sample lie under it
    rationale: tuple[str, ...]  # whole sentences, in the order they are to be read
    alternatives: Mapping[str, int]  # rule → the limit it would give; a rule that cannot answer is not in it
    lasts_seconds: float | None  # until a leak or growth reaches the recommended limit; None where neither is seen
