"""What the numbers are held against: the targets of `make bench`, each met or not in the run at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.contestants import (
    CLICK,
    COMPLETION,
    DESCRIBE,
    HELP,
    LIST,
    LIST_BARE,
    RECOMMEND_ALL,
    WHY,
    WHY_ALONE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.measure import Row

# Help and completion are mostly the start of Python and the import of click, which nothing here can make faster.
OF_CLICK = 1.3
# What people type without this tool. Twice of it is still one glance.
OF_DESCRIBE = 2.0
# Of a cluster that is ten times as large, time may grow in proportion. What `list` answers is few pods, so it must hold
# little of each; `recommend` answers about all of them, sorted, and may grow with its answer, but half as fast.
MEMORY_GROWTH = 2.0
SHARE_OF_THE_ANSWER = 0.5
TENFOLD = 10


@dataclass(frozen=True)
class Target:
    """One target and what was measured, as text."""

    asked: str
    measured: str
    met: bool


@dataclass(frozen=True)
class Growth:
    """How often the smaller cluster's numbers fit into those of one that is ten times as large."""

    name: str
    smaller: int
    larger: int
    wall: float
    cpu: float
    memory: float
    lines: float

    @classmethod
    def of(cls, few: Row, many: Row, smaller: int, larger: int) -> Growth:
        return cls(
            name=few.name,
            smaller=smaller,
            larger=larger,
            wall=many.wall / few.wall,
            cpu=many.cpu / few.cpu,
            memory=many.peak_bytes / few.peak_bytes,
            lines=many.lines / max(few.lines, 1),
        )


def growths(by_size: Mapping[int, Sequence[Row]]) -> Iterator[Growth]:
    """Of every contestant, from the last size but one to the last; none unless that is tenfold."""
    sizes = sorted(by_size)[-2:]
    if len(sizes) < 2 or sizes[1] != TENFOLD * sizes[0]:
        return
    for few, many in zip(by_size[sizes[0]], by_size[sizes[1]], strict=True):
        yield Growth.of(few, many, *sizes)


def targets(start_up: Sequence[Row], one_pod: Sequence[Row], grown: Sequence[Growth]) -> Iterator[Target]:
    """All of them; those of growth only where it was measured."""
    starts, about = ({row.name: row for row in rows} for rows in (start_up, one_pod))
    yield _within(f"`{HELP}` within {OF_CLICK}x of `{CLICK}`", starts[HELP], starts[CLICK], OF_CLICK)
    yield _within(f"`{COMPLETION}` within {OF_CLICK}x of `{CLICK}`", starts[COMPLETION], starts[CLICK], OF_CLICK)
    for name in (WHY_ALONE, WHY):
        yield _within(f"`{name}` within {OF_DESCRIBE:g}x of `{DESCRIBE}`", about[name], about[DESCRIBE], OF_DESCRIBE)
    for one in grown:
        if one.name in (LIST_BARE, LIST):
            yield _bounded(one, f"memory at most {MEMORY_GROWTH:g}x", MEMORY_GROWTH)
        elif one.name == RECOMMEND_ALL:
            yield _bounded(one, "memory at most half as fast as its answer", one.lines * SHARE_OF_THE_ANSWER)


def _bounded(one: Growth, words: str, memory: float) -> Target:
    met = round(one.memory, 2) <= memory and round(one.cpu, 2) <= TENFOLD
    asked = f"`{one.name}`: {words}, CPU at most {TENFOLD}x, when pods grow tenfold"
    return Target(asked, f"memory {one.memory:.2f}x, CPU {one.cpu:.2f}x, answer {one.lines:.2f}x", met)


def _within(asked: str, ours: Row, base: Row, limit: float) -> Target:
    """Held against wall time, which is what somebody waits for."""
    wall, cpu = round(ours.wall / base.wall, 2), ours.cpu / base.cpu
    return Target(asked, f"wall {wall:.2f}x, CPU {cpu:.2f}x", wall <= limit)
