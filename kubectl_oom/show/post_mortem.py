"""A post-mortem in blocks: every section of it, with the facts of the evidence and blanks for what nobody recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Confidence, MeasureKind
from kubectl_oom.quantity import show_bytes
from kubectl_oom.show.blocks import At, Blank, Document, Heading, Paragraph, Points, Strong, Table, Tasks
from kubectl_oom.show.facts import by_remedy
from kubectl_oom.show.memory import short_source
from kubectl_oom.show.post_mortem_change import change_section
from kubectl_oom.show.post_mortem_impact import down_words, impact_section, replicas_words
from kubectl_oom.show.post_mortem_memory import memory_section
from kubectl_oom.show.sentences import CONFIDENCE_MEANS, predicate, subject, workload_target
from kubectl_oom.show.words import duration, iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Citation, Finding, Gap, Kill, PostMortem, PostMortemReport
    from kubectl_oom.show.blocks import Block, Line


def document_of(report: PostMortemReport, now: datetime) -> Document:
    """The whole document: one post-mortem after the other, and what could not be seen."""
    blocks: list[Block] = []
    if not report.items:
        span = f"since {iso(report.since)}"
        blocks += [
            Heading(1, "No incident to report"),
            Paragraph((f"Nothing was killed {span} that any source can show.",)),
        ]
    for item in report.items:
        blocks += _post_mortem(item, now)
    blocks += _gaps(report.gaps)
    blocks.append(Paragraph((f"Written by kubectl oom report from what the sources showed at {iso(now)}.",)))
    titles = dict.fromkeys(title(item) for item in report.items)
    return Document(title="; ".join(titles) or "No incident to report", blocks=tuple(blocks))


def title(item: PostMortem) -> str:
    """`Post-mortem: deploy/api in shop, container app`."""
    return f"Post-mortem: {_who(item)} in {item.namespace}, container {item.container}"


def _post_mortem(item: PostMortem, now: datetime) -> Iterator[Block]:
    yield Heading(1, title(item))
    yield _head(item, now)
    yield from _summary(item, now)
    yield from impact_section(item, now)
    yield from _timeline(item)
    yield from _root_cause(item)
    yield from memory_section(item, now)
    if item.kernel:
        yield Heading(2, "Why the kernel kills and does not throttle")
        yield Points(tuple(((sentence,), ()) for sentence in item.kernel))
    yield from change_section(item)
    yield from _prevention(item)
    yield from _actions(item)


def _who(item: PostMortem) -> str:
    if item.workload is None:
        return f"pod/{item.pod}" if item.pod else "a pod"
    return workload_target(item.workload) or f"{item.workload.kind.lower()}/{item.workload.name}"


def _head(item: PostMortem, now: datetime) -> Table:
    happened: Line = (Blank("when it happened; no source says"),)
    if item.happened_at:
        happened = (At(item.happened_at),)
    rows: list[tuple[Line, ...]] = [
        (("happened",), happened),
        (("evidence as of",), (At(now),)),
        (("status",), ("draft",)),
        (("severity",), (Blank("your own scale"),)),
        (("authors",), (Blank("names"),)),
    ]
    return Table("About this post-mortem", ("", ""), tuple(rows))


def _summary(item: PostMortem, now: datetime) -> Iterator[Block]:
    yield Heading(2, "Summary")
    told, kills = item.diagnosis, item.history.kills
    if told is not None:
        # Times that do not age: a post-mortem is read in a year.
        what = f"{subject(told)} {predicate(replace(told, killed_at=None), now)}."
        when = f" It happened at {iso(told.killed_at)}." if told.killed_at else ""
        yield Paragraph((Strong(what), f"{when} {told.because}"))
    else:
        last = kills[0]
        limit = f" at a limit of {show_bytes(last.limit_bytes)}" if last.limit_bytes else ""
        yield Paragraph(
            (
                Strong(
                    f"{_who(item)} (pod {last.pod}, container {item.container}) was OOM-killed{limit}, {_when(last)}."
                ),
                " Only the metrics engine remembers it: what the API knew of this end is gone.",
            )
        )
    yield Points(tuple((line, ()) for line in _in_short(item, now)))


def _when(kill: Kill) -> str:
    return f"at {iso(kill.at)}" if kill.exact else f"first seen at {iso(kill.at)}"


def _in_short(item: PostMortem, now: datetime) -> Iterator[Line]:
    count = len(item.history.kills)
    span = duration((item.history.until - item.history.since).total_seconds())
    yield (f"OOM kills of this container in the {span} before: {count or 'none that any source shows'}.",)
    yield (replicas_words(item),)
    for outage in item.impact.outages:
        yield (f"{down_words(outage, now)}.",)
    change = next((one for one in item.measures if one.kind is MeasureKind.CHANGE), None)
    yield (f"Recommended: {change.what}.",) if change else ("No other size is recommended.",)
    yield ("How it was noticed: ", Blank("an alert, a user, by chance; and how long after it began"))


# --- timeline and cause --------------------------------------------------------------------------------------------


def _timeline(item: PostMortem) -> Iterator[Block]:
    yield Heading(2, "Timeline")
    rows: list[tuple[Line, ...]] = []
    for moment in item.timeline:
        about = "" if item.workload is None or moment.pod is None else f"{moment.pod}: "
        note = f"{about}{moment.note}".rstrip(": ")
        rows.append(((At(moment.at, moment.exact),), (moment.what,), (note,)))
    rows.append(((Blank("when"),), ("noticed",), (Blank("by whom, by what"),)))
    rows.append(((Blank("when"),), ("mitigated",), (Blank("what was done, and by whom"),)))
    yield Table("What happened when, in UTC", ("when", "what", "detail"), tuple(rows))
    if any(not moment.exact for moment in item.timeline):
        yield Paragraph(("~ marks a time at which it was first seen, up to a scrape late.",))


def _root_cause(item: PostMortem) -> Iterator[Block]:
    yield Heading(2, "Root cause")
    told = item.diagnosis
    if told is not None:
        rows: list[tuple[Line, ...]] = [
            (("verdict",), (told.verdict.value,)),
            (("confidence",), (f"{told.confidence.value}: {CONFIDENCE_MEANS[told.confidence]}",)),
            (("why",), (told.because,)),
            (("node",), (told.node or "not known",)),
        ]
        yield Table("The verdict", ("", ""), tuple(rows))
        if told.candidates:
            yield Paragraph(("Could have been, most plausible first:",))
            yield Points(tuple(((candidate,), ()) for candidate in told.candidates))
        if told.evidence:
            yield Heading(3, "Evidence")
            yield Points(tuple((_cited(citation), ()) for citation in told.evidence))
    elif item.history.kills:
        last = item.history.kills[0]
        sources = "; ".join(last.sources)
        said = f"{last.verdict.value}, {last.confidence.value}: {CONFIDENCE_MEANS[last.confidence]}. Source: {sources}."
        yield Paragraph((said,))
    yield from _findings([*(told.findings if told else ()), *item.history.findings])
    yield Paragraph(
        (
            "What in the program or in its load needed this memory: ",
            Blank("the tool sees sizes and ends, not code, data or traffic"),
        )
    )
    if told is not None and told.confidence is not Confidence.CERTAIN:
        yield Paragraph(("What confirmed or refuted the verdict: ", Blank("it is not certain by the evidence alone")))


def _findings(findings: Sequence[Finding]) -> Iterator[Block]:
    once = list({(finding.code, finding.message): finding for finding in findings}.values())
    if not once:
        return
    yield Heading(3, "What else was found")
    yield Points(
        tuple(
            (
                (Strong(f"{finding.severity.value} {finding.code}"), f": {finding.message}"),
                tuple(_cited(citation) for citation in finding.evidence),
            )
            for finding in once
        )
    )


def _cited(citation: Citation) -> Line:
    when = f" ({iso(citation.at)})" if citation.at else ""
    return (f"{short_source(citation.source)}: {citation.field} = {citation.value}{when}",)


# --- what follows --------------------------------------------------------------------------------------------------


def _prevention(item: PostMortem) -> Iterator[Block]:
    yield Heading(2, "Prevention")
    points = [
        ((Strong(f"{one.what}."), f" {one.because}"), ()) for one in item.measures if one.kind is MeasureKind.PREVENTION
    ]
    more: Line = ("In the program, its tests or its rollout: ", Blank("what would have caught it earlier"))
    yield Points((*points, (more, ())))


def _actions(item: PostMortem) -> Iterator[Block]:
    yield Heading(2, "Action items")
    owner = (" (owner and date: ", Blank("who, by when"), ")")
    tasks = [((one.what, *owner), one.command) for one in item.measures]
    yield Tasks((*tasks, ((Blank("what else this incident asks for"),), None)))


def _gaps(gaps: Sequence[Gap]) -> Iterator[Block]:
    if not gaps:
        return
    yield Heading(2, "What could not be seen")
    yield Points(
        tuple(
            (
                ("; ".join(f"{short_source(gap.source)}: {gap.reason}" for gap in closable.gaps),),
                ((f"to see it: {closable.remedy}",),) if closable.remedy else (),
            )
            for closable in by_remedy(gaps)
        )
    )
