"""The answer of `recommend`: a size for every container of the workloads, held against all that surrounds it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ENDED_PHASES, ContainerType, Proposal, ProposalReport
from kubectl_oom.judge.change import change_of
from kubectl_oom.judge.cost import Price, alternative_of, beside_of, cost_of
from kubectl_oom.judge.expected import expected_kills, kills_of_image
from kubectl_oom.judge.fits import fits_of
from kubectl_oom.judge.heap import advise
from kubectl_oom.judge.history import newest_first, recount
from kubectl_oom.judge.risk import by_risk, risk_of
from kubectl_oom.judge.scaling import Scalable, scaling_of
from kubectl_oom.judge.seen import NO_LIMIT, is_limit, speaks_of_the_limit
from kubectl_oom.judge.sizing import BATCH_KINDS, Wishes, recommend

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import (
        CaseFile,
        Container,
        ContainerHistory,
        Cost,
        HeapAdvice,
        HorizontalAutoscaler,
        Kill,
        MemoryNow,
        Owner,
        Pod,
        Recommendation,
        Room,
        Sizes,
        WorkloadPast,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user asked for."""

    wishes: Wishes = field(default_factory=Wishes)
    this_image_only: bool = False
    price: Price = field(default_factory=Price)
    container: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One container of one workload, and what belongs to it."""

    history: ContainerHistory
    container: Container | None  # as the newest living pod has it; None: there is none
    pods: tuple[Pod, ...]  # living
    live: tuple[MemoryNow, ...]
    room: Room | None
    cpus: float | None  # of the largest node that runs it

    @property
    def autoscalers(self) -> tuple[HorizontalAutoscaler, ...]:
        """Those that set the number of its pods."""
        return self.room.horizontal if self.room else ()

    @property
    def kills(self) -> tuple[Kill, ...]:
        """Those that speak about the container's own limit."""
        return tuple(kill for kill in self.history.kills if speaks_of_the_limit(kill))

    @property
    def replicas(self) -> int | None:
        """Pods of the workload that a change would reach; None for runs, which come and go, and where none is known."""
        kind = self.history.workload.kind if self.history.workload else None
        if kind in BATCH_KINDS:
            return None
        if self.room and self.room.rollout and self.room.rollout.replicas is not None:
            return self.room.rollout.replicas
        return sum(1 for pod in self.pods if pod.phase not in ENDED_PHASES) or None


def propose(
    case: CaseFile,
    pasts: Sequence[WorkloadPast],
    rooms: Sequence[Room],
    *,
    since: datetime,
    until: datetime,
    asked: Asked,
) -> ProposalReport:
    """A proposal per container that can be sized, those at risk first. `rooms` stand beside their `pasts`."""
    report = recount(case, pasts, since=since, until=until, container=asked.container)
    of_past: dict[object, list[ContainerHistory]] = {}
    for history in report.items:
        of_past.setdefault(_key(history.workload, history.namespace, history.pods), []).append(history)
    living = {(pod.namespace, pod.name): pod for pod in case.pods}
    items: list[Proposal] = []
    warnings: list[str] = []
    for past, room in zip(pasts, rooms, strict=True):
        histories = of_past.get(_key(past.workload, past.namespace, past.pods), ())
        own = [pod for name in past.pods if (pod := living.get((past.namespace, name)))]
        subjects = [_subject(case, own, room, history, asked) for history in histories]
        there = [one for one in subjects if _can_be_sized(one)]
        warnings += [
            _no_longer_there(one) for one in subjects if one not in there and one.history.container_type is None
        ]
        items += _of_workload(there, asked, until)
    items.sort(key=by_risk)
    gaps = dict.fromkeys((*report.gaps, *(gap for room in rooms for gap in room.gaps)))
    return ProposalReport(items=tuple(items), gaps=tuple(gaps), warnings=tuple(warnings))


def _key(workload: Owner | None, namespace: str, pods: Sequence[str]) -> object:
    """What a history and the past it was made of have in common; a bare pod stands for itself."""
    return namespace, workload, None if workload else tuple(pods[:1])


def _of_workload(subjects: Sequence[Subject], asked: Asked, until: datetime) -> list[Proposal]:
    """The containers of one workload: what fits depends on all of them together."""
    sized = [(one, _sized(one, asked, until)) for one in subjects]
    together = {one.history.container: size.recommended for one, size in sized if size.recommended}
    return [_proposal(one, size, together, asked) for one, size in sized]


def _sized(one: Subject, asked: Asked, until: datetime) -> Recommendation:
    before = _heap(one, None)
    return recommend(
        one.history,
        kills=one.history.kills,
        until=until,
        wishes=asked.wishes,
        replicas=one.replicas,
        live=one.live,
        heap_needs=before.least_limit_bytes if before else None,
    )


