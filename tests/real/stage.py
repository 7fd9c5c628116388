"""A stage on a real API server: objects created through it, with the status that a kubelet would have written.

Pods, nodes and events are created through the API, so that its validation, defaults and admission have their say;
what a kubelet reports goes through the status subresource. Every stage has a namespace and a node of its own.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import urllib3

from tests.cluster.access import READER
from tests.cluster.cluster import ADMIN
from tests.real.status import CONTAINERD, Json, condition, container, ended, rfc3339, running, status_of
from tests.real.tool import oom

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.cluster import Cluster

ROOTS = dict.fromkeys(("deployments", "replicasets", "statefulsets", "daemonsets"), "/apis/apps/v1")
ROOTS |= dict.fromkeys(("jobs", "cronjobs"), "/apis/batch/v1")
DATABASES = "databases.example.com"
CONTROLLER_SECONDS = 60.0  # for a controller to act on what was created: under a second on an idle machine


class Api:
    """The API server as its admin sees it: one connection, raw JSON."""

    def __init__(self, cluster: Cluster) -> None:
        pki = cluster.state / "pki"
        self._server = cluster.server
        self._pool = urllib3.PoolManager(
            ca_certs=str(pki / "ca.crt"),
            cert_file=str(pki / f"{ADMIN}.crt"),
            key_file=str(pki / f"{ADMIN}.key"),
            retries=False,
        )

    def ask(self, method: str, path: str, body: Json | None = None, kind: str = "application/json") -> Json:
        """The object in the answer; a refusal fails the test with what the server said."""
        data = json.dumps(body).encode() if body is not None else None
        answer = self._pool.request(method, self._server + path, body=data, headers={"Content-Type": kind})
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.data.decode()}"
        found: Json = json.loads(answer.data)
        return found

    def patch(self, path: str, change: Json) -> Json:
        """The object after a strategic merge patch, as `kubectl patch` sends it."""
        return self.ask("PATCH", path, change, "application/strategic-merge-patch+json")


@dataclass
class Stage:
    """One namespace and one node, and what happens there; `now` is when the stage was set."""

    api: Api
    cluster: Cluster
    namespace: str = field(default_factory=lambda: f"stage-{secrets.token_hex(4)}")
    now: datetime = field(default_factory=lambda: datetime.now(timezone.utc).replace(microsecond=0))

    def rfc3339(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> str:
        """A moment before `now`, as the API writes it."""
        return rfc3339(self.ago(seconds=seconds, minutes=minutes, hours=hours))

    @property
    def node_name(self) -> str:
        """The stage's own node."""
        return f"node-of-{self.namespace}"

    def ago(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0) -> datetime:
        """A moment before `now`."""
        return self.now - timedelta(seconds=seconds, minutes=minutes, hours=hours)

    @classmethod
    def on(cls, cluster: Cluster, **node: str) -> Stage:
        """A stage that is set: `node` as `set_up` takes it."""
        return cls(Api(cluster), cluster).set_up(**node)

    def set_up(self, *, kubelet: str = "v1.36.3", runtime: str = CONTAINERD, memory: str = "8Gi") -> Stage:
        """The namespace, with the account that pods need, and a Ready node."""
        self.api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        self.wait("the default service account", lambda: bool(self.items("/api/v1", "serviceaccounts")))
        labels = {"kubernetes.io/hostname": self.node_name}
        self.api.ask("POST", "/api/v1/nodes", {"metadata": {"name": self.node_name, "labels": labels}})
        room = {"memory": memory, "cpu": "4", "pods": "110"}
        self.node_status(
            capacity=room,
            allocatable=room,
            nodeInfo={"kubeletVersion": kubelet, "containerRuntimeVersion": runtime, "osImage": "Linux"},
            conditions=[condition("Ready", "True", self.ago(hours=9), "KubeletReady")],
        )
        # What the node controller does for a node that is Ready.
        self.api.patch(f"/api/v1/nodes/{self.node_name}", {"spec": {"taints": None}})
        return self

    def node_status(self, **status: object) -> None:
        """What the kubelet says about its node."""
        self.api.patch(f"/api/v1/nodes/{self.node_name}/status", {"status": status})

    # --- objects ---

    def path(self, root: str, plural: str, name: str = "") -> str:
        """`/apis/apps/v1/namespaces/stage-…/deployments/x`."""
        return f"{root}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def create(self, root: str, plural: str, document: Json) -> Json:
        """An object as it was stored."""
        return self.api.ask("POST", self.path(root, plural), document)

    def items(self, root: str, plural: str) -> list[Json]:
        """All objects of a kind in the namespace."""
        items: list[Json] = self.api.ask("GET", self.path(root, plural))["items"]
        return items

    def pod(self, name: str, *containers: Json, labels: Json | None = None, **spec: object) -> Json:
        """A bare pod that is bound to the node."""
        document = {
            "metadata": {"name": name, "labels": labels or {}},
            "spec": {"nodeName": self.node_name, "containers": list(containers or (container(),)), **spec},
        }
        return self.create("/api/v1", "pods", document)

    def urgent_pod(self, name: str, *containers: Json) -> Json:
        """A pod of high priority that the scheduler is to place on the node."""
        urgent = {"metadata": {"name": self.namespace}, "value": 1000}
        self.api.ask("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", urgent)
        here = {"kubernetes.io/hostname": self.node_name}
        return self.pod(name, *containers, nodeName=None, nodeSelector=here, priorityClassName=self.namespace)

    def once_deleted(self, name: str) -> Json:
        """The pod, once somebody has asked for its deletion: without a kubelet it stays for good."""
        found: Json = {}

        def deleted() -> bool:
            found.update(self.api.ask("GET", self.path("/api/v1", "pods", name)))
            return "deletionTimestamp" in found["metadata"]

        self.wait(f"the deletion of {name}", deleted)
        return found

    def evict(self, name: str) -> None:
        """What `kubectl drain` asks for, pod by pod."""
        metadata = {"name": name, "namespace": self.namespace}
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
        self.api.ask("POST", self.path("/api/v1", "pods", f"{name}/eviction"), eviction)

    def resize(self, name: str, container_name: str, limit: str) -> None:
        """A new memory limit for a running container, through the resize subresource."""
        change = {"containers": [{"name": container_name, "resources": {"limits": {"memory": limit}}}]}
        self.api.patch(self.path("/api/v1", "pods", f"{name}/resize"), {"spec": change})

    def debug(self, name: str, ephemeral: Json) -> None:
        """An ephemeral container beside the others, as `kubectl debug` adds it."""
        change = {"spec": {"ephemeralContainers": [ephemeral]}}
        self.api.patch(self.path("/api/v1", "pods", f"{name}/ephemeralcontainers"), change)

    def allow(self, user: str, resources: list[str], groups: tuple[str, ...] = ("",)) -> None:
        """Permission to read these resources in the namespace, and nothing else."""
        root = "/apis/rbac.authorization.k8s.io/v1"
        rule = {"apiGroups": list(groups), "resources": resources, "verbs": ["get", "list"]}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user}
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}
        self.create(root, "roles", {"metadata": {"name": user}, "rules": [rule]})
        binding = {"metadata": {"name": user}, "roleRef": role, "subjects": [subject]}
        self.create(root, "rolebindings", binding)

    def workload(
        self, plural: str, name: str, *, labels: Json | None = None, pods: Json | None = None, **more: object
    ) -> Json:
        """A workload as it was stored; its controller makes its pods, on the stage's node.

        `pods` names further fields of their spec, `more` of the workload's metadata.
        """
        labels = labels or {"app": name}
        pod_spec: Json = {"nodeName": self.node_name, "containers": [container()], **(pods or {})}
        template = {"metadata": {"labels": labels}, "spec": pod_spec}
        spec: Json = {"template": template, "selector": {"matchLabels": labels}}
        if plural in ("jobs", "cronjobs"):  # whose selector the API server makes
            pod_spec["restartPolicy"] = "Never"
            spec = {"template": template, "backoffLimit": 0}
        if plural == "cronjobs":
            spec = {"schedule": "0 0 29 2 *", "jobTemplate": {"spec": spec}}
        metadata = {"name": name, "labels": labels, **more}
        return self.create(ROOTS[plural], plural, {"metadata": metadata, "spec": spec})

    def database(self, name: str) -> Json:
        """An object of an operator's own kind, which the reader's role knows nothing of."""
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"databases.{DATABASES}"},
            "spec": {
                "group": DATABASES,
                "names": {"plural": "databases", "kind": "Database"},
                "scope": "Namespaced",
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
            },
        }
        self.cluster.apply(definition)
        self.cluster.kubectl("wait", "--for=condition=Established", f"crd/databases.{DATABASES}", "--timeout=30s")
        made = {"apiVersion": f"{DATABASES}/v1", "kind": "Database", "metadata": {"name": name}}
        return self.create(f"/apis/{DATABASES}/v1", "databases", made)

    def made_by(self, owner: Json, replicas: int = 1) -> list[Json]:
        """The pods under an owner, at any depth, once there are as many."""
        found: list[Json] = []

        def enough() -> bool:
            owned = {owner["metadata"]["uid"]}
            for plural in ("jobs", "replicasets"):
                items = self.items(ROOTS[plural], plural)
                owned |= {item["metadata"]["uid"] for item in items if controller_of(item) in owned}
            found[:] = [pod for pod in self.items("/api/v1", "pods") if controller_of(pod) in owned]
            return len(found) == replicas

        self.wait(f"{replicas} pods of {owner['metadata']['name']}", enough)
        return found

    def kill(self, pod: Json, *, minutes: float = 5) -> None:
        """The usual end: the one container was OOM-killed and runs again, or for good where nothing restarts it."""
        end = ended("OOMKilled", 137, self.ago(minutes=minutes))
        if pod["spec"]["restartPolicy"] == "Never":
            self.status(pod, status_of("app", end), phase="Failed")
        else:
            self.status(pod, status_of("app", running(self.ago(minutes=minutes - 1)), end, restarts=1))

    def status(self, pod: Json, *containers: Json, phase: str = "Running", **more: object) -> None:
        """What the kubelet says about a pod; `more` names further fields of its status."""
        name = pod["metadata"]["name"]
        document = {"status": {"phase": phase, "containerStatuses": list(containers), **more}}
        # A merge patch replaces whole lists, which is what a kubelet's own words amount to.
        self.api.ask("PATCH", self.path("/api/v1", "pods", f"{name}/status"), document, "application/merge-patch+json")

    def event(
        self,
        about: Json,
        reason: str,
        message: str,
        at: datetime,
        *,
        kind: str = "Normal",
        component: str = "kubelet",
        field_path: str = "",
        count: int = 1,
        first: datetime | None = None,
        annotations: Json | None = None,
    ) -> None:
        """An event as client-go's recorder writes it; `about` is a pod, or the node's `node_reference`."""
        meta = about.get("metadata", about)
        namespace = meta.get("namespace", "default")
        involved: Json = {"kind": about.get("kind", "Pod"), "name": meta["name"]}
        if meta.get("namespace"):
            involved |= {"namespace": namespace, "uid": meta["uid"], "apiVersion": "v1"}
        if field_path:
            involved["fieldPath"] = field_path
        document = {
            "metadata": {
                "name": f"{meta['name']}.{secrets.token_hex(8)}",
                "namespace": namespace,
                "annotations": annotations or {},
            },
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "type": kind,
            "source": {"component": component, "host": self.node_name},
            "firstTimestamp": rfc3339(first or at),
            "lastTimestamp": rfc3339(at),
            "count": count,
            "reportingComponent": component,
            "reportingInstance": self.node_name,
        }
        self.api.ask("POST", f"/api/v1/namespaces/{namespace}/events", document)

    def node_event(self, reason: str, message: str, at: datetime, *, component: str = "kubelet") -> None:
        """An event of the node: a Warning, unless the kubelet says that it starts."""
        kind = "Normal" if reason == "Starting" else "Warning"
        self.event({"kind": "Node", "name": self.node_name}, reason, message, at, kind=kind, component=component)

    def killing(self, pod: Json, message: str, at: datetime, container_name: str = "app") -> None:
        """The kubelet's word that it stops a container."""
        self.event(pod, "Killing", message, at, field_path=f"spec.containers{{{container_name}}}")

    # --- the tool ---

    def why(self, *args: str, user: str = READER) -> Json:
        """The document that `kubectl oom why` answers about this namespace."""
        return oom(self.cluster.kubeconfig(user), "why", *args, "-n", self.namespace, "-o", "json").document()

    def recommend(self, *args: str, user: str = READER) -> Json:
        """The document that `kubectl oom recommend` answers about this namespace."""
        return oom(self.cluster.kubeconfig(user), "recommend", *args, "-n", self.namespace, "-o", "json").document()

    def why_node(self, *args: str) -> Json:
        """The document that `kubectl oom why node/…` answers about the stage's node, in all namespaces."""
        target = f"node/{self.node_name}"
        return oom(self.cluster.kubeconfig(READER), "why", target, "-o", "json", *args).document()

    def wait(self, what: str, happened: Callable[[], bool]) -> None:
        deadline = time.monotonic() + CONTROLLER_SECONDS
        while not happened():
            assert time.monotonic() < deadline, f"{what}: not within {CONTROLLER_SECONDS:.0f} s"
            time.sleep(0.05)


def reference(owner: Json) -> Json:
    """The ownerReference of what an object controls."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": False,
    }


def controller_of(item: Json) -> str | None:
    """The uid of what controls an object."""
    return next((ref["uid"] for ref in item["metadata"].get("ownerReferences", ()) if ref.get("controller")), None)
