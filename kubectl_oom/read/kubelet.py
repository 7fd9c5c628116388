"""The kubelet's own numbers: `/metrics/cadvisor` and `/stats/summary` become `MemoryNow`.

A node's cAdvisor page is megabytes; only its memory lines are looked at, and they are read with one expression
instead of a general parser (the official one costs ten times as much on such a page).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ContainerKey, MemoryNow, PodKey
from kubectl_oom.quantity import parse_bytes
from kubectl_oom.read.answer import part, parts, text, whole
from kubectl_oom.read.objects import moment_of, when

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from kubectl_oom.read.source import Json

CADVISOR = "kubelet metrics/cadvisor"
SUMMARY = "kubelet stats/summary"
METRICS_API = "metrics.k8s.io"

_FAMILIES = {
    "container_memory_working_set_bytes": "working_set_bytes",
    "container_memory_usage_bytes": "usage_bytes",
    "container_memory_rss": "rss_bytes",
    "container_memory_cache": "cache_bytes",
    "container_spec_memory_limit_bytes": "limit_bytes",
    "container_memory_max_usage_bytes": "peak_bytes",
    "container_oom_events_total": "oom_events",
}
_LINE = re.compile(r"^(container_\w+)\{([^\n]*)\} (\S+)(?: (\d+))?$", re.MULTILINE)
_LABEL = re.compile(r'(?<!\w)(\w+)="((?:[^"\\]|\\.)*)"')
_ID = re.compile(r"([0-9a-f]{64})(?:\.scope)?$")
_OTHERS = 'container_spec_memory_limit_bytes{container="(not recorded)",id="",namespace="",pod=""} 0'
# Also below another root, as kind makes it: /kubelet.slice/kubelet-kubepods.slice.
_PODS_CGROUP = re.compile(r"^(?:/kubelet(?:\.slice)?)?/(?:kubelet-)?kubepods(?:\.slice)?$")
_LONGEST_TIME = 16  # digits of milliseconds: longer ones are no dates, whatever follows


@dataclass(slots=True)
class KubeletNumbers:
    """What one kubelet says about its containers, its pods, the cgroup of all pods, and the node."""

    containers: dict[ContainerKey, tuple[MemoryNow, ...]] = field(default_factory=dict)
    pods: dict[PodKey, MemoryNow] = field(default_factory=dict)
    pods_cgroup: MemoryNow | None = None
    node: MemoryNow | None = None


def memory_lines(text: str) -> str:
    """Only the lines of a cAdvisor page that this tool reads."""
    wanted = tuple(f"{family}{{" for family in _FAMILIES)
    return "\n".join(line for line in text.splitlines() if line.startswith(wanted)) + "\n"


def lines_about(page: str, pods: Collection[PodKey]) -> str:
    """The lines of a page about these pods, all pods together and the node: a snapshot has no business with others.

    Where others were on it, one line says so without a name: a kubelet that tells of no container at all is another case.
    """
    kept, others = [], False
    for line in page.splitlines():
        labels = dict(_LABEL.findall(line))
        pod, cgroup = (labels.get("namespace", ""), labels.get("pod", "")), labels.get("id", "")
        if pod in pods or (not pod[1] and (cgroup == "/" or _PODS_CGROUP.match(cgroup))):
            kept.append(line)
        others = others or (pod not in pods and bool(labels.get("container")))
    return "\n".join([*kept, *([_OTHERS] if others else [])]) + "\n"


def from_cadvisor(text: str) -> KubeletNumbers:
    """The numbers of one page. Containers with two instances in it (just restarted) give two, newest last."""
    rows: dict[tuple[str, ...], dict[str, int]] = {}
    times: dict[tuple[str, ...], datetime] = {}
    for family, labels, value, at in _lines(text):
        key = tuple(labels.get(name, "") for name in ("namespace", "pod", "container", "name", "id"))
        rows.setdefault(key, {})[_FAMILIES[family]] = value
        if at is not None:
            times[key] = at
    numbers = KubeletNumbers()
    for key, row in rows.items():
        _place(numbers, key, _memory_now(key, row, times.get(key)))
    return numbers


def _lines(text: str) -> Iterator[tuple[str, dict[str, str], int, datetime | None]]:
    for match in _LINE.finditer(text):
        family, labels, value, at = match.groups()
        if family in _FAMILIES:
            try:
                number = whole(int(float(value)))
            except (ValueError, OverflowError):  # NaN and Inf are no sizes
                continue
            if number is not None:
                yield family, dict(_LABEL.findall(labels)), number, _moment(at)


def _moment(milliseconds: str | None) -> datetime | None:
    return moment_of(int(milliseconds[:_LONGEST_TIME]) / 1000) if milliseconds else None


def _memory_now(key: tuple[str, ...], row: dict[str, int], at: datetime | None) -> MemoryNow:
    cgroup_id = _ID.search(key[4])
    return MemoryNow(
        source=CADVISOR,
        container_id=cgroup_id.group(1) if cgroup_id else None,
        at=at,
        working_set_bytes=row.get("working_set_bytes"),
        usage_bytes=row.get("usage_bytes"),
        rss_bytes=row.get("rss_bytes"),
        cache_bytes=row.get("cache_bytes"),
        limit_bytes=row.get("limit_bytes") or None,  # 0 says "no limit"
        peak_bytes=row.get("peak_bytes") or None,  # 0 says "this kernel keeps none"
        oom_events=row.get("oom_events"),
    )


def _place(numbers: KubeletNumbers, key: tuple[str, ...], now: MemoryNow) -> None:
    namespace, pod, container, name, cgroup = key
    if container == "POD" or (not container and name):
        return  # the sandbox
    if container:
        known = numbers.containers.get((namespace, pod, container), ())
        both = sorted((*known, now), key=lambda n: n.at.timestamp() if n.at else 0.0)
        numbers.containers[namespace, pod, container] = tuple(both)
    elif pod:
        numbers.pods[namespace, pod] = now
    elif cgroup == "/":
        numbers.node = now
    elif _PODS_CGROUP.match(cgroup):
        numbers.pods_cgroup = now


def memory_of(summary: Json) -> Json:
    """The summary's memory numbers: names, sizes and times."""
    node = part(summary, "node")
    return {
        "node": {
            "nodeName": node.get("nodeName"),
            "memory": node.get("memory"),
            "systemContainers": [
                {"name": c.get("name"), "memory": c.get("memory")} for c in parts(node, "systemContainers")
            ],
        },
        "pods": [
            {
                "podRef": pod.get("podRef"),
                "memory": pod.get("memory"),
                "containers": [{"name": c.get("name"), "memory": c.get("memory")} for c in parts(pod, "containers")],
            }
            for pod in parts(summary, "pods")
        ],
    }


