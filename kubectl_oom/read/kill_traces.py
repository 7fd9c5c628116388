"""Which pods of a list show a trace of a kill: only these are kept, whatever the size of the cluster.

A page becomes evidence and is dropped before the next one is asked for. What is kept of all other pods is nothing, and
where a selector was given their names, since pods that are gone have no labels any more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Owner
from kubectl_oom.judge.messages import start_needs
from kubectl_oom.read.answer import part, parts, text
from kubectl_oom.read.objects import message_of_end, owners_of, pod_of, when
from kubectl_oom.read.past_kills import OOM_KILLED
from kubectl_oom.read.source import DEPLOYMENTS
from kubectl_oom.read.stock import named_by_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Pod, PodKey
    from kubectl_oom.read.source import Json

_SIGKILL = 137  # 128 + SIGKILL
_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")


@dataclass(slots=True)
class Traces:
    """What is kept of a list of pods."""

    pods: dict[PodKey, Pod] = field(default_factory=dict)
    by_hash: dict[PodKey, Owner] = field(default_factory=dict)  # whose ReplicaSet's name names its Deployment
    workloads: set[tuple[str, str, str]] = field(default_factory=set)  # namespace, kind, name: of a selection
    seen: int = 0

    def take(self, page: Sequence[Json], since: datetime, named: frozenset[PodKey], *, selected: bool) -> None:
        """Keep the pods of a page that show a kill since then, and those that are named; of a selection, all owners."""
        self.seen += len(page)
        for item in page:
            key = key_of(item)
            if selected:
                self.workloads |= {(key[0], owner.kind, owner.name) for owner in _owners(item)}
            if key not in named and not shows_kill(item, since):
                continue
            self.pods[key] = pod_of(item)
            above = _deployment_of(item)
            if above:
                self.by_hash[key] = above


def traces(pages: Iterable[Sequence[Json]], since: datetime, named: frozenset[PodKey], *, selected: bool) -> Traces:
    """The pods with a trace, out of one list that is read page by page. ReadError where pods cannot be listed."""
    found = Traces()
    for page in pages:
        found.take(page, since, named, selected=selected)
        del page  # else it is held while the next one is read
    return found


def key_of(item: Json) -> PodKey:
    """Namespace and name of a pod."""
    meta = part(item, "metadata")
    return text(meta.get("namespace")) or "default", text(meta.get("name")) or ""


def shows_kill(item: Json, since: datetime) -> bool:
    """Whether the status tells of a SIGKILL or an OOM mark since then, or of a start that memory did not suffice for."""
    status = part(item, "status")
    return any(_shows_kill(one, since) for name in _STATUSES for one in parts(status, name))


def _shows_kill(status: Json, since: datetime) -> bool:
    state = part(status, "state")
    if start_needs(text(part(state, "waiting").get("message")))[0]:
        return True
    ends = (part(state, "terminated"), part(part(status, "lastState"), "terminated"))
    return any(_is_kill(end) and _is_recent(end, since) for end in ends if end)


def _is_kill(ended: Json) -> bool:
    if ended.get("reason") == OOM_KILLED or ended.get("exitCode") == _SIGKILL:
        return True
    return start_needs(message_of_end(ended))[0]


def _is_recent(ended: Json, since: datetime) -> bool:
    """An end without a time may be of today."""
    at = when(ended.get("finishedAt"))
    return at is None or at >= since


def _owners(item: Json) -> tuple[Owner, ...]:
    above = _deployment_of(item)
    return (*owners_of(item), *([above] if above else []))


def _deployment_of(item: Json) -> Owner | None:
    if not named_by_hash(item):
        return None
    name = owners_of(item)[0].name.rpartition("-")[0]
    return Owner(api_version=f"{DEPLOYMENTS.group}/{DEPLOYMENTS.version}", kind=DEPLOYMENTS.name, name=name)
