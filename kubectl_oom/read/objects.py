"""The API's JSON becomes evidence: pods, containers, events, nodes. Nothing is asked for here, nothing is judged.

Every field may be missing: old servers, foreign runtimes and half-written statuses are read as far as they go.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import (
    Condition,
    Container,
    ContainerType,
    Event,
    LimitDefault,
    MemoryVolume,
    Node,
    Owner,
    Pod,
    Termination,
)
from kubectl_oom.quantity import parse_bytes
from kubectl_oom.read.settings import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kubectl_oom.read.source import Json

EPOCH_YEAR = 1970
DEFAULT_GRACE_SECONDS = 30  # what the API server fills in for terminationGracePeriodSeconds
_RESIZE_MANAGERS = "resize"  # managedFields[].subresource of an in-place resize
_LIMIT_RANGER = "kubernetes.io/limit-ranger"  # annotation: which values a LimitRange filled in


def when(text: object) -> datetime | None:
    """An API timestamp (RFC 3339, with or without fractions) in UTC; None where there is none or it is unreadable."""
    if not isinstance(text, str) or not text:
        return None
    try:
        parsed = datetime.fromisoformat(_python310(text))
    except ValueError:
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=timezone.utc)
    # Go's zero time and the Unix epoch (of a container that never started) both say "never".
    return parsed.astimezone(timezone.utc) if parsed.year > EPOCH_YEAR else None


def _python310(text: str) -> str:
    """Python 3.10 wants an offset in digits and three or six digits of a second; the API writes `Z` and up to nine."""
    head, dot, tail = text.replace("Z", "+00:00").partition(".")
    if not dot:
        return head
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"


def pod_of(item: Json, *, owners: Sequence[Owner] = (), events: Sequence[Event] = ()) -> Pod:
    """A pod as evidence; `owners` is the chain found by walking, nearest first."""
    meta, spec, status = _dict(item, "metadata"), _dict(item, "spec"), _dict(item, "status")
    volumes = _memory_volumes(spec)
    pod_resources = _dict(spec, "resources")
    return Pod(
        namespace=_text(meta.get("namespace")) or "default",
        name=_text(meta.get("name")) or "",
        uid=_text(meta.get("uid")),
        node=_text(spec.get("nodeName")),
        phase=_text(status.get("phase")),
        reason=_text(status.get("reason")),
        message=_text(status.get("message")),
        qos_class=_text(status.get("qosClass")),
        created_at=when(meta.get("creationTimestamp")),
        start_time=when(status.get("startTime")),
        deletion_at=when(meta.get("deletionTimestamp")),
        deletion_grace_seconds=_whole(meta.get("deletionGracePeriodSeconds")),
        grace_seconds=_grace(spec),
        restart_policy=_text(spec.get("restartPolicy")) or "Always",
        limit_bytes=_memory(pod_resources, "limits"),
        request_bytes=_memory(pod_resources, "requests"),
        owners=tuple(owners) or owners_of(item),
        conditions=tuple(_condition(c) for c in _dicts(status, "conditions")),
        containers=tuple(_containers(item, volumes)),
        events=tuple(sorted(events, key=_event_order)),
        memory_volumes=volumes,
        resized=_was_resized(item),
        priority_class=_text(spec.get("priorityClassName")),
    )


def owners_of(item: Json) -> tuple[Owner, ...]:
    """The controller an object names as its owner, as a chain of one; empty when nothing controls it."""
    for ref in _dicts(_dict(item, "metadata"), "ownerReferences"):
        if ref.get("controller"):
            return (
                Owner(
                    api_version=_text(ref.get("apiVersion")) or "",
                    kind=_text(ref.get("kind")) or "",
                    name=_text(ref.get("name")) or "",
                ),
            )
    return ()


def event_of(item: Json) -> Event:
    """An event, old style (firstTimestamp, count) or new (eventTime, series)."""
    involved, series = _dict(item, "involvedObject"), _dict(item, "series")
    created = when(_dict(item, "metadata").get("creationTimestamp"))
    first = when(item.get("firstTimestamp")) or when(item.get("eventTime")) or created
    last = when(series.get("lastObservedTime")) or when(item.get("lastTimestamp")) or first
    return Event(
        type=_text(item.get("type")),
        reason=_text(item.get("reason")) or "",
        message=_text(item.get("message")) or "",
        object_kind=_text(involved.get("kind")) or "",
        object_name=_text(involved.get("name")) or "",
        object_uid=_text(involved.get("uid")),
        field_path=_text(involved.get("fieldPath")),
        component=_text(_dict(item, "source").get("component")) or _text(item.get("reportingComponent")),
        first_at=first,
        last_at=last,
        count=_whole(series.get("count")) or _whole(item.get("count")) or 1,
        annotations={str(k): str(v) for k, v in _dict(_dict(item, "metadata"), "annotations").items()},
    )


def node_of(item: Json, events: Iterable[Event] = ()) -> Node:
    """A node as evidence."""
    status = _dict(item, "status")
    info = _dict(status, "nodeInfo")
    return Node(
        name=_text(_dict(item, "metadata").get("name")) or "",
        capacity_bytes=_quantity(_dict(status, "capacity").get("memory")),
        allocatable_bytes=_quantity(_dict(status, "allocatable").get("memory")),
        kubelet_version=_text(info.get("kubeletVersion")),
        runtime_version=_text(info.get("containerRuntimeVersion")),
        os_image=_text(info.get("osImage")),
        kernel_version=_text(info.get("kernelVersion")),
        conditions=tuple(_condition(c) for c in _dicts(status, "conditions")),
        events=tuple(sorted(events, key=_event_order)),
    )


def limit_defaults_of(item: Json) -> tuple[LimitDefault, ...]:
    """The memory defaults that a LimitRange gives to containers; empty when it gives none."""
    found = []
    for limit in _dicts(_dict(item, "spec"), "limits"):
        default = _quantity(_dict(limit, "default").get("memory"))
        request = _quantity(_dict(limit, "defaultRequest").get("memory"))
        if limit.get("type") == "Container" and (default is not None or request is not None):
            name = _text(_dict(item, "metadata").get("name")) or ""
            found.append(LimitDefault(name=name, default_limit_bytes=default, default_request_bytes=request))
    return tuple(found)


def requested_bytes(item: Json) -> int:
    """What a pod asks the scheduler for: pod-level request, else the larger of its containers' sum and any init step."""
    spec = _dict(item, "spec")
    pod_level = _memory(_dict(spec, "resources"), "requests")
    if pod_level is not None:
        return pod_level
    running = sum(_memory(_dict(c, "resources"), "requests") or 0 for c in _dicts(spec, "containers"))
    largest_step = sidecars = 0
    for init in _dicts(spec, "initContainers"):
        request = _memory(_dict(init, "resources"), "requests") or 0
        if init.get("restartPolicy") == "Always":
            sidecars += request
        largest_step = max(largest_step, sidecars + (0 if init.get("restartPolicy") == "Always" else request))
    return max(running + sidecars, largest_step)


