"""The numbers of an autoscaler in sentences: each says what it is, and from what it was made."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from kubectl_oom.judge.fits.autoscalers import TOLERANCE
from kubectl_oom.judge.fits.wording import amount, pods_words
from kubectl_oom.judge.instance import span_words
from kubectl_oom.judge.scaling.start import METRICS_SECONDS, SYNC_SECONDS
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Autoscaler, Quota, Room
    from kubectl_oom.judge.scaling.load import Load
    from kubectl_oom.judge.scaling.numbers import Numbers

LONG_DIP = 300.0  # seconds: within the controller's own default a dip needs no word


def number_sentences(numbers: Numbers, load: Load, made: Autoscaler) -> Iterator[str]:
    """How the target, the number of pods and the times came about."""
    yield (
        f"Target {made.target_percent}% of the request of {amount(numbers.request)}, {_size(made.target_bytes)} a pod on "
        f"average: {_binding(numbers)}."
    )
    yield (
        f"That leaves room below the limit of {amount(numbers.limit)}: {TOLERANCE:.0%} within which nothing is scaled, the "
        f"fullest pod at {load.fullest:.2f} times the average, and the {_size(numbers.rise)} that a pod rose at most within "
        f"the {_reaction(numbers)}."
    )
    total = load.total_of(made.min_replicas)
    needed = ceil(total / made.target_bytes)
    summed = f"{_size(load.total)} in {pods_words(load.pods_then)}"
    if total > load.total:
        summed += f" and as if all {made.min_replicas} were like that {_size(total)}"
    least = ", and one more than today at least" if made.max_replicas == made.min_replicas + 1 else ""
    yield (
        f"From {pods_words(made.min_replicas)}, as many as today, to {made.max_replicas}: the highest sum sampled at one time, "
        f"{summed}, is {pods_words(needed)} at the target, and half as many again "
        f"are for more load than was seen{least}."
    )
    dip = load.longest_dip((1 - TOLERANCE) * made.target_bytes)
    came_back = (
        f"; in the samples it fell below the target for up to {span_words(dip)} and came back" if dip > LONG_DIP else ""
    )
    yield (
        f"A pod goes once fewer have been enough for {span_words(made.keep_seconds)}{came_back}. One at a time, "
        f"{span_words(made.pause_seconds)} apart: the others take over its load, and that is seen so late."
    )


def _binding(numbers: Numbers) -> str:
    """Which of the three bounds made the target."""
    if numbers.ceiling <= min(numbers.steady, numbers.most):
        return f"more, and a pod could reach its limit of {amount(numbers.limit)} before another is ready"
    if numbers.steady <= numbers.most:
        return f"the level below which the pods of today stay for 95 % of the time, {_size(numbers.steady)}"
    return "as much as stays within the request while nothing is scaled"


def _reaction(numbers: Numbers) -> str:
    seconds, start = numbers.start.reaction_seconds, numbers.start
    ready = f"{span_words(start.seconds)} until it is ready, as {pods_words(start.pods)} of it took"
    if not start.pods:
        ready = f"{span_words(start.seconds)} until it is ready, which is assumed"
    noticed = f"{span_words(METRICS_SECONDS + SYNC_SECONDS)} until the controller sees it"
    return f"{span_words(seconds)} until another pod takes load: {noticed}, {ready}"


def too_fast(numbers: Numbers, load: Load) -> str:
    """Why scaling comes too late."""
    return (
        f"Its memory rises faster than pods start: by up to {_size(numbers.rise)} within the {_reaction(numbers)}. Below the "
        f"limit of {amount(numbers.limit)} that leaves no target that its pods ever go clearly below: they hold "
        f"{_size(load.low)} at their lowest."
    )


def not_far_enough(numbers: Numbers, load: Load) -> str:
    """Why pods that were added would stay."""
    return (
        f"Its memory falls with load, but not far enough: pods hold {_size(load.low)} at their lowest, and one more than the "
        f"{numbers.pods} of today only goes again below {_size(numbers.comes_back_at * numbers.target)}. An autoscaler would "
        "add pods, and hardly ever take one away."
    )


def quota_warnings(room: Room | None, made: Autoscaler) -> Iterator[str]:
    """Each quota that holds fewer pods than the autoscaler may start."""
    for quota in room.quotas if room else ():
        left = _left(quota)
        more = (made.max_replicas - made.min_replicas) * made.request_bytes
        if left is not None and left < more:
            yield (
                f"ResourceQuota {quota.name} has {_size(max(0, left))} of requests left, and {made.max_replicas} pods ask for "
                f"{_size(more)} more than {made.min_replicas} do."
            )


def _left(quota: Quota) -> int | None:
    if quota.counts is False or quota.hard_requests_bytes is None or quota.used_requests_bytes is None:
        return None
    return quota.hard_requests_bytes - quota.used_requests_bytes


def _size(count: float) -> str:
    return show_bytes(round(count))
