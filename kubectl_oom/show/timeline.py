"""The life of one container instance in moments: started, last sample, killed, restarted, ready again, now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Verdict
from kubectl_oom.show.memory import end_word, still_running
from kubectl_oom.show.words import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kubectl_oom.evidence import Diagnosis

_END_LABELS = {
    Verdict.START_OOM: "died",
    Verdict.APP_HEAP: "ended",
    Verdict.STOPPED: "stopped",
    Verdict.EVICTED: "evicted",
    Verdict.NOT_OOM: "ended",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A row of the timeline; `at` is None for what has no time of its own or none that is known."""

    what: str
    at: datetime | None
    note: str = ""


def moments(diagnosis: Diagnosis) -> Iterator[Moment]:
    """What is known, in order; the end of a container is there even when its time is not."""
    before = []
    if diagnosis.started_at:
        before.append(Moment(what="started", at=diagnosis.started_at))
    if diagnosis.last_sample:
        before.append(Moment(what="last sample", at=diagnosis.last_sample.at))
    end = _end(diagnosis)
    yield from (moment for moment in before if not _follows(moment, end))
    yield end
    yield from (moment for moment in before if _follows(moment, end))
    if not still_running(diagnosis):
        yield from _recovery(diagnosis)
    yield Moment(what="now", at=None, note=now_words(diagnosis))


def recovery_seconds(diagnosis: Diagnosis) -> float | None:
    """Seconds from the end to ready again; None while it is not, or where that is not known."""
    if diagnosis.ready_again_at is None or diagnosis.killed_at is None or still_running(diagnosis):
        return None
    return (diagnosis.ready_again_at - diagnosis.killed_at).total_seconds()


def now_words(diagnosis: Diagnosis) -> str:
    """`2 of 3 replicas ready, restarted 6 times`."""
    told = []
    if diagnosis.serving is not None:
        ready, wanted = diagnosis.serving
        told.append(f"{ready} of {plural(wanted, 'replica')} ready")
    count = diagnosis.restart_count
    told.append(f"container restarted {plural(count, 'time')}" if count else "container never restarted")
    return ", ".join(told)


def _end(diagnosis: Diagnosis) -> Moment:
    if still_running(diagnosis):
        label = "process killed"
    elif diagnosis.verdict is Verdict.CHILD_KILLED:
        label = "ended"
    else:
        label = _END_LABELS.get(diagnosis.verdict, "killed")
    told = [diagnosis.reason] if diagnosis.reason else []
    if diagnosis.exit_code is not None:
        told.append(f"({diagnosis.exit_code})" if diagnosis.reason else f"exit code {diagnosis.exit_code}")
    if diagnosis.killed_at is None:
        told = [", ".join(filter(None, (" ".join(told), "no source says when")))]
    elif diagnosis.started_at and diagnosis.killed_at >= diagnosis.started_at:
        told.append(f"after {duration((diagnosis.killed_at - diagnosis.started_at).total_seconds())}")
    return Moment(what=label, at=diagnosis.killed_at, note=" ".join(told))


def _follows(moment: Moment, end: Moment) -> bool:
    return moment.at is not None and end.at is not None and moment.at > end.at


def _recovery(diagnosis: Diagnosis) -> Iterator[Moment]:
    killed_at, seconds = diagnosis.killed_at, recovery_seconds(diagnosis)
    if diagnosis.restarted_at:
        after = duration((diagnosis.restarted_at - killed_at).total_seconds()) if killed_at else None
        note = f"{after} after {end_word(diagnosis.verdict)}" if after else ""
        yield Moment(what="restarted", at=diagnosis.restarted_at, note=note)
    else:
        yield Moment(what="restarted", at=None, note="no restart seen")
    if diagnosis.ready_again_at:
        note = f"recovery took {duration(seconds)}" if seconds is not None else ""
        yield Moment(what="ready again", at=diagnosis.ready_again_at, note=note)
    elif diagnosis.restarted_at:
        yield Moment(what="ready again", at=None, note="not seen ready since")
