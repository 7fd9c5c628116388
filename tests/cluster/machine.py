"""This machine as the cluster's node: containerd, a bridge for its pods, and a kubelet."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster import binaries, settings
from tests.cluster.process import ClusterError, free_ports

if TYPE_CHECKING:
    from tests.cluster.parts import Parts


def start_machine(parts: Parts, pods_memory: int | None) -> int:
    """Start it, and return the kubelet's port once the node is Ready; `pods_memory` is what all pods share, in Mi."""
    _refuse_foreign_containerd()
    _make_bridge()
    _containerd(parts)
    port, health = free_ports(2)
    _kubelet(parts, port, health, _reserved_mi(pods_memory))
    ready = ("wait", "--for=condition=Ready", f"node/{settings.NODE_NAME}", "--timeout=1s")
    parts.wait_for_kubectl("the node", ("kubelet", "containerd"), *ready)
    return port


def _refuse_foreign_containerd() -> None:
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
        probe.connect(settings.CONTAINERD_SOCKET)
        raise ClusterError(
            f"another containerd serves {settings.CONTAINERD_SOCKET}: this machine has a node of its own"
        )


def _make_bridge() -> None:
    """The bridge that CNI would make with the first pod: the kubelet listens on its address before that."""
    mask = settings.POD_SUBNET.rpartition("/")[2]
    for command in (
        ("link", "add", settings.BRIDGE, "type", "bridge"),
        ("address", "add", f"{settings.NODE_IP}/{mask}", "dev", settings.BRIDGE),
        ("link", "set", settings.BRIDGE, "up"),
    ):
        subprocess.run(["ip", *command], check=True, capture_output=True)


def _containerd(parts: Parts) -> None:
    parts.write("cni/10-test.conflist", settings.cni(parts.state))
    config = parts.write("containerd.toml", settings.containerd(parts.state, Path(binaries.path("cni"))))
    parts.run("containerd", "--config", config)
    ctr = (binaries.path("ctr"), "--namespace", "k8s.io")
    parts.wait("containerd", ("containerd",), lambda: _succeeds(*ctr, "version"))
    imported = [*ctr, "images", "import", str(binaries.image_archive())]
    subprocess.run(imported, check=True, capture_output=True, stdin=subprocess.DEVNULL)


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL).returncode == 0


def _kubelet(parts: Parts, port: int, health_port: int, reserved_mi: int) -> None:
    parts.authority.issue("kubelet-server", names=[f"IP:{settings.NODE_IP}", f"DNS:{settings.NODE_NAME}"])
    config = settings.kubelet(parts.state, parts.pki, port, health_port, reserved_mi)
    parts.run(
        "kubelet",
        f"--config={parts.write('kubelet.json', config)}",
        f"--kubeconfig={parts.cluster.kubeconfig('kubelet')}",
        f"--root-dir={parts.state}/kubelet",
        f"--cert-dir={parts.pki}/kubelet",
        f"--hostname-override={settings.NODE_NAME}",
        f"--node-ip={settings.NODE_IP}",
    )


def _reserved_mi(pods_memory: int | None) -> int:
    """What to keep from the pods so that `pods_memory` Mi are left to them."""
    if pods_memory is None:
        return 0
    total = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal"))
    return int(total.split()[1]) // 1024 - pods_memory
