"""What kernel, kubelet and runtimes write, in every format that their own sources hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.judge.messages import (
    Eviction,
    KernelKill,
    eviction,
    failed_probe,
    kernel_kill,
    start_needs,
    stop_reason,
    system_oom_victim,
)

MERGED = "(combined from similar events): "
RUNC = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: "
)


@pytest.mark.parametrize(
    ("message", "victim"),
    [
        ("System OOM encountered", (None, None)),
        ("System OOM encountered, victim process: java, pid: 4711", ("java", 4711)),
        ("System OOM encountered, victim process: a, pid: 1, pid: 2", ("a, pid: 1", 2)),
        (f"{MERGED}System OOM encountered, victim process: java, pid: 4711", ("java", 4711)),
        ("System OOM encountered, victim process: java", None),
        ("a System OOM encountered", None),
        ("", None),
    ],
)
def test_the_victim_of_a_system_oom(message: str, victim: tuple[str | None, int | None] | None) -> None:
    assert system_oom_victim(message) == victim


AKS = (
    "Memory cgroup out of memory: Killed process 19024 (python) total-vm:1448016kB, anon-rss:350452kB, file-rss:67832kB, "
    "shmem-rss:0kB, UID:9999 pgtables:1208kB oom_score_adj:921"
)


@pytest.mark.parametrize(
    ("line", "kill"),
    [
        (AKS, KernelKill("cgroup", 19024, "python", 350452 * 1024, 921)),
        (
            AKS.replace("Memory cgroup out of memory", "Out of memory"),
            KernelKill("node", 19024, "python", 350452 << 10, 921),
        ),
        (
            AKS.replace("Memory cgroup out of memory", "Out of memory (oom_kill_allocating_task)"),
            KernelKill("node", 19024, "python", 350452 << 10, 921),
        ),
        (f"[1234.5] {AKS}", KernelKill("cgroup", 19024, "python", 350452 << 10, 921)),
        (
            "Killed process 7 (sh), total-vm:1kB, anon-rss:2kB, file-rss:3kB",
            KernelKill(None, 7, "sh", 2048, None),
        ),
        (
            "Killed process 7 ((sd-pam)) total-vm:1kB, anon-rss:2kB, file-rss:3kB, shmem-rss:4kB",
            KernelKill(None, 7, "(sd-pam)", 2048, None),
        ),
        (AKS.replace("adj:921", "adj:-997"), KernelKill("cgroup", 19024, "python", 350452 << 10, -997)),
        ("python invoked oom-killer: gfp_mask=0xcc0", None),
        ("", None),
    ],
)
def test_the_kernels_line(line: str, kill: KernelKill | None) -> None:
    assert kernel_kill(line) == kill


@pytest.mark.parametrize(
    ("message", "probe"),
    [
        ("Container app failed liveness probe, will be restarted", "liveness"),
        ("Container app failed startup probe, will be restarted", "startup"),
        ("Container app failed liveness probe", "liveness"),
        (f"{MERGED}Container app failed liveness probe, will be restarted", "liveness"),
        ("Container app failed readiness probe", None),
        ("Stopping container app", None),
        ("Liveness probe failed: Container app failed liveness probe", None),
    ],
)
def test_the_probe_that_ended_a_container(message: str, probe: str | None) -> None:
    assert failed_probe(message) == probe


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ("Stopping container app", "Stopping container"),
        ("Container app definition changed, will be restarted", "definition changed"),
        ("Container app resize requires restart", "resize requires restart"),
        ("Container app resize requires restart, will be restarted", "resize requires restart"),
        ("Container app failed liveness probe", None),
        ("not Stopping container app", None),
    ],
)
def test_why_the_kubelet_stopped_a_container(message: str, why: str | None) -> None:
    assert stop_reason(message) == why


LOW = "The node was low on resource: memory. "
LEFT = "Threshold quantity: 100Mi, available: 88Mi. "
APP = "Container app was using 1500Mi, request is 500Mi, has larger consumption of memory. "


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (LOW, Eviction("memory")),
        (LOW + LEFT, Eviction("memory", available="88Mi")),
        (LOW + LEFT + APP, Eviction("memory", "app", "1500Mi", "500Mi", "88Mi")),
        (
            LOW + LEFT + "Pod api-0 was using 2Gi, request is 1Gi, has larger consumption of memory. " + APP,
            Eviction("memory", "app", "1500Mi", "500Mi", "88Mi"),
        ),
        (
            "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi, available: 5Mi. ",
            Eviction("disk", available="5Mi"),
        ),
        ("The node was low on resource: inodes. ", Eviction("inodes")),
        ("The node was low on resource: pids. ", Eviction("pids")),
        ("The node had condition: [MemoryPressure]. ", Eviction("memory")),
        ("The node had condition: [DiskPressure]. ", Eviction("disk")),
        ('Usage of EmptyDir volume "scratch" exceeds the limit "8Mi". ', Eviction("disk")),
        ("Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ", Eviction("disk")),
        ('Container app exceeded its local ephemeral storage limit "1Gi". ', Eviction("disk")),
        ("something else", Eviction("unknown")),
        (None, Eviction("unknown")),
    ],
)
def test_what_an_eviction_was_for(message: str | None, told: Eviction) -> None:
    assert eviction(message) == told


@pytest.mark.parametrize(
    ("message", "needs"),
    [
        (f"{RUNC}container init was OOM-killed (memory limit too low?): unknown", (True, None)),
        ("error executing setns process: exit status 1 (possibly OOM-killed)", (True, None)),
        (
            f"{RUNC}error during container init: unable to set memory limit to 1048576 (current usage: 3506176, peak usage: 1)",
            (True, 3506176),
        ),
        ("set memory limit 1048576 too low; should be at least 12582912 bytes", (True, 12582912)),
        (f'{RUNC}exec: "nope": executable file not found in $PATH', (False, None)),
        (None, (False, None)),
    ],
)
def test_a_start_that_failed_for_memory(message: str | None, needs: tuple[bool, int | None]) -> None:
    assert start_needs(message) == needs


@given(st.text(max_size=300))
def test_any_text_is_taken_apart_or_left_alone(text: str) -> None:
    assert eviction(text).resource
    assert system_oom_victim(text) in (None, (None, None)) or "victim process" in text
    assert kernel_kill(text) is None or "Killed process" in text
    assert (failed_probe(text) is None) or (stop_reason(text) is None)
    assert start_needs(text)[0] or start_needs(text) == (False, None)
