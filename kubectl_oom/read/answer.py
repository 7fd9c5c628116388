"""Fields of an answer, read as what they should be or not at all: JSON from outside is anything until looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubectl_oom.read.source import Json

_INT64 = 1 << 63  # every integer of the API is below; what is not was never counted by a kubelet


def part(parent: Any, key: str) -> Json:  # noqa: ANN401 - anything until it was looked at
    """The object under `key`, empty where there is none."""
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}


def parts(parent: Any, key: str) -> list[Json]:  # noqa: ANN401 - as above
    """The objects of the list under `key`; what is no object is left out."""
    value = parent.get(key) if isinstance(parent, dict) else None
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def words(parent: Any, key: str) -> list[str]:  # noqa: ANN401 - as above
    """The strings of the list under `key`."""
    value = parent.get(key) if isinstance(parent, dict) else None
    return [entry for entry in value if isinstance(entry, str)] if isinstance(value, list) else []


def text(value: object) -> str | None:
    """The value as text; None where it is absent or empty."""
    return str(value) if value not in (None, "") else None


def whole(value: object) -> int | None:
    """A whole number; None for anything else, and for what no 64-bit integer holds."""
    fits = isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64
    return value if fits and isinstance(value, int) else None
