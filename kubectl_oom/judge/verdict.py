"""The ladder of verdicts: clues of one end in, the strongest statement they support out.

Read top to bottom: what ended the container by somebody's own word comes before what its exit code suggests, and
what cannot be told stays untold. docs/verdicts.md explains each step to users.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, Confidence, ContainerType, HeapLine, Verdict
from kubectl_oom.judge.clues import CLOCK_SLACK, LONGEST_GRACE_SECONDS, SIGKILL_EXIT, STOP_SLACK, Clues, KillEvent
from kubectl_oom.judge.messages import eviction, start_needs
from kubectl_oom.judge.scope import Ruling, kernel_scope
from kubectl_oom.quantity import show_bytes, show_percent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Event, MemoryNow, Pod

# Reasons the kubelet makes up, with exit code 137, for containers whose real end it did not see.
FABRICATED = {
    "ContainerStatusUnknown": "the kubelet could not find the container any more and filled in 137 itself",
    "RestartingAllContainers": "the kubelet restarted all containers of the pod in place and filled in 137 itself",
}
# Pod status reasons under which the kubelet ends a pod for other causes than its memory.
_POD_STOPS = {
    "Preempting": "the kubelet preempted the pod to admit a critical one",
    "Preempted": "the pod was preempted",
    "Terminated": "the node was shutting down",
    "NodeShutdown": "the node was shutting down",
    "Shutdown": "the node was shutting down",
    "NodeLost": "the node was lost",
    "DeadlineExceeded": "the pod passed its activeDeadlineSeconds",
}
# Reasons of the pod condition DisruptionTarget (k8s.io/api/core/v1); eviction by the kubelet is judged by its own rule.
_DISRUPTIONS = {
    "PreemptionByScheduler": "the scheduler preempted the pod for one of higher priority",
    "DeletionByTaintManager": "the pod was deleted because of a taint on its node",
    "EvictionByEvictionAPI": "the pod was evicted through the API (a drain, or an autoscaler)",
    "DeletionByPodGC": "the pod was removed because its node was gone",
    "TerminationByKubelet": "the kubelet ended the pod",
}
# How each runtime ends when its own heap is full: with these codes the log line and the end belong together.
_HEAP_EXITS = {
    "node": {134, 139},
    "jvm": {1, 3, 134},
    "go": {2},
    "python": {1},
    "dotnet": {1, 134, 139},
    "php": {255},
    "ruby": {1},
    "rust": {134},
    "cpp": {134},
    "cuda": {1},
}
# What every program ends with: a memory error that it survived may stand in the log of an end of another kind.
ANY_FAILURE = 1
# Servers that restart workers and log how those ended.
_SUPERVISORS = frozenset({"gunicorn"})
SIGTERM_EXIT = 143
# Share of the limit from which an unlabelled SIGKILL looks like a kernel kill whose event was lost.
CLOSE_TO_LIMIT = 0.9
_TOP_SCOPES = (Verdict.CONTAINER_LIMIT, Verdict.POD_LIMIT, Verdict.NODE, Verdict.OOM_SCOPE_UNKNOWN)


def judge_end(clues: Clues, heap_lines: Sequence[HeapLine]) -> Ruling:
    """The verdict on one end of a container."""
    for rule in (_start, _evicted, _fabricated, _told_by_kubelet, _pod_stopped):
        ruling = rule(clues)
        if ruling:
            return ruling
    if clues.end.reason == "OOMKilled":
        return _oom_killed(clues)
    lost = _lost_oom(clues)
    if lost:
        return lost
    heap = _app_heap(clues, heap_lines) or _worker_killed(clues, heap_lines)
    if heap:
        return heap
    return _sigkill_unknown(clues) if clues.end.exit_code == SIGKILL_EXIT else _other(clues)


def cite_end(clues: Clues) -> Citation:
    """The end itself, as the API tells it."""
    end = clues.end
    value = (
        f"reason {end.reason or 'not given'}, exitCode {end.exit_code if end.exit_code is not None else 'not given'}"
    )
    return Citation(source="pod", field=end.field, value=value, at=end.finished_at)


def _start(clues: Clues) -> Ruling | None:
    failed, needed = start_needs(clues.end.message)
    if not failed or clues.end.reason == "OOMKilled":
        return None
    need = f"; starting it already needed {show_bytes(needed)}" if needed else ""
    return Ruling(
        verdict=Verdict.START_OOM,
        confidence=Confidence.CERTAIN,
        because=f"The runtime could not start it within its memory limit{need}.",
        evidence=(cite_end(clues), Citation(source="pod", field="message", value=_short(clues.end.message))),
    )


def _evicted(clues: Clues) -> Ruling | None:
    pod = clues.pod
    return evicted_pod(pod) if pod.reason == "Evicted" and _ended_with_pod(clues) else None


def _ended_with_pod(clues: Clues) -> bool:
    """True for an end that came with the pod's: init steps and earlier lives had ended long before by themselves."""
    ends = [end.finished_at for container in clues.pod.containers for end in container.terminations if end.finished_at]
    if clues.end.finished_at is None or not ends:
        return True
    grace = timedelta(seconds=min(clues.pod.grace_seconds, LONGEST_GRACE_SECONDS))
    return clues.end.finished_at >= max(ends) - grace - STOP_SLACK


