"""Kubernetes memory quantities: text to exact bytes and back, without floats."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

_WHOLE = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18}
_WHOLE |= {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60}
_PARTS = {"m": 3, "u": 6, "n": 9}  # digits after the point
_QUANTITY = re.compile(r"^([+-]?[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]{1,3})?|[+-]?[0-9]+\.)(n|u|m|k|[KMGTPE]i|[MGTPE])?$")
_DIGITS = 19  # of a number of 63 bits; Python refuses to make an int of thousands
LARGEST = (1 << 63) - 1  # the API server caps larger quantities here
_UNITS = (("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10))


def parse_bytes(text: str | float) -> int | None:
    """Bytes of a quantity such as `512Mi`, `1.5Gi`, `128974848000m`, rounded up as the API server does.

    None where the text is no quantity: a unit we do not know is not a number we may guess.
    """
    exact = _exact(text)
    if exact is None:
        return None
    if not -LARGEST < exact < LARGEST:
        return LARGEST if exact > 0 else -LARGEST
    whole = int(exact)
    return whole + 1 if exact > whole else whole


def parse_cpus(text: str | float) -> float | None:
    """CPUs of a quantity such as `4` or `3920m`; None where the text is none."""
    exact = _exact(text)
    return None if exact is None or exact < 0 or exact >= LARGEST else float(exact)


def _exact(text: str | float) -> Decimal | int | None:
    match = _QUANTITY.match(str(text).strip())
    if match is None:
        return None
    number, suffix = match.group(1), match.group(2) or ""
    if number.isdigit() and len(number) <= _DIGITS and suffix in _WHOLE:  # nearly all of them
        return int(number) * _WHOLE[suffix]
    from decimal import Decimal  # noqa: PLC0415 - 2 ms

    try:
        return Decimal(number) * (_WHOLE[suffix] if suffix in _WHOLE else Decimal(1).scaleb(-_PARTS[suffix]))
    except ArithmeticError:
        return None


def show_bytes(count: int) -> str:
    """The size as people read it, three digits, or four where the unit has 1000 of them: `512Mi`, `1.5Gi`, `1020Ki`, `0`."""
    if count < 0:
        return "-" + show_bytes(-count)
    for unit, size in _UNITS:
        if count >= size:
            return _digits(count / size) + unit
    return str(count)


def exact_bytes(count: int) -> str:
    """The quantity that means exactly `count` bytes, in the largest binary unit that fits: for commands and patches."""
    for unit, size in _UNITS:
        if count and count % size == 0:
            return f"{count // size}{unit}"
    return str(count)


def show_percent(part: int, whole: int) -> str:
    """`part` of `whole` in percent: whole numbers, one digit below ten, never rounded up to 100."""
    share = 100 * part / whole
    if share < 10:  # noqa: PLR2004 - below ten a digit more is read
        return f"{share:.1f}%"
    if 99.5 <= share < 100:  # noqa: PLR2004 - "100%" would say that the limit was reached
        return "99%"
    return f"{share:.0f}%"


def _digits(number: float) -> str:
    if number >= 100:  # noqa: PLR2004 - three digits are what a reader takes in
        return f"{number:.0f}"
    text = f"{number:.1f}" if number >= 10 else f"{number:.2f}"  # noqa: PLR2004 - as above
    return text.rstrip("0").rstrip(".")
