"""The options that commands share, with kubectl's names, and what they mean together."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kubectl_oom.cli import choices
from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_oom.read.engine import EngineOptions
    from kubectl_oom.read.target import ConnectOptions

F = TypeVar("F", bound="Callable[..., Any]")
OUTPUTS = ("text", "wide", "json", "yaml", "markdown", "name")
HISTORY_OUTPUTS = ("text", "wide", "json", "yaml", "markdown", "svg")
RECOMMEND_OUTPUTS = ("text", "wide", "json", "yaml", "markdown", "csv", "hpa")
REPORT_OUTPUTS = ("markdown", "html", "json")
FIX_OUTPUTS = ("text", "wide", "json", "yaml", "changes", "patch", "kustomize", "helm-values", "markdown")
# judge/sizing.py has them too; loading it for `--help` would cost more than the help.
PROFILES = ("lean", "balanced", "safe", "default", "stateless", "stateful", "batch", "peak")
CLASSES = ("stateless", "stateful", "batch")
QOS_CLASSES = ("guaranteed", "burstable")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def _decorate(function: F, options: list[Callable[[F], F]]) -> F:
    for option in reversed(options):
        function = option(function)
    return function


def target_options(function: F) -> F:
    """Words for what to look at."""
    words = click.argument("words", nargs=-1, metavar="[TYPE] NAME | TYPE/NAME ...", shell_complete=choices.targets)
    return _decorate(function, [words, selection_options])


def selection_options(function: F) -> F:
    """Flags for what to look at, for commands that take no names."""
    return _decorate(
        function,
        [
            click.option(
                "-n",
                "--namespace",
                metavar="NAME",
                shell_complete=choices.namespaces,
                help="Namespace to look in (default: the context's)",
            ),
            click.option("-A", "--all-namespaces", is_flag=True, help="Look in all namespaces"),
            click.option("-l", "--selector", default="", metavar="LABELS", help="Select pods or workloads by label"),
            click.option(
                "-c",
                "--container",
                metavar="NAME",
                shell_complete=choices.containers,
                help="Look at this container only",
            ),
        ],
    )


def output_options(function: F, formats: tuple[str, ...] = OUTPUTS) -> F:
    """Form of the answer."""
    return _decorate(
        function,
        [
            click.option(
                "-o",
                "--output",
                default="text",
                metavar="FORMAT",
                shell_complete=choices.one_of(formats),
                help="One of: " + ", ".join(formats),
            ),
            click.option(
                "--width", type=click.IntRange(40, 400), help="Columns of text (default: the terminal's, else 80)"
            ),
        ],
    )


def history_output_options(function: F) -> F:
    """Form of a history: it has no names to print, and a picture."""
    return output_options(function, HISTORY_OUTPUTS)


def recommend_output_options(function: F) -> F:
    """Form of recommendations: they go into spreadsheets too."""
    return output_options(function, RECOMMEND_OUTPUTS)


def fix_output_options(function: F) -> F:
    """Form of a change: what belongs in git too."""
    return output_options(function, FIX_OUTPUTS)


def report_output_options(function: F) -> F:
    """Form of a post-mortem: a document, not a screen."""
    formats = ", ".join(REPORT_OUTPUTS)
    option = click.option(
        "-o",
        "--output",
        default="markdown",
        show_default=True,
        metavar="FORMAT",
        shell_complete=choices.one_of(REPORT_OUTPUTS),
        help="One of: " + formats,
    )
    return option(function)


def sizing_options(function: F) -> F:
    """What decides about a size."""
    return _decorate(
        function,
        [
            click.option(
                "--profile",
                default="balanced",
                show_default=True,
                metavar="NAME",
                shell_complete=choices.one_of(PROFILES),
                help="How much memory safety is worth: lean, balanced, safe; or a rule of thumb: default, stateless, "
                "stateful, batch, peak",
            ),
            click.option(
                "--headroom", metavar="PERCENT", help="This much above all that was seen, in place of the profile's"
            ),
            click.option(
                "--target-qos",
                metavar="CLASS",
                shell_complete=choices.one_of(QOS_CLASSES),
                help="guaranteed: request and limit are the same; burstable: the request is the steady state",
            ),
            click.option(
                "--class",
                "workload_class",
                metavar="NAME",
                shell_complete=choices.one_of(CLASSES),
                help="Kind of work, if not as told: stateless, stateful, batch",
            ),
            click.option("--this-image-only", is_flag=True, help="Leave out kills of other images than today's"),
            click.option(
                "--ram-price",
                metavar="USD",
                envvar="KUBECTL_OOM_RAM_PRICE",
                help="Price of a GiB of request and month; 0 hides money (env KUBECTL_OOM_RAM_PRICE)",
            ),
        ],
    )


def source_options(function: F) -> F:
    """Where the evidence is read."""
    recorded = click.option(
        "--from", "from_file", metavar="FILE", shell_complete=choices.files, help="Read a snapshot instead of a cluster"
    )
    return _decorate(function, [recorded, live_source_options])


def live_source_options(function: F) -> F:
    """Which optional sources of a cluster are read."""
    return _decorate(
        function,
        [
            click.option(
                "--logs/--no-logs", default=True, help="Look for the program's own heap errors in the log's end"
            ),
            click.option("--kubelet/--no-kubelet", default=True, help="Ask the kubelet through the API server"),
            metrics_options,
        ],
    )


def metrics_options(function: F) -> F:
    """Which metrics engine is asked, and who we are there."""
    return _decorate(
        function,
        [
            click.option(
                "--prometheus-url",
                metavar="URL",
                envvar="KUBECTL_OOM_PROMETHEUS_URL",
                help="Prometheus, Thanos, Mimir or VictoriaMetrics (env KUBECTL_OOM_PROMETHEUS_URL)",
            ),
            click.option("--prometheus-token", metavar="TOKEN", help="Bearer token for it"),
            click.option(
                "--prometheus-token-file",
                metavar="FILE",
                shell_complete=choices.files,
                help="File with the bearer token for it",
            ),
            click.option("--prometheus-basic-auth", metavar="USER:PASSWORD", help="Basic authentication for it"),
            click.option("--prometheus-header", multiple=True, metavar="NAME:VALUE", help="Header for it (repeatable)"),
            click.option(
                "--prometheus-ca",
                metavar="FILE",
                shell_complete=choices.files,
                help="CA certificates to verify it with",
            ),
            click.option(
                "--prometheus-client-certificate",
                metavar="FILE",
                shell_complete=choices.files,
                help="Client certificate for it",
            ),
            click.option(
                "--prometheus-client-key",
                metavar="FILE",
                shell_complete=choices.files,
                help="Key of that client certificate",
            ),
            click.option(
                "--prometheus-label",
                multiple=True,
                metavar="NAME=VALUE",
                help="Label of this cluster in a shared store",
            ),
            click.option("--prometheus-insecure-skip-tls-verify", is_flag=True, help="Do not verify its certificate"),
            click.option("--prometheus/--no-prometheus", default=True, help="Ask a metrics engine at all"),
        ],
    )


def cluster_options(function: F) -> F:
    """Flags of kubectl's own for reaching a cluster."""
    return _decorate(
        function,
        [
            click.option(
                "--kubeconfig", metavar="FILE", shell_complete=choices.files, help="Path to the kubeconfig file"
            ),
            click.option(
                "--context", metavar="NAME", shell_complete=choices.contexts, help="Kubeconfig context to use"
            ),
            click.option(
                "--cluster", metavar="NAME", shell_complete=choices.clusters, help="Kubeconfig cluster to use"
            ),
            click.option("--user", metavar="NAME", shell_complete=choices.users, help="Kubeconfig user to use"),
            click.option("-s", "--server", metavar="URL", help="Address of the API server"),
            click.option("--token", metavar="TOKEN", help="Bearer token for the API server"),
            click.option("--as", "as_user", metavar="NAME", help="User to impersonate"),
            click.option(
                "--as-group", "as_groups", multiple=True, metavar="NAME", help="Group to impersonate (repeatable)"
            ),
            click.option("--as-uid", metavar="UID", help="UID to impersonate"),
            click.option(
                "--certificate-authority",
                metavar="FILE",
                shell_complete=choices.files,
                help="CA certificates to verify the API server with",
            ),
            click.option(
                "--client-certificate", metavar="FILE", shell_complete=choices.files, help="Client certificate for TLS"
            ),
            click.option("--client-key", metavar="FILE", shell_complete=choices.files, help="Client key for TLS"),
            click.option("--insecure-skip-tls-verify", is_flag=True, help="Do not verify the API server's certificate"),
            click.option("--tls-server-name", metavar="NAME", help="Name to verify the API server's certificate for"),
            click.option("--request-timeout", metavar="DURATION", help="Longest time for one request, such as 5s"),
        ],
    )


