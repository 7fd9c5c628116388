"""The faults of one expression, and the expression without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Severity
from kubectl_oom.judge.alert_lint import joins, kills, memory
from kubectl_oom.judge.alert_lint.around import Place
from kubectl_oom.judge.alert_lint.codes import LINTS, Fault
from kubectl_oom.judge.alert_lint.metrics import is_exported
from kubectl_oom.judge.alert_lint.syntax import Aggregation, Binary, Expr, Selector, replaced, text_of, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence.alerting import FoundRule

_CHECKS = (*memory.CHECKS, *kills.CHECKS, *joins.CHECKS)
# One change at a time; a rule with more faults than that is better written anew.
MOST_CHANGES = 30


def faults_of(expr: Expr, rule: FoundRule) -> Iterator[tuple[Fault, Expr]]:
    """Every fault with the part that its `instead` is for."""
    for node, above in walk(expr):
        place = Place(node, above, rule)
        for check in _CHECKS:
            if fault := check(place):
                yield fault, node


def mended(expr: Expr, rule: FoundRule) -> str | None:
    """The expression without its faults; None where one stays, or the labels are not those that are known."""
    if _has_exported_labels(expr):
        return None
    for _ in range(MOST_CHANGES):
        found = list(faults_of(expr, rule))
        if not found:
            return text_of(expr)
        ready = [(node, fault.instead) for fault, node in found if fault.instead is not None]
        if not ready:
            break
        node, instead = ready[0]
        expr = replaced(expr, node, instead)
    serious = [fault for fault, _ in faults_of(expr, rule) if LINTS[fault.code].severity is not Severity.INFO]
    return None if serious else text_of(expr)


def _has_exported_labels(expr: Expr) -> bool:
    """Whether the scrape does not honour labels: what is added here would name the exporter's own pod."""
    labels: list[str] = []
    for node, _ in walk(expr):
        if isinstance(node, Aggregation | Binary):
            labels += node.labels
        if isinstance(node, Selector):
            labels += [matcher.label for matcher in node.matchers]
    return is_exported(labels)
