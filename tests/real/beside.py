"""The real kubectl, run beside the tool: what it says is what the tool is held to."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.real.tool import RUN_SECONDS, Ran

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.cluster import Cluster


def kubectl(cluster: Cluster, kubeconfig: Path, *args: str) -> Ran:
    """What one run of kubectl did, with that kubeconfig in KUBECONFIG and nothing else in its environment."""
    command = [cluster.kubectl_binary, *args]
    environment = {"KUBECONFIG": str(kubeconfig), "HOME": str(cluster.state), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_SECONDS,
        env=environment,
    )
    return Ran(args, done.returncode, done.stdout, done.stderr)
