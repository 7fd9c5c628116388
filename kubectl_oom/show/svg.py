"""A history as one SVG picture for a ticket or a page: no script, no font and no image from anywhere else.

Every series has its text alternative in `<title>` and `<desc>`, and colour is never the only sign of anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

from kubectl_oom.quantity import show_bytes
from kubectl_oom.show.chart import MarkKind
from kubectl_oom.show.history import facts, picture, title
from kubectl_oom.show.words import iso, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory, HistoryReport, Sample
    from kubectl_oom.show.blocks import Figure
    from kubectl_oom.show.chart import Picture

_HEADROOM = 1.08  # of the highest value drawn
# A gap this many usual intervals long is a gap in scraping: the line is not drawn across it.
_GAP = 5.0
# Class, words and outline below the time axis: each kind has a shape of its own.
MARKS = {
    MarkKind.KILL: ("k", "OOM kill", "l-5 9h10z"),
    MarkKind.RESTART: ("r", "restart", "m-1.5 0h3v9h-3z"),
    MarkKind.IMAGE: ("i", "new image", "l-5 5l5 5l5-5z"),
}
_RULES = {
    "text": "font:12px sans-serif;fill:#222",
    ".t": "font-weight:bold;font-size:14px",
    ".m": "fill:none;stroke:#0b63a5;stroke-width:1.5",
    ".l": "stroke:#b3261e;stroke-dasharray:6 3;stroke-width:1.5",
    ".k": "fill:#b3261e",
    ".r": "fill:#666",
    ".i": "fill:#0b63a5",
    ".a": "stroke:#999",
    ".b": "fill:#fff",
}
_DARK_RULES = {
    "text": "fill:#ddd",
    ".m": "stroke:#7ab8ee",
    ".l": "stroke:#f2867c",
    ".k": "fill:#f2867c",
    ".r": "fill:#aaa",
    ".i": "fill:#7ab8ee",
    ".a": "stroke:#777",
    ".b": "fill:#111",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The size of one panel and its margins."""

    width: int = 900
    height: int = 260
    left: int = 70
    right: int = 20
    top: int = 46
    bottom: int = 40


PAGE = Frame(top=26)  # in a document the heading stands above the picture
PHONE = Frame(width=360, height=230, left=52, right=8, top=26)  # its text is read at its own size


def drawing(report: HistoryReport, *, now: datetime) -> Iterator[str]:
    """The lines of the SVG: one panel per container with samples, below one another."""
    frame = Frame()
    panels = [(item, drawn) for item in report.items if (drawn := picture(item, now)) is not None]
    height = max(1, len(panels)) * frame.height
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {frame.width} {height}" width="{frame.width}" '
        f'height="{height}" role="img" aria-labelledby="title">'
    )
    heading = _plain("; ".join(title(item) for item, _ in panels) or "No samples in this window")
    yield f'<title id="title">{heading}</title>'
    yield f"<style>{style()}</style>"
    yield f'<rect class="b" width="{frame.width}" height="{height}"/>'
    for number, (item, drawn) in enumerate(panels):
        yield f'<g transform="translate(0,{number * frame.height})">'
        yield "<desc>" + _plain("; ".join(f"{label}: {words}" for label, words in facts(item))) + "</desc>"
        yield f'<text class="t" x="{frame.left}" y="20">{_plain(title(item))}</text>'
        yield from _panel(drawn, _pieces((life.working_set for life in item.lives), _usual(item)), frame)
        yield "</g>"
    yield "</svg>"


def inline(figure: Figure, frame: Frame, name: str) -> Iterator[str]:
    """The lines of one chart as it stands in a page of HTML, which has `style("svg ")` once; `name` is its own."""
    yield (
        f'<svg class="{name.partition("-")[0]}" viewBox="0 0 {frame.width} {frame.height}" role="img" '
        f'aria-labelledby="{name}-title" aria-describedby="{name}-desc">'
    )
    yield f'<title id="{name}-title">{_plain(figure.caption)}</title>'
    yield f'<desc id="{name}-desc">{_plain(figure.description)}</desc>'
    yield f'<rect class="b" width="{frame.width}" height="{frame.height}"/>'
    yield from _panel(figure.picture, _pieces(figure.runs, figure.usual_seconds), frame)
    yield "</svg>"