def evicted_pod(pod: Pod) -> Ruling:
    """The ruling on a pod that the kubelet evicted: by memory or by disk."""
    told = eviction(pod.message)
    what = {"memory": "the node was short of memory", "disk": "of the disk space it or its volumes used"}.get(
        told.resource, f"the node was short of {told.resource}"
    )
    return Ruling(
        verdict=Verdict.EVICTED,
        confidence=Confidence.CERTAIN,
        because=f"The kubelet evicted the pod because {what}: an eviction, not a kernel OOM kill."
        if told.resource != "disk"
        else f"The kubelet evicted the pod because {what}; memory had no part in it.",
        evidence=(
            Citation(source="pod", field="status.reason", value="Evicted"),
            Citation(source="pod", field="status.message", value=_short(pod.message)),
        ),
    )


def _fabricated(clues: Clues) -> Ruling | None:
    reason = clues.end.reason or ""
    if reason not in FABRICATED:
        return None
    if reason == "RestartingAllContainers":
        return Ruling(
            verdict=Verdict.STOPPED,
            confidence=Confidence.CERTAIN,
            because=f"Not a kill for memory: {FABRICATED[reason]}.",
            evidence=(cite_end(clues),),
        )
    stopped = _pod_stopped(clues)
    if stopped:
        return stopped
    return Ruling(
        verdict=Verdict.SIGKILL_UNKNOWN,
        confidence=Confidence.POSSIBLE,
        because=f"The exit code says nothing: {FABRICATED[reason]}.",
        evidence=(cite_end(clues),),
        candidates=("the node or its kubelet was lost or restarted", "the container was removed by hand"),
    )


def _told_by_kubelet(clues: Clues) -> Ruling | None:
    """A Killing event: the kubelet says that it stopped the container itself."""
    kill = clues.kill_event
    if kill is None:
        return None
    if kill.dropped:
        return _dropped_probe_kill(clues, kill)
    cited = (cite_event(kill.event, "pod event"), cite_end(clues))
    # An OOM mark beside it can mean that the kernel came first, while the container was being stopped.
    marked = clues.end.reason == "OOMKilled" and clues.end.exit_code == SIGKILL_EXIT
    confidence = Confidence.LIKELY if marked or kill.merged else Confidence.CERTAIN
    if marked and kill.merged:
        confidence = Confidence.POSSIBLE
    how = " It outlived its grace period and got SIGKILL." if kill.grace_was_over else ""
    if kill.probe:
        return Ruling(
            verdict=Verdict.PROBE_KILL,
            confidence=confidence,
            because=f"The kubelet stopped it because its {kill.probe} probe failed.{how}",
            evidence=cited,
        )
    return Ruling(
        verdict=Verdict.STOPPED,
        confidence=confidence,
        because=f"The kubelet stopped it: {_stop_words(clues, kill.stop or '')}.{how}",
        evidence=cited,
    )


