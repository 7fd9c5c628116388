"""Questions to a cluster while somebody waits with a finger on TAB: answered at once, or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kubectl_oom.read.connection import Connection
    from kubectl_oom.read.names import Named
    from kubectl_oom.read.source import Kind

Answered = TypeVar("Answered")
# Longer than this, a pause after TAB is felt as one. It holds for everything: what has to be imported (70 ms), the
# kubeconfig, a login plugin, TLS, and the answer.
LIMIT_SECONDS = 0.25
# For clusters that are further away or log in more slowly, and for those who want no names at all (0).
LIMIT_VARIABLE = "KUBECTL_OOM_COMPLETION_TIMEOUT"


def names_in(values: dict[str, Any], kind: Kind) -> list[tuple[str, str]]:
    """The names of a kind with a note on each, those to look at first before the others."""
    from kubectl_oom.read.source import PODS

    def ask() -> Iterator[list[tuple[str, str]]]:
        from kubectl_oom.read import names

        connection = _connected(values)
        namespace = values.get("namespace") or connection.namespace
        if kind is PODS:
            yield from map(_noted, names.pods(connection, namespace))
        else:
            yield _noted(names.names(connection, kind, namespace if kind.namespaced else None))

    return _best(ask) if not values.get("from_file") else []


def namespaces_in(values: dict[str, Any]) -> list[str]:
    """The names of the cluster's namespaces."""
    from kubectl_oom.read.source import NAMESPACES

    return [name for name, _ in names_in(values, NAMESPACES)]


def containers_in(values: dict[str, Any], kind: Kind, name: str) -> list[str]:
    """The names of one object's containers."""

    def ask() -> Iterator[list[str]]:
        from kubectl_oom.read import names

        connection = _connected(values)
        yield names.containers(connection, kind, values.get("namespace") or connection.namespace, name)

    return _best(ask) if not values.get("from_file") else []


def entries_in(values: dict[str, Any], section: str) -> list[str]:
    """The names in one section of the kubeconfig."""

    def ask() -> Iterator[list[str]]:
        from kubectl_oom.read.kubeconfig import load

        yield sorted(getattr(load(values.get("kubeconfig"), dict(os.environ)), section))

    return _best(ask)


def limit_seconds() -> float:
    """How long a cluster may take."""
    from kubectl_oom.cli.durations import seconds_of
    from kubectl_oom.errors import OomError

    try:
        asked = seconds_of(os.environ.get(LIMIT_VARIABLE) or None)
    except OomError:
        asked = None
    return LIMIT_SECONDS if asked is None else asked


def _best(ask: Callable[[], Iterator[list[Answered]]]) -> list[Answered]:
    """The last of the answers that is there in time; none where nothing is, for whatever reason."""
    from kubectl_oom.read.deadline import within

    best: list[list[Answered]] = [[]]

    def keep() -> None:
        for answer in ask():
            best[0] = answer

    seconds = limit_seconds()
    try:
        if seconds > 0:
            within(seconds, keep, whom="the cluster")
    except Exception:  # noqa: BLE001, S110 - a cluster that cannot be asked has no names: TAB is no place for errors
        pass
    return best[0]


def _connected(values: dict[str, Any]) -> Connection:
    """The connection of this line; PermissionError where it would take more than asking."""
    from kubectl_oom.cli.connecting import connect_options
    from kubectl_oom.read.connection import Connection
    from kubectl_oom.read.credentials import credentials_for
    from kubectl_oom.read.target import settle

    options = connect_options(values)
    target = settle(options)
    if target.user.foreign is not None:
        # It may renew a token that is good for one use, and write the kubeconfig: not a thing to break off.
        raise PermissionError
    return Connection(target, credentials_for(target, options.environ), None)


def _noted(found: list[Named]) -> list[tuple[str, str]]:
    from datetime import datetime, timezone

    from kubectl_oom.show.words import ago

    now = datetime.now(timezone.utc)

    def note(one: Named) -> str:
        if not one.killed_at:
            return ""
        at = datetime.strptime(one.killed_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        return f"{one.container} OOMKilled {ago(at, now)}"

    return [(one.name, note(one)) for one in found]
