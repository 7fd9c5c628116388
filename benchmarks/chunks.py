"""Samples packed as Prometheus packs them on disk: XOR chunks, https://prometheus.io/docs/ (TSDB format, chunks.md)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLES = 120  # in a chunk
XOR = 1  # the encoding's number
WIDE = 64  # bits of a value
MOST_LEADING = 31  # what five bits can tell
CASTAGNOLI = 0x82F63B78


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (CASTAGNOLI if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _crc_table()


def crc(data: bytes, table: list[int] = _TABLE) -> bytes:
    """CRC-32C, as four bytes."""
    value = 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return struct.pack(">I", value ^ 0xFFFFFFFF)


def uvarint(value: int) -> bytes:
    """Seven bits a byte, lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint(value: int) -> bytes:
    """The same for numbers that may be negative."""
    return uvarint(value << 1 if value >= 0 else ~(value << 1))


@dataclass(frozen=True)
class Chunk:
    """Samples from `first` to `last`, in milliseconds; `data` as it stands in a segment file."""

    first: int
    last: int
    data: bytes


def chunks(first: int, step: int, values: Sequence[float]) -> list[Chunk]:
    """Values that follow each other every `step` milliseconds from `first` on, as chunks."""
    cuts = range(0, len(values), SAMPLES)
    return [_chunk(first + cut * step, step, values[cut : cut + SAMPLES]) for cut in cuts]


def _chunk(first: int, step: int, values: Sequence[float]) -> Chunk:
    bits = _Bits()
    bits.put_bytes(varint(first))
    previous = _as_int(values[0])
    bits.put(previous, WIDE)
    leading = trailing = -1
    for place, value in enumerate(values[1:]):
        if place == 0:
            bits.put_bytes(uvarint(step))
        else:
            bits.put(0, 1)  # the step has not changed
        here = _as_int(value)
        leading, trailing = _value(bits, here ^ previous, leading, trailing)
        previous = here
    body = bytes([XOR]) + struct.pack(">H", len(values)) + bits.packed()
    return Chunk(first, first + step * (len(values) - 1), uvarint(len(body) - 1) + body + crc(body))


def _value(bits: _Bits, changed: int, leading: int, trailing: int) -> tuple[int, int]:
    """Put what has changed between two values; the zeros around it as they are to be known to the next."""
    if not changed:
        bits.put(0, 1)
        return leading, trailing
    before = min(WIDE - changed.bit_length(), MOST_LEADING)
    after = (changed & -changed).bit_length() - 1
    if leading >= 0 and before >= leading and after >= trailing:
        bits.put(0b10, 2)
        bits.put(changed >> trailing, WIDE - leading - trailing)
        return leading, trailing
    width = WIDE - before - after
    bits.put(0b11, 2)
    bits.put(before, 5)
    bits.put(width % WIDE, 6)  # 64 is written as 0
    bits.put(changed >> after, width)
    return before, after


def _as_int(value: float) -> int:
    number: int = struct.unpack(">Q", struct.pack(">d", value))[0]
    return number


class _Bits:
    """A stream of bits, the highest of each number first."""

    def __init__(self) -> None:
        self._number, self._width = 0, 0

    def put(self, number: int, width: int) -> None:
        self._number, self._width = self._number << width | number, self._width + width

    def put_bytes(self, data: bytes) -> None:
        self.put(int.from_bytes(data, "big"), 8 * len(data))

    def packed(self) -> bytes:
        missing = -self._width % 8
        return (self._number << missing).to_bytes((self._width + missing) // 8, "big")
