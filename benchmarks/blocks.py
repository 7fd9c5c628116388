"""Blocks of Prometheus' store, written without Prometheus: what `promtool` takes hours for, in a minute.

Ten thousand containers for a week are half a billion samples. Most of their series are alike (a limit, an owner, a
counter that stands still), so a course of values is packed once and written for every series that took it. What
comes out is an ordinary store, as large as one that was scraped. The format: Prometheus' documents of its TSDB,
index.md and chunks.md.
"""

from __future__ import annotations

import json
import multiprocessing
import struct
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import TYPE_CHECKING

from benchmarks.block_index import index
from benchmarks.chunks import chunks, uvarint, varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.block_index import Labels
    from benchmarks.chunks import Chunk

HOURS = 18  # of a block: the longest that a server makes which keeps fifteen days
BLOCK = HOURS * 3_600_000
SEGMENT = struct.pack(">IB3x", 0x85BD40DD, 1)
AT_ONCE = 2  # blocks under way


@dataclass(frozen=True, eq=False)
class Course:
    """Values that one series took, or many: every `step` seconds from `first` on."""

    first: int
    step: int
    values: Sequence[float]

    @property
    def end(self) -> int:
        """When the next value would have come."""
        return self.first + self.step * len(self.values)

    def within(self, begin: int, end: int) -> list[Chunk]:
        """The part between two moments in milliseconds, the second left out."""
        first, step = self.first * 1000, self.step * 1000
        low = max(0, -((first - begin) // step))
        high = max(low, min(len(self.values), -((first - end) // step)))
        return chunks(first + low * step, step, self.values[low:high])


def write(series: Sequence[tuple[Labels, Course]], store: Path) -> None:
    """A new store that holds these series, each under labels of its own."""
    ordered = sorted(series, key=lambda one: one[0])
    begin = min(course.first for _, course in ordered) * 1000
    starts = range(begin - begin % BLOCK, max(course.end for _, course in ordered) * 1000, BLOCK)
    store.mkdir(parents=True)
    # Forked, so that the series are there without being sent.
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(AT_ONCE, mp_context=fork, initializer=_hold, initargs=(ordered,)) as workers:
        list(workers.map(_block, starts, repeat(store)))


_held: list[Sequence[tuple[Labels, Course]]] = []  # in a worker: what it is to write


def _hold(ordered: Sequence[tuple[Labels, Course]]) -> None:
    _held.append(ordered)


@dataclass(frozen=True)
class _Packed:
    """The chunks of a course within a block: as a segment file holds them, and as the index tells of them."""

    data: bytes
    before: bytes  # the first one's place in the segment stands between the two
    after: bytes
    first: int
    last: int


def _pack(found: list[Chunk]) -> _Packed:
    first, last = found[0], found[-1]
    before = uvarint(len(found)) + varint(first.first) + uvarint(first.last - first.first)
    rest = [
        uvarint(here.first - there.last) + uvarint(here.last - here.first) + varint(len(there.data))
        for there, here in pairwise(found)
    ]
    return _Packed(b"".join(one.data for one in found), before, b"".join(rest), first.first, last.last)


def _block(begin: int, store: Path) -> None:
    """The series from a moment on, as a block; none where they have no samples."""
    [ordered] = _held
    courses = {course: course.within(begin, begin + BLOCK) for course in dict.fromkeys(one for _, one in ordered)}
    packed = {course: _pack(found) for course, found in courses.items() if found}
    here = [(labels, packed[course]) for labels, course in ordered if course in packed]
    if not here:
        return
    name = f"{begin:026}"  # a ULID: digits only, the first of them small
    folder = store / name
    (folder / "chunks").mkdir(parents=True)
    offsets = _segment([one for _, one in here], folder / "chunks" / "000001")
    told = ((labels, one.before + uvarint(at) + one.after) for (labels, one), at in zip(here, offsets, strict=True))
    with (folder / "index").open("wb") as file:
        index(told, file.write)
    times = {
        "minTime": min(one.first for one in packed.values()),
        "maxTime": max(one.last for one in packed.values()) + 1,
    }
    stats = {"numSeries": len(here)}
    meta = {"ulid": name, **times, "stats": stats, "compaction": {"level": 1, "sources": [name]}, "version": 1}
    (folder / "meta.json").write_text(json.dumps(meta))


def _segment(here: Iterable[_Packed], path: Path) -> list[int]:
    """Write the chunks; where those of each series begin."""
    offsets, at = [], len(SEGMENT)
    with path.open("wb") as file:
        file.write(SEGMENT)
        for one in here:
            offsets.append(at)
            at += file.write(one.data)
    return offsets
