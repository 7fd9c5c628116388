"""Many containers as rows under headers, those at risk first, and what all the changes add up to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ContainerType, Risk
from kubectl_oom.judge.cost import GIB, money, reserved
from kubectl_oom.quantity import show_bytes
from kubectl_oom.show.proposal_facts import signed_bytes, target, wanted
from kubectl_oom.show.rows import NONE, UNKNOWN
from kubectl_oom.show.words import duration, listed, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kubectl_oom.evidence import Proposal, Sizes
    from kubectl_oom.show.rows import Rows

# The first goes first where the screen is narrow.
OPTIONAL = ("CONFIDENCE", "REQUEST", "FITS", "COST/MONTH", "CONTAINER", "HIGHEST", "KILLS")
_NOT_AT_RISK = (Risk.NONE, Risk.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Column:
    """What stands in a column; `width` is for rows that are printed before the next one is known."""

    cell: Callable[[Proposal], str]
    width: int


def columns(*, wide: bool, with_namespace: bool) -> Mapping[str, Column]:
    """The columns by their headers, in their order."""
    names = {"NAMESPACE": Column(lambda item: item.size.namespace, 14)} if with_namespace or wide else {}
    shown = {"RISK": Column(lambda item: item.risk.value, 9), **names, **_COLUMNS}
    return shown | _WIDE_COLUMNS if wide else shown


def table_rows(
    items: Iterable[Proposal], *, wide: bool = False, with_namespace: bool = False, with_header: bool = True
) -> Rows:
    """A row per container in the order given, the headers first."""
    shown = columns(wide=wide, with_namespace=with_namespace)
    head = [list(shown)] if with_header else []
    return [*head, *([column.cell(item) for column in shown.values()] for item in items)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What all rows add up to; those of a namespace are added to those of the others."""

    risks: Counter[Risk] = field(default_factory=Counter)
    request_bytes: int = 0  # change of all requests, times their pods
    cost: float | None = None  # a month; None: no row has a price
    uncounted: int = 0  # containers with a size that are not in these sums: the number of their pods is not known
    unfit: int = 0  # containers whose size something stands against

    @classmethod
    def of(cls, items: Sequence[Proposal]) -> Totals:
        """The sums of these."""
        costs = [item.cost.total_month for item in items if item.cost]
        change = _priced_change if costs else _change
        changes = [change(item) for item in items if wanted(item)]
        return cls(
            risks=Counter(item.risk for item in items),
            request_bytes=sum(change for change in changes if change is not None),
            cost=sum(costs) if costs else None,
            uncounted=changes.count(None),
            unfit=sum(not item.fits_all for item in items),
        )

    def __add__(self, other: Totals) -> Totals:
        costs = [cost for cost in (self.cost, other.cost) if cost is not None]
        return Totals(
            risks=self.risks + other.risks,
            request_bytes=self.request_bytes + other.request_bytes,
            cost=sum(costs) if costs else None,
            uncounted=self.uncounted + other.uncounted,
            unfit=self.unfit + other.unfit,
        )

    def words(self) -> str:
        """How many are at risk, and what the change of them all asks for."""
        named = [risk for risk in Risk if risk not in _NOT_AT_RISK and self.risks[risk]]
        each = listed([f"{self.risks[risk]} {risk.value}" for risk in named])
        at_risk = f"{sum(self.risks[risk] for risk in named)} at risk" + (f" ({each})" if each else "")
        unknown = f", {self.risks[Risk.UNKNOWN]} with nothing known" if self.risks[Risk.UNKNOWN] else ""
        told = f"{plural(sum(self.risks.values()), 'container')}: {at_risk}{unknown}. "
        told += f"Requests of all pods: {signed_bytes(self.request_bytes)}"
        told += f", {money(self.cost)} a month" if self.cost is not None else ""
        told += f", without {self.uncounted} of which that cannot be told" if self.uncounted else ""
        return told + "." + (f" Something stands against {self.unfit} of the sizes." if self.unfit else "")


def _priced_change(item: Proposal) -> int | None:
    """Bytes of request for all pods of the workload, as its cost counts them; None where that cannot be told."""
    return round(item.cost.total_month / item.cost.per_gib_month * GIB) if item.cost else None


def _change(item: Proposal) -> int | None:
    """The same where nothing has a price. Init containers are left out: what they reserve depends on the others."""
    after, kind = wanted(item), item.size.container_type
    if after is None or after.request_bytes is None or item.size.replicas is None or kind is ContainerType.INIT:
        return None
    return (after.request_bytes - reserved(item.size.current)) * item.size.replicas


# --- cells ---------------------------------------------------------------------------------------------------------


def _shown(size: int | None, absent: str) -> str:
    return absent if size is None else show_bytes(size)


def _limit(item: Proposal) -> str:
    recommended = item.size.recommended
    return _shown(recommended.limit_bytes if recommended else None, UNKNOWN)


def _request(item: Proposal) -> str:
    after: Sizes | None = wanted(item)
    today = _shown(item.size.current.request_bytes, NONE)
    if after is None or after.request_bytes == item.size.current.request_bytes:
        return today
    return f"{today}->{_shown(after.request_bytes, NONE)}"


def _fits(item: Proposal) -> str:
    if not item.fits:
        return UNKNOWN
    if item.fits_all:
        return "yes"
    return f"only {_shown(item.offer.limit_bytes, NONE)}" if item.offer else "no"


def _rule(name: str) -> Callable[[Proposal], str]:
    return lambda item: _shown(item.size.alternatives.get(name), UNKNOWN)


_COLUMNS = {
    "WORKLOAD": Column(target, 24),
    "CONTAINER": Column(lambda item: item.size.container, 14),
    "KILLS": Column(lambda item: str(item.kills), 5),
    "LIMIT": Column(lambda item: _shown(item.size.current.limit_bytes, NONE), 6),
    "HIGHEST": Column(lambda item: _shown(item.highest_bytes, UNKNOWN), 9),
    "RECOMMENDED": Column(_limit, 11),
    "REQUEST": Column(_request, 14),
    "FITS": Column(_fits, 11),
    "CONFIDENCE": Column(lambda item: item.size.confidence.value, 10),
    "COST/MONTH": Column(lambda item: money(item.cost.total_month) if item.cost else NONE, 13),
}
_WIDE_COLUMNS = {
    "CLASS": Column(lambda item: item.size.workload_class.value, 9),
    "PROFILE": Column(lambda item: item.size.profile, 9),
    "REPLICAS": Column(lambda item: UNKNOWN if item.size.replicas is None else str(item.size.replicas), 9),
    "DEFAULT": Column(_rule("default"), 9),
    "KRR": Column(_rule("krr"), 9),
    "VPA-TARGET": Column(_rule("vpa-target"), 10),
    "LASTS": Column(lambda item: NONE if item.size.lasts_seconds is None else duration(item.size.lasts_seconds), 7),
    "COMMAND": Column(lambda item: item.change.command or NONE, 7),
}
