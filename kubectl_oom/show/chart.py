"""Memory over time as lines of text.

A column is the highest sample of its span of time: peaks survive, and a span without a sample stays blank.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING

from kubectl_oom.quantity import show_bytes
from kubectl_oom.show.colour import NO_PAINT, Paint
from kubectl_oom.show.signs import BLOCKS, BLOCKS_ASCII, LINES, LINES_ASCII
from kubectl_oom.show.words import age, pad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Sample

_LEVELS = 8  # block characters per cell
_SCALE_WIDTH = 7  # "1023Mi" and a blank
_SMALLEST_WIDTH, _SMALLEST_HEIGHT = 40, 3
_WIDEST_COLUMN = 4  # cells: few samples look like samples, not like a skyline
_LIMIT_OUT_OF_SIGHT = 25  # a limit so many times the highest sample would flatten the samples to nothing


class MarkKind(str, Enum):
    """What happened at a moment worth marking."""

    KILL = "kill"
    RESTART = "restart"
    IMAGE = "image"  # another image began to run


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A moment marked on the time axis."""

    at: datetime
    kind: MarkKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is to be drawn. `limits` are the moments since which a limit was in force; none means no limit."""

    samples: tuple[Sample, ...]
    since: datetime
    until: datetime
    now: datetime
    limits: tuple[Sample, ...] = ()
    marks: tuple[Mark, ...] = ()


def draw(
    picture: Picture, *, width: int = 80, height: int = 8, ascii_only: bool = False, paint: Paint = NO_PAINT
) -> Iterator[str]:
    """The chart: `height` lines of memory, the time axis with the marks, and the ages below it.

    Nothing is drawn without samples. No line is wider than `width` (40 at least).
    """
    if not picture.samples:
        return
    room = max(width, _SMALLEST_WIDTH) - _SCALE_WIDTH - 1
    grid = _Grid.over(picture, room)
    rows = max(height, _SMALLEST_HEIGHT)
    scale = _Scale.of(picture, grid, rows)
    for row in range(rows - 1, -1, -1):
        yield _memory_line(row, grid, scale, ascii_only=ascii_only, paint=paint)
    yield _axis(picture, grid, ascii_only=ascii_only, paint=paint)
    yield paint.talk(_ages(picture, grid))


def sparkline(samples: Sequence[Sample], width: int, *, ceiling: int | None = None, ascii_only: bool = False) -> str:
    """The samples as one line of at most `width` characters, from zero to `ceiling` (the highest sample, if None)."""
    if not samples or width < 1:
        return ""
    picture = Picture(samples=tuple(samples), since=samples[0].at, until=samples[-1].at, now=samples[-1].at)
    highest = _Grid.over(picture, width).highest
    top = max(ceiling or 0, *(value or 0 for value in highest), 1)
    blocks = _blocks(ascii_only)
    return "".join(
        " " if value is None else blocks[max(1, min(_LEVELS, ceil(_LEVELS * value / top)))] for value in highest
    )


def sample_interval(samples: Sequence[Sample]) -> float | None:
    """Seconds between samples as they usually follow each other (the median); None for fewer than two."""
    steps = sorted((later.at - earlier.at).total_seconds() for earlier, later in pairwise(samples))
    return steps[len(steps) // 2] if steps else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """Time cut into columns, each `each` cells wide: the highest sample and the limit of every column."""

    highest: tuple[int | None, ...]
    limits: tuple[int | None, ...]
    each: int
    column: Callable[[datetime], int]

    @property
    def width(self) -> int:
        return len(self.highest) * self.each

    @classmethod
    def over(cls, picture: Picture, room: int) -> _Grid:
        """Columns no narrower than the sample interval, or every other one would look like a gap in scraping."""
        span = max((picture.until - picture.since).total_seconds(), 1.0)
        interval = max(sample_interval(picture.samples) or 1.0, 1.0)
        step = max(span / max(room - 1, 1), interval)
        count = min(int(span / step + 0.5) + 1, room)
        first = (picture.samples[0].at - picture.since).total_seconds() / step
        phase = first - round(first)

        def column(at: datetime) -> int:
            place = round((at - picture.since).total_seconds() / step - phase)
            return max(0, min(place, count - 1))

        return cls(
            highest=_highest_per_column(picture, column, count),
            limits=_limit_per_column(picture, column, count),
            each=max(1, min(room // count, _WIDEST_COLUMN)),
            column=column,
        )


def _highest_per_column(picture: Picture, column: Callable[[datetime], int], count: int) -> tuple[int | None, ...]:
    highest: list[int | None] = [None] * count
    for sample in picture.samples:
        place = column(sample.at)
        before = highest[place]
        highest[place] = sample.value if before is None else max(before, sample.value)
    return tuple(highest)


def _limit_per_column(picture: Picture, column: Callable[[datetime], int], count: int) -> tuple[int | None, ...]:
    limits: list[int | None] = [None] * count
    for limit in sorted(picture.limits, key=lambda limit: limit.at):
        start = column(limit.at)
        limits[start:] = [limit.value] * (count - start)
    return tuple(limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """Bytes to rows. The highest limit stands on the floor of the top row, so that nothing below it reaches in."""

    top: float
    rows: int
    labels: dict[int, int]  # row → bytes
    hidden_limit: int | None  # too far above to be drawn

    @classmethod
    def of(cls, picture: Picture, grid: _Grid, rows: int) -> _Scale:
        highest = max(sample.value for sample in picture.samples)
        limit = max((limit for limit in grid.limits if limit is not None), default=0)
        hidden = limit if limit > _LIMIT_OUT_OF_SIGHT * highest else None
        shown = 0 if hidden else limit
        body = rows - 1 if shown >= highest else rows
        top = max(shown, highest, 1) * rows / body
        known = shown or highest
        scale = cls(top=top, rows=rows, labels={}, hidden_limit=hidden)
        half = (rows - 1) // 2  # labelled with the value at its middle: half the limit, for an even number of rows
        scale.labels.update({half: int(top * (half + 0.5) / rows), min(scale.row(known), rows - 1): known})
        return scale

    def row(self, value: int) -> int:
        return int(self.rows * value / self.top + 1e-9)  # the limit must not slip a row down by a rounding error

    def levels(self, value: int, limit: int | None) -> int:
        """How many eighths of a row the value fills; one at least, and never into the row of a limit it is below."""
        filled = max(1, round(_LEVELS * self.rows * value / self.top)) if value else 0
        if limit is None or limit == self.hidden_limit:
            return filled
        floor = self.row(limit) * _LEVELS
        return min(filled, floor) if value <= limit else max(filled, floor + 1)


def _memory_line(row: int, grid: _Grid, scale: _Scale, *, ascii_only: bool, paint: Paint) -> str:
    label = show_bytes(scale.labels[row]) if row in scale.labels else ""
    tick, edge, *_ = _lines(ascii_only)
    drawn = [_cell(row, place, grid, scale, ascii_only=ascii_only) for place in range(len(grid.highest))]
    line = "".join(character * grid.each for character, _ in drawn)
    roles = [role for _, role in drawn for _ in range(grid.each)]
    line, roles = _with_limit_word(line, roles)
    scale_words = paint.talk(label.rjust(_SCALE_WIDTH - 1) + " " + (tick if label else edge))
    return scale_words + _painted(line.rstrip(), roles, paint)


def _cell(row: int, place: int, grid: _Grid, scale: _Scale, *, ascii_only: bool) -> tuple[str, str]:
    value, limit = grid.highest[place], grid.limits[place]
    level = 0 if value is None else min(_LEVELS, scale.levels(value, limit) - row * _LEVELS)
    if level > 0:
        return _blocks(ascii_only)[level], "memory"
    if limit is not None and limit != scale.hidden_limit and scale.row(limit) == row:
        return _lines(ascii_only)[2], "limit"
    return " ", "blank"


def _with_limit_word(line: str, roles: list[str]) -> tuple[str, list[str]]:
    """The limit's line named where it runs free."""
    word = " limit "
    for start in range(2, len(line) - len(word) - 1):
        if all(role == "limit" for role in roles[start - 1 : start + len(word) + 1]):
            return line[:start] + word + line[start + len(word) :], roles
    return line, roles


