"""The commands that make a change and take it back: this tool's own, and kubectl's."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.show.fix_facts import target_of
from kubectl_oom.show.same_cluster import in_the_same_cluster
from kubectl_oom.show.words import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import FixOutcome, FixPlan

# What the user has to agree to, and the flag that says so (docs/preflight.md).
CONSENT = {
    "low-confidence": "--accept-low-confidence",
    "leak": "--accept-low-confidence",
    "decrease": "--allow-decrease",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The flags that were given, as far as the next command needs them too; none of them is a secret."""

    change: tuple[str, ...] = ()  # what decides about the change: `--limit`, `768Mi`
    cluster: tuple[str, ...] = ()  # where it is made: `--context`, `prod`
    sizes_again: bool = False  # the sizes of this plan come from a snapshot: the cluster may give others


@dataclass(frozen=True, slots=True)
class Way:
    """A heading, and the commands below it."""

    head: str
    commands: tuple[str, ...]


def ways(outcome: FixOutcome, flags: Flags) -> Iterator[Way]:
    """How to make the change, or take it back, from where it stands; nothing where there is nothing to do."""
    for way in _ways(outcome, flags):
        yield Way(way.head, tuple(in_the_same_cluster(command, flags.cluster) for command in way.commands))


def _ways(outcome: FixOutcome, flags: Flags) -> Iterator[Way]:
    plan = outcome.plan
    if outcome.rolled_back:
        return
    if not plan.changes:
        if not plan.is_undo:
            yield Way("What is recommended, and why", (_shell("recommend", plan),))
    elif outcome.applied and plan.is_undo:
        yield Way("To have the change again", plan.undo_commands)
    elif outcome.applied:
        yield Way("The way back", (own_undo(plan),))
        yield Way("The way back with kubectl alone", plan.undo_commands)
    elif plan.facts.template_stays:
        yield Way("The only way is to make it anew, which starts its work from the beginning", plan.commands)
    else:
        yield Way(_head(plan, flags), (own_command(plan, flags),))
        yield from () if plan.is_undo else (Way("The way back after that", (own_undo(plan),)),)
        yield from _kubectl(plan)


def own_command(plan: FixPlan, flags: Flags) -> str:
    """`kubectl oom fix deploy/api -n shop --apply`, with the flags this plan was made with and those it needs."""
    missing = dict.fromkeys(CONSENT[check.code] for check in plan.blocked_by if check.code in CONSENT)
    agreed = [flag for flag in missing if flag not in flags.change]
    back = ("--undo",) if plan.is_undo else ()
    return _shell("fix", plan, *back, *flags.change, *agreed, "--apply")


def own_undo(plan: FixPlan) -> str:
    """`kubectl oom fix deploy/api -n shop --undo --apply`."""
    facts = plan.facts
    # Where no rollout replaces them, the pods that were resized stay as they are unless they are resized again.
    stay = plan.in_place and facts.target.kind != "Pod" and (facts.paused or facts.strategy == "OnDelete")
    return _shell("fix", plan, "--undo", *(("--in-place",) if stay else ()), "--apply")


def _shell(command: str, plan: FixPlan, *words: str) -> str:
    """A line for the shell: what a foreign snapshot calls a workload must not become a second command."""
    where = ("kubectl", "oom", command, target_of(plan), "-n", plan.facts.namespace)
    return " ".join(shlex.quote(one_line(word)) for word in (*where, *words))


def _head(plan: FixPlan, flags: Flags) -> str:
    if "--force" in flags.change:
        return "Make it so all the same" if plan.blocked_by else "Make it so"
    if any(check.code not in CONSENT for check in plan.blocked_by):
        return "Clear what stands against it (or go on with --force); then make it so"
    if plan.blocked_by:
        return "If you agree to that, make it so"
    return "Make it so (a cluster may know more than the snapshot)" if flags.sizes_again else "Make it so"


def _kubectl(plan: FixPlan) -> Iterator[Way]:
    """The same without this tool; nothing is looked at then, and the way back is not kept."""
    along = any(change.env for change in plan.changes)
    yield Way("The same with kubectl alone", (*plan.commands, *(plan.heap_commands if along else ())))
    if plan.heap_commands and not along:
        yield Way("Its own memory settings along with it (or --with-heap)", plan.heap_commands)
    yield Way("The way back with kubectl alone", plan.undo_commands)
