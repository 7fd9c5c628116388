"""Pods as cAdvisor and kube-state-metrics would have shown them: the series of one container's story."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.engines import Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

STEP = 300
DAY = 86_400
MI = 1 << 20
Points = list[tuple[int, float]]
STATUS = "kube_pod_container_status_"


def cgroup(instance: str) -> str:
    """A container id, as long and as hexadecimal as real ones."""
    return hashlib.sha256(instance.encode()).hexdigest()


def scattered(at: int) -> float:
    """Memory between 50Mi and 150Mi that looks random and is the same in every run."""
    return float(50 * MI + 7 * ((at * 2_654_435_761) % (100 * MI)) // 7)


@dataclass(frozen=True)
class End:
    """How a container instance ended, and when."""

    at: int
    reason: str = "OOMKilled"
    exit_code: int = 137


@dataclass(frozen=True)
class PodStory:
    """A container of a pod: when it lived, when its instances ended, and what its memory did in between."""

    name: str
    owner: tuple[str, str] | None
    since: int
    until: int
    ends: tuple[End, ...] = ()
    limit: int | None = 256 * MI
    uid: str = "u1"
    stays_dead: bool = False  # the last end is not followed by a restart
    node: str = "node-a"
    image: str = "registry.example/api:1"
    memory: list[Points] = field(default_factory=list)  # filled by `series`: one list per instance
    namespace: str = "shop"
    container: str = "app"
    step: int = STEP
    needs: Callable[[int], float] = scattered  # bytes of working set at a moment
    resized: tuple[int, int] | None = None  # when its limit was changed in place, and to what
    child_killed_after: int | None = DAY  # seconds of its first life until a kill of a child is counted
    init: bool = False  # among the init containers, as sidecars are too
    sampled_until: int | None = None  # where nobody looked at its memory any more
    beside: bool = False  # another container of the pod writes the pod's own series

    def series(self) -> Iterator[Series]:
        yield from self._cadvisor()
        yield from self._status()
        times = self._times(self.since, self.until)
        pod = {"namespace": self.namespace, "pod": self.name, "uid": self.uid}
        kind = "kube_pod_init_container" if self.init else "kube_pod_container"
        if not self.beside:
            kinds = dict(zip(("owner_kind", "owner_name"), self.owner or ("<none>", "<none>"), strict=True))
            yield flat("kube_pod_owner", times, 1, **pod, **kinds, owner_is_controller=str(bool(self.owner)).lower())
            yield flat("kube_pod_info", times, 1, **pod, node=self.node)
        container = pod | {"container": self.container}
        yield flat(f"{kind}_info", times, 1, **container, image="sha256:1", image_spec=self.image)
        if self.limit is not None:
            known = {"__name__": f"{kind}_resource_limits", **container, "resource": "memory", "unit": "byte"}
            yield Series(known, [(at, float(self._limit(self.limit, at))) for at in times])

    def _limit(self, limit: int, at: int) -> int:
        return self.resized[1] if self.resized and at >= self.resized[0] else limit

    def _cadvisor(self) -> Iterator[Series]:
        starts = [self.since, *(end.at for end in self.ends)]
        stops = [*(end.at for end in self.ends), self.until]
        last = self.until if self.sampled_until is None else self.sampled_until
        for place, (start, stop) in enumerate(zip(starts, stops, strict=True)):
            if (place == len(self.ends) and self.stays_dead) or start >= last:
                continue
            times = self._times(start, min(stop, last))
            memory = [(at, float(self.needs(at))) for at in times]
            self.memory.append(memory)
            labels = {"namespace": self.namespace, "pod": self.name, "container": self.container, "node": self.node}
            labels["id"] = f"/kubepods/{cgroup(f'{self.uid} {self.name} {self.container} {place}')}"
            yield Series({"__name__": "container_memory_working_set_bytes", **labels}, memory)
            usage = [(at, value + 20 * MI) for at, value in memory]
            yield Series({"__name__": "container_memory_usage_bytes", **labels}, usage)
            after = self.child_killed_after
            counted = [(at, float(place == 0 and after is not None and at > start + after)) for at in times]
            yield Series({"__name__": "container_oom_events_total", **labels}, counted)

    def _status(self) -> Iterator[Series]:
        status = STATUS.replace("pod_", "pod_init_") if self.init else STATUS
        labels = {"namespace": self.namespace, "pod": self.name, "uid": self.uid, "container": self.container}
        restarted = self.ends[:-1] if self.stays_dead else self.ends
        times = self._times(self.since, self.until)
        restarts = [(at, float(sum(end.at < at for end in restarted))) for at in times]
        yield Series({"__name__": f"{status}restarts_total", **labels}, restarts)
        for end in restarted:
            following = min((other.at for other in restarted if other.at > end.at), default=self.until)
            shown = [at for at in times if end.at < at <= following]
            yield flat(f"{status}last_terminated_reason", shown, 1, **labels, reason=end.reason)
        # Versions before 2 also write a 0 for every reason that was not the one.
        yield flat(f"{status}last_terminated_reason", times, 0, **labels, reason="ContainerCannotRun")
        if not self.ends:
            yield flat(f"{status}last_terminated_reason", times, 0, **labels, reason="OOMKilled")
        known = [(at, [end for end in restarted if end.at < at]) for at in times]
        for family, value in (("last_terminated_timestamp", "at"), ("last_terminated_exitcode", "exit_code")):
            points = [(at, float(getattr(ends[-1], value))) for at, ends in known if ends]
            yield Series({"__name__": f"{status}{family}", **labels}, points)
        if self.stays_dead:
            shown = [at for at in times if at > self.ends[-1].at]
            yield flat(f"{status}terminated_reason", shown, 1, **labels, reason=self.ends[-1].reason)

    def _times(self, since: int, until: int) -> list[int]:
        return list(range(since - since % self.step + self.step, until, self.step))


def flat(family: str, times: Sequence[int], value: float, **labels: str) -> Series:
    """A series with one value all the time."""
    return Series({"__name__": family, **labels}, [(at, float(value)) for at in times])


def owned(namespace: str, deployment: str, replica_set: str, since: int, until: int, step: int = STEP) -> Series:
    """That a ReplicaSet belongs to a Deployment."""
    labels = {"namespace": namespace, "owner_kind": "Deployment", "owner_name": deployment}
    times = range(since - since % step + step, until, step)
    return flat("kube_replicaset_owner", times, 1, replicaset=replica_set, **labels)


def told(*stories: PodStory, of: Sequence[Series] = ()) -> list[Series]:
    """All series of some stories, without those that have no sample."""
    return [one for one in (*(each for story in stories for each in story.series()), *of) if one.points]
