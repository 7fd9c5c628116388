"""What tells a cluster's numbers: Prometheus with kube-state-metrics, and metrics-server."""

from __future__ import annotations

import urllib.error
from typing import TYPE_CHECKING

from tests.cluster import settings
from tests.cluster.process import free_ports

if TYPE_CHECKING:
    from tests.cluster.parts import Parts

NAMESPACE = settings.MONITORING


def start_monitoring(parts: Parts, kubelet_port: int) -> None:
    """Start it: Prometheus has a sample of every job, and the cluster knows it as a Service."""
    states, own, web, metrics_api = free_ports(4)
    _state_metrics(parts, states, own)
    _prometheus(parts, kubelet_port, states, web)
    parts.cluster.kubectl("create", "namespace", NAMESPACE)
    account = ("get", "serviceaccount", "default", "--namespace", NAMESPACE)
    parts.wait_for_kubectl("a service account", ("kube-controller-manager",), *account)
    parts.cluster.apply(settings.prometheus_service(web), NAMESPACE)
    _metrics_server(parts, metrics_api)
    running = ("prometheus", "kube-state-metrics", "metrics-server")
    parts.wait("a sample from each job in Prometheus", running, lambda: _scraped(parts))


def _state_metrics(parts: Parts, port: int, own_port: int) -> None:
    parts.run(
        "kube-state-metrics",
        f"--kubeconfig={parts.cluster.kubeconfig('kube-state-metrics')}",
        "--host=127.0.0.1",
        f"--port={port}",
        "--telemetry-host=127.0.0.1",
        f"--telemetry-port={own_port}",
    )


def _prometheus(parts: Parts, kubelet_port: int, states_port: int, web: int) -> None:
    token = (parts.pki / "scraper-token").read_text()
    config = settings.prometheus(parts.pki, token, kubelet_port, states_port)
    parts.run(
        "prometheus",
        f"--config.file={parts.write('prometheus.json', config)}",
        f"--storage.tsdb.path={parts.state}/tsdb",
        f"--web.listen-address={settings.NODE_IP}:{web}",
    )
    parts.cluster.prometheus_url = f"http://{settings.NODE_IP}:{web}"


def _scraped(parts: Parts) -> bool:
    try:
        found = parts.cluster.query("up == 1")
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
    return {sample["metric"]["job"] for sample in found} == {"kubelet", "kube-state-metrics"}


def _metrics_server(parts: Parts, port: int) -> None:
    """It answers for metrics.k8s.io a quarter of a minute later: two readings of every kubelet come first."""
    host = f"metrics-server.{NAMESPACE}.svc"
    serving = parts.authority.issue("metrics-server-serving", names=[f"DNS:{host}", f"IP:{settings.NODE_IP}"])
    kubeconfig = parts.cluster.kubeconfig("metrics-server")
    parts.run(
        "metrics-server",
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        f"--bind-address={settings.NODE_IP}",
        f"--secure-port={port}",
        f"--tls-cert-file={serving.cert}",
        f"--tls-private-key-file={serving.key}",
        f"--kubelet-certificate-authority={parts.authority.cert}",
        "--kubelet-preferred-address-types=InternalIP",
        "--kubelet-use-node-status-port",
        "--metric-resolution=10s",
        "--kubelet-request-timeout=5s",
    )
    parts.cluster.apply(settings.metrics_api(port, parts.authority.cert))
