"""What every reading command does first: find the source, read the case, word what went wrong."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from kubectl_oom.evidence import CaseFile
    from kubectl_oom.read.source import ReadError, Source
    from kubectl_oom.read.targets import Scope


def open_source(values: dict[str, Any]) -> tuple[Source, datetime]:
    """The snapshot or cluster that the options name, and the moment its answers refer to."""
    from kubectl_oom.cli.options import connect_options, engine_options

    if values.get("from_file"):
        from kubectl_oom.read.recording import load

        recorded = load(values["from_file"])
        return recorded, moment(values) or recorded.taken_at
    from kubectl_oom.read.connection import connect
    from kubectl_oom.read.live import LiveSource

    source = LiveSource(connect(connect_options(values)), engine_options(values))
    return source, moment(values) or datetime.now(timezone.utc)


def moment(values: dict[str, Any]) -> datetime | None:
    """The moment given by the hidden --now."""
    text = values.get("now")
    if not text:
        return None
    from kubectl_oom.read.objects import when

    parsed = when(text)
    if parsed is None:
        raise OomError(f'error: invalid time "{text}"')
    return parsed


def scope_of(source: Source, values: dict[str, Any]) -> Scope:
    """What the words and flags select."""
    from kubectl_oom.read.source import NODES
    from kubectl_oom.read.targets import Scope, parse_targets

    targets = parse_targets(values["words"], labels=values["selector"], all_namespaces=values["all_namespaces"])
    everywhere = values["all_namespaces"] or (
        values["namespace"] is None and all(target.kind is NODES for target in targets)
    )
    return Scope(
        targets=targets,
        namespace=None if everywhere else values["namespace"] or source.namespace,
        labels=values["selector"],
        container=values["container"],
    )


def read_case(source: Source, scope: Scope, values: dict[str, Any], now: datetime) -> CaseFile:
    """All evidence about the scope; OomError worded as kubectl's when the targets themselves cannot be read."""
    from kubectl_oom.read.gather import Wants, gather
    from kubectl_oom.read.source import ReadError

    wants = Wants(logs=values["logs"], kubelet=values["kubelet"], metrics=values["prometheus"])
    try:
        case = gather(source, scope, now=now, wants=wants)
    except ReadError as error:
        raise fatal(error, source) from error
    if scope.container and case.pods and not any(c.name == scope.container for p in case.pods for c in p.containers):
        first = case.pods[0]
        names = ", ".join(c.name for c in first.containers)
        raise OomError(
            f"error: container {scope.container} is not valid for pod {first.name}", f"Its containers are: {names}"
        )
    return case


def fatal(error: ReadError, source: Source) -> OomError:
    """The error line for a read that the command cannot do without."""
    if error.reason == "NotRecorded":
        return OomError(f"error: {error.message}", f"{source.label} holds what was read when it was taken")
    from kubectl_oom.read.connection import api_error_hint, api_error_line

    return OomError(api_error_line(error), api_error_hint(error))
