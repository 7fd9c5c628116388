"""Raw samples of many series over one window, in as few questions as the engine and this side can take.

What an engine refuses as too much is asked again in halves, of the names first and of the window then. What fails
after something was read becomes a warning: half a history is evidence, as long as it says that it is half.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.read import promql
from kubectl_oom.read.engine import Row, TooMuchDataError, joined
from kubectl_oom.read.lives import WORKING_SET
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from kubectl_oom.read.engine import Answer, Engine

    Match = Callable[[Sequence[str]], str]  # names → the matcher for any of them

# A tenth of what Prometheus lets a question load by default is 5 M samples; what bounds us is this side: a sample is
# 25 bytes of JSON and 220 bytes once parsed, so half a million cost 110 MB for a moment.
SAMPLES_PER_QUESTION = 500_000
SHORTEST_PIECE = timedelta(minutes=5)  # below this, "too much" has another cause than the length of the window
SHOWN_NAMES = 5


class RawReader:
    """Asks for raw samples between two instants, both included, and keeps what the engine complained of."""

    def __init__(
        self, engine: Engine, since: datetime, until: datetime, *, samples: Mapping[str, int] | None = None
    ) -> None:
        self._engine = engine
        self._since = since
        self._until = until
        self._weights = samples  # pod → samples of one family: asked for where there is more than one pod
        self._warnings: dict[str, None] = {}  # an ordered set
        self._dropped = 0
        self._read_any = False
        self._stopped = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is missing from what was read, one sentence each."""
        dropped = (f"{self._dropped} samples are left out: they are no numbers (NaN)",) if self._dropped else ()
        return (*self._warnings, *dropped)

    def warn(self, sentence: str) -> None:
        """Add a sentence to the warnings, once."""
        self._warnings[sentence] = None

    def of_pods(self, namespace: str, pods: Sequence[str], families: Sequence[str], *matchers: str) -> list[Row]:
        """The samples of these families for these pods."""
        here = promql.equals("namespace", namespace)
        if len(pods) > 1 and self._weights is None:
            self._weights = self._count(here, pods)
        return self.of(_pods, pods, families, here, *matchers)

    def of(self, match: Match, names: Sequence[str], families: Sequence[str], *matchers: str) -> list[Row]:
        """The samples of these families for these names; ReadError where not one question was answered yet."""
        rows: list[Row] = []
        wanted = (promql.families(*families), *matchers)
        for batch in self._batches(names, len(families)):
            if self._stopped:
                break
            try:
                rows += self._piece(match, batch, wanted, self._since, self._until)
            except ReadError as error:
                if not self._read_any:
                    raise
                # What timed out or was refused once will be again: the person waits for the next answer in vain.
                self._stopped = True
                self.warn(f"the history is not complete: {error.message}")
        return rows

    def _piece(
        self, match: Match, names: Sequence[str], wanted: tuple[str, ...], since: datetime, until: datetime
    ) -> list[Row]:
        """The samples of some names in a part of the window, in halves where the engine wants less."""
        selector = promql.selector(*wanted, match(names), *self._engine.matchers)
        # A second more than the window: engines disagree on whether a range includes its oldest instant.
        expr = selector + promql.over((until - since).total_seconds() + 1)
        try:
            answer = self._engine.query(expr, at=until)
        except TooMuchDataError:
            middle = len(names) // 2
            if middle:
                halves = [(names[:middle], since, until), (names[middle:], since, until)]
            elif until - since > SHORTEST_PIECE:
                noon = since + (until - since) / 2
                halves = [(names, since, noon), (names, noon, until)]
            else:
                raise
            return [row for part, start, end in halves for row in self._piece(match, part, wanted, start, end)]
        return self._kept(answer, since, until)

    def _kept(self, answer: Answer, since: datetime, until: datetime) -> list[Row]:
        self._read_any = True
        self._dropped += answer.dropped
        for warning in answer.warnings:
            self.warn(f"{self._engine.label} warns: {warning}")
        first, last = since.timestamp(), until.timestamp()
        rows = []
        for row in answer.rows:
            samples = tuple(sample for sample in row.samples if first <= sample[0] <= last)
            if samples:
                rows.append(Row(labels=row.labels, samples=samples))
        return rows

    def _count(self, here: str, pods: Sequence[str]) -> dict[str, int]:
        """Pod → how many working-set samples it has in the window: one cheap question that sizes the others."""
        wanted = [promql.families(WORKING_SET), here, promql.differs("container", "")]
        if len(list(promql.groups(pods))) == 1:
            wanted.append(_pods(pods))
        window = promql.over((self._until - self._since).total_seconds())
        expr = f"sum by (pod) (count_over_time({promql.selector(*wanted, *self._engine.matchers)}{window}))"
        try:
            rows = self._engine.query(expr, at=self._until).rows
        except TooMuchDataError:
            return {}  # the questions themselves are cut down when they are refused
        return {row.labels.get("pod", ""): int(row.samples[0][1]) for row in rows if row.samples}

    def _batches(self, names: Sequence[str], families: int) -> Iterator[list[str]]:
        """The names in groups that one question can hold: its characters, and the samples it brings."""
        for group in promql.groups(names):
            batch: list[str] = []
            samples = 0
            for name in group:
                weight = families * (self._weights or {}).get(name, 0)
                if batch and samples + weight > SAMPLES_PER_QUESTION:
                    yield batch
                    batch, samples = [], 0
                batch.append(name)
                samples += weight
            yield batch


def _pods(names: Sequence[str]) -> str:
    return promql.one_of("pod", names)


def named(names: Iterable[str]) -> str:
    """`a, b and c`; `a, b, c, d, e and 12 more` where there are many."""
    listed = list(names)
    if len(listed) <= SHOWN_NAMES:
        return joined(listed)
    return joined([*listed[:SHOWN_NAMES], f"{len(listed) - SHOWN_NAMES} more"])
