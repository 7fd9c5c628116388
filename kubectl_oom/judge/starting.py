"""Containers and pods that cannot start for lack of memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, Confidence, ContainerType, Verdict
from kubectl_oom.judge.citing import cite_end, cite_event, short
from kubectl_oom.judge.messages import start_needs
from kubectl_oom.judge.scope import Ruling
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from kubectl_oom.evidence import Pod
    from kubectl_oom.judge.clues import Clues


def start(clues: Clues) -> Ruling | None:
    """The ruling on a start that failed for lack of memory."""
    failed, needed = start_needs(clues.end.message)
    if not failed or clues.end.reason == "OOMKilled":
        return None
    need = f"; starting it already needed {show_bytes(needed)}" if needed else ""
    return Ruling(
        verdict=Verdict.START_OOM,
        confidence=Confidence.CERTAIN,
        because=f"The runtime could not start it within its memory limit{need}.",
        evidence=(cite_end(clues), Citation(source="pod", field="message", value=short(clues.end.message))),
    )


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
        cited = Citation(source="pod", field="state.waiting.message", value=short(waiting))
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
