"""An API server that knows a handful of names, as a real one answers for them, and a kubeconfig that leads to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from tests.connection.servers import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connection.servers import ApiServer

MEMORY = "resourceVersion=0"
TABLE = f"{MEMORY}&includeObject=None"
ODD = 'it\'s $(touch pwned) `too`; a "b"'  # a context may be called anything
CONTEXTS = ("arn:aws:eks:eu-west-1:1234:cluster/prod", "kubernetes-admin@kubernetes", ODD)


def table(
    *rows: tuple[object, ...], columns: tuple[str, ...] = ("Name", "Ready", "Status", "Restarts", "Age")
) -> Reply:
    """The objects as `kubectl get` asks for them."""
    document = {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "columnDefinitions": [{"name": name} for name in columns],
        "rows": [{"cells": list(row), "object": None} for row in rows],
    }
    return Reply(body=json.dumps(document).encode())


def pod(name: str, *killed: str) -> dict[str, Any]:
    """A pod whose container was OOM-killed then, the last time first; or never."""
    states = [{"terminated": {"reason": "OOMKilled", "finishedAt": at}} for at in killed]
    status: dict[str, Any] = {"name": "app", "state": {"running": {}}, "lastState": states[0] if states else {}}
    return {
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "app"}]},
        "status": {"containerStatuses": [status]},
    }


def serve_names(server: ApiServer) -> None:
    """Three pods of which two were killed, a calm namespace, a deployment, and the namespaces themselves."""
    pods = "/api/v1/namespaces/shop/pods"
    server.replies[f"{pods}?{TABLE}"] = table(
        ("api-1", "1/1", "Running", "0", "4d"),
        ("api-2", "1/1", "Running", "3 (5m ago)", "4d"),
        ("web-1", "0/1", "OOMKilled", "1", "4d"),
    )
    items = [pod("api-1"), pod("api-2", "2026-11-20T10:00:00Z"), pod("web-1", "2026-11-21T10:00:00Z")]
    server.replies[f"{pods}?{MEMORY}"] = Reply(body=json.dumps({"items": items}).encode())
    server.replies[f"/api/v1/namespaces/calm/pods?{TABLE}"] = table(("idle-1", "1/1", "Running", "0", "4d"))
    deployments = "/apis/apps/v1/namespaces/shop/deployments"
    server.replies[f"{deployments}?{TABLE}"] = table(("api", "1/1", 1, 1, "4d"), ("web", "1/1", 1, 1, "4d"))
    template = {"spec": {"containers": [{"name": "app"}], "initContainers": [{"name": "migrate"}]}}
    one = {"spec": {"template": template}}
    server.replies[f"{deployments}/api?{MEMORY}"] = Reply(body=json.dumps(one).encode())
    server.replies[f"/api/v1/namespaces/shop/pods/api-1?{MEMORY}"] = Reply(body=json.dumps(pod("api-1")).encode())
    names = table(("calm", "Active", "4d"), ("shop", "Active", "4d"), columns=("Name", "Status", "Age"))
    server.replies[f"/api/v1/namespaces?{TABLE}"] = names


def kubeconfig_for(folder: Path, url: str, user: dict[str, Any] | None = None) -> Path:
    """A kubeconfig whose contexts all lead there, into the namespace `shop`."""
    context = {"cluster": "here", "user": "me", "namespace": "shop"}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXTS[1],
        "contexts": [{"name": name, "context": context} for name in CONTEXTS],
        "clusters": [{"name": "here", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": user or {}}],
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(document))
    return file
