"""One plan carried out: sent, followed, taken back where it fails, and watched; what stands is said when interrupted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kubectl_oom.cli.reading import fatal, tell

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kubectl_oom.act.steps import Step
    from kubectl_oom.evidence import FixOutcome, FixPlan, Rolled, Watched
    from kubectl_oom.read.live import LiveSource
    from kubectl_oom.read.source import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """How the changes are to be made."""

    now: datetime
    trial: bool  # the server checks everything and changes nothing
    follow_seconds: float  # 0: not at all
    watch_seconds: float
    rollback: bool
    by_hand: bool = False  # the sizes were given


def order_of(values: Mapping[str, Any], now: datetime) -> Order:
    """The options as an order; OomError for durations that are none."""
    from kubectl_oom.cli.durations import seconds_of

    return Order(
        now=now,
        trial=values["dry_run"] == "server",
        follow_seconds=seconds_of(values["timeout"]) or 0.0,
        watch_seconds=seconds_of(values["watch_for"]) or 0.0,
        rollback=values["rollback_on_failure"],
        by_hand=bool(values["limit_text"] or values["request_text"]),
    )


def carry_out(source: LiveSource, outcome: FixOutcome, order: Order) -> FixOutcome:
    """What became of one plan; OomError where the server refuses it, KeyboardInterrupt once what stands was said."""
    from kubectl_oom.act.sending import name_of

    plan, stand = outcome.plan, Stand(name_of(outcome.plan))
    try:
        if not plan.changes:
            return _again(source, outcome, order, stand)
        item = _sent(source, plan, order, stand)
        if order.trial:
            return replace(outcome, dry_run="server")
        stand.applied = True
        _resize(source, plan, item)
        return _followed(source, replace(outcome, applied=True, dry_run=None), order, stand)
    except KeyboardInterrupt:
        tell(stand.interrupted())
        raise


def went_wrong(outcome: FixOutcome) -> bool:
    """Whether the rollout did not come to its end."""
    from kubectl_oom.evidence import RolloutState

    return outcome.rollout is not None and outcome.rollout.state in (RolloutState.FAILED, RolloutState.TIMED_OUT)


class Stand:
    """How far one change is: for the lines of progress, and for whoever presses Ctrl-C."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._said = ""
        self._last: Step | None = None
        self.sending = False
        self.applied = False
        self.following = False

    def step(self, step: Step) -> None:
        """Say what has changed, one line each."""
        self._last = step
        if step.because != self._said:
            self._said = step.because
            tell(f"{self._name}: {step.because}")

    def kills(self, count: int) -> None:
        """Say that a container was killed."""
        tell(f"{self._name}: OOM-killed {count} {'time' if count == 1 else 'times'} since the change")

    def interrupted(self) -> str:
        """What stands now."""
        again = "Run the same command again"
        if self.applied or self.following:
            done = f"the change of {self._name} is applied" if self.applied else f"{self._name} has the sizes"
            pods = f", {self._last.updated} of {self._last.wanted} pods updated" if self._last else ""
            return f"Interrupted: {done}{pods}. {again} to follow it; --undo --apply takes it back."
        if self.sending:
            return f"Interrupted while the change of {self._name} was sent: it may have been made. {again}: it looks first."
        return f"Interrupted: nothing was changed at {self._name}."


def _sent(source: LiveSource, plan: FixPlan, order: Order, stand: Stand) -> Json:
    from kubectl_oom.act.apply import apply
    from kubectl_oom.read.source import ReadError

    stand.sending = not order.trial
    try:
        return apply(source.connection, plan, order.now, tell=tell, dry_run=order.trial)
    except ReadError as error:
        raise fatal(error, source) from error


