"""The API's JSON becomes evidence: pods, containers, events, nodes. Nothing is asked for here, nothing is judged.

Every field may be missing: old servers, foreign runtimes and half-written statuses are read as far as they go.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from kubectl_oom.evidence import (
    Condition,
    Container,
    Event,
    LimitDefault,
    MemoryVolume,
    Node,
    Owner,
    Pod,
    Termination,
)
from kubectl_oom.quantity import parse_cpus
from kubectl_oom.read.answer import part, parts, text, whole
from kubectl_oom.read.resources import container_type, memory_in, quantity
from kubectl_oom.read.settings import command_of, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kubectl_oom.read.source import Json

EPOCH_YEAR = 1970
LAST_YEAR = 9999  # times in it cannot be reckoned with: a grace period later there is no date
DEFAULT_GRACE_SECONDS = 30  # what the API server fills in for terminationGracePeriodSeconds
_RESIZE_MANAGERS = "resize"  # managedFields[].subresource of an in-place resize
# Liveness probe failed: HTTP probe failed with statuscode: 500
_PROBE_ANSWER = re.compile(r"(?:\(combined from similar events\): )?(\w+ probe \w+)", re.ASCII)
# Ends that the runtime or the kubelet words; with any other reason the message is what the program left behind.
_ENDS_TOLD_BY_OTHERS = ("StartError", "ContainerCannotRun", "ContainerStatusUnknown", "RestartingAllContainers")
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
    # Go's zero time and the Unix epoch (of a container that never started) both say "never", as does the last year.
    return parsed.astimezone(timezone.utc) if EPOCH_YEAR < parsed.year < LAST_YEAR else None


def moment_of(seconds: float) -> datetime | None:
    """Seconds since 1970 as a time; None where they make none that can be reckoned with."""
    try:
        moment = datetime.fromtimestamp(seconds, tz=timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if EPOCH_YEAR <= moment.year < LAST_YEAR else None


def _python310(text: str) -> str:
    """Python 3.10 wants an offset in digits and three or six digits of a second; the API writes `Z` and up to nine."""
    head, dot, tail = text.replace("Z", "+00:00").partition(".")
    if not dot:
        return head
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"


def pod_of(item: Json, *, owners: Sequence[Owner] = (), events: Sequence[Event] = ()) -> Pod:
    """A pod as evidence; `owners` is the chain found by walking, nearest first."""
    meta, spec, status = part(item, "metadata"), part(item, "spec"), part(item, "status")
    volumes = _memory_volumes(spec)
    pod_resources = part(spec, "resources")
    resizes = memory_resizes(meta)
    return Pod(
        namespace=text(meta.get("namespace")) or "default",
        name=text(meta.get("name")) or "",
        uid=text(meta.get("uid")),
        node=text(spec.get("nodeName")),
        phase=text(status.get("phase")),
        reason=text(status.get("reason")),
        message=text(status.get("message")),
        qos_class=text(status.get("qosClass")),
        created_at=when(meta.get("creationTimestamp")),
        start_time=when(status.get("startTime")),
        deletion_at=when(meta.get("deletionTimestamp")),
        deletion_grace_seconds=whole(meta.get("deletionGracePeriodSeconds")),
        grace_seconds=_grace(spec),
        restart_policy=text(spec.get("restartPolicy")) or "Always",
        limit_bytes=memory_in(pod_resources, "limits"),
        request_bytes=memory_in(pod_resources, "requests"),
        owners=tuple(owners) or owners_of(item),
        conditions=tuple(_condition(c) for c in parts(status, "conditions")),
        containers=tuple(_containers(item, volumes)),
        events=tuple(sorted(events, key=_event_order)),
        memory_volumes=volumes,
        resized=bool(resizes) or "vpaInPlaceUpdated" in part(meta, "annotations"),
        priority_class=text(spec.get("priorityClassName")),
        overhead_bytes=quantity(part(spec, "overhead").get("memory")) or 0,
        resized_at=_last_of([when(entry.get("time")) for entry in resizes]),
    )


def owners_of(item: Json) -> tuple[Owner, ...]:
    """The controller an object names as its owner, as a chain of one; empty when nothing controls it."""
    for ref in parts(part(item, "metadata"), "ownerReferences"):
        if ref.get("controller"):
            return (
                Owner(
                    api_version=text(ref.get("apiVersion")) or "",
                    kind=text(ref.get("kind")) or "",
                    name=text(ref.get("name")) or "",
                ),
            )
    return ()


def event_of(item: Json) -> Event:
    """An event, old style (firstTimestamp, count) or new (eventTime, series)."""
    involved, series = part(item, "involvedObject"), part(item, "series")
    created = when(part(item, "metadata").get("creationTimestamp"))
    first = when(item.get("firstTimestamp")) or when(item.get("eventTime")) or created
    last = when(series.get("lastObservedTime")) or when(item.get("lastTimestamp")) or first
    return Event(
        type=text(item.get("type")),
        reason=text(item.get("reason")) or "",
        message=message_of_event(item),
        object_kind=text(involved.get("kind")) or "",
        object_name=text(involved.get("name")) or "",
        object_uid=text(involved.get("uid")),
        field_path=text(involved.get("fieldPath")),
        component=text(part(item, "source").get("component")) or text(item.get("reportingComponent")),
        first_at=first,
        last_at=last,
        count=whole(series.get("count")) or whole(item.get("count")) or 1,
        annotations={str(k): str(v) for k, v in part(part(item, "metadata"), "annotations").items()},
    )


def message_of_event(item: Json) -> str:
    """The message; of a failed probe only that it failed, since what follows is the program's own answer."""
    message = text(item.get("message")) or ""
    probe = _PROBE_ANSWER.match(message)
    return probe.group(1) if probe and item.get("reason") == "Unhealthy" else message


