"""Plans of `fix`, and what became of them, as data: docs/schema.json says what every field means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_oom.judge.merging import only
from kubectl_oom.judge.patching import commands_of, heap_commands_of, undo_command_of
from kubectl_oom.show.document import citation_document, envelope, workload_document

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence import Check, ContainerChange, FixOutcome, FixReport, Rolled, Sizes, Watched

Json = dict[str, Any]


def changes_document(report: FixReport, now: datetime) -> Json:
    """The changes as a `ChangeList`, one item per container: bytes are integers, absent is None and never 0.

    A workload in which nothing is to be changed has no item; it is in `unchanged`.
    """
    items = [_item(outcome, change) for outcome in report.items for change in outcome.plan.changes]
    unchanged = [_unchanged(outcome) for outcome in report.items if not outcome.plan.changes]
    more = {"unchanged": unchanged, "warnings": list(report.warnings)}
    return envelope("ChangeList", items, report.gaps, now) | more


def _item(outcome: FixOutcome, change: ContainerChange) -> Json:
    plan = outcome.plan
    return {
        "namespace": plan.facts.namespace,
        "workload": workload_document(plan.facts.target),
        "container": change.container,
        "containerType": change.type.value,
        "before": _sizes(change.before),
        "after": _sizes(change.after),
        "environment": dict(change.env),
        **_of_the_container(outcome, change),
        "commands": list(plan.commands),
        "undoCommands": list(plan.undo_commands),
        "isUndo": plan.is_undo,
        "inPlace": plan.in_place,
        "qosClass": {"before": plan.qos_before, "after": plan.qos_after},
        "effects": list(plan.effects),
        "preflight": [_check(check) for check in plan.preflight],
        "applied": outcome.applied,
        "dryRun": outcome.dry_run,
        "rollout": _rollout(outcome.rollout),
        "watched": _watched(outcome.watched),
        "rolledBack": outcome.rolled_back,
    }


def _of_the_container(outcome: FixOutcome, change: ContainerChange) -> Json:
    """What changes this container and no other, and what takes that back."""
    facts, plan = outcome.plan.facts, outcome.plan
    patch, undo = only(plan.patch, change.container), only(plan.undo, change.container)
    back = undo_command_of(facts, undo)
    command = undo_command_of(facts, patch) if plan.is_undo else commands_of(facts, (change,), patch)[0]
    heap = next(iter(heap_commands_of(facts.namespace, facts.target, (change,))), None)
    return {"command": command, "heapCommand": heap, "patch": patch, "undo": undo, "undoCommand": back}


def _unchanged(outcome: FixOutcome) -> Json:
    plan = outcome.plan
    return {
        "namespace": plan.facts.namespace,
        "workload": workload_document(plan.facts.target),
        "preflight": [_check(check) for check in plan.preflight],
        "rollout": _rollout(outcome.rollout),
        "watched": _watched(outcome.watched),
    }


def _sizes(sizes: Sizes) -> Json:
    return {"requestBytes": sizes.request_bytes, "limitBytes": sizes.limit_bytes}


def _check(check: Check) -> Json:
    return {
        "code": check.code,
        "severity": check.severity.value,
        "message": check.message,
        "evidence": [citation_document(citation) for citation in check.evidence],
        "remedy": check.remedy,
        "blocks": check.blocks,
    }


def _rollout(rolled: Rolled | None) -> Json | None:
    if rolled is None:
        return None
    return {
        "state": rolled.state.value,
        "updatedPods": rolled.updated,
        "wantedPods": rolled.wanted,
        "seconds": round(rolled.seconds),
        "because": rolled.because,
        "remedy": rolled.remedy,
        "verified": rolled.verified,
    }


def _watched(watched: Watched | None) -> Json | None:
    if watched is None:
        return None
    return {
        "seconds": round(watched.seconds),
        "kills": watched.kills,
        "highestSampledBytes": watched.highest_bytes,
        "limitBytes": watched.limit_bytes,
    }
