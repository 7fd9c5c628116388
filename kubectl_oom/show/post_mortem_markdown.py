"""A document of blocks as GitHub-flavoured Markdown. Text from the cluster cannot become markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.show import chart
from kubectl_oom.show.blocks import At, Blank, Code, Figure, Heading, Paragraph, Points, Strong, Table, Tasks
from kubectl_oom.show.markdown import escape, fenced
from kubectl_oom.show.words import ascii_text, iso, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.show.blocks import Block, Document, Line, Span

_CHART_WIDTH, _CHART_HEIGHT = 80, 8


def markdown_of(document: Document, *, ascii_only: bool = False) -> Iterator[str]:
    """The lines of the document; a blank to be filled in is `_(to be filled in: …)_`."""
    lines = (line for block in document.blocks for line in _block(block, ascii_only=ascii_only))
    return map(ascii_text, lines) if ascii_only else lines


def _block(block: Block, *, ascii_only: bool) -> Iterator[str]:
    match block:
        case Heading():
            yield from (f"{'#' * block.level} {escape(block.text)}", "")
        case Paragraph():
            yield from (_inline(block.line), "")
        case Points():
            yield from (*_points(block), "")
        case Tasks():
            yield from (*_tasks(block), "")
        case Table():
            yield from _table(block)
        case Code():
            yield from fenced("sh", [one_line(line) for line in block.lines])
        case Figure():
            yield from _figure(block, ascii_only=ascii_only)


def _points(block: Points) -> Iterator[str]:
    for point, below in block.points:
        yield f"- {_inline(point)}"
        yield from (f"  - {_inline(line)}" for line in below)


def _tasks(block: Tasks) -> Iterator[str]:
    for task, command in block.tasks:
        yield f"- [ ] {_inline(task)}"
        if command:
            yield from _command(command)


def _figure(block: Figure, *, ascii_only: bool) -> Iterator[str]:
    yield from (f"### {escape(block.caption)}", "")
    yield from (f"{escape(block.description)} Ages in the chart count from {iso(block.picture.now)}.", "")
    drawn = chart.draw(block.picture, width=_CHART_WIDTH, height=_CHART_HEIGHT, ascii_only=ascii_only)
    yield from fenced("text", list(drawn))


def _command(command: str) -> Iterator[str]:
    """Below its task, and part of it."""
    *block, _ = fenced("sh", [one_line(command)])
    yield from ("", *(f"  {line}" for line in block), "")


def _table(block: Table) -> Iterator[str]:
    yield from (f"**{escape(block.caption)}**", "")
    yield "| " + " | ".join(map(escape, block.head)) + " |"
    yield "|" + "---|" * len(block.head)
    for row in block.rows:
        yield "| " + " | ".join(map(_inline, row)) + " |"
    yield ""


def _inline(line: Line) -> str:
    """Each span made harmless by itself; blanks between two spans stay."""
    return "".join(map(_span, line)).strip()


def _span(span: Span) -> str:
    match span:
        case Blank(prompt):
            return f"_(to be filled in: {escape(prompt)})_"
        case At(moment, exact):
            return iso(moment) if exact else escape(f"~{iso(moment)}")
        case Strong(text):
            return f"**{escape(text)}**" if one_line(text) else ""
        case _:
            text = escape(span)
            before = " " if text and span[:1].isspace() else ""
            after = " " if span[-1:].isspace() else ""
            return f"{before}{text}{after}"
