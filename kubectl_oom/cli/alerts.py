"""`kubectl oom alerts`: rules that are right, and what is wrong with others."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from kubectl_oom.cli import choices
from kubectl_oom.cli.connecting import cluster_options
from kubectl_oom.cli.help import Command, Flag
from kubectl_oom.cli.options import now_option
from kubectl_oom.cli.output import width_option

if TYPE_CHECKING:
    from kubectl_oom.cli.output import Output
    from kubectl_oom.evidence.alerting import RuleCheck

WRITTEN = ("prometheus", "prometheusrule")
CHECKED = ("text", "json", "yaml")
WRITING = "Rules that are written"
_rule = partial(click.option, cls=Flag, heading=WRITING)
_percent = partial(_rule, show_default=True, metavar="PERCENT", type=click.IntRange(1, 99))
_duration = partial(_rule, show_default=True, metavar="DURATION")


@click.command(
    "alerts",
    cls=Command,
    exits={
        0: "written; with --check: no rule is wrong",
        1: "not written; with --check: a rule is wrong (critical or warning), or something could not be read",
    },
    see=("watch", "docs/alerts.md"),
)
@click.argument("files", nargs=-1, metavar="[FILE ...]", shell_complete=choices.files)
@click.option(
    "--check", "check_them", is_flag=True, help="Check rules: those in files (- is stdin), or with -A or -n a cluster's"
)
@click.option(
    "-n",
    "--namespace",
    metavar="NAME",
    shell_complete=choices.namespaces,
    help="Rules about this namespace; with --check: the objects in it",
)
@click.option("-A", "--all-namespaces", is_flag=True, help="With --check: the PrometheusRule objects of all namespaces")
@_rule("--namespace-selector", metavar="REGEX", help="Rules about namespaces whose whole name matches (default: all)")
@_rule("--exclude-namespaces", metavar="REGEX", help="Leave out namespaces whose whole name matches")
@_rule("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Label on every rule (repeatable)")
@_rule(
    "--object-label",
    "object_labels",
    multiple=True,
    metavar="NAME=VALUE",
    help="Label on the PrometheusRule (repeatable)",
)
@_rule("--group-name", default="kubectl-oom", show_default=True, metavar="NAME", help="Name of the group and object")
@_rule("--cluster-label", metavar="NAME", help="Label that tells clusters apart in a shared store, such as cluster")
@_duration("--window", default="10m", help="How long a kill is told")
@_percent("--info-at", default=85, help="Near the limit: info")
@_percent("--warn-at", default=90, help="Near the limit: warning")
@_percent("--critical-at", default=95, help="Near the limit: critical")
@_duration("--info-for", default="15m", help="How long it has to be so for an info")
@_duration("--warn-for", default="10m", help="How long it has to be so for a warning")
@_duration("--critical-for", default="2m", help="How long it has to be so for a critical")
@_duration("--grow-window", default="1h", help="What growth is measured over")
@_duration("--ahead", default="4h", help="How far ahead growth is predicted")
@click.option(
    "-o",
    "--output",
    metavar="FORMAT",
    shell_complete=choices.one_of(WRITTEN + CHECKED),
    help=f"One of: {', '.join(WRITTEN)}; with --check: {', '.join(CHECKED)} (default: the first)",
)
@width_option()
@cluster_options
@now_option
def command(**values: Any) -> None:  # noqa: ANN401 - click passes what the decorators above declare
    """Write Prometheus rules that are right, or check those that are there.

    Rules are written to stdout; nothing is read for that and nothing is changed. With --check, rule files and
    PrometheusRule objects are judged together: what never fires, fires for the wrong thing, or cannot see a kill.
    Files are YAML or JSON, - is stdin; -A or -n reads the objects of a cluster.

    \b
    Examples:
      # A rule file for Prometheus
      kubectl oom alerts > oom-rules.yaml
      # An object for Prometheus' operator
      kubectl oom alerts -o prometheusrule --object-label release=prometheus
      # Rules about the namespaces of one team, told earlier
      kubectl oom alerts --namespace-selector 'shop-.*' --warn-at 85 --info-at 80
      # What is wrong with my rules?
      kubectl oom alerts --check rules/*.yaml
      # And with those in the cluster?
      kubectl oom alerts --check -A
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    from kubectl_oom.cli.output import output_of

    if values["check_them"]:
        output = output_of(values["output"] or "text", values["width"], CHECKED)
        _check(values, output)
        return
    _refuse_without_check(values)
    output = output_of(values["output"] or WRITTEN[0], values["width"], WRITTEN)
    click.echo(_written(values, output.format), nl=False)


def _written(values: dict[str, Any], form: str) -> str:
    from kubectl_oom.cli.alert_options import alert_asked, group_name, labels_of
    from kubectl_oom.judge.alert_rules import alert_rules
    from kubectl_oom.show import alert_rules as show

    rules = alert_rules(alert_asked(values))
    group, labels = group_name(values, form), labels_of("--label", values["labels"])
    if form == "prometheus":
        return show.rule_file(rules, group, labels)
    return show.rule_object(rules, group, labels, labels_of("--object-label", values["object_labels"], of_object=True))


def _refuse_without_check(values: dict[str, Any]) -> None:
    from kubectl_oom.errors import OomError

    if values["files"]:
        raise OomError(
            "error: files are checked, not written", f"Add --check: kubectl oom alerts --check {values['files'][0]}"
        )
    if values["all_namespaces"]:
        raise OomError("error: -A goes with --check: rules are about all namespaces anyway")
    if values["object_labels"] and values["output"] != "prometheusrule":
        raise OomError("error: --object-label goes with -o prometheusrule")


def _refuse_flags_of_writing(ctx: click.Context) -> None:
    """OomError for a flag that would say nothing about what is checked: `--exclude-namespaces` leaves out no rule."""
    from kubectl_oom.errors import OomError

    for option in ctx.command.params:
        is_of_writing = isinstance(option, Flag) and option.heading == WRITING
        if is_of_writing and ctx.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE:
            raise OomError(
                f"error: {option.opts[-1]} is about rules that are written: it cannot be used with --check",
                "-n or -A says which objects of the cluster are checked",
            )


def _check(values: dict[str, Any], output: Output) -> None:
    """Check what was named; the exit code is 1 where something is wrong, or was not read."""
    from kubectl_oom.cli.reading import tell
    from kubectl_oom.evidence import Severity
    from kubectl_oom.evidence.alerting import RuleCheck
    from kubectl_oom.judge.alert_lint import lint
    from kubectl_oom.read.rule_files import read_rule_files

    _refuse_flags_of_writing(click.get_current_context())
    rules, gaps = read_rule_files(values["files"])
    rules += _of_cluster(values)
    check = RuleCheck(rules=lint(rules), gaps=tuple(gaps))
    for gap in gaps:
        tell(f"error: {gap.source}: {gap.reason}")
    _show(check, output, values)
    serious = any(fault.severity is not Severity.INFO for rule in check.rules for fault in rule.faults)
    if serious or gaps:
        raise click.exceptions.Exit(1)


def _of_cluster(values: dict[str, Any]) -> list[Any]:
    from kubectl_oom.errors import OomError

    if not (values["all_namespaces"] or values["namespace"]):
        if not values["files"]:
            raise OomError("error: nothing to check", "Name files, or -A for the PrometheusRule objects of the cluster")
        return []
    from kubectl_oom.cli.connecting import connect_options
    from kubectl_oom.cli.reading import fatal
    from kubectl_oom.read.connection import connect
    from kubectl_oom.read.live import LiveSource
    from kubectl_oom.read.rule_objects import read_rule_objects
    from kubectl_oom.read.source import ReadError
    from kubectl_oom.read.targets import refuse_bad_namespace

    if not values["all_namespaces"]:
        refuse_bad_namespace(values["namespace"])
    source = LiveSource(connect(connect_options(values)), None)
    try:
        return list(read_rule_objects(source, None if values["all_namespaces"] else values["namespace"]))
    except ReadError as error:
        if error.reason == "NotFound":
            raise OomError(
                "error: this cluster knows no PrometheusRule objects", "Check files: kubectl oom alerts --check FILE"
            ) from error
        raise fatal(error, source) from error


def _show(check: RuleCheck, output: Output, values: dict[str, Any]) -> None:
    from kubectl_oom.cli.reading import moment
    from kubectl_oom.show.alert_check import check_document, check_lines
    from kubectl_oom.show.colour import Paint

    if output.format == "text":
        if check.rules or not check.gaps:
            for line in check_lines(check, width=output.width, paint=Paint(on=output.colour)):
                click.echo(line, color=True if output.colour else None)
        return
    from kubectl_oom.show.document import to_json, to_yaml

    document = check_document(check, moment(values) or datetime.now(timezone.utc))
    click.echo(to_json(document) if output.format == "json" else to_yaml(document), nl=False)
