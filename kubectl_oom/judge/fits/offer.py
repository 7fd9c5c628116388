"""What does fit where the recommended size does not: the largest clean size that is still sound."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Sizes
from kubectl_oom.judge.rounding import clean_size, clean_size_within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kubectl_oom.judge.fits.pod import Trial


def offer_of(trial: Trial, passes: Callable[[Trial], bool]) -> Sizes | None:
    """The largest size that passes; None where nothing down to the floor of the recommendation does."""
    for sizes in _candidates(trial):
        if sizes != trial.size.recommended and passes(trial.instead(sizes)):
            return sizes
    return None


def _candidates(trial: Trial) -> Iterator[Sizes]:
    """From the recommended limit down to the floor, each with a request that the LimitRanges take."""
    wanted = trial.size.recommended
    if wanted is None or wanted.limit_bytes is None or wanted.request_bytes is None:
        return
    least, ratio = _least(trial), _ratio(trial)
    floor = wanted.limit_bytes if trial.size.floor_bytes is None else trial.size.floor_bytes
    limit = max(wanted.limit_bytes, clean_size(least))
    while limit >= max(floor, least, 1):
        steady = limit if wanted.request_bytes >= wanted.limit_bytes else min(wanted.request_bytes, limit)
        bound = ceil(limit / ratio) if ratio else 0
        request = max(steady, least, bound)
        yield Sizes(request_bytes=min(request if request == steady else clean_size(request), limit), limit_bytes=limit)
        limit = clean_size_within(limit - 1)


def _least(trial: Trial) -> int:
    """What a LimitRange asks of a container at least."""
    rules = [rule for rule in trial.room.limit_rules if rule.scope == "Container"]
    return max((rule.min_bytes for rule in rules if rule.min_bytes is not None), default=0)


def _ratio(trial: Trial) -> float | None:
    rules = [rule for rule in trial.room.limit_rules if rule.scope == "Container"]
    return min((rule.max_limit_to_request for rule in rules if rule.max_limit_to_request), default=None)
