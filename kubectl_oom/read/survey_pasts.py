"""Whose numbers they are: containers of pods, also of those that are gone, are put to the workloads of today."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ContainerWindow, Life, MemoryHistory, PastKill, WorkloadPast
from kubectl_oom.read.owners import name_pattern
from kubectl_oom.read.survey_kills import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_oom.evidence import MemoryWindow
    from kubectl_oom.read.survey_numbers import Key, Numbers

MOST_OWNERS = 5  # of a chain: as many as are followed in the API


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """How containers of one namespace ended: their kills, and their limits where they were killed."""

    kills: tuple[PastKill, ...] = ()
    limits: Limits = field(default_factory=Limits)


def pasts_of(
    asked: Sequence[WorkloadPast], numbers: Numbers, ends: Ends, window: MemoryWindow, stepped_seconds: float
) -> tuple[WorkloadPast, ...]:
    """The workloads of one namespace with what the engine said about their pods, gone ones included.

    `window` is what they all have in common. Pods of workloads that nobody asked about are left out.
    """
    if not asked:
        return ()
    namespace = asked[0].namespace
    keys: dict[str, list[Key]] = defaultdict(list)  # pod → its containers
    for key in numbers.courses:
        if key[0] == namespace:
            keys[key[1]].append(key)
    names = sorted(keys.keys() | {kill.pod for kill in ends.kills})
    told_by_name = not any(of == namespace for of, _ in numbers.owners)
    pods, fitted = _by_workload(asked, numbers, names, told_by_name=told_by_name)
    if fitted:
        sentence = (
            f"pods that are gone were put to their workloads by their names, since {window.source} does not hold their"
            " owners (kube_pod_owner of kube-state-metrics)"
        )
        window = replace(window, warnings=(*window.warnings, sentence))
    found = []
    for past, own in zip(asked, pods, strict=True):
        own_keys = sorted(key for pod in own for key in keys.get(pod, ()))
        found.append(_past(past, own, own_keys, numbers, ends, window, stepped_seconds))
    return tuple(found)


def _by_workload(
    asked: Sequence[WorkloadPast], numbers: Numbers, names: Sequence[str], *, told_by_name: bool
) -> tuple[list[set[str]], bool]:
    """The pods of each workload, and whether any of them was told by its name alone."""
    living = {pod: place for place, past in enumerate(asked) for pod in past.pods}
    owned = {(past.workload.kind, past.workload.name): n for n, past in enumerate(asked) if past.workload}
    fits = _patterns(asked) if told_by_name else []
    pods = [set(past.pods) for past in asked]
    fitted = False
    for name in names:
        place = living.get(name)
        if place is None and told_by_name:
            place = next((n for n, pattern in fits if pattern.fullmatch(name)), None)
            fitted |= place is not None
        elif place is None:
            place = _owner_of(name, asked[0].namespace, numbers, owned)
        if place is not None:
            pods[place].add(name)
    return pods, fitted


def _owner_of(pod: str, namespace: str, numbers: Numbers, owned: Mapping[tuple[str, str], int]) -> int | None:
    """The place of the workload that the chain of the pod's owners leads to."""
    owner = numbers.owners.get((namespace, pod))
    for _ in range(MOST_OWNERS):
        if owner is None:
            return None
        if (owner.kind, owner.name) in owned:
            return owned[owner.kind, owner.name]
        owner = numbers.above.get((namespace, owner.kind, owner.name))
    return None


def _patterns(asked: Sequence[WorkloadPast]) -> list[tuple[int, re.Pattern[str]]]:
    """What the names of each workload's pods fit, the longest workload names first: `api-v2` before `api`."""
    named = [(n, past.workload) for n, past in enumerate(asked) if past.workload]
    named.sort(key=lambda one: -len(one[1].name))
    found = [(n, name_pattern(owner.kind, owner.name)) for n, owner in named]
    return [(n, re.compile(pattern)) for n, pattern in found if pattern]


def _past(
    past: WorkloadPast,
    pods: set[str],
    keys: Sequence[Key],
    numbers: Numbers,
    ends: Ends,
    window: MemoryWindow,
    stepped_seconds: float,
) -> WorkloadPast:
    lives = tuple(
        Life(
            pod=key[1],
            container=key[2],
            container_id=None,
            working_set=numbers.courses[key],
            limit=numbers.limits.get(key, ()),
            oom_events=numbers.oom_events.get(key, ()),
        )
        for key in keys
    )
    kills = tuple(ends.limits.at_kill(past.namespace, kill) for kill in ends.kills if kill.pod in pods)
    return WorkloadPast(
        namespace=past.namespace,
        workload=past.workload,
        pods=tuple(sorted(pods)),
        window=replace(window, containers=tuple(_row(key, numbers, ends.limits) for key in keys), kills=kills),
        history=MemoryHistory(source=window.source, since=window.since, until=window.until, lives=lives),
        stepped_seconds=stepped_seconds,
    )


def _row(key: Key, numbers: Numbers, limits: Limits) -> ContainerWindow:
    return ContainerWindow(
        pod=key[1],
        container=key[2],
        working_set=numbers.spreads.get(key),
        usage=None,
        limit_bytes=limits.last(*key),
        lowest_limit_bytes=limits.lowest(*key),
        restarts=None,
        oom_events=None,
        node=None,
        image=numbers.images.get(key),
    )
