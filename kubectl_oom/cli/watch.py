"""`kubectl oom watch`: every OOM kill as it happens, and who is next."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from kubectl_oom.cli.connecting import cluster_options
from kubectl_oom.cli.durations import seconds_of, span_of
from kubectl_oom.cli.help import Command
from kubectl_oom.cli.options import live_source_options, selection_options
from kubectl_oom.cli.output import format_option, output_of
from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from kubectl_oom.cli.watching import Asked

WATCH_OUTPUTS = ("text", "json")


@click.command(
    "watch",
    cls=Command,
    exits={0: "the time of --for has passed", 1: "the pods cannot be listed", 130: "ended by Ctrl-C"},
    see=("list", "alerts", "docs/json.md"),
)
@selection_options
@click.option(
    "--since", metavar="DURATION", help="Tell kills of that long before the start too, such as 1h or 7d (default: none)"
)
@click.option("--for", "for_", metavar="DURATION", help="End after that long, such as 10m (default: Ctrl-C ends it)")
@click.option(
    "--interval",
    default="30s",
    show_default=True,
    metavar="DURATION",
    help="How often a metrics engine is asked who is near the limit",
)
@format_option(WATCH_OUTPUTS)
@click.option(
    "--exec",
    "program",
    metavar="COMMAND",
    help="Run this for every event, which it gets as JSON on stdin; no shell is involved",
)
@click.option("--renew", type=click.IntRange(1), hidden=True, help="Seconds that one watch lasts")
@live_source_options
@cluster_options
def command(**values: Any) -> None:  # noqa: ANN401 - click passes what the decorators above declare
    """Tell every OOM kill as it happens, and warn of who is next.

    Lists the pods once, follows the API server's watch, and looks into each kill as `why` does. Kills that were there
    before are not repeated, unless --since says so. With a metrics engine it warns once at 85% and at 95% of a limit,
    and once when a limit will be reached within hours. Nothing is written.

    \b
    Examples:
      # Everything that is OOM-killed in the cluster from now on
      kubectl oom watch -A
      # One application, with who is next
      kubectl oom watch -l app=api --prometheus-url http://prometheus:9090
      # One line of JSON per event, for ten minutes
      kubectl oom watch -A -o json --for 10m
      # Hand every event to a program
      kubectl oom watch -A --exec './notify --channel oncall'
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    from kubectl_oom.cli.reading import open_source
    from kubectl_oom.cli.watching import Watching
    from kubectl_oom.read.live import LiveSource

    output = output_of(values["output"], None, WATCH_OUTPUTS)
    asked = _asked(values)
    source, began = open_source(values)
    assert isinstance(source, LiveSource)  # noqa: S101 - there is no --from that would name another
    Watching(source, asked, output, began).run()


def _asked(values: dict[str, Any]) -> Asked:
    from kubectl_oom.cli.handing import program_of
    from kubectl_oom.cli.watching import Asked
    from kubectl_oom.read.gather import Wants
    from kubectl_oom.read.targets import refuse_bad_namespace

    if values["namespace"]:
        refuse_bad_namespace(values["namespace"])
    for_seconds = seconds_of(values["for_"])
    if for_seconds is not None and for_seconds <= 0:
        raise OomError("error: --for must be longer than nothing", "Leave it out to watch until Ctrl-C")
    return Asked(
        namespace=values["namespace"],
        everywhere=values["all_namespaces"],
        labels=values["selector"],
        container=values["container"],
        since=timedelta(seconds=span_of(values["since"])) if values["since"] else timedelta(0),
        for_seconds=for_seconds,
        interval_seconds=span_of(values["interval"]),
        renew_seconds=values["renew"],
        program=program_of(values["program"]) if values["program"] else (),
        wants=Wants(logs=values["logs"], kubelet=values["kubelet"], metrics=values["prometheus"]),
    )
