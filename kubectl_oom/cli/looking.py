"""When what was seen is looked into: once its evidence has arrived, again where nobody answered, and once more later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import KERNEL_OOM_VERDICTS, EndSeen, KillSeen, Verdict
from kubectl_oom.judge.diagnose import diagnose_container, diagnose_end
from kubectl_oom.judge.ledger import key_of
from kubectl_oom.read.late_evidence import look_into

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence import Diagnosis, StuckSeen
    from kubectl_oom.read.gather import Wants
    from kubectl_oom.read.late_evidence import Looked
    from kubectl_oom.read.source import Source

# The kubelet reports a kill a moment before the events that explain it have arrived.
SETTLE_SECONDS = 1.0
READ_TOGETHER = 20  # pods whose evidence is read at once, as for a selection
# Where the API server does not answer when the evidence is to be read, it is asked again before a verdict is given
# without it.
TRIES, BETWEEN_TRIES_SECONDS = 4, 3.0
# A SIGKILL that nothing explains is looked into once more: the kernel's count of a kill whose mark the runtime has lost
# reaches the kubelet and the metrics engine with their next rounds.
SECOND_LOOK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class _Pending:
    """Something whose evidence is read as soon as it is due."""

    due: float
    sighting: EndSeen | StuckSeen
    tries: int = 0
    is_second_look: bool = False


class Looks:
    """What is still to be looked into. Instants are seconds of any one clock, which the caller reads."""

    def __init__(self, source: Source, wants: Wants) -> None:
        self._source = source
        self._wants = wants
        self._pending: list[_Pending] = []

    def note(self, sighting: EndSeen | StuckSeen, at: float) -> None:
        """Look into it in a moment; an end that is shown again with another word counts as it is shown now."""
        self._pending = [one for one in self._pending if not _is_same(one.sighting, sighting)]
        self._pending.append(_Pending(at + SETTLE_SECONDS, sighting))

    @property
    def next_at(self) -> float | None:
        """When the next one is due; None where nothing is."""
        return min((one.due for one in self._pending), default=None)

    def judge(self, at: float, now: datetime, *, is_last: bool = False) -> list[tuple[EndSeen | StuckSeen, KillSeen]]:
        """The OOM kills among some of what is due, oldest first. `is_last`: nothing is put off any more."""
        due = sorted((one for one in self._pending if is_last or one.due <= at), key=_ended)
        chosen = due[:READ_TOGETHER]
        if not chosen:
            return []
        taken = set(map(id, chosen))
        self._pending = [one for one in self._pending if id(one) not in taken]
        looked = look_into(self._source, [one.sighting.pod for one in chosen], now=now, wants=self._wants)
        if looked.is_lacking and not is_last:
            again = [one for one in chosen if one.tries < TRIES]
            self._pending += [replace(one, due=at + BETWEEN_TRIES_SECONDS, tries=one.tries + 1) for one in again]
            chosen = [one for one in chosen if one.tries >= TRIES]
        judged = [(one, _diagnosis(one.sighting, looked)) for one in chosen]
        if not is_last:
            self._pending += [
                _Pending(at + SECOND_LOOK_SECONDS, one.sighting, is_second_look=True)
                for one, diagnosis in judged
                if diagnosis.verdict is Verdict.SIGKILL_UNKNOWN and not one.is_second_look
            ]
        return [
            (one.sighting, KillSeen(diagnosis=diagnosis, gaps=looked.case.gaps))
            for one, diagnosis in judged
            if diagnosis.verdict in KERNEL_OOM_VERDICTS
        ]


def _ended(pending: _Pending) -> float:
    """When that was, in seconds since 1970; what is stuck now, and an end without a time, is not put behind others."""
    end = pending.sighting.end if isinstance(pending.sighting, EndSeen) else None
    return end.finished_at.timestamp() if end and end.finished_at else 0.0


def _is_same(one: EndSeen | StuckSeen, other: EndSeen | StuckSeen) -> bool:
    """Whether both are of one end of one container."""
    if not (isinstance(one, EndSeen) and isinstance(other, EndSeen)):
        return False
    of_one = (one.pod.identity, one.container.name, key_of(one.container, one.end))
    return of_one == (other.pod.identity, other.container.name, key_of(other.container, other.end))


def _diagnosis(sighting: EndSeen | StuckSeen, looked: Looked) -> Diagnosis:
    """What the evidence says about it, with the pod as it was when it was seen."""
    pod = looked.with_evidence(sighting.pod)
    case = looked.case_about(pod)
    if isinstance(sighting, EndSeen):
        return diagnose_end(case, pod, sighting.container, sighting.end)
    return diagnose_container(case, pod, sighting.container)
