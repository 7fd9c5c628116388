"""The change of a workload: a patch of named containers' memory, refused where somebody else was faster."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kubectl_oom import __version__
from kubectl_oom.act.sending import may_have_been_made, name_of, patch, path_of, what_stands
from kubectl_oom.errors import OomError
from kubectl_oom.judge.patching import UNDO_ANNOTATION
from kubectl_oom.read.answer import part
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.workload import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kubectl_oom.evidence import FixPlan, WorkloadFacts
    from kubectl_oom.read.connection import Connection

Json = dict[str, Any]

CONFLICT = 409
# Controllers write statuses all the time, and a writer in a loop leaves gaps of milliseconds: a try costs as much.
TRIES = 50


def apply(
    connection: Connection, plan: FixPlan, now: datetime, *, tell: Callable[[str], None], dry_run: bool = False
) -> Json:
    """The object after the patch. ReadError where the server refuses; OomError where the sizes changed meanwhile.

    `dry_run` asks the server to check everything and to change nothing.
    """
    facts = plan.facts
    for _ in range(TRIES):
        answer = _try(connection, replace(plan, facts=facts), now, tell, dry_run=dry_run)
        if answer is not None:
            return answer
        facts = _again(connection, plan)
    raise OomError(
        f"error: {name_of(plan)} changes faster than it can be patched ({TRIES} conflicts)",
        "Look who writes to it: kubectl get --show-managed-fields -o yaml",
    )


def _try(
    connection: Connection, plan: FixPlan, now: datetime, tell: Callable[[str], None], *, dry_run: bool
) -> Json | None:
    """The object after the patch; None where somebody else wrote to it since its facts were read."""
    try:
        if plan.facts.target.kind == "Pod":
            return _to_a_pod(connection, plan, now, dry_run=dry_run)
        body = {"metadata": _metadata(plan, _note(plan, now)), **plan.patch}
        return patch(connection, path_of(plan), body, dry_run=dry_run)
    except ReadError as error:
        if error.status == CONFLICT:
            return None
        if dry_run or not may_have_been_made(error):
            raise
        return what_stands(connection, plan, error, tell)


def _to_a_pod(connection: Connection, plan: FixPlan, now: datetime, *, dry_run: bool) -> Json:
    """A resize takes resources only, so the way back is noted by a request of its own.

    The note comes before a change and goes after an undo: there is never a change without a way back.
    """
    path = path_of(plan)
    if dry_run:
        patch(connection, path, {"metadata": _metadata(plan, _note(plan, now))}, dry_run=True)
        return patch(connection, f"{path}/resize", plan.patch, dry_run=True)
    if plan.is_undo:
        resized = patch(connection, f"{path}/resize", {"metadata": _metadata(plan, None, noted=False), **plan.patch})
        note = {"annotations": {UNDO_ANNOTATION: _note(plan, now)}}
        return patch(connection, path, {"metadata": note}) or resized
    noted = patch(connection, path, {"metadata": _metadata(plan, _note(plan, now))})
    version = part(noted, "metadata").get("resourceVersion")
    try:
        return patch(connection, f"{path}/resize", {"metadata": {"resourceVersion": version}, **plan.patch})
    except (ReadError, OomError) as error:
        if isinstance(error, OomError) or not may_have_been_made(error):
            former = {"annotations": {UNDO_ANNOTATION: _text_of(plan.facts)}}
            patch(connection, path, {"metadata": former})
        raise


def _metadata(plan: FixPlan, note: str | None, *, noted: bool = True) -> Json:
    found: Json = {"annotations": {UNDO_ANNOTATION: note}} if noted else {}
    if plan.facts.resource_version:
        found["resourceVersion"] = plan.facts.resource_version
    return found


def _note(plan: FixPlan, now: datetime) -> str | None:
    """What the annotation is to hold: the values from before, with the time and the version of this tool."""
    if plan.is_undo:
        return _text_of(replace(plan.facts, saved=plan.former))
    containers = [
        {
            "name": one.written.name,
            "type": one.type.value,
            "request": one.written.request,
            "limit": one.written.limit,
            **({"env": {name: one.written.settings.get(name) for name in one.env}} if one.env else {}),
        }
        for one in plan.changes
    ]
    return _text(now, __version__, containers)


def _text_of(facts: WorkloadFacts) -> str | None:
    """The annotation that was read, as it was written; None where there was none."""
    if facts.saved is None:
        return None
    containers = [
        {
            "name": one.name,
            "type": one.type.value,
            "request": one.request,
            "limit": one.limit,
            **({"env": dict(one.settings)} if one.settings else {}),
        }
        for one in facts.saved.containers
    ]
    return _text(facts.saved.at, facts.saved.version, containers)


def _text(at: datetime | None, version: str, containers: list[Json]) -> str:
    moment = at.isoformat(timespec="seconds").replace("+00:00", "Z") if at else None
    return json.dumps({"at": moment, "version": version, "containers": containers}, separators=(",", ":"))


def _again(connection: Connection, plan: FixPlan) -> WorkloadFacts:
    """The facts as they are now; OomError where the memory itself is no longer what the plan started from."""
    target = plan.facts.target
    facts = facts_of(connection.get_json(path_of(plan)), target.api_version, target.kind)
    changed = {change.container for change in plan.changes}
    now = {one.name: one for one in facts.written if one.name in changed}
    before = {one.name: one for one in plan.facts.written if one.name in changed}
    if now != before:
        raise OomError(
            f"error: somebody else changed the memory of {name_of(plan)} in the meantime; nothing was applied",
            "Run it again: it starts from what stands there now",
        )
    return facts
