"""Every OOM kill of a window, each once: what status, events, kube-state-metrics and cAdvisor tell of it, joined."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import KERNEL_OOM_VERDICTS, Confidence, Kill, Pattern, Verdict
from kubectl_oom.judge.counted import COUNTED_WITHIN, increases_seen, starts_of
from kubectl_oom.judge.fullness import AT_THE_LIMIT
from kubectl_oom.judge.kill_events import SIGKILL_EXIT
from kubectl_oom.judge.past import (
    SAME_SCRAPE,
    Past,
    image_of,
    life_before,
    limit_at,
    limit_when_counted,
    numbers_of,
    own_volumes,
    span_of,
)
from kubectl_oom.judge.pattern import run_up
from kubectl_oom.judge.samples import LAST_MOMENTS, highest, until

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Diagnosis, Life, PastKill, Pod, WorkloadPast

# Two tellings of one kill by the kubelet's own time, which is in whole seconds.
SAME_SECOND = timedelta(seconds=2)
OOM_KILLED = "OOMKilled"


def kills_among(past: WorkloadPast, living: Sequence[Pod], ends: Iterable[Diagnosis]) -> tuple[Kill, ...]:
    """All kills of a workload, newest first: the one count of `list`, `history`, `report` and `recommend`.

    `living` are its pods that exist; `ends` is what every end that the API shows was, also those of other workloads.
    """
    return kills_of(
        Past(
            namespace=past.namespace,
            diagnoses=tuple(end for end in ends if end.namespace == past.namespace and end.pod in past.pods),
            window=past.window,
            history=past.history,
            alive=frozenset(pod.name for pod in living),
            own_volumes=own_volumes(living),
            starts=starts_of(living),
        )
    )


def kills_of(past: Past) -> tuple[Kill, ...]:
    """All kills, newest first."""
    told = [_of_diagnosis(d, past) for d in past.diagnoses if d.verdict in KERNEL_OOM_VERDICTS and d.killed_at]
    for remembered in _remembered(past):
        if not any(_same(kill, remembered) for kill in told):
            told.append(_of_memory(remembered, past))
        else:
            told = [_witnessed(kill, remembered) for kill in told]
    told += _of_counters(told, past)
    return tuple(sorted(told, key=lambda kill: kill.at, reverse=True))


def _remembered(past: Past) -> list[PastKill]:
    """What an engine remembers, without what the API's own words show to be no OOM kill.

    A child's kill marks its container OOMKilled, also when a probe ended it later; only the events tell the two apart.
    """
    others = [end for end in past.diagnoses if end.verdict not in KERNEL_OOM_VERDICTS and end.reason == OOM_KILLED]
    kills = past.window.kills if past.window else ()
    return [kill for kill in kills if not any(_is(kill, end) for end in others)]


def _is(kill: PastKill, end: Diagnosis) -> bool:
    same = (kill.pod, kill.container) == (end.pod, end.container)
    return same and end.killed_at is not None and _is_of(kill, end.killed_at)


def _same(kill: Kill, other: PastKill) -> bool:
    if (kill.pod, kill.container) != (other.pod, other.container):
        return False
    return _is_of(other, kill.at) if kill.exact else abs(kill.at - other.at) <= SAME_SCRAPE


def _is_of(kill: PastKill, ended_at: datetime) -> bool:
    """Whether it is the end of that exact time; what was seen by samples far apart was seen that much later."""
    if kill.exact:
        return abs(kill.at - ended_at) <= SAME_SECOND
    sooner = SAME_SCRAPE.total_seconds()
    return -sooner <= (kill.at - ended_at).total_seconds() <= max(sooner, kill.late_seconds)


def _witnessed(kill: Kill, other: PastKill) -> Kill:
    if not _same(kill, other) or other.source in kill.sources:
        return kill
    return replace(kill, sources=(*kill.sources, other.source))


def _of_diagnosis(diagnosis: Diagnosis, past: Past) -> Kill:
    assert diagnosis.killed_at is not None  # noqa: S101 - the caller chose those that have one
    run = diagnosis.run_up
    limit = diagnosis.limit_bytes
    if not diagnosis.limit_known:  # changed since; the metrics engine may have seen it
        limit = limit_at(past, diagnosis.pod, diagnosis.container, diagnosis.killed_at)
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
        image=image_of(past, diagnosis.pod, diagnosis.container),
        sources=("pod status",),
        own_volume=diagnosis.verdict is Verdict.POD_LIMIT and (diagnosis.pod, diagnosis.container) in past.own_volumes,
    )


def _of_memory(told: PastKill, past: Past) -> Kill:
    """A kill that only the metrics engine remembers: its pod, or its place in the pod's status, is gone."""
    life = life_before(told.pod, told.container, told.at, past)
    numbers = numbers_of(past, told.pod, told.container)
    limit = told.limit_bytes or limit_at(past, told.pod, told.container, told.at)
    top = highest(life.working_set) if life else None
    verdict, confidence = past_verdict(told.exit_code, limit, _working_set_at_the_end(life, told.at))
    run = run_up(span_of(life, told), [], sampling_seconds=None) if life else None
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
    for life, steps in increases_seen(past.history, past.starts) if past.history else ():
        known = [k for k in told if (k.pod, k.container) == (life.pod, life.container)]
        for at, count in steps:
            if not any(abs(k.at - at) <= COUNTED_WITHIN for k in known):
                found += [_of_counter(life, at, past)] * count
    return found


def _of_counter(life: Life, at: datetime, past: Past) -> Kill:
    numbers = numbers_of(past, life.pod, life.container)
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
        limit_bytes=limit_when_counted(life, at),
        highest_sampled_bytes=highest(until(life, at).working_set),
        pattern=Pattern.UNKNOWN,
        image=numbers.image if numbers else None,
        sources=("container_oom_events_total",),
    )
