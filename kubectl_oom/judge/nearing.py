"""Who may be killed next: containers near their limit, or on their way to it; each said once per episode.

An episode begins when a mark is reached and is over when the memory has fallen well below it again. A projection is
made from the trend that `history` uses, of one instance; without a steady climb of most of an hour there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Mark, Warned
from kubectl_oom.judge.instance import Instance, LifeSpan
from kubectl_oom.judge.trend import HOUR, is_steady

if TYPE_CHECKING:
    from collections.abc import Iterable, Set  # noqa: PYI025 - the abstract one
    from datetime import datetime

    from kubectl_oom.evidence import Climb, Container, ContainerKey, ContainerType, Gauge, Owner, Pod

# The marks of the alerts that people write: a look is due, and a kill is near.
MARKS = ((Mark.VERY_CLOSE, 0.95), (Mark.CLOSE, 0.85))
# How far it has to fall below a mark before that is said again: less is the teeth of a collector.
FALLS_BY = 0.05
# Half a working day: time enough to act, and near enough to believe a straight line.
WITHIN_SECONDS = 4 * HOUR
# A projection that has not held for this long was another episode.
FORGOTTEN_AFTER = timedelta(hours=1)
# An engine answers with samples up to 5 minutes old; where it keeps no ids they may be those of the instance before.
OLD_SAMPLES = timedelta(minutes=5)


@dataclass(slots=True)
class _Standing:
    """A running container with a limit, and what was said about it."""

    pod: str  # its identity
    node: str | None
    type: ContainerType
    workload: Owner | None
    limit_bytes: int
    container_id: str | None
    running_since: datetime | None
    said: set[Mark] = field(default_factory=set)
    projected_at: datetime | None = None


class Lookout:
    """The running containers of the selection, and the warnings given about them."""

    def __init__(self, container: str | None = None) -> None:
        self._container = container
        self._standing: dict[ContainerKey, _Standing] = {}

    def sees(self, pod: Pod) -> None:
        """Take in a pod as it is now."""
        for container in pod.containers:
            if self._container not in (None, container.name):
                continue
            key = (pod.namespace, pod.name, container.name)
            limit = container.limit_in_effect_bytes or container.limit_bytes
            if container.state != "running" or not limit:
                self._standing.pop(key, None)
                continue
            self._standing[key] = self._as_now(self._standing.get(key), pod, container, limit)

    def loses(self, pod: Pod) -> None:
        """Forget a pod that is gone."""
        for container in pod.containers:
            self._standing.pop((pod.namespace, pod.name, container.name), None)

    def listed(self, identities: Set[str]) -> None:
        """Forget the pods that are in no list any more."""
        self._standing = {key: one for key, one in self._standing.items() if one.pod in identities}

    def _as_now(self, before: _Standing | None, pod: Pod, container: Container, limit: int) -> _Standing:
        now = _Standing(
            pod=pod.identity,
            node=pod.node,
            type=container.type,
            workload=pod.workload,
            limit_bytes=limit,
            container_id=container.container_id,
            running_since=container.running_since,
        )
        if before and (before.container_id, before.limit_bytes) == (now.container_id, limit):
            now.said, now.projected_at = before.said, before.projected_at
        return now

    # --- what is near now ------------------------------------------------------------------------------------------

    def nears(self, gauges: Iterable[Gauge], now: datetime) -> list[Warned]:
        """The marks that were reached since the last time. What is in no gauge is far below all of them."""
        full = {(g.namespace, g.pod, g.container): g for g in gauges if self._is_of_now(g, now)}
        found = []
        for key, standing in self._standing.items():
            gauge = full.get(key)
            share = gauge.working_set_bytes / standing.limit_bytes if gauge else 0.0
            standing.said -= {mark for mark, level in MARKS if share < level - FALLS_BY}
            reached = [mark for mark, level in MARKS if share >= level]
            if gauge and reached and reached[0] not in standing.said:
                found.append(_warned(gauge, standing, reached[0]))
            standing.said.update(reached)
        return found

    def _is_of_now(self, gauge: Gauge, now: datetime) -> bool:
        """Whether it is a sample of the instance that runs: of one that was killed the last may be read for minutes."""
        standing = self._standing.get((gauge.namespace, gauge.pod, gauge.container))
        if standing is None:
            return False
        if gauge.container_id and standing.container_id:
            return gauge.container_id == standing.container_id
        return standing.running_since is not None and now - standing.running_since > OLD_SAMPLES

    # --- what is on its way ----------------------------------------------------------------------------------------

    def climbs(self, climbs: Iterable[Climb], now: datetime) -> list[Warned]:
        """The containers that reach their limit within hours if they go on like this, said once."""
        found = []
        for climb in climbs:
            standing = self._standing.get((climb.now.namespace, climb.now.pod, climb.now.container))
            if standing is None or not self._is_of_now(climb.now, now):
                continue
            rates = _rates(climb, standing)
            left = standing.limit_bytes - climb.now.working_set_bytes
            if rates is None or left <= 0 or left / rates[0] * HOUR > WITHIN_SECONDS:
                continue
            if standing.projected_at is None or now - standing.projected_at > FORGOTTEN_AFTER:
                found.append(_warned(climb.now, standing, Mark.PROJECTED, rates=rates))
            standing.projected_at = now
        return found


def _rates(climb: Climb, standing: _Standing) -> tuple[float, float] | None:
    """Bytes per hour, the slower rate first: of the whole climb, and of its second half. None where it is no steady one."""
    life = LifeSpan(
        samples=climb.working_set, rss=climb.rss, started_at=standing.running_since, limit_bytes=standing.limit_bytes
    )
    trend = Instance(life).trend
    if trend is None or not is_steady(trend) or trend.late_slope <= 0:
        return None
    return min(trend.slope, trend.late_slope), max(trend.slope, trend.late_slope)


def _warned(gauge: Gauge, standing: _Standing, mark: Mark, *, rates: tuple[float, float] | None = None) -> Warned:
    left = standing.limit_bytes - gauge.working_set_bytes
    return Warned(
        namespace=gauge.namespace,
        pod=gauge.pod,
        node=standing.node,
        container=gauge.container,
        container_type=standing.type,
        workload=standing.workload,
        limit_bytes=standing.limit_bytes,
        mark=mark,
        working_set_bytes=gauge.working_set_bytes,
        growth_bytes_per_hour=rates[0] if rates else None,
        least_seconds=left / rates[1] * HOUR if rates else None,
        most_seconds=left / rates[0] * HOUR if rates else None,
    )
