"""`kubectl oom doctor`: which sources answer."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import click

from kubectl_oom.cli import choices
from kubectl_oom.cli.connecting import cluster_options, metrics_options
from kubectl_oom.cli.help import Command
from kubectl_oom.cli.options import refused_from_option
from kubectl_oom.cli.output import DOCTOR_OUTPUTS, doctor_output_options

if TYPE_CHECKING:
    from kubectl_oom.evidence import Checkup


@click.command(
    "doctor",
    cls=Command,
    exits={0: "the pods can be read, whatever else cannot", 1: "the pods cannot be read"},
    see=("docs/permissions.md", "docs/clusterrole.yaml"),
)
@click.option(
    "-n",
    "--namespace",
    metavar="NAME",
    shell_complete=choices.namespaces,
    help="Namespace to try (default: the context's)",
)
@doctor_output_options
@refused_from_option
@metrics_options
@cluster_options
def command(**values: Any) -> None:  # noqa: ANN401 - click passes what the decorators above declare
    """Say which sources answer and which permission is missing.

    Reads every source once, in its smallest form: pods, events, nodes, owners, quotas, autoscalers, a log, the kubelet
    and the metrics engine. Prints how fast each answers, what it is read for, and the rules that are missing, ready
    for a ClusterRole. Nothing is written.

    \b
    Examples:
      # What can be seen from here?
      kubectl oom doctor
      # As a restricted user, with a Prometheus
      kubectl oom doctor --as jane --prometheus-url http://prometheus:9090
      # In another namespace, as JSON
      kubectl oom doctor -n shop -o json
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    from time import monotonic

    from kubectl_oom.cli.connecting import connect_options, engine_options
    from kubectl_oom.cli.output import output_of
    from kubectl_oom.errors import OomError
    from kubectl_oom.read.connection import connect
    from kubectl_oom.read.doctor import examine

    output = output_of(values["output"], values["width"], DOCTOR_OUTPUTS)
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
