"""A selection too large to read pod by pod: proposals namespace after namespace, and how far it is on stderr."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TextIO

from kubectl_oom.cli.reading import fatal, refuse_unknown_container

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kubectl_oom.evidence import Gap, ProposalReport
    from kubectl_oom.judge.propose import Asked
    from kubectl_oom.read.source import ClusterSource, Source
    from kubectl_oom.read.stock import Stock
    from kubectl_oom.read.targets import Scope

NEEDS_P99 = ("stateful",)  # profiles whose rule is made from it
_ERASE_LINE = "\r\x1b[K"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """From when to when, and for what."""

    since: datetime
    until: datetime
    asked: Asked


def stock_of(source: Source, scope: Scope) -> tuple[ClusterSource, Stock] | None:
    """The pods of a selection that has to be surveyed; None where it is small, or no live cluster's."""
    from kubectl_oom.read.gather import SMALL_SELECTION
    from kubectl_oom.read.source import ClusterSource, ReadError
    from kubectl_oom.read.stock import is_selection_of_pods, take_stock

    if not isinstance(source, ClusterSource) or not is_selection_of_pods(scope):
        return None
    try:
        stock = take_stock(source, scope)
    except ReadError as error:
        raise fatal(error, source) from error
    pods = [pod for listed in stock.pods.values() for pod in listed]
    if len(pods) <= SMALL_SELECTION:
        return None
    refuse_unknown_container(scope, pods)
    return source, stock


def surveyed_proposals(
    source: ClusterSource, scope: Scope, stock: Stock, values: dict[str, Any], reach: Reach, progress: Progress
) -> Iterator[ProposalReport]:
    """A report per namespace, those with OOM kills first; the last one has no items, and what could not be read."""
    from kubectl_oom.evidence import ProposalReport
    from kubectl_oom.judge.propose import propose
    from kubectl_oom.read.room import read_rooms
    from kubectl_oom.read.survey import Metrics, Survey

    progress.begin(stock)
    wanted = Metrics(since=reach.since, until=reach.until, p99=reach.asked.wishes.profile.name in NEEDS_P99)
    survey = Survey(source, scope, stock, wanted if values["prometheus"] else None)
    case, pasts = survey.whole()
    rooms = dict(zip(map(_key, pasts), read_rooms(source, case, pasts), strict=True))
    gaps: dict[Gap, None] = {}
    for one in survey:
        of_these = [rooms[_key(past)] for past in one.pasts]
        report = propose(one.case, one.pasts, of_these, since=reach.since, until=reach.until, asked=reach.asked)
        gaps |= dict.fromkeys(report.gaps)
        progress.done(one.namespace)
        yield replace(report, gaps=())
    yield ProposalReport(items=(), gaps=(*dict.fromkeys((_not_one_by_one(stock), *survey.gaps, *gaps)),))


def _key(past: Any) -> object:  # noqa: ANN401 - a WorkloadPast, which is not loaded for `--help`
    """A workload, or a bare pod, which stands for itself; more pods of a workload may be known later."""
    return past.namespace, past.workload, None if past.workload else past.pods[:1]


def _not_one_by_one(stock: Stock) -> Gap:
    from kubectl_oom.evidence import Gap

    pods = sum(len(listed) for listed in stock.pods.values())
    return Gap(
        source="single pods",
        reason=f"{pods} pods were read together, in numbers: their logs and kubelets were not asked, nor the events of those "
        "that show no kill, nor how fast their memory rises",
        remedy="name a workload, and it is read in full",
    )


class Progress:
    """One line that says how far it is, on a terminal only, and gone at the end."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._on = self._stream is not None and self._stream.isatty()
        self._containers: dict[str, int] = {}
        self._done: set[str] = set()

    def begin(self, stock: Stock) -> None:
        """What there is to do."""
        self._containers = stock.containers
        self.show()

    def done(self, namespace: str) -> None:
        """One namespace is finished; it is shown with the next `show`."""
        self._done.add(namespace)

    def show(self) -> None:
        """Write the line, in place of the one before."""
        finished = sum(count for name, count in self._containers.items() if name in self._done)
        line = (
            f"namespaces {len(self._done)}/{len(self._containers)}, "
            f"containers {finished}/{sum(self._containers.values())}"
        )
        self._write(_ERASE_LINE + line)

    def clear(self) -> None:
        """Erase the line: what is printed next begins where it stood, and nothing is left of it at the end."""
        self._write(_ERASE_LINE)

    def _write(self, text: str) -> None:
        if self._on:
            self._stream.write(text)
            self._stream.flush()
