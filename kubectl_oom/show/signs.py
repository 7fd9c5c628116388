"""The characters that pictures of memory are made of, and whether a stream can take them.

Apart from the drawing, so that an answer without samples does not load it.
"""

from __future__ import annotations

BLOCKS = " ▁▂▃▄▅▆▇█"
BLOCKS_ASCII = " ...:::##"
LINES = ("┤", "│", "╌", "┼", "─", "X", "┴")
LINES_ASCII = ("|", "|", "-", "+", "-", "X", "^")


def drawable(encoding: str | None) -> bool:
    """Whether a stream of this encoding can take the characters of a chart; if not, draw with `ascii_only`."""
    try:
        (BLOCKS + "".join(LINES)).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