def from_summary(summary: Json) -> KubeletNumbers:
    """The same from `/stats/summary`, which knows neither limits nor container ids nor kills."""
    numbers = KubeletNumbers()
    for pod in parts(summary, "pods"):
        ref = part(pod, "podRef")
        key = (text(ref.get("namespace")) or "", text(ref.get("name")) or "")
        for container in parts(pod, "containers"):
            now = _summary_memory(part(container, "memory"))
            if now:
                numbers.containers[(*key, text(container.get("name")) or "")] = (now,)
        together = _summary_memory(part(pod, "memory"))
        if together:
            numbers.pods[key] = together
    node = part(summary, "node")
    numbers.node = _summary_memory(part(node, "memory"))
    for container in parts(node, "systemContainers"):
        if container.get("name") == "pods":
            numbers.pods_cgroup = _summary_memory(part(container, "memory"))
    return numbers


def _summary_memory(memory: Json) -> MemoryNow | None:
    if not memory:
        return None
    return MemoryNow(
        source=SUMMARY,
        container_id=None,
        at=when(memory.get("time")),
        working_set_bytes=whole(memory.get("workingSetBytes")),
        usage_bytes=whole(memory.get("usageBytes")),
        rss_bytes=whole(memory.get("rssBytes")),
    )


def from_pod_metrics(item: Json) -> dict[str, MemoryNow]:
    """Container name → working set, from a `PodMetrics`: the one number metrics.k8s.io knows."""
    at = when(item.get("timestamp"))
    return {
        text(container.get("name")) or "": MemoryNow(
            source=METRICS_API,
            container_id=None,
            at=at,
            working_set_bytes=parse_bytes(text(part(container, "usage").get("memory")) or ""),
            usage_bytes=None,
        )
        for container in parts(item, "containers")
    }
