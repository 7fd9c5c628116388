"""A report as lines for a terminal or a pipe: the verdict first, no line wider than the screen."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from kubectl_oom.evidence import KERNEL_OOM_VERDICTS, Severity, Verdict
from kubectl_oom.show.facts import FULL_ITEMS, cited, gather
from kubectl_oom.show.next_steps import HERE, OWN_COMMANDS
from kubectl_oom.show.rows import OPTIONAL_WHEN_ENDED, OPTIONAL_WHEN_QUIET, ended_rows, quiet_rows
from kubectl_oom.show.table import table
from kubectl_oom.show.words import ago, ascii_text, cells, command_lines, iso, one_line, pad, plural, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Confidence, Finding, Report
    from kubectl_oom.show.colour import Paint
    from kubectl_oom.show.facts import Cited, Closable, ItemFacts, Many, NodeFacts, QuietFacts, ReportFacts
    from kubectl_oom.show.next_steps import Place, Step
    from kubectl_oom.show.rows import Rows
    from kubectl_oom.show.timeline import Moment

    Tone = Callable[[str], str]

_SMALLEST_WIDTH = 40
_CHART_HEIGHT, _CHART_WIDTH = 6, 100  # wider tells nothing more about the minutes before a kill
_LABEL = 19  # "highest sampled" with its indent and a gap
_NOTES = _LABEL + 33  # a time and "5m12s ago" after the label
_ROOM_FOR_COLUMNS = _NOTES + 20
_EVIDENCE_SHOWN = 6
_QUIET_SHOWN = 10
_IN = "  "


def report(
    report: Report,
    *,
    now: datetime,
    paint: Paint,
    width: int = 80,
    wide: bool = False,
    ascii_only: bool = False,
    place: Place = HERE,
    commands: Collection[str] = OWN_COMMANDS,
) -> Iterator[str]:
    """The lines of `why`: one screen for one container.

    `wide` keeps every citation and the whole table; `ascii_only` is for streams that can take nothing else;
    `place` is where commands have to go; `commands` are those of ours that may be proposed.
    """
    screen = _Screen(now=now, paint=paint, width=max(width, _SMALLEST_WIDTH), wide=wide, ascii_only=ascii_only)
    facts = gather(report, now, place=place, commands=commands)
    yield from screen.whole(facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Screen:
    """Who reads: everything that is the same for all lines."""

    now: datetime
    paint: Paint
    width: int
    wide: bool
    ascii_only: bool

    # --- the report ------------------------------------------------------------------------------------------------

    def whole(self, facts: ReportFacts) -> Iterator[str]:
        for node in facts.nodes:
            yield from self._node(node)
        if facts.many is not None:
            yield from self._many(facts.many, with_namespace=facts.many_namespaces)
        for number, item in enumerate(facts.ended):
            yield from [""] if number else []
            yield from self._item(item, brief=number > 0 and not self.wide)
        if facts.quiet is not None:
            yield from [""] if facts.ended else []
            yield from self._quiet(facts.quiet, with_namespace=facts.many_namespaces)
        if not facts.ended and facts.quiet is None and not facts.nodes:
            yield from self._folded("No container was found to look at.")
        yield from self._gaps(facts.gaps)
        yield from self._steps(facts.steps)

    def _item(self, item: ItemFacts, *, brief: bool) -> Iterator[str]:
        yield from self._verdict(item)
        yield ""
        yield from self._memory(item, drawn=not brief)
        yield from self._timeline(item.moments)
        if not brief:
            yield from self._evidence(item.evidence)
        yield from self._findings(item.findings)

    # --- its parts -------------------------------------------------------------------------------------------------

    def _node(self, node: NodeFacts) -> Iterator[str]:
        tone = self.paint.killed if node.ran_out else self.paint.heading
        yield from self._answer(node.sentence, node.confidence, node.because, tone)
        yield from self._evidence(node.evidence)
        yield ""

    def _answer(self, sentence: str, confidence: Confidence, because: str, tone: Tone) -> Iterator[str]:
        lines = list(wrap(self._plain(sentence), self.width))
        tag = f"[{confidence.value}]"
        apart = cells(lines[-1]) + 2 + len(tag) > self.width
        yield from map(tone, lines if apart else lines[:-1])
        yield self.paint.talk(tag) if apart else f"{tone(lines[-1])}  {self.paint.talk(tag)}"
        yield from self._folded(because)

    def _verdict(self, item: ItemFacts) -> Iterator[str]:
        yield from self._answer(item.sentence, item.confidence, item.because, self._tone(item.diagnosis.verdict))
        if item.candidates:
            yield from self._folded("Could have been, most plausible first:")
            for number, candidate in enumerate(item.candidates, start=1):
                yield from self._folded(candidate, first=f"  {number}. ")

    def _memory(self, item: ItemFacts, *, drawn: bool) -> Iterator[str]:
        yield from self._heading(item.caption)
        if drawn and item.picture is not None:
            from kubectl_oom.show import chart  # noqa: PLC0415 - only where there is something to draw

            width = min(self.width, _CHART_WIDTH)
            yield from chart.draw(
                item.picture, width=width, height=_CHART_HEIGHT, ascii_only=self.ascii_only, paint=self.paint
            )
        for label, words in item.memory:
            yield from self._folded(words, first=pad(_IN + label, _LABEL))

    def _timeline(self, moments: Sequence[Moment]) -> Iterator[str]:
        yield from self._heading("Timeline")
        for moment in moments:
            label = pad(_IN + moment.what, _LABEL)
            if moment.at is None:
                yield from self._folded(moment.note, first=label)
                continue
            when = ago(moment.at, self.now)
            if self.width < _ROOM_FOR_COLUMNS:
                told = ", ".join(filter(None, (f"{iso(moment.at)} {when}", moment.note)))
                yield from self._folded(told, first=label)
            else:
                first = f"{label}{iso(moment.at)}  {when}"
                yield from self._folded(moment.note, first=pad(first, _NOTES), rest=" " * len(label))

    def _evidence(self, evidence: Sequence[Cited]) -> Iterator[str]:
        if not evidence:
            return
        yield from self._heading("Evidence")
        shown = evidence if self.wide else evidence[:_EVIDENCE_SHOWN]
        yield from self._cited(shown, indent=_IN)
        if len(shown) < len(evidence):
            yield from self._folded(f"{len(evidence) - len(shown)} more with -o wide", first=_IN, tone=self.paint.talk)

    def _cited(self, citations: Sequence[Cited], indent: str) -> Iterator[str]:
        column = max((len(citation.age) for citation in citations), default=0)
        for citation in citations:
            first = f"{indent}{citation.age.ljust(column)}  "
            said = citation.full if self.wide else citation.statement
            yield from self._folded(said, first=first, rest=" " * (len(first) + 2))

    def _findings(self, findings: Sequence[Finding]) -> Iterator[str]:
        if not findings:
            return
        yield from self._heading("Findings")
        for finding in findings:
            tone = self._severity_tone(finding.severity)
            told = f"{finding.severity.value} {finding.code}: {finding.message}"
            yield from self._folded(told, first=_IN, rest=_IN * 2, tone=tone)
            if self.wide:
                yield from self._cited([cited(citation, self.now) for citation in finding.evidence], indent=_IN * 2)
            if finding.remedy:
                yield from self._folded(finding.remedy, first=f"{_IN * 2}-> ")

    def _gaps(self, gaps: Sequence[Closable]) -> Iterator[str]:
        if not gaps:
            return
        yield from self._heading("Could not see")
        for closable in gaps:
            for gap in closable.gaps:
                yield from self._folded(f"{gap.source}: {gap.reason}", first=_IN, rest=_IN * 2, tone=self.paint.warning)
            if closable.remedy:
                yield from self._folded(closable.remedy, first=f"{_IN * 2}-> ")

    def _steps(self, steps: Sequence[Step]) -> Iterator[str]:
        if not steps:
            return
        yield from self._heading("Next")
        commands = [_IN + self._plain(step.command) for step in steps]
        remarks = [f"  # {step.purpose}" for step in steps]
        lengths = [(cells(command), len(remark)) for command, remark in zip(commands, remarks, strict=True)]
        column = _remark_column(lengths, self.width)
        for command, remark, (length, _) in zip(commands, remarks, lengths, strict=True):
            blanks = " " * max(column - length, 0)
            if length + len(blanks + remark) <= self.width:
                yield self.paint.memory(command) + blanks + self.paint.talk(remark)
            else:
                yield from map(self.paint.memory, command_lines(command.strip(), self.width, _IN))

    # --- nothing killed, and many ----------------------------------------------------------------------------------

    def _quiet(self, quiet: QuietFacts, *, with_namespace: bool) -> Iterator[str]:
        yield from self._folded(quiet.sentence, tone=self.paint.heading)
        for because in islice(quiet.because, FULL_ITEMS):
            yield from self._folded(because)
        shown = quiet.running if self.wide else quiet.running[:_QUIET_SHOWN]
        if shown:
            yield from self._heading("Memory now")
            rows = quiet_rows(shown, self.now, with_namespace=with_namespace, wide=self.wide)
            yield from self._table(rows, OPTIONAL_WHEN_QUIET)
        if len(shown) < len(quiet.running):
            more = plural(len(quiet.running) - len(shown), "more container")
            yield from self._folded(f"{more}, further from the limit, with -o wide", first=_IN, tone=self.paint.talk)
        if quiet.looked_at:
            yield from self._folded(", ".join(quiet.looked_at), first="Looked at: ", rest=_IN)
        yield from self._findings(quiet.findings)

    def _many(self, many: Many, *, with_namespace: bool) -> Iterator[str]:
        yield from self._folded(many.summary, tone=self.paint.heading)
        rows = ended_rows(many.items, self.now, with_namespace=with_namespace, wide=self.wide)
        head, *body = self._table(rows, OPTIONAL_WHEN_ENDED)
        yield head
        for item, line in zip(many.items, body, strict=True):
            yield self._tone(item.verdict)(line)
        yield ""

    def _table(self, rows: Rows, optional: Sequence[str]) -> Iterator[str]:
        plain = [[self._plain(cell) for cell in row] for row in rows]
        return table(plain, None if self.wide else self.width, optional)

    # --- lines -----------------------------------------------------------------------------------------------------

    def _heading(self, text: str) -> Iterator[str]:
        return self._folded(f"{text}:", rest=_IN, tone=self.paint.heading)

    def _folded(
        self, text: str, *, first: str = "", rest: str | None = None, tone: Tone | None = None
    ) -> Iterator[str]:
        lines = wrap(self._plain(text), self.width, first, rest)
        return map(tone or self.paint.plain, lines)

    def _plain(self, text: str) -> str:
        harmless = one_line(text)
        return ascii_text(harmless) if self.ascii_only else harmless

    def _tone(self, verdict: Verdict) -> Tone:
        if verdict in KERNEL_OOM_VERDICTS:
            return self.paint.killed
        return self.paint.heading if verdict in {Verdict.STOPPED, Verdict.NOT_OOM} else self.paint.warning

    def _severity_tone(self, severity: Severity) -> Tone:
        tones = {Severity.CRITICAL: self.paint.killed, Severity.WARNING: self.paint.warning}
        return tones.get(severity, self.paint.plain)


def _remark_column(lengths: Sequence[tuple[int, int]], width: int) -> int:
    """Where remarks begin so that they stand in line, not counting commands too long to have one."""
    for column, _ in sorted(lengths, reverse=True):
        if all(column + remark <= width for length, remark in lengths if length <= column):
            return column
    return 0
