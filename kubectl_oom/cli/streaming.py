"""Proposals of a large selection, printed as they come: rows of a namespace at a time, then the sums and the gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kubectl_oom.cli.surveying import Progress, Reach, surveyed_proposals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_oom.cli.output import Output
    from kubectl_oom.evidence import Gap, ProposalReport
    from kubectl_oom.read.source import ClusterSource
    from kubectl_oom.read.stock import Stock
    from kubectl_oom.read.targets import Scope

ROW_BY_ROW = ("text", "wide", "csv")  # the other forms are one document, and read as a whole


def stream(
    source: ClusterSource, stock: Stock, scope: Scope, values: dict[str, Any], reach: Reach, output: Output
) -> None:
    """Print the proposals of a selection. What was printed stays printed, whatever happens later."""
    from kubectl_oom.cli.recommend import show

    progress = Progress()
    reports = surveyed_proposals(source, scope, stock, values, reach, progress)
    try:
        if output.format not in ROW_BY_ROW:
            whole = _together(reports, progress)
            progress.clear()
            show(whole, output, reach.until)
        elif output.format == "csv":
            _stream_csv(reports, progress)
        else:
            _stream_table(reports, progress, output, with_namespace=len(stock.pods) > 1)
    finally:
        progress.clear()


def _together(reports: Iterable[ProposalReport], progress: Progress) -> ProposalReport:
    """All of them as one, those at risk first."""
    from kubectl_oom.evidence import ProposalReport
    from kubectl_oom.judge.risk import by_risk

    read = []
    for report in reports:
        read.append(report)
        progress.show()
    items = sorted((item for report in read for item in report.items), key=by_risk)
    gaps = dict.fromkeys(gap for report in read for gap in report.gaps)
    warnings = dict.fromkeys(warning for report in read for warning in report.warnings)
    return ProposalReport(items=tuple(items), gaps=tuple(gaps), warnings=tuple(warnings))


def _stream_csv(reports: Iterable[ProposalReport], progress: Progress) -> None:
    from kubectl_oom.cli.reading import tell
    from kubectl_oom.show.proposal_csv import csv_text

    with_header = True
    for report in reports:
        progress.clear()
        click.echo(csv_text(report.items, with_header=with_header).encode(), nl=False)  # as bytes: CRLF everywhere
        for missing in (*report.warnings, *(f"{gap.source}: {gap.reason}" for gap in report.gaps)):
            tell(missing)
        with_header = False
        progress.show()


def _stream_table(
    reports: Iterable[ProposalReport], progress: Progress, output: Output, *, with_namespace: bool
) -> None:
    from kubectl_oom.cli.recommend import aimed
    from kubectl_oom.show.colour import Paint
    from kubectl_oom.show.proposal_rows import Totals
    from kubectl_oom.show.proposals import Page

    wide = output.format == "wide"
    page = Page(width=output.width, paint=Paint(on=output.colour), wide=wide, ascii_only=output.ascii_only)
    colour = True if output.colour else None
    totals = Totals()
    warnings: dict[str, None] = {}
    gaps: dict[Gap, None] = {}
    with_header = True
    for report in reports:
        progress.clear()
        warnings |= dict.fromkeys(report.warnings)
        gaps |= dict.fromkeys(report.gaps)
        if report.items:
            totals += Totals.of(report.items)
            for line in page.some_rows(aimed(report.items), with_namespace=with_namespace, with_header=with_header):
                click.echo(line, color=colour)
            with_header = False
        progress.show()
    progress.clear()
    if with_header:
        click.echo("No container was found that could be sized.")
    for line in (*([] if with_header else page.sums(totals)), *page.ending(list(warnings), list(gaps))):
        click.echo(line, color=colour)
