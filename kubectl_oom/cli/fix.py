"""`kubectl oom fix`: the change, safely."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from kubectl_oom.cli import choices
from kubectl_oom.cli.connecting import cluster_options
from kubectl_oom.cli.help import Command, Flag
from kubectl_oom.cli.options import now_option, since_option, sizing_options, source_options, target_options
from kubectl_oom.cli.output import FIX_OUTPUTS, fix_output_options, output_of
from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.cli.output import Output
    from kubectl_oom.cli.planning import Planned
    from kubectl_oom.evidence import FixReport
    from kubectl_oom.judge.fixing import FixAsked

DEFAULT_TIMEOUT = "10m"  # progressDeadlineSeconds of a Deployment
DRY_RUNS = ("none", "server", "client")
_change = partial(click.option, cls=Flag, heading="The change")
_making = partial(click.option, cls=Flag, heading="Making it")
_consent = partial(click.option, cls=Flag, heading="Consent to what stands against it")
_after = partial(click.option, cls=Flag, heading="Afterwards")
SMALLEST_SIZE = 1 << 20  # less starts no container; `512m` and `512` are slips of the pen for `512Mi`


@click.command(
    "fix",
    cls=Command,
    exits={1: "not answered, or the change was refused, blocked, failed or rolled back"},
    see=("recommend", "docs/preflight.md", "docs/permissions.md"),
)
@target_options
@_change(
    "--limit", "limit_text", metavar="SIZE", help="Memory limit to set, such as 768Mi (default: the recommended one)"
)
@_change("--request", "request_text", metavar="SIZE", help="Memory request to set, such as 512Mi (default: likewise)")
@_making("--apply", "apply_it", is_flag=True, help="Make the change (otherwise it is only printed)")
@_making("-y", "--yes", is_flag=True, help="Do not ask before it is made")
@_making(
    "--dry-run",
    metavar="MODE",
    shell_complete=choices.one_of(DRY_RUNS),
    help="client: print what would be sent; server: let the server check it; none (default: none)",
)
@_making("--undo", is_flag=True, help="Bring back the values from before the last fix")
@_making("--in-place", is_flag=True, help="Resize the running pods too, without a restart where they allow it")
@_change("--with-heap", is_flag=True, help="Set the program's own memory settings along with the limit")
@_consent("--force", is_flag=True, help="Go on although the preflight found what will refuse or revert it")
@_consent("--accept-low-confidence", is_flag=True, help="Apply a size of low confidence, or of a leak")
@_consent("--allow-decrease", is_flag=True, help="Apply a limit that is lower than today's")
@_after(
    "--timeout",
    default=DEFAULT_TIMEOUT,
    show_default=True,
    metavar="DURATION",
    help="How long to follow the rollout; 0 does not follow it",
)
@_after("--watch-for", metavar="DURATION", help="Then watch, for 10m say, whether it is killed again (default: not)")
@_after("--rollback-on-failure", is_flag=True, help="Undo the change where the rollout fails")
@since_option
@sizing_options
@fix_output_options
@source_options
@cluster_options
@now_option
def command(**values: Any) -> None:  # noqa: ANN401 - click passes what the decorators above declare
    """Print the change that is recommended, or make it with --apply.

    Reads what `recommend` reads, and who else decides about the workload: GitOps, operators, autoscalers, disruption
    budgets. Prints the difference, what stands against it, what will happen, and the way back. Only with --apply
    anything is changed: the memory of the named containers, and an annotation with the values from before. It asks
    first, follows the rollout, and tells how it went.

    \b
    Examples:
      # What would be changed, and what stands against it?
      kubectl oom fix deploy/api
      # Make the change, follow the rollout, and watch for ten minutes
      kubectl oom fix deploy/api --apply --watch-for 10m
      # A size of your own
      kubectl oom fix deploy/api -c app --limit 768Mi --request 512Mi --apply
      # Let the server check it, and change nothing
      kubectl oom fix deploy/api --dry-run server
      # Back to the values from before
      kubectl oom fix deploy/api --undo --apply
      # For git
      kubectl oom fix deploy/api -o kustomize
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    from kubectl_oom.cli.carrying_out import carried_out
    from kubectl_oom.cli.planning import planned
    from kubectl_oom.cli.reading import open_source
    from kubectl_oom.show.fix_facts import failed

    output = output_of(values["output"], values["width"], FIX_OUTPUTS)
    asked = fix_asked(values)
    dry_run = _dry_run(values["dry_run"])
    _refuse_bad_durations(values)
    source, now = open_source(values)
    if values["from_file"]:
        _refuse_for_a_snapshot(values, output.format, dry_run)
    plans = planned(source, values, asked, now)
    report = plans.report
    to_be_sent = dry_run == "server" or (values["apply_it"] and dry_run is None)
    if to_be_sent:
        report = carried_out(source, report, values, now)
    show(None if to_be_sent else plans, report, output, now)
    if any(map(failed, report.items)):
        raise click.exceptions.Exit(1)


