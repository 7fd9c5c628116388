"""Lengths of time, as the flags take them."""

from __future__ import annotations

import re

from kubectl_oom.errors import OomError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
# The calendar of a program ends, and so do timers. A hundred years is more than anybody means or any engine keeps.
LONGEST_SECONDS = 36_500 * 86_400.0


def span_of(duration: str) -> float:
    """Seconds of a window: as `seconds_of`, with days and weeks, and never 0."""
    match = re.fullmatch(r"(\d+)([dw])", duration)
    seconds = float(match[1]) * {"d": 86_400, "w": 604_800}[match[2]] if match else seconds_of(duration)
    if not seconds:
        raise OomError(f'error: invalid duration "{duration}"', "Use a length such as 24h or 7d")
    return _refused_if_endless(seconds, duration)


def seconds_of(duration: str | None) -> float | None:
    """Seconds of a Go duration (`1s`, `2m`, `1m30s`) or a whole number of them; None when none was given."""
    if duration is None:
        return None
    if re.fullmatch(r"\d+", duration):
        return _refused_if_endless(float(duration), duration)
    parts = _DURATION.findall(duration)
    if not parts or "".join(n + u for n, u in parts) != duration:
        raise OomError(f'error: invalid duration "{duration}"', "Use a number with a unit: 500ms, 5s, 2m")
    return _refused_if_endless(sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts), duration)


def _refused_if_endless(seconds: float, duration: str) -> float:
    if seconds > LONGEST_SECONDS:
        raise OomError(f'error: invalid duration "{duration}"', "The longest is a hundred years: 876000h")
    return seconds


def timeout_of(text: str | None) -> float | None:
    """As `seconds_of`, refused in kubectl's words for `--request-timeout`."""
    try:
        return seconds_of(text)
    except OomError as error:
        raise OomError(
            "error: Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a "
            "corresponding time unit (e.g. 1s | 2m | 3h)"
        ) from error
