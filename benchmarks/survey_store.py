"""A made-up cluster for benchmarks/survey.py: its pods, and a week of their series as blocks of Prometheus."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

STEP, DAY = 60, 86_400
UNTIL = 1_764_028_800  # a whole day: blocks end there
SINCE = UNTIL - 7 * DAY
ROLLOUT = UNTIL - 7 * DAY // 2
REPLICAS, DEPLOYMENTS = 3, 50  # per Deployment, per namespace
KILLED = 50  # every so manieth slot is killed once a day
MI = 1 << 20
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

    def replica_set(self, place: int) -> str:
        return f"{self.deployment}-{_letters(f'{self.deployment} {place}', 9)}"

    def pod(self, place: int) -> str:
        return f"{self.replica_set(place)}-{_letters(f'{self.number} {place}', 5)}"


def _letters(seed: str, count: int) -> str:
    return "".join(random.Random(seed).choices(LETTERS, k=count))


LIVES = ((SINCE, ROLLOUT), (ROLLOUT, UNTIL))


def times(place: int) -> range:
    return range(LIVES[place][0], LIVES[place][1], STEP)


def kills(slot: Slot, place: int) -> list[int]:
    if slot.number % KILLED:
        return []
    return [at for at in range(SINCE + DAY // 2, UNTIL, DAY) if LIVES[place][0] < at < LIVES[place][1]]


def openmetrics(slots: Sequence[Slot]) -> Iterator[str]:
    """The week as text, a family at a time."""
    families = {
        "container_memory_working_set_bytes": _working_set,
        "container_oom_events": _counter,
        "kube_pod_owner": _pod_owner,
        "kube_replicaset_owner": _replica_set_owner,
        "kube_pod_container_resource_limits": _limits,
        "kube_pod_container_status_restarts": _restarts,
        "kube_pod_container_status_last_terminated_reason": _reason,
        "kube_pod_container_status_last_terminated_timestamp": _timestamp,
    }
    for family, series in families.items():
        counter = family in ("container_oom_events", "kube_pod_container_status_restarts")
        yield f"# TYPE {family} {'counter' if counter else 'gauge'}\n"
        name = f"{family}_total" if counter else family
        for slot in slots:
            for place in (0, 1):
                yield from (f"{name}{text}" for text in series(slot, place))
    yield "# EOF\n"


def _labels(slot: Slot, place: int) -> str:
    return f'namespace="{slot.namespace}",pod="{slot.pod(place)}"'


def _flat(labels: str, value: object, place: int) -> Iterator[str]:
    start = f"{{{labels}}} {value} "
    return (f"{start}{at}\n" for at in times(place))


def _working_set(slot: Slot, place: int) -> Iterator[str]:
    dice = random.Random(f"memory {slot.number} {place}")
    level, ends = dice.randint(40, 300) * MI, kills(slot, place)
    labels = f'{{{_labels(slot, place)},container="app",id="/kubepods/pod{slot.number}-{place}/%d"}} '
    instance, used = 0, level
    for at in times(place):
        if ends and at >= ends[0]:
            ends, instance = ends[1:], instance + 1
        used = round(0.9 * used + 0.1 * level * (0.8 + 0.4 * dice.random()))
        yield f"{labels % instance}{used} {at}\n"


def _counter(slot: Slot, place: int) -> Iterator[str]:
    return _flat(f'{_labels(slot, place)},container="app",id="/kubepods/pod{slot.number}-{place}/0"', 0, place)


def _pod_owner(slot: Slot, place: int) -> Iterator[str]:
    owner = f'owner_kind="ReplicaSet",owner_name="{slot.replica_set(place)}"'
    return _flat(f"{_labels(slot, place)},{owner}", 1, place)


def _replica_set_owner(slot: Slot, place: int) -> Iterator[str]:
    if slot.number % REPLICAS:
        return iter(())
    owner = f'owner_kind="Deployment",owner_name="{slot.deployment}"'
    return _flat(f'namespace="{slot.namespace}",replicaset="{slot.replica_set(place)}",{owner}', 1, place)


def _limits(slot: Slot, place: int) -> Iterator[str]:
    return _flat(f'{_labels(slot, place)},container="app",resource="memory",unit="byte"', LIMIT, place)


def _restarts(slot: Slot, place: int) -> Iterator[str]:
    start, ends = f'{{{_labels(slot, place)},container="app",uid="{slot.number}-{place}"}} ', kills(slot, place)
    return (f"{start}{sum(end < at for end in ends)} {at}\n" for at in times(place))


def _reason(slot: Slot, place: int) -> Iterator[str]:
    start = f'{{{_labels(slot, place)},container="app",uid="{slot.number}-{place}",reason="OOMKilled"}} 1 '
    first = min(kills(slot, place), default=UNTIL)
    return (f"{start}{at}\n" for at in times(place) if at > first)


def _timestamp(slot: Slot, place: int) -> Iterator[str]:
    start, ends = f'{{{_labels(slot, place)},container="app",uid="{slot.number}-{place}"}} ', kills(slot, place)
    known = ((at, [end for end in ends if end < at]) for at in times(place))
    return (f"{start}{before[-1]} {at}\n" for at, before in known if before)


def backfill(slots: Sequence[Slot], store: Path) -> None:
    """The series as blocks of Prometheus."""
    text = store.with_suffix(".om")
    with text.open("w") as file:
        file.writelines(openmetrics(slots))
    # Without longer blocks promtool reads the whole text once per two hours of it.
    command = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=360h", "openmetrics", "-q"]
    subprocess.run([*command, str(text), str(store)], check=True, stdout=subprocess.DEVNULL)
    text.unlink()
