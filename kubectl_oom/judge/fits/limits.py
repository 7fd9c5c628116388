"""LimitRanges, and the limits of the pod itself: the API server refuses pods that break one of them.

The rules and what is summed are those of the LimitRanger admission plugin (plugin/pkg/admission/limitranger).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Fit
from kubectl_oom.judge.fits.pod import reserved
from kubectl_oom.judge.fits.wording import amount

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import LimitRule
    from kubectl_oom.judge.fits.pod import Trial


def limit_ranges(trial: Trial) -> Iterator[Fit]:
    """One fit per rule that speaks of memory."""
    for rule in trial.room.limit_rules:
        if rule.scope == "Pod":
            yield _held(rule, "pod", "the whole pod's", trial.then.ranged_request, trial.then.ranged_limit)
        elif (one := trial.then.container(trial.size.container)) is not None:
            yield _held(rule, "container", "its", reserved(one), one.limit_bytes)


def _held(rule: LimitRule, what: str, whose: str, request: int | None, limit: int | None) -> Fit:
    broken = list(_breaches(rule, whose, request, limit))
    if broken:
        detail = f"LimitRange {rule.name} refuses it for a {what}: {', and '.join(broken)}."
        return Fit(check="limit-range", ok=False, detail=detail, remedy=_remedy(rule, request, limit))
    detail = f"LimitRange {rule.name} lets a {what} have {_allowed(rule)}; {_size(whose, request, limit)}."
    return Fit(check="limit-range", ok=True, detail=detail)


def _breaches(rule: LimitRule, whose: str, request: int | None, limit: int | None) -> Iterator[str]:
    for name, value in (("request", request), ("limit", limit)):
        if value is not None and rule.min_bytes is not None and value < rule.min_bytes:
            yield f"{whose} {name} {amount(value)} is below the minimum of {amount(rule.min_bytes)}"
        if value is not None and rule.max_bytes is not None and value > rule.max_bytes:
            yield f"{whose} {name} {amount(value)} is above the maximum of {amount(rule.max_bytes)}"
    if request and limit and _too_far_apart(rule, request, limit):
        yield (
            f"{whose} limit {amount(limit)} is {limit / request:.3g} times the request {amount(request)}, "
            f"and {rule.max_limit_to_request:g} times is the most"
        )


def _allowed(rule: LimitRule) -> str:
    bounds = []
    if rule.min_bytes is not None:
        bounds.append(f"at least {amount(rule.min_bytes)}")
    if rule.max_bytes is not None:
        bounds.append(f"at most {amount(rule.max_bytes)}")
    if rule.max_limit_to_request is not None:
        bounds.append(f"a limit of at most {rule.max_limit_to_request:g} times the request")
    return ", ".join(bounds)


def _size(whose: str, request: int | None, limit: int | None) -> str:
    told = [f"{name} is {amount(v)}" for name, v in (("request", request), ("limit", limit)) if v is not None]
    return f"{whose} " + " and its ".join(told) if told else "nothing is set"


def _remedy(rule: LimitRule, request: int | None, limit: int | None) -> str:
    """What to change where the size is to stay: all of it, since one that is left refuses the pods as before."""
    return "; and ".join(_remedies(rule, request, limit))


def _remedies(rule: LimitRule, request: int | None, limit: int | None) -> Iterator[str]:
    given = [size for size in (request, limit) if size is not None]
    if rule.max_bytes is not None and max(given) > rule.max_bytes:
        yield f"raise max.memory of LimitRange {rule.name} to {amount(max(given))}"
    if rule.min_bytes is not None and min(given) < rule.min_bytes:
        yield f"ask for {amount(rule.min_bytes)}, or lower min.memory of LimitRange {rule.name}"
    if _too_far_apart(rule, request, limit):
        yield f"bring request and limit closer together, or raise maxLimitRequestRatio of LimitRange {rule.name}"


def _too_far_apart(rule: LimitRule, request: int | None, limit: int | None) -> bool:
    ratio = rule.max_limit_to_request
    return bool(ratio is not None and request and limit and limit / request > ratio)


def pod_level(trial: Trial) -> Iterator[Fit]:
    """The pod's own request and limit (spec.resources), where it has them."""
    then, one = trial.then, trial.then.container(trial.size.container)
    if one is None:
        return
    if then.pod_limit is not None and one.limit_bytes is not None:
        ok = one.limit_bytes <= then.pod_limit
        words = "has room for" if ok else "is below"
        yield Fit(
            check="pod-limit",
            ok=ok,
            detail=f"The pod's own limit of {amount(then.pod_limit)} {words} its limit of "
            f"{amount(one.limit_bytes)}" + ("." if ok else ", which the API server refuses."),
            remedy=None if ok else f"raise spec.resources of the pod to {amount(one.limit_bytes)} as well",
        )
    asked = then.containers_request
    if then.pod_request is not None and asked is not None:
        ok = asked <= then.pod_request
        words = "has room for" if ok else "is below"
        yield Fit(
            check="pod-limit",
            ok=ok,
            detail=f"The pod's own request of {amount(then.pod_request)} {words} the {amount(asked)} that "
            "its containers request" + ("." if ok else ", which the API server refuses."),
            remedy=None if ok else f"raise spec.resources of the pod to {amount(asked)} as well",
        )