def _heap(one: Subject, sizes: Sizes | None) -> HeapAdvice | None:
    if one.container is None:
        return None
    return advise(
        one.container,
        highest_bytes=_highest(one),
        killed_limit_bytes=_killed_limit(one),
        sizes=sizes,
        cpus=one.cpus,
    )


def _killed_limit(one: Subject) -> int | None:
    return max(
        (kill.limit_bytes for kill in one.kills if kill.limit_bytes and is_limit(kill.limit_bytes)), default=None
    )


def _proposal(one: Subject, size: Recommendation, together: dict[str, Sizes], asked: Asked) -> Proposal:
    fits, offer = fits_of(size, one.room, one.pods, together)
    wanted = offer or size.recommended
    heap = _heap(one, wanted)
    highest, kills = _highest(one), one.kills
    return Proposal(
        size=size,
        risk=risk_of(one.history, size, kills=kills, highest=highest),
        kills=len(kills),
        highest_bytes=highest,
        heap=heap,
        fits=fits,
        offer=offer,
        cost=_cost(one, size, wanted, asked.price),
        expected_kills=expected_kills(one.history, size, wanted),
        alternative=alternative_of(
            size,
            highest=highest,
            autoscalers=one.autoscalers,
            kills=len(kills),
            alone=all(len(pod.containers) == 1 for pod in one.pods),
        ),
        change=change_of(size, wanted, one.room, heap, pod=one.pods[0] if one.pods else None),
        pod=None if size.workload else next(iter(one.history.pods), None),
        killed_limit_bytes=_killed_limit(one),
        kills_elsewhere=tuple(dict.fromkeys(kill.verdict for kill in one.history.kills if kill not in kills)),
        scaling=scaling_of(Scalable(one.history, size, wanted, one.container, one.pods, one.room)),
    )


def _cost(one: Subject, size: Recommendation, wanted: Sizes | None, price: Price) -> Cost | None:
    pod = one.pods[0] if one.pods else None
    if pod and pod.request_bytes is not None:  # a request of the whole pod is all that the scheduler looks at
        return None
    return cost_of(
        size.current,
        wanted,
        replicas=one.replicas,
        autoscalers=one.autoscalers,
        price=price,
        beside=beside_of(pod, one.history.container),
    )


# --- what is sized ---------------------------------------------------------------------------------------------------


def _subject(case: CaseFile, own: Sequence[Pod], room: Room, history: ContainerHistory, asked: Asked) -> Subject:
    pods = newest_first(pod for pod in own if any(c.name == history.container for c in pod.containers))
    container = next((c for pod in pods for c in pod.containers if c.name == history.container), None)
    if container is None:
        history = _as_in_template(history, room)
    elif asked.this_image_only:
        history = replace(history, kills=kills_of_image(history.kills, container.image))
    keys = [(pod.namespace, pod.name, history.container) for pod in pods]
    cpus = [case.nodes[pod.node].cpus for pod in pods if pod.node and pod.node in case.nodes]
    return Subject(
        history=history,
        container=container,
        pods=pods,
        live=tuple(now for key in keys for now in case.now_by_container.get(key, ())),
        room=room,
        cpus=max((count for count in cpus if count is not None), default=None),
    )


def _as_in_template(history: ContainerHistory, room: Room) -> ContainerHistory:
    """What the workload's template says of a container that no pod has just now."""
    found = next((one for one in room.template if one.name == history.container), None)
    if found is None:
        return history
    return replace(history, container_type=found.type, limit_bytes=found.limit_bytes, request_bytes=found.request_bytes)


def _can_be_sized(one: Subject) -> bool:
    """Whether a size could be set: of what runs, or stands in the workload's template; not of what was attached."""
    if one.history.container_type is ContainerType.EPHEMERAL:
        return False
    in_template = one.room is not None and one.history.container in {t.name for t in one.room.template}
    return one.container is not None or in_template


def _no_longer_there(one: Subject) -> str:
    history = one.history
    what = f"{history.workload.kind} {history.workload.name}" if history.workload else ", ".join(history.pods)
    return (
        f"container {history.container} of {what} in {history.namespace} has a history, and no pod has it today: "
        "renamed, or gone. Its history is not counted for any other container."
    )


def _highest(one: Subject) -> int | None:
    spread = one.history.working_set
    sampled = [spread.max_sampled_bytes] if spread else []
    sampled += [s.value for life in one.history.lives for s in life.working_set]
    sampled += [live.working_set_bytes for live in one.live if live.working_set_bytes]
    return max((value for value in sampled if 0 < value < NO_LIMIT), default=None)