def _again(source: LiveSource, outcome: FixOutcome, order: Order, stand: Stand) -> FixOutcome:
    """A plan without changes: what an earlier run has begun is brought to its end, and nothing else is touched."""
    from kubectl_oom.act.sending import FIELD_MANAGER
    from kubectl_oom.judge.fixing import as_it_stands

    facts, name = outcome.plan.facts, f"{outcome.plan.facts.target.kind.lower()}/{outcome.plan.facts.target.name}"
    there = "the values from before" if outcome.plan.is_undo else "these sizes"
    known = outcome.plan.is_undo or (order.by_hand and not outcome.plan.blocked_by)
    tell(f"{name}{f' has {there} already' if known else ''}: there is nothing to change.")
    if order.trial or FIELD_MANAGER not in {manager.name for manager in facts.managers}:
        return outcome
    plan = as_it_stands(outcome.plan)
    stand.following = True
    _resize(source, plan, None)
    followed = _followed(source, replace(outcome, plan=plan), replace(order, rollback=False), stand)
    return replace(followed, plan=outcome.plan)


def _resize(source: LiveSource, plan: FixPlan, item: Json | None) -> None:
    """With --in-place: the running pods too, those that a rollout is going to replace included."""
    from kubectl_oom.act.pods import pods_of
    from kubectl_oom.act.resize import WITHOUT_PODS, resize_running
    from kubectl_oom.read.kinds import kind_named
    from kubectl_oom.read.source import ReadError

    facts = plan.facts
    if not plan.in_place or facts.target.kind in WITHOUT_PODS:
        return
    try:
        item = item or source.get(kind_named(facts.target.kind.lower()), facts.namespace, facts.target.name)
        resized = resize_running(source.connection, plan, pods_of(source, item, facts).all)
        for line in resized:
            tell(line)
    except ReadError as error:
        raise fatal(error, source) from error


def _followed(source: LiveSource, outcome: FixOutcome, order: Order, stand: Stand) -> FixOutcome:
    from kubectl_oom.act.rollout import Patience, follow

    if order.follow_seconds:
        rolled = follow(source, outcome.plan, Patience(seconds=order.follow_seconds), stand.step)
        outcome = replace(outcome, rollout=rolled)
        if went_wrong(outcome):
            return _taken_back(source, outcome, order) if order.rollback else outcome
    if order.watch_seconds:
        outcome = replace(outcome, watched=_watched(source, outcome.plan, order, stand))
    return outcome


def _watched(source: LiveSource, plan: FixPlan, order: Order, stand: Stand) -> Watched:
    from kubectl_oom.act.rollout import Patience
    from kubectl_oom.act.watch import watch

    tell(f"Watching for {order.watch_seconds:.0f} s whether it is killed again.")
    return watch(source, plan, Patience(seconds=order.watch_seconds), stand.kills)


def _taken_back(source: LiveSource, outcome: FixOutcome, order: Order) -> FixOutcome:
    """The values from before again, the note of an earlier change included; and what became of that."""
    from kubectl_oom.act.rollout import Patience, follow
    from kubectl_oom.act.sending import name_of
    from kubectl_oom.judge.fixing import undo_plan_of
    from kubectl_oom.read.kinds import kind_named
    from kubectl_oom.read.source import ReadError
    from kubectl_oom.read.workload import facts_of

    plan, target = outcome.plan, outcome.plan.facts.target
    tell(f"The rollout failed: {outcome.rollout.because if outcome.rollout else ''} The change is taken back.")
    try:
        item = source.get(kind_named(target.kind.lower()), plan.facts.namespace, target.name)
    except ReadError as error:
        raise fatal(error, source) from error
    undo = undo_plan_of(facts_of(item, target.api_version, target.kind))
    if undo is None or not undo.changes:
        tell(f"{name_of(plan)} has the values from before already.")
        return replace(outcome, rolled_back=True)
    undo = replace(undo, former=plan.facts.saved, in_place=plan.in_place)
    stand = Stand(f"{name_of(plan)} (taken back)")
    item = _sent(source, undo, order, stand)
    _resize(source, undo, item)
    back: Rolled = follow(source, undo, Patience(seconds=order.follow_seconds), stand.step)
    if back.remedy:
        tell(back.remedy)
    return replace(outcome, rolled_back=True)
