"""What stands around a size: what the cluster allows, who else sets sizes, and how a change would roll out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_oom.evidence.cluster import Owner
    from kubectl_oom.evidence.vocabulary import ContainerType, Gap


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """One entry of a LimitRange, as far as it speaks of memory."""

    name: str  # of the LimitRange
    scope: str  # "Container" or "Pod"
    min_bytes: int | None
    max_bytes: int | None
    max_limit_to_request: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """A ResourceQuota of the namespace, as far as it speaks of memory; None: it does not bound that."""

    name: str
    scopes: tuple[str, ...]  # as printed: "NotTerminating", "PriorityClass In (high)"; empty: it counts every pod
    hard_requests_bytes: int | None
    used_requests_bytes: int | None
    hard_limits_bytes: int | None
    used_limits_bytes: int | None
    counts: bool | None = True  # whether its scopes hold the workload's pods; None: cannot be told


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRoom:
    """A node that a pod of the workload might run on."""

    name: str
    allocatable_bytes: int
    requested_bytes: int | None  # by the pods on it; None: not read
    cpus: float | None
    closed_because: str | None  # why the workload's pods cannot go there (cordoned, a taint, its selector); None: open


@dataclass(frozen=True, slots=True, kw_only=True)
class VerticalPolicy:
    """What a VerticalPodAutoscaler may do to one container ("*": to every other)."""

    container: str
    mode: str  # Auto | Off
    min_bytes: int | None
    max_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VerticalAutoscaler:
    """A VerticalPodAutoscaler that targets the workload."""

    name: str
    update_mode: str  # Off | Initial | Recreate | InPlaceOrRecreate | Auto
    controls_limits: bool  # False: requests only
    policies: tuple[VerticalPolicy, ...]
    targets: Mapping[str, int] = field(default_factory=dict)  # container → bytes it recommends now

    @property
    def acts(self) -> bool:
        """Whether it changes pods at all."""
        return self.update_mode != "Off"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryMetric:
    """A memory metric that a HorizontalPodAutoscaler scales on."""

    container: str | None  # ContainerResource; None: the whole pod
    target_percent: int | None  # of the request
    target_bytes: int | None
    current_percent: int | None
    current_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HorizontalAutoscaler:
    """A HorizontalPodAutoscaler that scales the workload; `memory` is empty where it looks at other things."""

    name: str
    min_replicas: int
    max_replicas: int
    current_replicas: int | None
    memory: tuple[MemoryMetric, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateContainer:
    """A container as the workload's own template has it: what admission adds to a pod is not in it."""

    name: str
    type: ContainerType
    request_bytes: int | None
    limit_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """How a change of the template reaches the pods."""

    replicas: int | None
    surge: int  # pods beyond the replicas while it rolls out
    strategy: str  # RollingUpdate | Recreate | OnDelete | (Job) immutable | next run | bare pod


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Everything around one workload that a new size has to fit into. What could not be read is a gap."""

    namespace: str
    workload: Owner | None  # None: a bare pod
    owned_by: Owner | None = None  # an operator's own object above the workload, which would revert a change
    rollout: Rollout | None = None
    template: tuple[TemplateContainer, ...] = ()
    limit_rules: tuple[LimitRule, ...] = ()
    quotas: tuple[Quota, ...] = ()
    nodes: tuple[NodeRoom, ...] = ()
    vertical: tuple[VerticalAutoscaler, ...] = ()
    horizontal: tuple[HorizontalAutoscaler, ...] = ()
    gaps: tuple[Gap, ...] = ()
    pod_request_bytes: int | None = None  # of the template: pod-level spec.resources
    pod_limit_bytes: int | None = None
    overhead_bytes: int = 0  # what the pod's RuntimeClass adds to every request
