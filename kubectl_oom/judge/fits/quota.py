"""ResourceQuotas: what the workload's pods will ask for, at the worst moment of the rollout, and what is left.

Pods count until they are gone, so a rollout that starts new pods before it ends old ones needs more than the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Fit, Rollout
from kubectl_oom.judge.fits.pod import reserved
from kubectl_oom.judge.fits.wording import amount, pods_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Quota
    from kubectl_oom.judge.fits.pod import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """One bound of a quota, and what a pod counts for it."""

    quota: Quota
    resource: str  # as the quota names it
    hard: int
    used: int | None
    today: int  # by a pod of today
    then: int  # by a pod of the new size
    standing: int  # by the pods that live


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What is asked for beyond what is used today."""

    lasting: int  # once every pod has the new size
    most: int  # at the worst moment of the rollout


def quotas(trial: Trial) -> Iterator[Fit]:
    """One fit per bound on memory of the quotas that count the workload's pods, or may; none where nothing changes."""
    if trial.then == trial.today:  # and so nothing is rolled out
        return
    rollout = trial.room.rollout or Rollout(replicas=len(trial.standing) or 1, surge=0, strategy="")
    for bound in _bounds(trial):
        unset = _unset(trial, bound)
        if unset:
            yield _refused_for_want(bound, unset)
        elif bound.used is None:
            detail = f"{_named(bound)} allows {amount(bound.hard)}; how much of it is used is not known yet."
            yield Fit(check="quota", ok=True, detail=detail)
        else:
            replicas = len(trial.standing) if rollout.replicas is None else rollout.replicas
            yield _held(bound, bound.hard - bound.used, replicas, rollout)


def _bounds(trial: Trial) -> Iterator[_Bound]:
    today, then = trial.today, trial.then
    for quota in trial.room.quotas:
        if quota.counts is False:
            continue
        if quota.hard_requests_bytes is not None:
            yield _Bound(
                quota=quota,
                resource="requests.memory",
                hard=quota.hard_requests_bytes,
                used=quota.used_requests_bytes,
                today=today.request,
                then=then.request,
                standing=sum(pod.request for pod in trial.standing),
            )
        if quota.hard_limits_bytes is not None:
            yield _Bound(
                quota=quota,
                resource="limits.memory",
                hard=quota.hard_limits_bytes,
                used=quota.used_limits_bytes,
                today=today.limit,
                then=then.limit,
                standing=sum(pod.limit for pod in trial.standing),
            )


def _named(bound: _Bound) -> str:
    scopes = f" (for pods in scope {', '.join(bound.quota.scopes)})" if bound.quota.scopes else ""
    perhaps = ", which may count these pods," if bound.quota.counts is None else ""
    return f"ResourceQuota {bound.quota.name}{scopes}{perhaps} on {bound.resource}"


# --- containers without a number -------------------------------------------------------------------------------------


def _unset(trial: Trial, bound: _Bound) -> list[str]:
    """Containers that a quota refuses because they do not say what they ask for."""
    then = trial.then
    of_limits = bound.resource == "limits.memory"
    if (then.pod_limit if of_limits else then.pod_request) is not None:
        return []
    return [one.name for one in then.containers if (one.limit_bytes if of_limits else reserved(one)) is None]


def _refused_for_want(bound: _Bound, names: list[str]) -> Fit:
    side = bound.resource.partition(".")[0]
    return Fit(
        check="quota",
        ok=False,
        detail=f"{_named(bound)} refuses pods in which a container has no memory {side.removesuffix('s')}: "
        f"{', '.join(names)}.",
        remedy=f"set memory {side} of {', '.join(names)} too",
    )


# --- containers with one ---------------------------------------------------------------------------------------------


def _need(bound: _Bound, replicas: int, surge: int) -> _Need:
    """Of the pods of a rolling update, `replicas` and `surge` together at most, no more than `replicas` are new."""
    ended = replicas * bound.then
    finishing = ended + surge * bound.today
    starting = replicas * bound.today + surge * bound.then
    return _Need(lasting=ended - bound.standing, most=max(finishing, starting if surge else ended) - bound.standing)


def _held(bound: _Bound, left: int, replicas: int, rollout: Rollout) -> Fit:
    need = _need(bound, replicas, rollout.surge)
    ok = need.most <= left
    return Fit(
        check="quota",
        ok=ok,
        detail=f"{_named(bound)} allows {amount(bound.hard)} and {amount(bound.used or 0)} are used: "
        f"{_asked(bound, need, replicas, rollout)}{_verdict(need, left)}",
        remedy=None if ok else _remedy(bound, need, left, rollout),
    )


def _asked(bound: _Bound, need: _Need, replicas: int, rollout: Rollout) -> str:
    change = f"{pods_words(replicas)} of {amount(bound.then)} instead of {amount(bound.today)}"
    if need.most <= 0:
        return f"{change} need no more than today"
    if not rollout.surge:
        return f"{change} need {amount(need.most)} more"
    return f"{change}, with {rollout.surge} more while it rolls out, need {amount(need.most)} more"


def _verdict(need: _Need, left: int) -> str:
    if need.most <= left:
        return "." if need.most <= 0 else f" of the {amount(left)} left."
    rest = f"{amount(left)} are left" if left > 0 else "nothing is left"
    if need.lasting <= left:
        return f", and {rest}: the new size fits, but the rollout waits for pods to go first."
    return f", and {rest}: some of the pods would be refused."


def _remedy(bound: _Bound, need: _Need, left: int, rollout: Rollout) -> str:
    enough = amount((bound.used or 0) + need.most)
    raised = f"raise {bound.resource} of ResourceQuota {bound.quota.name} to {enough}"
    if need.lasting <= left and rollout.surge:
        return f"{raised}, or roll out without a surge (maxSurge: 0)"
    return f"{raised}, or run fewer pods"
