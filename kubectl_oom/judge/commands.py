"""Sizes as a strategic merge patch and in kubectl's own commands: what `recommend` prints and `fix` sends."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import ContainerType
from kubectl_oom.quantity import exact_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_oom.evidence import Owner, Sizes

Json = dict[str, Any]

INIT = frozenset({ContainerType.INIT, ContainerType.SIDECAR})
# Kinds with a pod template that may change, and what `kubectl set resources` calls them.
SETTABLE = {
    "Deployment": "deployment",
    "StatefulSet": "statefulset",
    "DaemonSet": "daemonset",
    "ReplicaSet": "replicaset",
    "CronJob": "cronjob",
}


def list_name(kind: ContainerType | None) -> str:
    """Where containers of this type stand in a pod's spec."""
    return "initContainers" if kind in INIT else "containers"


def resources_of(sizes: Sizes) -> Json:
    """`resources` with the sizes that are given; what is None is not in it."""
    found: Json = {}
    if sizes.limit_bytes is not None:
        found["limits"] = {"memory": exact_bytes(sizes.limit_bytes)}
    if sizes.request_bytes is not None:
        found["requests"] = {"memory": exact_bytes(sizes.request_bytes)}
    return found


def patch_around(kind: str, entries: Sequence[tuple[ContainerType | None, str, Json]]) -> Json:
    """The patch of an object of this kind: lists of containers are merged by name, so nothing else changes."""
    lists: dict[str, list[Json]] = {}
    for container_type, name, entry in entries:
        lists.setdefault(list_name(container_type), []).append({"name": name, **entry})
    if kind == "Pod":
        return {"spec": lists}
    template = {"spec": {"template": {"spec": lists}}}
    return {"spec": {"jobTemplate": template}} if kind == "CronJob" else template


def where(target: Owner) -> str:
    """`deployment/api`: as kubectl takes it."""
    return f"{SETTABLE.get(target.kind, target.kind.lower())}/{target.name}"


def set_resources(namespace: str, target: Owner, container: str, sizes: Sizes) -> str:
    """`kubectl set resources`: it looks at app containers only, and cannot take a value away."""
    flags = [f"--{name}=memory={value['memory']}" for name, value in resources_of(sizes).items()]
    return shell("kubectl", "set", "resources", where(target), "-n", namespace, "-c", container, *flags)


def set_env(namespace: str, target: Owner, container: str, values: Mapping[str, str]) -> str:
    """`kubectl set env` of one container."""
    pairs = [f"{name}={value}" for name, value in values.items()]
    return shell("kubectl", "set", "env", where(target), "-n", namespace, "-c", container, *pairs)


def patch_command(namespace: str, target: Owner, patch: Mapping[str, Any]) -> str:
    """`kubectl patch`; a pod is resized, which Kubernetes 1.33 and later do."""
    resize = ("--subresource", "resize") if target.kind == "Pod" else ()
    return shell("kubectl", "patch", where(target), "-n", namespace, *resize, *patch_flag(patch))


def patch_flag(patch: Mapping[str, Any]) -> tuple[str, str]:
    """The patch as kubectl takes it, on one line."""
    return "--patch", json.dumps(patch, separators=(",", ":"))


def shell(*words: str) -> str:
    """A line for the shell: what a foreign snapshot calls a workload must not become a second command."""
    return " ".join(shlex.quote(word) for word in words)
