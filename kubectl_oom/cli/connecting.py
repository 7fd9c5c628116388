"""The flags that say where to read: which API server and which metrics engine, and who we are there."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kubectl_oom.cli import choices
from kubectl_oom.cli.durations import timeout_of
from kubectl_oom.cli.help import Flag, decorated
from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_oom.read.engine import EngineOptions
    from kubectl_oom.read.target import ConnectOptions

F = TypeVar("F", bound="Callable[..., Any]")
_engine = partial(click.option, cls=Flag, heading="Metrics engine")
_cluster = partial(click.option, cls=Flag, heading="Cluster, as for kubectl")
_file = partial(_engine, metavar="FILE", shell_complete=choices.files)
_kube_file = partial(_cluster, metavar="FILE", shell_complete=choices.files)
# The numbers are those of read/connection.py and read/engine.py, which help must not load.
REQUEST_TIMEOUT = "Longest time for one request, such as 5s or 1m (default: 15s; a metrics engine's: 30s)"


def metrics_options(function: F) -> F:
    """Which metrics engine is asked, and who we are there."""
    return decorated(
        function,
        [
            _engine(
                "--prometheus-url",
                metavar="URL",
                envvar="KUBECTL_OOM_PROMETHEUS_URL",
                help="Prometheus, Thanos, Mimir or VictoriaMetrics (default: one that is found in the cluster; "
                "env KUBECTL_OOM_PROMETHEUS_URL)",
            ),
            _engine("--prometheus-token", metavar="TOKEN", help="Bearer token for it"),
            _file("--prometheus-token-file", help="File with the bearer token for it"),
            _engine("--prometheus-basic-auth", metavar="USER:PASSWORD", help="Basic authentication for it"),
            _engine("--prometheus-header", multiple=True, metavar="NAME:VALUE", help="Header for it (repeatable)"),
            _file("--prometheus-ca", help="CA certificates to verify it with (default: the system's)"),
            _file("--prometheus-client-certificate", help="Client certificate for it"),
            _file("--prometheus-client-key", help="Key of that client certificate"),
            _engine(
                "--prometheus-label",
                multiple=True,
                metavar="NAME=VALUE",
                help="Label of this cluster in a shared store (repeatable)",
            ),
            _engine("--prometheus-insecure-skip-tls-verify", is_flag=True, help="Do not verify its certificate"),
            _engine(
                "--prometheus/--no-prometheus", default=True, show_default=True, help="Ask a metrics engine at all"
            ),
        ],
    )


def cluster_options(function: F) -> F:
    """Flags of kubectl's own for reaching a cluster."""
    return decorated(
        function,
        [
            _kube_file("--kubeconfig", help="Kubeconfig file (default: $KUBECONFIG, else ~/.kube/config)"),
            _cluster(
                "--context",
                metavar="NAME",
                shell_complete=choices.contexts,
                help="Kubeconfig context to use (default: the current one)",
            ),
            _cluster("--cluster", metavar="NAME", shell_complete=choices.clusters, help="Kubeconfig cluster to use"),
            _cluster("--user", metavar="NAME", shell_complete=choices.users, help="Kubeconfig user to use"),
            _cluster("-s", "--server", metavar="URL", help="Address of the API server"),
            _cluster("--token", metavar="TOKEN", help="Bearer token for the API server"),
            _cluster("--as", "as_user", metavar="NAME", help="User to impersonate"),
            _cluster(
                "--as-group", "as_groups", multiple=True, metavar="NAME", help="Group to impersonate (repeatable)"
            ),
            _cluster("--as-uid", metavar="UID", help="UID to impersonate"),
            _kube_file("--certificate-authority", help="CA certificates to verify the API server with"),
            _kube_file("--client-certificate", help="Client certificate for TLS"),
            _kube_file("--client-key", help="Client key for TLS"),
            _cluster("--insecure-skip-tls-verify", is_flag=True, help="Do not verify the API server's certificate"),
            _cluster("--tls-server-name", metavar="NAME", help="Name to verify the API server's certificate for"),
            _cluster("--request-timeout", metavar="DURATION", help=REQUEST_TIMEOUT),
        ],
    )


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
        request_timeout_seconds=timeout_of(values["request_timeout"]),
        environ=dict(os.environ),
    )


def engine_options(values: dict[str, Any]) -> EngineOptions | None:
    """The options for the metrics engine; None where it shall not be asked."""
    if not values["prometheus"]:
        return None
    from kubectl_oom.read.engine import DEFAULT_TIMEOUT_SECONDS, EngineOptions

    longest = timeout_of(values["request_timeout"])
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
