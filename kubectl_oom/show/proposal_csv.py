"""Proposals for a spreadsheet: one row per container, RFC 4180, units in the headers."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from kubectl_oom.show.words import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kubectl_oom.evidence import Cost, ExpectedKills, Proposal, Sizes

    Cell = str | int | float | None
    Column = Callable[[Proposal], Cell]

# A cell that begins so is run as a formula by spreadsheets, the full-width signs too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_MONEY_DIGITS, _RATE_DIGITS = 4, 2
# Every rule that judge/rules_of_thumb.py knows, as a column can be called; one that cannot answer leaves it empty.
RULES = {
    "default": "default",
    "stateless": "stateless",
    "stateful": "stateful",
    "batch": "batch",
    "peak": "peak",
    "p99x1.3": "p99_plus_30_percent",
    "max+10%": "highest_plus_10_percent",
    "krr": "krr",
    "krr-oom": "krr_oom",
    "vpa-target": "vpa_target",
    "vpa-upper": "vpa_upper",
}


@dataclass(frozen=True, slots=True)
class Field:
    """A column: what its cells hold, and what docs/commands/recommend.md says about it."""

    cell: Column
    meaning: str


def csv_text(items: Iterable[Proposal], *, with_header: bool = True) -> str:
    """The rows with CRLF line ends, in the order given. What is not known is an empty cell, never 0."""
    written = StringIO(newline="")
    writer = csv.writer(written)
    if with_header:
        writer.writerow(COLUMNS)
    for item in items:
        writer.writerow([_harmless(column.cell(item)) for column in COLUMNS.values()])
    return written.getvalue()


def _harmless(cell: Cell) -> Cell:
    """Numbers as they are; text on one line, and marked as text where a spreadsheet would run it."""
    if not isinstance(cell, str):
        return cell
    line = one_line(cell)
    return f"'{line}" if line.startswith(_FORMULA) else line


def _limit(sizes: Sizes | None) -> int | None:
    return sizes.limit_bytes if sizes else None


def _request(sizes: Sizes | None) -> int | None:
    return sizes.request_bytes if sizes else None


def _container_type(item: Proposal) -> str | None:
    return item.size.container_type.value if item.size.container_type else None


def _money(amount: Callable[[Cost], float | None]) -> Column:
    return lambda item: _rounded(amount(item.cost) if item.cost else None, _MONEY_DIGITS)


def _rate(kills: Callable[[ExpectedKills], float | None]) -> Column:
    return lambda item: _rounded(kills(item.expected_kills) if item.expected_kills else None, _RATE_DIGITS)


def _rounded(number: float | None, digits: int) -> float | None:
    return None if number is None else round(number, digits)


def _lasts(item: Proposal) -> int | None:
    return None if item.size.lasts_seconds is None else round(item.size.lasts_seconds)


def _rule(name: str) -> Column:
    return lambda item: item.size.alternatives.get(name)


def _unfit(item: Proposal) -> str:
    return " ".join(fit.check for fit in item.fits if not fit.ok)


COLUMNS: Mapping[str, Field] = {
    "namespace": Field(lambda item: item.size.namespace, "namespace of the workload"),
    "workload_kind": Field(lambda item: item.size.workload.kind if item.size.workload else None, "such as Deployment"),
    "workload_name": Field(lambda item: item.size.workload.name if item.size.workload else None, "its name"),
    "pod": Field(lambda item: item.pod, "name of a pod that nothing owns"),
    "container": Field(lambda item: item.size.container, "name of the container"),
    "container_type": Field(_container_type, "app, init, sidecar"),
    "risk": Field(lambda item: item.risk.value, "what threatens it today"),
    "kills": Field(lambda item: item.kills, "OOM kills in the window that speak about its own limit"),
    "killed_limit_bytes": Field(lambda item: item.killed_limit_bytes, "highest limit that OOM-killed it"),
    "highest_sampled_bytes": Field(lambda item: item.highest_bytes, "highest sample of any pod"),
    "limit_bytes": Field(lambda item: item.size.current.limit_bytes, "limit today"),
    "request_bytes": Field(lambda item: item.size.current.request_bytes, "request today"),
    "recommended_limit_bytes": Field(lambda item: _limit(item.size.recommended), "limit it should have"),
    "recommended_request_bytes": Field(lambda item: _request(item.size.recommended), "request it should have"),
    "offer_limit_bytes": Field(lambda item: _limit(item.offer), "limit that fits where the recommended does not"),
    "offer_request_bytes": Field(lambda item: _request(item.offer), "request that fits"),
    "floor_bytes": Field(lambda item: item.size.floor_bytes, "no profile gives a lower limit"),
    "profile": Field(lambda item: item.size.profile, "what was asked for"),
    "class": Field(lambda item: item.size.workload_class.value, "stateless, stateful, batch"),
    "confidence": Field(lambda item: item.size.confidence.value, "high, medium, low"),
    "replicas": Field(lambda item: item.size.replicas, "pods that a change would reach"),
    "currency": Field(lambda item: item.cost.currency if item.cost else None, "of the amounts"),
    "cost_per_pod_month": Field(_money(lambda cost: cost.per_pod_month), "change for one pod"),
    "cost_total_month": Field(_money(lambda cost: cost.total_month), "change for the pods of today"),
    "cost_most_month": Field(_money(lambda cost: cost.most_month), "change for the most pods its autoscaler may start"),
    "kills_per_week_before": Field(_rate(lambda kills: kills.before), "replayed under the limit of today"),
    "kills_per_week_after": Field(_rate(lambda kills: kills.after), "replayed under the new limit"),
    "lasts_seconds": Field(_lasts, "until a leak or growth reaches the new limit"),
    "leaks": Field(lambda item: "yes" if item.size.leaks else "no", "whether that counts from each start"),
    "does_not_fit": Field(_unfit, "checks that stand against the size, by blanks"),
    **{
        f"rule_{column}_bytes": Field(_rule(name), f"limit that the rule `{name}` would give")
        for name, column in RULES.items()
    },
    "command": Field(lambda item: item.change.command, "sets the size"),
    "heap_command": Field(lambda item: item.change.heap_command, "sets the environment that belongs to it"),
    "why_no_command": Field(lambda item: item.change.why_not, "why there is none"),
}
