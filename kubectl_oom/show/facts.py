"""What a report says, computed once: text and markdown only lay it out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import KERNEL_OOM_VERDICTS, Confidence, Severity, Verdict
from kubectl_oom.show import memory, timeline
from kubectl_oom.show.next_steps import HERE, OWN_COMMANDS, Place, Step, next_steps, without_repeats
from kubectl_oom.show.sentences import node_sentence, verdict_sentence, workload_target
from kubectl_oom.show.words import age, listed, plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Citation, Diagnosis, Finding, Gap, NodeAnswer, Report
    from kubectl_oom.show.chart import Picture

FULL_ITEMS = 3  # more would scroll the first verdict away; beyond that a table of all and the newest in full
_MOST_STEPS = 5  # a list of more is not read
_STATUS_OF_CONTAINER = re.compile(r"^status\.(?:init|ephemeral)?[cC]ontainerStatuses\[([^\]]*)\]\.")
_RANKS: tuple[frozenset[Verdict], ...] = (
    KERNEL_OOM_VERDICTS,
    frozenset({Verdict.APP_HEAP, Verdict.EVICTED, Verdict.SIGKILL_UNKNOWN, Verdict.PROBE_KILL}),
    frozenset({Verdict.STOPPED}),
    frozenset({Verdict.NOT_OOM}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """A citation in words: `statement` is short, `full` names the whole source and field."""

    statement: str
    full: str
    age: str
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """Everything said about one container that ended."""

    diagnosis: Diagnosis
    sentence: str
    confidence: Confidence
    because: str
    candidates: tuple[str, ...]
    caption: str
    memory: tuple[memory.Row, ...]
    picture: Picture | None
    moments: tuple[timeline.Moment, ...]
    evidence: tuple[Cited, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """Everything said about a node that was asked about."""

    sentence: str
    ran_out: bool | None
    confidence: Confidence
    because: str
    evidence: tuple[Cited, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietFacts:
    """Everything said about the containers that nothing killed."""

    sentence: str
    running: tuple[Diagnosis, ...]  # nearest to its limit first
    because: tuple[str, ...]
    looked_at: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Many:
    """More containers than can be told in full: a summary and a row for each, newest first."""

    summary: str
    items: tuple[Diagnosis, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closable:
    """What could not be seen and can be seen by the same remedy."""

    gaps: tuple[Gap, ...]
    remedy: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """The whole report: what ended, worst first; what did not; what could not be seen; what to do next."""

    nodes: tuple[NodeFacts, ...]
    ended: tuple[ItemFacts, ...]  # those told in full
    many: Many | None
    quiet: QuietFacts | None
    many_namespaces: bool
    gaps: tuple[Closable, ...]
    steps: tuple[Step, ...]


def gather(
    report: Report,
    now: datetime,
    *,
    place: Place = HERE,
    commands: Collection[str] = OWN_COMMANDS,
) -> ReportFacts:
    """The facts of a report. `place` is where commands have to go; `commands` are those of ours to be proposed."""
    many_namespaces = len({item.namespace for item in report.items}) > 1
    ended = [item for item in report.items if not _is_quiet(item)]
    quiet = [item for item in report.items if _is_quiet(item)]
    many = len(ended) > FULL_ITEMS
    ordered = sorted(ended, key=_newest_first if many else _worst_first)
    full = ordered[:1] if many else ordered
    steps = [step for item in full or quiet[:1] for step in next_steps(item, place=place, commands=commands)]
    return ReportFacts(
        nodes=tuple(_node_facts(answer, now) for answer in report.nodes),
        ended=tuple(
            _item_facts(item, now, with_namespace=many_namespaces, told=full[:number])
            for number, item in enumerate(full)
        ),
        many=Many(summary=_summary(ordered), items=tuple(ordered)) if many else None,
        quiet=_quiet_facts(quiet, others=bool(ended), with_namespace=many_namespaces) if quiet else None,
        many_namespaces=many_namespaces,
        gaps=by_remedy(report.gaps),
        steps=without_repeats(steps)[:_MOST_STEPS],
    )


def cited(citation: Citation, now: datetime, container: str | None = None) -> Cited:
    """A citation in words; the path to the very container we talk about is left out of the short statement."""
    field = citation.field
    match = _STATUS_OF_CONTAINER.match(field)
    if match is not None and container is not None and match.group(1) == container:
        field = field[match.end() :]
    return Cited(
        statement=f"{memory.short_source(citation.source)}: {field} = {citation.value}",
        full=f"{citation.source}: {citation.field} = {citation.value}",
        age=age(citation.at, now) if citation.at else "-",
        at=citation.at,
    )


def _is_quiet(item: Diagnosis) -> bool:
    """Whether there is nothing to explain: it runs, or it did what it had to do, as an init container or a Job does."""
    finished = item.verdict is Verdict.NOT_OOM and item.exit_code == 0
    return item.verdict is Verdict.NO_TERMINATION or finished


def _item_facts(item: Diagnosis, now: datetime, *, with_namespace: bool, told: Sequence[Diagnosis]) -> ItemFacts:
    picture = memory.picture(item, now)
    known = {(finding.code, finding.message) for other in told for finding in other.findings}
    return ItemFacts(
        diagnosis=item,
        sentence=verdict_sentence(item, now, with_namespace=with_namespace),
        confidence=item.confidence,
        because=item.because,
        candidates=item.candidates,
        caption=memory.memory_caption(item, drawn=picture is not None),
        memory=tuple(memory.memory_rows(item, now)),
        picture=picture,
        moments=tuple(timeline.moments(item)),
        evidence=tuple(cited(citation, now, item.container) for citation in item.evidence),
        findings=_worst_finding_first(
            finding for finding in item.findings if (finding.code, finding.message) not in known
        ),
    )


def _node_facts(answer: NodeAnswer, now: datetime) -> NodeFacts:
    return NodeFacts(
        sentence=node_sentence(answer),
        ran_out=answer.ran_out,
        confidence=answer.confidence,
        because=answer.because,
        evidence=tuple(cited(citation, now) for citation in answer.evidence),
    )


def _quiet_facts(items: Sequence[Diagnosis], *, others: bool, with_namespace: bool) -> QuietFacts:
    where = "" if others else f" in {_common_place(items, with_namespace=with_namespace)}"
    nothing = "Nothing else" if others else "Nothing"
    return QuietFacts(
        sentence=f"{nothing}{where} was killed that any source can show.",
        running=tuple(
            sorted((item for item in items if item.verdict is Verdict.NO_TERMINATION), key=_nearest_to_limit)
        ),
        because=tuple(dict.fromkeys(item.because for item in items if item.because)),
        looked_at=tuple(dict.fromkeys(source for item in items for source in _sources(item))),
        findings=_worst_finding_first(_distinct(finding for item in items for finding in item.findings)),
    )


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    return list({(finding.code, finding.message): finding for finding in findings}.values())


def _worst_finding_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    order = list(Severity)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))


def by_remedy(gaps: Sequence[Gap]) -> tuple[Closable, ...]:
    """The gaps in their order, those with the same remedy together."""
    groups: dict[str | Gap, list[Gap]] = {}
    for gap in dict.fromkeys(gaps):
        groups.setdefault(gap.remedy or gap, []).append(gap)
    return tuple(Closable(gaps=tuple(group), remedy=group[0].remedy) for group in groups.values())


def _sources(item: Diagnosis) -> list[str]:
    last = [item.last_sample.source] if item.last_sample else []
    return [memory.short_source(source) for source in [citation.source for citation in item.evidence] + last]


def _common_place(items: Sequence[Diagnosis], *, with_namespace: bool) -> str:
    """`deploy/api`, `pod/x` or `these 3 pods`: what the containers have in common."""
    pods = dict.fromkeys((item.namespace, item.pod) for item in items)
    targets = {(item.namespace, workload_target(item.workload)) for item in items}
    first = items[0]
    target = workload_target(first.workload)
    if len(pods) == 1 and target is None:
        place = f"pod/{first.pod}"
    elif len(targets) == 1 and target is not None:
        place = target if len(pods) > 1 else f"{target} (pod {first.pod})"
    else:
        return f"these {len(pods)} pods"
    return place + (f" in namespace {first.namespace}" if with_namespace else "")


def _summary(ended: Sequence[Diagnosis]) -> str:
    oom = sum(item.verdict in KERNEL_OOM_VERDICTS for item in ended)
    unknown = sum(item.verdict is Verdict.SIGKILL_UNKNOWN for item in ended)
    counts = (
        (oom, "with an OOM kill"),
        (unknown, "with an unexplained SIGKILL"),
        (len(ended) - oom - unknown, "ended otherwise"),
    )
    told = [("all" if count == len(ended) else str(count)) + f" {how}" for count, how in counts if count]
    return f"{plural(len(ended), 'container')}, {listed(told)}. Newest first:"


def _worst_first(item: Diagnosis) -> tuple[int, float]:
    rank = next((rank for rank, verdicts in enumerate(_RANKS) if item.verdict in verdicts), len(_RANKS))
    return rank, _newest_first(item)


def _newest_first(item: Diagnosis) -> float:
    return -item.killed_at.timestamp() if item.killed_at else float("inf")


def _nearest_to_limit(item: Diagnosis) -> tuple[bool, float]:
    last = item.last_sample
    value = (last.usage_bytes if last.usage_bytes is not None else last.working_set_bytes) if last else None
    if value is None or not item.limit_bytes:
        return True, -(value or 0)
    return False, -value / item.limit_bytes