def _dropped_probe_kill(clues: Clues, kill: KillEvent) -> Ruling | None:
    """No event tells of this end, but the same probe ended earlier lives: events of a crash loop get dropped."""
    cited = (cite_event(kill.event, "pod event"), cite_end(clues))
    if kill.failed_just_before:
        # A process that the kernel makes wait for memory fails probes too, so the mark weighs as much.
        marked = clues.end.reason == "OOMKilled" and clues.end.exit_code == SIGKILL_EXIT
        return Ruling(
            verdict=Verdict.PROBE_KILL,
            confidence=Confidence.POSSIBLE if marked else Confidence.LIKELY,
            because=f"Its {kill.probe} probe failed just before, as in earlier lives that the kubelet ended for it; the event "
            "for this one is missing, as they are in crash loops.",
            evidence=cited,
        )
    if clues.end.reason == "OOMKilled" or clues.end.exit_code not in (SIGKILL_EXIT, SIGTERM_EXIT):
        return None
    return Ruling(
        verdict=Verdict.PROBE_KILL,
        confidence=Confidence.POSSIBLE,
        because=f"Earlier lives ended because the {kill.probe} probe failed; no event about this one is kept.",
        evidence=cited,
    )


def _stop_words(clues: Clues, stop: str) -> str:
    words = {
        "definition changed": "the container's definition was changed",
        "resize requires restart": "a resize of its resources requires a restart",
    }
    if stop in words:
        return words[stop]
    disruption = _disruption(clues.pod)
    if disruption:
        return disruption[0]
    return "the pod was being deleted" if clues.pod.deletion_at else "the pod was being stopped"


def _pod_stopped(clues: Clues) -> Ruling | None:
    """The pod as a whole was being ended, by its own status."""
    pod, end = clues.pod, clues.end
    if not end.is_current or end.reason == "OOMKilled" or not _ended_with_pod(clues):
        return None
    told = _POD_STOPS.get(pod.reason or "")
    if told:
        cited = Citation(source="pod", field="status.reason", value=f"{pod.reason}: {_short(pod.message)}")
        return Ruling(
            verdict=Verdict.STOPPED,
            confidence=Confidence.CERTAIN,
            because=_sentence(told),
            evidence=(cited, cite_end(clues)),
        )
    disruption = _disruption(pod)
    if disruption and _not_before(clues, disruption[1].at):
        return Ruling(
            verdict=Verdict.STOPPED,
            confidence=Confidence.CERTAIN,
            because=_sentence(disruption[0]),
            evidence=(disruption[1], cite_end(clues)),
        )
    if pod.deletion_at and _not_before(clues, _deleted_at(pod)) and end.exit_code in (SIGKILL_EXIT, SIGTERM_EXIT):
        cited = Citation(source="pod", field="metadata.deletionTimestamp", value="set", at=pod.deletion_at)
        return Ruling(
            verdict=Verdict.STOPPED,
            confidence=Confidence.LIKELY,
            because="The pod is being deleted, and the exit code is that of the signal that stops it.",
            evidence=(cited, cite_end(clues)),
        )
    return None


def _not_before(clues: Clues, moment: datetime | None) -> bool:
    """False for an end from before that moment, which what happened then cannot have brought about."""
    ended = clues.end.finished_at
    return moment is None or ended is None or ended >= moment - CLOCK_SLACK


