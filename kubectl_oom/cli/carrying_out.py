"""What `fix --apply` does: ask, then change one workload after the other, and stop at the first that fails."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.cli.one_change import Order
    from kubectl_oom.evidence import FixOutcome, FixReport
    from kubectl_oom.read.live import LiveSource
    from kubectl_oom.read.source import Source


def carried_out(source: Source, report: FixReport, values: dict[str, Any], now: datetime) -> FixReport:
    """The report with what became of each plan; OomError where nothing may be sent, or the server refuses."""
    from kubectl_oom.cli.one_change import order_of
    from kubectl_oom.read.live import LiveSource

    if not isinstance(source, LiveSource):
        raise OomError("error: a snapshot cannot be changed: --apply needs a cluster")
    order = order_of(values, now)  # a wrong duration is said before anything is changed
    todo = [outcome for outcome in report.items if outcome.plan.changes]
    _refuse_jobs(todo)
    if not order.trial:
        if not values["force"]:
            _refuse_blocked(report.items)
        _ask(todo, yes=values["yes"])
    return replace(report, items=_one_by_one(source, report.items, order))


def _refuse_jobs(todo: list[FixOutcome]) -> None:
    """OomError for a Job, whatever the user says: the API server never changes its template once it has started."""
    for outcome in todo:
        if outcome.plan.facts.template_stays:
            raise OomError(
                f"error: {_name(outcome)}: the template of a Job cannot be changed; nothing was changed",
                f"To start it again from the beginning: {outcome.plan.commands[0]}",
            )


# What leaves a plan without a change although one was asked for.
UNFINISHED = frozenset({"container-not-named", "injected-container"})


def _refuse_blocked(items: tuple[FixOutcome, ...]) -> None:
    """OomError for the first thing that stands against a plan; where nothing changes, only for what kept it from that."""
    for outcome in items:
        for check in outcome.plan.blocked_by:
            if not outcome.plan.changes and check.code not in UNFINISHED:
                continue
            raise OomError(f"error: {_name(outcome)}: {check.message}", check.remedy or "go on with --force")


def _ask(todo: list[FixOutcome], *, yes: bool) -> None:
    """Let the user look at the change and say yes; without a terminal that takes --yes."""
    if yes or not todo:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise OomError(
            "error: --apply asks before it changes anything, and there is no terminal to ask on", "Add --yes"
        )
    from kubectl_oom.show.fixes import difference

    for outcome in todo:
        for line in difference(outcome.plan):
            click.echo(line, err=True)
    if not click.confirm("Make this change?", default=False, err=True):
        raise OomError("error: nothing was changed")


def _one_by_one(source: LiveSource, items: tuple[FixOutcome, ...], order: Order) -> tuple[FixOutcome, ...]:
    """What became of each: after one that fails the others are left as they are, and that is said."""
    from kubectl_oom.cli.one_change import carry_out, went_wrong

    done: list[FixOutcome] = []
    for outcome in items:
        try:
            done.append(carry_out(source, outcome, order))
        except (OomError, KeyboardInterrupt):
            _tell_the_rest(done, items[len(done) + 1 :])
            raise
        if went_wrong(done[-1]):
            break
    left = items[len(done) :]
    if left:
        _tell_the_rest(done[:-1], left)
    return (*done, *left)


def _tell_the_rest(done: list[FixOutcome], left: tuple[FixOutcome, ...]) -> None:
    from kubectl_oom.cli.reading import tell

    changed = [_name(outcome) for outcome in done if outcome.applied]
    if changed:
        tell(f"Changed before that: {', '.join(changed)}.")
    if left:
        tell(f"Not changed: {', '.join(map(_name, left))}.")


def _name(outcome: FixOutcome) -> str:
    target = outcome.plan.facts.target
    return f"{target.kind.lower()}/{target.name}"
