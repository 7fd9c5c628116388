"""What the API server says: pods, containers, how they ended, events, nodes, owners."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kubectl_oom.evidence.vocabulary import ContainerType


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

    @property
    def ended_instances(self) -> int:
        """How many of its instances have ended: the restarts, and one more where none has begun since."""
        over = self.state == "terminated" or (self.state == "waiting" and bool(self.terminations))
        return self.restart_count + over


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


# Groups of Kubernetes' own kinds, whose controllers leave a template alone; v1: the version of the core group.
_BUILT_IN = frozenset({"", "v1", "apps", "batch"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A link of the owner chain, nearest first; `api_version` tells a Deployment from an operator's own kind."""

    api_version: str
    kind: str
    name: str

    @property
    def is_node(self) -> bool:
        """Whether it is the node whose kubelet mirrors a static pod: nothing that could be sized, nor the pod's alone."""
        return (self.api_version, self.kind) == ("v1", "Node")

    @property
    def is_built_in(self) -> bool:
        """Whether Kubernetes itself knows the kind; an operator's kind may write its template back."""
        return self.api_version.partition("/")[0] in _BUILT_IN


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
    resized: bool  # memory was changed in place since the pod was created
    priority_class: str | None = None
    overhead_bytes: int = 0  # what its RuntimeClass adds to every request
    resized_at: datetime | None = None  # when that was asked for last, where the API tells

    @property
    def identity(self) -> str:
        """What tells it from every other pod, earlier ones of its name included."""
        return self.uid or f"{self.namespace}/{self.name}"

    @property
    def workload(self) -> Owner | None:
        """The top of the owner chain: what a person would name. None for a bare pod, and for a static one."""
        top = self.owners[-1] if self.owners else None
        return None if top and top.is_node else top


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
    cpus: float | None = None  # capacity
    neighbours: tuple[Neighbour, ...] = ()  # other pods, most over their request first


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A pod on the same node: what it asked for and what it uses now, where that could be read."""

    namespace: str
    name: str
    request_bytes: int
    working_set_bytes: int | None


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


# Phases of pods that are over: they hold nothing any more, and no change reaches them.
ENDED_PHASES = ("Succeeded", "Failed")

ContainerKey = tuple[str, str, str]  # namespace, pod, container
PodKey = tuple[str, str]  # namespace, pod
WorkloadKey = tuple[str, str, str]  # namespace, kind, name
