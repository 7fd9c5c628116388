"""Fields of an answer, read as what they should be or not at all: JSON from outside is anything until looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kubectl_oom.read.source import Json

_INT64 = 1 << 63  # every integer of the API is below; what is not was never counted by a kubelet


_HALF_PAIRS = (b"\\ud", b"\\uD")  # how they begin in JSON: no raw text has any


def decoded(body: bytes) -> Any:  # noqa: ANN401 - anything until it was looked at
    """The JSON of an answer; ValueError where it is none, or nested too deeply to be meant.

    Half of a surrogate pair becomes U+FFFD, as Go reads it: it is no character, and nothing can be sent that holds it.
    """
    try:
        found = json.loads(body)
        if any(mark in body for mark in _HALF_PAIRS):
            written = json.dumps(found, ensure_ascii=False)
            found = json.loads(written.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return found


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
