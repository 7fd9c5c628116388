"""Every OOM kill of a window, each once: what status, events, kube-state-metrics and cAdvisor tell of it, joined."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from kubectl_oom.evidence import KERNEL_OOM_VERDICTS, Confidence, Kill, Pattern, Verdict
from kubectl_oom.judge.fullness import AT_THE_LIMIT
from kubectl_oom.judge.instance import LifeSpan
from kubectl_oom.judge.kill_events import SIGKILL_EXIT
from kubectl_oom.judge.pattern import run_up
from kubectl_oom.judge.samples import LAST_MOMENTS, highest, until

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ContainerWindow, Diagnosis, Life, MemoryHistory, MemoryWindow, PastKill, Pod

# Two tellings of one kill: the kubelet's own time is the same to the second, a scrape sees it up to a minute late.
SAME_SECOND = timedelta(seconds=2)
SAME_SCRAPE = timedelta(seconds=90)
# cAdvisor counts a kill when it reads the kernel log: within its housekeeping (10 to 30 s) and a scrape.
COUNTED_WITHIN = timedelta(seconds=120)
# More than this between two scrapes are no kills but a garbled counter.
MOST_AT_ONCE = 1000
# A limit that was seen this long before a kill is the limit of that kill: it changes with a resize or a new pod only,
# and the widest steps in which it is read are shorter.
RECORDED_WITHIN = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the window's kills are made from."""

    namespace: str
    diagnoses: tuple[Diagnosis, ...]
    window: MemoryWindow | None
    history: MemoryHistory | None
    alive: frozenset[str]  # names of pods that still exist
    own_volumes: frozenset[tuple[str, str]] = frozenset()  # pod and container, as `own_volumes` finds them


def kills_of(past: Past) -> tuple[Kill, ...]:
    """All kills, newest first."""
    told = [_of_diagnosis(d, past) for d in past.diagnoses if d.verdict in KERNEL_OOM_VERDICTS and d.killed_at]
    for remembered in past.window.kills if past.window else ():
        if not any(_same(kill, remembered) for kill in told):
            told.append(_of_memory(remembered, past))
        else:
            told = [_witnessed(kill, remembered) for kill in told]
    told += _of_counters(told, past)
    return tuple(sorted(told, key=lambda kill: kill.at, reverse=True))


def _same(kill: Kill, other: PastKill) -> bool:
    near = SAME_SECOND if kill.exact and other.exact else SAME_SCRAPE
    return (kill.pod, kill.container) == (other.pod, other.container) and abs(kill.at - other.at) <= near


def _witnessed(kill: Kill, other: PastKill) -> Kill:
    if not _same(kill, other) or other.source in kill.sources:
        return kill
    return replace(kill, sources=(*kill.sources, other.source))


def _of_diagnosis(diagnosis: Diagnosis, past: Past) -> Kill:
    assert diagnosis.killed_at is not None  # noqa: S101 - the caller chose those that have one
    run = diagnosis.run_up
    limit = diagnosis.limit_bytes
    if not diagnosis.limit_known:  # changed since; the metrics engine may have seen it
        limit = _limit_at(past, diagnosis.pod, diagnosis.container, diagnosis.killed_at)
    return Kill(
        at=diagnosis.killed_at,
        exact=True,
        namespace=diagnosis.namespace,
        pod=diagnosis.pod,
        pod_gone=False,
        node=diagnosis.node,
        container=diagnosis.container,
        verdict=diagnosis.verdict,
        confidence=diagnosis.confidence,
        exit_code=diagnosis.exit_code,
        limit_bytes=limit,
        highest_sampled_bytes=run.highest_working_set_bytes if run else None,
        pattern=run.pattern if run else Pattern.UNKNOWN,
        image=_image(past, diagnosis.pod, diagnosis.container),
        sources=("pod status",),
        own_volume=diagnosis.verdict is Verdict.POD_LIMIT and (diagnosis.pod, diagnosis.container) in past.own_volumes,
    )


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


def _of_memory(told: PastKill, past: Past) -> Kill:
    """A kill that only the metrics engine remembers: its pod, or its place in the pod's status, is gone."""
    life = _life_before(told.pod, told.container, told.at, past)
    numbers = _numbers(past, told.pod, told.container)
    limit = told.limit_bytes or _limit_at(past, told.pod, told.container, told.at)
    top = highest(life.working_set) if life else None
    verdict, confidence = past_verdict(told.exit_code, limit, _working_set_at_the_end(life, told.at))
    run = run_up(_span(life, told), [], sampling_seconds=None) if life else None
    return Kill(
        at=told.at,
        exact=told.exact,
        namespace=past.namespace,
        pod=told.pod,
        pod_gone=told.pod not in past.alive,
        node=numbers.node if numbers else None,
        container=told.container,
        verdict=verdict,
        confidence=confidence,
        exit_code=told.exit_code,
        limit_bytes=limit,
        highest_sampled_bytes=top,
        pattern=run.pattern if run else Pattern.UNKNOWN,
        image=numbers.image if numbers else None,
        sources=(told.source,),
    )


