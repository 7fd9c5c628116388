"""Proposals for a ticket or a pull request: a table of all, and for each the reasons and the command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.show.markdown import escape, fenced, table
from kubectl_oom.show.memory import short_source
from kubectl_oom.show.proposal_bars import bars
from kubectl_oom.show.proposal_facts import (
    action,
    alternative_rows,
    consequences,
    misfit,
    particulars,
    qos_words,
    settings_words,
    size_rows,
    title,
    why,
    worst_first,
)
from kubectl_oom.show.proposal_rows import Totals, table_rows
from kubectl_oom.show.scaling import scaling_section
from kubectl_oom.show.words import ascii_text, iso, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from kubectl_oom.evidence import HeapAdvice, Proposal, ProposalReport

_BAR_WIDTH = 80


def proposals_markdown(report: ProposalReport, *, now: datetime, ascii_only: bool = False) -> Iterator[str]:
    """The lines as GitHub-flavoured markdown. Text from the cluster cannot become markup."""
    lines = _lines(report, now, ascii_only=ascii_only)
    return map(ascii_text, lines) if ascii_only else lines


def _lines(report: ProposalReport, now: datetime, *, ascii_only: bool) -> Iterator[str]:
    if not report.items:
        yield from ("## No container was found that could be sized", "")
    if len(report.items) > 1:
        yield from ("## Memory requests and limits", "", escape(Totals.of(report.items).words()), "")
        many = len({item.size.namespace for item in report.items}) > 1
        yield from table(table_rows(report.items, with_namespace=many))
    for item in report.items:
        yield from _item(item, ascii_only=ascii_only)
    if report.warnings:
        yield from ("## Note", "", *(f"- {escape(warning)}" for warning in report.warnings), "")
    if report.gaps:
        yield from ("## Could not be seen", "")
        for gap in report.gaps:
            remedy = f" ({escape(gap.remedy)})" if gap.remedy else ""
            yield f"- {escape(short_source(gap.source))}: {escape(gap.reason)}{remedy}"
        yield ""
    yield f"As of {iso(now)}."


def _item(item: Proposal, *, ascii_only: bool) -> Iterator[str]:
    yield from (f"## {escape(title(item))}", "")
    head, *sizes = size_rows(item)
    yield from table([[cell.lower().replace("-", " ") for cell in head], *sizes])
    if told := misfit(item):
        yield from (f"**{escape(told)}**", "")
    if drawn := list(bars(item, width=_BAR_WIDTH, ascii_only=ascii_only)):
        yield from fenced("text", drawn)
    yield from _facts(item)
    yield from _section(why(item), item.size.rationale)
    rows, _ = alternative_rows(item, every=True)
    if len(rows) > 1:
        yield from ("### What other rules would say", "")
        yield from table([["rule", "means", "limit", "against ours", ""], *rows[1:]])
    if item.heap is not None:
        yield from _heap(item.heap)
    if item.fits:
        yield from ("### What the cluster allows", "")
        for fit in worst_first(item.fits):
            yield f"- {'ok' if fit.ok else '**not**'}: {escape(f'{fit.check}: {fit.detail}')}"
            if fit.remedy:
                yield f"  - to do: {escape(fit.remedy)}"
        yield ""
    if found := scaling_section(item, every=True):
        yield from _section(*found)
    yield from _action(item)


def _facts(item: Proposal) -> Iterator[str]:
    facts = [("QoS", qos_words(item)), *consequences(item), *particulars(item)]
    yield from table([["", ""], *([label, words] for label, words in facts)])


def _heap(heap: HeapAdvice) -> Iterator[str]:
    told = [*heap.sentences, *settings_words(heap)]
    told += [f"{citation.source}: {citation.field} = {citation.value}" for citation in heap.evidence]
    yield from _section(f"Its own memory settings ({heap.runtime})", told)


def _action(item: Proposal) -> Iterator[str]:
    sentence, commands = action(item)
    yield from (f"### {escape(sentence.rstrip(':.'))}", "")
    if commands:
        yield from fenced("sh", [one_line(command) for command in commands])


def _section(head: str, sentences: Iterable[str]) -> Iterator[str]:
    yield from (f"### {escape(head)}", "", *(f"- {escape(sentence)}" for sentence in sentences), "")
