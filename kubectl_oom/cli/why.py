"""`kubectl oom why`: what killed it, how sure that is, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from kubectl_oom.cli.options import (
    cluster_options,
    now_option,
    output_of,
    output_options,
    source_options,
    target_options,
)

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.cli.options import Output
    from kubectl_oom.evidence import Report
    from kubectl_oom.read.targets import Scope


@click.command("why")
@target_options
@output_options
@source_options
@cluster_options
@now_option
def command(**values: Any) -> None:  # noqa: ANN401 - click passes what the decorators above declare
    """Say what killed a container, how sure that is, and what to do.

    \b
    Examples:
      # Why does this deployment restart?
      kubectl oom why deploy/api
      # One pod, with the run-up from Prometheus
      kubectl oom why pod/api-5d4f -n shop --prometheus-url http://prometheus:9090
      # Who died on this node, and was it the node?
      kubectl oom why node/worker-3
      # As JSON, for a script
      kubectl oom why -l app=api -o json
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    from kubectl_oom.cli.reading import open_source, read_case, scope_of
    from kubectl_oom.judge.diagnose import diagnose

    output = output_of(values["output"], values["width"])
    source, now = open_source(values)
    scope = scope_of(source, values)
    case = read_case(source, scope, values, now)
    if not case.pods:
        nothing_found(output.format, scope, now)
        return
    report = diagnose(case, now=now, container=scope.container, nodes=scope.nodes)
    show(report, output, now, namespace=source.namespace)


def show(report: Report, output: Output, now: datetime, *, namespace: str) -> None:
    """Print a report in the form asked for."""
    from kubectl_oom.cli.group import COMMANDS
    from kubectl_oom.show import document, markdown, text
    from kubectl_oom.show.colour import Paint

    match output.format:
        case "json":
            click.echo(document.to_json(document.report_document(report, now)), nl=False)
        case "yaml":
            click.echo(document.to_yaml(document.report_document(report, now)), nl=False)
        case "name":
            for line in document.names(report):
                click.echo(line)
        case "markdown":
            for line in markdown.report(
                report, now=now, ascii_only=output.ascii_only, namespace=namespace, commands=COMMANDS
            ):
                click.echo(line)
        case _:
            lines = text.report(
                report,
                now=now,
                width=output.width,
                paint=Paint(on=output.colour),
                wide=output.format == "wide",
                ascii_only=output.ascii_only,
                namespace=namespace,
                commands=COMMANDS,
            )
            for line in lines:
                click.echo(line, color=True if output.colour else None)


def nothing_found(output: str, scope: Scope, now: datetime) -> None:
    """Answer a selection that selects nothing as kubectl does: a word on stderr, an empty document on stdout."""
    from kubectl_oom.evidence import Report
    from kubectl_oom.show import document

    if output in ("json", "yaml"):
        empty = document.report_document(Report(items=(), gaps=()), now)
        click.echo(document.to_json(empty) if output == "json" else document.to_yaml(empty), nl=False)
        return
    where = f" in {scope.namespace} namespace." if scope.namespace else ""
    if output != "name":
        click.echo(f"No {'resources' if scope.is_selection else 'pods'} found{where}", err=True)
