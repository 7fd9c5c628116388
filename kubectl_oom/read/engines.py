"""Which metrics engine is asked: the one that the options name, or the one that is found in the cluster.

Apart from the questions themselves, so that a cluster without an engine costs no more than looking for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.read import promql
from kubectl_oom.read.discovery import find_engine
from kubectl_oom.read.engine import Engine
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from kubectl_oom.read.discovery import ApiServer
    from kubectl_oom.read.engine import EngineOptions


def connect_engine(options: EngineOptions, connection: ApiServer | None) -> Engine:
    """The engine at `options.url`, or the one found in the cluster of `connection`; ReadError where there is none."""
    if not options.enabled:
        raise ReadError("Disabled", "no metrics engine is asked, as requested")
    matchers = tuple(promql.equals(name, value) for name, value in options.labels)
    if options.url:
        from kubectl_oom.read.direct import DirectTransport  # noqa: PLC0415 - loads requests, for URLs only

        transport = DirectTransport(options)
        return Engine(transport.label, transport, matchers=matchers, timeout_seconds=options.timeout_seconds)
    if options.token or options.token_file or options.basic_auth or options.headers or options.client_certificate:
        raise ReadError("Invalid", "credentials and headers for a metrics engine need the URL they are for")
    if connection is None:
        raise ReadError("NotConfigured", "none was named, and there is no cluster to look for one in")
    return find_engine(connection, matchers=matchers, timeout_seconds=options.timeout_seconds)
