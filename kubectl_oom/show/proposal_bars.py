"""Today's limit, the highest sample and the recommended limit as bars on one scale: people look before they read."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from kubectl_oom.quantity import show_bytes, show_percent
from kubectl_oom.show.colour import NO_PAINT, Paint
from kubectl_oom.show.words import pad

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Proposal

_LABEL = 17  # "highest sampled" and a gap
_FAR_ABOVE = 10  # times the limit: a percentage of more is not read
_WIDEST, _NARROWEST = 50, 6  # cells: longer bars tell nothing more
# A limit is a line with an end, memory is full: the same signs as in the chart, so that no colour is needed.
_MEMORY, _LIMIT, _END = "█", "╌", "┤"
_MEMORY_ASCII, _LIMIT_ASCII, _END_ASCII = "#", "-", "|"


def bars(item: Proposal, *, width: int, ascii_only: bool = False, paint: Paint = NO_PAINT) -> Iterator[str]:
    """A line per size that is known, no wider than `width`; nothing where there is nothing to compare."""
    limit, highest = item.size.current.limit_bytes, item.highest_bytes
    recommended = item.size.recommended.limit_bytes if item.size.recommended else None
    fits = item.offer.limit_bytes if item.offer else None
    sizes = {"limit today": limit, "highest sampled": highest, "recommended": recommended, "what fits": fits}
    known = {label: size for label, size in sizes.items() if size}
    if len(known) <= 1:
        return
    values = {label: show_bytes(size) for label, size in known.items()}
    if limit and highest and highest <= _FAR_ABOVE * limit:
        values["highest sampled"] += f" ({show_percent(highest, limit)})"
    room = max(_NARROWEST, min(_WIDEST, width - _LABEL - 1 - max(map(len, values.values()))))
    top = max(known.values())
    memory, line, end = (_MEMORY_ASCII, _LIMIT_ASCII, _END_ASCII) if ascii_only else (_MEMORY, _LIMIT, _END)
    for label, size in known.items():
        if label == "highest sampled":
            drawn = paint.memory(memory * _cells_of_memory(size, limit, top, room))
        else:
            cells = max(1, ceil(room * size / top))
            drawn = (paint.killed if label == "limit today" else paint.heading)(line * (cells - 1) + end)
        yield f"{pad(label, _LABEL)}{drawn} {values[label]}"


def _cells_of_memory(highest: int, limit: int | None, top: int, room: int) -> int:
    """Rounded so that a sample below its limit never reaches the limit's end, and one above it never stays below."""
    exact = room * highest / top
    return max(1, int(exact) if limit is None or highest < limit else ceil(exact))
