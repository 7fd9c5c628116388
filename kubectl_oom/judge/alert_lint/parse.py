"""PromQL read into trees: the whole grammar of Prometheus 2, and what version 3 has added to selectors.

What it cannot read it refuses with the place: templates, MetricsQL's own words, durations that are calculated.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.judge.alert_lint.syntax import (
    COMPARISONS,
    PRECEDENCE,
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
)
from kubectl_oom.judge.alert_lint.tokens import DURATION, NotReadError, Token, tokens, unquoted, where

__all__ = ["NotReadError", "parse"]

if TYPE_CHECKING:
    from collections.abc import Iterator

_SUMS = ("sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values")
AGGREGATIONS = frozenset((*_SUMS, "bottomk", "topk", "quantile", "limitk", "limit_ratio"))
DEEPEST = 60  # nested further than any rule of a person


def parse(text: str) -> Expr:
    """The tree of an expression; NotReadError for what is none that is known here."""
    reader = _Reader(list(tokens(text)), text)
    expr = reader.expression(0, 0)
    if reader.now.kind != "end":
        raise reader.confused()
    return expr


class _Reader:
    """Reads from left to right, one token ahead."""

    def __init__(self, tokens: list[Token], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._place = 0

    @property
    def now(self) -> Token:
        """The token that is read next."""
        return self._tokens[self._place]

    def confused(self) -> NotReadError:
        """The error for what stands here."""
        return NotReadError(where(self._text, self.now.at))

    def _take(self) -> Token:
        token = self.now
        self._place += token.kind != "end"
        return token

    def _took(self, text: str) -> bool:
        if self.now.kind in ("op", "word") and self.now.text.lower() == text:
            self._place += 1
            return True
        return False

    def _must(self, text: str) -> None:
        if not self._took(text):
            raise self.confused()

    # --- expressions, by how tightly operators bind ---

    def expression(self, loosest: int, depth: int) -> Expr:
        """Everything up to an operator that binds less than `loosest`."""
        if depth > DEEPEST:
            raise NotReadError("nested too deeply")
        left = self._unary(depth)
        while (op := self._operator()) and PRECEDENCE[op] >= loosest:
            self._take()
            is_bool = op in COMPARISONS and self._took("bool")
            matching, labels, group = self._vector_matching()
            right = self.expression(PRECEDENCE[op] + (op != "^"), depth + 1)
            left = Binary(op, left, right, matching, labels, group, is_bool)
        return left

    def _operator(self) -> str | None:
        word = self.now.text.lower()
        return word if self.now.kind in ("op", "word") and word in PRECEDENCE else None

    def _vector_matching(self) -> tuple[str | None, tuple[str, ...], str]:
        for matching in ("on", "ignoring"):
            if self._took(matching):
                labels = self._labels()
                return matching, labels, self._group()
        return None, (), ""

    def _group(self) -> str:
        for word in ("group_left", "group_right"):
            if self._took(word):
                labels = self._labels() if self.now.text == "(" else ()
                return f"{word} ({', '.join(labels)})"
        return ""

    def _unary(self, depth: int) -> Expr:
        if self.now.kind == "op" and self.now.text in "+-":
            sign = self._take().text
            # A power binds tighter than its sign: -2 ^ 2 is -4.
            return Negative(sign, self.expression(PRECEDENCE["^"], depth + 1))
        return self._postfix(self._primary(depth))

    def _postfix(self, expr: Expr) -> Expr:
        """What may follow an expression: a window, an offset, a moment."""
        if self.now.kind == "window":
            window = self._take().text[1:-1].strip()
            if not re.fullmatch(rf"(?:{DURATION}|\d+)(?:\s*:\s*(?:{DURATION}|\d+)?)?", window):
                raise NotReadError(f"a window of [{window}] is not understood")
            is_plain = isinstance(expr, Selector) and ":" not in window
            expr = replace(expr, window=window) if isinstance(expr, Selector) and is_plain else Subquery(expr, window)
        at = " ".join(self._moments())
        if at:
            if not isinstance(expr, Selector | Subquery):
                raise self.confused()
            expr = replace(expr, at=at)
        return expr

    def _moments(self) -> Iterator[str]:
        while True:
            if self._took("offset"):
                sign = "-" if self._took("-") else ""
                if self.now.kind not in ("duration", "number"):
                    raise self.confused()
                yield f"offset {sign}{self._take().text}"
            elif self._took("@"):
                sign = "-" if self._took("-") else ""
                moment = self._take()
                if moment.kind == "word" and moment.text in ("start", "end"):
                    self._must("(")
                    self._must(")")
                    yield f"@ {moment.text}()"
                elif moment.kind == "number":
                    yield f"@ {sign}{moment.text}"
                else:
                    raise self.confused()
            else:
                return

    def _primary(self, depth: int) -> Expr:
        token = self.now
        if token.kind in ("number", "duration", "string"):
            return Literal(self._take().text)
        if self._took("("):
            inner = self.expression(0, depth + 1)
            self._must(")")
            return Paren(inner)
        if token.text == "{":
            return self._braces("")
        if token.kind != "word":
            raise self.confused()
        self._take()
        if token.text.lower() in AGGREGATIONS and self.now.text.lower() in ("(", "by", "without"):
            return self._aggregation(token.text.lower(), depth)
        if self.now.text == "(":
            return Call(token.text, self._arguments(depth))
        return self._braces(token.text) if self.now.text == "{" else Selector(token.text)

    def _aggregation(self, op: str, depth: int) -> Expr:
        grouping, labels = self._grouping()
        args = self._arguments(depth)
        if grouping is None:
            grouping, labels = self._grouping()
        return Aggregation(op, grouping, labels, args)

    def _grouping(self) -> tuple[str | None, tuple[str, ...]]:
        for word in ("by", "without"):
            if self._took(word):
                return word, self._labels()
        return None, ()

    # --- lists ---

    def _arguments(self, depth: int) -> tuple[Expr, ...]:
        self._must("(")
        args: list[Expr] = []
        while not self._took(")"):
            args.append(self.expression(0, depth + 1))
            if not self._took(",") and self.now.text != ")":
                raise self.confused()
        return tuple(args)

    def _labels(self) -> tuple[str, ...]:
        self._must("(")
        labels: list[str] = []
        while not self._took(")"):
            if self.now.kind != "word":
                raise self.confused()
            labels.append(self._take().text)
            if not self._took(",") and self.now.text != ")":
                raise self.confused()
        return tuple(labels)

    def _braces(self, name: str) -> Selector:
        self._must("{")
        matchers: list[Matcher] = []
        while not self._took("}"):
            label = self._take()
            if label.kind == "string" and self.now.text in (",", "}") and not name:
                name = unquoted(label.text)  # {"metric.name", label="value"}
            elif label.kind in ("word", "string", "number", "duration") and self.now.text in ("=", "!=", "=~", "!~"):
                op, value = self._take().text, self._take()
                if value.kind != "string":
                    raise self.confused()
                matchers.append(Matcher(label.text, op, unquoted(value.text)))
            else:
                raise self.confused()
            if not self._took(",") and self.now.text != "}":
                raise self.confused()
        named = [m for m in matchers if m.label == "__name__" and m.op == "="]
        if named and not name:  # {__name__="metric"} is metric
            return Selector(named[0].value, tuple(m for m in matchers if m is not named[0]))
        return Selector(name, tuple(matchers))