def _deleted_at(pod: Pod) -> datetime | None:
    """When the pod was asked to go: the API keeps the time at which its grace period ends."""
    if pod.deletion_at is None:
        return None
    return pod.deletion_at - timedelta(seconds=min(pod.deletion_grace_seconds or 0, LONGEST_GRACE_SECONDS))


def _disruption(pod: Pod) -> tuple[str, Citation] | None:
    for condition in pod.conditions:
        if condition.type == "DisruptionTarget" and condition.status == "True":
            told = _DISRUPTIONS.get(condition.reason or "", "the pod was disrupted")
            value = f"{condition.reason}: {_short(condition.message)}"
            return told, Citation(
                source="pod", field="status.conditions[DisruptionTarget]", value=value, at=condition.at
            )
    return None


def _oom_killed(clues: Clues) -> Ruling:
    if clues.end.exit_code not in (SIGKILL_EXIT, None):
        ended = (
            "ended normally" if clues.end.exit_code == 0 else f"ended by itself with exit code {clues.end.exit_code}"
        )
        if clues.end.exit_code == SIGTERM_EXIT:
            ended = "ended later on SIGTERM"
        return Ruling(
            verdict=Verdict.CHILD_KILLED,
            confidence=Confidence.LIKELY if clues.runs_crio else Confidence.CERTAIN,
            because=f"A process inside was OOM-killed, but not the main one: that {ended}.",
            evidence=(cite_end(clues),),
        )
    ruling = kernel_scope(clues, cite_end(clues))
    if clues.kill_event:  # its event was dropped; earlier lives were ended by a probe
        return replace(ruling, confidence=Confidence.POSSIBLE)
    if ruling.confidence is Confidence.CERTAIN and _probe_not_excluded(clues):
        told = " No event of the pod is kept from that time, so a failed probe is not excluded."
        return replace(ruling, confidence=Confidence.LIKELY, because=ruling.because + told)
    return ruling


def _probe_not_excluded(clues: Clues) -> bool:
    """True when a probe can have ended it after a child's kill had marked it, and its Killing event would be gone."""
    ended = clues.end.finished_at
    kept = [event.last_at for event in clues.pod.events if event.last_at]
    probed = "liveness" in clues.container.probes or "startup" in clues.container.probes
    return probed and not (ended and any(at <= ended for at in kept))


def _lost_oom(clues: Clues) -> Ruling | None:
    """An end without the OOM mark, where another witness counted a kernel kill: the runtime lost its event."""
    counted = clues.oom_events
    if clues.end.exit_code != SIGKILL_EXIT:
        return _lost_child(clues, counted) if counted and clues.end.exit_code is not None else None
    if counted:
        cited = Citation(source="kubelet metrics", field="container_oom_events_total", value=str(counted))
        ruling = kernel_scope(clues, cite_end(clues))
        return ruling.weakened(
            f"The runtime did not mark it, but the kernel's log counts {counted} OOM kill{'s' if counted > 1 else ''} in it. "
            + ruling.because,
            cited,
        )
    told = [*clues.system_ooms, *(event for event, kill in clues.kernel_kills if kill.scope == "node")]
    if told:
        return Ruling(
            verdict=Verdict.NODE,
            confidence=Confidence.LIKELY,
            because="The node itself ran out of memory at that time; on cgroup v1 such a kill carries no OOM mark.",
            evidence=(cite_event(told[-1], "node event"), cite_end(clues)),
        )
    return None


def _lost_child(clues: Clues, counted: int) -> Ruling:
    cited = Citation(source="kubelet metrics", field="container_oom_events_total", value=str(counted))
    return Ruling(
        verdict=Verdict.CHILD_KILLED,
        confidence=Confidence.LIKELY,
        because=f"The kernel's log counts {counted} OOM kill{'s' if counted > 1 else ''} in it, which the runtime did not mark; "
        f"the main process ended later, with exit code {clues.end.exit_code}.",
        evidence=(cited, cite_end(clues)),
    )