def message_of_end(terminated: Json) -> str | None:
    """The runtime's or kubelet's message about an end; None where the program itself wrote it (its log, a file)."""
    return text(terminated.get("message")) if terminated.get("reason") in _ENDS_TOLD_BY_OTHERS else None


def node_of(item: Json, events: Iterable[Event] = ()) -> Node:
    """A node as evidence."""
    status = part(item, "status")
    info = part(status, "nodeInfo")
    return Node(
        name=text(part(item, "metadata").get("name")) or "",
        capacity_bytes=quantity(part(status, "capacity").get("memory")),
        allocatable_bytes=quantity(part(status, "allocatable").get("memory")),
        kubelet_version=text(info.get("kubeletVersion")),
        runtime_version=text(info.get("containerRuntimeVersion")),
        os_image=text(info.get("osImage")),
        kernel_version=text(info.get("kernelVersion")),
        conditions=tuple(_condition(c) for c in parts(status, "conditions")),
        events=tuple(sorted(events, key=_event_order)),
        cpus=cpus_of(item),
    )


def cpus_of(node: Json) -> float | None:
    """The CPUs of a node's machine; None where it does not say."""
    return parse_cpus(str(part(part(node, "status"), "capacity").get("cpu", "")))


def limit_defaults_of(item: Json) -> tuple[LimitDefault, ...]:
    """The memory defaults that a LimitRange gives to containers; empty when it gives none."""
    found = []
    for limit in parts(part(item, "spec"), "limits"):
        default = quantity(part(limit, "default").get("memory"))
        request = quantity(part(limit, "defaultRequest").get("memory"))
        if limit.get("type") == "Container" and (default is not None or request is not None):
            name = text(part(item, "metadata").get("name")) or ""
            found.append(LimitDefault(name=name, default_limit_bytes=default, default_request_bytes=request))
    return tuple(found)


# --- containers ----------------------------------------------------------------------------------------------------

