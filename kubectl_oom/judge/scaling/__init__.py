"""More replicas in place of more memory: whether a HorizontalPodAutoscaler on memory would help, and its numbers.

Constants of the controller: kubernetes/kubernetes, pkg/controller/podautoscaler and its flags. Why the rest is as it
is: docs/decisions/0013-replicas-instead.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Autoscaler, ContainerType, Scaling, ScalingAnswer
from kubectl_oom.judge.fits.autoscalers import TOLERANCE
from kubectl_oom.judge.samples import is_coarse
from kubectl_oom.judge.scaling.falling import falls_with_load, keeps_its_heap
from kubectl_oom.judge.scaling.load import load_of
from kubectl_oom.judge.scaling.numbers import numbers_of
from kubectl_oom.judge.scaling.standing import counts_by_memory, standing, warned
from kubectl_oom.judge.scaling.words import not_far_enough, number_sentences, quota_warnings, too_fast

if TYPE_CHECKING:
    from kubectl_oom.evidence import Container, ContainerHistory, Pod, Recommendation, Room, Sizes
    from kubectl_oom.judge.scaling.load import Load
    from kubectl_oom.judge.scaling.numbers import Numbers

# Half as many pods again as what was seen would need: of real machines that were seen for a week, 20 of 100 go more
# than 15 % over their highest sample in the next, and a pod needs some memory whatever its load is.
MORE_LOAD = 1.5
SHORTEST_KEEP, LONGEST_KEEP = 300, 3600  # seconds: the controller's default, and the most that the API takes
KEEP_STEP = 300
LONGEST_PAUSE = 1800  # seconds: the most that the API takes
PAUSE_STEP = 60


@dataclass(frozen=True, slots=True)
class Scalable:
    """One container of a workload, and what is known around it."""

    history: ContainerHistory
    size: Recommendation
    wanted: Sizes | None  # the size it will have: what is offered where the recommended one does not fit
    container: Container | None  # as the newest living pod has it
    pods: tuple[Pod, ...]  # living
    room: Room | None


def scaling_of(subject: Scalable) -> Scaling | None:
    """Whether more replicas are the answer; None for init containers and those beside the program."""
    if subject.size.container_type not in (ContainerType.APP, None):
        return None
    stands = standing(subject.size, subject.room)
    if stands and not counts_by_memory(subject.size, subject.room):
        return stands
    load = None if is_coarse(subject.history.stepped_seconds) else load_of(subject.history)
    falls = falls_with_load(subject.history, subject.size, load)
    if stands:
        return warned(stands, subject.room, falls)
    falls = replace(falls, warnings=keeps_its_heap(subject.container))
    if falls.answer is not ScalingAnswer.APPLIES or load is None:
        return falls
    sizes = subject.wanted
    if sizes is None or sizes.limit_bytes is None or sizes.request_bytes is None:
        return Scaling(
            answer=ScalingAnswer.UNKNOWN,
            reason="No size is recommended, and the numbers of an autoscaler are made from that.",
            would_tell="samples of its memory",
        )
    pods = subject.size.replicas or 0
    numbers = numbers_of(load, subject.history, subject.pods, pods, (sizes.request_bytes, sizes.limit_bytes))
    return _answered(subject, load, numbers, falls)


def _answered(subject: Scalable, load: Load, numbers: Numbers, falls: Scaling) -> Scaling:
    """The numbers, or why there are none that would work."""
    if load.low > numbers.comes_back_at * numbers.target:
        if load.low <= numbers.comes_back_at * min(numbers.steady, numbers.most):
            return Scaling(answer=ScalingAnswer.TOO_FAST, reason=too_fast(numbers, load), warnings=falls.warnings)
        return Scaling(
            answer=ScalingAnswer.DOES_NOT_FALL, reason=not_far_enough(numbers, load), warnings=falls.warnings
        )
    made = _autoscaler(subject, load, numbers)
    return replace(
        falls,
        sentences=(*number_sentences(numbers, load, made), *_first_the_size(subject)),
        warnings=(*falls.warnings, *quota_warnings(subject.room, made)),
        autoscaler=made,
    )


def _first_the_size(subject: Scalable) -> tuple[str, ...]:
    if subject.wanted == subject.size.current:
        return ()
    return ("Set the size first: the target is a share of the new request, and was made for the new limit.",)


def _autoscaler(subject: Scalable, load: Load, numbers: Numbers) -> Autoscaler:
    dip = load.longest_dip((1 - TOLERANCE) * numbers.target)
    keep = ceil((dip + load.width) / KEEP_STEP) * KEEP_STEP if dip else SHORTEST_KEEP
    pause = ceil(numbers.start.reaction_seconds / PAUSE_STEP) * PAUSE_STEP
    return Autoscaler(
        container=None if _is_alone(subject) else subject.size.container,
        target_percent=numbers.percent,
        target_bytes=numbers.target,
        request_bytes=numbers.request,
        min_replicas=numbers.pods,
        max_replicas=max(numbers.pods + 1, ceil(MORE_LOAD * load.total_of(numbers.pods) / numbers.target)),
        keep_seconds=min(LONGEST_KEEP, max(SHORTEST_KEEP, keep)),
        pause_seconds=min(LONGEST_PAUSE, pause),
    )


def _is_alone(subject: Scalable) -> bool:
    """Whether the pod's memory is the container's: nothing runs beside it, and the pod has no request of its own."""
    running = (ContainerType.APP, ContainerType.SIDECAR)
    beside = {one.name for pod in subject.pods for one in pod.containers if one.type in running}
    beside |= {one.name for one in subject.room.template if one.type in running} if subject.room else set()
    own_request = any(pod.request_bytes is not None for pod in subject.pods)
    own_request |= subject.room is not None and subject.room.pod_request_bytes is not None
    return beside <= {subject.size.container} and not own_request
