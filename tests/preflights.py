"""Plans with everything around them, made by hand: what a test does not care about is as harmless as can be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import Change as HowTo
from kubectl_oom.evidence import ContainerType, FieldManager, Owner, Proposal, Risk, WorkloadFacts, Written
from kubectl_oom.judge.fixing import FixAsked, plan_of
from kubectl_oom.read.workload import facts_of
from tests.build import MI
from tests.in_memory import metadata
from tests.room import API, app, recommended, replicas, room

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import Check, FixPlan, Pod, Room
    from kubectl_oom.read.source import Json

POD = Owner(api_version="v1", kind="Pod", name="api-0")


def written(name: str = "app", request: str | None = "64Mi", limit: str | None = "128Mi", **changes: Any) -> Written:
    """A container of the object."""
    return Written(**{"name": name, "type": ContainerType.APP, "request": request, "limit": limit} | changes)


def facts(**changes: Any) -> WorkloadFacts:
    """Deployment shop/api with two replicas, of which one more may run while it rolls out."""
    fields: dict[str, Any] = {
        "namespace": "shop",
        "target": API,
        "resource_version": "7",
        "written": (written(),),
        "replicas": 2,
        "surge": 1,
        "unavailable": 0,
        "strategy": "RollingUpdate",
        "cpu_guaranteed": False,
        "managers": (manager("kubectl-client-side-apply", memory_of=()),),
    }
    return WorkloadFacts(**fields | changes)


def pod_facts(**changes: Any) -> WorkloadFacts:
    """Bare pod shop/api-0 on a node that can resize it."""
    fields: dict[str, Any] = {
        "target": POD,
        "replicas": 1,
        "surge": 0,
        "strategy": "in place",
        "kubelets": {"node-a": "v1.36.3"},
    }
    return facts(**fields | changes)


def manager(name: str, operation: str = "Update", memory_of: Sequence[str] = ("app",)) -> FieldManager:
    """A writer of the object."""
    return FieldManager(name=name, operation=operation, at=None, memory_of=tuple(memory_of))


def proposal(request: int = 256, limit: int = 512, **changes: Any) -> Proposal:
    """What `recommend` says about container app, in mebibytes; `size` names changes of the recommendation."""
    fields: dict[str, Any] = {
        "size": recommended(request, limit, **changes.pop("size", {})),
        "risk": Risk.KILLED,
        "kills": 1,
        "highest_bytes": 120 * MI,
        "heap": None,
        "fits": (),
        "offer": None,
        "cost": None,
        "expected_kills": None,
        "alternative": None,
        "change": HowTo(command=None, patch=None),
    }
    return Proposal(**fields | changes)


def planned(
    of: WorkloadFacts | None = None,
    *proposals: Proposal,
    around: Room | None = None,
    pods: Sequence[Pod] | None = None,
    asked: FixAsked | None = None,
) -> FixPlan:
    """The plan for two pods of Deployment api, or for the facts that are given."""
    subject = of or facts()
    bare = subject.target.kind == "Pod"
    mine = pods if pods is not None else replicas(1, app(limit_in_effect_bytes=128 * MI)) if bare else replicas(2)
    own_room = replace(room(), workload=None, template=()) if bare else room()
    return plan_of(subject, proposals or (proposal(),), around or own_room, mine, asked or FixAsked())


def by_hand(limit: int | None = None, request: int | None = None, **changes: Any) -> FixAsked:
    """Sizes by hand, in mebibytes."""
    return FixAsked(
        limit_bytes=None if limit is None else limit * MI,
        request_bytes=None if request is None else request * MI,
        **changes,
    )


def found(plan: FixPlan) -> dict[str, bool]:
    """The codes of the checks in their order, and whether each blocks."""
    return {check.code: check.blocks for check in plan.preflight}


def check(plan: FixPlan, code: str) -> Check:
    """The one check with this code."""
    (one,) = (one for one in plan.preflight if one.code == code)
    return one


def pod_with(*containers: Any, **changes: Any) -> list[Pod]:
    """One pod of the Deployment."""
    return replicas(1, *(containers or (app(),)), **changes)


# --- the object itself -----------------------------------------------------------------------------------------------


def workload_json(kind: str = "Deployment", *, pods: Json | None = None, meta: Json | None = None, **spec: Any) -> Json:
    """A workload whose template has one container."""
    containers = [{"name": "app", "resources": {"limits": {"memory": "128Mi"}, "requests": {"memory": "64Mi"}}}]
    template = {"metadata": {"labels": {"app": "api"}}, "spec": {"containers": containers, **(pods or {})}}
    return {
        "kind": kind,
        "metadata": metadata("api", **(meta or {"managedFields": [{"manager": "kubectl"}]})),
        "spec": {"replicas": 4, "template": template, **spec},
    }


def read(item: Json, kind: str = "Deployment") -> WorkloadFacts:
    """The facts of that object."""
    return facts_of(item, "apps/v1", kind)
