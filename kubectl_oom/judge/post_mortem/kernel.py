"""Why the kernel kills and does not throttle: only the sentences that apply to the verdict at hand.

The rules are those of the kernel's cgroup documentation (memory.max, memory.high, memory.oom.group) and of the
kubelet's (QoS classes and oom_score_adj, swap).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Verdict
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Diagnosis

_NOTHING_TO_WAIT_FOR = (
    "A CPU limit makes a program wait, because the next period brings new CPU time. Memory that a program holds comes "
    "back only when the program lets go of it: there is nothing to wait for, so nothing is throttled."
)
_NO_OTHER_PLACE = (
    "A program's own memory could go nowhere but to swap, and the kubelet gives containers none unless it is told to."
)
_THE_BRAKE = (
    "The kernel has a brake for memory, memory.high; the kubelet sets it only where its feature MemoryQoS is on."
)
# What the kernel adds to a process's badness, per QoS class: the kubelet's pkg/kubelet/qos.
_QOS_WORDS = {
    "Guaranteed": "comes last (oom_score_adj -997)",
    "Burstable": "stands in between (oom_score_adj 3 to 999, the lower the more of the node's memory it requests)",
    "BestEffort": "comes first (oom_score_adj 1000)",
}


def why_no_throttling(told: Diagnosis, qos_class: str | None) -> tuple[str, ...]:
    """The sentences, in the order they are to be read; none where the kernel did not kill."""
    return tuple(_sentences(told, qos_class))


def _sentences(told: Diagnosis, qos_class: str | None) -> Iterator[str]:
    match told.verdict:
        case Verdict.CONTAINER_LIMIT:
            limit = f"its limit of {show_bytes(told.limit_bytes)}" if told.limit_bytes else "its limit"
            yield from _of_a_limit(told, f"what is charged to the container reaches {limit}")
        case Verdict.POD_LIMIT:
            yield from _of_a_limit(told, "what is charged to the pod reaches the limit of the pod")
            yield "Files in a memory-backed volume cannot be taken back either: only deleting them frees them."
        case Verdict.OOM_SCOPE_UNKNOWN:
            yield from _of_a_limit(told, "a limit above the process is reached (which one, the evidence does not say)")
        case Verdict.CHILD_KILLED:
            yield (
                "When the limit is reached and nothing more can be taken back, the kernel kills one process of the "
                "container, mostly the largest. That was a child here, and the main process was not told."
            )
            yield _NOTHING_TO_WAIT_FOR
        case Verdict.NODE:
            yield from _of_the_node(told, qos_class)
        case Verdict.START_OOM:
            yield (
                "Starting a container needs some memory of its own, within the container's limit. Below that the kernel "
                "kills before the program runs, and every restart meets the same limit."
            )
        case _:
            return


def _of_a_limit(told: Diagnosis, when: str) -> Iterator[str]:
    yield f"When {when}, the kernel first takes back what it can, such as file cache. Only when that is not enough does it kill."
    yield from _taken_back(told)
    yield _NOTHING_TO_WAIT_FOR
    yield _NO_OTHER_PLACE
    yield _THE_BRAKE


def _taken_back(told: Diagnosis) -> Iterator[str]:
    """How much there was to take back, where a sample knows both numbers."""
    last = told.last_sample
    if last is None or last.usage_bytes is None or last.working_set_bytes is None:
        return
    cache = last.usage_bytes - last.working_set_bytes
    if cache > 0:
        yield (
            f"At the last sample {show_bytes(cache)} of {show_bytes(last.usage_bytes)} was inactive file cache, which it "
            "can take back first."
        )
    else:
        yield "The last sample shows no inactive file cache that it could have taken back."


def _of_the_node(told: Diagnosis, qos_class: str | None) -> Iterator[str]:
    yield (
        "The memory of the node, or the share of it that all pods have, was used up. The kernel then kills the process "
        "with the highest score: its size, moved up or down by what the kubelet set for its pod."
    )
    words = _QOS_WORDS.get(qos_class or "")
    if words:
        yield f"The pod's QoS class is {qos_class}, which {words}."
    if told.request_bytes is not None:
        yield f"Its request is {show_bytes(told.request_bytes)}: up to there the scheduler had counted on it, above it not."
    else:
        yield "It requests no memory, so the scheduler had not counted on any."
    yield "A limit of its own does not protect a container from this; a request does."
    yield _NOTHING_TO_WAIT_FOR
