"""`kubectl oom history`: what its memory did, and every kill."""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from kubectl_oom.cli.connecting import cluster_options
from kubectl_oom.cli.durations import span_of
from kubectl_oom.cli.help import Command
from kubectl_oom.cli.options import now_option, since_option, source_options, target_options
from kubectl_oom.cli.output import HISTORY_OUTPUTS, history_output_options, output_of
from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.cli.output import Output
    from kubectl_oom.evidence import HistoryReport


@click.command("history", cls=Command, see=("why", "recommend", "docs/patterns.md", "docs/memory-metrics.md"))
@target_options
@since_option
@history_output_options
@click.option("-w", "--watch", is_flag=True, help="Draw it anew until interrupted (Ctrl-C)")
@click.option(
    "--every", default="15s", show_default=True, metavar="DURATION", help="With --watch: how long between two drawings"
)
@click.option(
    "--height",
    type=click.IntRange(4, 60),
    default=10,
    show_default=True,
    metavar="LINES",
    help="Height of the chart",
)
@source_options
@cluster_options
@now_option
def command(**values: Any) -> None:  # noqa: ANN401 - click passes what the decorators above declare
    """Show what a workload's memory did, and every OOM kill, also of pods that are gone.

    Reads what `why` reads, and from a metrics engine the samples of every pod that the workload had in the window, with
    their limits and their ends. Without one, only the kills that the API still knows are listed: the last two ends of
    each container. What it says about a burst between two samples is: nothing.

    \b
    Examples:
      # The last week of a deployment
      kubectl oom history deploy/api --prometheus-url http://prometheus:9090
      # The last day of one container, as JSON
      kubectl oom history deploy/api -c app --since 24h -o json
      # Keep an eye on it during an incident
      kubectl oom history deploy/api --since 1h --watch
      # A picture for a ticket
      kubectl oom history deploy/api -o svg > api.svg
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    output = output_of(values["output"], values["width"], HISTORY_OUTPUTS)
    if not values["watch"]:
        answer(values, output)
        return
    if values["from_file"]:
        raise OomError("error: a snapshot does not change: --from cannot be used with --watch")
    pause = span_of(values["every"])
    while True:
        if sys.stdout.isatty():
            click.clear()
        answer(values, output)
        sys.stdout.flush()
        time.sleep(pause)


def answer(values: dict[str, Any], output: Output) -> None:
    """Read the history and print it, once."""
    from kubectl_oom.cli.reading import open_source, read_with_pasts, scope_of
    from kubectl_oom.cli.why import nothing_found
    from kubectl_oom.judge.history import recount

    span = timedelta(seconds=span_of(values["since"]))
    source, now = open_source(values)
    scope = scope_of(source, values)
    case, pasts = read_with_pasts(source, scope, values, now - span, now)
    if not case.pods and not pasts and output.format not in ("json", "yaml"):
        nothing_found("text", scope, now)
        return
    report = recount(case, pasts, since=now - span, until=now, container=scope.container)
    show(report, output, now, height=values["height"])


def show(report: HistoryReport, output: Output, now: datetime, *, height: int) -> None:
    """Print a history in the form asked for."""
    from kubectl_oom.show import document, history
    from kubectl_oom.show.colour import Paint
    from kubectl_oom.show.history_document import history_document
    from kubectl_oom.show.history_markdown import history_markdown

    match output.format:
        case "json":
            click.echo(document.to_json(history_document(report, now)), nl=False)
        case "yaml":
            click.echo(document.to_yaml(history_document(report, now)), nl=False)
        case "markdown":
            for line in history_markdown(report, now=now):
                click.echo(line)
        case "svg":
            from kubectl_oom.show.svg import drawing

            click.echo("\n".join(drawing(report, now=now)))
        case _:
            paint = Paint(on=output.colour)
            lines = history.lines(
                report,
                now=now,
                width=output.width,
                height=height,
                paint=paint,
                wide=output.format == "wide",
                ascii_only=output.ascii_only,
            )
            for line in lines:
                click.echo(line, color=True if output.colour else None)
