"""Ends that somebody decided: the kubelet for a probe, a rollout or an eviction, the node for its shutdown."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, Confidence, Verdict
from kubectl_oom.judge.citing import cite_end, cite_event, sentence, short
from kubectl_oom.judge.kill_events import LONGEST_GRACE_SECONDS, SIGKILL_EXIT, STOP_SLACK, KillEvent
from kubectl_oom.judge.messages import eviction
from kubectl_oom.judge.samples import CLOCK_SLACK
from kubectl_oom.judge.scope import Ruling

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence import Pod
    from kubectl_oom.judge.clues import Clues

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
SIGTERM_EXIT = 143


def evicted(clues: Clues) -> Ruling | None:
    """The ruling where the pod was evicted and this end came with it."""
    pod = clues.pod
    return evicted_pod(pod) if pod.reason == "Evicted" and _ended_with_pod(clues) else None


def _ended_with_pod(clues: Clues) -> bool:
    """True for an end that came with the pod's: init steps and earlier lives had ended long before by themselves."""
    ends = [end.finished_at for container in clues.pod.containers for end in container.terminations if end.finished_at]
    if clues.end.finished_at is None or not ends:
        return True
    longest = max(clues.pod.grace_seconds, clues.pod.deletion_grace_seconds or 0)
    grace = timedelta(seconds=min(longest, LONGEST_GRACE_SECONDS))
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
            Citation(source="pod", field="status.message", value=short(pod.message)),
        ),
    )


def fabricated(clues: Clues) -> Ruling | None:
    """The ruling on an exit code that the kubelet made up."""
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
    stopped = pod_stopped(clues)
    if stopped:
        return stopped
    return Ruling(
        verdict=Verdict.SIGKILL_UNKNOWN,
        confidence=Confidence.POSSIBLE,
        because=f"The exit code says nothing: {FABRICATED[reason]}.",
        evidence=(cite_end(clues),),
        candidates=("the node or its kubelet was lost or restarted", "the container was removed by hand"),
    )


def told_by_kubelet(clues: Clues) -> Ruling | None:
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


def pod_stopped(clues: Clues) -> Ruling | None:
    """The pod as a whole was being ended, by its own status."""
    pod, end = clues.pod, clues.end
    if not end.is_current or end.reason == "OOMKilled" or not _ended_with_pod(clues):
        return None
    told = _POD_STOPS.get(pod.reason or "")
    if told:
        cited = Citation(source="pod", field="status.reason", value=f"{pod.reason}: {short(pod.message)}")
        return Ruling(
            verdict=Verdict.STOPPED,
            confidence=Confidence.CERTAIN,
            because=sentence(told),
            evidence=(cited, cite_end(clues)),
        )
    disruption = _disruption(pod)
    if disruption and _not_before(clues, disruption[1].at):
        return Ruling(
            verdict=Verdict.STOPPED,
            confidence=Confidence.CERTAIN,
            because=sentence(disruption[0]),
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
            value = f"{condition.reason}: {short(condition.message)}"
            return told, Citation(
                source="pod", field="status.conditions[DisruptionTarget]", value=value, at=condition.at
            )
    return None
