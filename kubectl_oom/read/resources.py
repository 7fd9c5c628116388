"""Memory in `resources`: of a container, of a whole pod, and what the scheduler makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import ContainerType
from kubectl_oom.quantity import parse_bytes
from kubectl_oom.read.answer import part, parts

if TYPE_CHECKING:
    from kubectl_oom.read.source import Json


def quantity(value: object) -> int | None:
    """Bytes of a quantity as the API writes it; None for what is none."""
    return parse_bytes(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def memory_in(resources: Json, side: str) -> int | None:
    """The memory under `requests` or `limits`, in bytes."""
    size = quantity(part(resources, side).get("memory"))
    return None if size == 0 and side == "limits" else size  # the kubelet sets no limit for a limit of 0


def container_type(spec: Json, spec_list: str) -> ContainerType:
    """What a container is, from the list of the pod's spec that it stands in."""
    if spec_list == "ephemeralContainers":
        return ContainerType.EPHEMERAL
    if spec_list == "containers":
        return ContainerType.APP
    return ContainerType.SIDECAR if spec.get("restartPolicy") == "Always" else ContainerType.INIT


def requested_bytes(item: Json) -> int:
    """What a pod asks the scheduler for, in bytes: as `PodRequests` of k8s.io/component-helpers counts.

    The pod-level request, else the larger of what runs together and any step of the start; and the overhead of its
    RuntimeClass.
    """
    spec = part(item, "spec")
    pod_level = memory_in(part(spec, "resources"), "requests")
    own = _of_containers(spec) if pod_level is None else pod_level
    return own + (quantity(part(spec, "overhead").get("memory")) or 0)


def _of_containers(spec: Json) -> int:
    running = sum(memory_in(part(c, "resources"), "requests") or 0 for c in parts(spec, "containers"))
    largest_step = sidecars = 0
    for init in parts(spec, "initContainers"):
        request = memory_in(part(init, "resources"), "requests") or 0
        if container_type(init, "initContainers") is ContainerType.SIDECAR:
            sidecars += request
            largest_step = max(largest_step, sidecars)
        else:  # beside the sidecars that were started before it
            largest_step = max(largest_step, sidecars + request)
    return max(running + sidecars, largest_step)
