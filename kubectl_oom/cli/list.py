"""`kubectl oom list`: who was killed, anywhere."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from kubectl_oom.cli import choices
from kubectl_oom.cli.connecting import cluster_options, metrics_options
from kubectl_oom.cli.durations import span_of
from kubectl_oom.cli.help import Command
from kubectl_oom.cli.options import everywhere_option, from_option, namespace_option, now_option
from kubectl_oom.cli.output import format_option, output_of, width_option
from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from kubectl_oom.cli.listing import Answers
    from kubectl_oom.cli.output import Output
    from kubectl_oom.evidence import Gap, KillList

OUTPUTS = ("text", "wide", "json", "yaml", "name")
SORTS = ("last", "kills", "namespace")
KILLED, TROUBLE = 1, 2  # of --exit-code, as for `kubectl diff`


@click.command(
    "list",
    cls=Command,
    exits={
        1: "not answered, or one of several clusters did not answer; with --exit-code: something was OOM-killed",
        2: "with --exit-code: not answered",
    },
    see=("why", "history", "watch"),
)
@namespace_option
@everywhere_option
@click.option("-l", "--selector", default="", metavar="LABELS", help="Select pods by label")
@click.option("--since", default="24h", show_default=True, metavar="DURATION", help="How far back to look: 24h, 7d")
@click.option(
    "--contexts",
    metavar="NAMES",
    shell_complete=choices.contexts,
    help="Kubeconfig contexts to look in, separated by commas (default: the current one)",
)
@click.option("--all-137", is_flag=True, help="List also what ended with exit code 137 and was not OOM-killed")
@click.option(
    "--sort-by",
    default="last",
    show_default=True,
    metavar="COLUMN",
    shell_complete=choices.one_of(SORTS),
    help=f"Sort by one of: {', '.join(SORTS)}",
)
@click.option("--no-headers", is_flag=True, help="Print rows only")
@click.option("--exit-code", is_flag=True, help="Exit with 1 when something was OOM-killed, with 2 on trouble")
@format_option(OUTPUTS)
@width_option("the terminal's, else as many as needed")
@from_option
@metrics_options
@cluster_options
@now_option
def command(**values: Any) -> None:  # noqa: ANN401 - click passes what the decorators above declare
    """List who was OOM-killed, in a namespace or in whole clusters.

    One row for each container, the last kill first. Reads the pods, and of those with a trace of a kill their events,
    their nodes' and their owners. A metrics engine adds pods that are gone, processes killed inside containers that
    live on, and kills before the last two. Nothing is written.

    \b
    Examples:
      # The last day of the whole cluster
      kubectl oom list -A
      # A week of one namespace, those killed most often first
      kubectl oom list -n shop --since 7d --sort-by kills
      # Several clusters at once
      kubectl oom list -A --contexts prod-eu,prod-us
      # Fail a pipeline when something was killed
      kubectl oom list -n shop --since 1h --exit-code
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    from kubectl_oom.cli.listing import answers
    from kubectl_oom.cli.reading import tell

    output = output_of(values["output"], values["width"], OUTPUTS)
    _refuse_nonsense(values)
    span = timedelta(seconds=span_of(values["since"]))
    told = answers(values, span)
    show(told.found, values, output, told.now)
    if output.format in ("text", "wide") and not told.found.items and told.has_answer:
        tell(_nothing_found(told, values))
    for gap in told.silent:
        tell(f"{gap.source}: {gap.reason}")
    if output.format not in ("json", "yaml"):
        _tell_gaps(gap for gap in told.found.gaps if gap not in told.silent)
    if told.silent:
        raise click.exceptions.Exit(TROUBLE if values["exit_code"] else 1)
    if values["exit_code"] and any(item.is_oom for item in told.found.items):
        raise click.exceptions.Exit(KILLED)


def _refuse_nonsense(values: dict[str, Any]) -> None:
    if values["sort_by"] not in SORTS:
        raise OomError(f'error: invalid --sort-by "{values["sort_by"]}": it is one of {", ".join(SORTS)}')
    if values["contexts"] is not None and (values["context"] or values["from_file"]):
        raise OomError("error: --contexts cannot be used with --context or --from")
    if values["contexts"] is not None and not any(name.strip() for name in values["contexts"].split(",")):
        raise OomError("error: --contexts names no context")


def show(found: KillList, values: dict[str, Any], output: Output, now: datetime) -> None:
    """Print the list in the form asked for."""
    from kubectl_oom.show import document, kill_rows
    from kubectl_oom.show.kill_list_document import kill_list_document

    match output.format:
        case "json":
            click.echo(document.to_json(kill_list_document(found, now)), nl=False)
        case "yaml":
            click.echo(document.to_yaml(kill_list_document(found, now)), nl=False)
        case "name":
            for line in kill_rows.names(found.items):
                click.echo(line)
        case _:
            _rows(found, values, output, now)


def _rows(found: KillList, values: dict[str, Any], output: Output, now: datetime) -> None:
    from kubectl_oom.show import kill_rows

    lines = kill_rows.lines(
        found.items,
        now=now,
        # A name that was cut to fit helps no program.
        width=output.width if values["width"] or sys.stdout.isatty() else None,
        wide=output.format == "wide",
        with_headers=not values["no_headers"],
        with_context=values["contexts"] is not None,
    )
    for line in lines:
        click.echo(line)


def _nothing_found(told: Answers, values: dict[str, Any]) -> str:
    """The word for no rows, with where was looked: the namespace of a context is on no command line."""
    where = f" in {', '.join(told.namespaces)} namespace" if told.namespaces else ""
    where += "s" if len(told.namespaces) > 1 else ""
    heard = " in the clusters that answered" if told.silent else ""
    return f"No OOM kills found{where} in the last {values['since']}{heard}."


def _tell_gaps(gaps: Iterable[Gap]) -> None:
    """What could not be seen, beside the rows: stdout holds nothing else."""
    from kubectl_oom.cli.reading import tell

    for gap in gaps:
        remedy = f" ({gap.remedy})" if gap.remedy else ""
        tell(f"Could not see: {gap.source}: {gap.reason}{remedy}")
