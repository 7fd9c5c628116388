"""Which containers one question is about: some small namespaces together, or a part of a large one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.read import promql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# A week of two thousand containers, sampled every 30 s, is 40 M samples: some seconds of one core of the engine for
# each question, far from its time limit.
CONTAINERS_AT_ONCE = 2000
# What a pod's name can end with. Of most it is a random letter, so parts by it are about as large, and hold the pods
# that are gone as well, whose names nobody knows.
ENDINGS = tuple(f".*{letter}" for letter in "abcdefghijklmnopqrstuvwxyz0123456789")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Namespaces that are asked about together, and of one of them perhaps a part: pods whose names fit a pattern."""

    namespaces: tuple[str, ...]
    patterns: tuple[str, ...] = ()  # empty: all pods

    @property
    def matchers(self) -> tuple[str, ...]:
        """The part of a selector that says so."""
        here = promql.one_of("namespace", self.namespaces)
        return (here, promql.fits("pod", "|".join(self.patterns))) if self.patterns else (here,)


def batches(
    order: Sequence[str], containers: Mapping[str, int], patterns: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[Batch, ...]]:
    """The namespaces in their order, in units that are answered together: a batch of several, or all parts of one.

    `patterns` is of namespaces of which only pods with such names are wanted.
    """
    together: list[str] = []
    for namespace in order:
        alone = containers[namespace] > CONTAINERS_AT_ONCE or bool(patterns.get(namespace))
        more = [*together, namespace]
        full = sum(containers[name] for name in more) > CONTAINERS_AT_ONCE or len(list(promql.groups(more))) > 1
        if together and (alone or full):
            yield (Batch(namespaces=tuple(together)),)
            together = []
        if alone:
            yield tuple(_parts(namespace, containers[namespace], patterns.get(namespace, ())))
        else:
            together.append(namespace)
    if together:
        yield (Batch(namespaces=tuple(together)),)


def _parts(namespace: str, containers: int, patterns: tuple[str, ...]) -> Iterator[Batch]:
    """One namespace in parts that are small enough."""
    count = math.ceil(containers / CONTAINERS_AT_ONCE)
    chosen = patterns or (ENDINGS if count > 1 else ())
    for part in range(count):
        yield Batch(namespaces=(namespace,), patterns=chosen[part::count])


def halves(batch: Batch) -> tuple[Batch, Batch] | None:
    """The batch in two, by namespaces, and one namespace by the names of its pods; None where it cannot be cut."""
    middle = len(batch.namespaces) // 2
    if middle:
        return (
            replace(batch, namespaces=batch.namespaces[:middle]),
            replace(batch, namespaces=batch.namespaces[middle:]),
        )
    patterns = batch.patterns or ENDINGS
    middle = len(patterns) // 2
    if not middle:
        return None
    return replace(batch, patterns=patterns[:middle]), replace(batch, patterns=patterns[middle:])
