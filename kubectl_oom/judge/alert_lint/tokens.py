"""PromQL cut into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<window>\[[^\]\[]*\])
  | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
  | (?P<duration>{DURATION}(?![\w.]))
  | (?P<number>(?:0[xX][\da-fA-F]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[Ii][Nn][Ff](?!\w|:)|[Nn][Aa][Nn](?!\w|:)))
  | (?P<word>[a-zA-Z_:][\w:]*)
  | (?P<op>==|!=|<=|>=|=~|!~|[-+*/%^<>=(){{}},@])
    """,
    re.VERBOSE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class NotReadError(ValueError):
    """An expression that is not understood: the message says where it stops making sense."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text."""

    kind: str
    text: str
    at: int


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a text, and one that says where it ends; NotReadError for what is no PromQL."""
    place = 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise NotReadError(where(text, place))
        if match.lastgroup and match.lastgroup != "space":
            yield Token(match.lastgroup, match[0], place)
        place = match.end()
    yield Token("end", "", place)


def where(text: str, place: int) -> str:
    """What is told of a place that makes no sense."""
    rest = text[place : place + 30].strip()
    return f'not understood from "{rest}" on' if rest else "it ends too early"


def unquoted(text: str) -> str:
    """What a string of PromQL holds."""
    if text.startswith("`"):
        return text[1:-1]
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
