"""What is known about the metrics that tell of memory and its end: labels, kinds, and when a series is there.

Sources: kube-state-metrics' docs/metrics/workload/pod-metrics.md; the kubelet's cAdvisor page; node-exporter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_oom.judge.alert_lint.syntax import Matcher, Selector

_POD, _INIT = "kube_pod_container_status_", "kube_pod_init_container_status_"
RESTARTS = frozenset({_POD + "restarts_total", _INIT + "restarts_total"})
LAST_REASON = frozenset({_POD + "last_terminated_reason", _INIT + "last_terminated_reason"})
LAST_EXIT = frozenset({_POD + "last_terminated_exitcode", _INIT + "last_terminated_exitcode"})
LAST_TIME = frozenset({_POD + "last_terminated_timestamp", _INIT + "last_terminated_timestamp"})
ENDED_REASON = frozenset({_POD + "terminated_reason", _INIT + "terminated_reason"})  # only while it is ended
WAITING_REASON = frozenset({_POD + "waiting_reason", _INIT + "waiting_reason"})
POD_REASON = frozenset({"kube_pod_status_reason"})
# What a container does now: joined with it, an alert about its last end goes when that goes.
STATES = WAITING_REASON | {f"{start}{what}" for start in (_POD, _INIT) for what in ("waiting", "running", "ready")}
STATES |= {"kube_pod_status_ready"}
# Moments in seconds since 1970, which `time() - x < 600` turns into "lately".
MOMENTS = LAST_TIME | {f"kube_pod_{what}" for what in ("completion_time", "start_time", "created")}
MOMENTS |= {"kube_pod_container_state_started", "container_start_time_seconds"}
# Since version 2.0 of kube-state-metrics these series are there only once there is something to tell.
ONLY_AFTER_THE_EVENT = LAST_REASON | LAST_EXIT | LAST_TIME | ENDED_REASON
OOM_EVENTS = frozenset({"container_oom_events_total"})
NODE_KILLS = frozenset({"node_vmstat_oom_kill"})
COUNTERS = RESTARTS | OOM_EVENTS | NODE_KILLS

USED = frozenset(
    f"container_memory_{what}"
    for what in ("working_set_bytes", "usage_bytes", "rss", "cache", "max_usage_bytes", "failcnt")
)
LEVELS = USED - {"container_memory_max_usage_bytes", "container_memory_failcnt"}  # they rise and fall
# Parts of a container's usage: with them, usage and RSS are terms of a sum that somebody made on purpose.
PARTS = frozenset(
    f"container_memory_{what}"
    for what in ("cache", "rss", "swap", "mapped_file", "total_inactive_file_bytes", "total_active_file_bytes")
)
PARTS_ADD_UP_TO = frozenset({"container_memory_usage_bytes", "container_memory_rss"})
WORKING_SET = "container_memory_working_set_bytes"
CGROUP_LIMIT = "container_spec_memory_limit_bytes"  # 0 where there is no limit
SPEC_LIMIT = "kube_pod_container_resource_limits"
SPEC_SIZES = frozenset(
    f"kube_pod_{kind}container_resource_{what}" for kind in ("", "init_") for what in ("limits", "requests")
)
OLD_SIZES = {f"{name}_memory_bytes": name for name in SPEC_SIZES}  # until version 2.0 of kube-state-metrics
CGROUP_GAUGES = (USED - {"container_memory_failcnt"}) | {CGROUP_LIMIT}
GAUGES = CGROUP_GAUGES | SPEC_SIZES | LAST_REASON | LAST_EXIT | LAST_TIME | ENDED_REASON

OOM_KILLED = "OOMKilled"
OF_A_CONTAINER = ("namespace", "pod", "container")
_CADVISOR = re.compile(r"container_(?!network_)\w+")
_STATE = re.compile(r"kube_pod_(init_)?container_\w+")
_PER_POD = re.compile(r"kube_pod_\w+|container_\w+")
_EXTRA = {"resource": SPEC_SIZES, "reason": LAST_REASON | ENDED_REASON | WAITING_REASON | POD_REASON}
# Where a scrape does not honour labels, kube-state-metrics' own have this before them.
_EXPORTED = "exported_"


def plain(label: str) -> str:
    """The label as the exporter wrote it."""
    return label.removeprefix(_EXPORTED)


def is_exported(labels: Iterable[str]) -> bool:
    """Whether labels are of a scrape that does not honour them."""
    return any(label.startswith(_EXPORTED) for label in labels)


def labels_of(name: str) -> frozenset[str]:
    """The labels that tell a pod or container apart; empty for what is not about one, or not known."""
    if _CADVISOR.fullmatch(name) or _STATE.fullmatch(name):
        return frozenset(OF_A_CONTAINER)
    return frozenset(OF_A_CONTAINER[:2]) if _PER_POD.fullmatch(name) else frozenset()


def exporter_of(name: str) -> str:
    """Who tells of it: `cadvisor`, `kube-state-metrics`, `node`, or nothing where it is not known."""
    if _CADVISOR.fullmatch(name):
        return "cadvisor"
    if name.startswith("kube_pod_"):
        return "kube-state-metrics"
    return "node" if name.startswith("node_") else ""


def extra_labels(name: str) -> frozenset[str]:
    """Labels beside those of the container that this metric has and others have not."""
    return frozenset(label for label, names in _EXTRA.items() if name in names)


def matchers_of(selector: Selector, label: str) -> tuple[Matcher, ...]:
    """What it asks of a label."""
    return tuple(m for m in selector.matchers if plain(m.label) == label)


def accepts(selector: Selector, label: str, value: str) -> bool:
    """Whether series with that value of the label are selected; a pattern that is none accepts nothing."""
    return all(_matches(matcher, value) for matcher in matchers_of(selector, label))


def _matches(matcher: Matcher, value: str) -> bool:
    if matcher.op in ("=", "!="):
        return (matcher.value == value) == (matcher.op == "=")
    try:
        found = re.fullmatch(matcher.value, value) is not None
    except re.error:
        return False
    return found == (matcher.op == "=~")


def without_label(selector: Selector, *labels: str) -> tuple[Matcher, ...]:
    """Its matchers but for those of the labels."""
    return tuple(m for m in selector.matchers if plain(m.label) not in labels)
