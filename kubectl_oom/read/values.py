"""Frozen evidence as JSON and back, by the types of its fields: what a snapshot keeps of a metrics engine's answers.

Samples become `[seconds, value]`, since a history holds thousands of them.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timezone
from enum import Enum
from functools import lru_cache
from typing import Any, TypeVar

from kubectl_oom import evidence
from kubectl_oom.evidence import Sample
from kubectl_oom.read.answer import whole

T = TypeVar("T")
# Names that the evidence modules import for annotations only.
_NAMES = {**vars(evidence), "datetime": datetime, "Mapping": Mapping}


def to_json(value: object) -> Any:  # noqa: ANN401 - JSON is anything
    """The value as JSON: dataclasses by field name, times in seconds since 1970, enums by value."""
    if isinstance(value, Sample):
        return [value.at.timestamp(), value.value]
    if is_dataclass(value):
        return {f.name: to_json(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    return value


def from_json(kind: type[T], document: Any) -> T:  # noqa: ANN401 - JSON is anything
    """The value back; ValueError, TypeError or KeyError where the document does not hold one of this kind."""
    value: T = _read(kind, document)
    return value


def _read(kind: Any, document: Any) -> Any:  # noqa: ANN401 - a type and its JSON
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if document is None else _read(next(a for a in arguments if a is not type(None)), document)
    if kind is Sample:
        at, value = document
        return Sample(at=_moment(at), value=count_of(value))
    if origin is tuple:
        return tuple(_read(arguments[0], item) for item in document)
    if origin is Mapping:
        return {key: _read(arguments[1], item) for key, item in document.items()}
    if is_dataclass(kind):
        hints = _hints(typing.cast("type", kind))
        # A field that a later version added is not in an older snapshot: it has its default there.
        optional = {f.name for f in fields(kind) if f.default is not MISSING or f.default_factory is not MISSING}
        there = {name: hint for name, hint in hints.items() if name in document or name not in optional}
        return kind(**{name: _read(hint, document[name]) for name, hint in there.items()})  # type: ignore[operator]
    if kind is datetime:
        return _moment(document)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(document)
    if kind is float and isinstance(document, int):
        return float(document)
    if not isinstance(document, kind) or (kind is int and isinstance(document, bool)):
        raise ValueError(f"{kind.__name__} expected")
    return count_of(document) if kind is int else document


def count_of(number: float) -> int:
    """A whole number of a document; ValueError for what no 64-bit integer holds, with which nobody can reckon."""
    count = whole(int(number))
    if count is None:
        raise ValueError("a number that is too large")
    return count


@lru_cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind, localns=_NAMES)


def _moment(seconds: Any) -> datetime:  # noqa: ANN401 - JSON is anything
    return datetime.fromtimestamp(float(seconds), tz=timezone.utc)
