"""Names for completion: as little as a server can be asked for, and no more than one or two questions.

A table without its objects has 160 bytes for a pod, the object 3 to 8 KB. `resourceVersion=0` has the API server answer
from its memory, in one piece: half of the names would have a shell complete what is not unique.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kubectl_oom.read.answer import decoded, part, parts, text
from kubectl_oom.read.source import CRON_JOBS, PODS, Json, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.read.connection import Connection

TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1"
FROM_MEMORY = {"resourceVersion": "0"}
# Of more pods than this, the objects are too many for a quarter of a second: up to 8 KB each.
MOST_PODS_READ = 500
# What kubectl prints for pods in which nothing has ended badly, if nothing was restarted either.
CALM = frozenset({"Running", "Completed", "Succeeded", "Pending", "ContainerCreating", "PodInitializing"})
ENDED_BY_OOM = "OOMKilled"
_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*")  # what can be a name or a namespace, and cannot lead elsewhere


@dataclass(frozen=True, slots=True)
class Named:
    """One object; of a pod that was OOM-killed also the last kill."""

    name: str
    killed_at: str = ""  # RFC 3339, as the API writes it
    container: str = ""


def names(connection: Connection, kind: Kind, namespace: str | None) -> list[Named]:
    """All objects of a kind, in the order of their names; ReadError where the server does not say."""
    _, rows = _table(connection, kind, namespace)
    return [Named(str(row[0])) for row in rows]


def pods(connection: Connection, namespace: str) -> Iterator[list[Named]]:
    """The pods by name; then, where some were restarted, those that were OOM-killed first, the last of them before all.

    Whether a pod was OOM-killed is in no table. So the objects are read when the table says that something ended, and
    there are few enough. An init container's kill is seen there too, but is no reason to look.
    """
    columns, rows = _table(connection, PODS, namespace)
    yield [Named(str(row[0])) for row in rows]
    if len(rows) > MOST_PODS_READ or not any(_troubled(dict(zip(columns, row, strict=False))) for row in rows):
        return
    items = parts(connection.get_json(_path(PODS, namespace), FROM_MEMORY), "items")
    found = [_looked_at(item) for item in items]
    killed = sorted((one for one in found if one.killed_at), key=lambda one: one.killed_at, reverse=True)
    yield killed + [one for one in found if not one.killed_at]


def containers(connection: Connection, kind: Kind, namespace: str, name: str) -> list[str]:
    """The containers of one object: the program's own, then sidecars and steps of the start."""
    item = connection.get_json(_path(kind, namespace, name), FROM_MEMORY)
    spec = part(item, "spec")
    if kind is CRON_JOBS:
        spec = part(part(spec, "jobTemplate"), "spec")
    if kind is not PODS:
        spec = part(part(spec, "template"), "spec")
    lists = ("containers", "initContainers", "ephemeralContainers")
    return [found for place in lists for one in parts(spec, place) if (found := text(one.get("name")))]


def _table(connection: Connection, kind: Kind, namespace: str | None) -> tuple[list[str], list[list[Any]]]:
    """The columns' names and the rows' cells; the first cell is the name, for every kind of ours."""
    asked = FROM_MEMORY | {"includeObject": "None"}
    document = decoded(connection.get(_path(kind, namespace), asked, accept=TABLE))
    columns = [str(column.get("name")) for column in parts(document, "columnDefinitions")]
    cells = [row.get("cells") for row in parts(document, "rows")]
    return columns, [cell for cell in cells if isinstance(cell, list) and cell]


def _path(kind: Kind, namespace: str | None, name: str | None = None) -> str:
    """The path; ValueError for what is no name."""
    for word in (namespace, name):
        if word is not None and not _SEGMENT.fullmatch(word):
            raise ValueError(word)
    return kind.path(namespace, name)


def _troubled(row: dict[str, Any]) -> bool:
    """Whether a container of this pod has ended otherwise than well, or was restarted (`3 (5m ago)`)."""
    restarts = str(row.get("Restarts", "")).partition(" ")[0]
    return restarts != "0" or row.get("Status") not in CALM


def _looked_at(item: Json) -> Named:
    """The pod with the last OOM kill that its status tells of."""
    name = text(part(item, "metadata").get("name")) or ""
    return max((Named(name, at, container) for at, container in _kills(item)), default=Named(name), key=_when)


def _when(pod: Named) -> str:
    return pod.killed_at


def _kills(item: Json) -> Iterator[tuple[str, str]]:
    status = part(item, "status")
    for place in ("containerStatuses", "initContainerStatuses"):
        for container in parts(status, place):
            for state in ("state", "lastState"):
                end = part(part(container, state), "terminated")
                at = text(end.get("finishedAt"))
                if end.get("reason") == ENDED_BY_OOM and at:
                    yield at, text(container.get("name")) or ""
