"""Where the node's binaries are, and what is missing on this machine to have them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
NODE = (
    *("kubelet", "containerd", "containerd-shim-runc-v2", "ctr", "runc", "cni"),
    *("kube-state-metrics", "kube-state-metrics-old", "prometheus", "metrics-server", "node_exporter"),
)
BUILD = "build them once, as root with Go 1.26 or later: make cluster (about 15 minutes from nothing)"


def cache_root() -> Path:
    """The folder that outlives checkouts: binaries, and the record of what runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kubectl-oom"


def directory() -> Path:
    """The binaries of exactly the versions that this checkout names, or `KUBECTL_OOM_CLUSTER_BIN` when that is set."""
    if chosen := os.environ.get("KUBECTL_OOM_CLUSTER_BIN"):
        return Path(chosen)
    return cache_root() / f"cluster-{_digest(HERE / 'versions', HERE / 'kubernetes' / 'main.go')}"


def image_archive() -> Path:
    """The workload's image; its name changes with its source, so an old one is never taken for it."""
    return directory() / f"hog-{_digest(HERE / 'hog' / 'main.go', HERE / 'image.py')}.tar"


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def path(name: str) -> str:
    """The full path of one binary."""
    return str(directory() / name)


def missing(*, control_plane_only: bool = False) -> str | None:
    """Why a node cannot be started here and what to do about it, as one sentence; None when it can."""
    if not shutil.which("openssl"):
        return "openssl is missing: it makes the test cluster's certificates"
    needed = [directory() / name for name in CONTROL_PLANE]
    if not control_plane_only:
        if os.geteuid() != 0:
            return "a real node needs root: containers, cgroups and a bridge are made"
        needed += [*(directory() / name for name in NODE), image_archive()]
    absent = [file.name for file in needed if not file.exists()]
    if absent:
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        return f"no {absent[0]}{more} in {directory()}: {BUILD}"
    return None


def build(*extras: str) -> None:
    """Build what is missing; `extras` are further programs by name (krew, kwok, …)."""
    subprocess.run([HERE / "build.sh", directory(), *extras], check=True, stdin=subprocess.DEVNULL)
