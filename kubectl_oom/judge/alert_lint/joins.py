"""Faults of joins: what is compared with what."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kubectl_oom.judge.alert_lint import metrics
from kubectl_oom.judge.alert_lint.around import Place, join_labels
from kubectl_oom.judge.alert_lint.codes import Fault
from kubectl_oom.judge.alert_lint.syntax import (
    KEEPS_SERIES,
    Aggregation,
    Binary,
    Call,
    Expr,
    Paren,
    Selector,
    Subquery,
    bare,
    selectors,
)

_POD, _CONTAINER = frozenset(metrics.OF_A_CONTAINER[:2]), "container"
_KEEPS_LABELS = frozenset(
    {"label_replace", "label_join", "round", "clamp_max", "clamp_min", "clamp", "abs", "ceil", "floor"}
)


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of one side of an operator: its labels, and for raw series whose they are."""

    labels: frozenset[str]
    exporter: str = ""  # of raw series; empty for what was aggregated
    extra: frozenset[str] = frozenset()


def side_of(expr: Expr) -> Side | None:
    """The side; None where it is no series of containers, or not known."""
    expr = bare(expr)
    match expr:
        case Selector():
            labels, exporter = metrics.labels_of(expr.name), metrics.exporter_of(expr.name)
            return Side(labels, exporter, metrics.extra_labels(expr.name)) if labels else None
        case Aggregation() if expr.op in KEEPS_SERIES and expr.args:
            return side_of(expr.args[-1])
        case Aggregation() if expr.grouping == "by":
            about = any(metrics.labels_of(s.name) for s in selectors(expr))
            return Side(frozenset(map(metrics.plain, expr.labels))) if about else None
        case Call() if expr.name in _KEEPS_LABELS and expr.args:
            return side_of(expr.args[0])
        case Call():
            series = [arg for arg in expr.args if isinstance(arg, Selector | Subquery) or side_of(arg)]
            return side_of(series[0]) if len(series) == 1 else None
        case Subquery():
            return side_of(expr.inner)
        case Binary():
            return _side_of_binary(expr)
        case _:
            return None


def _side_of_binary(expr: Binary) -> Side | None:
    left, right = side_of(expr.left), side_of(expr.right)
    if expr.op in ("and", "unless"):
        return left
    if left is None or right is None:
        constant = not list(selectors(expr.right if right is None else expr.left))
        return (left or right) if constant else None
    if expr.op == "or" or expr.matching is None:
        return left if left == right else None
    if expr.group or expr.matching == "ignoring":
        return None
    return Side(frozenset(map(metrics.plain, expr.labels)))


def too_few_labels(place: Place) -> Fault | None:
    """A join on part of a container's name."""
    node = place.node
    if not isinstance(node, Binary) or node.matching != "on":
        return None
    given = frozenset(map(metrics.plain, node.labels))
    if not given & {"pod", _CONTAINER} or "uid" in given:
        return None
    left, right = side_of(node.left), side_of(node.right)
    if left is None or right is None:
        return None
    both = frozenset(label for label in left.labels & right.labels if label in given or not _has_one_value(label, node))
    if (both & _POD) - given:
        wanted = tuple(label for label in metrics.OF_A_CONTAINER if label in both | given)
        return Fault("join-without-namespace", node, replace(node, labels=_with(node.labels, wanted)))
    if _CONTAINER in both - given and not node.group:
        return Fault("join-without-container", node, replace(node, labels=_with(node.labels, metrics.OF_A_CONTAINER)))
    if _CONTAINER in both - given and _are_both_of_containers(left, right):
        return Fault("join-without-container", node, replace(node, labels=_with(node.labels, metrics.OF_A_CONTAINER)))
    return None


def _has_one_value(label: str, join: Binary) -> bool:
    """Whether every series of both sides is chosen by the same one value of the label: then it tells nothing apart."""
    asked = [metrics.matchers_of(s, label) for s in selectors(join) if label in metrics.labels_of(s.name)]
    values = [{m.value for m in matchers if m.op == "=" and m.value} for matchers in asked]
    return bool(values) and all(len(found) == 1 and found == values[0] for found in values)


def _are_both_of_containers(left: Side, right: Side) -> bool:
    return bool(left.exporter and right.exporter)


def _with(labels: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, ...]:
    others = tuple(label for label in labels if label not in wanted)
    return tuple(label for label in others if label == "cluster") + wanted + tuple(x for x in others if x != "cluster")


def grouped_by_pod_alone(place: Place) -> Fault | None:
    """`by (pod)`: pods of the same name in two namespaces become one."""
    node = place.node
    if not isinstance(node, Aggregation) or node.grouping != "by":
        return None
    given = frozenset(map(metrics.plain, node.labels))
    if (
        "pod" not in given
        or given & {"namespace", "uid"}
        or not any(metrics.labels_of(s.name) for s in selectors(node))
    ):
        return None
    one_namespace = all(
        any(m.op == "=" and m.value for m in metrics.matchers_of(s, "namespace"))
        for s in selectors(node)
        if metrics.labels_of(s.name)
    )
    if one_namespace:
        return None
    return Fault("join-without-namespace", node, replace(node, labels=("namespace", *node.labels)))


def never_matches(place: Place) -> Fault | None:
    """Two sides whose labels always differ."""
    node = place.node
    if not isinstance(node, Binary) or node.op == "or" or node.matching == "on":
        return None
    left, right = side_of(node.left), side_of(node.right)
    if left is None or right is None or not _differ(left, right, node):
        return None
    labels = tuple(
        label
        for label in join_labels(place)
        if label == "cluster" or all(label in side.labels for side in (left, right))
    )
    if not set(labels) >= _POD:
        return Fault("join-never-matches", node)
    if node.op in ("and", "unless"):
        return Fault("join-never-matches", node, replace(node, matching="on", labels=labels))
    sides = [_one_per(side, expr, labels) for side, expr in ((left, node.left), (right, node.right))]
    return Fault("join-never-matches", node, replace(node, left=sides[0], right=sides[1], matching="on", labels=labels))


def _differ(left: Side, right: Side, node: Binary) -> bool:
    ignored = frozenset(node.labels) if node.matching == "ignoring" else frozenset()
    if not left.exporter and not right.exporter:
        return (left.labels ^ right.labels) - ignored != frozenset()
    if left.exporter and right.exporter:
        other_pods = left.exporter != right.exporter or left.labels != right.labels
        if other_pods and not ignored:
            return True
        return left.exporter == right.exporter and (left.extra ^ right.extra) - ignored != frozenset()
    return not ignored


def _one_per(side: Side, expr: Expr, labels: tuple[str, ...]) -> Expr:
    """One series per container: arithmetic needs exactly one on each side."""
    if not side.exporter and side.labels == frozenset(labels):
        return expr
    inner = expr.inner if isinstance(expr, Paren) else expr
    return Aggregation("max", "by", labels, (inner,))


CHECKS = (grouped_by_pod_alone, too_few_labels, never_matches)
