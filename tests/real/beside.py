"""The real kubectl, run beside the tool: what it says is what the tool is held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.real.tool import Ran, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.cluster import Cluster


def kubectl(cluster: Cluster, kubeconfig: Path, *args: str) -> Ran:
    """What one run of kubectl did, with that kubeconfig in KUBECONFIG and nothing else in its environment."""
    environment = {"KUBECONFIG": str(kubeconfig), "HOME": str(cluster.state), "PATH": "/usr/bin:/bin"}
    return run([str(cluster.kubectl_binary)], args, environment)