def _worker_killed(clues: Clues, heap_lines: Sequence[HeapLine]) -> Ruling | None:
    """A supervisor's own log says that a worker of it got SIGKILL: its guess, and nobody else's word."""
    own = [line for line in _own_lines(clues, heap_lines) if line.runtime in _SUPERVISORS]
    if not own or clues.end.exit_code in (0, None, SIGKILL_EXIT):
        return None
    return Ruling(
        verdict=Verdict.CHILD_KILLED,
        confidence=Confidence.POSSIBLE,
        because="Its log says that a worker process got SIGKILL, as the OOM killer sends it; no other source tells of that.",
        evidence=(Citation(source="log", field=clues.container.name, value=own[-1].text), cite_end(clues)),
    )


def _own_lines(clues: Clues, heap_lines: Sequence[HeapLine]) -> list[HeapLine]:
    pod, container = clues.pod, clues.container.name
    own = [line for line in heap_lines if (line.pod, line.container) == (pod.name, container)]
    return [line for line in own if line.namespace in (None, pod.namespace)]


def _app_heap(clues: Clues, heap_lines: Sequence[HeapLine]) -> Ruling | None:
    if clues.end.exit_code in (0, None):
        return None
    own = [line for line in _own_lines(clues, heap_lines) if line.runtime not in _SUPERVISORS]
    if not own:
        return None
    line = own[-1]
    fits = clues.end.exit_code in _HEAP_EXITS.get(line.runtime, set())
    sure = Confidence.LIKELY if clues.end.exit_code == ANY_FAILURE else Confidence.CERTAIN
    which = "current" if clues.end.is_current else "previous"
    return Ruling(
        verdict=Verdict.APP_HEAP,
        confidence=sure if fits else Confidence.POSSIBLE,
        because=f"The program's own {RUNTIME_NAMES.get(line.runtime, line.runtime)} memory limit ended it, not the kernel."
        if fits
        else f"Its log ends with a {RUNTIME_NAMES.get(line.runtime, line.runtime)} memory error, though exit code "
        f"{clues.end.exit_code} is not what that error usually gives.",
        evidence=(Citation(source=f"{which} log", field=clues.container.name, value=line.text), cite_end(clues)),
    )


RUNTIME_NAMES = {
    "node": "V8 (Node.js) heap",
    "jvm": "JVM",
    "go": "Go runtime",
    "python": "Python",
    "dotnet": ".NET",
    "php": "PHP",
    "ruby": "Ruby",
    "rust": "Rust allocator",
    "cpp": "C++ allocator",
    "postgres": "PostgreSQL shared",
    "redis": "Redis maxmemory",
    "cuda": "GPU",
}


def _sigkill_unknown(clues: Clues) -> Ruling:
    return Ruling(
        verdict=Verdict.SIGKILL_UNKNOWN,
        confidence=Confidence.POSSIBLE,
        because="Exit code 137 is SIGKILL, or a program that exits with 137 itself. No source says who or what did it.",
        evidence=(cite_end(clues),),
        candidates=tuple(_candidates(clues)),
    )


def _candidates(clues: Clues) -> list[str]:
    """What can have sent an unexplained SIGKILL, most plausible first for these clues."""
    container, ws, limit = clues.container, clues.highest_working_set, clues.limit.bytes
    lost = "an OOM kill that the runtime did not report (its event can be lost)"
    likely: list[str] = []
    rest: list[str] = []
    if ws is not None and limit:
        share = f"the highest sampled working set was {show_bytes(ws)}, {show_percent(ws, limit)} of the limit"
        (likely if ws >= CLOSE_TO_LIMIT * limit else rest).append(f"{lost}: {share}")
    else:
        likely.append(f"{lost}: no memory samples were read")
    if "liveness" in container.probes or "startup" in container.probes:
        likely.insert(0, "a failed probe whose event has expired: the container has one")
    shell = container.command[:1] and container.command[0].rpartition("/")[2] in ("sh", "bash", "ash", "dash")
    own = "the program's own `exit 137`, or a shell that passes on its killed child's code"
    (likely if shell else rest).insert(0, own)
    rest.append("a kill by hand, by another process, or by a user-space OOM daemon on the node")
    return likely + rest


