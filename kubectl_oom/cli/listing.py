"""What `list` asks, of one cluster or of several at once: one that does not answer does not silence the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from kubectl_oom.cli.reading import fatal, moment, open_source
from kubectl_oom.errors import OomError
from kubectl_oom.evidence import Gap, KillList
from kubectl_oom.read.at_once import readers
from kubectl_oom.read.source import ClusterSource, ReadError

if TYPE_CHECKING:
    from kubectl_oom.evidence import ListedKill
    from kubectl_oom.read.kill_list import KillReader, Selection
    from kubectl_oom.read.kill_recording import RecordedKills
    from kubectl_oom.read.source import Source

CLUSTERS_AT_ONCE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What one cluster answered, or why it did not."""

    found: KillList
    now: datetime
    namespace: str | None = None  # where it looked; None: in all of them
    silent: Gap | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The rows of all clusters that were asked, sorted; as of when; and the clusters that did not answer (gaps too)."""

    found: KillList
    now: datetime
    namespaces: tuple[str, ...]  # where those looked that answered; none: in all namespaces
    silent: tuple[Gap, ...] = ()
    has_answer: bool = True  # whether any cluster answered


def answers(values: dict[str, Any], span: timedelta) -> Answers:
    """What the clusters say; OomError where only one was asked, and it does not answer."""
    from kubectl_oom.judge.listing import in_order

    if values["contexts"] is None:
        one = _one(values, span)
        found = replace(one.found, items=in_order(one.found.items, values["sort_by"]))
        return Answers(found=found, now=one.now, namespaces=_namespaces([one]))
    contexts = [name.strip() for name in values["contexts"].split(",") if name.strip()]
    contexts = list(dict.fromkeys(contexts))
    with readers(CLUSTERS_AT_ONCE, "contexts") as pool:
        all_asked = list(pool.map(lambda context: _of_context(context, contexts, values, span), contexts))
    items = [item for answer in all_asked for item in answer.found.items]
    gaps = dict.fromkeys(gap for answer in all_asked for gap in answer.found.gaps)
    heard = [answer for answer in all_asked if not answer.silent]
    return Answers(
        found=KillList(items=in_order(items, values["sort_by"]), gaps=tuple(gaps)),
        now=max(answer.now for answer in all_asked),
        namespaces=_namespaces(heard),
        silent=tuple(answer.silent for answer in all_asked if answer.silent),
        has_answer=bool(heard),
    )


def _namespaces(answered: list[_Answer]) -> tuple[str, ...]:
    return tuple(sorted({answer.namespace for answer in answered if answer.namespace is not None}))


def _of_context(context: str, contexts: list[str], values: dict[str, Any], span: timedelta) -> _Answer:
    """The answer of one of several clusters; what it could not see says of which it speaks."""
    asked = {**values, "context": context}
    shared: tuple[Gap, ...] = ()
    if len(contexts) > 1 and values["prometheus"] and values["prometheus_url"]:
        asked["prometheus"] = False
        reason = "one URL for several clusters: it cannot be told whose pods it speaks of"
        shared = (Gap(source="metrics engine", reason=reason, remedy="leave --prometheus-url out, or ask one context"),)
    try:
        answer = _one(asked, span)
    except OomError as error:
        now = moment(values) or datetime.now(timezone.utc)
        unheard = Gap(source=f"context {context}", reason=error.message, remedy=error.hint)
        return _Answer(found=KillList(items=(), gaps=(unheard,)), now=now, silent=unheard)
    items = tuple(replace(item, context=context) for item in answer.found.items)
    gaps = tuple(replace(gap, source=f"context {context}, {gap.source}") for gap in (*shared, *answer.found.gaps))
    return replace(answer, found=KillList(items=items, gaps=gaps))


def _one(values: dict[str, Any], span: timedelta) -> _Answer:
    """The rows of one cluster or snapshot; OomError where its pods cannot be listed."""
    from kubectl_oom.judge.listing import listed
    from kubectl_oom.read.kill_list import Selection
    from kubectl_oom.read.targets import refuse_bad_namespace

    source, now = open_source(values)
    namespace: str = values["namespace"] or source.namespace
    refuse_bad_namespace(namespace)
    selection = Selection(
        namespace=None if values["all_namespaces"] else namespace,
        labels=values["selector"],
        since=now - span,
        until=now,
        metrics=values["prometheus"],
    )
    reader = _reader(source, selection)
    items: list[ListedKill] = []
    try:
        for lot in reader.lots():
            items += listed(lot, since=selection.since, until=now, all_137=values["all_137"])
    except ReadError as error:
        raise fatal(error, source) from error
    found = KillList(items=tuple(items), gaps=tuple(dict.fromkeys(reader.gaps)))
    return _Answer(found=found, now=now, namespace=selection.namespace)


def _reader(source: Source, selection: Selection) -> KillReader | RecordedKills:
    from kubectl_oom.read.kill_list import KillReader
    from kubectl_oom.read.replay import RecordedSource

    if isinstance(source, RecordedSource):
        from kubectl_oom.read.kill_recording import RecordedKills

        return RecordedKills(source, selection)
    assert isinstance(source, ClusterSource)  # noqa: S101 - there is no third kind of source
    return KillReader(source, selection)
