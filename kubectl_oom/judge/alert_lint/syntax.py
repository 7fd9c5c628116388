"""Expressions of PromQL as trees, and as text again."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# How tightly an operator binds, as in Prometheus' grammar; `^` binds to the right, all others to the left.
PRECEDENCE = {"or": 1, "and": 2, "unless": 2, "+": 4, "-": 4, "*": 5, "/": 5, "%": 5, "atan2": 5, "^": 6}
COMPARISONS = ("==", "!=", "<=", "<", ">=", ">")
PRECEDENCE |= dict.fromkeys(COMPARISONS, 3)
SET_OPERATORS = ("and", "or", "unless")
_TIGHTEST = 7
# Aggregations that choose among series and leave them as they are, labels and all.
KEEPS_SERIES = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})


@dataclass(frozen=True, slots=True)
class Expr:
    """Any expression."""


@dataclass(frozen=True, slots=True)
class Literal(Expr):
    """A number or a string, as it is spelled."""

    text: str


@dataclass(frozen=True, slots=True)
class Matcher:
    """`label="value"`; the value without quotes."""

    label: str
    op: str
    value: str


@dataclass(frozen=True, slots=True)
class Selector(Expr):
    """Series of one metric: `window` is the text in brackets, `at` what follows (`offset 5m`, `@ end()`)."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    window: str = ""
    at: str = ""


@dataclass(frozen=True, slots=True)
class Subquery(Expr):
    """`inner[1h:5m]`."""

    inner: Expr
    window: str
    at: str = ""


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """A function of its arguments."""

    name: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Aggregation(Expr):
    """`sum by (a, b) (inner)`; `grouping` None where there is neither by nor without."""

    op: str
    grouping: str | None
    labels: tuple[str, ...]
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """`left op right`; `matching` is `on`, `ignoring` or None, `group` such as `group_left (node)`."""

    op: str
    left: Expr
    right: Expr
    matching: str | None = None
    labels: tuple[str, ...] = ()
    group: str = ""
    is_bool: bool = False


@dataclass(frozen=True, slots=True)
class Negative(Expr):
    """`-inner`, or `+inner`."""

    sign: str
    inner: Expr


@dataclass(frozen=True, slots=True)
class Paren(Expr):
    """`(inner)`, as it was written."""

    inner: Expr


# --- text ----------------------------------------------------------------------------------------------------------


def text_of(expr: Expr) -> str:
    """The expression on one line, with the parentheses that it needs."""
    match expr:
        case Literal():
            return expr.text
        case Selector():
            return _selector(expr)
        case Subquery():
            return f"{_tight(expr.inner)}[{expr.window}]{' ' + expr.at if expr.at else ''}"
        case Call():
            return f"{expr.name}({_arguments(expr.args)})"
        case Aggregation():
            grouping = f" {expr.grouping} ({', '.join(expr.labels)}) " if expr.grouping else ""
            return f"{expr.op}{grouping}({_arguments(expr.args)})"
        case Binary():
            return _binary(expr)
        case Negative():
            return expr.sign + _tight(expr.inner)
        case Paren():
            return f"({text_of(expr.inner)})"
        case _:
            raise TypeError(type(expr).__name__)


def _arguments(args: tuple[Expr, ...]) -> str:
    return ", ".join(text_of(bare(arg)) for arg in args)


def _selector(expr: Selector) -> str:
    is_plain = re.fullmatch(r"[a-zA-Z_:][\w:]*", expr.name, re.ASCII)  # others stand in the braces, since version 3
    named = [] if is_plain or not expr.name else [quoted(expr.name)]
    matchers = ", ".join([*named, *(f"{m.label}{m.op}{quoted(m.value)}" for m in expr.matchers)])
    braces = f"{{{matchers}}}" if matchers or not expr.name else ""
    window = f"[{expr.window}]" if expr.window else ""
    return (expr.name if is_plain else "") + braces + window + (f" {expr.at}" if expr.at else "")


def quoted(value: str) -> str:
    """The value as PromQL writes strings."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _binary(expr: Binary) -> str:
    strength = PRECEDENCE[expr.op]
    rightward = expr.op == "^"
    left = _inside(expr.left, strength + rightward)
    right = _inside(expr.right, strength + (not rightward))
    words = [expr.op + (" bool" if expr.is_bool else "")]
    if expr.matching:
        words.append(f"{expr.matching} ({', '.join(expr.labels)})")
    if expr.group:
        words.append(expr.group)
    return f"{left} {' '.join(words)} {right}"


def _inside(expr: Expr, strength: int) -> str:
    binds = PRECEDENCE[expr.op] if isinstance(expr, Binary) else _TIGHTEST
    return f"({text_of(expr)})" if binds < strength else text_of(expr)


def _tight(expr: Expr) -> str:
    return _inside(expr, _TIGHTEST)


# --- walking -------------------------------------------------------------------------------------------------------


def children(expr: Expr) -> tuple[Expr, ...]:
    """The expressions directly inside, from left to right."""
    match expr:
        case Binary():
            return expr.left, expr.right
        case Call() | Aggregation():
            return expr.args
        case Subquery() | Negative() | Paren():
            return (expr.inner,)
        case _:
            return ()


Above = tuple[Expr, ...]  # the expressions around one, the nearest first


def walk(expr: Expr, above: Above = ()) -> Iterator[tuple[Expr, Above]]:
    """Every expression with what is around it, the outermost first."""
    yield expr, above
    for child in children(expr):
        yield from walk(child, (expr, *above))


def selectors(expr: Expr) -> Iterator[Selector]:
    """Every selector in it."""
    return (node for node, _ in walk(expr) if isinstance(node, Selector))


def replaced(expr: Expr, old: Expr, new: Expr) -> Expr:
    """The expression with this very part (the object, not its equals) replaced."""
    if expr is old:
        return new
    match expr:
        case Binary():
            return replace(expr, left=replaced(expr.left, old, new), right=replaced(expr.right, old, new))
        case Call() | Aggregation():
            return replace(expr, args=tuple(replaced(arg, old, new) for arg in expr.args))
        case Subquery() | Negative() | Paren():
            return replace(expr, inner=replaced(expr.inner, old, new))
        case _:
            return expr


def bare(expr: Expr) -> Expr:
    """The expression without the parentheses around it."""
    while isinstance(expr, Paren):
        expr = expr.inner
    return expr
