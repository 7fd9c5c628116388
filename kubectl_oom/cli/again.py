"""The flags of a command line that the next command needs as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.show.fix_commands import Flags

# Where the cluster is: `--undo` needs these too.
CLUSTER = (
    *("kubeconfig", "context", "cluster", "user", "server", "as_user", "as_groups", "as_uid"),
    *("certificate_authority", "client_certificate", "client_key", "insecure_skip_tls_verify", "tls_server_name"),
    "request_timeout",
)
# What is said anew (the target, --apply, --undo), what concerns only this answer, and what must not be on a screen.
LEFT_OUT = (
    *("namespace", "all_namespaces", "selector", "apply_it", "undo", "dry_run", "yes"),
    *("output", "width", "from_file", "now"),
    *("token", "prometheus_token", "prometheus_basic_auth", "prometheus_header"),
)


def flags_given(context: click.Context) -> Flags:
    """What was said on the command line, without secrets; what the environment says goes on to say it."""
    from kubectl_oom.show.fix_commands import Flags

    change = [word for name, word in _given(context) if name not in CLUSTER]
    by_hand = context.params["limit_text"] or context.params["request_text"]
    sizes_again = bool(context.params["from_file"]) and not by_hand
    return Flags(change=tuple(change), cluster=cluster_flags(context), sizes_again=sizes_again)


def cluster_flags(context: click.Context) -> tuple[str, ...]:
    """What was said on the command line about which cluster is asked, and as whom; without secrets."""
    return tuple(word for name, word in _given(context) if name in CLUSTER)


def _given(context: click.Context) -> Iterator[tuple[str, str]]:
    """Every word of the options that were given and may be said again, with the option's name."""
    for option in context.command.params:
        name = option.name or ""
        if not isinstance(option, click.Option) or name in LEFT_OUT:
            continue
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            yield from ((name, word) for word in _words(option, context.params[name]))


def _words(option: click.Option, value: object) -> Iterator[str]:
    """The option as it can be said again, by its longest name."""
    if option.is_flag:
        yield from (option.opts if value else option.secondary_opts)[-1:]
        return
    for one in value if isinstance(value, tuple) else (value,):
        yield from (option.opts[-1], str(one))
