"""The answers of the metrics engine about namespaces, in smaller questions where large ones fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import MemoryWindow
from kubectl_oom.read.engine import TooMuchDataError
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.survey_batches import halves
from kubectl_oom.read.survey_kills import KillReader
from kubectl_oom.read.survey_numbers import Numbers
from kubectl_oom.read.survey_pasts import Ends, pasts_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_oom.evidence import WorkloadPast
    from kubectl_oom.read.survey_batches import Batch
    from kubectl_oom.read.survey_numbers import Surveyor
    from kubectl_oom.read.survey_overview import Overview

# An engine that fails again and again is not asked any more: the person waits for every failure. A timeout counts
# three times, since each is half a minute.
GIVE_UP_AT, TIMEOUT_COUNTS = 8, 3
Answered = tuple[Numbers, Ends]


class Answers:
    """Asks about units of namespaces, and remembers how often that failed."""

    def __init__(self, surveyor: Surveyor, overview: Overview) -> None:
        self.overview = overview
        self._surveyor = surveyor
        self._failures = 0

    def of(self, unit: Sequence[Batch]) -> dict[str, Answered | ReadError]:
        """What the engine says about each namespace of the unit, in their order, or why it says nothing."""
        numbers: dict[str, Numbers | ReadError] = {}
        for place, batch in enumerate(unit):
            for part, answer in self._numbers(batch, with_owners=place == 0):
                for namespace in part:
                    _put(numbers, namespace, answer)
        good = {name: answer for name, answer in numbers.items() if isinstance(answer, Numbers)}
        ends = self._ends(good)
        found: dict[str, Answered | ReadError] = {}
        for namespace, answer in numbers.items():
            how = ends.get(namespace, Ends())
            if isinstance(answer, ReadError):
                found[namespace] = answer
            else:  # without its kills a container would look as if its limit were enough
                found[namespace] = how if isinstance(how, ReadError) else (answer, how)
        return found

    def pasts(self, asked: Sequence[WorkloadPast], answered: Answered) -> tuple[WorkloadPast, ...]:
        """The workloads of one namespace with what was answered about it."""
        numbers, ends = answered
        namespace = asked[0].namespace
        label, warnings = self._surveyor.engine.label, tuple(numbers.warnings)
        if self._is_silent(namespace, numbers):
            warnings = (*warnings, f"{label} holds nothing about namespace {namespace}")
        window = MemoryWindow(
            source=label,
            since=self._surveyor.since,
            until=self._surveyor.until,
            containers=(),
            kills=(),
            kills_known=self._tells(namespace, numbers, self.overview.kills_known),
            warnings=warnings,
            interval_seconds=self.overview.interval_seconds,
        )
        return pasts_of(asked, numbers, ends, window, float(self._surveyor.step_seconds))

    def counts_children(self, namespace: str, answered: Answered) -> bool:
        """Whether kills of child processes would have shown."""
        return self._tells(namespace, answered[0], self.overview.children_known)

    def _tells(self, namespace: str, numbers: Numbers, known: frozenset[str]) -> bool:
        """Whether series would be there if there were something to tell; of a namespace without any, as of others."""
        return namespace in known or (bool(known) and self._is_silent(namespace, numbers))

    def _is_silent(self, namespace: str, numbers: Numbers) -> bool:
        """Whether the engine knows nothing at all about a namespace."""
        seen = any(of == namespace for of, _, _ in numbers.courses)
        return not seen and namespace not in self.overview.kills_known

    def _numbers(self, batch: Batch, *, with_owners: bool) -> list[tuple[tuple[str, ...], Numbers | ReadError]]:
        """Namespaces and their numbers, in parts where the whole batch fails; or why the part failed too."""
        if self._failures >= GIVE_UP_AT:
            return [(batch.namespaces, ReadError("GivenUp", "it failed again and again, and was not asked any more"))]
        try:
            numbers = self._surveyor.numbers(batch, with_owners=with_owners)
        except ReadError as error:
            too_much = isinstance(error, TooMuchDataError)
            self._failures += 0 if too_much else TIMEOUT_COUNTS if error.reason == "Timeout" else 1
            parts = halves(batch) if too_much or len(batch.namespaces) > 1 else None
            if parts is None:
                return [(batch.namespaces, error)]
            first, second = parts
            # Owners are asked for by namespace: once is enough for two parts of the same.
            twice = first.namespaces != second.namespaces
            return [
                *self._numbers(first, with_owners=with_owners),
                *self._numbers(second, with_owners=with_owners and twice),
            ]
        self._failures = 0
        return [(batch.namespaces, numbers)]

    def _ends(self, good: Mapping[str, Numbers]) -> dict[str, Ends | ReadError]:
        """How containers ended in the namespaces of which pods were OOM-killed."""
        told = self.overview.killed | self.overview.children
        return self._ends_in(sorted({namespace for namespace, _ in told if namespace in good}), good)

    def _ends_in(self, namespaces: Sequence[str], good: Mapping[str, Numbers]) -> dict[str, Ends | ReadError]:
        """The same of these namespaces: together, and where that fails, in halves."""
        if not namespaces:
            return {}
        try:
            return {**self._asked_ends(namespaces, good)}
        except ReadError as error:
            self._failures += TIMEOUT_COUNTS if error.reason == "Timeout" else 1
            middle = len(namespaces) // 2
            if not middle or self._failures >= GIVE_UP_AT:
                return dict.fromkeys(namespaces, error)
        return {**self._ends_in(namespaces[:middle], good), **self._ends_in(namespaces[middle:], good)}

    def _asked_ends(self, namespaces: Sequence[str], good: Mapping[str, Numbers]) -> dict[str, Ends]:
        killed = [pod for namespace, pod in self.overview.killed if namespace in namespaces]
        lost_some = [pod for namespace, pod in self.overview.children if namespace in namespaces]
        reader = KillReader(self._surveyor.engine, self._surveyor.since, self._surveyor.until)
        kills, limits = reader.kills(namespaces, killed, marked=killed), reader.limits(namespaces, killed)
        counters = reader.counters(namespaces, lost_some)
        images, by_steps = self._surveyor.images(namespaces, killed), self._surveyor.limits(namespaces)
        for namespace in namespaces:
            good[namespace].warnings.update(reader.warnings)
            good[namespace].images.update(images)
            good[namespace].oom_events.update(counters)
            good[namespace].limits.update(by_steps)
        self._failures = 0
        return {namespace: Ends(kills=kills.get(namespace, ()), limits=limits) for namespace in namespaces}


def _put(numbers: dict[str, Numbers | ReadError], namespace: str, answer: Numbers | ReadError) -> None:
    """Numbers of half of a namespace would be taken for all of it: one failed part is the whole's."""
    before = numbers.get(namespace)
    if isinstance(before, ReadError):
        return
    if before is None or isinstance(answer, ReadError):
        numbers[namespace] = answer
    else:
        before.add(answer)