_STATUS_LISTS = (
    ("initContainers", "initContainerStatuses"),
    ("containers", "containerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
)


def _containers(item: Json, volumes: tuple[MemoryVolume, ...]) -> Iterable[Container]:
    spec, status = part(item, "spec"), part(item, "status")
    annotation = text(part(part(item, "metadata"), "annotations").get(_LIMIT_RANGER)) or ""
    for spec_list, status_list in _STATUS_LISTS:
        statuses = {text(s.get("name")): s for s in parts(status, status_list)}
        for container in parts(spec, spec_list):
            own = statuses.get(text(container.get("name")), {})
            yield _container(container, own, spec_list, status_list, volumes, annotation)


def _container(
    spec: Json, status: Json, spec_list: str, status_list: str, volumes: tuple[MemoryVolume, ...], annotation: str
) -> Container:
    name = text(spec.get("name")) or ""
    state = part(status, "state")
    waiting, running = part(state, "waiting"), part(state, "running")
    mounted = {text(m.get("name")) or "" for m in parts(spec, "volumeMounts")}
    return Container(
        name=name,
        type=container_type(spec, spec_list),
        image=text(spec.get("image")),
        limit_bytes=memory_in(part(spec, "resources"), "limits"),
        request_bytes=memory_in(part(spec, "resources"), "requests"),
        limit_in_effect_bytes=memory_in(part(status, "resources"), "limits"),
        state=next((s for s in ("running", "terminated", "waiting") if s in state), None),
        waiting_reason=text(waiting.get("reason")),
        waiting_message=text(waiting.get("message")),
        running_since=when(running.get("startedAt")),
        container_id=_bare_id(status.get("containerID")),
        runtime=_runtime(status),
        ready=bool(status.get("ready")),
        restart_count=whole(status.get("restartCount")) or 0,
        terminations=tuple(_terminations(status, f"status.{status_list}[{name}]")),
        probes=tuple(p for p in ("liveness", "readiness", "startup") if spec.get(f"{p}Probe")),
        probe_grace_seconds=_probe_grace(spec),
        memory_volumes=tuple(v for v in volumes if v.name in mounted),
        command=command_of(spec),
        env=settings_of(spec),
        limit_defaulted=f"memory limit for container {name}" in annotation,
    )


def _terminations(status: Json, path: str) -> Iterable[Termination]:
    for key in ("state", "lastState"):
        ended = part(part(status, key), "terminated")
        if ended:
            yield Termination(
                field=f"{path}.{key}.terminated",
                reason=text(ended.get("reason")),
                exit_code=whole(ended.get("exitCode")),
                message=message_of_end(ended),
                started_at=when(ended.get("startedAt")),
                finished_at=when(ended.get("finishedAt")),
                container_id=_bare_id(ended.get("containerID")),
                is_current=key == "state",
            )


def _memory_volumes(spec: Json) -> tuple[MemoryVolume, ...]:
    return tuple(
        MemoryVolume(name=text(v.get("name")) or "", size_limit_bytes=quantity(part(v, "emptyDir").get("sizeLimit")))
        for v in parts(spec, "volumes")
        if part(v, "emptyDir").get("medium") == "Memory"
    )


def memory_resizes(meta: Json) -> list[Json]:
    """The managed fields of those who resized the pod in place, but for those who own no memory there.

    Tools that lend CPU to a starting pod resize every pod: that changes no limit of memory. A snapshot keeps no fields.
    """
    return [
        entry
        for entry in parts(meta, "managedFields")
        if entry.get("subresource") == _RESIZE_MANAGERS and _may_name_memory(entry.get("fieldsV1"))
    ]


def _may_name_memory(fields: object) -> bool:
    if not isinstance(fields, dict) or not fields:
        return True
    waiting: list[object] = [fields]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if "f:memory" in one:
                return True
            waiting += one.values()
    return False


def _last_of(moments: Sequence[datetime | None]) -> datetime | None:
    """The latest; None where one of them is not known, which may be later still."""
    known = [moment for moment in moments if moment]
    return max(known) if known and len(known) == len(moments) else None


# --- single fields -------------------------------------------------------------------------------------------------


def _condition(item: Json) -> Condition:
    return Condition(
        type=text(item.get("type")) or "",
        status=text(item.get("status")) or "",
        reason=text(item.get("reason")),
        message=text(item.get("message")),
        at=when(item.get("lastTransitionTime")),
    )


def _event_order(event: Event) -> float:
    at = event.last_at or event.first_at
    return at.timestamp() if at else 0.0


def _probe_grace(spec: Json) -> int | None:
    own = [whole(part(spec, f"{p}Probe").get("terminationGracePeriodSeconds")) for p in ("liveness", "startup")]
    return max((seconds for seconds in own if seconds is not None), default=None)


def _grace(spec: Json) -> int:
    grace = whole(spec.get("terminationGracePeriodSeconds"))
    return DEFAULT_GRACE_SECONDS if grace is None else grace


def _bare_id(text: object) -> str | None:
    """`containerd://abc` → `abc`, as the kubelet's metrics name it."""
    return str(text).rpartition("://")[2] or None if text else None


def _runtime(status: Json) -> str | None:
    """`cri-o://abc` → `cri-o`; the present container may have no id yet, but then the last one had."""
    ended = part(part(status, "lastState"), "terminated")
    ids = (status.get("containerID"), ended.get("containerID"))
    return next((str(text).partition("://")[0] for text in ids if text and "://" in str(text)), None)