def now_option(function: F) -> F:
    """The moment that answers refer to: hidden, for tests and documents."""
    return click.option("--now", hidden=True, help="Moment to answer for (RFC 3339)")(function)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How to print: format, width, colour; `ascii_only` where stdout's encoding takes no more."""

    format: str
    width: int
    colour: bool
    ascii_only: bool


def output_of(format_name: str, width: int | None, allowed_formats: tuple[str, ...] = OUTPUTS) -> Output:
    """The form asked for; OomError as kubectl words it for a format that does not exist."""
    if format_name not in allowed_formats:
        allowed = ",".join(sorted(allowed_formats))
        raise OomError(
            f'error: unable to match a printer suitable for the output format "{format_name}", '
            f"allowed formats are: {allowed}"
        )
    from kubectl_oom.show.chart import drawable
    from kubectl_oom.show.colour import decide

    return Output(
        format=format_name,
        width=width or _terminal_width(),
        colour=decide(sys.stdout.isatty(), dict(os.environ)),
        ascii_only=not drawable(sys.stdout.encoding),
    )


def _terminal_width() -> int:
    from shutil import get_terminal_size

    return max(40, get_terminal_size((80, 24)).columns) if sys.stdout.isatty() else 80


def since_option(function: F) -> F:
    """How far back to look."""
    help_text = "How far back to look, such as 24h or 7d"
    return click.option("--since", default="7d", show_default=True, metavar="DURATION", help=help_text)(function)


