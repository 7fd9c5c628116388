"""What could not be read becomes a gap: a source in the user's words, the reason, and the remedy that fits it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Gap

if TYPE_CHECKING:
    from kubectl_oom.read.source import ReadError

CLUSTER_ROLE = "docs/clusterrole.yaml"

# source → (API group, resource, verb) that a role must grant
PERMISSIONS = {
    "pods": ("", "pods", "get,list"),
    "pod events": ("", "events", "list"),
    "node events": ("", "events", "list"),
    "node": ("", "nodes", "get"),
    "node pods": ("", "pods", "list"),
    "owners": ("apps,batch", "replicasets,deployments,statefulsets,daemonsets,jobs,cronjobs", "get,list"),
    "limit ranges": ("", "limitranges", "list"),
    "resource quotas": ("", "resourcequotas", "list"),
    "autoscalers": ("autoscaling", "horizontalpodautoscalers", "list"),
    "vertical autoscalers": ("autoscaling.k8s.io", "verticalpodautoscalers", "list"),
    "nodes": ("", "nodes", "list"),
    "disruption budgets": ("policy", "poddisruptionbudgets", "list"),
    "claims": ("", "persistentvolumeclaims", "get"),
    "argo cd": ("argoproj.io", "applications", "get"),
    "alert rules": ("monitoring.coreos.com", "prometheusrules", "list"),
    "log": ("", "pods/log", "get"),
    "kubelet": ("", "nodes/proxy", "get"),
    "metrics.k8s.io": ("metrics.k8s.io", "pods", "get"),
    "metrics engine": ("", "services,services/proxy", "list,get"),
}


SLOW = "raise --request-timeout"
DOCTOR = "run `kubectl oom doctor`"
# What is not there cannot be read from there again; something else may have kept it.
_IF_GONE = {
    "log": "look for it where the cluster's logs are collected",
    "node": "name a metrics engine, which keeps its numbers: --prometheus-url",
}


def gap_of(source: str, subject: str, error: ReadError) -> Gap:
    """The gap a failed read leaves: `source` is a key of PERMISSIONS, `subject` what was asked (`node node-a`)."""
    return Gap(
        source=f"{source} ({subject})" if subject else source, reason=_reason(error), remedy=_remedy(source, error)
    )


def _reason(error: ReadError) -> str:
    if error.reason == "Forbidden":
        return "not permitted (403)"
    if error.reason == "NotFound":
        return "not there (404)"
    return error.message


def _remedy(source: str, error: ReadError) -> str | None:
    group, resource, verb = PERMISSIONS.get(source, ("", "", ""))
    if error.reason in ("Forbidden", "Unauthorized") and resource:
        where = f' in apiGroups ["{group}"]' if group else ""
        return f"grant {verb} on {resource}{where}: {CLUSTER_ROLE}"
    if error.reason == "NotConfigured":
        return "name one: --prometheus-url URL"
    if error.reason == "NotRecorded":
        return "take a new snapshot of this target"
    if source == "metrics.k8s.io" and error.reason == "NotFound":
        return "install metrics-server, or wait for its next scrape"
    if error.reason == "NothingToTry" or (source == "metrics engine" and error.reason == "Invalid"):
        return None  # the reason says which flag is wrong, and `doctor` without it is asked about something else
    if error.reason == "Timeout":
        return f"{SLOW}, or {DOCTOR}"
    return _IF_GONE.get(source, DOCTOR) if error.reason == "NotFound" else DOCTOR
