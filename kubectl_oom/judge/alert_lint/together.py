"""What no single expression shows: a rule's `for` beside its window, and rules that are left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.judge.alert_lint import metrics
from kubectl_oom.judge.alert_lint.around import GROWS, Place, is_about_memory, is_taken_away, number, seconds_of
from kubectl_oom.judge.alert_lint.codes import Fault
from kubectl_oom.judge.alert_lint.syntax import Binary, Call, Expr, Selector, bare, selectors, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubectl_oom.evidence.alerting import FoundRule


def outlived(expr: Expr, rule: FoundRule) -> Iterator[Fault]:
    """`for` at least as long as a kill keeps the expression true."""
    waits = seconds_of(rule.for_text)
    if not waits or not rule.is_alert or not (is_about_memory(rule) or _is_about_kills(expr)):
        return
    for node, above in walk(expr):
        window = 0 if is_taken_away(Place(node, above, rule)) else _true_for(node)
        if window and waits >= window:
            yield Fault("for-outlives-window", node)
            return


def _is_about_kills(expr: Expr) -> bool:
    """Whether it is about OOM kills, and not, say, about crashes one after the other."""
    return any(s.name in metrics.LAST_REASON | metrics.OOM_EVENTS | metrics.NODE_KILLS for s in selectors(expr))


def _true_for(node: Expr) -> float:
    """For how many seconds after one event the part is true; 0 where that is not known."""
    if not isinstance(node, Binary):
        return 0
    left, threshold = bare(node.left), number(node.right)
    if threshold is None:
        return 0
    if node.op in (">", ">=") and threshold <= 1:
        calls = [n for n, _ in walk(left) if isinstance(n, Call) and n.name in GROWS]
        windows = [
            s.window for call in calls for s in call.args if isinstance(s, Selector) and s.name in metrics.COUNTERS
        ]
        return max(map(seconds_of, windows), default=0)
    is_age = isinstance(left, Binary) and left.op == "-" and isinstance(left.left, Call) and left.left.name == "time"
    ends = any(s.name in metrics.LAST_TIME for s in selectors(left))
    return threshold if node.op in ("<", "<=") and is_age and ends else 0


def alone(expr: Expr, rule: FoundRule, together: Sequence[Expr]) -> Iterator[Fault]:
    """Rules that see some kills only, where no other sees the rest."""
    if not rule.is_alert or any(s.name in metrics.LAST_REASON for other in together for s in selectors(other)):
        return
    for selector in selectors(expr):
        if selector.name in metrics.OOM_EVENTS:
            yield Fault("oom-counter-alone", selector)
        if selector.name in metrics.ENDED_REASON and metrics.accepts(selector, "reason", metrics.OOM_KILLED):
            yield Fault("ended-reason-alone", selector)
