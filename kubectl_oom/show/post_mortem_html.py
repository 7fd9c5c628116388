"""A document of blocks as one HTML file that needs nothing else: no script, no font, no picture, no network.

Text from the cluster goes through `_text` and nowhere else, so it cannot become markup. Light or dark as the reader's
system is, one column on a phone, black on white in print.
"""

from __future__ import annotations

from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from kubectl_oom.show import svg
from kubectl_oom.show.blocks import At, Blank, Code, Figure, Heading, Paragraph, Points, Strong, Table, Tasks
from kubectl_oom.show.post_mortem_memory import sample_rows
from kubectl_oom.show.words import iso, one_line, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from kubectl_oom.show.blocks import Block, Document, Line, Span

# The page may load nothing at all: even markup that slipped through could not ask anybody.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_PHONE = 600  # pixels: below, the narrow drawing is shown
_STYLE = (
    ":root{color-scheme:light dark;--ink:#1c1c1c;--page:#fff;--rule:#ccc;--soft:#f3f4f6;--blank:#fff4ce;--blank-ink:#5c4400}"
    "*{box-sizing:border-box}"
    "body{margin:0 auto;max-width:60rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);"
    "background:var(--page);overflow-wrap:anywhere}"
    "h1{font-size:1.5rem;line-height:1.25;margin:2rem 0 1rem}"
    "h2{font-size:1.2rem;margin:2rem 0 .5rem;border-bottom:1px solid var(--rule)}"
    "h3{font-size:1rem;margin:1.2rem 0 .4rem}"
    "table{border-collapse:collapse;width:100%;margin:.5rem 0 1rem;font-size:.95rem}"
    "caption{text-align:left;font-weight:600;padding:.2rem 0}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border:1px solid var(--rule)}"
    "thead th{background:var(--soft)}"
    "tbody th{font-weight:600}.facts th{width:9rem;overflow-wrap:normal}time{white-space:nowrap}.rows td{min-width:6rem}"
    "pre{background:var(--soft);padding:.6rem;margin:.4rem 0;border-radius:4px;white-space:pre-wrap}"
    "code{font-family:ui-monospace,monospace;font-size:.9rem}"
    ".blank{background:var(--blank);color:var(--blank-ink);font-style:italic;padding:0 .2rem;border-radius:3px;"
    "print-color-adjust:exact}"
    "ul.tasks{list-style:none;padding-left:0}"
    ".tasks>li{position:relative;padding-left:1.8rem;margin:.5rem 0}"
    ".box{position:absolute;left:0;top:.25rem;width:1rem;height:1rem;border:1.5px solid var(--ink);border-radius:3px}"
    ".hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}"
    "figure{margin:1rem 0}figcaption{font-size:.9rem}"
    "svg{display:block;width:100%;height:auto}svg.narrow{display:none}"
    f"@media screen and (max-width:{_PHONE}px){{svg.wide{{display:none}}svg.narrow{{display:block}}"
    ".facts th{width:6.5rem}.rows thead{position:absolute;clip-path:inset(50%);height:1px;overflow:hidden}"
    ".rows tr,.rows th,.rows td{display:block}.rows tr{border:1px solid var(--rule);margin-bottom:.5rem;padding:.3rem .5rem}"
    ".rows th,.rows td{border:0;padding:.1rem 0}.rows td:empty{display:none}"
    '.rows td[data-head]:not([data-head=""])::before{content:attr(data-head) ": ";font-weight:600}}'
    "@media screen and (prefers-color-scheme:dark){:root{--ink:#e6e6e6;--page:#111;--rule:#444;--soft:#1e1f22;"
    "--blank:#4a3a00;--blank-ink:#ffe9a8}}"
    "@media print{:root{color-scheme:light;--ink:#000;--page:#fff}body{max-width:none;padding:0;font-size:10.5pt}"
    "h1,h2,h3,caption{break-after:avoid}tr,figure svg,li,pre{break-inside:avoid}h1~h1{break-before:page}"
    "details:not([open]){display:none}}"
)


def html_of(document: Document) -> Iterator[str]:
    """The lines of the page. Blanks to be filled in stand out, and say so to those who hear the page."""
    yield "<!DOCTYPE html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="color-scheme" content="light dark">'
    yield '<link rel="icon" href="data:,">'  # else a browser asks the server for one
    yield f"<title>{_text(document.title)}</title>"
    yield f"<style>{_STYLE}{svg.style('svg ')}</style>"
    yield "</head>"
    yield "<body>"
    yield "<main>"
    figures = 0
    for block in document.blocks:
        figures += isinstance(block, Figure)
        yield from _block(block, figures)
    yield "</main>"
    yield "</body>"
    yield "</html>"


