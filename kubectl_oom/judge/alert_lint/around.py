"""What stands around a part of an expression: joins, functions, and what limits it in time."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.judge.alert_lint import metrics
from kubectl_oom.judge.alert_lint.syntax import (
    Above,
    Aggregation,
    Binary,
    Call,
    Expr,
    Literal,
    Matcher,
    Negative,
    Paren,
    Selector,
    Subquery,
    bare,
    selectors,
    walk,
)

if TYPE_CHECKING:
    from kubectl_oom.evidence.alerting import FoundRule

GROWS = frozenset({"increase", "rate", "irate", "delta", "idelta", "changes", "resets"})
DEFAULT_WINDOW = "10m"  # a kill is told for so long where a rule does not say
_UNIT_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
# Rooms, zooms and headroom are about something else.
_ABOUT_MEMORY = re.compile(r"(?<![A-Za-z])oom|Oom|(?<![A-Z])OOM|(?i:oom[ _-]?kill|memory)")


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a rule's expression, with what is around it (the nearest first)."""

    node: Expr
    above: Above
    rule: FoundRule


@dataclass(frozen=True, slots=True)
class Measure:
    """A function over the window of one selector (`increase(x[5m])`), or the selector alone: then `function` is empty."""

    function: str
    selector: Selector
    call: Call | None = None

    @property
    def window(self) -> str:
        """Its own window, or the default one."""
        return self.selector.window or DEFAULT_WINDOW


def measure(place: Place) -> Measure | None:
    """What the part measures, when it is the whole of such a measurement."""
    node = place.node
    if isinstance(node, Selector):
        return None if node.window else Measure("", node)
    if isinstance(node, Call):
        for arg in node.args:
            if isinstance(arg, Selector) and arg.window:
                return Measure(node.name, arg, node)
    return None


def seconds_of(duration: str) -> float:
    """Seconds of a duration of PromQL; 0 for none."""
    if duration.isdecimal():  # since version 3 a number is one of seconds
        return int(duration)
    parts = re.findall(r"(\d+)(ms|[smhdwy])", duration)
    return sum(int(count) * _UNIT_SECONDS[unit] for count, unit in parts)


def number(expr: Expr) -> float | None:
    """The number that it is, if it is one."""
    expr = bare(expr)
    sign = 1
    if isinstance(expr, Negative):
        sign, expr = (-1 if expr.sign == "-" else 1), bare(expr.inner)
    if not isinstance(expr, Literal):
        return None
    try:
        return sign * float(expr.text.replace("_", ""))
    except ValueError:
        return None


def is_about_memory(rule: FoundRule) -> bool:
    """Whether it says so, in its name or its annotations."""
    return _ABOUT_MEMORY.search(f"{rule.name} {rule.says}") is not None


def is_in_call(place: Place, *names: str) -> bool:
    """Whether one of the functions is around it."""
    return any(isinstance(outer, Call) and outer.name in names for outer in place.above)


def is_in_subquery(place: Place) -> bool:
    """Whether a subquery is around it: then a function looks at its course."""
    return any(isinstance(outer, Subquery) for outer in place.above)


def joined_with(place: Place) -> list[tuple[Binary, Expr]]:
    """The operators around it that take part of it away, and their other side each."""
    found: list[tuple[Binary, Expr]] = []
    inner = place.node
    for outer in place.above:
        if isinstance(outer, Binary) and outer.op != "or":
            found.append((outer, outer.right if outer.left is inner else outer.left))
        inner = outer
    return found


def is_taken_away(place: Place) -> bool:
    """Whether it is what an `unless` takes away: where it is true, and for as long, nothing fires."""
    inner = place.node
    for outer in place.above:
        if isinstance(outer, Binary) and outer.op == "unless" and outer.right is inner:
            return True
        inner = outer
    return False


def is_limited_in_time(place: Place) -> bool:
    """Whether what it is joined with passes: a moment, a restart, a state or a size of now, or itself some time ago."""
    names = {s.name for s in selectors(place.node)}
    for _, other in joined_with(place):
        for node, _ in walk(other):
            if (
                isinstance(node, Call)
                and node.name in GROWS
                and any(s.name in metrics.COUNTERS for s in selectors(node))
            ):
                return True
            if not isinstance(node, Selector):
                continue
            if node.name in metrics.MOMENTS | metrics.STATES | metrics.LEVELS or _is_earlier(node, names):
                return True
    return False


def _is_earlier(selector: Selector, names: set[str]) -> bool:
    return "offset" in selector.at and (selector.name in names or selector.name in metrics.RESTARTS)


def matchers_for(selector: Selector, *dropped: str) -> tuple[Matcher, ...]:
    """What a selector of another metric of the same container asks for: its matchers of namespace, pod and the like."""
    own = metrics.extra_labels(selector.name) | set(dropped)
    return metrics.without_label(selector, *own)


def join_labels(place: Place) -> tuple[str, ...]:
    """The labels that name a container in this expression: with `cluster` where the expression goes by it."""
    whole = place.above[-1] if place.above else place.node
    for node, _ in walk(whole):
        if isinstance(node, Binary | Aggregation) and "cluster" in node.labels:
            return ("cluster", *metrics.OF_A_CONTAINER)
    return metrics.OF_A_CONTAINER


def longer_than_it_waits(rule: FoundRule, window: str) -> str:
    """The window; a longer one where one kill would be over before the rule's `for` is."""
    waits = seconds_of(rule.for_text)
    if waits < seconds_of(window):
        return window
    seconds = math.ceil(waits + seconds_of(DEFAULT_WINDOW))
    return f"{seconds}s" if seconds % 60 else f"{seconds // 60}m"


def lately(place: Place, selector: Selector, window: str) -> Expr:
    """The gauge of how a container last ended, for as long after that end as `window`, or as its rule needs."""
    name = next(
        name for name in metrics.LAST_TIME if name.startswith(selector.name.partition("status_")[0] + "status_")
    )
    moment = Selector(name, matchers_for(selector))
    ago = Binary("-", Call("time", ()), moment)
    recent = Paren(Binary("<", ago, Literal(f"{seconds_of(longer_than_it_waits(place.rule, window)):g}")))
    gauge = Selector(selector.name, selector.matchers)
    return Paren(Binary("and", gauge, recent, "on", join_labels(place)))


def compared(place: Place) -> tuple[Binary, float] | None:
    """The comparison with a number that it is on the left of, if any is around it."""
    inner = place.node
    for outer in place.above:
        if isinstance(outer, Binary) and outer.left is inner and outer.op in ("==", "!=", "<", "<=", ">", ">="):
            value = number(outer.right)
            return None if value is None else (outer, value)
        if not isinstance(outer, Paren | Aggregation):
            return None
        inner = outer
    return None
