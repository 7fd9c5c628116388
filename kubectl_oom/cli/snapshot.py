"""`kubectl oom snapshot`: save the evidence before it expires."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from kubectl_oom.cli import choices
from kubectl_oom.cli.connecting import cluster_options
from kubectl_oom.cli.durations import span_of
from kubectl_oom.cli.files import write_whole
from kubectl_oom.cli.help import Command
from kubectl_oom.cli.options import live_source_options, now_option, refused_from_option, since_option, target_options
from kubectl_oom.errors import OomError


@click.command(
    "snapshot",
    cls=Command,
    exits={0: "written", 1: "nothing was saved: the error says why"},
    see=("why", "docs/snapshot.md"),
)
@target_options
@click.option(
    "-f",
    "--filename",
    "file",
    required=True,
    metavar="FILE",
    shell_complete=choices.files,
    help="File to write, or - for stdout",
)
@since_option
@refused_from_option
@live_source_options
@cluster_options
@now_option
def command(**values: Any) -> None:  # noqa: ANN401 - click passes what the decorators above declare
    """Save all evidence about a target to a file, before it expires.

    Events live for an hour and the end of a container until two more have followed. Reads what `why`, `history` and
    `recommend` read, and writes it to one JSON file that they take with --from, later and elsewhere. Secrets, tokens
    and environment values are never in it, but for the named heap and worker settings.

    \b
    Examples:
      # Events expire within the hour: keep them
      kubectl oom snapshot deploy/api -f api.json
      # Everything in a namespace, with a month of samples
      kubectl oom snapshot -n shop -l tier=backend --since 30d -f shop.json
      # Compressed, for a colleague
      kubectl oom snapshot deploy/api -f - | gzip > api.json.gz
      # Read it anywhere, without a cluster
      kubectl oom why deploy/api --from api.json
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    from kubectl_oom.cli.reading import open_source, read_case, read_pasts, scope_of
    from kubectl_oom.read.recording import RecordingSource
    from kubectl_oom.read.room import read_rooms

    if values["from_file"]:
        raise OomError("error: a snapshot is taken from a cluster: --from cannot be used with it")
    source, now = open_source(values)
    recording = RecordingSource(source, now)
    scope = scope_of(source, values)
    since = now - timedelta(seconds=span_of(values["since"]))
    case = read_case(recording, scope, values, now)
    if not case.pods:
        raise OomError("error: no pods match, so there is nothing to save")
    pasts, _ = read_pasts(recording, scope, case, values, since, now)  # for `history --from`
    read_rooms(recording, case, pasts)  # for `recommend --from`
    text = json.dumps(recording.tape.to_json(), indent=1, ensure_ascii=True) + "\n"
    if values["file"] == "-":
        click.echo(text, nl=False)
        return
    write_whole(Path(values["file"]), text)
    pods = f"{len(case.pods)} pod{'s' if len(case.pods) != 1 else ''}"
    click.echo(f"{values['file']}: {pods}, {len(case.gaps)} gaps, {len(text) // 1024 + 1} KiB", err=True)
