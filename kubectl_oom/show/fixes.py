"""Plans of `fix` as lines of text: what changes, what stands against it, the commands, and what became of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Severity
from kubectl_oom.show.colour import NO_PAINT, Paint
from kubectl_oom.show.fix_commands import Flags, ways
from kubectl_oom.show.fix_facts import (
    differences,
    effects,
    endings,
    evidence_of,
    failed,
    name_of,
    others,
    standing_sizes,
    title,
)
from kubectl_oom.show.proposal_screen import Screen
from kubectl_oom.show.words import command_lines, listed, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kubectl_oom.evidence import Check, FixOutcome, FixPlan, FixReport

    Tone = Callable[[str], str]

_IN = "  "


def lines(
    report: FixReport,
    *,
    width: int,
    paint: Paint,
    wide: bool = False,
    ascii_only: bool = False,
    flags: Flags = Flags(),  # noqa: B008 - it never changes
) -> Iterator[str]:
    """The lines of `fix`, workload by workload, and then what is not known; none is wider than `width`.

    `flags` are those that the printed commands need again. `wide` adds evidence, reasons and the patch.
    """
    page = _Page(Screen(width=width, paint=paint, wide=wide, ascii_only=ascii_only), flags)
    if not report.items:
        yield from page.screen.folded("No workload was found that could be changed.")
    if len(report.items) > 1:
        yield from page.screen.folded(_summary(report.items), tone=paint.heading)
        yield ""
    told = [outcome for outcome in report.items if len(report.items) == 1 or not _is_idle(outcome)]
    for number, outcome in enumerate(told):
        yield from [""] if number else []
        yield from page.outcome(outcome)
    idle = [name_of(outcome.plan) for outcome in report.items if outcome not in told]
    if idle:
        yield from [""] if told else []
        yield from page.screen.folded(f"Nothing to change: {listed(idle)}.")
    yield from page.ending(report)


def difference(plan: FixPlan, *, width: int = 80, paint: Paint = NO_PAINT) -> Iterator[str]:
    """The change and what will happen: what a user is shown who is asked for a yes."""
    page = _Page(Screen(width=width, paint=paint, wide=False, ascii_only=False), Flags())
    yield from page.screen.folded(name_of(plan), tone=paint.heading)
    yield from page.diff(plan)
    yield from page.checks(plan)
    yield from page.list_of("What will happen", effects(plan))


def _is_idle(outcome: FixOutcome) -> bool:
    """Whether nothing is to be done, nothing was done, and nobody has to look."""
    plan = outcome.plan
    return not plan.changes and outcome.rollout is None and not (plan.blocked_by or others(plan))


def _summary(items: Sequence[FixOutcome]) -> str:
    with_changes = [outcome for outcome in items if outcome.plan.changes]
    made = [outcome for outcome in with_changes if outcome.applied]
    open_ones = [outcome for outcome in with_changes if not outcome.applied]
    against = sum(bool(outcome.plan.blocked_by) for outcome in open_ones)
    parts = [f"{len(made)} changed"] if made else []
    parts += [f"{len(open_ones)} to change" + (f" ({against} with something against it)" if against else "")]
    wrong = sum(map(failed, items))
    parts += [f"{wrong} went wrong"] if wrong else []
    return f"{plural(len(items), 'workload')}: {', '.join(parts)}"


@dataclass(frozen=True, slots=True)
class _Page:
    """One screen, and the flags that its commands need."""

    screen: Screen
    flags: Flags

    def outcome(self, outcome: FixOutcome) -> Iterator[str]:
        plan, paint = outcome.plan, self.screen.paint
        bad = failed(outcome) or (plan.blocked_by and not outcome.applied)
        yield from self.screen.folded(title(outcome), rest=_IN, tone=paint.killed if bad else paint.heading)
        yield from self.diff(plan)
        if not plan.changes:
            for sizes in standing_sizes(plan):
                yield from self.screen.folded(sizes, first=_IN, rest=_IN * 2)
        told = list(endings(outcome))
        yield from self.list_of("What became of it", told, tone=paint.killed if failed(outcome) else None)
        yield from self.checks(plan)
        if not outcome.applied:
            yield from self.list_of("What will happen", effects(plan))
        for way in ways(outcome, self.flags):
            yield from self.commands(way.head, way.commands)
        if self.screen.wide:
            yield from self._more(plan)

    def diff(self, plan: FixPlan) -> Iterator[str]:
        """What changes, as a diff."""
        shown, paint = None, self.screen.paint
        for one in differences(plan):
            if one.container != shown:
                yield from self.screen.folded(one.container, first=_IN, rest=_IN * 2)
                shown = one.container
            for mark, value, tone in (("-", one.before, paint.killed), ("+", one.after, paint.memory)):
                if value is not None:
                    told = f"{one.field}: {value}"
                    yield from self.screen.folded(told, first=f"{_IN}{mark} ", rest=_IN * 3, tone=tone)

    def checks(self, plan: FixPlan) -> Iterator[str]:
        """What blocks in a section of its own, before the rest."""
        yield from self._checks("What stands against it", plan.blocked_by)
        yield from self._checks("Worth knowing", others(plan))

    def _checks(self, head: str, checks: Sequence[Check]) -> Iterator[str]:
        paint = self.screen.paint
        tones = {Severity.CRITICAL: paint.killed, Severity.WARNING: paint.warning, Severity.INFO: paint.talk}
        if checks:
            yield from self.screen.folded(f"{head}:", rest=_IN, tone=paint.heading)
        for check in checks:
            word, tone = ("BLOCKS", paint.killed) if check.blocks else (check.severity.value, tones[check.severity])
            told = f"{word} {check.code}: {check.message}"
            yield from self.screen.folded(told, first=_IN, rest=_IN * 2, tone=tone)
            for evidence in evidence_of(check) if self.screen.wide else ():
                yield from self.screen.folded(evidence, first=_IN * 2, rest=_IN * 3, tone=paint.talk)
            if check.remedy:
                yield from self.screen.folded(check.remedy, first=f"{_IN * 2}-> ")

    def list_of(self, head: str, sentences: Iterable[str], tone: Tone | None = None) -> Iterator[str]:
        """A heading and a list below it; nothing where the list is empty."""
        for number, sentence in enumerate(sentences):
            if not number:
                yield from self.screen.folded(f"{head}:", rest=_IN, tone=self.screen.paint.heading)
            yield from self.screen.folded(sentence, first=f"{_IN}- ", tone=tone)

    def commands(self, head: str, commands: Sequence[str]) -> Iterator[str]:
        """Commands that can be pasted."""
        if commands:
            yield from self.screen.folded(f"{head}:", rest=_IN, tone=self.screen.paint.heading)
        for command in commands:
            for line in command_lines(self.screen.plain(command), self.screen.width, _IN):
                yield self.screen.paint.memory(line)

    def ending(self, report: FixReport) -> Iterator[str]:
        """What the reader must know beside the changes, and what could not be seen."""
        if report.warnings:
            yield ""
            yield from self.screen.section("Note", report.warnings)
        if report.gaps:
            yield ""
            yield from self.screen.gaps(report.gaps)

    def _more(self, plan: FixPlan) -> Iterator[str]:
        yield from self.list_of("What `recommend` found", plan.evidence)
        if plan.changes:
            yield from self.screen.folded("The patch:", tone=self.screen.paint.heading)
            yield from (_IN + line for line in json.dumps(plan.patch, indent=2).splitlines())