def style(prefix: str = "") -> str:
    """The rules of every chart; a page puts `svg ` before each, so that nothing else on it is meant."""
    dark = _rules(_DARK_RULES, prefix)
    return f"{_rules(_RULES, prefix)}@media screen and (prefers-color-scheme:dark){{{dark}}}"


def _rules(rules: dict[str, str], prefix: str) -> str:
    return "".join(f"{prefix}{selector}{{{rule}}}" for selector, rule in rules.items())


def _panel(drawn: Picture, pieces: Iterable[Sequence[Sample]], frame: Frame) -> Iterator[str]:
    span = max((drawn.until - drawn.since).total_seconds(), 1.0)
    top = max([1, *(s.value for s in drawn.samples), *(s.value for s in drawn.limits)]) * _HEADROOM
    floor = frame.height - frame.bottom

    def x(at: datetime) -> float:
        share = (at - drawn.since).total_seconds() / span
        return frame.left + min(max(share, 0.0), 1.0) * (frame.width - frame.left - frame.right)

    def y(value: float) -> float:
        return floor - value / top * (floor - frame.top)

    yield f'<line class="a" x1="{frame.left}" y1="{floor}" x2="{frame.width - frame.right}" y2="{floor}"/>'
    for share in (0.0, 0.5, 1.0):
        value = round(top / _HEADROOM * share)
        yield f'<text x="{frame.left - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{show_bytes(value)}</text>'
    for piece in pieces:
        points = " ".join(f"{at:.1f},{y(value):.1f}" for at, value in _highest_each_pixel(piece, x))
        yield f'<polyline class="m" points="{points}"/>'
    yield from _limit_lines(drawn, x, y, frame)
    for mark in drawn.marks:
        shape, told, outline = MARKS[mark.kind]
        at = x(mark.at)
        yield f'<path class="{shape}" d="M{at:.1f} {floor}{outline}"><title>{told} at {iso(mark.at)}</title></path>'
    yield f'<text x="{frame.left}" y="{frame.height - 12}">{iso(drawn.since)}</text>'
    yield (f'<text x="{frame.width - frame.right}" y="{frame.height - 12}" text-anchor="end">{iso(drawn.until)}</text>')


def _usual(item: ContainerHistory) -> float:
    return item.stepped_seconds or item.interval_seconds or 60.0


def _pieces(runs: Iterable[Sequence[Sample]], usual: float) -> Iterator[list[Sample]]:
    """The samples of each life in pieces without a gap: nothing is drawn where nothing was measured."""
    for run in runs:
        piece: list[Sample] = []
        for sample, following in pairwise([*run, None]):
            if sample is None:
                continue
            piece.append(sample)
            if following is None or (following.at - sample.at).total_seconds() > usual * _GAP:
                yield piece
                piece = []


def _highest_each_pixel(piece: Sequence[Sample], to_x: Callable[[datetime], float]) -> Iterator[tuple[float, int]]:
    """Where several samples fall on one pixel, the highest: no peak is lost, and a picture stays small."""
    highest: dict[int, tuple[float, int]] = {}
    for sample in piece:
        at = to_x(sample.at)
        known = highest.get(int(at))
        if known is None or sample.value > known[1]:
            highest[int(at)] = (at, sample.value)
    yield from highest.values()


def _limit_lines(
    drawn: Picture, to_x: Callable[[datetime], float], to_y: Callable[[float], float], frame: Frame
) -> Iterator[str]:
    for limit, following in pairwise([*drawn.limits, None]):
        if limit is None:
            continue
        end = to_x(following.at) if following else frame.width - frame.right
        level = to_y(limit.value)
        yield f'<line class="l" x1="{to_x(limit.at):.1f}" y1="{level:.1f}" x2="{end:.1f}" y2="{level:.1f}"/>'
        yield f'<text x="{end:.1f}" y="{level - 5:.1f}" text-anchor="end">limit {show_bytes(limit.value)}</text>'


def _plain(text: str) -> str:
    return escape(printable(text))
