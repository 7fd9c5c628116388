"""A history for a ticket: the facts of the screen, with times that do not age."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.show import chart
from kubectl_oom.show.history import facts, kill_rows, picture, title
from kubectl_oom.show.markdown import escape
from kubectl_oom.show.memory import short_source
from kubectl_oom.show.words import iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory, HistoryReport

_CHART_WIDTH, _CHART_HEIGHT = 80, 8


def history_markdown(report: HistoryReport, *, now: datetime) -> Iterator[str]:
    """The lines of a history as GitHub-flavoured markdown. Text from the cluster cannot become markup."""
    for item in report.items:
        yield from _item(item, now)
    if report.gaps:
        yield from ("## Could not be seen", "")
        for gap in report.gaps:
            remedy = f" ({escape(gap.remedy)})" if gap.remedy else ""
            yield f"- {escape(short_source(gap.source))}: {escape(gap.reason)}{remedy}"
        yield ""
    yield f"As of {iso(now)}, since {iso(report.since)}."


def _item(item: ContainerHistory, now: datetime) -> Iterator[str]:
    yield from (f"## {escape(title(item))}", "")
    drawn = picture(item, now)
    if drawn is not None:
        yield from ("```text", *chart.draw(drawn, width=_CHART_WIDTH, height=_CHART_HEIGHT), "```", "")
    yield from ("| fact | value |", "| --- | --- |")
    for label, words in facts(item):
        yield f"| {label} | {escape(words)} |"
    yield ""
    if item.kills:
        yield from _table(kill_rows(item.kills, now, wide=True))
    for finding in item.findings:
        remedy = f" {escape(finding.remedy)}" if finding.remedy else ""
        yield f"- **{finding.code}** ({finding.severity.value}): {escape(finding.message)}{remedy}"
    if item.findings:
        yield ""


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(header.lower() for header in rows[0]) + " |"
    yield "| " + " | ".join("---" for _ in rows[0]) + " |"
    for row in rows[1:]:
        yield "| " + " | ".join(escape(cell) for cell in row) + " |"
    yield ""