def _working_set_at_the_end(life: Life | None, at: datetime) -> int | None:
    """The highest working set of the last moments: what was sampled long before, or is file cache, says little."""
    return highest([s for s in life.working_set if s.at >= at - LAST_MOMENTS]) if life else None


def past_verdict(exit_code: int | None, limit: int | None, working_set: int | None) -> tuple[Verdict, Confidence]:
    """What a remembered OOMKilled supports: less than a live status, since spec, events and node are gone."""
    if exit_code is not None and exit_code != SIGKILL_EXIT:
        return Verdict.CHILD_KILLED, Confidence.CERTAIN
    if limit is None:
        return Verdict.OOM_SCOPE_UNKNOWN, Confidence.CERTAIN
    if working_set is not None and working_set >= AT_THE_LIMIT * limit:
        return Verdict.CONTAINER_LIMIT, Confidence.LIKELY
    return Verdict.CONTAINER_LIMIT, Confidence.POSSIBLE


def _of_counters(told: Sequence[Kill], past: Past) -> list[Kill]:
    """Kills that only cAdvisor's counter saw: of processes whose container lived on."""
    found = []
    for life in past.history.lives if past.history else ():
        for at, count in increases(life):
            known = [k for k in told if (k.pod, k.container) == (life.pod, life.container)]
            if any(abs(k.at - at) <= COUNTED_WITHIN for k in known):
                continue
            found += [_of_counter(life, at, past)] * count
    return found


def increases(life: Life) -> list[tuple[datetime, int]]:
    """When the kill counter of a life was seen higher, and by how much; a first value above 0 is an increase too."""
    if not life.oom_events:
        return []
    first = life.oom_events[0]
    steps = [(first.at, first.value)] if first.value > 0 else []
    steps += [(b.at, b.value - a.value) for a, b in pairwise(life.oom_events) if b.value > a.value]
    return [(at, count) for at, count in steps if count <= MOST_AT_ONCE]


def _of_counter(life: Life, at: datetime, past: Past) -> Kill:
    numbers = _numbers(past, life.pod, life.container)
    return Kill(
        at=at,
        exact=False,
        namespace=past.namespace,
        pod=life.pod,
        pod_gone=life.pod not in past.alive,
        node=numbers.node if numbers else None,
        container=life.container,
        verdict=Verdict.CHILD_KILLED,
        confidence=Confidence.LIKELY,
        exit_code=None,
        limit_bytes=_limit_when_counted(life, at),
        highest_sampled_bytes=highest(until(life, at).working_set),
        pattern=Pattern.UNKNOWN,
        image=numbers.image if numbers else None,
        sources=("container_oom_events_total",),
    )


def _limit_when_counted(life: Life, at: datetime) -> int | None:
    """The limit under which a kill happened that was counted then; None where a resize came between two counts.

    The container lives on, and its limit may have been raised because of this very kill.
    """
    before = max((sample.at for sample in life.oom_events if sample.at < at), default=at)
    later = {sample.value for sample in life.limit if before < sample.at <= at}
    sooner = [sample for sample in life.limit if sample.at <= before]
    limits = later | ({sooner[-1].value} if sooner else set()) or {sample.value for sample in life.limit}
    return limits.pop() if len(limits) == 1 else None


# --- whose samples -------------------------------------------------------------------------------------------------


def _life_before(pod: str, container: str, at: datetime, past: Past) -> Life | None:
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


def _limit_at(past: Past, pod: str, container: str, at: datetime) -> int | None:
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
    numbers = _numbers(past, pod, container)
    if numbers is None or numbers.lowest_limit_bytes not in (None, numbers.limit_bytes):
        return None
    return numbers.limit_bytes


def _span(life: Life, told: PastKill) -> LifeSpan:
    return LifeSpan(
        samples=life.working_set,
        rss=life.rss,
        usage=life.usage,
        cache=life.cache,
        ended_at=told.at,
        oom_killed=True,
        limit_bytes=life.limit[-1].value if life.limit else None,
    )


def _numbers(past: Past, pod: str, container: str) -> ContainerWindow | None:
    rows: Iterable[ContainerWindow] = past.window.containers if past.window else ()
    return next((row for row in rows if (row.pod, row.container) == (pod, container)), None)


def _image(past: Past, pod: str, container: str) -> str | None:
    numbers = _numbers(past, pod, container)
    return numbers.image if numbers else None