def _other(clues: Clues) -> Ruling:
    end = clues.end
    if end.exit_code == 0:
        return Ruling(
            verdict=Verdict.NOT_OOM,
            confidence=Confidence.CERTAIN,
            because="It ended by itself with exit code 0.",
            evidence=(cite_end(clues),),
        )
    signal = _signal_words(end.exit_code)
    code = f"exit code {end.exit_code}" if end.exit_code is not None else "no exit code given"
    return Ruling(
        verdict=Verdict.NOT_OOM,
        confidence=Confidence.CERTAIN if end.reason == "Error" and not signal else Confidence.LIKELY,
        because=f"It ended with {code}{signal}, which is no kernel OOM kill.",
        evidence=(cite_end(clues),),
    )


def _signal_words(code: int | None) -> str:
    names = {130: "SIGINT", 132: "SIGILL", 134: "SIGABRT", 135: "SIGBUS", 136: "SIGFPE", 139: "SIGSEGV", 143: "SIGTERM"}
    return f" ({names[code]})" if code in names else ""


# --- containers that did not end --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stuck:
    """A container, or its whole pod sandbox, that cannot start for lack of memory."""

    message: str
    citation: Citation
    needed_bytes: int | None


def stuck_start(pod: Pod, container_type: ContainerType, waiting: str | None) -> Stuck | None:
    """Why a waiting container cannot start, when that is memory; its own message first, then the sandbox's events."""
    failed, needed = start_needs(waiting)
    if failed:
        cited = Citation(source="pod", field="state.waiting.message", value=_short(waiting))
        return Stuck(waiting or "", cited, needed)
    begun = any(c.terminations or c.state in ("running", "terminated") for c in pod.containers)
    if container_type is ContainerType.EPHEMERAL or begun:  # then the sandbox is there, whatever its events tell
        return None
    for event in reversed(pod.events):
        failed, needed = start_needs(event.message)
        if failed and event.reason == "FailedCreatePodSandBox":
            return Stuck(event.message, cite_event(event, "pod event"), needed)
    return None


def stuck_ruling(stuck: Stuck) -> Ruling:
    """The ruling on a start that keeps failing for lack of memory."""
    need = f": starting already needed {show_bytes(stuck.needed_bytes)}" if stuck.needed_bytes else ""
    return Ruling(
        verdict=Verdict.START_OOM,
        confidence=Confidence.CERTAIN,
        because=f"The runtime cannot start it within its memory limit{need}.",
        evidence=(stuck.citation,),
    )


def child_killed_now(now: MemoryNow) -> Ruling:
    """The ruling on a container that runs, ready and without restart, while its processes were killed."""
    count = now.oom_events or 0
    kills = f"{count} OOM kills" if count > 1 else "an OOM kill"
    return Ruling(
        verdict=Verdict.CHILD_KILLED,
        confidence=Confidence.CERTAIN,
        because=f"The kernel's log counts {kills} inside it while its main process lived on: the API shows nothing of it.",
        evidence=(Citation(source=now.source, field="container_oom_events_total", value=str(count), at=now.at),),
    )


def cite_event(event: Event, source: str) -> Citation:
    """An event as evidence, with how often it was seen."""
    times = f" ({event.count} times)" if event.count > 1 else ""
    return Citation(source=source, field=event.reason, value=_short(event.message) + times, at=event.last_at)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _short(text: str | None, length: int = 160) -> str:
    """A message cut to a line: runtimes repeat the same cause in ever longer wrappings."""
    line = " ".join((text or "").split())
    return line if len(line) <= length else line[: length - 1] + "…"