def _painted(line: str, roles: Sequence[str], paint: Paint) -> str:
    tones = {"memory": paint.memory, "limit": paint.killed, "blank": paint.plain}
    parts: list[str] = []
    start = 0
    for place in range(1, len(line) + 1):
        if place == len(line) or roles[place] != roles[start]:
            parts.append(tones[roles[start]](line[start:place]))
            start = place
    return "".join(parts)


def _axis(picture: Picture, grid: _Grid, *, ascii_only: bool, paint: Paint) -> str:
    corner, line, kill, restart, image = ("+", "-", "X", "^", "I") if ascii_only else ("┼", "─", "X", "┴", "I")
    cells = [line] * grid.width
    signs = {MarkKind.RESTART: restart, MarkKind.IMAGE: image, MarkKind.KILL: kill}
    for mark in sorted(picture.marks, key=lambda mark: list(signs).index(mark.kind)):  # a kill hides the others
        place = min(grid.column(mark.at) * grid.each + grid.each - 1, grid.width - 1)
        cells[place] = signs[mark.kind]
    roles = ["limit" if cell == kill else "blank" for cell in cells]
    return paint.talk("0".rjust(_SCALE_WIDTH - 1) + " " + corner) + _painted("".join(cells), roles, paint)


def _ages(picture: Picture, grid: _Grid) -> str:
    """The ages below the axis: the beginning, the middle where there is room, and the end with what it was."""
    indent = " " * _SCALE_WIDTH
    kills = [mark.at for mark in picture.marks if mark.kind is MarkKind.KILL]
    end = "killed " if picture.until in kills else ""
    at_end = age(picture.until, picture.now)
    begin, finish = f"{age(picture.since, picture.now)} ago", end + ("now" if at_end == "0s" else f"{at_end} ago")
    middle = f"{age(picture.since + (picture.until - picture.since) / 2, picture.now)} ago"
    free = grid.width + 1 - len(begin) - len(finish)
    if free < 2:  # noqa: PLR2004 - two words must stand apart; the end is the one that matters
        return (indent + begin + "  " + finish) if grid.width < len(begin) else indent + finish.rjust(grid.width + 1)
    left = (grid.width + 1 - len(middle)) // 2 - len(begin)
    right = free - left - len(middle)
    if min(left, right) < 4:  # noqa: PLR2004 - room to tell three words apart
        return indent + pad(begin, len(begin) + free) + finish
    return indent + begin + " " * left + middle + " " * right + finish


def _blocks(ascii_only: bool) -> str:  # noqa: FBT001 - chooses one of two alphabets
    return BLOCKS_ASCII if ascii_only else BLOCKS


def _lines(ascii_only: bool) -> tuple[str, ...]:  # noqa: FBT001 - as above
    return LINES_ASCII if ascii_only else LINES
