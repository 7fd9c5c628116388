"""A source whose answers are in memory and that counts what it is asked; and the JSON the API server would hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from kubectl_oom.evidence import HeapLine, MemoryHistory, WorkloadPast
from kubectl_oom.read.answer import part
from kubectl_oom.read.resources import requested_bytes
from kubectl_oom.read.selectors import matches_fields, matches_labels
from kubectl_oom.read.source import (
    DEPLOYMENTS,
    EVENTS,
    LIMIT_RANGES,
    NODES,
    PODS,
    REPLICA_SETS,
    Json,
    Kind,
    ReadError,
)
from tests.build import ENDED_ID, KILLED, LIMIT, MI, RUNNING_ID, ago, history, life, samples

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import Owner

T = TypeVar("T")
ENDED = ("Succeeded", "Failed")


@dataclass
class InMemory:
    """Answers by kind and by question; `failures` says which question fails with which error."""

    objects: dict[str, list[Json]] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)  # node → cAdvisor text
    summaries: dict[str, Json] = field(default_factory=dict)  # node → stats/summary
    metrics: dict[str, Json] = field(default_factory=dict)  # pod → PodMetrics
    lines: dict[str, tuple[HeapLine, ...]] = field(default_factory=dict)  # pod → heap lines
    remembered: MemoryHistory | None = None
    failures: dict[str, ReadError] = field(default_factory=dict)
    namespace: str = "shop"
    label: str = "https://cluster.example:6443"
    asked: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def get(self, kind: Kind, namespace: str | None, name: str) -> Json:
        self._ask(f"get {kind.plural}")
        for item in self.objects.get(kind.qualified, ()):
            meta = item["metadata"]
            if meta["name"] == name and (not kind.namespaced or meta["namespace"] == (namespace or self.namespace)):
                return item
        raise ReadError("NotFound", f'{kind.qualified} "{name}" not found', 404)

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> list[Json]:
        if kind is EVENTS:
            self._ask("list node events" if "kind=Node" in fields else "list pod events")
        else:
            self._ask(f"list {kind.plural}" + (" of a node" if "nodeName" in fields else ""))
        return [
            item
            for item in self.objects.get(kind.qualified, ())
            if (namespace is None or item["metadata"].get("namespace") == namespace)
            and matches_labels(item, labels)
            and matches_fields(item, fields)
        ]

    def kubelet_metrics(self, node: str) -> str:
        self._ask("kubelet metrics")
        return _kept(self.pages, node)

    def kubelet_summary(self, node: str) -> Json:
        self._ask("kubelet summary")
        return _kept(self.summaries, node)

    def pod_metrics(self, namespace: str, pod: str) -> Json:
        assert namespace
        self._ask("pod metrics")
        return _kept(self.metrics, pod)

    def requested_on(self, node: str) -> int:
        self._ask("requested on a node")
        return sum(
            requested_bytes(pod)
            for pod in self.objects.get(PODS.qualified, ())
            if part(pod, "spec").get("nodeName") == node and part(pod, "status").get("phase") not in ENDED
        )

    def heap_lines(self, namespace: str, pod: str, container: str, *, previous: bool) -> tuple[HeapLine, ...]:
        assert namespace and container
        self._ask(f"log previous={previous}")
        return self.lines.get(pod, ())

    def history(
        self, namespace: str, pods: Sequence[str], nodes: Sequence[str], since: datetime, until: datetime
    ) -> MemoryHistory:
        assert namespace and pods and since < until
        self.asked["nodes of a history"] += len(nodes)
        self._ask("history")
        if self.remembered is None:
            raise ReadError("NotConfigured", "no metrics engine was named")
        return self.remembered

    def past(
        self, namespace: str, workload: Owner | None, living: Sequence[str], since: datetime, until: datetime
    ) -> WorkloadPast:
        assert since < until
        self._ask("past")
        return WorkloadPast(
            namespace=namespace,
            workload=workload,
            pods=tuple(living),
            window=None,
            history=self.remembered,
            stepped_seconds=None,
        )

    def _ask(self, question: str) -> None:
        with self._lock:
            self.asked[question] += 1
        if question in self.failures:
            raise self.failures[question]


def _kept(answers: dict[str, T], key: str) -> T:
    if key not in answers:
        raise ReadError("NotFound", f"{key} not found", 404)
    return answers[key]


# --- what the API server would hold --------------------------------------------------------------------------------


def stamp(seconds: float) -> str:
    """The moment so many seconds before NOW, as the API writes it."""
    return ago(seconds).isoformat().replace("+00:00", "Z")


def controlled_by(kind: str, name: str, api_version: str = "apps/v1") -> list[Json]:
    """The owner references of something that a controller made."""
    uid = f"uid-of-{name}"
    return [{"apiVersion": api_version, "kind": kind, "name": name, "uid": uid, "controller": True}]


def metadata(name: str, namespace: str | None = "shop", **changes: Any) -> Json:
    """The metadata of an object."""
    place = {"namespace": namespace} if namespace else {}
    return {"name": name, "uid": f"uid-of-{name}", "labels": {"app": "api"}, **place, **changes}


def killed_status(name: str = "app", **terminated: Any) -> Json:
    """The status of a container that was OOM-killed and runs again."""
    ended = {
        "reason": "OOMKilled",
        "exitCode": 137,
        "startedAt": stamp(KILLED + 600),
        "finishedAt": stamp(KILLED),
        "containerID": f"containerd://{ENDED_ID}",
    }
    return {
        "name": name,
        "ready": True,
        "restartCount": 1,
        "containerID": f"containerd://{RUNNING_ID}",
        "state": {"running": {"startedAt": stamp(KILLED - 10)}},
        "lastState": {"terminated": ended | terminated},
    }


def pod_json(name: str = "api-0", *statuses: Json, **changes: Any) -> Json:
    """A pod of Deployment api on node-a."""
    spec = {
        "nodeName": "node-a",
        "terminationGracePeriodSeconds": 30,
        "containers": [{"name": "app", "image": "app:1", "resources": {"limits": {"memory": "100Mi"}}}],
    }
    return {
        "metadata": metadata(name, ownerReferences=controlled_by("ReplicaSet", "api-7d9")),
        "spec": spec | changes.pop("spec", {}),
        "status": {"phase": "Running", "containerStatuses": list(statuses or (killed_status(),))},
        **changes,
    }


def event_json(name: str, reason: str, message: str, *, kind: str = "Pod", of: str = "api-0", **changes: Any) -> Json:
    """An event; of a node, it is kept in namespace default."""
    where = "default" if kind == "Node" else "shop"
    involved = {"kind": kind, "name": of, "namespace": where, "fieldPath": "spec.containers{app}"}
    return {
        "metadata": {"name": name, "namespace": where},
        "involvedObject": involved if kind == "Pod" else {"kind": kind, "name": of},
        "reason": reason,
        "message": message,
        "type": "Normal",
        "count": 1,
        "firstTimestamp": stamp(KILLED + 900),
        "lastTimestamp": stamp(KILLED + 900),
        "source": {"component": "kubelet"},
        **changes,
    }


def deployment_json(name: str = "api", **changes: Any) -> Json:
    """A Deployment with one of two replicas ready."""
    return {
        "kind": "Deployment",
        "metadata": metadata(name),
        "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "api"}}},
        "status": {"readyReplicas": 1},
        **changes,
    }


def replica_set_json(name: str = "api-7d9", owner: str = "api") -> Json:
    """A ReplicaSet of a Deployment."""
    meta = metadata(name, ownerReferences=controlled_by("Deployment", owner))
    return {"kind": "ReplicaSet", "metadata": meta, "spec": {"replicas": 2}, "status": {"readyReplicas": 1}}


def node_json(name: str = "node-a") -> Json:
    """A node of 10 Gi."""
    return {
        "metadata": {"name": name},
        "status": {
            "capacity": {"memory": "10Gi"},
            "allocatable": {"memory": "9Gi"},
            "nodeInfo": {"kubeletVersion": "v1.36.3", "containerRuntimeVersion": "containerd://2.4.2"},
        },
    }


def cadvisor(*rows: tuple[str, str, str, float], pod: str = "api-0", at: float = 5) -> str:
    """A page of (family, container, id, value) about one pod."""
    milliseconds = int(ago(at).timestamp() * 1000)
    lines = [
        f'{family}{{container="{name}",id="{cgroup}",image="",name="{cgroup[-3:] if name else ""}",namespace="shop",'
        f'pod="{pod}"}} {value} {milliseconds}'
        for family, name, cgroup, value in rows
    ]
    return "\n".join((*lines, ""))


def cluster(**changes: Any) -> InMemory:
    """A cluster with one killed pod of a Deployment, and every source answering."""
    cgroup = f"/kubepods.slice/pod1.slice/cri-containerd-{RUNNING_ID}.scope"
    page = cadvisor(
        ("container_memory_working_set_bytes", "app", cgroup, 20.0 * MI),
        ("container_memory_usage_bytes", "app", cgroup, 21.0 * MI),
        ("container_oom_events_total", "app", cgroup, 0.0),
    )
    objects = {
        PODS.qualified: [pod_json()],
        EVENTS.qualified: [
            event_json("e1", "Started", "Container started"),
            event_json("e2", "NodeReady", "Node node-a status is now: NodeReady", kind="Node", of="node-a"),
        ],
        NODES.qualified: [node_json()],
        DEPLOYMENTS.qualified: [deployment_json()],
        REPLICA_SETS.qualified: [replica_set_json()],
        LIMIT_RANGES.qualified: [],
    }
    return InMemory(
        **{
            "objects": objects,
            "pages": {"node-a": page},
            "summaries": {"node-a": {"pods": []}},
            "metrics": {"api-0": {"timestamp": stamp(5), "containers": [{"name": "app", "usage": {"memory": "20Mi"}}]}},
            "remembered": history(life(samples(0.97 * LIMIT), oom_events=samples(0)), node_share=0.5),
            **changes,
        }
    )
