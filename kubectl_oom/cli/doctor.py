"""`kubectl oom doctor`: which sources answer."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from kubectl_oom.cli import choices
from kubectl_oom.cli.options import cluster_options, output_options, source_options

if TYPE_CHECKING:
    from kubectl_oom.evidence import Checkup


@click.command("doctor")
@click.option(
    "-n",
    "--namespace",
    metavar="NAME",
    shell_complete=choices.namespaces,
    help="Namespace to try (default: the context's)",
)
@output_options
@source_options
@cluster_options
def command(**values: Any) -> None:  # noqa: ANN401 - click passes what the decorators above declare
    """Say which sources of evidence answer, how fast, and which permission is missing.

    Every source is read once, in its smallest form. Exits 1 when the pods themselves cannot be read.

    \b
    Examples:
      # What can be seen from here?
      kubectl oom doctor
      # As a restricted user, with a Prometheus
      kubectl oom doctor --as system:serviceaccount:shop:reader --prometheus-url http://prometheus:9090
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    from time import monotonic

    from kubectl_oom.cli.options import connect_options, engine_options, output_of
    from kubectl_oom.errors import OomError
    from kubectl_oom.read.connection import connect
    from kubectl_oom.read.doctor import examine

    output = output_of(values["output"], values["width"])
    if values["from_file"]:
        raise OomError("error: doctor examines a cluster: --from cannot be used with it")
    connection = connect(connect_options(values))
    checkups = examine(connection, engine_options(values), values["namespace"] or connection.namespace, monotonic)
    _print(checkups, output.format, connection.server, output.width)
    if checkups[0].gap:
        raise click.exceptions.Exit(1)


def _print(checkups: tuple[Checkup, ...], form: str, server: str, width: int) -> None:
    from kubectl_oom.show import document
    from kubectl_oom.show.checkup import checkup_document, checkup_lines

    if form in ("json", "yaml"):
        answer = checkup_document(checkups, datetime.now(timezone.utc))
        click.echo(document.to_json(answer) if form == "json" else document.to_yaml(answer), nl=False)
        return
    for line in checkup_lines(checkups, server, width):
        click.echo(line)
