"""Faults of rules about how much memory is used."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.judge.alert_lint import metrics
from kubectl_oom.judge.alert_lint.around import Place, is_in_call, joined_with, number
from kubectl_oom.judge.alert_lint.codes import Fault
from kubectl_oom.judge.alert_lint.joins import side_of
from kubectl_oom.judge.alert_lint.syntax import (
    KEEPS_SERIES,
    Aggregation,
    Binary,
    Call,
    Expr,
    Literal,
    Matcher,
    Paren,
    Selector,
    bare,
    selectors,
    walk,
)

if TYPE_CHECKING:
    from kubectl_oom.judge.alert_lint.syntax import Above

_NAMED = Matcher("container", "!=", "")
_NO_SANDBOX = Matcher("container", "!=", "POD")
_SOME_VALUE = "k8s-1d"  # stands for any id that a runtime may give


def old_labels(place: Place) -> Fault | None:
    """`pod_name` and `container_name`."""
    node = place.node
    if isinstance(node, Selector):
        if not metrics.labels_of(node.name) or not any(m.label in _OLD for m in node.matchers):
            return None
        matchers = tuple(replace(m, label=_OLD.get(m.label, m.label)) for m in node.matchers)
        return Fault("old-labels", node, replace(node, matchers=matchers))
    if isinstance(node, Aggregation | Binary) and any(label in _OLD for label in node.labels):
        if not any("container" in metrics.labels_of(s.name) for s in selectors(node)):
            return None
        labels = tuple(dict.fromkeys(_OLD.get(label, label) for label in node.labels))
        return Fault("old-labels", node, replace(node, labels=labels))
    return None


_OLD = {"pod_name": "pod", "container_name": "container"}


def name_label(place: Place) -> Fault | None:
    """`name!=""` for `container!=""`."""
    node = place.node
    if not isinstance(node, Selector) or node.name not in _CGROUP:
        return None
    if not any(m.label == "name" and m.op in ("!=", "=~") for m in node.matchers):
        return None
    if metrics.accepts(node, "name", "") or not metrics.accepts(node, "name", _SOME_VALUE):
        return None
    added = () if _excludes(node, "") else (_NAMED, _NO_SANDBOX)
    return Fault("name-is-an-id", node, replace(node, matchers=(*metrics.without_label(node, "name"), *added)))


_CGROUP = metrics.CGROUP_GAUGES | metrics.OOM_EVENTS


def pod_totals(place: Place) -> Fault | None:
    """Whole pods counted beside their containers, and sandboxes."""
    node = place.node
    if not isinstance(node, Selector) or node.name not in _CGROUP or _is_about_no_container(node):
        return None
    if is_in_call(place, "absent", "absent_over_time"):
        return None
    if not _excludes(node, ""):
        image_named = not metrics.accepts(node, "image", "")
        if image_named or _is_dropped_by_a_join(place, ""):
            return None
        added = (_NAMED, *((_NO_SANDBOX,) if metrics.accepts(node, "container", "POD") else ()))
        return Fault("pod-totals-counted", node, replace(node, matchers=(*node.matchers, *added)))
    if _excludes(node, "POD") or _is_dropped_by_a_join(place, "POD"):
        return None
    return Fault("sandbox-counted", node, replace(node, matchers=(*node.matchers, _NO_SANDBOX)))


def _excludes(selector: Selector, container: str) -> bool:
    return not metrics.accepts(selector, "container", container)


def _is_about_no_container(selector: Selector) -> bool:
    """Whether totals are what it asks for."""
    if any(m.label in _OLD for m in selector.matchers):
        return True  # they are told of by themselves
    totals = not metrics.accepts(selector, "container", "app") and metrics.accepts(selector, "container", "")
    return (
        totals
        or any(m.label in ("id", "name") for m in selector.matchers)
        or not metrics.accepts(selector, "image", "x")
    )


def _is_dropped_by_a_join(place: Place, container: str) -> bool:
    """Whether the other side of a join has no series of such a container, as kube-state-metrics never has."""
    for operator, other in joined_with(place):
        if operator.op == "unless" and other is operator.right:
            continue  # what finds no partner stays
        if _is_by_container(operator, other) and any(_has_none(s, container) for s in selectors(other)):
            return not _is_summed_away(place.above, operator)
    return False


def _is_by_container(operator: Binary, other: Expr) -> bool:
    if operator.matching == "on":
        return "container" in map(metrics.plain, operator.labels)
    side = side_of(other)  # all labels are compared, but for those that are ignored
    return side is not None and "container" in side.labels - frozenset(map(metrics.plain, operator.labels))


def _has_none(selector: Selector, container: str) -> bool:
    of_containers = "container" in metrics.labels_of(selector.name)
    of_state = metrics.exporter_of(selector.name) == "kube-state-metrics"
    return of_containers and (of_state or _excludes(selector, container))


def _is_summed_away(above: Above, operator: Binary) -> bool:
    for outer in above:
        if outer is operator:
            return False
        if isinstance(outer, Aggregation) and outer.op in KEEPS_SERIES:
            continue
        if isinstance(outer, Aggregation) and (outer.grouping != "by" or "container" not in outer.labels):
            return True
    return False


def wrong_metric(place: Place) -> Fault | None:
    """Metrics that stand for something else, or for nothing any more."""
    node = place.node
    if not isinstance(node, Selector):
        return None
    if node.name in metrics.OLD_SIZES:
        memory = Matcher("resource", "=", "memory")
        new = replace(node, name=metrics.OLD_SIZES[node.name], matchers=(memory, *node.matchers))
        return Fault("old-limits-metric", node, new)
    working_set = replace(node, name=metrics.WORKING_SET)
    if not place.rule.is_alert:
        return None  # to record it is no fault
    if node.name in metrics.PARTS_ADD_UP_TO and _is_added_up(place):
        return None
    match node.name:
        case "container_memory_usage_bytes":
            return Fault("usage-bytes", node, working_set)
        case "container_memory_max_usage_bytes":
            return Fault("highest-usage", node, working_set)
        case "container_memory_rss":
            return Fault("rss-is-not-all", node, working_set)
        case "container_memory_failcnt":
            return Fault("failcnt", node)
        case _:
            return None


def _is_added_up(place: Place) -> bool:
    """Whether other parts of the memory are added to it or taken off: usage less inactive file is the working set."""
    others = (other for operator, other in joined_with(place) if operator.op in ("+", "-"))
    return any(s.name in metrics.PARTS for other in others for s in selectors(other))


def resource_not_chosen(place: Place) -> Fault | None:
    """Limits of everything, in an expression about memory."""
    node = place.node
    if not isinstance(node, Selector) or node.name not in metrics.SPEC_SIZES or metrics.matchers_of(node, "resource"):
        return None
    whole = place.above[-1] if place.above else node
    if any(m.label == "unit" for m in node.matchers) or not any(s.name in metrics.USED for s in selectors(whole)):
        return None
    memory = Matcher("resource", "=", "memory")
    return Fault("resource-not-chosen", node, replace(node, matchers=(memory, *node.matchers)))


def unguarded_limit(place: Place) -> Fault | None:
    """A limit that is 0 where there is none, divided by or compared with."""
    node = place.node
    if not isinstance(node, Selector) or node.name != metrics.CGROUP_LIMIT or node.window:
        return None
    divided = exceeded = False
    inner: Expr = node
    for outer in place.above:
        if isinstance(outer, Binary):
            if _drops_unlimited(outer, inner) or (_drops_infinite if divided else _drops_zero)(outer, inner):
                return None
            divided = divided or (outer.op == "/" and outer.right is inner)
            exceeded = exceeded or (not divided and _is_exceeded(outer, inner))
        inner = outer
    if not (divided or exceeded):
        return None
    return Fault("unlimited-is-infinite", node, Paren(Binary(">", node, Literal("0"))))


def _is_exceeded(operator: Binary, inner: Expr) -> bool:
    """Whether memory is compared with the limit, or a part of it: all memory is more than 0."""
    other = operator.left if operator.right is inner else operator.right
    wanted = (">", ">=") if operator.right is inner else ("<", "<=")
    return operator.op in wanted and any(s.name in metrics.USED for s in selectors(other))


def _compared_with(operator: Binary, inner: Expr) -> float | None:
    return number(operator.right) if operator.left is inner and not operator.is_bool else None


def _drops_zero(operator: Binary, inner: Expr) -> bool:
    value = _compared_with(operator, inner)
    if value is None:
        return False
    return (
        (operator.op == ">" and value >= 0) or (operator.op == ">=" and value > 0) or (operator.op, value) == ("!=", 0)
    )


def _drops_infinite(operator: Binary, inner: Expr) -> bool:
    value = _compared_with(operator, inner)
    if value is None:
        return False
    infinite = value == float("inf")
    return operator.op == "<" or (operator.op == "<=" and not infinite) or (operator.op == "!=" and infinite)


def _drops_unlimited(operator: Binary, inner: Expr) -> bool:
    """Whether a join beside it leaves only what has a limit, or takes away what has none."""
    if operator.left is not inner or operator.op not in ("and", "unless"):
        return False
    if operator.op == "and" and any(s.name == metrics.SPEC_LIMIT for s in selectors(operator.right)):
        return True
    for one, _ in walk(operator.right):
        if (
            isinstance(one, Binary)
            and isinstance(limit := bare(one.left), Selector)
            and limit.name == metrics.CGROUP_LIMIT
        ):
            if operator.op == "and" and _drops_zero(one, one.left):
                return True
            if operator.op == "unless" and one.op in ("==", "<=", "<") and number(one.right) is not None:
                return True
    return False


def ratio_of_sums(place: Place) -> Fault | None:
    """A pod's memory over its limits, each summed up."""
    node = place.node
    if not isinstance(node, Binary) or node.op != "/":
        return None
    left, right = bare(node.left), bare(node.right)
    if not (_is_sum_by_pod(left) and _is_sum_by_pod(right)):
        return None
    limits = {metrics.CGROUP_LIMIT, *metrics.SPEC_SIZES, *metrics.OLD_SIZES}
    over = {s.name for s in selectors(right)}
    if not (any(s.name in metrics.USED for s in selectors(left)) and over & limits and over <= limits):
        return None
    shared = [label for label in _labels(left) if label in _labels(right) and label not in metrics.OF_A_CONTAINER]
    labels = (*shared, *metrics.OF_A_CONTAINER)
    largest = [Aggregation("max", "by", labels, side.args) for side in (left, right) if isinstance(side, Aggregation)]
    return Fault("ratio-of-sums", node, Binary("/", largest[0], largest[1]))


