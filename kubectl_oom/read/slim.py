"""What of an object goes into a snapshot: what this tool reads, and nothing that may hold a secret.

Left out: environment values (but for the named heap and worker settings, reduced to their memory options; of one that
comes from elsewhere, the kind of object it comes from),
annotations other than the few that are read, managed fields other than the mark of a resize, volume sources other
than memory-backed ones, the command lines' values behind words that speak of credentials, and what tells where the
machines are: addresses, machine ids, the names of the hosts that wrote an event.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.read.answer import part, parts, text
from kubectl_oom.read.objects import memory_resizes, message_of_end, message_of_event
from kubectl_oom.read.settings import HIDDEN, reduced_lines, settings_of

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
_STATUS_LISTS = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_CONTAINER_FIELDS = frozenset({"name", "image", "resources", "resizePolicy", "restartPolicy"})
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_PROBE_FIELDS = ("terminationGracePeriodSeconds", "periodSeconds", "timeoutSeconds", "failureThreshold")
# What a status and an event tell about machines and not about memory. A node's images can be most of its size.
_NODE_STATUS = frozenset({"capacity", "allocatable", "conditions", "nodeInfo", "phase"})
_MACHINE_IDS = frozenset({"machineID", "systemUUID", "bootID"})
_ADDRESSES = frozenset({"hostIP", "hostIPs", "podIP", "podIPs"})
_HOST_OF_EVENT = "reportingInstance"
_CONTENTS = frozenset({"data", "stringData", "binaryData"})  # of config maps and secrets, which are not asked for
# Of the spec, what may hold anything and is not read: host names, templates of claims with annotations of their own.
_SPEC_LEFT_OUT = frozenset({"volumeClaimTemplates", "hostAliases", "dnsConfig", "imagePullSecrets", "securityContext"})
_NODE_PLACES = frozenset({"providerID", "podCIDR", "podCIDRs", "externalID"})  # where a machine is, and its network
# Of a HorizontalPodAutoscaler only what is about memory: other metrics can come from anywhere, with any labels.
_SCALES = frozenset({"scaleTargetRef", "minReplicas", "maxReplicas"})
_SCALED = frozenset({"currentReplicas", "desiredReplicas"})
# The reasons of events whose message the kubelet, the kernel or the scheduler words, and which is read.
_WORDED_BY_THE_SYSTEM = frozenset(
    {
        "Killing",
        "Evicted",
        "SystemOOM",
        "OOMKilling",
        "Starting",
        "BackOff",
        "Preempting",
        "Preempted",
        "EvictionThresholdMet",
        "NodeHasInsufficientMemory",
        "NodeHasSufficientMemory",
        "CgroupV1",
    }
)
# A runtime's complaint can repeat the command line; one that speaks of memory is read, and none of those does.
_SPEAKS_OF_MEMORY = re.compile(r"OOM-killed|memory limit")


def slim(item: Json) -> Json:
    """A copy of an API object that is safe to hand to somebody else."""
    apart = ("metadata", "spec", _HOST_OF_EVENT)
    kept = {key: value for key, value in item.items() if key not in _CONTENTS and key not in apart}
    kept["metadata"] = _metadata(part(item, "metadata"))
    if isinstance(item.get("spec"), dict):
        kept["spec"] = _spec(part(item, "spec"))
    if isinstance(item.get("status"), dict):
        kept["status"] = _status(part(item, "status"))
    if "scaleTargetRef" in part(item, "spec"):
        kept["spec"] = _about_memory(part(item, "spec"), _SCALES, "metrics")
        kept["status"] = _about_memory(part(item, "status"), _SCALED, "currentMetrics")
    if "involvedObject" in item:
        kept["message"] = _event_message(item)
    return kept


def _metadata(meta: Json) -> Json:
    kept = {key: value for key, value in meta.items() if key not in ("annotations", "managedFields")}
    annotations = {k: v for k, v in part(meta, "annotations").items() if k in KEPT_ANNOTATIONS}
    if annotations:
        kept["annotations"] = annotations
    resizes = [
        {key: entry[key] for key in ("manager", "operation", "subresource", "time") if key in entry}
        for entry in memory_resizes(meta)
    ]
    if resizes:
        kept["managedFields"] = resizes
    return kept


def _spec(spec: Json) -> Json:
    """A pod's spec, or a workload's with the pod template inside it."""
    kept = {key: value for key, value in spec.items() if key not in _SPEC_LEFT_OUT | _NODE_PLACES}
    for name in _CONTAINER_LISTS:
        if name in kept:
            kept[name] = [_container(container) for container in parts(spec, name)]
    if "volumes" in kept:
        kept["volumes"] = [_volume(volume) for volume in parts(spec, "volumes")]
    for name in ("template", "jobTemplate"):
        if name in kept:
            kept[name] = slim(part(spec, name))
    return kept


def _about_memory(half: Json, fields: frozenset[str], metrics: str) -> Json:
    """The spec or the status of an autoscaler with these fields and its metrics of memory."""
    kept = {key: value for key, value in half.items() if key in fields}
    memory = [m for m in parts(half, metrics) if any(part(m, key).get("name") == "memory" for key in m)]
    return {**kept, metrics: memory}


def _container(container: Json) -> Json:
    kept = {key: value for key, value in container.items() if key in _CONTAINER_FIELDS}
    for name, line in zip(("command", "args"), reduced_lines(container), strict=True):
        if line:
            kept[name] = list(line)
    for name in _PROBES:
        if container.get(name):
            probe = part(container, name)
            kept[name] = {key: probe[key] for key in _PROBE_FIELDS if key in probe} or {"periodSeconds": 10}
    if parts(container, "volumeMounts"):
        kept["volumeMounts"] = [{"name": mount.get("name")} for mount in parts(container, "volumeMounts")]
    settings = settings_of(container)
    if settings:
        kept["env"] = [{"name": name, "value": value} for name, value in sorted(settings.items())]
    return kept


def _volume(volume: Json) -> Json:
    kept: Json = {"name": volume.get("name")}
    if isinstance(volume.get("emptyDir"), dict):
        kept["emptyDir"] = volume["emptyDir"]
    return kept


# --- what programs say, repeated by the API ----------------------------------------------------------------------


def _status(status: Json) -> Json:
    """A status without addresses and, of a node (which alone has `nodeInfo`), with what speaks of its memory only."""
    kept = {key: value for key, value in status.items() if key not in _ADDRESSES}
    if "nodeInfo" in status:
        kept = {key: value for key, value in status.items() if key in _NODE_STATUS}
        kept["nodeInfo"] = {k: v for k, v in part(status, "nodeInfo").items() if k not in _MACHINE_IDS}
    for name in _STATUS_LISTS:
        if name in kept:
            kept[name] = [_container_status(entry) for entry in parts(status, name)]
    return kept


def _container_status(status: Json) -> Json:
    kept = dict(status)
    for name in ("state", "lastState"):
        if name in kept:
            kept[name] = {key: _state(part(status, name), key) for key in part(status, name)}
    return kept


def _state(state: Json, key: str) -> Json:
    kept = part(state, key)
    message = message_of_end(kept) if key == "terminated" else kept.get("message")
    if "message" in kept:
        kept = {name: value for name, value in kept.items() if name != "message"}
        if _SPEAKS_OF_MEMORY.search(str(message or "")):
            kept["message"] = message
    return kept


def _event_message(event: Json) -> str:
    reason, message = text(event.get("reason")), message_of_event(event)
    safe = reason == "Unhealthy" or reason in _WORDED_BY_THE_SYSTEM or _SPEAKS_OF_MEMORY.search(message)
    return message if safe else HIDDEN