def fix_asked(values: dict[str, Any]) -> FixAsked:
    """The options that decide about the plan; OomError for words that are none."""
    from kubectl_oom.judge.fixing import FixAsked

    asked = FixAsked(
        limit_bytes=_size("--limit", values["limit_text"]),
        request_bytes=_size("--request", values["request_text"]),
        container=values["container"],
        accept_low_confidence=values["accept_low_confidence"],
        allow_decrease=values["allow_decrease"],
        with_heap=values["with_heap"],
        in_place=values["in_place"],
        force=values["force"],
    )
    if values["undo"] and asked.by_hand:
        raise OomError("error: --undo brings back what was: it takes no --limit and no --request")
    if asked.limit_bytes and asked.request_bytes and asked.request_bytes > asked.limit_bytes:
        raise OomError("error: --request is above --limit: the API server would refuse that")
    return asked


def _refuse_for_a_snapshot(values: dict[str, Any], form: str, dry_run: str | None) -> None:
    """OomError for what only a cluster can do, or what a snapshot does not hold."""
    if values["apply_it"] or dry_run == "server":
        asked = "--apply" if values["apply_it"] else "--dry-run=server"
        raise OomError(f"error: a snapshot cannot be changed: {asked} needs a cluster")
    if form in ("json", "yaml"):
        raise OomError(
            "error: a snapshot holds objects reduced to what is read, which must not be applied as a whole",
            "Print what changes: -o patch, -o kustomize or -o changes",
        )


def _refuse_bad_durations(values: dict[str, Any]) -> None:
    """OomError for words that are no durations, also where nothing is to be followed."""
    from kubectl_oom.cli.durations import seconds_of

    seconds_of(values["timeout"])
    seconds_of(values["watch_for"])


def _size(flag: str, text: str | None) -> int | None:
    from kubectl_oom.quantity import parse_bytes

    if text is None:
        return None
    size = parse_bytes(text)
    if size is None or size <= 0:
        raise OomError(f'error: invalid value "{text}" for {flag}: must be a size such as 768Mi')
    if size < SMALLEST_SIZE:
        raise OomError(
            f'error: invalid value "{text}" for {flag}: that is {size} {"byte" if size == 1 else "bytes"}',
            "Say the unit: 768Mi, 2Gi (a small m is a thousandth, and no unit means bytes)",
        )
    return size


def _dry_run(mode: str | None) -> str | None:
    if mode is not None and mode not in DRY_RUNS:
        raise OomError(f'error: Invalid dry-run value ({mode}). Must be "none", "server", or "client".')
    return None if mode == "none" else mode


def show(plans: Planned | None, report: FixReport, output: Output, now: datetime) -> None:
    """Print the plans, and what became of them, in the form asked for.

    As with kubectl, json and yaml are the object as it would be; once plans were to be sent (and `plans` is None) they
    say what became of it.
    """
    from kubectl_oom.cli.again import flags_given
    from kubectl_oom.show import fix_objects

    match output.format:
        case "json" | "yaml" if plans is not None:
            _tell_of_no_changes(report)
            click.echo(fix_objects.objects_text(plans.patched(), output.format), nl=False)
        case "json" | "yaml" | "changes":
            _show_changes(report, output.format, now)
        case "patch" | "kustomize" | "helm-values":
            _tell_of_no_changes(report)
            click.echo(fix_objects.FOR_GIT[output.format](report.items), nl=False)
        case "markdown":
            from kubectl_oom.show.fix_markdown import changes_markdown

            flags = flags_given(click.get_current_context())
            for line in changes_markdown(report, now=now, ascii_only=output.ascii_only, flags=flags):
                click.echo(line)
        case _:
            _show_text(report, output)


def _tell_of_no_changes(report: FixReport) -> None:
    """Say on stderr which workloads stay as they are: an object or a patch has no place for that."""
    from kubectl_oom.cli.reading import tell
    from kubectl_oom.show.fix_facts import title

    for outcome in report.items:
        if not outcome.plan.changes:
            tell(title(outcome))
        for check in () if outcome.plan.changes else outcome.plan.blocked_by:
            tell(f"{check.message} {check.remedy or ''}".strip())


def _show_changes(report: FixReport, form: str, now: datetime) -> None:
    from kubectl_oom.show.document import to_json, to_yaml
    from kubectl_oom.show.fix_document import changes_document

    answer = changes_document(report, now)
    click.echo(to_yaml(answer) if form == "yaml" else to_json(answer), nl=False)


def _show_text(report: FixReport, output: Output) -> None:
    from kubectl_oom.cli.again import flags_given
    from kubectl_oom.show import fixes
    from kubectl_oom.show.colour import Paint

    lines = fixes.lines(
        report,
        width=output.width,
        paint=Paint(on=output.colour),
        wide=output.format == "wide",
        ascii_only=output.ascii_only,
        flags=flags_given(click.get_current_context()),
    )
    for line in lines:
        click.echo(line, color=True if output.colour else None)
