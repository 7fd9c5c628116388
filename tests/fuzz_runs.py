"""One run of the tool in this process, at a terminal or not, and what holds for all that it says."""

from __future__ import annotations

import io
import re
import time
import unicodedata
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.cli.run import run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

STEERS = {"Cc", "Cf", "Cs", "Zl", "Zp"}
OUR_COLOURS = re.compile(r"\x1b\[(?:0|1|2|31|33|36)m")
# Whole runs take tenths of a second. A machine that is busy with other tests makes seconds of that, a loop does not end.
SECONDS = 30.0


class _Stream(io.TextIOWrapper):
    """A stream of the program: bytes of an encoding, at a terminal or not."""

    def __init__(self, encoding: str, errors: str = "strict", *, is_terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, errors=errors, newline="")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def said(self) -> str:
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        # Onto a stream that takes no more than ASCII, click writes UTF-8: it is a stream that was set up badly.
        return self.buffer.getvalue().decode("utf-8" if self.encoding == "ascii" else self.encoding)


@dataclass(frozen=True)
class Said:
    """What one run said, and how it ended."""

    code: int
    out: str
    err: str
    seconds: float
    args: tuple[str, ...]


def said(args: Sequence[str], *, encoding: str = "utf-8", is_terminal: bool = False) -> Said:
    """A run with these words. What it raises, it raises here."""
    out = _Stream(encoding, is_terminal=is_terminal)
    err = _Stream(encoding, "backslashreplace")
    started = time.monotonic()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(args)
    return Said(code, out.said(), err.said(), time.monotonic() - started, tuple(args))


def captured(action: Callable[[], int]) -> tuple[str, int]:
    """What an action says on stdout, and what it returns."""
    out = _Stream("utf-8")
    with redirect_stdout(out):
        code = action()
    return out.said(), code


def assert_orderly(ran: Said) -> None:
    """An answer or an error in words, soon, and nothing in it that steers a terminal but our own colours."""
    assert ran.code in ((0, 1, 2) if "--exit-code" in ran.args else (0, 1)), ran.code
    assert ran.code == 0 or ran.out or ran.err
    assert ran.seconds < SECONDS
    assert "Traceback" not in ran.err
    lines = OUR_COLOURS.sub("", ran.out).replace("\r\n", "\n") if "csv" in ran.args else OUR_COLOURS.sub("", ran.out)
    assert steering(lines) == {}
    assert steering(ran.err) == {}


def steering(text: str) -> dict[str, str]:
    """The characters that steer a terminal or hide, each with the place where it comes first."""
    found = {one for one in text if unicodedata.category(one) in STEERS and one not in "\n\t"}
    return {ascii(one): ascii(text[max(text.index(one) - 60, 0) : text.index(one) + 20]) for one in found}
