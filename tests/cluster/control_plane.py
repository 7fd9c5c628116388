"""The control plane: etcd, the API server, the controllers and the scheduler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster import access, pki, settings
from tests.cluster.cluster import ADMIN
from tests.cluster.process import free_ports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.cluster.parts import Parts

READER_CERTIFICATE = "reader-certificate"
READER_EXEC = "reader-exec"
SCRAPER = "system:prometheus"  # its token is in the file `scraper-token` of the pki folder
COMPONENTS = {  # name → (user, group)
    "kube-controller-manager": ("system:kube-controller-manager", None),
    "kube-scheduler": ("system:kube-scheduler", None),
    "kubelet": (f"system:node:{settings.NODE_NAME}", "system:nodes"),
    "kube-state-metrics": ("system:kube-state-metrics", "system:masters"),
    "metrics-server": ("system:metrics-server", "system:masters"),
}
API_SERVER = "system:kube-apiserver"
SILENT_USERS = (*(user for user, _ in COMPONENTS.values()), SCRAPER, API_SERVER, "system:apiserver")
# Pods on nodes that exist as API objects only must live, whatever their node's heartbeat says; and an autoscaler has no
# metrics to read there, so its status is what a test writes.
WITHOUT_NODES = (
    "*,-pod-garbage-collector-controller,-node-lifecycle-controller,-taint-eviction-controller,"
    "-horizontal-pod-autoscaler-controller"
)


def start_control_plane(parts: Parts, flags: Sequence[str]) -> None:
    """Start it, ready for use: the API server answers, namespaces get their service accounts, readers have their role."""
    etcd_port, etcd_peers, api_port, controllers, scheduler = free_ports(5)
    etcd = f"http://127.0.0.1:{etcd_port}"
    _etcd(parts, etcd, f"http://127.0.0.1:{etcd_peers}")
    parts.cluster.server = f"https://127.0.0.1:{api_port}"
    _log_everybody_in(parts)
    _api_server(parts, etcd, api_port, flags)
    parts.wait_for_kubectl("the API server", ("kube-apiserver", "etcd"), "get", "--raw", "/readyz")
    _controller_manager(parts, controllers)
    _controller(parts, "kube-scheduler", scheduler)
    running = ("kube-controller-manager", "kube-scheduler")
    parts.wait_for_kubectl("the default service account", running, "get", "serviceaccount", "default")
    subjects = map(access.user, (access.READER, access.READER_WITHOUT_KUBELET, access.FIXER))
    parts.cluster.apply(access.roles("kubectl-oom", *subjects))


def _etcd(parts: Parts, clients: str, peers: str) -> None:
    parts.run(
        "etcd",
        f"--data-dir={parts.state}/etcd",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--log-level=error",
    )


def _log_everybody_in(parts: Parts) -> None:
    """Users with their tokens and certificates, and a kubeconfig for each way to log in."""
    tokens = {name: pki.Token.of(name) for name in access.USERS}
    scraper = pki.Token.of(SCRAPER, "system:masters")
    parts.write("pki/scraper-token", scraper.secret)
    parts.write("pki/tokens.csv", "".join(f"{token.line()}\n" for token in (*tokens.values(), scraper)))
    for name, token in tokens.items():
        parts.log_in(name, pki.token_login(token.secret))
    parts.log_in(READER_EXEC, pki.exec_login(parts.state, tokens[access.READER].secret))
    parts.log_in(READER_CERTIFICATE, pki.certificate_login(parts.authority.issue(access.READER)))
    parts.log_in(ADMIN, pki.certificate_login(parts.authority.issue(ADMIN, group="system:masters")))
    for name, (user, group) in COMPONENTS.items():
        parts.log_in(name, pki.certificate_login(parts.authority.issue(user, group=group)))


def _api_server(parts: Parts, etcd: str, port: int, flags: Sequence[str]) -> None:
    authority, folder = parts.authority, parts.pki
    serving = authority.issue("kube-apiserver", names=["IP:127.0.0.1", "DNS:localhost", "DNS:kubernetes.default.svc"])
    client = authority.issue(API_SERVER, group="system:masters")
    accounts = pki.signing_key(folder)
    audit_log = parts.cluster.audit_log = parts.state / "log" / "audit.jsonl"
    audit_log.touch()
    policy = parts.write("audit-policy.json", settings.audit_policy(SILENT_USERS))
    parts.run(
        "kube-apiserver",
        f"--etcd-servers={etcd}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--tls-cert-file={serving.cert}",
        f"--tls-private-key-file={serving.key}",
        f"--client-ca-file={authority.cert}",
        f"--token-auth-file={folder}/tokens.csv",
        "--authorization-mode=Node,RBAC",
        f"--kubelet-certificate-authority={authority.cert}",
        f"--kubelet-client-certificate={client.cert}",
        f"--kubelet-client-key={client.key}",
        "--kubelet-preferred-address-types=InternalIP",
        *_aggregation(parts, client),
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={accounts.cert}",
        f"--service-account-signing-key-file={accounts.key}",
        f"--service-cluster-ip-range={settings.SERVICE_SUBNET}",
        "--allow-privileged=true",
        f"--audit-policy-file={policy}",
        f"--audit-log-path={audit_log}",
        *flags,
    )


def _aggregation(parts: Parts, client: pki.Certificate) -> list[str]:
    """How the API server passes requests on to metrics-server: to its address, with the user's name in headers."""
    return [
        "--enable-aggregator-routing=true",
        f"--proxy-client-cert-file={client.cert}",
        f"--proxy-client-key-file={client.key}",
        f"--requestheader-client-ca-file={parts.authority.cert}",
        f"--requestheader-allowed-names={API_SERVER}",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
    ]


def _controller_manager(parts: Parts, port: int) -> None:
    _controller(
        parts,
        "kube-controller-manager",
        port,
        f"--service-account-private-key-file={parts.pki}/service-accounts.key",
        f"--root-ca-file={parts.authority.cert}",
        "--use-service-account-credentials=true",
        *([] if parts.cluster.has_node else [f"--controllers={WITHOUT_NODES}"]),
    )


def _controller(parts: Parts, name: str, port: int, *flags: str) -> None:
    parts.run(
        name,
        f"--kubeconfig={parts.cluster.kubeconfig(name)}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={parts.pki}/{name}",
        *flags,
    )
