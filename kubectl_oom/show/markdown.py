"""A report as markdown, for a ticket: the facts of the screen, with times that do not age."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.show import chart
from kubectl_oom.show.facts import cited, gather
from kubectl_oom.show.next_steps import HERE, OWN_COMMANDS
from kubectl_oom.show.rows import ended_rows, quiet_rows
from kubectl_oom.show.sentences import CONFIDENCE_MEANS
from kubectl_oom.show.words import ago, ascii_text, iso, one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Finding, Report
    from kubectl_oom.show.chart import Picture
    from kubectl_oom.show.facts import Cited, Closable, ItemFacts, Many, NodeFacts, QuietFacts, ReportFacts
    from kubectl_oom.show.next_steps import Place, Step
    from kubectl_oom.show.timeline import Moment

_CHART_WIDTH, _CHART_HEIGHT = 80, 8
_INLINE = re.compile(r"[\\`*\[\]|~$!]|(?<![^\W_])_|_(?![^\W_])")  # inside a word `_` is harmless
_BLOCK_START = re.compile(r"^(?:[#+=-]|(?=\d+[.)](?:\s|$)))")  # a heading, a list, a rule
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def report(
    report: Report,
    now: datetime,
    *,
    ascii_only: bool = False,
    place: Place = HERE,
    commands: Collection[str] = OWN_COMMANDS,
) -> Iterator[str]:
    """The lines of the report as GitHub-flavoured markdown. Text from the cluster cannot become markup."""
    lines = _lines(gather(report, now, place=place, commands=commands), now, ascii_only=ascii_only)
    return map(ascii_text, lines) if ascii_only else lines


def _lines(facts: ReportFacts, now: datetime, *, ascii_only: bool) -> Iterator[str]:
    for node in facts.nodes:
        yield from _node(node)
    if facts.many is not None:
        yield from _many(facts.many, now, with_namespace=facts.many_namespaces)
    for item in facts.ended:
        yield from _item(item, now, ascii_only=ascii_only)
    if facts.quiet is not None:
        yield from _quiet(facts.quiet, now, with_namespace=facts.many_namespaces)
    if not facts.ended and facts.quiet is None and not facts.nodes:
        yield from ("## No container was found to look at", "")
    yield from _gaps(facts.gaps)
    yield from _steps(facts.steps)
    yield f"As of {iso(now)}."


def escape(text: str) -> str:
    """The text on one line, without any character that markdown, a table or HTML would act on."""
    line = "".join(_ENTITIES.get(character, character) for character in one_line(text))
    line = _INLINE.sub(lambda found: "\\" + found.group(), line)
    if not _BLOCK_START.match(line):
        return line
    number = re.match(r"\d+", line)
    place = number.end() if number else 0
    return f"{line[:place]}\\{line[place:]}"


def _item(item: ItemFacts, now: datetime, *, ascii_only: bool) -> Iterator[str]:
    diagnosis = item.diagnosis
    yield from (f"## {escape(item.sentence)}", "", escape(item.because), "")
    if item.candidates:
        yield from ("Could have been, most plausible first:", "")
        yield from (f"{number}. {escape(candidate)}" for number, candidate in enumerate(item.candidates, start=1))
        yield ""
    facts = [
        ("verdict", diagnosis.verdict.value),
        ("confidence", f"{item.confidence.value}: {CONFIDENCE_MEANS[item.confidence]}"),
        ("namespace", diagnosis.namespace),
        ("node", diagnosis.node or "not known"),
        *item.memory,
    ]
    yield from table([["", ""], *([label, words] for label, words in facts)])
    if item.picture is not None:
        yield from _chart(item.caption, item.picture, ascii_only=ascii_only)
    yield from _timeline(item.moments, now)
    if item.evidence:
        yield from ("### Evidence", "")
        yield from map(_cited, item.evidence)
        yield ""
    yield from _findings(item.findings, now)


def _node(node: NodeFacts) -> Iterator[str]:
    yield from (f"## {escape(node.sentence)}", "")
    yield from (f"**{node.confidence.value}** ({CONFIDENCE_MEANS[node.confidence]}). {escape(node.because)}", "")
    if node.evidence:
        yield from (*map(_cited, node.evidence), "")


def _many(many: Many, now: datetime, *, with_namespace: bool) -> Iterator[str]:
    yield from (f"## {escape(many.summary)}", "")
    yield from table(ended_rows(many.items, now, with_namespace=with_namespace, wide=True))


def _quiet(quiet: QuietFacts, now: datetime, *, with_namespace: bool) -> Iterator[str]:
    yield from (f"## {escape(quiet.sentence)}", "")
    for because in quiet.because:
        yield from (escape(because), "")
    if quiet.running:
        yield from table(quiet_rows(quiet.running, now, with_namespace=with_namespace, wide=True))
    if quiet.looked_at:
        yield from (f"Looked at: {escape(', '.join(quiet.looked_at))}", "")
    yield from _findings(quiet.findings, now)


def _chart(caption: str, picture: Picture, *, ascii_only: bool) -> Iterator[str]:
    yield from (f"### {escape(caption)}", "")
    drawn = chart.draw(picture, width=_CHART_WIDTH, height=_CHART_HEIGHT, ascii_only=ascii_only)
    yield from fenced("text", list(drawn))


def _timeline(moments: Sequence[Moment], now: datetime) -> Iterator[str]:
    rows = [["what", "when", ""]]
    for moment in moments:
        when = f"{iso(moment.at)}, {ago(moment.at, now)}" if moment.at else ""
        rows.append([moment.what, when, moment.note])
    yield from ("### Timeline", "")
    yield from table(rows)


def _cited(citation: Cited) -> str:
    when = f" ({iso(citation.at)})" if citation.at else ""
    return f"- {escape(citation.full)}{when}"


def _findings(findings: Sequence[Finding], now: datetime) -> Iterator[str]:
    if not findings:
        return
    yield from ("### Findings", "")
    for finding in findings:
        yield f"- **{escape(f'{finding.severity.value} {finding.code}')}**: {escape(finding.message)}"
        yield from ("  " + _cited(cited(citation, now)) for citation in finding.evidence)
        if finding.remedy:
            yield f"  - to do: {escape(finding.remedy)}"
    yield ""


def _gaps(gaps: Sequence[Closable]) -> Iterator[str]:
    if not gaps:
        return
    yield from ("### Could not see", "")
    for closable in gaps:
        yield from (f"- {escape(f'{gap.source}: {gap.reason}')}" for gap in closable.gaps)
        if closable.remedy:
            yield f"  - to see it: {escape(closable.remedy)}"
    yield ""


def _steps(steps: Sequence[Step]) -> Iterator[str]:
    if steps:
        yield from ("### Next", "")
        yield from fenced("sh", [f"{step.command}  # {step.purpose}" for step in steps])


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """The rows as a table, the headers first, and a blank line; cells cannot become markup."""
    head, *body = [f"| {' | '.join(map(escape, row))} |" for row in rows]
    yield from (head, "|" + "---|" * len(rows[0]), *body, "")


def fenced(language: str, lines: Sequence[str]) -> Iterator[str]:
    """A code block whose fence is longer than any run of backticks inside."""
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from (fence + language, *lines, fence, "")
