"""`kubectl oom report`: a post-mortem of what happened, with blanks for what no source can know."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kubectl_oom.cli import choices
from kubectl_oom.cli.connecting import cluster_options
from kubectl_oom.cli.durations import span_of
from kubectl_oom.cli.files import write_whole
from kubectl_oom.cli.help import Command
from kubectl_oom.cli.options import now_option, since_option, sizing_options, source_options, target_options
from kubectl_oom.cli.output import REPORT_OUTPUTS, output_of, report_output_options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kubectl_oom.cli.output import Output
    from kubectl_oom.evidence import CaseFile, PostMortemReport
    from kubectl_oom.read.source import Source
    from kubectl_oom.read.targets import Scope


@click.command("report", cls=Command, see=("why", "snapshot", "docs/json.md"))
@target_options
@since_option
@sizing_options
@report_output_options
@click.option(
    "-f", "--filename", "file", metavar="FILE", shell_complete=choices.files, help="File to write (default: stdout)"
)
@source_options
@cluster_options
@now_option
def command(**values: Any) -> None:  # noqa: ANN401 - click passes what the decorators above declare
    """Write a post-mortem: Markdown, or one HTML file that needs no network.

    Says what happened, why, what it cost and what to do, and leaves blanks for what no source can know. Reads what
    `why`, `history` and `recommend` read about the target; --since is the window of the memory and of earlier kills.
    Nothing is written to the cluster.

    \b
    Examples:
      # For the ticket
      kubectl oom report deploy/api
      # One file for everybody: a page with the chart, which needs no network
      kubectl oom report deploy/api -o html -f api.html
      # Weeks later, from a snapshot that was taken in time
      kubectl oom report deploy/api --from api.json
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    from kubectl_oom.cli.reading import open_source, scope_of
    from kubectl_oom.cli.why import nothing_found

    output = output_of(values["output"], None, REPORT_OUTPUTS)
    source, now = open_source(values)
    scope = scope_of(source, values)
    case, report = read_post_mortems(source, scope, values, now)
    if not case.pods and not report.items and output.format != "json":
        nothing_found("text", scope, now)
        return
    written(values["file"], "\n".join(lines(report, output, now)) + "\n")


def read_post_mortems(
    source: Source, scope: Scope, values: dict[str, Any], now: datetime
) -> tuple[CaseFile, PostMortemReport]:
    """The case, read once, and what `why`, `history` and `recommend` make of it together."""
    from kubectl_oom.cli.group import COMMANDS
    from kubectl_oom.cli.reading import read_case, read_pasts
    from kubectl_oom.cli.sizing import asked_of
    from kubectl_oom.judge.diagnose import diagnose
    from kubectl_oom.judge.history import recount
    from kubectl_oom.judge.post_mortem import post_mortems
    from kubectl_oom.judge.post_mortem.selection import only_ended
    from kubectl_oom.judge.propose import propose
    from kubectl_oom.read.gather import SMALL_SELECTION
    from kubectl_oom.read.room import read_rooms

    asked = asked_of(values)
    since = now - timedelta(seconds=span_of(values["since"]))
    case = read_case(source, scope, values, now)
    told = diagnose(case, now=now, container=scope.container)
    if scope.is_selection and len(case.pods) > SMALL_SELECTION:
        case = only_ended(case, told)
    pasts, gaps = read_pasts(source, scope, case, values, since, now)
    rooms = read_rooms(source, case, pasts)
    case = replace(case, gaps=tuple(dict.fromkeys((*case.gaps, *gaps))))
    return case, post_mortems(
        case,
        told,
        recount(case, pasts, since=since, until=now, container=scope.container),
        propose(case, pasts, rooms, since=since, until=now, asked=asked),
        commands=COMMANDS,
    )


def lines(report: PostMortemReport, output: Output, now: datetime) -> Iterator[str]:
    """The document in the form asked for."""
    from kubectl_oom.show.post_mortem import document_of

    match output.format:
        case "json":
            from kubectl_oom.show.document import to_json
            from kubectl_oom.show.post_mortem_document import post_mortems_document

            yield to_json(post_mortems_document(report, now)).removesuffix("\n")
        case "html":
            from kubectl_oom.show.post_mortem_html import html_of

            yield from html_of(document_of(report, now))
        case _:
            from kubectl_oom.show.post_mortem_markdown import markdown_of

            yield from markdown_of(document_of(report, now), ascii_only=output.ascii_only)


def written(file: str | None, text: str) -> None:
    """Print the text, or write the whole file or none of it."""
    if file is None or file == "-":
        # As bytes: a page says that it is UTF-8, whatever the terminal takes.
        click.echo(text.encode(), nl=False)
        return
    write_whole(Path(file), text)
    click.echo(f"{file}: {len(text.encode()) // 1024 + 1} KiB", err=True)
