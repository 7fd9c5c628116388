"""A history as one SVG picture for a ticket: no script, no font and no image from anywhere else.

Every series has its text alternative in `<title>` and `<desc>`, and colour is never the only sign of anything.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from kubectl_oom.quantity import show_bytes
from kubectl_oom.show.chart import MarkKind
from kubectl_oom.show.history import facts, picture, title
from kubectl_oom.show.words import iso, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory, HistoryReport
    from kubectl_oom.show.chart import Picture

_WIDTH, _HEIGHT = 900, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 46, 40
_HEADROOM = 1.08  # of the highest value drawn
# A gap this many usual intervals long is a gap in scraping: the line is not drawn across it.
_GAP = 5.0
_MARKS = {MarkKind.KILL: ("k", "OOM kill"), MarkKind.RESTART: ("r", "restart"), MarkKind.IMAGE: ("i", "new image")}
_STYLE = (
    "text{font:12px sans-serif;fill:#222}.t{font-weight:bold;font-size:14px}.m{fill:none;stroke:#0b63a5;stroke-width:1.5}"
    ".l{stroke:#b3261e;stroke-dasharray:6 3;stroke-width:1.5}.k{fill:#b3261e}.r{fill:#777}.i{fill:#0b63a5}.a{stroke:#999}"
    ".b{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#ddd}.b{fill:#111}.a{stroke:#777}}"
)


def drawing(report: HistoryReport, *, now: datetime) -> Iterator[str]:
    """The lines of the SVG: one panel per container with samples, below one another."""
    panels = [(item, drawn) for item in report.items if (drawn := picture(item, now)) is not None]
    height = max(1, len(panels)) * _HEIGHT
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        'role="img" aria-labelledby="title">'
    )
    heading = _plain("; ".join(title(item) for item, _ in panels) or "No samples in this window")
    yield f'<title id="title">{heading}</title>'
    yield f"<style>{_STYLE}</style>"
    yield f'<rect class="b" width="{_WIDTH}" height="{height}"/>'
    for number, (item, drawn) in enumerate(panels):
        yield f'<g transform="translate(0,{number * _HEIGHT})">'
        yield from _panel(item, drawn)
        yield "</g>"
    yield "</svg>"


def _panel(item: ContainerHistory, drawn: Picture) -> Iterator[str]:
    span = max((drawn.until - drawn.since).total_seconds(), 1.0)
    top = max([s.value for s in drawn.samples] + [s.value for s in drawn.limits]) * _HEADROOM

    def x(at: datetime) -> float:
        share = (at - drawn.since).total_seconds() / span
        return _LEFT + min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _TOP - _BOTTOM)

    floor = _HEIGHT - _BOTTOM
    yield "<desc>" + _plain("; ".join(f"{label}: {words}" for label, words in facts(item))) + "</desc>"
    yield f'<text class="t" x="{_LEFT}" y="20">{_plain(title(item))}</text>'
    yield f'<line class="a" x1="{_LEFT}" y1="{floor}" x2="{_WIDTH - _RIGHT}" y2="{floor}"/>'
    for share in (0.0, 0.5, 1.0):
        value = round(top / _HEADROOM * share)
        yield f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{show_bytes(value)}</text>'
    for points in _runs(item):
        yield f'<polyline class="m" points="{" ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points)}"/>'
    yield from _limit_lines(drawn, x, y)
    for mark in drawn.marks:
        shape, told = _MARKS[mark.kind]
        at = x(mark.at)
        yield (f'<path class="{shape}" d="M{at:.1f} {floor}l-5 9h10z"><title>{told} at {iso(mark.at)}</title></path>')
    yield f'<text x="{_LEFT}" y="{_HEIGHT - 12}">{iso(drawn.since)}</text>'
    yield f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 12}" text-anchor="end">{iso(drawn.until)}</text>'


def _runs(item: ContainerHistory) -> Iterator[list[tuple[datetime, int]]]:
    """The samples of each life in pieces without a gap: nothing is drawn where nothing was measured."""
    for life in item.lives:
        usual = (item.stepped_seconds or item.interval_seconds or 60.0) * _GAP
        piece: list[tuple[datetime, int]] = []
        for sample, following in pairwise([*life.working_set, None]):
            if sample is None:
                continue
            piece.append((sample.at, sample.value))
            if following is None or (following.at - sample.at).total_seconds() > usual:
                yield piece
                piece = []


def _limit_lines(drawn: Picture, to_x: Callable[[datetime], float], to_y: Callable[[float], float]) -> Iterator[str]:
    for limit, following in pairwise([*drawn.limits, None]):
        if limit is None:
            continue
        end = to_x(following.at) if following else _WIDTH - _RIGHT
        level = to_y(limit.value)
        yield f'<line class="l" x1="{to_x(limit.at):.1f}" y1="{level:.1f}" x2="{end:.1f}" y2="{level:.1f}"/>'
        yield f'<text x="{end:.1f}" y="{level - 5:.1f}" text-anchor="end">limit {show_bytes(limit.value)}</text>'


def _plain(text: str) -> str:
    return escape(printable(text))
