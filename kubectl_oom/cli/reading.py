"""What every reading command does first: find the source, read the case, word what went wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import CaseFile, Gap, Pod, Room, WorkloadPast
    from kubectl_oom.read.source import ReadError, Source
    from kubectl_oom.read.targets import Scope


_NAMED = 3  # namespaces of a snapshot that an error lists


def open_source(values: dict[str, Any]) -> tuple[Source, datetime]:
    """The snapshot or cluster that the options name, and the moment its answers refer to."""
    from kubectl_oom.cli.connecting import connect_options, engine_options

    if values.get("from_file"):
        from kubectl_oom.read.replay import load

        recorded = load(values["from_file"])
        return recorded, moment(values) or recorded.taken_at
    from kubectl_oom.read.connection import connect
    from kubectl_oom.read.live import LiveSource

    source = LiveSource(connect(connect_options(values)), engine_options(values), tell)
    return source, moment(values) or datetime.now(timezone.utc)


def tell(sentence: str) -> None:
    """Say something beside the answer, on stderr."""
    import click

    from kubectl_oom.show.words import printable

    click.echo(printable(sentence), err=True)


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
    import click

    from kubectl_oom.read.source import NODES
    from kubectl_oom.read.targets import Scope, parse_targets, refuse_bad_namespace

    targets = parse_targets(
        values["words"],
        labels=values["selector"],
        all_namespaces=values["all_namespaces"],
        command=(asked.info_name if (asked := click.get_current_context(silent=True)) else None) or "why",
    )
    namespace: str = values["namespace"] or source.namespace
    refuse_bad_namespace(namespace)
    everywhere = values["all_namespaces"] or (
        values["namespace"] is None and all(target.kind is NODES for target in targets)
    )
    return Scope(
        targets=targets,
        namespace=None if everywhere else namespace,
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
        raise fatal(_missing_namespace(source, scope, error) or error, source, scope.namespace) from error
    refuse_unknown_container(scope, case.pods)
    return case


def refuse_unknown_container(scope: Scope, pods: Sequence[Pod]) -> None:
    """OomError in kubectl's words where a container was named that none of the pods has."""
    if scope.container and pods and not any(c.name == scope.container for p in pods for c in p.containers):
        wrong = f"container {scope.container} is not valid for pod {pods[0].name}"
        raise OomError(f"error: {wrong} out of: {', '.join(_container_names(pods[0]))}")


def _container_names(pod: Pod) -> list[str]:
    """The pod's containers in kubectl's order and words."""
    from kubectl_oom.evidence import ContainerType

    marks = {ContainerType.APP: "", ContainerType.EPHEMERAL: " (ephem)"}
    named = [(container.type, container.name + marks.get(container.type, " (init)")) for container in pod.containers]
    order = list(marks)
    return [name for _, name in sorted(named, key=lambda n: order.index(n[0]) if n[0] in marks else len(order))]


def _missing_namespace(source: Source, scope: Scope, error: ReadError) -> ReadError | None:
    """The error for a namespace that does not exist, which kubectl names in place of what is not found in it."""
    from kubectl_oom.read.source import NAMESPACES, ReadError

    if error.reason != "NotFound" or scope.namespace is None or all(not t.kind.namespaced for t in scope.targets):
        return None
    try:
        source.get(NAMESPACES, None, scope.namespace)
    except ReadError as missing:
        return missing if missing.reason == "NotFound" else None
    return None


def read_with_pasts(
    source: Source, scope: Scope, values: dict[str, Any], since: datetime, now: datetime
) -> tuple[CaseFile, list[WorkloadPast]]:
    """What exists now, and what the metrics engine remembers of the scope's workloads; nothing where it selects none."""
    case = read_case(source, scope, values, now)
    pasts, gaps = read_pasts(source, scope, case, values, since, now)
    return replace(case, gaps=tuple(dict.fromkeys((*case.gaps, *gaps)))), pasts


def read_for_sizes(
    source: Source, scope: Scope, values: dict[str, Any], since: datetime, now: datetime
) -> tuple[CaseFile, list[WorkloadPast], tuple[Room, ...]]:
    """All that sizes are made from: what exists, the past of each workload, and beside it what it has to fit into."""
    from kubectl_oom.read.room import read_rooms

    case, pasts = read_with_pasts(source, scope, values, since, now)
    return case, pasts, read_rooms(source, case, pasts)


def read_pasts(
    source: Source, scope: Scope, case: CaseFile, values: dict[str, Any], since: datetime, now: datetime
) -> tuple[list[WorkloadPast], list[Gap]]:
    """What the metrics engine remembers of each workload; a workload it fails on leaves a gap."""
    from kubectl_oom.read.gaps import gap_of
    from kubectl_oom.read.past_case import past_of, workloads_of
    from kubectl_oom.read.source import ReadError

    pasts: list[WorkloadPast] = []
    gaps: list[Gap] = []
    for asked in workloads_of(scope, case):
        if not values["prometheus"]:
            pasts.append(past_of(asked, None))
            continue
        try:
            pasts.append(source.past(asked.namespace, asked.workload, asked.pods, since, now))
        except ReadError as error:  # one workload's failure is a gap, not the end of the others
            gaps.append(gap_of("metrics engine", "", error))
            pasts.append(past_of(asked, case.history))
    return pasts, gaps


def fatal(error: ReadError, source: Source, namespace: str | None = None) -> OomError:
    """The error line for a read that the command cannot do without; `namespace` is the one that was asked about."""
    if error.reason == "NotRecorded":
        held = f"{source.label} holds what was read when it was taken"
        return OomError(f"error: {error.message}", held + _of_other_namespaces(source, namespace))
    from kubectl_oom.read.connection import api_error_hint, api_error_line

    return OomError(api_error_line(error), api_error_hint(error))


def _of_other_namespaces(source: Source, asked: str | None) -> str:
    """Where the pods of a snapshot are, if none is in the namespace asked about: taken with -n, it is read with -n."""
    from kubectl_oom.read.answer import part
    from kubectl_oom.read.replay import RecordedSource
    from kubectl_oom.read.source import PODS
    from kubectl_oom.show.words import listed, one_line

    if not isinstance(source, RecordedSource) or asked is None:
        return ""
    held = sorted({one_line(str(part(pod, "metadata").get("namespace"))) for pod in source.held(PODS, None)})
    if not held or asked in held:
        return ""
    more = [f"{len(held) - _NAMED} more"] if len(held) > _NAMED else []
    return f", in {'namespace' if len(held) == 1 else 'namespaces'} {listed([*held[:_NAMED], *more])} (-n)"
