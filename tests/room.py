"""What stands around a size, made by hand: a room, a recommendation, and the checks that matter to a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import (
    Band,
    ContainerType,
    LimitRule,
    NodeRoom,
    Owner,
    Quota,
    Recommendation,
    Rollout,
    Room,
    Sizes,
    TemplateContainer,
    WorkloadClass,
)
from kubectl_oom.judge.fits import fits_of
from tests.build import GI, MI, container, pod

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_oom.evidence import Container, Fit, Pod

API = Owner(api_version="apps/v1", kind="Deployment", name="api")


def sizes(request: int | None, limit: int | None) -> Sizes:
    """Sizes in mebibytes."""
    return Sizes(
        request_bytes=None if request is None else request * MI, limit_bytes=None if limit is None else limit * MI
    )


def recommended(request: int = 256, limit: int = 512, *, floor: int | None = 100, **changes: Any) -> Recommendation:
    """A recommendation for container `app` of Deployment api, in mebibytes; today it has 64Mi and 128Mi."""
    fields: dict[str, Any] = {
        "namespace": "shop",
        "workload": API,
        "container": "app",
        "container_type": ContainerType.APP,
        "profile": "balanced",
        "workload_class": WorkloadClass.STATELESS,
        "class_reason": "a Deployment",
        "confidence": Band.HIGH,
        "confidence_reason": "a week was seen",
        "replicas": 2,
        "current": sizes(64, 128),
        "recommended": sizes(request, limit),
        "floor_bytes": None if floor is None else floor * MI,
        "rationale": (),
        "alternatives": {},
        "lasts_seconds": None,
    }
    return Recommendation(**fields | changes)


def app(request: int | None = 64, limit: int | None = 128, **changes: Any) -> Container:
    """A container of a pod, in mebibytes."""
    wanted = sizes(request, limit)
    return container(limit=wanted.limit_bytes, request_bytes=wanted.request_bytes, **changes)


def replicas(count: int, *containers: Container, **changes: Any) -> list[Pod]:
    """So many pods alike."""
    return [pod(*(containers or (app(),)), name=f"api-{n}", owners=(API,), **changes) for n in range(count)]


def template(name: str = "app", request: int | None = 64, limit: int | None = 128) -> TemplateContainer:
    """A container of the template, in mebibytes."""
    wanted = sizes(request, limit)
    return TemplateContainer(
        name=name, type=ContainerType.APP, request_bytes=wanted.request_bytes, limit_bytes=wanted.limit_bytes
    )


def room(count: int = 2, surge: int = 1, strategy: str = "RollingUpdate", **changes: Any) -> Room:
    """The room of Deployment api."""
    fields: dict[str, Any] = {
        "namespace": "shop",
        "workload": API,
        "rollout": Rollout(replicas=count, surge=surge, strategy=strategy),
        "template": (template(),),
    }
    return Room(**fields | changes)


def limit_rule(
    least: int | None = None, most: int | None = None, ratio: float | None = None, scope: str = "Container"
) -> LimitRule:
    """A rule of LimitRange `mem`, in mebibytes."""
    bounds = sizes(least, most)
    return LimitRule(
        name="mem",
        scope=scope,
        min_bytes=bounds.request_bytes,
        max_bytes=bounds.limit_bytes,
        max_limit_to_request=ratio,
    )


def quota(requests: tuple[int, int] | None = None, limits: tuple[int, int] | None = None, **changes: Any) -> Quota:
    """ResourceQuota `mem` with (hard, used) in mebibytes."""
    hard = sizes(requests[0] if requests else None, limits[0] if limits else None)
    used = sizes(requests[1] if requests else None, limits[1] if limits else None)
    fields: dict[str, Any] = {
        "name": "mem",
        "scopes": (),
        "hard_requests_bytes": hard.request_bytes,
        "used_requests_bytes": used.request_bytes,
        "hard_limits_bytes": hard.limit_bytes,
        "used_limits_bytes": used.limit_bytes,
    }
    return Quota(**fields | changes)


def node_room(
    name: str = "node-a", gib: float = 8, requested: float | None = None, closed: str | None = None
) -> NodeRoom:
    """A node, in gibibytes."""
    return NodeRoom(
        name=name,
        allocatable_bytes=int(gib * GI),
        requested_bytes=None if requested is None else int(requested * GI),
        cpus=4.0,
        closed_because=closed,
    )


def held(
    size: Recommendation, around: Room | None, pods: Sequence[Pod] | None = None, **together: Sizes
) -> tuple[list[tuple[str, bool, str]], Sizes | None]:
    """The fits as (check, ok, detail), and the offer; of two pods as they are today unless others are given."""
    fits, offer = judged(size, around, pods, together)
    return [(fit.check, fit.ok, fit.detail) for fit in fits], offer


def judged(
    size: Recommendation,
    around: Room | None,
    pods: Sequence[Pod] | None = None,
    together: Mapping[str, Sizes] | None = None,
) -> tuple[tuple[Fit, ...], Sizes | None]:
    """The whole answer."""
    own = {size.container: size.recommended} if size.recommended else {}
    return fits_of(size, around, replicas(2) if pods is None else pods, {**own, **(together or {})})
