"""A change as the text of a pull request: what, why, what was looked at, what will happen, and the way back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kubectl_oom.show.fix_commands import Flags, ways
from kubectl_oom.show.fix_facts import (
    NOT_SET,
    differences,
    effects,
    endings,
    evidence_of,
    name_of,
    others,
    standing_sizes,
    title,
)
from kubectl_oom.show.markdown import escape, fenced, table
from kubectl_oom.show.memory import short_source
from kubectl_oom.show.words import ascii_text, iso, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Check, FixOutcome, FixPlan, FixReport, Gap


def changes_markdown(
    report: FixReport,
    *,
    now: datetime,
    ascii_only: bool = False,
    flags: Flags = Flags(),  # noqa: B008 - it never changes
) -> Iterator[str]:
    """The lines as GitHub-flavoured markdown. Text from the cluster cannot become markup."""
    lines = _lines(report, now, flags)
    return map(ascii_text, lines) if ascii_only else lines


def _lines(report: FixReport, now: datetime, flags: Flags) -> Iterator[str]:
    if not report.items:
        yield from ("## No workload was found that could be changed", "")
    for outcome in report.items:
        yield from _outcome(outcome, flags)
    yield from _section("Note", report.warnings, level="##")
    yield from _gaps(report.gaps)
    yield f"As of {iso(now)}."


def _outcome(outcome: FixOutcome, flags: Flags) -> Iterator[str]:
    plan = outcome.plan
    yield from (f"## {escape(_head(outcome))}", "")
    rows = [[one.container, one.field, one.before or NOT_SET, one.after or NOT_SET] for one in differences(plan)]
    if rows:
        yield from table([["", "field", "before", "after"], *rows])
    else:
        yield from (*(f"- {escape(sizes)}" for sizes in standing_sizes(plan)), "")
    yield from _section("What became of it", endings(outcome))
    yield from _section("Why: what kubectl oom recommend found", plan.evidence)
    yield from _checks("What stands against it", plan.blocked_by)
    yield from _checks("Worth knowing", others(plan))
    if not outcome.applied:
        yield from _section("What will happen", effects(plan))
    for way in ways(outcome, flags):
        if way.commands:
            yield from (f"### {escape(way.head)}", "", *fenced("sh", [one_line(command) for command in way.commands]))
    yield from _patch(plan)


def _head(outcome: FixOutcome) -> str:
    """A title for what is still to be done; what was done is told as on the screen."""
    plan = outcome.plan
    if outcome.applied or not plan.changes:
        return title(outcome)
    back = "Bring back the memory" if plan.is_undo else "Change the memory"
    return f"{back} of {name_of(plan)}"


def _checks(head: str, checks: Sequence[Check]) -> Iterator[str]:
    if not checks:
        return
    yield from (f"### {head}", "")
    for check in checks:
        word = "blocks" if check.blocks else check.severity.value
        yield f"- **{escape(f'{word} {check.code}')}**: {escape(check.message)}"
        yield from (f"  - {escape(evidence)}" for evidence in evidence_of(check))
        if check.remedy:
            yield f"  - to do: {escape(check.remedy)}"
    yield ""


def _patch(plan: FixPlan) -> Iterator[str]:
    if plan.changes:
        yield from ("### Patch", "", *fenced("json", json.dumps(plan.patch, indent=2).splitlines()))


def _gaps(gaps: Sequence[Gap]) -> Iterator[str]:
    told = (f"{short_source(gap.source)}: {gap.reason}{f' ({gap.remedy})' if gap.remedy else ''}" for gap in gaps)
    return _section("Could not be seen", told, level="##")


def _section(head: str, sentences: Iterable[str], level: str = "###") -> Iterator[str]:
    told = [f"- {escape(sentence)}" for sentence in sentences]
    if told:
        yield from (f"{level} {escape(head)}", "", *told, "")
