"""What a watch knows so far: each end of a container is told once, however often, late or twice its pod is shown.

An end is the same end while pod, container and the id of the instance are the same. It is news once more where it was
told without the OOM mark, and the runtime heard of the kill only afterwards. What the API server shows may be
older than what it showed before (another server's cache, a list after a broken watch); nothing known is forgotten for it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import EndSeen, EndsMissed, StuckSeen
from kubectl_oom.judge.kill_events import SIGKILL_EXIT
from kubectl_oom.judge.messages import start_needs
from kubectl_oom.judge.starting import stuck_start

if TYPE_CHECKING:
    from collections.abc import Iterator, Set  # noqa: PYI025 - the abstract one
    from datetime import datetime

    from kubectl_oom.evidence import Container, Pod, Sighting, Termination

OOM_KILLED = "OOMKilled"
# A pod that turns up later with an end older than this was there all the time, and only now fits the selection. Younger
# ones may be new, told by a node whose clock is behind ours.
CLOCKS_APART = timedelta(minutes=2)
# Ends of one container, whose pods a belated answer may show again: in a crash loop those of a quarter of an hour at
# least, and of most of a day once the kubelet waits five minutes before each start.
ENDS_REMEMBERED = 100
# Pods that are gone, whose ends a belated answer may show again.
GONE_REMEMBERED = 10_000


@dataclass(slots=True)
class _Known:
    """One container of one pod: the ends that were told or are older than the watch."""

    # By `key_of`: whether the OOM mark would be news, since it was told without.
    ends: dict[str, bool] = field(default_factory=dict)
    count: int = 0  # how many of its instances have ended, as far as the restarts tell
    seen_at: datetime | None = None
    oom_killed: bool = False  # one of its ends was
    stuck: bool = False


class Ledger:
    """The ends that are known, by pod."""

    def __init__(self, began: datetime, *, since: timedelta = timedelta(0), container: str | None = None) -> None:
        """`since`: how long before the watch began an end is still told; `container`: the only one that is looked at."""
        self._began = began
        self._since = since
        self._container = container
        self._begun = False  # whether all that was there at the beginning has been seen
        self._pods: dict[str, dict[str, _Known]] = {}
        self._gone: OrderedDict[str, dict[str, _Known]] = OrderedDict()

    def sees(self, pod: Pod, at: datetime) -> list[Sighting]:
        """What is new in a pod as it is shown now."""
        uid = pod.identity
        known = self._pods.setdefault(uid, self._gone.pop(uid, {}))
        found: list[Sighting] = []
        for container in pod.containers:
            if self._container in (None, container.name):
                found += self._of_container(pod, container, known, at)
        return found

    def goes(self, pod: Pod, at: datetime) -> list[Sighting]:
        """What is new in a pod as it was when it was deleted."""
        found = self.sees(pod, at)
        self._leave(pod.identity)
        return found

    def tells(self, sighting: EndSeen | StuckSeen) -> None:
        """It was told as an OOM kill: a mark that arrives later says nothing new."""
        known = self._pods.get(sighting.pod.identity) or self._gone.get(sighting.pod.identity) or {}
        if isinstance(sighting, EndSeen) and sighting.container.name in known:
            _note(known[sighting.container.name], {key_of(sighting.container, sighting.end): False})

    def listed(self, identities: Set[str]) -> None:
        """All pods that exist have been shown; the others are gone."""
        self._begun = True
        for uid in self._pods.keys() - identities:
            self._leave(uid)

    def _leave(self, uid: str) -> None:
        known = self._pods.pop(uid, None)
        if known is not None:
            self._gone[uid] = known
        while len(self._gone) > GONE_REMEMBERED:
            self._gone.popitem(last=False)

    # --- one container ---------------------------------------------------------------------------------------------

    def _of_container(
        self, pod: Pod, container: Container, all_known: dict[str, _Known], at: datetime
    ) -> Iterator[Sighting]:
        is_new = container.name not in all_known
        known = all_known.setdefault(container.name, _Known())
        ends = [(key_of(container, end), end) for end in reversed(container.terminations)]  # the oldest first
        fresh = [key for key, _ in ends if key not in known.ends]
        news = [
            (key, end)
            for key, end in ends
            if (key in fresh and (not is_new or self._is_news(pod, end)))
            or (end.reason == OOM_KILLED and known.ends.get(key, False))
        ]
        _note(known, dict.fromkeys(fresh, False) | {key: end.reason != OOM_KILLED for key, end in news})
        known.oom_killed = known.oom_killed or any(end.reason == OOM_KILLED for end in container.terminations)
        missed = self._missed(pod, container, known, len(fresh), is_new=is_new)
        if missed and known.oom_killed:
            yield EndsMissed(pod=pod, container=container, ends=missed, since=known.seen_at)
        known.seen_at = at
        for _, end in news:
            if may_be_oom(end):
                yield EndSeen(pod=pod, container=container, end=end)
        yield from self._stuck(pod, container, known, told=not is_new or self._is_young(pod))

    def _missed(self, pod: Pod, container: Container, known: _Known, fresh: int, *, is_new: bool) -> int:
        """How many instances have ended since it was last seen, without being among the ends that it shows."""
        ended = container.ended_instances
        before = known.count
        if is_new and not self._is_young(pod):
            before = ended
        known.count = max(known.count, ended)
        return max(0, ended - before - fresh)

    def _is_news(self, pod: Pod, end: Termination) -> bool:
        """Whether the end of a container that was never seen before is of the time of this watch."""
        if end.finished_at is None:
            return self._is_young(pod)
        slack = max(self._since, CLOCKS_APART) if self._begun else self._since
        return end.finished_at >= self._began - slack

    def _is_young(self, pod: Pod) -> bool:
        """Whether all of the pod's life lies in the time of this watch."""
        return self._begun and pod.created_at is not None and pod.created_at >= self._began

    def _stuck(self, pod: Pod, container: Container, known: _Known, *, told: bool) -> Iterator[StuckSeen]:
        waits = container.state == "waiting"
        stuck = waits and stuck_start(pod, container.type, container.waiting_message) is not None
        if stuck and told and not known.stuck:
            yield StuckSeen(pod=pod, container=container)
        # Between two attempts it waits with another message; only what runs has got over it.
        known.stuck = (known.stuck and waits) or stuck


def may_be_oom(end: Termination) -> bool:
    """Whether evidence could make an OOM kill of this end: a mark, a SIGKILL, or a start that failed for memory."""
    return end.reason == OOM_KILLED or end.exit_code == SIGKILL_EXIT or start_needs(end.message)[0]


def _note(known: _Known, ends: dict[str, bool]) -> None:
    known.ends |= ends
    while len(known.ends) > ENDS_REMEMBERED:
        del known.ends[next(iter(known.ends))]


def key_of(container: Container, end: Termination) -> str:
    """What tells an end from the others of its container."""
    if end.container_id:
        return end.container_id
    if end.finished_at:
        return f"at {end.finished_at.isoformat()}"
    return f"instance {container.ended_instances - container.terminations.index(end)}"
