"""The plan of `fix`: what is changed, what it takes to change it back, and what will happen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ContainerChange, FixPlan, Sizes
from kubectl_oom.judge.heap_by_hand import with_heap_by_hand
from kubectl_oom.judge.patching import (
    changed_settings,
    commands_of,
    heap_commands_of,
    patch_of,
    restoring_patch_of,
    settable,
    undo_command_of,
    undo_patch_of,
)
from kubectl_oom.judge.preflight import preflight
from kubectl_oom.quantity import parse_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import Pod, Proposal, Room, WorkloadFacts, Written


@dataclass(frozen=True, slots=True, kw_only=True)
class FixAsked:
    """What the user asked for; sizes by hand in bytes."""

    limit_bytes: int | None = None
    request_bytes: int | None = None
    container: str | None = None
    accept_low_confidence: bool = False
    allow_decrease: bool = False
    with_heap: bool = False
    in_place: bool = False
    force: bool = False

    @property
    def by_hand(self) -> bool:
        """Whether the sizes were given."""
        return self.limit_bytes is not None or self.request_bytes is not None


def plan_of(
    facts: WorkloadFacts, proposals: Sequence[Proposal], room: Room | None, pods: Sequence[Pod], asked: FixAsked
) -> FixPlan:
    """The plan for one workload from its proposals, or from the sizes given by hand."""
    proposals = with_heap_by_hand(proposals, room, pods, asked)
    changes = tuple(_changes(facts, proposals, asked))
    patch = patch_of(facts.target, changes)
    undo = undo_patch_of(facts.target, changes)
    draft = FixPlan(
        facts=facts,
        changes=changes,
        patch=patch,
        undo=undo,
        commands=commands_of(facts, changes, patch) if changes else (),
        undo_commands=(undo_command_of(facts, undo),) if changes else (),
        heap_commands=tuple(heap_commands_of(facts.namespace, facts.target, changes)),
        in_place=in_place(facts.target.kind, asked),
        evidence=tuple(sentence for one in proposals for sentence in one.size.rationale),
    )
    return preflight(draft, proposals, room, pods, asked)


def in_place(kind: str, asked: FixAsked) -> bool:
    """Whether running pods are resized: always a bare pod, never those of a run, which ends with its own sizes."""
    return kind == "Pod" or (asked.in_place and kind not in ("Job", "CronJob"))


def undo_plan_of(facts: WorkloadFacts) -> FixPlan | None:
    """The plan that restores what the annotation keeps; None where nothing is kept."""
    if facts.saved is None:
        return None
    now = {one.name: one for one in facts.written}
    pairs = [(old, now[old.name]) for old in facts.saved.containers if old.name in now]
    pairs = [(old, new) for old, new in pairs if _differs(old, new)]
    restore = restoring_patch_of(facts.target, pairs)
    again = restoring_patch_of(facts.target, [(new, old) for old, new in pairs])
    return FixPlan(
        facts=facts,
        changes=tuple(
            ContainerChange(
                container=old.name,
                type=old.type,
                before=sizes_of(new),
                after=sizes_of(old),
                written=new,
                env=changed_settings(old, new),
            )
            for old, new in pairs
        ),
        patch=restore,
        undo=again,
        commands=(undo_command_of(facts, restore),) if pairs else (),
        undo_commands=(undo_command_of(facts, again),) if pairs else (),
        is_undo=True,
        in_place=facts.target.kind == "Pod",
    )


def _differs(old: Written, now: Written) -> bool:
    return (old.limit, old.request) != (now.limit, now.request) or bool(changed_settings(old, now))


def sizes_of(written: Written) -> Sizes:
    """The quantities as bytes."""
    return Sizes(
        request_bytes=parse_bytes(written.request) if written.request else None,
        limit_bytes=parse_bytes(written.limit) if written.limit else None,
    )


def _changes(facts: WorkloadFacts, proposals: Sequence[Proposal], asked: FixAsked) -> list[ContainerChange]:
    found = []
    by_name = {one.size.container: one for one in proposals}
    for written in facts.written:
        proposal = by_name.get(written.name)
        wanted = _wanted(written, proposal, asked, alone=len(facts.written) == 1)
        before = sizes_of(written)
        if wanted is None or _same(before, wanted):
            continue
        found.append(
            ContainerChange(
                container=written.name,
                type=written.type,
                before=before,
                after=wanted,
                written=written,
                heap=proposal.heap if proposal else None,
                env=settable(written, proposal.heap if proposal else None) if asked.with_heap else {},
            )
        )
    return found


def _wanted(written: Written, proposal: Proposal | None, asked: FixAsked, *, alone: bool) -> Sizes | None:
    if asked.by_hand:
        mine = written.name == asked.container if asked.container else alone
        return Sizes(request_bytes=asked.request_bytes, limit_bytes=asked.limit_bytes) if mine else None
    if proposal is None or (asked.container and written.name != asked.container):
        return None
    return proposal.offer or proposal.size.recommended


def _same(before: Sizes, after: Sizes) -> bool:
    return after.limit_bytes in (None, before.limit_bytes) and after.request_bytes in (None, before.request_bytes)


def as_it_stands(plan: FixPlan) -> FixPlan:
    """A plan that asks for what is there already: to follow to its end what an earlier run has begun."""
    changes = tuple(
        ContainerChange(container=one.name, type=one.type, before=sizes_of(one), after=sizes_of(one), written=one)
        for one in plan.facts.written
    )
    return replace(plan, changes=changes, patch=patch_of(plan.facts.target, changes), is_undo=False)
