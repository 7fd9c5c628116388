"""What of an object goes into a snapshot: what this tool reads, and nothing that may hold a secret.

Left out: environment values (but for the named heap and worker settings, reduced to their memory options),
annotations other than the few that are read, managed fields other than the mark of a resize, volume sources other
than memory-backed ones, the command lines' values behind words that speak of credentials, and what tells where the
machines are: addresses, machine ids, the names of the hosts that wrote an event.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.read.settings import settings_of

if TYPE_CHECKING:
    from kubectl_oom.read.source import Json

KEPT_ANNOTATIONS = frozenset(
    {
        "kubernetes.io/limit-ranger",
        "kubernetes.io/config.mirror",
        "vpaInPlaceUpdated",
        "vpaUpdates",
        "offending_containers",
        "offending_containers_usage",
        "starved_resource",
        "deployment.kubernetes.io/revision",
    }
)
_CONTAINER_LISTS = ("containers", "initContainers", "ephemeralContainers")
_CONTAINER_FIELDS = frozenset(
    {"name", "image", "resources", "resizePolicy", "restartPolicy", "volumeMounts", "command", "args"}
)
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
# What a status and an event tell about machines and not about memory. A node's images can be most of its size.
_NODE_STATUS = frozenset({"capacity", "allocatable", "conditions", "nodeInfo", "phase"})
_MACHINE_IDS = frozenset({"machineID", "systemUUID", "bootID"})
_ADDRESSES = frozenset({"hostIP", "hostIPs", "podIP", "podIPs"})
_HOST_OF_EVENT = "reportingInstance"
_CREDENTIAL = re.compile(r"(?i)(pass|secret|token|key|credential|auth|://[^/\s]*:[^@\s]*@)")
HIDDEN = "(not recorded)"


def slim(item: Json) -> Json:
    """A copy of an API object that is safe to hand to somebody else."""
    left_out = ("metadata", "spec", "data", "stringData", _HOST_OF_EVENT)
    kept = {key: value for key, value in item.items() if key not in left_out}
    if isinstance(item.get("status"), dict):
        kept["status"] = _status(item["status"])
    kept["metadata"] = _metadata(item.get("metadata") or {})
    spec = item.get("spec")
    if isinstance(spec, dict):
        kept["spec"] = _spec(spec)
    return kept


def _status(status: Json) -> Json:
    """A status without addresses and, of a node (which alone has `nodeInfo`), with what speaks of its memory only."""
    if not isinstance(status.get("nodeInfo"), dict):
        return {key: value for key, value in status.items() if key not in _ADDRESSES}
    kept = {key: value for key, value in status.items() if key in _NODE_STATUS}
    kept["nodeInfo"] = {key: value for key, value in status["nodeInfo"].items() if key not in _MACHINE_IDS}
    return kept


def _metadata(meta: Json) -> Json:
    kept = {key: value for key, value in meta.items() if key not in ("annotations", "managedFields")}
    annotations = {k: v for k, v in (meta.get("annotations") or {}).items() if k in KEPT_ANNOTATIONS}
    if annotations:
        kept["annotations"] = annotations
    resizes = [
        {key: entry[key] for key in ("manager", "operation", "subresource", "time") if key in entry}
        for entry in meta.get("managedFields") or ()
        if entry.get("subresource") == "resize"
    ]
    if resizes:
        kept["managedFields"] = resizes
    return kept


def _spec(spec: Json) -> Json:
    """A pod's spec, or a workload's with the pod template inside it."""
    kept = dict(spec)
    for name in _CONTAINER_LISTS:
        if isinstance(kept.get(name), list):
            kept[name] = [_container(container) for container in kept[name]]
    if isinstance(kept.get("volumes"), list):
        kept["volumes"] = [_volume(volume) for volume in kept["volumes"]]
    for name in ("template", "jobTemplate"):
        if isinstance(kept.get(name), dict):
            kept[name] = slim(kept[name])
    return kept


def _container(container: Json) -> Json:
    kept = {key: value for key, value in container.items() if key in _CONTAINER_FIELDS}
    for name in ("command", "args"):
        if isinstance(kept.get(name), list):
            kept[name] = _without_credentials(kept[name])
    for name in _PROBES:
        if isinstance(container.get(name), dict):
            own = {"terminationGracePeriodSeconds", "periodSeconds", "timeoutSeconds", "failureThreshold"}
            kept[name] = {k: v for k, v in container[name].items() if k in own} or {"periodSeconds": 10}
    settings = settings_of(container)
    if settings:
        kept["env"] = [{"name": name, "value": value} for name, value in sorted(settings.items())]
    return kept


def _without_credentials(words: list[object]) -> list[str]:
    kept, hide_next = [], False
    for word in map(str, words):
        if hide_next or (_CREDENTIAL.search(word) and ("=" in word or " " in word or "@" in word)):
            kept.append(HIDDEN)
            hide_next = False
        else:
            kept.append(word)
            hide_next = word.startswith("-") and bool(_CREDENTIAL.search(word))
    return kept


def _volume(volume: Json) -> Json:
    kept: Json = {"name": volume.get("name")}
    if isinstance(volume.get("emptyDir"), dict):
        kept["emptyDir"] = volume["emptyDir"]
    return kept
