"""The time after a change: whether the containers are killed again, and how much memory the samples show."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.act.pods import as_evidence, changed_at, pods_of
from kubectl_oom.evidence import Watched
from kubectl_oom.read.kinds import kind_named
from kubectl_oom.read.reading import Reading
from kubectl_oom.read.single_reads import read_kubelet
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.workload import facts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.act.rollout import Patience
    from kubectl_oom.evidence import FixPlan, MemoryNow, Pod
    from kubectl_oom.read.source import Source

# The API remembers two ends of a container, and a killed one starts again after 10 s at the earliest of its third
# time: between two looks no more can happen than is remembered. Samples of metrics.k8s.io are 15 s apart.
LOOK_SECONDS = 10.0
# The API tells when a change was made in whole seconds, and the kubelet reads of a kill in the kernel's log.
CHANGE_SETTLES = timedelta(seconds=2)


class Watching:
    """What has been seen so far of the containers that a plan changes."""

    def __init__(self, source: Source, plan: FixPlan) -> None:
        self._source = source
        self._plan = plan
        self._limits = {one.container: one.after.limit_bytes for one in plan.changes}
        self._ended: set[str] = set()  # instances whose end was an OOM kill
        self._inside: Counter[str] = Counter()  # instance → kills that the kernel's log counts in it since the change
        self._before: dict[str, int] = {}  # of instances older than the change: what was counted by then
        self.highest: dict[str, int] = {}

    @property
    def kills(self) -> int:
        """OOM kills since the change: of whole containers, and of processes in containers that live on."""
        return sum(max(self._inside[one], int(one in self._ended)) for one in self._ended | self._inside.keys())

    def look(self) -> None:
        """Take in what is to be seen now; a cluster that does not answer shows nothing, and the next look comes soon."""
        target, namespace = self._plan.facts.target, self._plan.facts.namespace
        try:
            item = self._source.get(kind_named(target.kind.lower()), namespace, target.name)
            facts = facts_of(item, target.api_version, target.kind)
            pods = as_evidence(pods_of(self._source, item, facts).all)
        except ReadError:
            return
        since = changed_at(item)
        self._ended.update(self._ends(pods, since))
        self._sample(pods, since)

    def result(self, seconds: float) -> Watched:
        """What was seen in all; the highest sample is that of the container nearest to its limit."""
        name = max(self.highest, key=self._fullness, default=None)
        only = next(iter(self._limits.values()), None)
        return Watched(
            seconds=seconds,
            kills=self.kills,
            highest_bytes=self.highest[name] if name else None,
            limit_bytes=self._limits[name] if name else only,
        )

    def _fullness(self, name: str) -> float:
        limit = self._limits[name]
        return self.highest[name] / limit if limit else 0.0

    def _ends(self, pods: Sequence[Pod], since: datetime | None) -> Iterator[str]:
        """Every OOM kill since then that the API remembers, each by the id of the instance that ended."""
        for pod in pods:
            for container in pod.containers:
                for end in container.terminations if container.name in self._limits else ():
                    late = since is None or end.finished_at is None or end.finished_at >= since
                    if end.reason == "OOMKilled" and late:
                        yield end.container_id or f"{pod.uid}/{container.name}/{end.finished_at}"

    def _sample(self, pods: Sequence[Pod], since: datetime | None) -> None:
        """The working sets now: of the kubelets, else of metrics.k8s.io; what none of them has is no sample, not 0."""
        reading = Reading()
        for node in sorted({pod.node for pod in pods if pod.node}):
            read_kubelet(self._source, node, [pod for pod in pods if pod.node == node], reading)
        began = {one.container_id: one.running_since for pod in pods for one in pod.containers}
        for (_, _, name), instances in reading.containers.items():
            mine = [one for one in instances if name in self._limits and not _is_before(one.at, since)]
            sizes = [one.working_set_bytes for one in mine if one.working_set_bytes is not None]
            if sizes:
                self.highest[name] = max(*sizes, self.highest.get(name, 0))
            for one in mine:
                start = began.get(one.container_id)
                self._count(one, is_new=start is not None and since is not None and start >= since)

    def _count(self, now: MemoryNow, *, is_new: bool) -> None:
        """The kills inside an instance; of one that was resized, those since it was first measured after that."""
        if now.oom_events is None or now.container_id is None:
            return
        before = self._before.setdefault(now.container_id, 0 if is_new else now.oom_events)
        self._inside[now.container_id] = max(self._inside[now.container_id], now.oom_events - before)


def _is_before(at: datetime | None, since: datetime | None) -> bool:
    """Whether a sample may be from before the change, as far as times are known."""
    return at is not None and since is not None and at < since + CHANGE_SETTLES


def watch(source: Source, plan: FixPlan, patience: Patience, tell: Callable[[int], None]) -> Watched:
    """What happened in the time that was to be watched; `tell` gets the number of kills whenever it has grown."""
    watching = Watching(source, plan)
    started = patience.clock()
    while True:
        before = watching.kills
        watching.look()
        if watching.kills > before:
            tell(watching.kills)
        passed = patience.clock() - started
        if passed >= patience.seconds:
            return watching.result(passed)
        patience.wait(min(LOOK_SECONDS, patience.seconds - passed))
