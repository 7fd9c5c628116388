"""What the cluster allows: a size held against limits, quotas, nodes and whoever else sets sizes or replicas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.judge.fits.autoscalers import horizontal, vertical
from kubectl_oom.judge.fits.limits import limit_ranges, pod_level
from kubectl_oom.judge.fits.nodes import nodes, nodes_free
from kubectl_oom.judge.fits.offer import offer_of
from kubectl_oom.judge.fits.pod import Trial, trial_of
from kubectl_oom.judge.fits.quota import quotas
from kubectl_oom.judge.fits.standing import owner, qos

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kubectl_oom.evidence import Fit, Pod, Recommendation, Room, Sizes


def fits_of(
    size: Recommendation, room: Room | None, pods: Sequence[Pod], together: Mapping[str, Sizes]
) -> tuple[tuple[Fit, ...], Sizes | None]:
    """Each check with its numbers, and what does fit where the size does not.

    `pods` live, the newest first. `together` holds the recommended sizes of all containers of the workload, which are
    set at once. The second answer is None where the size fits, and where nothing sound would.
    """
    if size.recommended is None or room is None:
        return (), None
    trial = trial_of(size, room, pods, together)
    if trial is None:  # neither a pod nor a template is known
        return tuple(owner(room)), None
    refusals = tuple(_certain(trial))
    offer = None if all(fit.ok for fit in refusals) else offer_of(trial, _passes)
    return (*refusals, *nodes_free(trial), *vertical(trial), *horizontal(trial), *owner(room), *qos(trial)), offer


def _certain(trial: Trial) -> Iterator[Fit]:
    """What the API server, the scheduler or the node will certainly refuse, or certainly not."""
    yield from limit_ranges(trial)
    yield from pod_level(trial)
    yield from quotas(trial)
    yield from nodes(trial)


def _passes(trial: Trial) -> bool:
    return all(fit.ok for fit in _certain(trial))
