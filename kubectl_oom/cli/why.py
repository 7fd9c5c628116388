"""`kubectl oom why`: what killed it, how sure that is, and what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from kubectl_oom.cli.connecting import cluster_options
from kubectl_oom.cli.help import Command
from kubectl_oom.cli.options import now_option, source_options, target_options
from kubectl_oom.cli.output import output_of, output_options

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.cli.output import Output
    from kubectl_oom.evidence import Report
    from kubectl_oom.read.targets import Scope


@click.command("why", cls=Command, see=("history", "recommend", "docs/verdicts.md", "docs/findings.md"))
@target_options
@output_options
@source_options
@cluster_options
@now_option
def command(**values: Any) -> None:  # noqa: ANN401 - click passes what the decorators above declare
    """Say what killed a container, how sure that is, and what to do.

    Reads the status of the pods, their events and nodes, the end of the previous log, the kubelet's numbers, and a
    metrics engine's samples of the day before the kill. Only the pods must be readable: what could not be seen is
    named, with what would close the gap. Nothing is written.

    A name alone is a pod. Types are pod, deploy, sts, ds, rs, job, cronjob and node.

    \b
    Examples:
      # Why does this deployment restart?
      kubectl oom why deploy/api
      # One pod, with the run-up from Prometheus
      kubectl oom why api-5d4f -n shop --prometheus-url http://prometheus:9090
      # Who died on this node, and was it the node?
      kubectl oom why node/worker-3
      # Everything that was killed anywhere, as JSON for a script
      kubectl oom why -A -o json
      # Without a cluster, from what was saved in time
      kubectl oom why deploy/api --from api.json
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    from kubectl_oom.cli.reading import open_source, read_case, scope_of
    from kubectl_oom.judge.blind_spots import kills_before_the_samples
    from kubectl_oom.judge.diagnose import diagnose

    output = output_of(values["output"], values["width"])
    source, now = open_source(values)
    scope = scope_of(source, values)
    case = read_case(source, scope, values, now)
    if not case.pods:
        nothing_found(output.format, scope, now)
        return
    report = diagnose(
        case, now=now, container=scope.container, nodes=scope.nodes, namespace=scope.namespace if scope.nodes else None
    )
    report = replace(report, gaps=(*report.gaps, *kills_before_the_samples(report, case, now)))
    show(report, output, now, namespace=source.namespace)


def show(report: Report, output: Output, now: datetime, *, namespace: str) -> None:
    """Print a report in the form asked for."""
    from kubectl_oom.cli.again import cluster_flags
    from kubectl_oom.cli.group import COMMANDS
    from kubectl_oom.show.next_steps import Place

    place = Place(namespace=namespace, cluster=cluster_flags(click.get_current_context()))
    match output.format:
        case "json" | "yaml" | "name":
            click.echo(_data(report, output.format, now), nl=False)
        case "markdown":
            from kubectl_oom.show import markdown

            for line in markdown.report(
                report,
                now=now,
                ascii_only=output.ascii_only,
                place=place,
                commands=COMMANDS,
            ):
                click.echo(line)
        case _:
            from kubectl_oom.show import text
            from kubectl_oom.show.colour import Paint

            lines = text.report(
                report,
                now=now,
                width=output.width,
                paint=Paint(on=output.colour),
                wide=output.format == "wide",
                ascii_only=output.ascii_only,
                place=place,
                commands=COMMANDS,
            )
            for line in lines:
                click.echo(line, color=True if output.colour else None)


def _data(report: Report, format_name: str, now: datetime) -> str:
    from kubectl_oom.show import document

    if format_name == "name":
        return "".join(f"{line}\n" for line in document.names(report))
    made = document.report_document(report, now)
    return document.to_json(made) if format_name == "json" else document.to_yaml(made)


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
