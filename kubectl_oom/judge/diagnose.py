"""The whole case in, the answer of `why` out: one diagnosis per killed container, or per container if none was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import (
    KERNEL_OOM_VERDICTS,
    NOTHING_KILLED,
    Citation,
    Confidence,
    Diagnosis,
    LastSample,
    Report,
    Verdict,
)
from kubectl_oom.judge.blind_spots import expired_events, unseen_children
from kubectl_oom.judge.clues import Clues, clues_of
from kubectl_oom.judge.findings import findings_of_end, later_end
from kubectl_oom.judge.node import node_answer
from kubectl_oom.judge.node_findings import eviction_findings
from kubectl_oom.judge.running import child_killed_since, earlier_end, findings_of_running, resize_findings
from kubectl_oom.judge.samples import is_of, running_now
from kubectl_oom.judge.scope import Ruling
from kubectl_oom.judge.starting import stuck_ruling, stuck_start
from kubectl_oom.judge.stops import evicted_pod
from kubectl_oom.judge.verdict import child_killed_now, judge_end

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import CaseFile, Container, Finding, Life, MemoryNow, Pod, RunUp, Termination
    from kubectl_oom.judge.instance import LifeSpan

NOT_ADMITTED = "OutOf"  # OutOfmemory, OutOfcpu, OutOfpods: the kubelet's admission, not the kernel
# Of the two ends the API keeps, a kernel kill is told before a newer end of another kind; an eviction ends the pod.
_TOLD_FIRST = KERNEL_OOM_VERDICTS | {Verdict.EVICTED}


def diagnose(
    case: CaseFile,
    *,
    now: datetime,
    container: str | None = None,
    nodes: Sequence[str] = (),
    namespace: str | None = None,
) -> Report:
    """What happened in the pods of the case, newest kill first; `container` narrows it to one name.

    `nodes` are those asked about by name: each gets an answer of its own. `namespace` is the one that the case was
    narrowed to, if it was.
    """
    narrowed = bool(container or namespace)
    items = [
        diagnosis
        for pod in case.pods
        for each in pod.containers
        if container is None or each.name == container
        for diagnosis in (_diagnose(case, pod, each),)
    ]
    chosen = _told(case, items)
    chosen.sort(key=lambda d: (-(d.killed_at.timestamp() if d.killed_at else 0), d.namespace, d.pod, d.container))
    return Report(
        items=tuple(chosen),
        gaps=(*case.gaps, *expired_events(chosen, case, now), *unseen_children(case)),
        nodes=tuple(node_answer(case, name, chosen, narrowed=narrowed) for name in nodes),
    )


def every_end(case: CaseFile) -> tuple[Diagnosis, ...]:
    """One diagnosis for each end that the API still shows: two of every container at most."""
    return tuple(
        _of_end(case, clues, ruling, _run_up(case, clues), ())
        for pod in case.pods
        for container in pod.containers
        for end in container.terminations
        for clues, ruling in (_judge(case, pod, container, end),)
    )


def diagnose_end(case: CaseFile, pod: Pod, container: Container, end: Termination) -> Diagnosis:
    """What is said about this end; the pod may be one that shows it no more in the case."""
    clues, ruling = _judge(case, pod, container, end)
    before = _run_up(case, clues)
    return _of_end(case, clues, ruling, before, findings_of_end(case, clues, ruling, before))


def diagnose_container(case: CaseFile, pod: Pod, container: Container) -> Diagnosis:
    """What is said about a container as it stands: its most telling end, or why it cannot start."""
    return _diagnose(case, pod, container)


def _told(case: CaseFile, items: list[Diagnosis]) -> list[Diagnosis]:
    """Of each thing that was asked about: its killed containers, or all of them where none was killed."""
    told: dict[int, Diagnosis] = {}
    for target in case.targets or (frozenset((pod.namespace, pod.name) for pod in case.pods),):
        own = [item for item in items if (item.namespace, item.pod) in target]
        killed = [item for item in own if item.verdict not in NOTHING_KILLED]
        told |= {id(item): item for item in killed or own}
    return list(told.values())


def _diagnose(case: CaseFile, pod: Pod, container: Container) -> Diagnosis:
    now = running_now(case, pod, container)
    judged = [(end, *_judge(case, pod, container, end)) for end in container.terminations]
    told = next((entry for entry in judged if entry[2].verdict in _TOLD_FIRST), judged[0] if judged else None)
    stuck = stuck_start(pod, container.type, container.waiting_message) if container.state == "waiting" else None
    lost_children = bool(now and now.oom_events)
    if stuck and (told is None or told[2].verdict is not Verdict.START_OOM):
        return _without_end(case, pod, container, stuck_ruling(stuck))
    if told is None or (lost_children and told[2].verdict not in KERNEL_OOM_VERDICTS):
        running = _of_running(case, pod, container, now)
        extra = (earlier_end(told[0], told[2]),) if told else ()
        return replace(running, findings=(*running.findings, *extra))
    end, clues, ruling = told
    before = _run_up(case, clues)
    more: list[Finding] = []
    if end is not container.terminations[0]:
        more.append(later_end(container.terminations[0], judged[0][2]))
    if now and lost_children:
        more.append(child_killed_since(now))
    return _of_end(case, clues, ruling, before, (*findings_of_end(case, clues, ruling, before), *more))


def _judge(case: CaseFile, pod: Pod, container: Container, end: Termination) -> tuple[Clues, Ruling]:
    clues = clues_of(case, pod, container, end)
    newest = end in container.terminations[:1]  # the one whose log was read
    return clues, judge_end(clues, case.heap_lines if newest else ())


def _of_end(
    case: CaseFile, clues: Clues, ruling: Ruling, before: RunUp | None, findings: tuple[Finding, ...]
) -> Diagnosis:
    pod, container, end = clues.pod, clues.container, clues.end
    restarted = _started_again(container, end)
    told = _without_end(case, pod, container, ruling)
    return replace(
        told,
        killed_at=end.finished_at or told.killed_at,
        started_at=end.started_at,
        restarted_at=restarted,
        ready_again_at=_ready_again(pod, container, restarted),
        exit_code=end.exit_code,
        reason=end.reason,
        limit_bytes=clues.limit.bytes,
        limit_known=clues.limit.known,
        last_sample=clues.last_sample,
        run_up=before,
        findings=findings,
        candidates=ruling.candidates,
    )


def _of_running(case: CaseFile, pod: Pod, container: Container, now: MemoryNow | None) -> Diagnosis:
    """A container with no end to explain: its pod was evicted, its children were killed, or nothing happened."""
    if pod.reason == "Evicted":
        ruling = evicted_pod(pod)
    elif (pod.reason or "").startswith(NOT_ADMITTED):
        ruling = _not_admitted(pod)
    elif now and now.oom_events:
        ruling = child_killed_now(now)
    else:
        ruling = _no_termination(container)
    findings = (*(tuple(eviction_findings(pod)) or findings_of_running(container, now, ruling)), *resize_findings(pod))
    return replace(
        _without_end(case, pod, container, ruling),
        started_at=container.running_since,
        limit_bytes=(now.limit_bytes if now else None) or container.limit_in_effect_bytes or container.limit_bytes,
        last_sample=sample_now(now),
        findings=findings,
    )


def _without_end(case: CaseFile, pod: Pod, container: Container, ruling: Ruling) -> Diagnosis:
    """What is the same whether the container has ended, runs or waits."""
    return Diagnosis(
        namespace=pod.namespace,
        pod=pod.name,
        node=pod.node,
        container=container.name,
        container_type=container.type,
        workload=pod.workload,
        verdict=ruling.verdict,
        confidence=ruling.confidence,
        because=ruling.because,
        killed_at=_evicted_at(pod) if ruling.verdict is Verdict.EVICTED else None,
        started_at=None,
        restarted_at=None,
        ready_again_at=None,
        exit_code=None,
        reason=container.waiting_reason,
        restart_count=container.restart_count,
        limit_bytes=container.limit_bytes,
        limit_known=True,
        request_bytes=container.request_bytes,
        last_sample=None,
        run_up=None,
        serving=_serving(case, pod),
        evidence=ruling.evidence,
        findings=(),
    )


def _no_termination(container: Container) -> Ruling:
    state = container.state or "not started"
    cited = Citation(
        source="pod", field=f"status…[{container.name}]", value=f"{state}, {container.restart_count} restarts"
    )
    return Ruling(
        verdict=Verdict.NO_TERMINATION,
        confidence=Confidence.LIKELY,
        because="The API shows no end of this container, and no source that could be read counts a kill in it.",
        evidence=(cited,),
    )


def _not_admitted(pod: Pod) -> Ruling:
    """`OutOfmemory` sounds like a kill, but speaks of requests."""
    message = " ".join((pod.message or "").split())
    return Ruling(
        verdict=Verdict.NO_TERMINATION,
        confidence=Confidence.CERTAIN,
        because=f"The kubelet did not admit the pod ({pod.reason}): its node had no room for what it requests, so nothing "
        "of it ever ran.",
        evidence=(Citation(source="pod", field="status.reason", value=f"{pod.reason}: {message}"),),
    )


def sample_now(now: MemoryNow | None) -> LastSample | None:
    """The one number there is of what runs now, as a sample."""
    if now is None or now.at is None:
        return None
    return LastSample(
        source=now.source,
        at=now.at,
        working_set_bytes=now.working_set_bytes,
        usage_bytes=now.usage_bytes,
        interval_seconds=None,
    )


def _evicted_at(pod: Pod) -> datetime | None:
    """When the kubelet evicted the pod: by its event, or, once that has expired, by the pod's own condition."""
    told = [e.last_at for e in pod.events if e.reason == "Evicted"]
    kept = [c.at for c in pod.conditions if c.type == "DisruptionTarget" and c.reason == "TerminationByKubelet"]
    return next((at for at in (*reversed(told), *kept) if at), None)


