"""Which test clusters run on this machine, whose they are, and how one that was left behind is cleaned up.

Every start is recorded outside the checkout. A record whose owner has died (a killed test run) is cleaned by the next
start: by the pids it names, then its pods, mounts, cgroups and files.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster import binaries
from tests.cluster.process import ClusterError, Process, recorded, start_time
from tests.cluster.settings import BRIDGE, CONTAINERD_SOCKET

if TYPE_CHECKING:
    from collections.abc import Iterator

STOP_ORDER = (
    *("metrics-server", "prometheus", "kube-state-metrics"),
    *("kubelet", "kube-scheduler", "kube-controller-manager"),
)
STOP_LAST = ("containerd", "kube-apiserver", "etcd")
TASKS_SECONDS = 20.0  # for the kernel to end every container of the node
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Record:
    """One started cluster: where its state is, whether it has a node, and the process that will stop it."""

    state: str
    has_node: bool
    owner_pid: int | None  # None: left running on purpose
    owner_started: str | None

    def abandoned(self) -> bool:
        """Whether nobody is left to stop it, or nothing of what was left running does run any more."""
        if self.owner_pid is None:
            return not recorded(Path(self.state))
        return start_time(self.owner_pid) != self.owner_started

    def write(self) -> None:
        """Put it on record."""
        _file(Path(self.state)).write_text(json.dumps(asdict(self)))


def _file(state: Path) -> Path:
    return _folder() / f"{state.name}.json"


def _folder() -> Path:
    folder = binaries.cache_root() / "running"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Hold the machine-wide lock: one start or stop at a time."""
    with (_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def records() -> list[Record]:
    """Every recorded cluster."""
    return [Record(**json.loads(path.read_text())) for path in sorted(_folder().glob("*.json"))]


def claim(state: Path, *, has_node: bool) -> None:
    """Record a start by this process, after cleaning up what died runs left; raise when a node of somebody else runs."""
    for record in records():
        if record.abandoned():
            clean(record)
        elif has_node and record.has_node:
            raise ClusterError(
                f"a node runs already (state in {record.state}, owner {record.owner_pid or 'nobody'}):"
                " one at a time; stop it with: python -m tests.cluster down"
            )
    Record(str(state), has_node, os.getpid(), start_time(os.getpid())).write()


def leave_running(state: Path, *, has_node: bool) -> None:
    """Record that a cluster outlives this process on purpose."""
    Record(str(state), has_node, None, None).write()


def clean(record: Record) -> None:
    """End what is left of a cluster, by pid, and remove its state; ends quietly when nothing is left."""
    state = Path(record.state)
    processes = {process.name: process for process in recorded(state)}
    stop(state, processes, has_node=record.has_node)


def stop(state: Path, processes: dict[str, Process], *, has_node: bool) -> None:
    """End a cluster: the watchers first, then its containers, then what keeps them, then its files."""
    for name in STOP_ORDER:
        if name in processes:
            processes[name].stop()
    if has_node and "containerd" in processes:
        _end_containers()
    for name in STOP_LAST:
        if name in processes:
            processes[name].stop()
    if has_node:
        _end_shims()
        _remove_cgroups()
        _unmount(state)
        subprocess.run(["ip", "link", "delete", BRIDGE], capture_output=True, check=False)
        _remove_dangling_logs(state)
    shutil.rmtree(state, ignore_errors=True)
    _file(state).unlink(missing_ok=True)


def _ctr(*args: str) -> str:
    command = [binaries.path("ctr"), "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout


def _end_containers() -> None:
    """Kill every task that containerd has, and wait until the kernel is done with them."""
    deadline = time.monotonic() + TASKS_SECONDS
    while (tasks := _ctr("task", "ls", "--quiet").split()) and time.monotonic() < deadline:
        for task in tasks:
            _ctr("task", "delete", "--force", task)


def _end_shims() -> None:
    """End what held a container and outlived containerd; only our own binary serves our own socket."""
    shim = Path(binaries.path("containerd-shim-runc-v2")).resolve()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            started = start_time(int(entry.name))
            if started and (entry / "exe").readlink() == shim:
                Process("containerd-shim", int(entry.name), started).stop()


def _remove_cgroups() -> None:
    """Remove the kubelet's cgroups, innermost first: a limit left behind would hold for the next node."""
    tops = [*CGROUPS.glob("*/kubepods"), *CGROUPS.glob("kubepods")]
    for top in tops:
        for folder in sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True):
            with contextlib.suppress(OSError):
                folder.rmdir()
        with contextlib.suppress(OSError):
            top.rmdir()


def _unmount(state: Path) -> None:
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((m for m in mounts if Path(m).is_relative_to(state)), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)


def _remove_dangling_logs(state: Path) -> None:
    """The kubelet links every container's log into /var/log/containers."""
    for link in Path("/var/log/containers").glob("*.log"):
        if link.is_symlink() and link.readlink().is_relative_to(state):
            link.unlink()
