"""The index of a block of Prometheus' store: symbols, series, postings (index.md of its documents, version 2)."""

from __future__ import annotations

import struct
from array import array
from collections import defaultdict
from typing import TYPE_CHECKING

from benchmarks.chunks import crc, uvarint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Labels = tuple[tuple[str, str], ...]  # sorted by name

MAGIC = struct.pack(">IB", 0xBAAAD700, 2)
ALIGNED = 16  # bytes; a series is named by its offset in units of it
ALL = ("", "")  # the postings that hold every series
NOWHERE = 0  # a section that is not there


def index(series: Iterable[tuple[Labels, bytes]], write: Callable[[bytes], object]) -> None:
    """Write an index; each series, sorted, with its chunks as the index tells of them."""
    _Index(write).whole(list(series))


class _Index:
    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write, self._at = write, 0
        self._symbols: dict[str, bytes] = {}  # text → its number, packed
        self._postings: dict[tuple[str, str], array[int]] = defaultdict(lambda: array("I"))

    def whole(self, series: list[tuple[Labels, bytes]]) -> None:
        self._put(MAGIC)
        symbols = self._put_symbols({text for labels, _ in series for pair in labels for text in pair})
        self._pad(ALIGNED)
        begin = self._at
        for labels, told in series:
            self._put_series(labels, told)
        postings = self._at
        table = self._put_postings()
        places = struct.pack(">6Q", symbols, begin, NOWHERE, NOWHERE, postings, table)
        self._put(places + crc(places))

    def _put_symbols(self, texts: set[str]) -> int:
        ordered = sorted(texts)
        self._symbols = {text: uvarint(number) for number, text in enumerate(ordered)}
        return self._section(struct.pack(">I", len(ordered)) + b"".join(map(_text, ordered)))

    def _put_series(self, labels: Labels, told: bytes) -> None:
        self._pad(ALIGNED)
        for key in (ALL, *labels):
            self._postings[key].append(self._at // ALIGNED)
        names = b"".join(self._symbols[name] + self._symbols[value] for name, value in labels)
        body = uvarint(len(labels)) + names + told
        self._put(uvarint(len(body)) + body + crc(body))

    def _put_postings(self) -> int:
        entries = []
        for (name, value), numbers in sorted(self._postings.items()):
            if struct.pack("=I", 1) != struct.pack(">I", 1):
                numbers.byteswap()
            self._pad(4)
            at = self._section(struct.pack(">I", len(numbers)) + numbers.tobytes())
            entries.append(b"\x02" + _text(name) + _text(value) + uvarint(at))
        return self._section(struct.pack(">I", len(entries)) + b"".join(entries))

    def _section(self, body: bytes) -> int:
        """Where it begins: its length, itself, its checksum."""
        at = self._at
        self._put(struct.pack(">I", len(body)) + body + crc(body))
        return at

    def _pad(self, to: int) -> None:
        self._put(bytes(-self._at % to))

    def _put(self, data: bytes) -> None:
        self._write(data)
        self._at += len(data)


def _text(text: str) -> bytes:
    data = text.encode()
    return uvarint(len(data)) + data
