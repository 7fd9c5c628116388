"""What the window holds about the containers that were killed in it: their lives, limits, nodes and images."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.judge.instance import LifeSpan
from kubectl_oom.judge.samples import until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from kubectl_oom.evidence import (
        ContainerWindow,
        Diagnosis,
        Life,
        MemoryHistory,
        MemoryWindow,
        PastKill,
        Pod,
    )

# Two tellings of one kill where a scrape told one of them: it sees a kill up to a minute late.
SAME_SCRAPE = timedelta(seconds=90)
# A limit that was seen this long before a kill is the limit of that kill: it changes with a resize or a new pod only,
# and the widest steps in which it is read are shorter.
RECORDED_WITHIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the window's kills are made from."""

    namespace: str
    diagnoses: tuple[Diagnosis, ...]  # of every end that the API shows, whatever it was
    window: MemoryWindow | None
    history: MemoryHistory | None
    alive: frozenset[str]  # names of pods that still exist
    own_volumes: frozenset[tuple[str, str]] = frozenset()  # pod and container, as `own_volumes` finds them
    starts: Mapping[str, datetime] = field(default_factory=dict)  # by container id, as `starts_of` finds them


def own_volumes(pods: Iterable[Pod]) -> frozenset[tuple[str, str]]:
    """Containers with a memory-backed volume that no other mounts, in pods without a limit of their own.

    Such a pod's cgroup is as large as its containers' limits together, and the others cannot use more than theirs. So
    when what the volume kept from an earlier instance fills it, that container asked for more than its own limit.
    """
    found = set()
    for pod in pods:
        mounts = Counter(volume.name for c in pod.containers for volume in c.memory_volumes)
        for container in pod.containers if pod.limit_bytes is None else ():
            if container.memory_volumes and all(mounts[volume.name] == 1 for volume in container.memory_volumes):
                found.add((pod.name, container.name))
    return frozenset(found)


def life_before(pod: str, container: str, at: datetime, past: Past) -> Life | None:
    """The life that the kill ended: the last one of the container that began before it, without what came after."""
    own = [
        life
        for life in (past.history.lives if past.history else ())
        if (life.pod, life.container) == (pod, container) and life.working_set
    ]
    began = [life for life in own if life.working_set[0].at <= at]
    if not began:
        return None
    life = max(began, key=lambda one: one.working_set[0].at)
    # A life that was sampled long after the kill is the next one, of an engine that keeps no ids, or another's.
    return until(life, at) if life.working_set[-1].at <= at + SAME_SCRAPE else None


def limit_at(past: Past, pod: str, container: str, at: datetime) -> int | None:
    """The limit in force at that moment; None where nothing recorded it.

    Today's limit, or the last one of the window, is it only where there was no other: what was resized since would
    be multiplied by its new limit, pass after pass.
    """
    recorded = [
        sample
        for life in (past.history.lives if past.history else ())
        if (life.pod, life.container) == (pod, container)
        for sample in life.limit
        if at - RECORDED_WITHIN <= sample.at <= at
    ]
    if recorded:
        return max(recorded, key=lambda sample: sample.at).value
    numbers = numbers_of(past, pod, container)
    if numbers is None or numbers.lowest_limit_bytes not in (None, numbers.limit_bytes):
        return None
    return numbers.limit_bytes


def span_of(life: Life, told: PastKill) -> LifeSpan:
    """The life as one that this kill ended."""
    return LifeSpan(
        samples=life.working_set,
        rss=life.rss,
        usage=life.usage,
        cache=life.cache,
        ended_at=told.at,
        oom_killed=True,
        limit_bytes=life.limit[-1].value if life.limit else None,
    )


def numbers_of(past: Past, pod: str, container: str) -> ContainerWindow | None:
    """What the engine holds about the container in numbers."""
    rows: Iterable[ContainerWindow] = past.window.containers if past.window else ()
    return next((row for row in rows if (row.pod, row.container) == (pod, container)), None)


def image_of(past: Past, pod: str, container: str) -> str | None:
    """The image that the engine saw the container run last."""
    numbers = numbers_of(past, pod, container)
    return numbers.image if numbers else None


def limit_when_counted(life: Life, at: datetime) -> int | None:
    """The limit under which a kill happened that was counted then; None where a resize came between two counts.

    The container lives on, and its limit may have been raised because of this very kill.
    """
    before = max((sample.at for sample in life.oom_events if sample.at < at), default=at)
    later = {sample.value for sample in life.limit if before < sample.at <= at}
    sooner = [sample for sample in life.limit if sample.at <= before]
    limits = later | ({sooner[-1].value} if sooner else set()) or {sample.value for sample in life.limit}
    return limits.pop() if len(limits) == 1 else None
