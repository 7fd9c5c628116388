"""What a rollout is made of: a Deployment on its way, its pods, and the plan that has begun it."""

from __future__ import annotations

from typing import Any

from kubectl_oom.evidence import ContainerType, FixPlan, Sizes
from kubectl_oom.evidence.fixing import ContainerChange, Written
from kubectl_oom.read.workload import facts_of
from tests.build import MI
from tests.in_memory import metadata, stamp

Json = dict[str, Any]

NEW = {"limits": {"memory": "96Mi"}}


def deployment(limit: str = "96Mi", generation: int = 2, observed: int = 2, **status: Any) -> Json:
    """A Deployment of two pods."""
    template = {"spec": {"containers": [{"name": "app", "resources": {"limits": {"memory": limit}}}]}}
    managed = [
        {
            "manager": "kubectl-oom",
            "operation": "Update",
            "time": stamp(600),
            "fieldsV1": {'k:{"name":"app"}': {"f:resources": {"f:limits": {"f:memory": {}}}}},
        }
    ]
    return {
        "kind": "Deployment",
        "metadata": metadata("api", generation=generation, managedFields=managed),
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "api"}}, "template": template},
        "status": {"observedGeneration": observed, **status},
    }


def plan(item: Json, after: int = 96 * MI) -> FixPlan:
    """The plan that has brought the limit to 96Mi."""
    written = Written(name="app", type=ContainerType.APP, request=None, limit="64Mi")
    change = ContainerChange(
        container="app",
        type=ContainerType.APP,
        before=Sizes(request_bytes=None, limit_bytes=64 * MI),
        after=Sizes(request_bytes=None, limit_bytes=after),
        written=written,
    )
    return FixPlan(
        facts=facts_of(item, "apps/v1", item["kind"]),
        changes=(change,),
        patch={},
        undo={},
        commands=(),
        undo_commands=(),
    )


def pod(phase: str = "Running", *statuses: Json, conditions: list[Json] | None = None, **more: Any) -> Json:
    """A pod with a limit of 96Mi."""
    return {
        "metadata": metadata("api-0", **more),
        "spec": {"containers": [{"name": "app", "resources": NEW}]},
        "status": {"phase": phase, "containerStatuses": list(statuses), "conditions": conditions or []},
    }


def killed(seconds_ago: float) -> Json:
    """A container that was OOM-killed then, and runs again."""
    end = {"reason": "OOMKilled", "exitCode": 137, "finishedAt": stamp(seconds_ago), "startedAt": stamp(9000)}
    return {
        "name": "app",
        "state": {"running": {}},
        "lastState": {"terminated": end},
        "restartCount": 1,
        "resources": NEW,
    }