def _started_again(container: Container, end: Termination) -> datetime | None:
    """When the next instance started: the one that runs, or one that has ended since as well."""
    if end.finished_at is None:  # of an end that the kubelet made up no time is known, but `lastState` it stays
        return None if end.is_current else container.running_since
    starts = [container.running_since, *(other.started_at for other in container.terminations if other is not end)]
    return min((at for at in starts if at and at >= end.finished_at), default=None)


def _ready_again(pod: Pod, container: Container, restarted: datetime | None) -> datetime | None:
    """When the pod became ready after the restart; None while it is not, or when that cannot be told."""
    if restarted is None or not container.ready:
        return None
    moments = [c.at for c in pod.conditions if c.type == "Ready" and c.status == "True" and c.at]
    return next((at for at in moments if at >= restarted), None)


def _serving(case: CaseFile, pod: Pod) -> tuple[int, int] | None:
    for owner in reversed(pod.owners):
        replicas = case.replicas.get((pod.namespace, owner.kind, owner.name))
        if replicas:
            return replicas.ready, replicas.wanted
    return None


# --- the run-up ----------------------------------------------------------------------------------------------------


def _run_up(case: CaseFile, clues: Clues) -> RunUp | None:
    """What the memory did in the life that ended, with the earlier lives of the same container beside it."""
    if case.history is None or clues.life is None:
        return None
    from kubectl_oom.judge.pattern import run_up  # noqa: PLC0415 - 15 ms, for nothing where there are no samples

    earlier = [
        _span(life, None)
        for life in case.history.lives
        if is_of(life, clues.pod, clues.container)
        and life.working_set
        and clues.life.working_set
        and life.working_set[-1].at < clues.life.working_set[0].at
    ]
    interval = clues.last_sample.interval_seconds if clues.last_sample else None
    return run_up(_span(clues.life, clues), earlier, sampling_seconds=interval)


def _span(life: Life, clues: Clues | None) -> LifeSpan:
    from kubectl_oom.judge.instance import LifeSpan  # noqa: PLC0415 - as above

    limit = clues.limit.bytes if clues else (life.limit[-1].value or None) if life.limit else None
    return LifeSpan(
        samples=life.working_set,
        rss=life.rss,
        usage=life.usage,
        cache=life.cache,
        started_at=clues.end.started_at if clues else None,
        ended_at=clues.end.finished_at if clues else life.working_set[-1].at,
        oom_killed=bool(clues and clues.end.reason == "OOMKilled") or any(s.value for s in life.oom_events),
        limit_bytes=limit,
    )
