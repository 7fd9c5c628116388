"""What is only done when the user agrees to it: sizes that are not trusted, lower limits, limits that killed before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Band, Check, Citation, ContainerType, Severity
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import ContainerChange, Proposal
    from kubectl_oom.judge.preflight.situation import Situation

_SECONDS_PER_HOUR = 3600
_HOURS_SHOWN = 48  # a shorter time is read in hours, a longer one in days


def consent(here: Situation) -> Iterator[Check]:
    """The checks about the sizes themselves."""
    if not here.plan.changes:
        yield from _nothing_to_change(here)
    for change in here.plan.changes:
        yield from _confidence(here, change)
        yield from _decrease(here, change)
        yield from _below_a_kill(here, change)
        yield from _above_the_limit(here, change)


def _nothing_to_change(here: Situation) -> Iterator[Check]:
    """Why nothing is changed. A container that the template lacks has a check of its own."""
    names = [one.name for one in here.facts.written if one.type is not ContainerType.EPHEMERAL]
    if here.asked.by_hand and here.asked.container is None and len(names) > 1:
        yield Check(
            code="container-not-named",
            severity=Severity.CRITICAL,
            message=f"{here.name} has {len(names)} containers, and nothing says which of them the size is for.",
            evidence=(here.cite("spec.template.spec.containers", ", ".join(names)),),
            remedy="name one: -c " + names[0],
            blocks=True,
        )
        return
    asked = [here.asked.container] if here.asked.container else names
    there = [one for one in here.facts.written if one.name in asked]
    if there:
        told = ", ".join(f"{one.name}: limit {one.limit or 'none'}, request {one.request or 'none'}" for one in there)
        yield Check(
            code="nothing-to-change",
            severity=Severity.INFO,
            message=f"Nothing is to be changed in {here.name}.",
            evidence=(here.cite("resources", told),),
        )


def _confidence(here: Situation, change: ContainerChange) -> Iterator[Check]:
    """What `recommend` itself does not trust; a size by hand is the user's own word."""
    proposal = here.by_container.get(change.container)
    if proposal is None or here.plan.is_undo:
        return
    refused = not (here.asked.accept_low_confidence or here.asked.by_hand)
    size = proposal.size
    if size.confidence is Band.LOW and not here.asked.by_hand:
        yield Check(
            code="low-confidence",
            severity=Severity.WARNING,
            message=f"The size of {change.container} has low confidence: {size.confidence_reason.rstrip('.')}.",
            evidence=tuple(Citation(source="recommend", field="rationale", value=one) for one in size.rationale[:1]),
            remedy="apply it with --accept-low-confidence",
            blocks=refused,
        )
    if size.leaks:
        yield Check(
            code="leak",
            severity=Severity.WARNING,
            message=f"The memory of {change.container} grows from every start on: a larger limit is reached later"
            f"{_lasts(proposal)}, and it is killed again.",
            evidence=tuple(Citation(source="recommend", field="rationale", value=one) for one in size.rationale[:1]),
            remedy="look for what grows (`kubectl oom history` names tools); to win time, --accept-low-confidence",
            blocks=refused,
        )


def _lasts(proposal: Proposal) -> str:
    seconds = proposal.size.lasts_seconds
    if seconds is None:
        return ""
    hours = seconds / _SECONDS_PER_HOUR
    return f" (after about {hours:.0f} hours)" if hours < _HOURS_SHOWN else f" (after about {hours / 24:.0f} days)"


def _decrease(here: Situation, change: ContainerChange) -> Iterator[Check]:
    """A limit below the one that is enforced today, or one where there was none."""
    old, new = _limit_of_today(here, change), here.after(change).limit_bytes
    if new is None or (old is not None and new >= old):
        return
    if old is None:
        yield Check(
            code="first-limit",
            severity=Severity.INFO,
            message=f"{change.container} had no memory limit; from now on it is killed at {show_bytes(new)}.",
            evidence=(here.cite(f"resources.limits.memory of {change.container}", "not set"),),
        )
        return
    yield Check(
        code="decrease",
        severity=Severity.WARNING,
        message=f"The limit of {change.container} goes down from {show_bytes(old)} to {show_bytes(new)}.",
        evidence=(here.cite(f"resources.limits.memory of {change.container}", show_bytes(old)),),
        remedy=None if here.plan.is_undo else "apply it with --allow-decrease",
        blocks=not (here.asked.allow_decrease or here.plan.is_undo),
    )


def _limit_of_today(here: Situation, change: ContainerChange) -> int | None:
    """The template's limit, or the one that a LimitRange gave the pods."""
    if change.before.limit_bytes is not None:
        return change.before.limit_bytes
    given = [one.limit_bytes for one in here.in_pods(change.container) if one.limit_defaulted]
    return max((limit for limit in given if limit is not None), default=None)


def _below_a_kill(here: Situation, change: ContainerChange) -> Iterator[Check]:
    proposal = here.by_container.get(change.container)
    killed = proposal.killed_limit_bytes if proposal else None
    limit = here.after(change).limit_bytes
    if killed is None or limit is None or limit > killed:
        return
    yield Check(
        code="below-a-kill",
        severity=Severity.CRITICAL,
        message=f"{change.container} was OOM-killed at a limit of {show_bytes(killed)}, and {show_bytes(limit)} is "
        + ("the same." if limit == killed else "less."),
        evidence=(Citation(source="history", field="limit at the kill", value=show_bytes(killed)),),
        remedy=f"give it more than {show_bytes(killed)}",
        blocks=not here.plan.is_undo,
    )


def _above_the_limit(here: Situation, change: ContainerChange) -> Iterator[Check]:
    """One of the two was given by hand, and the other stays as it is."""
    after = here.after(change)
    limit = _limit_of_today(here, change) if after.limit_bytes is None else after.limit_bytes
    if limit is None or after.request_bytes is None or after.request_bytes <= limit:
        return
    request = show_bytes(after.request_bytes)
    yield Check(
        code="request-above-limit",
        severity=Severity.CRITICAL,
        message=f"The request of {change.container} would be {request} and its limit {show_bytes(limit)}: the API "
        "server refuses a request above the limit.",
        evidence=(
            here.cite(
                f"resources of {change.container}",
                f"request {change.written.request or 'not set'}, limit {change.written.limit or 'not set'}",
            ),
        ),
        remedy="give both: --limit and --request",
        blocks=True,
    )
