"""The rows of `list`: one per container that was killed, as `kubectl get` prints what it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Verdict
from kubectl_oom.quantity import show_bytes
from kubectl_oom.show.rows import NONE, UNKNOWN, Rows
from kubectl_oom.show.sentences import workload_target
from kubectl_oom.show.table import table
from kubectl_oom.show.words import age, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import ListedKill

    Column = Callable[[ListedKill], str]

OPTIONAL = ("LIMIT", "WORKLOAD", "CONTAINER")  # the first goes first where the screen is narrow


def lines(
    items: Sequence[ListedKill],
    *,
    now: datetime,
    width: int | None,
    wide: bool,
    with_headers: bool = True,
    with_context: bool = False,
) -> Iterator[str]:
    """The table's lines, fitted into `width` columns where one is given; without items none."""
    if not items:
        return
    rows = _rows(items, now, wide=wide, with_context=with_context)
    # The headers have a say in the widths even where they are not printed: the columns stay where they are.
    found = table(rows, None if wide else width, OPTIONAL)
    if not with_headers:
        next(found)
    yield from found


def names(items: Sequence[ListedKill]) -> Iterator[str]:
    """`pod/x` for every pod that exists, once: what can be handed to kubectl."""
    return iter(dict.fromkeys(f"pod/{one_line(item.pod)}" for item in items if not item.pod_gone))


def _rows(items: Sequence[ListedKill], now: datetime, *, wide: bool, with_context: bool) -> Rows:
    columns: dict[str, Column] = {"CONTEXT": lambda item: item.context or NONE} if with_context else {}
    columns |= {
        "NAMESPACE": lambda item: item.namespace,
        "POD": lambda item: item.pod,
        "CONTAINER": lambda item: item.container,
        "VERDICT": lambda item: item.verdict.value,
        "KILLS": lambda item: f"{item.kills}+" if item.at_least else str(item.kills),
        "LAST": lambda item: age(item.last_killed_at, now) if item.last_killed_at else UNKNOWN,
        "LIMIT": _limit,
        "WORKLOAD": _workload,
    }
    if wide:
        columns |= {
            "NODE": lambda item: item.node or UNKNOWN,
            "EXIT-CODE": _exit_code,
            "PATTERN": lambda item: item.pattern.value,
            "HIGHEST-SAMPLED": _highest,
        }
    return [list(columns), *([cell(item) for cell in columns.values()] for item in items)]


def _limit(item: ListedKill) -> str:
    if item.limit_bytes is not None:
        return show_bytes(item.limit_bytes)
    return NONE if item.unlimited else UNKNOWN


def _exit_code(item: ListedKill) -> str:
    if item.exit_code is not None:
        return str(item.exit_code)
    return NONE if item.verdict is Verdict.CHILD_KILLED else UNKNOWN  # its main process lives on


def _highest(item: ListedKill) -> str:
    return UNKNOWN if item.highest_sampled_bytes is None else show_bytes(item.highest_sampled_bytes)


def _workload(item: ListedKill) -> str:
    owner = item.workload
    if owner is None:
        return UNKNOWN if item.pod_gone else NONE
    return workload_target(owner) or f"{owner.kind.lower()}/{owner.name}"
