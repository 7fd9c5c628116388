"""Real servers for tests: started once for all of them, stopped at the end."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from tests.cluster import binaries, borrowed
from tests.cluster.node import running
from tests.real.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.cluster import Cluster

SMALL_PODS_MEMORY_MI = 900  # what a fast hog outgrows in a second, and a slow one in a minute


class Nodes:
    """The one node of this machine: full-sized, or with little memory for its pods."""

    def __init__(self) -> None:
        self._current: contextlib.ExitStack | None = None

    def start(self, pods_memory: int | None) -> Cluster:
        """A new node of that size, in place of the one that runs."""
        self.stop()
        stack = contextlib.ExitStack()
        cluster = stack.enter_context(running(pods_memory=pods_memory))
        self._current = stack
        return cluster

    def stop(self) -> None:
        """End the node that runs, if any."""
        if self._current:
            self._current.close()
            self._current = None


@pytest.fixture(scope="session")
def nodes() -> Iterator[Nodes]:
    if reason := binaries.missing():
        pytest.skip(reason)
    nodes = Nodes()
    yield nodes
    nodes.stop()


@pytest.fixture(scope="session")
def node(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A node with Prometheus: our own, or the cluster that `KUBECTL_OOM_TEST_KUBECONFIG` names."""
    if kubeconfig := os.environ.get(borrowed.KUBECONFIG):
        with borrowed.borrow(kubeconfig) as cluster:
            yield cluster
        return
    nodes: Nodes = request.getfixturevalue("nodes")
    yield nodes.start(None)


@pytest.fixture(scope="session")
def small_node(nodes: Nodes) -> Cluster:
    """A node whose pods share 900 Mi; it takes the other node's place."""
    return nodes.start(SMALL_PODS_MEMORY_MI)


@pytest.fixture(scope="session")
def api_server() -> Iterator[Cluster]:
    """A control plane without any node: for what a test writes through the status subresource."""
    if reason := binaries.missing(control_plane_only=True):
        pytest.skip(reason)
    with running(control_plane_only=True) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def scene(node: Cluster) -> Iterator[Scene]:
    """Every scenario, set up side by side on the node."""
    scene = Scene.set_up(node)
    yield scene
    if node.borrowed:  # ours is thrown away as a whole
        scene.tear_down()