def span_of(duration: str) -> float:
    """Seconds of a window: as `seconds_of`, with days and weeks, and never 0."""
    match = re.fullmatch(r"(\d+)([dw])", duration)
    seconds = int(match[1]) * {"d": 86_400, "w": 604_800}[match[2]] if match else seconds_of(duration)
    if not seconds:
        raise OomError(f'error: invalid duration "{duration}"', "Use a length such as 24h or 7d")
    return seconds


def seconds_of(duration: str | None) -> float | None:
    """Seconds of a Go duration (`1s`, `2m`, `1m30s`) or a whole number of them; None when none was given."""
    if duration is None:
        return None
    if re.fullmatch(r"\d+", duration):
        return float(duration)
    parts = _DURATION.findall(duration)
    if not parts or "".join(n + u for n, u in parts) != duration:
        raise OomError(f'error: invalid duration "{duration}"', "Use a number with a unit: 500ms, 5s, 2m")
    return sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)


def _timeout(text: str | None) -> float | None:
    try:
        return seconds_of(text)
    except OomError as error:
        raise OomError(
            "error: Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a "
            "corresponding time unit (e.g. 1s | 2m | 3h)"
        ) from error


def connect_options(values: dict[str, Any]) -> ConnectOptions:
    """The options of `cluster_options` for the connection, with the environment it may look at."""
    from kubectl_oom.read.target import ConnectOptions

    return ConnectOptions(
        kubeconfig=values["kubeconfig"],
        context=values["context"],
        cluster=values["cluster"],
        user=values["user"],
        server=values["server"],
        token=values["token"],
        as_user=values["as_user"],
        as_uid=values["as_uid"],
        as_groups=tuple(values["as_groups"]),
        certificate_authority=values["certificate_authority"],
        client_certificate=values["client_certificate"],
        client_key=values["client_key"],
        insecure_skip_tls_verify=values["insecure_skip_tls_verify"],
        tls_server_name=values["tls_server_name"],
        request_timeout_seconds=_timeout(values["request_timeout"]),
        environ=dict(os.environ),
    )


def engine_options(values: dict[str, Any]) -> EngineOptions | None:
    """The options for the metrics engine; None where it shall not be asked."""
    if not values["prometheus"]:
        return None
    from kubectl_oom.read.engine import DEFAULT_TIMEOUT_SECONDS, EngineOptions

    longest = _timeout(values["request_timeout"])
    return EngineOptions(
        timeout_seconds=min(longest, DEFAULT_TIMEOUT_SECONDS) if longest else DEFAULT_TIMEOUT_SECONDS,
        url=values["prometheus_url"],
        token=values["prometheus_token"],
        token_file=values["prometheus_token_file"],
        basic_auth=values["prometheus_basic_auth"],
        headers=tuple(_pair(text, ":", "--prometheus-header") for text in values["prometheus_header"]),
        ca_file=values["prometheus_ca"],
        client_certificate=values["prometheus_client_certificate"],
        client_key=values["prometheus_client_key"],
        labels=tuple(_pair(text, "=", "--prometheus-label") for text in values["prometheus_label"]),
        insecure_skip_tls_verify=values["prometheus_insecure_skip_tls_verify"],
    )


def _pair(text: str, separator: str, flag: str) -> tuple[str, str]:
    name, found, value = text.partition(separator)
    if not found or not name.strip():
        raise OomError(f"error: {flag} takes NAME{separator}VALUE")
    return name.strip(), value.strip()
