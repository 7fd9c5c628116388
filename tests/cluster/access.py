"""Who may do what on a test cluster, and the kubeconfigs to be each of them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

DOCS = Path(__file__).resolve().parents[2] / "docs"
CLUSTER_ROLE, FIX_ROLE = DOCS / "clusterrole.yaml", DOCS / "clusterrole-fix.yaml"
READER = "reader"
READER_WITHOUT_KUBELET = "reader-no-nodes-proxy"
FIXER = "fixer"  # a reader who may also change what `fix --apply` changes
NOBODY = "nobody"
USERS = (READER, READER_WITHOUT_KUBELET, FIXER, NOBODY)


def _named(role: dict[str, Any], name: str, *, without: str | None = None) -> dict[str, Any]:
    """The same role under another name, on demand without the rule for one resource."""
    other = copy.deepcopy(role)
    other["metadata"]["name"] = name
    other["rules"] = [rule for rule in role["rules"] if without not in rule["resources"]]
    return other


def _binding(role: str, *subjects: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": role},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": list(subjects),
    }


def user(name: str) -> dict[str, str]:
    """The subject of a binding: a user by name."""
    return {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name}


def service_account(name: str, namespace: str) -> dict[str, str]:
    """The subject of a binding: a service account."""
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def roles(name: str, reader: dict[str, str], without_kubelet: dict[str, str], fixer: dict[str, str]) -> dict[str, Any]:
    """The ClusterRoles that ship in docs/: the one for reading bound to a reader, both to a fixer.

    What is left of the former without nodes/proxy is bound to another reader.
    `name` is what both are called, so that a role somebody has installed is left alone.
    """
    shipped = yaml.safe_load(CLUSTER_ROLE.read_text())
    whole, reduced = _named(shipped, name), _named(shipped, f"{name}-no-nodes-proxy", without="nodes/proxy")
    fixing = _named(yaml.safe_load(FIX_ROLE.read_text()), f"{name}-fix")
    bindings = [
        _binding(whole["metadata"]["name"], reader, fixer),
        _binding(reduced["metadata"]["name"], without_kubelet),
        _binding(fixing["metadata"]["name"], fixer),
    ]
    return {"apiVersion": "v1", "kind": "List", "items": [whole, reduced, fixing, *bindings]}
