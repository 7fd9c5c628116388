"""A document in blocks: what is said, apart from how Markdown and HTML write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence import Sample
    from kubectl_oom.show.chart import Picture


@dataclass(frozen=True, slots=True)
class Blank:
    """What no source can know, and a person is to fill in."""

    prompt: str


@dataclass(frozen=True, slots=True)
class Strong:
    """Text that stands out."""

    text: str


@dataclass(frozen=True, slots=True)
class At:
    """A moment, which is never broken over two lines; `~` stands before one that is not exact."""

    moment: datetime
    exact: bool = True


Span = str | Blank | Strong | At
Line = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A title: level 1 for an incident, 2 for its sections, 3 below."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    line: Line


@dataclass(frozen=True, slots=True)
class Points:
    """A list; each point may have points of its own below it."""

    points: tuple[tuple[Line, tuple[Line, ...]], ...]


@dataclass(frozen=True, slots=True)
class Tasks:
    """A checklist; a task may come with the command that does it."""

    tasks: tuple[tuple[Line, str | None], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a head; the first cell of a row names it. No head: labels of our own, and what they stand for."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Commands to paste."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A chart, and what it shows in words and numbers for those who cannot see it."""

    caption: str
    description: str
    picture: Picture
    runs: tuple[tuple[Sample, ...], ...]  # of each instance: no line is drawn from one to another
    usual_seconds: float  # between samples: what is much longer is a gap, and nothing is drawn across it


Block = Heading | Paragraph | Points | Tasks | Table | Code | Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole document."""

    title: str
    blocks: tuple[Block, ...]
