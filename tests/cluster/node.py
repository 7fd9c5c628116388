"""Start and stop a real cluster: a control plane, and on demand one node with Prometheus beside it.

    with running() as cluster:
        cluster.kubectl("get", "nodes")

Everything listens on 127.0.0.1 (kubelet, Prometheus and metrics-server on a bridge of this machine alone), on ports
that were free, and keeps its state in a new temporary folder. Parts are ended by pid, never by name.
"""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from tests.cluster import binaries, registry
from tests.cluster.control_plane import start_control_plane
from tests.cluster.machine import start_machine
from tests.cluster.monitoring import start_monitoring
from tests.cluster.parts import Parts
from tests.cluster.process import ClusterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.cluster.cluster import Cluster


def start_cluster(
    *,
    control_plane_only: bool = False,
    pods_memory: int | None = None,
    apiserver_flags: Sequence[str] = (),
    detached: bool = False,
) -> Cluster:
    """A running cluster. `pods_memory` is what all pods share in Mi; `detached` leaves it to `down` to stop it."""
    if reason := binaries.missing(control_plane_only=control_plane_only):
        raise ClusterError(reason)
    parts = Parts(has_node=not control_plane_only)
    cluster = parts.cluster
    try:
        with registry.locked():
            registry.claim(cluster.state, has_node=cluster.has_node)
    except ClusterError:
        shutil.rmtree(cluster.state)
        raise
    try:
        start_control_plane(parts, apiserver_flags)
        if cluster.has_node:
            start_monitoring(parts, start_machine(parts, pods_memory))
        if detached:
            registry.leave_running(cluster.state, has_node=cluster.has_node)
    except BaseException:
        cluster.stop()
        raise
    return cluster


@contextlib.contextmanager
def running(
    *, control_plane_only: bool = False, pods_memory: int | None = None, apiserver_flags: Sequence[str] = ()
) -> Iterator[Cluster]:
    """A cluster for the length of a `with` block."""
    cluster = start_cluster(
        control_plane_only=control_plane_only, pods_memory=pods_memory, apiserver_flags=apiserver_flags
    )
    try:
        yield cluster
    finally:
        cluster.stop()
