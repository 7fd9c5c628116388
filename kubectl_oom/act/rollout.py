"""What becomes of a change: the rollout is followed until it is done, has failed, or takes too long."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from time import monotonic, sleep
from typing import TYPE_CHECKING

from kubectl_oom.act.in_place import resized
from kubectl_oom.act.pods import as_evidence, changed_at, ended, events_of, in_effect, pods_of, unlike_wanted
from kubectl_oom.act.sending import unlike
from kubectl_oom.act.steps import Step, counts_of, nothing_to_follow, progress
from kubectl_oom.act.troubles import trouble_of
from kubectl_oom.evidence import Rolled, RolloutState
from kubectl_oom.read.kinds import kind_named
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.workload import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kubectl_oom.act.troubles import Trouble
    from kubectl_oom.evidence import FixPlan, WorkloadFacts
    from kubectl_oom.read.source import Json, Source

# A pod is replaced within seconds where its image is there, and within minutes where not: few questions, soon answered.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
GROWTH = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to follow, and whose time that is."""

    seconds: float
    clock: Callable[[], float] = monotonic
    wait: Callable[[float], None] = sleep


def follow(source: Source, plan: FixPlan, patience: Patience, tell: Callable[[Step], None]) -> Rolled:
    """What was seen until the end; `tell` gets every step that differs from the one before."""
    started = moved = patience.clock()
    last, pause = look(source, plan, None), FIRST_PAUSE_SECONDS
    tell(last)
    while True:
        now = patience.clock()
        if last.state is None and last.fails_after is not None and now - moved >= last.fails_after:
            last = replace(last, state=RolloutState.FAILED)
        left = patience.seconds - (now - started)
        if last.state is not None or left <= 0:
            return _rolled(last, patience.seconds, now - started)
        patience.wait(min(pause, left))
        step = look(source, plan, last)
        pause = min(pause * GROWTH, LONGEST_PAUSE_SECONDS)
        if (step.updated, step.ready) != (last.updated, last.ready):
            moved, pause = patience.clock(), FIRST_PAUSE_SECONDS
        if step != last:
            tell(step)
        last = step


def _rolled(step: Step, allowed: float, seconds: float) -> Rolled:
    late = step.state is None
    because = f"Not finished within {allowed:.0f} s: {step.because}" if late else step.because
    remedy = step.remedy or ("It goes on all the same; the same command again follows it" if late else None)
    return Rolled(
        state=step.state or RolloutState.TIMED_OUT,
        updated=step.updated,
        wanted=step.wanted,
        seconds=seconds,
        because=because,
        remedy=remedy,
        verified=step.verified,
    )


def look(source: Source, plan: FixPlan, last: Step | None) -> Step:
    """Where the rollout stands now; a cluster that does not answer leaves it where it was seen `last`."""
    target = plan.facts.target
    try:
        item = source.get(kind_named(target.kind.lower()), plan.facts.namespace, target.name)
        facts = facts_of(item, target.api_version, target.kind)
        return _reverted(facts, plan, last) or _step(source, item, facts, plan)
    except ReadError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            return _at(last, RolloutState.FAILED, f"{target.kind.lower()}/{target.name} is gone.")
        return _at(last, None, f"The cluster cannot be asked now ({error.message}).")


def _at(last: Step | None, state: RolloutState | None, because: str, remedy: str | None = None) -> Step:
    updated, wanted, ready = (last.updated, last.wanted, last.ready) if last else (0, 0, 0)
    return Step(state=state, updated=updated, wanted=wanted, ready=ready, because=because, remedy=remedy)


def _reverted(facts: WorkloadFacts, plan: FixPlan, last: Step | None) -> Step | None:
    """Where the template has other sizes again: somebody else has taken the change back."""
    others = unlike(facts, plan)
    if not others:
        return None
    writers = [one for one in facts.managers if set(one.memory_of) & set(others)]
    newest = max(writers, key=lambda one: one.at.timestamp() if one.at else 0.0, default=None)
    who = f", written by {newest.name}" if newest else ""
    return _at(
        last,
        RolloutState.FAILED,
        f"The memory of {others[0]} is no longer what was set{who}: the change was reverted.",
        "Make the change where that gets its sizes from",
    )


def _step(source: Source, item: Json, facts: WorkloadFacts, plan: FixPlan) -> Step:
    if facts.target.kind == "Pod":
        return resized((item,), plan, changed_at(item))
    idle = nothing_to_follow(item, facts)
    if idle is not None:
        # A pod that has ended stays on the list (evicted, say), and nobody resizes it.
        there = [pod for pod in pods_of(source, item, facts).all if not ended(pod)] if _in_place(plan, idle) else []
        return resized(there, plan, changed_at(item)) if there else idle
    step = progress(item, facts.target.kind)
    if not counts_of(item, facts.target.kind).seen:  # what the status says is about the template before
        return step
    new: tuple[Json, ...] = ()
    old: tuple[Json, ...] = ()
    with suppress(ReadError):  # the controller's own numbers have to do
        pods = pods_of(source, item, facts)
        new, old = pods.new, tuple(one for one in pods.all if one not in pods.new)
    told = as_evidence(new)
    trouble = trouble_of(item, told, events_of(source, facts, told), changed_at(item), as_evidence(old))
    if trouble is not None and (step.state is None or trouble.fails_after == 0.0):
        return _troubled(step, trouble)
    return _verified(step, new, plan) if step.state is RolloutState.DONE else step


def _troubled(step: Step, trouble: Trouble) -> Step:
    if not trouble.fails_after:
        return replace(step, state=RolloutState.FAILED, because=trouble.because, remedy=trouble.remedy)
    return replace(step, because=trouble.because, remedy=trouble.remedy, fails_after=trouble.fails_after)


def _in_place(plan: FixPlan, idle: Step) -> bool:
    return plan.in_place and idle.state is RolloutState.NOTHING_TO_FOLLOW and plan.facts.replicas != 0


def _verified(step: Step, new: Sequence[Json], plan: FixPlan) -> Step:
    """The end of a rollout, with what its new pods really have: admission may have had its own idea."""
    if not new or not plan.changes:
        return step
    wrong = unlike_wanted(new, plan)
    if wrong:
        return replace(
            step,
            verified=False,
            because=f"{step.because} But {wrong[0]}: something changed it when the pod was created.",
            remedy="Look for a VerticalPodAutoscaler or a webhook: kubectl oom recommend names the former",
        )
    enforced = [in_effect(pod, plan) for pod in new]
    return replace(step, verified=all(one is not False for one in enforced))
