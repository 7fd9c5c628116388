"""`kubectl oom recommend`: what to set, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from kubectl_oom.cli.connecting import cluster_options
from kubectl_oom.cli.durations import span_of
from kubectl_oom.cli.help import Command
from kubectl_oom.cli.options import now_option, since_option, sizing_options, source_options, target_options
from kubectl_oom.cli.output import RECOMMEND_OUTPUTS, output_of, recommend_output_options

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.cli.output import Output
    from kubectl_oom.evidence import Proposal, ProposalReport


@click.command("recommend", cls=Command, see=("fix", "docs/sizing.md", "docs/survey.md", "docs/runtimes.md"))
@target_options
@since_option
@sizing_options
@recommend_output_options
@source_options
@cluster_options
@now_option
def command(**values: Any) -> None:  # noqa: ANN401 - click passes what the decorators above declare
    """Say which memory request and limit a workload should have, and why.

    Reads the samples and the kills of the window from a metrics engine, how the program sets its own heap, and what has
    to hold the new size: nodes, quotas, limit ranges, autoscalers. A kill counts as what it is: the need was at least
    the limit, and nobody knows how much more. A selection of more than 20 pods is read in a few questions for all of
    them, and printed in rows as it is read. Nothing is written.

    \b
    Examples:
      # A size for a deployment, from the last week
      kubectl oom recommend deploy/api --prometheus-url http://prometheus:9090
      # Every workload of the cluster, those at risk first
      kubectl oom recommend -A
      # More room, and request and limit the same
      kubectl oom recommend deploy/api --profile safe --target-qos guaranteed
      # For a spreadsheet
      kubectl oom recommend -n shop -l tier=backend -o csv
      # An autoscaler, where more replicas are the answer
      kubectl oom recommend deploy/api -o hpa
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    from kubectl_oom.cli.reading import open_source, read_for_sizes, scope_of
    from kubectl_oom.cli.sizing import asked_of
    from kubectl_oom.cli.surveying import Reach, stock_of
    from kubectl_oom.cli.why import nothing_found
    from kubectl_oom.judge.propose import propose

    output = output_of(values["output"], values["width"], RECOMMEND_OUTPUTS)
    asked = asked_of(values)
    span = timedelta(seconds=span_of(values["since"]))
    source, now = open_source(values)
    scope = scope_of(source, values)
    large = stock_of(source, scope)
    if large:
        from kubectl_oom.cli.streaming import stream

        stream(*large, scope, values, Reach(since=now - span, until=now, asked=asked), output)
        return
    case, pasts, rooms = read_for_sizes(source, scope, values, now - span, now)
    if not case.pods and not pasts and output.format not in ("json", "yaml"):
        nothing_found("text", scope, now)
        if output.format != "csv":  # whose first row is there whatever follows
            return
    show(propose(case, pasts, rooms, since=now - span, until=now, asked=asked), output, now)


def aimed(items: tuple[Proposal, ...]) -> tuple[Proposal, ...]:
    """The same with commands that go to the cluster that was asked: for those who paste them."""
    from kubectl_oom.cli.again import cluster_flags
    from kubectl_oom.show.same_cluster import in_the_same_cluster

    context = click.get_current_context(silent=True)
    flags = cluster_flags(context) if context else ()

    def there(command: str | None) -> str | None:
        return in_the_same_cluster(command, flags) if command else None

    return tuple(
        replace(
            item,
            change=replace(
                item.change, command=there(item.change.command), heap_command=there(item.change.heap_command)
            ),
        )
        for item in items
    )


def show(report: ProposalReport, output: Output, now: datetime) -> None:
    """Print the proposals in the form asked for."""
    from kubectl_oom.cli.reading import tell
    from kubectl_oom.show import document, proposals
    from kubectl_oom.show.colour import Paint
    from kubectl_oom.show.proposal_csv import csv_text
    from kubectl_oom.show.proposal_document import proposals_document
    from kubectl_oom.show.proposal_markdown import proposals_markdown
    from kubectl_oom.show.scaling import hpa_text, without_hpa

    match output.format:
        case "json":
            click.echo(document.to_json(proposals_document(report, now)), nl=False)
        case "yaml":
            click.echo(document.to_yaml(proposals_document(report, now)), nl=False)
        case "csv":
            for missing in (*report.warnings, *(f"{gap.source}: {gap.reason}" for gap in report.gaps)):
                tell(missing)  # rows have no place for what could not be seen
            click.echo(csv_text(report.items).encode(), nl=False)  # as bytes: line ends are CRLF on every system
        case "hpa":
            for told in (*without_hpa(report.items), *(f"{gap.source}: {gap.reason}" for gap in report.gaps)):
                tell(told)  # what is printed is to be created: nothing but objects and their comments
            click.echo(hpa_text(report.items), nl=False)
        case "markdown":
            for line in proposals_markdown(
                replace(report, items=aimed(report.items)), now=now, ascii_only=output.ascii_only
            ):
                click.echo(line)
        case _:
            lines = proposals.lines(
                replace(report, items=aimed(report.items)),
                width=output.width,
                paint=Paint(on=output.colour),
                wide=output.format == "wide",
                ascii_only=output.ascii_only,
            )
            for line in lines:
                click.echo(line, color=True if output.colour else None)
