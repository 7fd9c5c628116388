"""What every form of a plan says, in the same words: the title, the differences, the checks, the ending."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import RolloutState, Severity
from kubectl_oom.judge.commands import list_name
from kubectl_oom.judge.patching import pod_spec_of
from kubectl_oom.quantity import parse_bytes, show_bytes, show_percent
from kubectl_oom.show.sentences import CONTAINER_WORDS, workload_target
from kubectl_oom.show.words import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Check, ContainerChange, FixOutcome, FixPlan, Rolled, Watched

NOT_SET = "not set"
NOTHING_TO_CHANGE = "nothing-to-change"  # the check that says so
_ORDER = list(Severity)
_BAD_ENDS = {
    RolloutState.FAILED: "but the rollout failed",
    RolloutState.TIMED_OUT: "and the rollout is not done yet",
}
_STATES = {
    RolloutState.DONE: "Rolled out",
    RolloutState.FAILED: "The rollout failed",
    RolloutState.TIMED_OUT: "The rollout is not done",
}
_VERIFIED = {
    None: "",
    True: " The pods themselves say so.",
    False: " The new pods do not run with the new limit.",
}


# --- who, and where it stands ----------------------------------------------------------------------------------------


def name_of(plan: FixPlan) -> str:
    """`deploy/api in shop`."""
    return f"{target_of(plan)} in {plan.facts.namespace}"


def target_of(plan: FixPlan) -> str:
    """`deploy/api`, as this tool takes it."""
    target = plan.facts.target
    return workload_target(target) or f"{target.kind.lower()}/{target.name}"


def title(outcome: FixOutcome) -> str:
    """What is to be done, or was done, and how that ended: `deploy/api in shop: changed and rolled out`."""
    plan = outcome.plan
    if outcome.applied and plan.changes:
        return f"{name_of(plan)}: {_done(outcome)}"
    if not plan.changes:
        nothing = "the values from before are there already" if plan.is_undo else "nothing to change"
        nothing = "no change can be planned" if plan.blocked_by else nothing
        return f"{name_of(plan)}: {nothing}{', ' + _end(outcome) if _went_wrong(outcome) else ''}"
    what = f"{plural(len(plan.changes), 'container')} to change{' back' if plan.is_undo else ''}"
    if outcome.dry_run == "server":
        return f"{name_of(plan)}: {what}; the server accepts that, and nothing is changed"
    if blocks := plan.blocked_by:
        return f"{name_of(plan)}: {what}, and {plural(len(blocks), 'thing stands', 'things stand')} against it"
    return f"{name_of(plan)}: {what}; nothing is changed yet"


def _done(outcome: FixOutcome) -> str:
    changed = "changed back" if outcome.plan.is_undo else "changed"
    if outcome.rolled_back:
        return (
            f"{changed}, {_end(outcome)}, so it was taken back"
            if _went_wrong(outcome)
            else f"{changed}, and taken back"
        )
    if _went_wrong(outcome):
        return f"{changed}, {_end(outcome)}"
    rolled = outcome.rollout is not None and outcome.rollout.state is RolloutState.DONE
    return f"{changed} and rolled out" if rolled else changed


def _end(outcome: FixOutcome) -> str:
    """What went wrong, the words of a title."""
    rolled, watched = outcome.rollout, outcome.watched
    if rolled is not None and rolled.state in _BAD_ENDS:
        return _BAD_ENDS[rolled.state]
    if rolled is not None and rolled.verified is False:
        return "but the new pods do not have the new size"
    return f"and OOM-killed again {plural(watched.kills, 'time')}" if watched else ""


def failed(outcome: FixOutcome) -> bool:
    """Whether what was asked for is not there: no change could be planned, it did not roll out, or it was killed again."""
    return _went_wrong(outcome) or bool(outcome.plan.blocked_by and not outcome.plan.changes)


def _went_wrong(outcome: FixOutcome) -> bool:
    rolled, watched = outcome.rollout, outcome.watched
    bad = rolled is not None and (rolled.state in _BAD_ENDS or rolled.verified is False)
    return bad or (watched is not None and watched.kills > 0)


# --- what changes ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """One value of one container; None: not set."""

    container: str  # `container app`, `sidecar proxy`
    field: str  # as in its spec: `limits.memory`, `env NODE_OPTIONS`
    before: str | None
    after: str | None


def differences(plan: FixPlan) -> Iterator[Difference]:
    """Everything that changes, container by container; what the plan does not touch is not in it."""
    for change in plan.changes:
        name = f"{CONTAINER_WORDS[change.type]} {change.container}"
        for field, before, after in _values(plan, change):
            yield Difference(name, field, before, after)


def _values(plan: FixPlan, change: ContainerChange) -> Iterator[tuple[str, str | None, str | None]]:
    """Values as they are spelled; equal ones are left out, and what a change does not name stays."""
    sent = _sent(plan, change)
    for side, before in (("limits", change.written.limit), ("requests", change.written.request)):
        after = sent.get(side, {}).get("memory", before)
        if after != before and (plan.is_undo or not _same(after, before)):
            yield f"{side}.memory", before, after
    for name, value in change.env.items():
        yield f"env {name}", change.written.settings.get(name), value


def _sent(plan: FixPlan, change: ContainerChange) -> dict[str, Any]:
    """The `resources` that the patch has for a container."""
    spec = pod_spec_of({"kind": plan.facts.target.kind, **plan.patch})
    for entry in spec.get(list_name(change.type), ()):
        if entry["name"] == change.container:
            found: dict[str, Any] = entry.get("resources", {})
            return found
    return {}


def _same(after: str | None, before: str | None) -> bool:
    """Whether both spell the same size."""
    return after is not None and before is not None and parse_bytes(after) == parse_bytes(before)


def standing_sizes(plan: FixPlan) -> Iterator[str]:
    """The sizes there are: `container app: limit 128Mi, request 64Mi`."""
    for one in plan.facts.written:
        sizes = f"limit {one.limit or NOT_SET}, request {one.request or NOT_SET}"
        yield f"{CONTAINER_WORDS[one.type]} {one.name}: {sizes}"


# --- what stands around it -------------------------------------------------------------------------------------------


def others(plan: FixPlan) -> list[Check]:
    """The checks that do not block, the most severe first; that nothing is to be changed says the title."""
    told = (check for check in plan.preflight if not check.blocks and check.code != NOTHING_TO_CHANGE)
    return sorted(told, key=lambda one: _ORDER.index(one.severity))


def evidence_of(check: Check) -> Iterator[str]:
    """What tells so."""
    for citation in check.evidence:
        yield f"{citation.source}: {citation.field} = {citation.value}"


def effects(plan: FixPlan) -> list[str]:
    """What will happen, with what becomes of the QoS class."""
    if not plan.changes:
        return []
    qos = _qos_words(plan)
    return [*plan.effects, *([qos] if qos and not any("QoS" in one for one in plan.effects) else [])]


def _qos_words(plan: FixPlan) -> str | None:
    """The QoS class, and that it changes; None where it is not known."""
    if plan.qos_before is None or plan.qos_after is None:
        return None
    if plan.qos_before == plan.qos_after:
        return f"The QoS class stays {plan.qos_after}."
    return f"The QoS class changes from {plan.qos_before} to {plan.qos_after}."


# --- what became of it -----------------------------------------------------------------------------------------------


def endings(outcome: FixOutcome) -> Iterator[str]:
    """What became of a plan that was carried out, one sentence each."""
    if outcome.rollout:
        yield _rollout(outcome.rollout)
        if outcome.rollout.remedy:
            yield f"Next: {outcome.rollout.remedy}"
    if outcome.rolled_back:
        yield "The change was taken back: the values from before stand there again."
    if outcome.watched:
        yield _watched(outcome.watched)


def _rollout(rolled: Rolled) -> str:
    told = f"{rolled.because}{_VERIFIED[rolled.verified]}"
    if rolled.state is RolloutState.NOTHING_TO_FOLLOW:
        return f"Nothing to follow: {told}"
    pods = "" if rolled.state is RolloutState.DONE else f" ({rolled.updated} of {plural(rolled.wanted, 'pod')} updated)"
    return f"{_STATES[rolled.state]} after {duration(rolled.seconds)}{pods}: {told}"


def _watched(watched: Watched) -> str:
    time = f"Watched for {duration(watched.seconds)}"
    killed = plural(watched.kills, "OOM kill") if watched.kills else "no OOM kill"
    if watched.highest_bytes is None:
        return f"{time}: {killed}; no sample of its memory was read."
    share = f", {show_percent(watched.highest_bytes, watched.limit_bytes)} of the limit" if watched.limit_bytes else ""
    return f"{time}: {killed}; the highest sample was {show_bytes(watched.highest_bytes)}{share}."
