"""Many containers as rows under headers; text and markdown show the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.quantity import show_bytes, show_percent
from kubectl_oom.show.sentences import workload_target
from kubectl_oom.show.words import age

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Diagnosis

    Column = Callable[[Diagnosis], str]

Rows = list[list[str]]  # the headers first

NONE, UNKNOWN = "<none>", "<unknown>"
OPTIONAL_WHEN_ENDED = ("CONFIDENCE", "LIMIT", "CONTAINER")  # the first goes first where the screen is narrow
OPTIONAL_WHEN_QUIET = ("HIGHEST-SAMPLED", "REQUEST", "AGE", "CONTAINER")


def ended_rows(items: Sequence[Diagnosis], now: datetime, *, with_namespace: bool, wide: bool) -> Rows:
    """A row per container that ended: which, how, how sure, at what limit, how long ago."""
    columns = _names(with_namespace=with_namespace or wide) | {
        "VERDICT": lambda item: item.verdict.value,
        "CONFIDENCE": lambda item: item.confidence.value,
        "LIMIT": _limit,
    }
    if wide:
        columns |= _WIDE_COLUMNS
    columns["AGE"] = lambda item: age(item.killed_at, now) if item.killed_at else UNKNOWN
    return _filled(columns, items)


def quiet_rows(items: Sequence[Diagnosis], now: datetime, *, with_namespace: bool, wide: bool) -> Rows:
    """A row per container that nothing ended: what its memory is now, against its limit."""
    columns = _names(with_namespace=with_namespace or wide) | {
        "WORKING-SET": lambda item: _size(item, item.last_sample.working_set_bytes if item.last_sample else None),
        "USAGE": lambda item: _size(item, item.last_sample.usage_bytes if item.last_sample else None),
    }
    if any(item.run_up and item.run_up.highest_working_set_bytes is not None for item in items):
        columns["HIGHEST-SAMPLED"] = _highest_sampled
    columns |= {"LIMIT": _limit, "REQUEST": _request}
    columns["AGE"] = lambda item: age(item.last_sample.at, now) if item.last_sample else UNKNOWN
    return _filled(columns, items)


def _names(*, with_namespace: bool) -> dict[str, Column]:
    names: dict[str, Column] = {"POD": lambda item: item.pod, "CONTAINER": lambda item: item.container}
    return {"NAMESPACE": lambda item: item.namespace, **names} if with_namespace else names


def _filled(columns: dict[str, Column], items: Sequence[Diagnosis]) -> Rows:
    return [list(columns), *([cell(item) for cell in columns.values()] for item in items)]


def _size(item: Diagnosis, value: int | None) -> str:
    if value is None:
        return UNKNOWN
    return show_bytes(value) + (f" ({show_percent(value, item.limit_bytes)})" if item.limit_bytes else "")


def _highest_sampled(item: Diagnosis) -> str:
    return _size(item, item.run_up.highest_working_set_bytes if item.run_up else None)


def _limit(item: Diagnosis) -> str:
    if item.limit_bytes is not None:
        return show_bytes(item.limit_bytes)
    return NONE if item.limit_known else UNKNOWN


def _request(item: Diagnosis) -> str:
    return NONE if item.request_bytes is None else show_bytes(item.request_bytes)


def _workload(item: Diagnosis) -> str:
    owner = item.workload
    if owner is None:
        return NONE
    return workload_target(owner) or f"{owner.kind.lower()}/{owner.name}"


_WIDE_COLUMNS: dict[str, Column] = {
    "WORKLOAD": _workload,
    "NODE": lambda item: item.node or UNKNOWN,
    "REASON": lambda item: item.reason or NONE,
    "EXIT-CODE": lambda item: NONE if item.exit_code is None else str(item.exit_code),
    "RESTARTS": lambda item: str(item.restart_count),
}
