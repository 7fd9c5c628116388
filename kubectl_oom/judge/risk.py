"""What threatens a container at its size of today."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Confidence, Pattern, Risk
from kubectl_oom.judge.seen import is_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import ContainerHistory, Kill, Proposal, Recommendation

CLOSE = 0.9  # of the limit: where the kubernetes-mixin and most teams begin to look
# What grows so slowly that today's limit lasts this long is no risk of now: rollouts come more often.
SOON = timedelta(weeks=4)
_ORDER = list(Risk)


def risk_of(history: ContainerHistory, size: Recommendation, *, kills: Sequence[Kill], highest: int | None) -> Risk:
    """The worst of what is known; `kills` are those that speak of the container's own limit.

    A limit that was raised above every one that killed is judged by the rest: it is `tight` until it is as large as
    recommended.
    """
    limit = size.current.limit_bytes
    wanted = size.recommended.limit_bytes if size.recommended else None
    if any(_stands(kill, limit) for kill in kills):
        return Risk.KILLED
    if wanted is None:
        return Risk.UNKNOWN
    if _grows(history, size):
        return Risk.GROWING
    if limit is None:
        return Risk.UNLIMITED
    if highest is not None and highest >= CLOSE * limit:
        return Risk.CLOSE
    return Risk.TIGHT if limit < wanted else Risk.NONE


def _stands(kill: Kill, limit: int | None) -> bool:
    """Whether it may have been killed at the limit of today: what nothing recorded may have been that one."""
    if kill.limit_bytes is None or not is_limit(kill.limit_bytes):
        return True
    return limit is not None and kill.limit_bytes >= limit


def _grows(history: ContainerHistory, size: Recommendation) -> bool:
    told = history.pattern in (Pattern.LEAK, Pattern.GROWTH) and history.confidence is not Confidence.POSSIBLE
    if not told and size.lasts_seconds is None:
        return False
    left = history.seconds_to_limit
    today, wanted = size.current.limit_bytes, size.recommended.limit_bytes if size.recommended else None
    if left is None and today is not None and wanted is not None and today >= wanted:
        left = size.lasts_seconds  # at least
    return left is None or left < SOON.total_seconds()


def by_risk(proposal: Proposal) -> tuple[object, ...]:
    """The order of an answer: those at risk first, and of equals those with more kills, and those that are fuller."""
    size = proposal.size
    limit = size.current.limit_bytes or 0
    share = (proposal.highest_bytes or 0) / limit if limit else 0.0
    name = size.workload.name if size.workload else ""
    return (_ORDER.index(proposal.risk), -proposal.kills, -share, size.namespace, name, size.container)
