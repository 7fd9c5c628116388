"""A cluster that a contributor brings, in place of the node that these tests start themselves.

    KUBECTL_OOM_TEST_KUBECONFIG       its kubeconfig, for a user who may create namespaces, roles and service accounts
    KUBECTL_OOM_TEST_PROMETHEUS_URL   a Prometheus that scrapes its kubelets' cAdvisor (tests about it need one)

The nodes must have the image `local.test/hog:1`: `python -m tests.cluster build` leaves it as an archive beside the
binaries, for `ctr -n k8s.io images import`, `kind load image-archive` or `minikube image load`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.cluster import access
from tests.cluster.cluster import ADMIN, Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator

KUBECONFIG = "KUBECTL_OOM_TEST_KUBECONFIG"
PROMETHEUS_URL = "KUBECTL_OOM_TEST_PROMETHEUS_URL"
NAMESPACE = "kubectl-oom-test"


@contextlib.contextmanager
def borrow(kubeconfig: str) -> Iterator[Cluster]:
    """The cluster of that kubeconfig with our users in it; what was created is removed at the end."""
    state = Path(tempfile.mkdtemp(prefix="kubectl-oom-"))
    shutil.copy(kubeconfig, state / ADMIN)
    cluster = Cluster(state, "", has_node=True, kubeconfigs=state, borrowed=True)
    cluster.kubectl_binary = "kubectl"
    cluster.prometheus_url = os.environ.get(PROMETHEUS_URL)
    roles = access.roles(
        NAMESPACE,
        access.service_account(access.READER, NAMESPACE),
        access.service_account(access.READER_WITHOUT_KUBELET, NAMESPACE),
        access.service_account(access.FIXER, NAMESPACE),
    )
    accounts = [_service_account(name) for name in access.USERS]
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    try:
        cluster.apply({"apiVersion": "v1", "kind": "List", "items": [namespace, *accounts]})
        cluster.apply(roles)
        for name in access.USERS:
            token = cluster.kubectl("create", "token", name, "--namespace", NAMESPACE, "--duration", "2h").strip()
            _kubeconfig_with_token(cluster, name, token)
        yield cluster
    finally:
        cluster.kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=json.dumps(roles))
        cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")
        shutil.rmtree(state)


def _service_account(name: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}


def _kubeconfig_with_token(cluster: Cluster, name: str, token: str) -> None:
    """The same cluster, with a token in place of the contributor's own login."""
    config = yaml.safe_load(cluster.kubectl("config", "view", "--raw", "--minify", "--flatten"))
    for user in config["users"]:
        user["user"] = {"token": token}
    cluster.kubeconfig(name).write_text(json.dumps(config))
