"""Rows under UPPERCASE headers, as kubectl prints them, no wider than the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.show.words import cells, elide, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
        grid = _shrunk(_without_columns(grid, width, optional), width)
    text = tabulate(grid, tablefmt="plain", disable_numparse=True)  # given as headers, they would be padded
    yield from (line.rstrip() for line in text.splitlines())


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


def _without_columns(grid: list[list[str]], width: int, optional: Sequence[str]) -> list[list[str]]:
    for header in optional:
        if _total(_widths(grid)) <= width:
            break
        if header in grid[0]:
            place = grid[0].index(header)
            grid = [row[:place] + row[place + 1 :] for row in grid]
    return grid


def _shrunk(grid: list[list[str]], width: int) -> list[list[str]]:
    widths = _widths(grid)
    while _total(widths) > width and max(widths) > _NARROWEST:
        widths[widths.index(max(widths))] -= 1
    return [[elide(cell, most) for cell, most in zip(row, widths, strict=True)] for row in grid]
