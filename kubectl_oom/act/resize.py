"""Running pods resized in place, one by one: Kubernetes 1.33 and later.

A controller's template changes as well, or its next pod would have the old size; where that makes the controller
replace its pods, a resize is what they live with until it is their turn.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from kubectl_oom.act.pods import ended, unlike_wanted
from kubectl_oom.act.sending import patch
from kubectl_oom.judge.patching import pod_spec_of
from kubectl_oom.read.answer import part, text
from kubectl_oom.read.source import PODS, ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubectl_oom.evidence import FixPlan
    from kubectl_oom.read.connection import Connection
    from kubectl_oom.read.source import Json

LISTS = ("containers", "initContainers")
WITHOUT_PODS = ("Pod", "Job", "CronJob")  # a pod is resized as such; what a run has begun it ends with its own sizes


def resize_running(connection: Connection, plan: FixPlan, pods: Sequence[Json]) -> Iterator[str]:
    """Resize every living pod that has other sizes: one sentence each, with the server's own words where it refuses."""
    body = _resources_only(plan)
    for pod in pods:
        name = text(part(pod, "metadata").get("name")) or ""
        if ended(pod) or not unlike_wanted((pod,), plan):
            continue
        try:
            patch(connection, f"{PODS.path(plan.facts.namespace, name)}/resize", body)
        except ReadError as error:
            if error.status != HTTPStatus.NOT_FOUND:  # replaced meanwhile
                yield f"pod/{name} was not resized: {error.message}"
        else:
            yield f"pod/{name} is resized in place."


def _resources_only(plan: FixPlan) -> dict[str, Any]:
    """The plan's patch for one of the pods: a resize takes resources, and nothing else."""
    spec = pod_spec_of({"kind": plan.facts.target.kind, **plan.patch})
    kept = {
        name: [{"name": one["name"], "resources": one["resources"]} for one in spec[name] if "resources" in one]
        for name in LISTS
        if spec.get(name)
    }
    return {"spec": kept}
