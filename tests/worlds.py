"""One workload as a test tells it, and the whole answer of `recommend` for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kubectl_oom.evidence import (
    CaseFile,
    Container,
    ContainerWindow,
    Life,
    MemoryHistory,
    MemoryWindow,
    Owner,
    PastKill,
    Pod,
    Proposal,
    ProposalReport,
    Room,
    WorkloadPast,
)
from kubectl_oom.judge.propose import Asked, propose
from tests.build import container as built_container
from tests.build import pod as built_pod
from tests.pasts import MI, UNTIL, WEEK, ago

DEPLOYMENT = Owner(api_version="apps/v1", kind="Deployment", name="api")
ENGINE = "Prometheus http://prometheus:9090"


def container(name: str = "app", *, limit: float | None = None, request: float | None = None, **more: Any) -> Container:
    """A running container; sizes in Mi."""
    sizes = {"request_bytes": int(request * MI) if request else None, "image": "registry.example/api:2"}
    return built_container(limit=int(limit * MI) if limit else None, name=name, **sizes | more)


def pod(*containers: Container, name: str = "api-1", **changes: Any) -> Pod:
    return built_pod(*containers, **{"name": name, "owners": (DEPLOYMENT,), "created_at": ago(200), **changes})


@dataclass(frozen=True)
class Killed:
    """An OOM kill of a pod that is gone, at a limit in Mi."""

    hours: float
    limit: float | None
    container: str = "app"
    image: str | None = None


@dataclass(frozen=True)
class World:
    """One workload, what its pods are now, and what is remembered of it."""

    pods: tuple[Pod, ...]
    lives: tuple[Life, ...] = ()
    kills: tuple[Killed, ...] = ()
    workload: Owner | None = DEPLOYMENT
    asked: Asked = field(default_factory=Asked)
    room: dict[str, Any] = field(default_factory=dict)

    @property
    def past(self) -> WorkloadPast:
        rows, told = [], []
        for number, kill in enumerate(self.kills):
            gone = f"gone-{number}"
            limit = int(kill.limit * MI) if kill.limit else None
            rows.append(
                ContainerWindow(
                    pod=gone,
                    container=kill.container,
                    working_set=None,
                    usage=None,
                    limit_bytes=limit,
                    lowest_limit_bytes=limit,
                    restarts=None,
                    oom_events=None,
                    node=None,
                    image=kill.image,
                )
            )
            told.append(
                PastKill(
                    pod=gone, container=kill.container, at=ago(kill.hours), exact=True, exit_code=137, source="status"
                )
            )
        names = {one.name for one in self.pods} | {one.pod for one in self.lives} | {row.pod for row in rows}
        times = {"source": ENGINE, "since": ago(WEEK), "until": UNTIL}
        window = MemoryWindow(containers=tuple(rows), kills=tuple(told), kills_known=True, **times)  # type: ignore[arg-type]
        return WorkloadPast(
            namespace="shop",
            workload=self.workload,
            pods=tuple(sorted(names)),
            window=window,
            history=MemoryHistory(lives=self.lives, **times),  # type: ignore[arg-type]  # as above
            stepped_seconds=None,
        )


def report_of(*worlds: World) -> ProposalReport:
    pasts = [world.past for world in worlds]
    rooms = [Room(namespace="shop", workload=world.workload, **world.room) for world in worlds]
    case = CaseFile(pods=tuple(one for world in worlds for one in world.pods))
    return propose(case, pasts, rooms, since=ago(WEEK), until=UNTIL, asked=worlds[0].asked)


def only(world: World) -> Proposal:
    (item,) = report_of(world).items
    return item


def limit_of(item: Proposal) -> float:
    assert item.size.recommended is not None
    assert item.size.recommended.limit_bytes is not None
    return item.size.recommended.limit_bytes / MI