def _block(block: Block, number: int) -> Iterator[str]:
    match block:
        case Heading():
            yield f"<h{block.level}>{_text(block.text)}</h{block.level}>"
        case Paragraph():
            yield f"<p>{_inline(block.line)}</p>"
        case Points():
            yield from ("<ul>", *(_point(point, below) for point, below in block.points), "</ul>")
        case Tasks():
            yield '<ul class="tasks">'
            for task, command in block.tasks:
                shown = _code([command]) if command else ""
                yield (
                    '<li><span class="box" aria-hidden="true"></span><span class="hidden">To do: </span>'
                    f"{_inline(task)}{shown}</li>"
                )
            yield "</ul>"
        case Table():
            yield from _table(block)
        case Code():
            yield _code(block.lines)
        case Figure():
            yield from _figure(block, number)


def _point(point: Line, below: Sequence[Line]) -> str:
    inner = "".join(f"<li>{_inline(line)}</li>" for line in below)
    return f"<li>{_inline(point)}{f'<ul>{inner}</ul>' if inner else ''}</li>"


def _code(lines: Iterable[str]) -> str:
    return f"<pre><code>{chr(10).join(_text(one_line(line)) for line in lines)}</code></pre>"


def _table(block: Table) -> Iterator[str]:
    """Labels and words as two columns at any width; longer rows stand below one another on a phone."""
    if any(block.head):
        yield from _long_table(block)
        return
    yield f'<table class="facts"><caption>{_text(block.caption)}</caption><tbody>'
    for label, words in block.rows:
        yield f'<tr><th scope="row">{_inline(label)}</th><td>{_inline(words)}</td></tr>'
    yield "</tbody></table>"


def _long_table(block: Table) -> Iterator[str]:
    """The roles are said, since what is no longer laid out as a table is no longer told as one."""
    yield f'<table class="rows" role="table"><caption>{_text(block.caption)}</caption>'
    yield f'<thead role="rowgroup"><tr role="row">{"".join(map(_head_cell, block.head))}</tr></thead>'
    yield '<tbody role="rowgroup">'
    for first, *rest in block.rows:
        cells = "".join(
            f'<td role="cell" data-head="{_text(word)}">{_inline(cell)}</td>'
            for word, cell in zip(block.head[1:], rest, strict=True)
        )
        yield f'<tr role="row"><th role="rowheader" scope="row">{_inline(first)}</th>{cells}</tr>'
    yield "</tbody></table>"


def _head_cell(word: str) -> str:
    """A head without words is no head: those who hear the page would hear nothing."""
    return f'<th role="columnheader" scope="col">{_text(word)}</th>' if word else '<td role="cell"></td>'


def _figure(block: Figure, number: int) -> Iterator[str]:
    """The chart at two widths, what its signs mean, and its numbers as a table for those who cannot see it."""
    yield "<figure>"
    yield from svg.inline(block, svg.PAGE, f"wide-{number}")
    yield from svg.inline(block, svg.PHONE, f"narrow-{number}")
    yield f"<figcaption><strong>{_text(block.caption)}.</strong> {_text(block.description)} {_signs(block)}</figcaption>"
    yield "<details><summary>The chart as numbers: the highest sample of each span</summary>"
    rows: tuple[tuple[Line, ...], ...] = tuple(tuple((cell,) for cell in row) for row in sample_rows(block))
    yield from _table(Table("Working set over time", ("time", "highest sampled", "limit"), rows))
    yield "</details>"
    yield "</figure>"


def _signs(block: Figure) -> str:
    """Which mark means what, by its shape."""
    shapes = {"k": "a triangle", "r": "a bar", "i": "a diamond"}
    kinds = [kind for kind, _ in groupby(sorted(mark.kind for mark in block.picture.marks))]
    told = [f"{shapes[svg.MARKS[kind][0]]} is {svg.MARKS[kind][1]}" for kind in kinds]
    dashed = ["the dashed line is the limit"] if block.picture.limits else []
    words = ", ".join([*dashed, *told])
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def _inline(line: Line) -> str:
    return "".join(map(_span, line))


def _span(span: Span) -> str:
    match span:
        case Blank(prompt):
            return f'<em class="blank">(to be filled in: {_text(prompt)})</em>'
        case Strong(text):
            return f"<strong>{_text(text)}</strong>"
        case At(moment, exact):
            return f"<time>{'' if exact else '~'}{iso(moment)}</time>"
        case _:
            return _text(span)


def _text(text: str) -> str:
    """The one way for words into the page: controls made visible, markup made text."""
    return escape(printable(text))
