"""The ladder of verdicts: clues of one end in, the strongest statement they support out.

Read top to bottom: what ended the container by somebody's own word comes before what its exit code suggests, and
what cannot be told stays untold. docs/verdicts.md explains each step to users.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, Confidence, HeapLine, Verdict
from kubectl_oom.judge.citing import cite_end, cite_event
from kubectl_oom.judge.kill_events import SIGKILL_EXIT
from kubectl_oom.judge.own_heap import app_heap, worker_killed
from kubectl_oom.judge.scope import Ruling, kernel_scope
from kubectl_oom.judge.starting import start
from kubectl_oom.judge.stops import SIGTERM_EXIT, evicted, fabricated, pod_stopped, told_by_kubelet
from kubectl_oom.quantity import show_bytes, show_percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import MemoryNow
    from kubectl_oom.judge.clues import Clues
# Share of the limit from which an unlabelled SIGKILL looks like a kernel kill whose event was lost.
CLOSE_TO_LIMIT = 0.9

# What containerd tells, when it starts, of every container that ran when it or its node went down.
UNSEEN_BY_CONTAINERD = ("Unknown", 255)


def judge_end(clues: Clues, heap_lines: Sequence[HeapLine]) -> Ruling:
    """The verdict on one end of a container."""
    for rule in (start, evicted, fabricated, told_by_kubelet, pod_stopped):
        ruling = rule(clues)
        if ruling:
            return ruling
    if clues.end.reason == "OOMKilled":
        return _oom_killed(clues)
    lost = _lost_oom(clues)
    if lost:
        return lost
    heap = app_heap(clues, heap_lines) or worker_killed(clues, heap_lines)
    if heap:
        return heap
    return _sigkill_unknown(clues) if clues.end.exit_code == SIGKILL_EXIT else _other(clues)


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
    return _is_probed(clues) and not (ended and any(at <= ended for at in kept))


def _is_probed(clues: Clues) -> bool:
    return "liveness" in clues.container.probes or "startup" in clues.container.probes


def _lost_oom(clues: Clues) -> Ruling | None:
    """An end without the OOM mark, where another witness counted a kernel kill: the runtime lost its event."""
    counted = clues.oom_events
    if clues.end.exit_code != SIGKILL_EXIT:
        return _lost_child(clues, counted) if counted and clues.end.exit_code is not None else None
    counted = clues.oom_events_at_the_end
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
    if ws is None:
        likely.append(f"{lost}: no memory samples were read")
    else:
        share = f"{show_percent(ws, limit)} of the limit" if limit else "and no limit of its own is known"
        near = not limit or ws >= CLOSE_TO_LIMIT * limit
        (likely if near else rest).append(f"{lost}: the highest sampled working set was {show_bytes(ws)}, {share}")
    if _probe_not_excluded(clues):
        likely.insert(0, "a failed probe whose event is not kept: the container has one")
    elif _is_probed(clues):
        rest.append("a failed probe whose event was dropped: the container has one, but older events of it are kept")
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
    if (end.reason, end.exit_code) == UNSEEN_BY_CONTAINERD:
        return Ruling(
            verdict=Verdict.NOT_OOM,
            confidence=Confidence.POSSIBLE,
            because="containerd did not see it end and filled in 255 itself, as it does after the node or containerd was "
            "restarted. An OOM kill just before that would not show.",
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
