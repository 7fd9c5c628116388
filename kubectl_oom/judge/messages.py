"""What the kernel, the kubelet and the runtimes write, taken apart. Formats are those of their own sources.

kubelet: pkg/kubelet/oom, pkg/kubelet/eviction/helpers.go, pkg/kubelet/kuberuntime; kernel: mm/oom_kill.c;
runc: libcontainer/process_linux.go; node-problem-detector: config/kernel-monitor.json.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Expressions are texts, which `re` compiles when they are first used: few events need them all.
# How client-go marks what it merged: more than ten different messages of one reason in ten minutes.
_MERGED = r"^(?:\(combined from similar events\): )?"
_SYSTEM_OOM = _MERGED + r"System OOM encountered(?:, victim process: (?P<comm>.*), pid: (?P<pid>\d+))?$"
_KERNEL_KILL = (
    r"(?:(?P<scope>Memory cgroup out of memory|Out of memory)(?: \(oom_kill_allocating_task\))?: )?"
    r"Killed process (?P<pid>\d+) \((?P<comm>.+)\),? total-vm:\d+kB, anon-rss:(?P<anon>\d+)kB, file-rss:\d+kB"
    r"(?:, shmem-rss:\d+kB)?(?:, UID:(?P<uid>\d+) pgtables:\d+kB oom_score_adj:(?P<adj>-?\d+))?"
)
_PROBE = _MERGED + r"Container (?P<container>\S+) failed (?P<probe>liveness|startup) probe(?:, will be restarted)?$"
_STOP = (
    _MERGED + r"(?:Stopping container (?P<stopped>\S+)"
    r"|Container (?P<changed>\S+) (?P<why>definition changed|resize requires restart)(?:, will be restarted)?)$"
)
_EVICTION = (
    r"^The node was low on resource: (?P<resource>[\w.-]+)\. "
    r"(?:Threshold quantity: (?P<threshold>\S+), available: (?P<available>\S+)\. )?"
)
_OVERRUN = (
    r"Container (?P<container>\S+) was using (?P<use>\S+), request is (?P<request>\S+), "
    r"has larger consumption of (?P<resource>[\w.-]+)\. "
)
_DISK_EVICTIONS = (
    r"Usage of EmptyDir volume|[Ee]phemeral local storage usage exceeds|exceeded its local ephemeral storage limit"
)
# A container or its sandbox that could not start because its memory limit is below what starting needs.
_START_OOM = (
    r"container init was OOM-killed"  # runc, cgroup v1 and v2
    r"|possibly OOM-killed"  # runc, while joining a running container
    r"|unable to set memory limit to \d+ \(current usage: (?P<needed_v1>\d+)"  # runc, cgroup v1: already above it
    r"|set memory limit \d+ too low; should be at least (?P<needed_crio>\d+) bytes"  # CRI-O
)


@dataclass(frozen=True, slots=True)
class KernelKill:
    """A `Killed process` line: whose limit it was (`cgroup`, `node`, or not said) and the process."""

    scope: str | None
    pid: int
    command: str
    anon_rss_bytes: int
    oom_score_adj: int | None


@dataclass(frozen=True, slots=True)
class Eviction:
    """Why the kubelet evicted a pod: `memory`, `disk`, or the resource's own name; and the container it names."""

    resource: str
    container: str | None = None
    use: str | None = None
    request: str | None = None
    available: str | None = None


def system_oom_victim(message: str) -> tuple[str | None, int | None] | None:
    """The process a `SystemOOM` event names; (None, None) when it names none; None when it is no such message."""
    match = re.match(_SYSTEM_OOM, message)
    if not match:
        return None
    return match["comm"], int(match["pid"]) if match["pid"] else None


def kernel_kill(message: str) -> KernelKill | None:
    """A kernel log line as node-problem-detector repeats it in an event."""
    match = re.search(_KERNEL_KILL, message)
    if not match:
        return None
    scope = {"Memory cgroup out of memory": "cgroup", "Out of memory": "node"}.get(match["scope"] or "")
    return KernelKill(
        scope=scope,
        pid=int(match["pid"]),
        command=match["comm"],
        anon_rss_bytes=int(match["anon"]) * 1024,
        oom_score_adj=int(match["adj"]) if match["adj"] else None,
    )


def failed_probe(message: str) -> str | None:
    """`liveness` or `startup` when a Killing event names that probe."""
    match = re.match(_PROBE, message)
    return match["probe"] if match else None


def stop_reason(message: str) -> str | None:
    """Why the kubelet stopped a container, in its own words; None for other messages."""
    match = re.match(_STOP, message)
    if not match:
        return None
    return match["why"] or "Stopping container"


def eviction(message: str | None) -> Eviction:
    """What an eviction message says; `unknown` where it says nothing we can read."""
    text = message or ""
    if re.search(_DISK_EVICTIONS, text):
        return Eviction("disk")
    head = re.match(_EVICTION, text)
    if not head:
        return Eviction("memory" if "MemoryPressure" in text else "disk" if "DiskPressure" in text else "unknown")
    resource = head["resource"]
    overrun = re.search(_OVERRUN, text)
    return Eviction(
        resource="memory"
        if resource == "memory"
        else "disk"
        if "storage" in resource or "fs" in resource
        else resource,
        container=overrun["container"] if overrun else None,
        use=overrun["use"] if overrun else None,
        request=overrun["request"] if overrun else None,
        available=head["available"],
    )


def start_needs(message: str | None) -> tuple[bool, int | None]:
    """(the start failed for lack of memory, bytes that starting needed where the message says so)."""
    match = re.search(_START_OOM, message or "")
    if not match:
        return False, None
    needed = match["needed_v1"] or match["needed_crio"]
    return True, int(needed) if needed else None
