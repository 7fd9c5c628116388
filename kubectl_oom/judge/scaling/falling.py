"""Whether the memory of a workload falls with load, as far as its samples show, and what would keep it from falling."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Confidence, Pattern, Scaling, ScalingAnswer
from kubectl_oom.judge.instance import span_words
from kubectl_oom.judge.runtime import runtime_of
from kubectl_oom.judge.samples import is_coarse
from kubectl_oom.judge.trend import DAILY_FROM
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Container, ContainerHistory, Recommendation
    from kubectl_oom.judge.scaling.load import Load

ONLY_ADDS = "its memory does not fall with load: an autoscaler would only ever add pods"
# Pods of a StatefulSet have data of their own: another pod takes nothing over by itself.
OWN_DATA = frozenset({"StatefulSet"})
TWO_DAYS = "two days of samples, which hold two highs and two lows"
TRY_IT = "one pod more for some hours, twice, and whether the samples of the others fall"
# Collectors that give memory back by themselves (JEP 189, JEP 351), and G1 where it is told to (JEP 346).
_GIVES_BACK = re.compile(r"-XX:\+Use(?:ZGC|ShenandoahGC)(?!\w)|-XX:G1PeriodicGCInterval=0*[1-9]")
_KEEPS = re.compile(r"-XX:-(?:ZUncommit|ShenandoahUncommit)(?!\w)")
_ENDS = re.compile(r"-X(ms|mx)(\d{1,15}[kKmMgGtT]?)(?![\w.])")


def falls_with_load(history: ContainerHistory, size: Recommendation, load: Load | None) -> Scaling:
    """`applies` where memory falls with load, with how sure that is; else why not, or why that cannot be told."""
    if _grows(history, size):
        return _does_not("it grows and does not level off, and more pods would grow too")
    if load is None:
        return _too_little(history)
    if load.spreading:
        return _applies(
            f"Its memory is shared: with {load.spreading.most} pods each held about {load.spreading.share:.0%} less than with "
            f"{load.spreading.fewest}.",
            Confidence.LIKELY,
        )
    if load.daily and load.swings and load.given_back:
        return _by_the_day(history, load)
    if load.duration < DAILY_FROM:
        return _cannot_tell(
            f"{span_words(load.duration)} of samples do not tell whether its memory falls with load.",
            TWO_DAYS,
        )
    return _without_rhythm(load)


def _by_the_day(history: ContainerHistory, load: Load) -> Scaling:
    told = (
        f"Its memory seems to fall with load: every day it goes between {_size(load.low)} and {_size(load.steady)} a pod, "
        f"{span_words(load.duration)} seen"
    )
    kind = history.workload.kind if history.workload else None
    if kind in OWN_DATA:
        return _cannot_tell(
            f"{told}. Whether another pod of a {kind} would take some of that over, its samples do not show.", TRY_IT
        )
    return _applies(
        f"{told}. That another pod takes its share is what a Service does, and was not seen here.", Confidence.POSSIBLE
    )


def _without_rhythm(load: Load) -> Scaling:
    seen = span_words(load.duration)
    if not load.swings:
        return _does_not(
            f"in {seen} the average over its pods stayed between {_size(load.low)} and {_size(load.steady)}"
        )
    if not load.given_back:
        return _does_not(f"in {seen} it rose up to {_size(load.steady)} a pod, and came down by restarts alone")
    return _cannot_tell(
        f"It goes up and down between {_size(load.low)} and {_size(load.steady)} a pod, at no time of day: whether that is "
        "load, its samples do not tell.",
        f"the requests it serves beside its memory, or {TRY_IT}",
    )


def _grows(history: ContainerHistory, size: Recommendation) -> bool:
    """Whether it leaks, or holds more from day to day."""
    return history.pattern in (Pattern.LEAK, Pattern.GROWTH) or size.lasts_seconds is not None


def _too_little(history: ContainerHistory) -> Scaling:
    if is_coarse(history.stepped_seconds):
        return _cannot_tell(
            "Only numbers were read, not the course of its memory.", "name the workload, and it is read in full"
        )
    if any(life.working_set for life in history.lives):
        return _cannot_tell(
            "Its samples are too few, or all of starting pods: they do not tell whether its memory falls with load.",
            TWO_DAYS,
        )
    return _cannot_tell(
        "There are no samples that would tell whether its memory falls with load.",
        "a metrics engine with two days of samples: --prometheus-url",
    )


def _applies(reason: str, confidence: Confidence) -> Scaling:
    return Scaling(answer=ScalingAnswer.APPLIES, reason=reason, confidence=confidence)


def _does_not(why: str) -> Scaling:
    return Scaling(
        answer=ScalingAnswer.DOES_NOT_FALL, reason=f"{ONLY_ADDS[0].upper()}{ONLY_ADDS[1:]}. What tells: {why}."
    )


def _cannot_tell(reason: str, would_tell: str) -> Scaling:
    return Scaling(answer=ScalingAnswer.UNKNOWN, reason=reason, would_tell=would_tell)


def _size(count: float) -> str:
    return show_bytes(round(count))


# --- a heap that is kept -------------------------------------------------------------------------------------------


def keeps_its_heap(container: Container | None) -> tuple[str, ...]:
    """A sentence where the runtime keeps the memory that its heap has once taken, as far as its settings tell."""
    runtime = runtime_of(container) if container else None
    if container is None or runtime is None:
        return ()
    if runtime.name == "node":
        told = (
            "It runs on Node.js: V8 gives memory back after full collections only, which an idle process seldom makes. "
            "After a high of load a pod may keep what it took."
        )
        return (told,)
    return tuple(_jvm(container)) if runtime.name == "jvm" else ()


def _jvm(container: Container) -> Iterator[str]:
    given = " ".join((*container.command, *container.env.values()))
    ends = dict(_ENDS.findall(given))
    if ends.get("ms") is not None and ends.get("ms") == ends.get("mx"):
        yield (
            f"It runs on the JVM with -Xms as large as -Xmx ({ends['mx']}): the heap is never given back. With a smaller -Xms "
            "it could be."
        )
    elif _KEEPS.search(given) or not _GIVES_BACK.search(given):
        yield (
            "It runs on the JVM, which keeps the heap it has taken unless it is told otherwise: G1 by "
            "-XX:G1PeriodicGCInterval (JDK 12 and later), ZGC and Shenandoah by themselves. After a high of load a pod may keep "
            "what it took."
        )