# --- containers ----------------------------------------------------------------------------------------------------

_STATUS_LISTS = (
    ("initContainers", "initContainerStatuses"),
    ("containers", "containerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
)


def _containers(item: Json, volumes: tuple[MemoryVolume, ...]) -> Iterable[Container]:
    spec, status = _dict(item, "spec"), _dict(item, "status")
    annotation = _text(_dict(_dict(item, "metadata"), "annotations").get(_LIMIT_RANGER)) or ""
    for spec_list, status_list in _STATUS_LISTS:
        statuses = {s.get("name"): s for s in _dicts(status, status_list)}
        for container in _dicts(spec, spec_list):
            own = statuses.get(container.get("name"), {})
            yield _container(container, own, spec_list, status_list, volumes, annotation)


def _container(
    spec: Json, status: Json, spec_list: str, status_list: str, volumes: tuple[MemoryVolume, ...], annotation: str
) -> Container:
    name = _text(spec.get("name")) or ""
    state = _dict(status, "state")
    waiting, running = _dict(state, "waiting"), _dict(state, "running")
    mounted = {m.get("name") for m in _dicts(spec, "volumeMounts")}
    return Container(
        name=name,
        type=_type(spec, spec_list),
        image=_text(spec.get("image")),
        limit_bytes=_memory(_dict(spec, "resources"), "limits"),
        request_bytes=_memory(_dict(spec, "resources"), "requests"),
        limit_in_effect_bytes=_memory(_dict(status, "resources"), "limits"),
        state=next((s for s in ("running", "terminated", "waiting") if s in state), None),
        waiting_reason=_text(waiting.get("reason")),
        waiting_message=_text(waiting.get("message")),
        running_since=when(running.get("startedAt")),
        container_id=_bare_id(status.get("containerID")),
        ready=bool(status.get("ready")),
        restart_count=_whole(status.get("restartCount")) or 0,
        terminations=tuple(_terminations(status, f"status.{status_list}[{name}]")),
        probes=tuple(p for p in ("liveness", "readiness", "startup") if spec.get(f"{p}Probe")),
        probe_grace_seconds=_probe_grace(spec),
        memory_volumes=tuple(v for v in volumes if v.name in mounted),
        command=tuple(str(word) for key in ("command", "args") for word in spec.get(key) or ()),
        env=settings_of(spec),
        limit_defaulted=f"memory limit for container {name}" in annotation,
    )


def _type(spec: Json, spec_list: str) -> ContainerType:
    if spec_list == "ephemeralContainers":
        return ContainerType.EPHEMERAL
    if spec_list == "containers":
        return ContainerType.APP
    return ContainerType.SIDECAR if spec.get("restartPolicy") == "Always" else ContainerType.INIT


def _terminations(status: Json, path: str) -> Iterable[Termination]:
    for key in ("state", "lastState"):
        ended = _dict(_dict(status, key), "terminated")
        if ended:
            yield Termination(
                field=f"{path}.{key}.terminated",
                reason=_text(ended.get("reason")),
                exit_code=_whole(ended.get("exitCode")),
                message=_text(ended.get("message")),
                started_at=when(ended.get("startedAt")),
                finished_at=when(ended.get("finishedAt")),
                container_id=_bare_id(ended.get("containerID")),
                is_current=key == "state",
            )


def _memory_volumes(spec: Json) -> tuple[MemoryVolume, ...]:
    return tuple(
        MemoryVolume(name=_text(v.get("name")) or "", size_limit_bytes=_quantity(_dict(v, "emptyDir").get("sizeLimit")))
        for v in _dicts(spec, "volumes")
        if _dict(v, "emptyDir").get("medium") == "Memory"
    )


def _was_resized(item: Json) -> bool:
    """True when limits were changed in place: today's spec is then no witness of the limit at the kill."""
    meta = _dict(item, "metadata")
    if any(f.get("subresource") == _RESIZE_MANAGERS for f in _dicts(meta, "managedFields")):
        return True
    return "vpaInPlaceUpdated" in _dict(meta, "annotations")


# --- reading JSON that may be anything -----------------------------------------------------------------------------


def _condition(item: Json) -> Condition:
    return Condition(
        type=_text(item.get("type")) or "",
        status=_text(item.get("status")) or "",
        reason=_text(item.get("reason")),
        message=_text(item.get("message")),
        at=when(item.get("lastTransitionTime")),
    )


def _event_order(event: Event) -> float:
    at = event.last_at or event.first_at
    return at.timestamp() if at else 0.0


def _probe_grace(spec: Json) -> int | None:
    own = [_whole(_dict(spec, f"{p}Probe").get("terminationGracePeriodSeconds")) for p in ("liveness", "startup")]
    return max((seconds for seconds in own if seconds is not None), default=None)


def _grace(spec: Json) -> int:
    grace = _whole(spec.get("terminationGracePeriodSeconds"))
    return DEFAULT_GRACE_SECONDS if grace is None else grace


def _bare_id(text: object) -> str | None:
    """`containerd://abc` → `abc`, as the kubelet's metrics name it."""
    return str(text).rpartition("://")[2] or None if text else None


def _memory(resources: Json, side: str) -> int | None:
    return _quantity(_dict(resources, side).get("memory"))


def _quantity(value: object) -> int | None:
    return parse_bytes(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return str(value) if value not in (None, "") else None


def _dict(parent: Any, key: str) -> Json:  # noqa: ANN401 - JSON from outside is anything until it was looked at
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}


def _dicts(parent: Any, key: str) -> list[Json]:  # noqa: ANN401 - as above
    value = parent.get(key) if isinstance(parent, dict) else None
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
