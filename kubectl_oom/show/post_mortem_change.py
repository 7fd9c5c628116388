"""The section of a post-mortem about the change: what to set, what it costs, and why that size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.show.blocks import Blank, Code, Heading, Paragraph, Points, Strong, Table
from kubectl_oom.show.proposal_facts import (
    action,
    consequences,
    misfit,
    qos_words,
    settings_words,
    size_rows,
    why,
    worst_first,
)
from kubectl_oom.show.words import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import PostMortem, Proposal
    from kubectl_oom.show.blocks import Block, Line


def change_section(item: PostMortem) -> Iterator[Block]:
    """The recommended change; a blank where the evidence recommends none."""
    yield Heading(2, "Recommended change")
    proposal = item.proposal
    if proposal is None:
        yield Paragraph(("There is no container left to be sized. ", Blank("what is changed instead")))
        return
    if proposal.size.recommended is None:
        yield from _unknown(proposal)
        return
    yield from _size(proposal)
    sentence, commands = action(proposal)
    yield Paragraph((sentence,))
    if commands:
        yield Code(tuple(one_line(command) for command in commands))
    if against := [fit for fit in worst_first(proposal.fits) if not fit.ok]:
        yield Heading(3, "What stands against it")
        yield Points(
            tuple(
                ((Strong(fit.check), f": {fit.detail}"), ((f"to do: {fit.remedy}",),) if fit.remedy else ())
                for fit in against
            )
        )
    yield Heading(3, why(proposal))
    yield Points(tuple(((sentence,), ()) for sentence in proposal.size.rationale))


def _unknown(proposal: Proposal) -> Iterator[Block]:
    yield Points(tuple(((sentence,), ()) for sentence in proposal.size.rationale))
    yield Paragraph(("The size to be set: ", Blank("a measured one; the evidence holds too little for any")))


def _size(proposal: Proposal) -> Iterator[Block]:
    head, *rows = size_rows(proposal)
    lines: list[tuple[Line, ...]] = [tuple((cell,) for cell in row) for row in rows]
    yield Table("Limit and request", tuple(cell.lower().replace("-", " ") for cell in head), tuple(lines))
    if told := misfit(proposal):
        yield Paragraph((Strong(told),))
    facts = [("QoS", qos_words(proposal)), *consequences(proposal)]
    if proposal.cost is None:
        facts.append(("cost", "not worked out: no price was given, or there is nothing to compare with"))
    facts += [("heap", words) for words in (settings_words(proposal.heap) if proposal.heap else ())]
    yield Table("What it means", ("", ""), tuple(((label,), (words,)) for label, words in facts))
