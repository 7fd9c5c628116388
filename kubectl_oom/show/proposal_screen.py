"""One container's proposal on one screen: the size, the picture, why, what stands around it, and the command."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Risk, ScalingAnswer
from kubectl_oom.show.facts import by_remedy
from kubectl_oom.show.proposal_bars import bars
from kubectl_oom.show.proposal_facts import (
    OPTIONAL_WHEN_NARROW,
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
from kubectl_oom.show.scaling import scaling_section, why_no_autoscaler
from kubectl_oom.show.table import table
from kubectl_oom.show.words import ascii_text, command_lines, one_line, pad, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from kubectl_oom.evidence import Fit, Gap, HeapAdvice, Proposal
    from kubectl_oom.show.colour import Paint

    Tone = Callable[[str], str]

_IN = "  "
_LABEL = 11  # "request" with its indent and a gap, as in the table of sizes
_WIDE_LABEL = 14  # "confidence" likewise


def tone_of(risk: Risk, paint: Paint) -> Tone:
    """Red for what was killed, yellow for what may be, bold for what only is to be known."""
    if risk is Risk.KILLED:
        return paint.killed
    return paint.plain if risk in (Risk.NONE, Risk.UNKNOWN) else paint.warning


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Who reads: everything that is the same for all lines."""

    width: int
    paint: Paint
    wide: bool
    ascii_only: bool

    def item(self, item: Proposal) -> Iterator[str]:
        """All lines about one container."""
        tone = self.paint.heading if item.risk in (Risk.NONE, Risk.UNKNOWN) else tone_of(item.risk, self.paint)
        yield from self.folded(title(item), tone=tone)
        yield from self._sizes(item)
        yield from self.section(why(item), item.size.rationale)
        yield from self._alternatives(item)
        yield from self._heap(item.heap)
        yield from self._fits(item.fits)
        yield from self._consequences(item)
        yield from self._scaling(item)
        yield from self._action(item)

    # --- its parts -------------------------------------------------------------------------------------------------

    def _sizes(self, item: Proposal) -> Iterator[str]:
        rows = [[self.plain(cell) for cell in row] for row in size_rows(item)]
        yield from (_IN + line for line in table(rows, self.width - len(_IN), ("CHANGE",)))
        yield from self.folded(qos_words(item), first=pad(f"{_IN}QoS", _LABEL))
        if told := misfit(item):
            yield from self.folded(told, first=_IN, tone=self.paint.warning)
        drawn = bars(item, width=self.width - len(_IN), ascii_only=self.ascii_only, paint=self.paint)
        yield from (_IN + line for line in drawn)

    def _alternatives(self, item: Proposal) -> Iterator[str]:
        rows, left_out = alternative_rows(item, every=self.wide)
        if len(rows) > 1:
            yield from self._heading("What other rules would say")
            plain = [[self.plain(cell) for cell in row] for row in rows]
            yield from (_IN + line for line in table(plain, self.width - len(_IN), OPTIONAL_WHEN_NARROW))
        if left_out:
            yield from self.folded(f"{left_out} more with -o wide", first=_IN, tone=self.paint.talk)

    def _heap(self, heap: HeapAdvice | None) -> Iterator[str]:
        if heap is None:
            return
        yield from self.section(f"Its own memory settings ({heap.runtime})", heap.sentences)
        for words in settings_words(heap):
            yield from self.folded(words, first=f"{_IN}-> ")
        for citation in heap.evidence if self.wide else ():
            told = f"{citation.source}: {citation.field} = {citation.value}"
            yield from self.folded(told, first=_IN * 2, tone=self.paint.talk)

    def _fits(self, fits: tuple[Fit, ...]) -> Iterator[str]:
        if not fits:
            return
        yield from self._heading("What the cluster allows")
        for fit in worst_first(fits):
            mark, tone = ("ok  ", self.paint.plain) if fit.ok else ("NOT ", self.paint.warning)
            yield from self.folded(f"{fit.check}: {fit.detail}", first=_IN + mark, tone=tone)
            if fit.remedy:
                yield from self.folded(fit.remedy, first=f"{_IN}    -> ")

    def _consequences(self, item: Proposal) -> Iterator[str]:
        rows = [*consequences(item), *(particulars(item) if self.wide else ())]
        yield from self._heading("What it means") if rows else ()
        for label, words in rows:
            yield from self.folded(words, first=pad(_IN + label, _WIDE_LABEL if self.wide else _LABEL))

    def _scaling(self, item: Proposal) -> Iterator[str]:
        found = scaling_section(item, every=self.wide)
        if found:
            yield from self.section(*found)
        elif self.wide and item.scaling:
            head = "More replicas instead: " + ("not known" if item.scaling.answer is ScalingAnswer.UNKNOWN else "no")
            yield from self.section(head, (why_no_autoscaler(item.scaling),))

    def _action(self, item: Proposal) -> Iterator[str]:
        sentence, commands = action(item)
        yield from self.folded(sentence, tone=self.paint.heading)
        for command in commands:
            yield from map(self.paint.memory, command_lines(self.plain(command), self.width, _IN))
        if self.wide and item.change.patch is not None:
            yield from self._heading("The same as a patch")
            yield from (_IN + line for line in json.dumps(item.change.patch, indent=2).splitlines())

    # --- lines -----------------------------------------------------------------------------------------------------

    def section(self, head: str, sentences: Iterable[str]) -> Iterator[str]:
        """A heading and a list below it."""
        yield from self._heading(head)
        for sentence in sentences:
            yield from self.folded(sentence, first=f"{_IN}- ")

    def gaps(self, gaps: Sequence[Gap]) -> Iterator[str]:
        """What could not be seen, and what would show it."""
        yield from self._heading("Could not be seen")
        for closable in by_remedy(gaps):
            for gap in closable.gaps:
                told = f"{gap.source}: {gap.reason}"
                yield from self.folded(told, first=_IN, rest=_IN * 2, tone=self.paint.warning)
            if closable.remedy:
                yield from self.folded(closable.remedy, first=f"{_IN * 2}-> ")

    def folded(self, text: str, *, first: str = "", rest: str | None = None, tone: Tone | None = None) -> Iterator[str]:
        """The text on lines of the screen's width, made harmless."""
        return map(tone or self.paint.plain, wrap(self.plain(text), self.width, first, rest))

    def plain(self, text: str) -> str:
        """The text on one line, without what could steer a terminal, and in ASCII where it must be."""
        harmless = one_line(text)
        return ascii_text(harmless) if self.ascii_only else harmless

    def _heading(self, text: str) -> Iterator[str]:
        return self.folded(f"{text}:", rest=_IN, tone=self.paint.heading)
