"""Rows under UPPERCASE headers, as kubectl prints them, no wider than the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.show.words import cells, elide, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_BETWEEN_COLUMNS = 2  # tabulate's "plain"
_NARROWEST = 5  # "ab..c": less tells nothing


def table(rows: Sequence[Sequence[str]], width: int | None, optional: Sequence[str] = ()) -> Iterator[str]:
    """The table's lines; the first row are the headers.

    Where it is wider than `width`, `optional` columns go first, then the middles of the widest cells.
    A `width` of None keeps everything, as `-o wide` does.
    """
    from tabulate import tabulate  # noqa: PLC0415 - 58 ms that most screens do not need

    grid = [[_cell(cell) for cell in row] for row in rows]
    if width is not None:
        grid = _without_columns(grid, width, optional, _widths)
        grid = _fitted(grid, _narrowed(_widths(grid), width))
    text = tabulate(grid, tablefmt="plain", disable_numparse=True)  # given as headers, they would be padded
    yield from (line.rstrip() for line in text.splitlines())


def streamed(
    rows: Sequence[Sequence[str]], widths: Mapping[str, int], width: int | None, optional: Sequence[str] = ()
) -> Iterator[str]:
    """The lines of rows that are printed before the next ones are known: every header has a width of its own.

    Where that is too wide: as in `table`. A `width` of None keeps everything; what is longer then moves its row.
    """

    def fixed(grid: Sequence[Sequence[str]]) -> list[int]:
        return [widths[header] for header in grid[0]]

    grid = [[_cell(cell) for cell in row] for row in rows]
    room = fixed(grid)
    if width is not None:
        grid = _without_columns(grid, width, optional, fixed)
        room = _narrowed(fixed(grid), width)
        grid = _fitted(grid, room)
    for row in grid:
        yield (" " * _BETWEEN_COLUMNS).join(cell.ljust(most) for cell, most in zip(row, room, strict=True)).rstrip()


def _cell(text: str) -> str:
    """One line of characters that take one column each: names are ASCII, and what is not would shift the columns."""
    return "".join(
        character if cells(character) == 1 else character.encode("unicode_escape").decode()
        for character in one_line(text)
    )


def _widths(grid: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*grid, strict=True)]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _BETWEEN_COLUMNS * (len(widths) - 1)


def _without_columns(
    grid: list[list[str]], width: int, optional: Sequence[str], measure: Callable[[list[list[str]]], list[int]]
) -> list[list[str]]:
    for header in optional:
        if _total(measure(grid)) <= width:
            break
        if header in grid[0]:
            place = grid[0].index(header)
            grid = [row[:place] + row[place + 1 :] for row in grid]
    return grid


def _narrowed(widths: list[int], width: int) -> list[int]:
    """The widths, the widest made narrower until all fit."""
    narrow = list(widths)
    while _total(narrow) > width and max(narrow) > _NARROWEST:
        narrow[narrow.index(max(narrow))] -= 1
    return narrow


def _fitted(grid: list[list[str]], widths: Sequence[int]) -> list[list[str]]:
    return [[elide(cell, most) for cell, most in zip(row, widths, strict=True)] for row in grid]
