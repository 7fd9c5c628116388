"""A made-up cluster for benchmarks: its pods, and a week of their series as blocks of Prometheus."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING

from benchmarks.blocks import Course, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from benchmarks.block_index import Labels

STEP, DAY = 60, 86_400
UNTIL = 1_764_028_800  # a whole day, where nothing asks for now
REPLICAS, DEPLOYMENTS = 3, 50  # per Deployment, per namespace
KILLED = 50  # every so manieth slot is killed once a day
SHAPES = 64  # courses of memory, by turns
MI, PAGE = 1 << 20, 4096
LIMIT = 512 * MI
LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True)
class Slot:
    """One pod and the one that replaced it."""

    number: int

    @property
    def namespace(self) -> str:
        return f"team-{self.number // (REPLICAS * DEPLOYMENTS):03}"

    @property
    def deployment(self) -> str:
        return f"service-{self.number // REPLICAS:05}"

    @property
    def killed(self) -> bool:
        return self.number % KILLED == 0

    def replica_set(self, place: int) -> str:
        return f"{self.deployment}-{_letters(f'{self.deployment} {place}', 9)}"

    def pod(self, place: int) -> str:
        return f"{self.replica_set(place)}-{_letters(f'{self.number} {place}', 5)}"


def _letters(seed: str, count: int) -> str:
    return "".join(random.Random(seed).choices(LETTERS, k=count))


@dataclass(frozen=True)
class Week:
    """Seven days up to a moment, with a rollout in the middle: one pod of each slot before it, one after."""

    until: int = UNTIL

    @property
    def since(self) -> int:
        return self.until - 7 * DAY

    @cached_property
    def lives(self) -> tuple[tuple[int, int], tuple[int, int]]:
        rollout = self.until - 7 * DAY // 2
        return (self.since, rollout), (rollout, self.until)

    def kills(self, slot: Slot, place: int) -> list[int]:
        """When that pod was OOM-killed: every day at the same time, if at all."""
        begin, end = self.lives[place]
        return [at for at in range(self.since + DAY // 2, self.until, DAY) if slot.killed and begin < at < end]


class _Courses:
    """The courses that the series of a week take; those that are alike are one."""

    def __init__(self, week: Week) -> None:
        self._week = week
        self._made: dict[object, Course] = {}

    def times(self, place: int) -> range:
        return range(*self._week.lives[place], STEP)

    def flat(self, value: float, place: int, first: int | None = None) -> Course:
        """The same value, over the pod's life or from some moment on."""
        return self._course(
            ("flat", value, place, first),
            lambda: [(at, value) for at in self.times(place) if first is None or at > first],
        )

    def by_ends(self, name: str, value: Callable[[list[int]], int | None], ends: list[int], place: int) -> Course:
        """What can be told by the kills so far; nothing as long as that is None."""
        known = ((at, value([end for end in ends if end < at])) for at in self.times(place))
        return self._course((name, place, bool(ends)), lambda: [(at, one) for at, one in known if one is not None])

    def memory(self, slot: Slot, place: int) -> Iterator[Course]:
        """What each instance of the container used."""
        cuts = [self._week.lives[place][0], *self._week.kills(slot, place), self._week.lives[place][1]]
        shape = slot.number % SHAPES
        for begin, end in pairwise(cuts):
            yield self._course(("memory", shape, begin, end), partial(_memory, shape, begin, end))

    def _course(self, key: object, points: Callable[[], list[tuple[int, float]]]) -> Course:
        if key not in self._made:
            found = points()
            self._made[key] = Course(found[0][0], STEP, [value for _, value in found])
        return self._made[key]


def _memory(shape: int, begin: int, end: int) -> list[tuple[int, float]]:
    dice = random.Random(f"memory {shape} {begin}")
    level = random.Random(f"level {shape}").randint(40, 300) * MI
    used, found = float(level), []
    for at in range(-(-begin // STEP) * STEP, end, STEP):
        used = 0.9 * used + 0.1 * level * (0.8 + 0.4 * dice.random())
        found.append((at, used // PAGE * PAGE))
    return found


def series(slots: Sequence[Slot], week: Week) -> Iterator[tuple[Labels, Course]]:
    """What cAdvisor and kube-state-metrics would have been scraped for."""
    courses = _Courses(week)
    for slot in slots:
        for place in (0, 1):
            yield from _owners(slot, place, courses)
            yield from _container(slot, place, courses, week.kills(slot, place))


def _owners(slot: Slot, place: int, courses: _Courses) -> Iterator[tuple[Labels, Course]]:
    there = courses.flat(1, place)
    above = {"owner_kind": "ReplicaSet", "owner_name": slot.replica_set(place)}
    yield _labels("kube_pod_owner", namespace=slot.namespace, pod=slot.pod(place), **above), there
    if slot.number % REPLICAS == 0:
        of = {"owner_kind": "Deployment", "owner_name": slot.deployment}
        name = {"namespace": slot.namespace, "replicaset": slot.replica_set(place)}
        yield _labels("kube_replicaset_owner", **name, **of), there


def _container(slot: Slot, place: int, courses: _Courses, ends: list[int]) -> Iterator[tuple[Labels, Course]]:
    of = {"namespace": slot.namespace, "pod": slot.pod(place), "container": "app"}
    group = f"/kubepods/pod{slot.number}-{place}"
    status = of | {"uid": f"{slot.number}-{place}"}
    for instance, used in enumerate(courses.memory(slot, place)):
        yield _labels("container_memory_working_set_bytes", **of, id=f"{group}/{instance}"), used
    yield _labels("container_oom_events_total", **of, id=f"{group}/0"), courses.flat(0, place)
    limit = {"resource": "memory", "unit": "byte"}
    yield _labels("kube_pod_container_resource_limits", **of, **limit), courses.flat(LIMIT, place)
    restarts = courses.by_ends("restarts", len, ends, place)
    yield _labels("kube_pod_container_status_restarts_total", **status), restarts
    if ends:
        last = courses.by_ends("last", lambda known: known[-1] if known else None, ends, place)
        yield _labels("kube_pod_container_status_last_terminated_timestamp", **status), last
        reason = _labels("kube_pod_container_status_last_terminated_reason", **status, reason="OOMKilled")
        yield reason, courses.flat(1, place, ends[0])


def _labels(name: str, **labels: str) -> Labels:
    return tuple(sorted({"__name__": name, **labels}.items()))


def backfill(slots: Sequence[Slot], store: Path, week: Week | None = None) -> None:
    """A new store of Prometheus that holds the series of these pods."""
    write(list(series(slots, week or Week())), store)
