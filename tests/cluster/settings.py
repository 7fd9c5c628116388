"""The configuration files of the cluster's parts, as text."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NODE_NAME = "node-a"
BRIDGE = "oomtest0"
NODE_IP = "10.88.77.1"  # on the bridge: the kubelet refuses a loopback address, and nobody outside reaches this one
MONITORING = "monitoring"  # the namespace of Prometheus
POD_SUBNET = "10.88.77.0/24"
SERVICE_SUBNET = "10.250.0.0/24"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"  # cAdvisor looks only here: elsewhere its labels stay empty
SCRAPE_INTERVAL = "5s"
EVICTION_MEMORY_MI = 100


def containerd(state: Path, cni_plugins: Path) -> str:
    """containerd's configuration: our image for the sandbox, our network."""
    return f"""\
version = 3
root = "{state}/containerd"
state = "{state}/containerd-run"
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "local.test/pause:1"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true  # without CAP_SYS_RESOURCE a lower oom_score_adj is refused
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["{cni_plugins}"]
    conf_dir = "{state}/cni"
"""


def cni(state: Path) -> str:
    """A bridge of this machine alone."""
    ipam = {"type": "host-local", "ranges": [[{"subnet": POD_SUBNET}]], "dataDir": f"{state}/cni-addresses"}
    bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "ipam": ipam}
    return json.dumps({"cniVersion": "1.0.0", "name": "test", "plugins": [bridge, {"type": "loopback"}]})


def kubelet(state: Path, pki: Path, port: int, health_port: int, reserved_mi: int) -> dict[str, Any]:
    """The kubelet's configuration; what is reserved is missing from the memory of all pods together."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "failCgroupV1": False,
        "failSwapOn": False,
        "singleProcessOOMKill": True,  # cgroup v1 knows nothing else; the same truths hold on a v2 host
        "cgroupDriver": "cgroupfs",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet-server.key"),
        "address": NODE_IP,
        "port": port,
        "healthzPort": health_port,
        "resolvConf": "/etc/resolv.conf",
        "clusterDNS": ["10.250.0.10"],
        "clusterDomain": "cluster.local",
        "systemReserved": {"memory": f"{reserved_mi}Mi"},
        "evictionHard": {
            "memory.available": f"{EVICTION_MEMORY_MI}Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
        },
        "podLogsDir": f"{state}/pod-logs",
    }


def audit_policy(silent_users: Sequence[str]) -> dict[str, Any]:
    """Who asked what, for everybody but the cluster's own parts."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "users": list(silent_users)},
            {"level": "None", "userGroups": ["system:nodes", "system:serviceaccounts:kube-system"]},
            {"level": "Metadata"},
        ],
    }


def prometheus(pki: Path, token: str, kubelet_port: int, state_metrics_port: int) -> dict[str, Any]:
    """Prometheus' configuration: cAdvisor through the kubelet, and kube-state-metrics."""
    return {
        "global": {"scrape_interval": SCRAPE_INTERVAL},
        "scrape_configs": [
            {
                "job_name": "kubelet",
                "scheme": "https",
                "metrics_path": "/metrics/cadvisor",
                "authorization": {"credentials": token},
                "tls_config": {"ca_file": str(pki / "ca.crt")},
                "static_configs": [{"targets": [f"{NODE_IP}:{kubelet_port}"], "labels": {"node": NODE_NAME}}],
            },
            {
                "job_name": "kube-state-metrics",
                "honor_labels": True,
                "static_configs": [{"targets": [f"127.0.0.1:{state_metrics_port}"]}],
            },
        ],
    }


def prometheus_service(port: int) -> dict[str, Any]:
    """What makes that Prometheus one of the cluster's own, as its charts label it: a Service that leads to its address.

    The API server proxies to pods only: an idle one in the host's network has the address that Prometheus listens on.
    """
    labels = {"app.kubernetes.io/name": "prometheus"}
    metadata = {"name": "prometheus", "labels": labels}
    idle = {
        "name": "idle",
        "image": "local.test/pause:1",
        "imagePullPolicy": "Never",
        "resources": {"limits": {"memory": "16Mi"}},
    }
    service = {"selector": labels, "ports": [{"name": "web", "port": port}]}
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": metadata,
                "spec": {"hostNetwork": True, "terminationGracePeriodSeconds": 1, "containers": [idle]},
            },
        ],
    }


def metrics_api(port: int, authority: Path) -> dict[str, Any]:
    """What makes the API server pass metrics.k8s.io on to a metrics-server on the node."""
    metadata = {"name": "metrics-server", "namespace": MONITORING}
    ports = [{"name": "https", "port": port, "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}},
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": metadata | {"labels": {"kubernetes.io/service-name": metadata["name"]}},
                "addressType": "IPv4",
                "ports": ports,
                "endpoints": [{"addresses": [NODE_IP], "conditions": {"ready": True}}],
            },
            {
                "apiVersion": "apiregistration.k8s.io/v1",
                "kind": "APIService",
                "metadata": {"name": "v1beta1.metrics.k8s.io"},
                "spec": {
                    "group": "metrics.k8s.io",
                    "version": "v1beta1",
                    "groupPriorityMinimum": 100,
                    "versionPriority": 100,
                    "service": metadata | {"port": port},
                    "caBundle": base64.b64encode(authority.read_bytes()).decode(),
                },
            },
        ],
    }
