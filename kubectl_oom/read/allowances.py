"""LimitRanges and ResourceQuotas as evidence, as far as they speak of memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import LimitRule, Quota
from kubectl_oom.quantity import parse_cpus
from kubectl_oom.read.answer import part, parts, text, words
from kubectl_oom.read.resources import quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kubectl_oom.read.source import Json

_SCOPES = ("Container", "Pod")  # the third, PersistentVolumeClaim, speaks of storage
# Both names of the same bound; where both are set, the smaller room counts, which is what the API server checks too.
_REQUESTS = ("requests.memory", "memory")
_LIMITS = ("limits.memory",)


def limit_rules_of(item: Json) -> tuple[LimitRule, ...]:
    """The memory rules of a LimitRange; defaults are not rules."""
    found = []
    for limit in parts(part(item, "spec"), "limits"):
        rule = LimitRule(
            name=text(part(item, "metadata").get("name")) or "",
            scope=text(limit.get("type")) or "",
            min_bytes=quantity(part(limit, "min").get("memory")),
            max_bytes=quantity(part(limit, "max").get("memory")),
            max_limit_to_request=_ratio(part(limit, "maxLimitRequestRatio").get("memory")),
        )
        bounds = (rule.min_bytes, rule.max_bytes, rule.max_limit_to_request)
        if rule.scope in _SCOPES and any(bound is not None for bound in bounds):
            found.append(rule)
    return tuple(found)


def _ratio(value: object) -> float | None:
    """A plain number, in the notation of CPUs: `2`, `1500m`."""
    return parse_cpus(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def quota_of(item: Json, pod_spec: Json, priorities: Iterable[str | None]) -> Quota | None:
    """A ResourceQuota as the pods of one workload meet it; None where it does not bound memory.

    What is enforced is `status.hard`, which the quota controller copies from the spec. `priorities` are the priority
    classes of the workload's pods.
    """
    spec, status = part(item, "spec"), part(item, "status")
    hard, used = part(status, "hard") or part(spec, "hard"), part(status, "used")
    requests = _tightest(hard, used, _REQUESTS)
    limits = _tightest(hard, used, _LIMITS)
    if requests[0] is None and limits[0] is None:
        return None
    rules = [*parts(part(spec, "scopeSelector"), "matchExpressions")]
    rules += [{"scopeName": name, "operator": "Exists"} for name in words(spec, "scopes")]
    return Quota(
        name=text(part(item, "metadata").get("name")) or "",
        scopes=tuple(_printed(rule) for rule in rules),
        hard_requests_bytes=requests[0],
        used_requests_bytes=requests[1],
        hard_limits_bytes=limits[0],
        used_limits_bytes=limits[1],
        counts=_all_of([_holds(rule, pod_spec, set(priorities)) for rule in rules]),
    )


def _tightest(hard: Json, used: Json, names: Sequence[str]) -> tuple[int | None, int | None]:
    """Hard and used of the bound that leaves least."""
    bounds = [(quantity(hard.get(name)), quantity(used.get(name))) for name in names]
    known = [(most, taken) for most, taken in bounds if most is not None]
    return min(known, key=lambda bound: bound[0] - (bound[1] or 0), default=(None, None))


def _printed(rule: Json) -> str:
    """`NotTerminating`, `PriorityClass In (high)`."""
    name, operator = text(rule.get("scopeName")) or "", text(rule.get("operator")) or "Exists"
    if operator == "Exists":
        return name
    values = ", ".join(words(rule, "values"))
    return f"{name} {operator}" + (f" ({values})" if values else "")


def _all_of(answers: Sequence[bool | None]) -> bool | None:
    if False in answers:
        return False
    return None if None in answers else True


def _holds(rule: Json, pod_spec: Json, priorities: set[str | None]) -> bool | None:
    """Whether the workload's pods, with a memory request, are in this scope; None where that cannot be told."""
    scope = str(rule.get("scopeName"))
    if scope in ("BestEffort", "NotBestEffort"):
        return scope == "NotBestEffort"
    if not pod_spec:
        return None
    has_deadline = "activeDeadlineSeconds" in pod_spec
    if scope in ("Terminating", "NotTerminating"):
        return has_deadline == (scope == "Terminating")
    if scope == "CrossNamespacePodAffinity":
        return None if part(pod_spec, "affinity") else False
    if scope == "PriorityClass":
        return _of_priority(rule, priorities or {text(pod_spec.get("priorityClassName"))})
    return None


def _of_priority(rule: Json, priorities: set[str | None]) -> bool | None:
    """Where pods exist, their classes tell; a template without one may get the cluster's default."""
    if len(priorities) != 1:
        return None
    (name,) = priorities
    if name is None:
        return None
    named = set(words(rule, "values"))
    operators = {"In": name in named, "NotIn": name not in named, "Exists": True, "DoesNotExist": False}
    return operators.get(str(rule.get("operator") or "Exists"))
