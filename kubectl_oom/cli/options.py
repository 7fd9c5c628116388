"""The options that commands share: what to look at, how far back, how a size is chosen, what is read.

Those of the answer's form are in output.py, those of the cluster and the metrics engine in connecting.py.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kubectl_oom.cli import choices
from kubectl_oom.cli.connecting import metrics_options
from kubectl_oom.cli.help import Flag, decorated

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")
# judge/sizing.py has them too; loading it for `--help` would cost more than the help.
PROFILES = ("lean", "balanced", "safe", "default", "stateless", "stateful", "batch", "peak")
CLASSES = ("stateless", "stateful", "batch")
QOS_CLASSES = ("guaranteed", "burstable")
_size = partial(click.option, cls=Flag, heading="Size")
_read = partial(click.option, cls=Flag, heading="What is read")
namespace_option = click.option(
    "-n",
    "--namespace",
    metavar="NAME",
    shell_complete=choices.namespaces,
    help="Namespace to look in (default: the context's)",
)
everywhere_option = click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces")
from_option = _read(
    "--from", "from_file", metavar="FILE", shell_complete=choices.files, help="Read a snapshot instead of a cluster"
)
# Refused in words of its own by commands that need a cluster.
refused_from_option = click.option("--from", "from_file", metavar="FILE", hidden=True, shell_complete=choices.files)
# The moment that answers refer to: for tests and documents.
now_option = click.option("--now", hidden=True, help="Moment to answer for (RFC 3339)")


def target_options(function: F) -> F:
    """Words for what to look at."""
    words = click.argument("words", nargs=-1, metavar="[TYPE] NAME | TYPE/NAME ...", shell_complete=choices.targets)
    return decorated(function, [words, selection_options])


def selection_options(function: F) -> F:
    """Flags for what to look at, for commands that take no names."""
    return decorated(
        function,
        [
            namespace_option,
            everywhere_option,
            click.option("-l", "--selector", default="", metavar="LABELS", help="Select pods or workloads by label"),
            click.option(
                "-c",
                "--container",
                metavar="NAME",
                shell_complete=choices.containers,
                help="Look at this container only (default: all of them)",
            ),
        ],
    )


def since_option(function: F) -> F:
    """How far back to look."""
    help_text = "How far back to look, such as 24h or 7d"
    return click.option("--since", default="7d", show_default=True, metavar="DURATION", help=help_text)(function)


def sizing_options(function: F) -> F:
    """What decides about a size."""
    return decorated(
        function,
        [
            _size(
                "--profile",
                default="balanced",
                show_default=True,
                metavar="NAME",
                shell_complete=choices.one_of(PROFILES),
                help="How much memory safety is worth: lean, balanced, safe; or a rule of thumb: default, stateless, "
                "stateful, batch, peak",
            ),
            _size(
                "--headroom",
                metavar="PERCENT",
                help="This much above all that was seen, such as 20 or 20% (default: the profile's)",
            ),
            _size(
                "--target-qos",
                metavar="CLASS",
                default="burstable",
                show_default=True,
                shell_complete=choices.one_of(QOS_CLASSES),
                help="guaranteed: request and limit are the same; burstable: the request is the steady state",
            ),
            _size(
                "--class",
                "workload_class",
                metavar="NAME",
                shell_complete=choices.one_of(CLASSES),
                help="Kind of work: stateless, stateful, batch (default: as the workload's kind tells)",
            ),
            _size("--this-image-only", is_flag=True, help="Leave out kills of other images than today's"),
            _size(
                "--ram-price",
                metavar="USD",
                envvar="KUBECTL_OOM_RAM_PRICE",
                help="Price of a GiB of request and month; 0 hides money (default: OpenCost's list price, 3.093; "
                "env KUBECTL_OOM_RAM_PRICE)",
            ),
        ],
    )


def source_options(function: F) -> F:
    """Where the evidence is read."""
    return decorated(function, [from_option, live_source_options])


def live_source_options(function: F) -> F:
    """Which optional sources of a cluster are read."""
    return decorated(
        function,
        [
            _read(
                "--logs/--no-logs",
                default=True,
                show_default=True,
                help="Look for the program's own heap errors in the log's end",
            ),
            _read(
                "--kubelet/--no-kubelet",
                default=True,
                show_default=True,
                help="Ask the kubelet through the API server",
            ),
            metrics_options,
        ],
    )
