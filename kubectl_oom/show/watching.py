"""What a watch says: a line for a person, a document for a program, for each thing that happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import KillSeen, Mark, Warned
from kubectl_oom.quantity import show_bytes, show_percent
from kubectl_oom.show.document import API_VERSION, diagnosis_document, gap_document, time_text, workload_document
from kubectl_oom.show.sentences import workload_target
from kubectl_oom.show.words import ascii_text, iso, one_line, plural

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kubectl_oom.evidence import Container, Diagnosis, EndsMissed, Owner, Pod, WatchEvent
    from kubectl_oom.show.colour import Paint

Json = dict[str, Any]

_MINUTE, _HOUR = 60.0, 3600.0
_IN_HOURS_FROM = 2 * _HOUR
_LABEL = len("WARNING")
_DASH = "\N{EN DASH}"


# --- for a person --------------------------------------------------------------------------------------------------


def line(event: WatchEvent, at: datetime, *, paint: Paint, ascii_only: bool) -> str:
    """One line: when, what, who, and what is known of it. A kill carries its own time, the rest the present one."""
    if isinstance(event, KillSeen):
        label, at = paint.killed("KILLED".ljust(_LABEL)), event.diagnosis.killed_at or at
    else:
        label = paint.warning(("WARNING" if isinstance(event, Warned) else "MISSED").ljust(_LABEL))
    told = sentence(event)
    return f"{iso(at)}  {label}  {ascii_text(told.replace(_DASH, '-')) if ascii_only else told}"


def sentence(event: WatchEvent) -> str:
    """What happened, without its time: `shop/api-0 app  container-limit [certain]  limit 64Mi  …`."""
    if isinstance(event, KillSeen):
        item = event.diagnosis
        facts = [f"{item.namespace}/{item.pod} {item.container}", *_of_kill(item)]
    elif isinstance(event, Warned):
        facts = [f"{event.namespace}/{event.pod} {event.container}", *_of_warning(event)]
    else:
        facts = [f"{event.pod.namespace}/{event.pod.name} {event.container.name}", _of_missed(event)]
    return "  ".join(map(one_line, facts))


def _of_kill(item: Diagnosis) -> Iterator[str]:
    yield f"{item.verdict.value} [{item.confidence.value}]"
    if item.limit_bytes is not None:
        yield f"limit {show_bytes(item.limit_bytes)}"
    elif item.limit_known:
        yield "no limit"
    highest = item.run_up.highest_working_set_bytes if item.run_up else None
    if highest is not None:
        yield f"highest sampled {show_bytes(highest)}"
    if item.run_up and item.run_up.confidence:
        yield f"pattern {item.run_up.pattern.value}"
    if item.restart_count:
        yield plural(item.restart_count, "restart")
    if item.workload:
        yield _owner(item.workload)
    if item.node:
        yield f"on {item.node}"


def _of_warning(event: Warned) -> Iterator[str]:
    memory = f"working set {show_bytes(event.working_set_bytes)} of {show_bytes(event.limit_bytes)}"
    if event.mark is Mark.PROJECTED:
        yield f"reaches its limit in {span(event)} at this rate"
        yield f"{memory}, rises {show_bytes(round(event.growth_bytes_per_hour or 0))}/h"
    else:
        yield f"at {show_percent(event.working_set_bytes, event.limit_bytes)} of its limit"
        yield memory
    if event.workload:
        yield _owner(event.workload)
    if event.node:
        yield f"on {event.node}"


def _owner(owner: Owner) -> str:
    return workload_target(owner) or f"{owner.kind.lower()}/{owner.name}"


def _of_missed(event: EndsMissed) -> str:
    since = f" since {iso(event.since)}" if event.since else ""
    count = plural(event.ends, "more end")
    return f"{count} of this container{since} that nobody saw: the API keeps only the last"


def span(event: Warned) -> str:
    """`2-4 h`, `20-40 min`, `about 3 h`: what is left at the faster and at the slower rate."""
    least, most = event.least_seconds or 0.0, event.most_seconds or 0.0
    unit, seconds = ("h", _HOUR) if most >= _IN_HOURS_FROM else ("min", _MINUTE)
    low, high = max(1, round(least / seconds)), max(1, round(most / seconds))
    return f"about {high} {unit}" if low == high else f"{low}{_DASH}{high} {unit}"


# --- for a program -------------------------------------------------------------------------------------------------


def to_json_line(event: WatchEvent, at: datetime) -> str:
    """The event as one line of JSON, without its end; pure ASCII, so no control gets through."""
    return json.dumps(event_document(event, at), allow_nan=False)


def event_document(event: WatchEvent, at: datetime) -> Json:
    """The event as a `WatchEvent`; what its type does not have is None."""
    document = {"apiVersion": API_VERSION, "kind": "WatchEvent", "asOf": iso(at), "message": sentence(event)}
    if isinstance(event, KillSeen):
        item = event.diagnosis
        gaps = [gap_document(gap) for gap in event.gaps]
        about = _about("kill", item.namespace, item.pod, item.node, item.container, item.container_type.value)
        told = {"limitBytes": item.limit_bytes, "diagnosis": diagnosis_document(item), "gaps": gaps}
        return document | about | _workload(item.workload) | _NOTHING_ELSE | told
    if isinstance(event, Warned):
        about = _about("warning", event.namespace, event.pod, event.node, event.container, event.container_type.value)
        told = {"limitBytes": event.limit_bytes, "warning": _warning(event)}
        return document | about | _workload(event.workload) | _NOTHING_ELSE | told
    pod, container = event.pod, event.container
    about = _about("missed", pod.namespace, pod.name, pod.node, container.name, container.type.value)
    missed = {"ends": event.ends, "since": time_text(event.since)}
    told = {"limitBytes": _limit(pod, container), "missed": missed}
    return document | about | _workload(pod.workload) | _NOTHING_ELSE | told


_NOTHING_ELSE: Json = {"limitBytes": None, "diagnosis": None, "warning": None, "missed": None, "gaps": []}


def _about(what: str, namespace: str, pod: str, node: str | None, container: str, container_type: str) -> Json:
    return {
        "type": what,
        "namespace": namespace,
        "pod": pod,
        "node": node,
        "container": container,
        "containerType": container_type,
    }


def _workload(owner: Owner | None) -> Json:
    return {"workload": workload_document(owner)}


def _limit(pod: Pod, container: Container) -> int | None:
    return None if container.limit_bytes is None and pod.limit_bytes is not None else container.limit_bytes


def _warning(event: Warned) -> Json:
    left = None
    if event.least_seconds is not None and event.most_seconds is not None:
        left = {"least": round(event.least_seconds), "most": round(event.most_seconds)}
    growth = event.growth_bytes_per_hour
    return {
        "mark": event.mark.value,
        "workingSetBytes": event.working_set_bytes,
        "growthBytesPerHour": None if growth is None else round(growth),
        "secondsToLimit": left,
    }
