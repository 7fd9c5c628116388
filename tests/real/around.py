"""What stands around workloads on a stage: limit ranges, quotas, autoscalers; and what the API server says to a size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_oom.quantity import exact_bytes
from tests.cluster.access import READER
from tests.real.stage import ROOTS, Stage
from tests.real.status import only
from tests.real.tool import oom

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster
    from tests.real.status import Json

CORE, SCALING = "/api/v1", "/apis/autoscaling/v2"
VERTICAL = "autoscaling.k8s.io"


def killed_shop(cluster: Cluster) -> Stage:
    """A stage with Deployment shop: one pod of 32Mi and 64Mi that was OOM-killed, so that more is recommended."""
    stage = Stage.on(cluster)
    (pod,) = stage.made_by(stage.workload("deployments", "shop"))
    stage.kill(pod)
    return stage


def recommend(stage: Stage, *args: str, user: str = READER) -> Json:
    """The document that `recommend` answers about Deployment shop, without a metrics engine."""
    args = ("recommend", "deploy/shop", "-n", stage.namespace, "-o", "json", "--no-prometheus", *args)
    return oom(stage.cluster.kubeconfig(user), *args).document()


def fits(answer: Json, check: str) -> list[tuple[bool, str]]:
    """What the one container of an answer was held against in one respect: whether it fits, and the sentence."""
    return [(fit["ok"], fit["detail"]) for fit in only(answer)["fits"] if fit["check"] == check]


def accepted(stage: Stage, limit: int) -> None:
    """Wait for a pod of that limit."""

    def there() -> bool:
        pods = stage.items(CORE, "pods")
        limits = [pod["spec"]["containers"][0]["resources"]["limits"]["memory"] for pod in pods]
        return exact_bytes(limit) in limits

    stage.wait(f"a pod of {exact_bytes(limit)}", there)


def limit_range(stage: Stage, **rule: Any) -> None:
    """LimitRange mem with one rule for containers."""
    document = {"metadata": {"name": "mem"}, "spec": {"limits": [{"type": "Container", **rule}]}}
    stage.create(CORE, "limitranges", document)


def quota(stage: Stage, limits: int) -> None:
    """A quota on limits of so many mebibytes, once the controller has counted what is used."""
    document = {"metadata": {"name": "mem"}, "spec": {"hard": {"limits.memory": f"{limits}Mi"}}}
    stage.create(CORE, "resourcequotas", document)
    path = stage.path(CORE, "resourcequotas", "mem")
    stage.wait("the quota's use", lambda: "used" in stage.api.ask("GET", path).get("status", {}))


def set_sizes(stage: Stage, request: int, limit: int) -> None:
    """What `kubectl set resources` sends."""
    sizes = {"requests": {"memory": exact_bytes(request)}, "limits": {"memory": exact_bytes(limit)}}
    change = {"containers": [{"name": "app", "resources": sizes}]}
    stage.api.patch(stage.path(ROOTS["deployments"], "deployments", "shop"), {"spec": {"template": {"spec": change}}})


def refusal(stage: Stage) -> str:
    """Why the API server takes no more pods of the Deployment, in its own words."""
    said: list[str] = []

    def refused() -> bool:
        status = stage.api.ask("GET", stage.path(ROOTS["deployments"], "deployments", "shop"))["status"]
        said[:] = [c["message"] for c in status.get("conditions", ()) if c["type"] == "ReplicaFailure"]
        return bool(said)

    stage.wait("a refused pod", refused)
    return said[0]


def horizontal(stage: Stage) -> None:
    """An autoscaler that aims at 80 % of the memory request, runs four pods, and sees 26Mi used by each."""
    metric = {"name": "memory", "target": {"type": "Utilization", "averageUtilization": 80}}
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"},
        "minReplicas": 1,
        "maxReplicas": 9,
        "metrics": [{"type": "Resource", "resource": metric}],
    }
    stage.create(SCALING, "horizontalpodautoscalers", {"metadata": {"name": "shop"}, "spec": spec})
    now = {"name": "memory", "current": {"averageUtilization": 81, "averageValue": "26Mi"}}
    status = {
        "currentReplicas": 4,
        "desiredReplicas": 4,
        "currentMetrics": [{"type": "Resource", "resource": now}],
    }
    path = stage.path(SCALING, "horizontalpodautoscalers", "shop/status")
    stage.api.ask("PATCH", path, {"status": status}, "application/merge-patch+json")


def define_vertical_autoscalers(cluster: Cluster) -> None:
    """The kind VerticalPodAutoscaler, as far as this tool reads it."""
    names = {"plural": "verticalpodautoscalers", "singular": "verticalpodautoscaler", "kind": "VerticalPodAutoscaler"}
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"verticalpodautoscalers.{VERTICAL}",
            "annotations": {"api-approved.kubernetes.io": "https://github.com/kubernetes/kubernetes/pull/63797"},
        },
        "spec": {"group": VERTICAL, "names": names, "scope": "Namespaced", "versions": [version]},
    }
    cluster.apply(definition)
    cluster.kubectl("wait", "--for=condition=Established", f"crd/verticalpodautoscalers.{VERTICAL}")


def vertical(stage: Stage) -> None:
    """An autoscaler that acts on Deployment shop, at most 50Mi for container app; its kind must be defined."""
    document = {
        "apiVersion": f"{VERTICAL}/v1",
        "kind": "VerticalPodAutoscaler",
        "metadata": {"name": "shop"},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"},
            "updatePolicy": {"updateMode": "Recreate"},
            "resourcePolicy": {"containerPolicies": [{"containerName": "app", "maxAllowed": {"memory": "50Mi"}}]},
        },
        "status": {
            "recommendation": {"containerRecommendations": [{"containerName": "app", "target": {"memory": "48Mi"}}]}
        },
    }
    path = f"/apis/{VERTICAL}/v1"
    stage.wait("the new kind's store", lambda: _is_served(stage, path))
    stage.create(path, "verticalpodautoscalers", document)


def _is_served(stage: Stage, path: str) -> bool:
    """Whether the API server has opened its store for a kind that was just defined: until then it says 429."""
    try:
        return stage.items(path, "verticalpodautoscalers") == []
    except AssertionError:
        return False
