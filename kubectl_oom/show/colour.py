"""Colour by meaning. Whether there is any is decided once, outside, and passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_RED, _YELLOW, _CYAN, _DIM, _BOLD = "31", "33", "36", "2", "1"


@dataclass(frozen=True, slots=True)
class Paint:
    """Words in the colour of what they mean, or as they are when `on` is false."""

    on: bool

    def killed(self, text: str) -> str:
        """What was killed, what is critical, the limit: red."""
        return self._in(_RED, text)

    def warning(self, text: str) -> str:
        """What deserves a look: yellow."""
        return self._in(_YELLOW, text)

    def memory(self, text: str) -> str:
        """Memory in a picture, and commands: cyan."""
        return self._in(_CYAN, text)

    def talk(self, text: str) -> str:
        """What only explains: dim."""
        return self._in(_DIM, text)

    def heading(self, text: str) -> str:
        """The head of a section: bold."""
        return self._in(_BOLD, text)

    def plain(self, text: str) -> str:
        """The text as it is: where a tone is chosen, one of them is none."""
        return text

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text


NO_PAINT = Paint(on=False)


def decide(stream_is_tty: bool, environ: Mapping[str, str]) -> bool:  # noqa: FBT001 - a question about one stream
    """Whether to colour, by kubectl's rule: on a terminal only, not with NO_COLOR (any value), not on a dumb one."""
    return stream_is_tty and "NO_COLOR" not in environ and environ.get("TERM") != "dumb"
