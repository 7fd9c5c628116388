"""Small words that every screen shares: ages, times, plurals, harmless text, wrapped lines."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING
from unicodedata import category, east_asian_width

if TYPE_CHECKING:
    from collections.abc import Iterator

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86_400, 365 * 86_400
_ZERO_WIDTH = frozenset({"Mn", "Me"})
_DOUBLE_WIDTH = frozenset({"W", "F"})
_SHELL_WORDS = re.compile(r"""(?:'[^']*'|"[^"]*"|[^\s'"])+\s*""")  # as shlex.quote writes them
_CLOCK_SKEW_SECONDS = -1  # kubectl calls what lies further ahead "<invalid>"


# --- times ---------------------------------------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """The duration as kubectl prints ages: `119s`, `5m30s`, `175m`, `7h5m`, `47h`, `7d23h`, `729d`, `2y3d`.

    The steps are those of HumanDuration in k8s.io/apimachinery/pkg/util/duration.
    """
    whole = int(seconds)
    if whole < _CLOCK_SKEW_SECONDS:
        return "<invalid>"
    steps = (
        (2 * _MINUTE, 1, "s", 0, ""),
        (10 * _MINUTE, _MINUTE, "m", 1, "s"),
        (3 * _HOUR, _MINUTE, "m", 0, ""),
        (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
        (48 * _HOUR, _HOUR, "h", 0, ""),
        (8 * _DAY, _DAY, "d", _HOUR, "h"),
        (2 * _YEAR, _DAY, "d", 0, ""),
        (8 * _YEAR, _YEAR, "y", _DAY, "d"),
    )
    for below, unit, letter, small_unit, small_letter in steps:
        if whole < below:
            count, left = divmod(max(whole, 0), unit)
            small = left // small_unit if small_unit else 0
            return f"{count}{letter}" + (f"{small}{small_letter}" if small else "")
    return f"{whole // _YEAR}y"


def age(at: datetime, now: datetime) -> str:
    """How long before `now`, as kubectl's AGE column says it."""
    return duration((now - at).total_seconds())


def ago(at: datetime, now: datetime) -> str:
    """`5m12s ago`; the time itself where the clocks disagree and it lies ahead."""
    seconds = (now - at).total_seconds()
    return f"at {iso(at)}" if int(seconds) < _CLOCK_SKEW_SECONDS else f"{duration(seconds)} ago"


def iso(at: datetime) -> str:
    """RFC 3339 in UTC, whole seconds, as the API server writes it: `2026-11-20T10:44:48Z`."""
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- words ---------------------------------------------------------------------------------------------------------


def plural(count: int, one: str, many: str | None = None) -> str:
    """`1 restart`, `3 restarts`, `2 replicas`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def listed(words: tuple[str, ...] | list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


# --- text that came from outside -----------------------------------------------------------------------------------


def printable(text: str) -> str:
    r"""The text with everything that could steer a terminal made visible: ESC is `^[`, CR is `\r`, as in kubectl.

    Other C0 controls follow as `^X`; C1, bidirectional and other invisible controls as `\x9b`, `\u202e`.
    Newlines and tabs stay.
    """
    return text if text.isprintable() else "".join(map(_visible, text))


def one_line(text: str) -> str:
    """The printable text with all white space folded: what a cell or a wrapped paragraph can hold."""
    return " ".join(printable(text).split())


def ascii_text(text: str) -> str:
    r"""The text in ASCII, for streams that can take no more: `\u4f60` for what lies outside."""
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _visible(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    code = ord(character)
    if category(character) == "Zs":
        return " "
    if character == "\r":
        return "\\r"
    if code < 0x20 or code == 0x7F:  # noqa: PLR2004 - the C0 controls and DEL, in caret notation
        return "^" + chr(code ^ 0x40)
    return ascii_text(character)


# --- lines ---------------------------------------------------------------------------------------------------------


def cells(text: str) -> int:
    """How many columns of a terminal the text takes: two for wide characters, none for combining ones."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def pad(text: str, width: int) -> str:
    """The text filled with blanks to `width` columns."""
    return text + " " * (width - cells(text))


def elide(text: str, width: int) -> str:
    """The text, its middle left out where it is wider than `width`: `api-7d4b..x2k4q`."""
    if cells(text) <= width:
        return text
    tail = max((width - 2) // 2, 0)
    head = max(width - 2 - tail, 0)
    return (_start(text, head) + ".." + _start(text[::-1], tail)[::-1])[: max(width, 0)]


def wrap(text: str, width: int, first: str = "", rest: str | None = None) -> Iterator[str]:
    """The text made harmless and folded into lines of at most `width` columns.

    `first` stands before the first line, `rest` (as many blanks, if not given) before the others.
    A word wider than a line is broken: nothing ever sticks out.
    """
    rest = " " * cells(first) if rest is None else rest
    if cells(rest) > width // 2:  # a hanging indent that leaves no room helps nobody
        rest = " " * (width // 4)
    line, filled = first, False
    for word in one_line(text).split():
        if cells(line) + filled + cells(word) > width and (filled or cells(first) > cells(rest)):
            yield line.rstrip()
            line, filled = rest, False
        line, filled = f"{line} {word}" if filled else line + word, True
        while cells(line) > width:
            head = _start(line, width)
            yield head
            line = rest + line[len(head) :]
    if filled or line.strip():
        yield line.rstrip()


def shell_words(command: str) -> list[str]:
    """The words of a shell command, each with the blanks behind it."""
    return _SHELL_WORDS.findall(command)


def command_lines(command: str, width: int, indent: str) -> Iterator[str]:
    r"""A shell command on lines of at most `width` columns, broken by `\` so that it can still be pasted."""
    line = indent
    words = shell_words(command)
    for number, word in enumerate(words, start=1):
        room = width if number == len(words) else width - 2  # for the " \\" that may follow
        if line.strip() and cells(line) + cells(word.rstrip()) > room:
            yield line.rstrip() + " \\"
            line = indent + "  "
        line += word
        while cells(line.rstrip()) > room:
            head = _start(line, width - 2)
            quote = _open_quote(head)  # between single quotes a backslash is no line break
            yield f"{head}{quote}\\"
            line = quote + line[len(head) :]
    yield line.rstrip()


def _open_quote(text: str) -> str:
    """The quote that is open at the end of the text: closed before a line break and opened after it."""
    quote = ""
    for character in text:
        if character == quote:
            quote = ""
        elif not quote and character in "'\"":
            quote = character
    return quote


def _cell(character: str) -> int:
    if east_asian_width(character) in _DOUBLE_WIDTH:
        return 2
    return 0 if category(character) in _ZERO_WIDTH else 1


def _start(text: str, width: int) -> str:
    """As many leading characters as fit, but one at least while there is room for any."""
    taken = 0
    for index, character in enumerate(text):
        taken += _cell(character)
        if taken > width:
            return text[:index]
    return text
