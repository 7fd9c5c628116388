"""The made-up cluster on a real API server: its nodes, workloads and pods, with statuses as kubelets write them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

import urllib3

from benchmarks.survey_store import LIMIT, MI, REPLICAS, Slot
from tests.cluster.cluster import ADMIN
from tests.real.stage import reference
from tests.real.status import condition, container, ended, running, status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.survey_store import Week
    from tests.cluster.cluster import Cluster

Json = dict[str, Any]
T = TypeVar("T")
AT_ONCE = 16  # connections that create objects
PODS_PER_NODE = 50
CONTROLLERS = ("kube-scheduler", "kube-controller-manager")


class Population:
    """What has been created so far; `grow` adds to it. The cluster's own controllers are ended: nothing else moves."""

    def __init__(self, cluster: Cluster, week: Week) -> None:
        pki = cluster.state / "pki"
        self._pool = urllib3.PoolManager(
            ca_certs=str(pki / "ca.crt"),
            cert_file=str(pki / f"{ADMIN}.crt"),
            key_file=str(pki / f"{ADMIN}.key"),
            maxsize=AT_ONCE,
        )
        self._server, self._week = cluster.server, week
        self._replica_sets: dict[str, Json] = {}
        self.count = 0
        for name in CONTROLLERS:
            cluster.processes[name].stop()

    def grow(self, count: int) -> None:
        """Create what is missing of a cluster of so many containers, a pod for each."""
        slots = [Slot(number) for number in range(self.count, count)]
        namespaces = {slot.namespace for slot in map(Slot, range(self.count))}
        _at_once(self._namespace, {slot.namespace for slot in slots} - namespaces)
        _at_once(self._node, {_node_name(slot) for slot in slots if slot.number % PODS_PER_NODE == 0})
        _at_once(self._workload, [slot for slot in slots if slot.number % REPLICAS == 0])
        _at_once(self._pod, slots)
        self.count = count

    def _ask(self, method: str, path: str, body: Json, kind: str = "application/json") -> Json:
        answer = self._pool.request(method, self._server + path, body=json.dumps(body), headers={"Content-Type": kind})
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.data.decode()}"
        found: Json = json.loads(answer.data)
        return found

    def _namespace(self, name: str) -> None:
        self._ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        self._ask("POST", f"/api/v1/namespaces/{name}/serviceaccounts", {"metadata": {"name": "default"}})

    def _node(self, name: str) -> None:
        self._ask("POST", "/api/v1/nodes", {"metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}}})
        room = {"memory": "64Gi", "cpu": "32", "pods": "110"}
        ready = condition("Ready", "True", _moment(self._week.since), "KubeletReady")
        info = {"kubeletVersion": "v1.36.3", "containerRuntimeVersion": "containerd://2.2.1", "osImage": "Linux"}
        status = {"capacity": room, "allocatable": room, "conditions": [ready], "nodeInfo": info}
        kind = "application/strategic-merge-patch+json"
        self._ask("PATCH", f"/api/v1/nodes/{name}/status", {"status": status}, kind)

    def _workload(self, slot: Slot) -> None:
        """The Deployment and the ReplicaSet that the pods of this slot and the next ones belong to."""
        root, name, labels = f"/apis/apps/v1/namespaces/{slot.namespace}", slot.deployment, _labels(slot)
        spec = {
            "replicas": REPLICAS,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {"metadata": {"labels": labels}, "spec": _pod_spec()},
        }
        deployment = {"metadata": {"name": name, "labels": labels}, "spec": spec}
        above = self._ask("POST", f"{root}/deployments", deployment)
        metadata = {"name": slot.replica_set(1), "labels": labels, "ownerReferences": [reference(above)]}
        made = self._ask("POST", f"{root}/replicasets", {"metadata": metadata, "spec": spec})
        self._replica_sets[name] = reference(made)

    def _pod(self, slot: Slot) -> None:
        path, name = f"/api/v1/namespaces/{slot.namespace}/pods", slot.pod(1)
        annotations = {f"example.com/note-{number}": "a line that some controller has left here" for number in range(6)}
        owners = [self._replica_sets[slot.deployment]]
        metadata = {"name": name, "labels": _labels(slot), "annotations": annotations, "ownerReferences": owners}
        self._ask("POST", path, {"metadata": metadata, "spec": _pod_spec() | {"nodeName": _node_name(slot)}})
        status = {"status": self._status(slot)}
        self._ask("PATCH", f"{path}/{name}/status", status, "application/merge-patch+json")

    def _status(self, slot: Slot) -> Json:
        """The container runs; it was OOM-killed as often and as lately as its series tell."""
        kills = self._week.kills(slot, 1)
        began = _moment(self._week.lives[1][0])
        last = ended("OOMKilled", 137, _moment(kills[-1])) if kills else None
        now = running(_moment(kills[-1]) + timedelta(seconds=1) if kills else began)
        kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
        return {
            "phase": "Running",
            "conditions": [condition(kind, "True", began) for kind in kinds],
            "containerStatuses": [status_of("app", now, last, restarts=len(kills))],
        }


def _at_once(do: Callable[[T], None], items: Iterable[T]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        list(threads.map(do, items))


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, tz=timezone.utc)


def _node_name(slot: Slot) -> str:
    return f"node-{slot.number // PODS_PER_NODE:03}"


def _labels(slot: Slot) -> dict[str, str]:
    named = {f"app.kubernetes.io/{key}": slot.deployment for key in ("name", "instance", "part-of")}
    return named | {"pod-template-hash": slot.replica_set(1).rpartition("-")[2]}


def _pod_spec() -> Json:
    """A pod as people have them: probes, environment, a limit."""
    env = [{"name": f"SETTING_{number}", "value": f"value-of-setting-{number}" * 2} for number in range(12)]
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    limit = f"{LIMIT // MI}Mi"
    return {"containers": [container("app", limit, env=env, livenessProbe=probe, readinessProbe=probe)]}