def _labels(expr: Expr) -> tuple[str, ...]:
    return expr.labels if isinstance(expr, Aggregation) else ()


def _is_sum_by_pod(expr: Expr) -> bool:
    return (
        isinstance(expr, Aggregation)
        and expr.op == "sum"
        and expr.grouping == "by"
        and "pod" in expr.labels
        and "container" not in expr.labels
    )


def wrong_function(place: Place) -> Fault | None:
    """A counter's function on a gauge, or the other way round."""
    node = place.node
    if not isinstance(node, Call):
        return None
    names = {arg.name for arg in node.args if isinstance(arg, Selector) and arg.window}
    if node.name in _FOR_GAUGES and names & (metrics.CGROUP_GAUGES | metrics.SPEC_SIZES):
        return Fault("rate-of-gauge", node, replace(node, name=_FOR_GAUGES[node.name]))
    if node.name in ("delta", "idelta", "deriv") and names & metrics.COUNTERS:
        name = "rate" if node.name == "deriv" else "increase"
        return Fault("delta-of-counter", node, replace(node, name=name))
    return None


_FOR_GAUGES = {"rate": "deriv", "irate": "deriv", "increase": "delta"}
CHECKS = (
    old_labels,
    name_label,
    wrong_metric,
    wrong_function,
    resource_not_chosen,
    ratio_of_sums,
    pod_totals,
    unguarded_limit,
)
