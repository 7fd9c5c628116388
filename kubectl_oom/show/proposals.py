"""Proposals as lines of text: a screen for each of a few, a table of many, and then what could not be seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.show.proposal_rows import OPTIONAL, Totals, columns, table_rows
from kubectl_oom.show.proposal_screen import Screen, tone_of
from kubectl_oom.show.table import streamed, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubectl_oom.evidence import Gap, Proposal, ProposalReport
    from kubectl_oom.show.colour import Paint

FEW = 3  # workloads: more are not read in full, but compared


def lines(
    report: ProposalReport, *, width: int, paint: Paint, wide: bool = False, ascii_only: bool = False
) -> Iterator[str]:
    """The lines of `recommend`: in full for up to three workloads, else a table in the order given and its sums.

    No line is wider than `width`; `wide` leaves out nothing, and its tables and patches may be wider.
    """
    page = Page(width=width, paint=paint, wide=wide, ascii_only=ascii_only)
    if not report.items:
        yield from page.screen.folded("No container was found that could be sized.")
    elif _workloads(report.items) > FEW:
        yield from page.whole_table(report.items)
    else:
        for number, item in enumerate(report.items):
            yield from [""] if number else []
            yield from page.screen.item(item)
    yield from page.ending(report.warnings, report.gaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Who reads: everything that is the same for all lines."""

    width: int
    paint: Paint
    wide: bool
    ascii_only: bool

    @property
    def screen(self) -> Screen:
        """The same for one container in full."""
        return Screen(width=self.width, paint=self.paint, wide=self.wide, ascii_only=self.ascii_only)

    def whole_table(self, items: Sequence[Proposal]) -> Iterator[str]:
        """All rows at once, as wide as what stands in them, and their sums."""
        many = len({item.size.namespace for item in items}) > 1
        rows = table_rows(items, wide=self.wide, with_namespace=many)
        if all(item.cost is None for item in items):
            place = rows[0].index("COST/MONTH")
            rows = [row[:place] + row[place + 1 :] for row in rows]
        head, *body = table(self._plain(rows), None if self.wide else self.width, OPTIONAL)
        yield head
        yield from self._toned(body, items)
        yield from self.sums(Totals.of(items))

    def some_rows(self, items: Sequence[Proposal], *, with_namespace: bool, with_header: bool) -> Iterator[str]:
        """These rows in columns of fixed width, so that those read later stand below them."""
        shown = columns(wide=self.wide, with_namespace=with_namespace)
        rows = self._plain(table_rows(items, wide=self.wide, with_namespace=with_namespace))
        widths = {header: column.width for header, column in shown.items()}
        head, *body = streamed(rows, widths, None if self.wide else self.width, OPTIONAL)
        yield from [head] if with_header else []
        yield from self._toned(body, items)

    def sums(self, totals: Totals) -> Iterator[str]:
        """What the rows add up to."""
        yield ""
        yield from self.screen.folded(totals.words(), tone=self.paint.heading)

    def ending(self, warnings: Sequence[str], gaps: Sequence[Gap]) -> Iterator[str]:
        """What the reader must know beside the sizes, and what could not be seen."""
        if warnings:
            yield ""
            yield from self.screen.section("Note", warnings)
        if gaps:
            yield ""
            yield from self.screen.gaps(gaps)

    def _plain(self, rows: Sequence[Sequence[str]]) -> list[list[str]]:
        return [[self.screen.plain(cell) for cell in row] for row in rows]

    def _toned(self, body: Sequence[str], items: Sequence[Proposal]) -> Iterator[str]:
        for line, item in zip(body, items, strict=True):
            yield tone_of(item.risk, self.paint)(line)


def _workloads(items: Sequence[Proposal]) -> int:
    return len({(item.size.namespace, item.size.workload, item.pod) for item in items})
