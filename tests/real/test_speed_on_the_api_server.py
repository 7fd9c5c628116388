"""The benchmark beside `kubectl describe pod`, run once on a real API server: it measures what it says."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster.access import READER
from tests.real.stage import Stage

if TYPE_CHECKING:
    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).resolve().parents[2]
# What a plugin costs that is written with the official client's typed models, in CPU time of `kubectl describe pod`.
# One that got there would have lost what its own connection is for. CPU time, since other work on the machine makes
# wall time longer but not this.
TYPED_CLIENT = 8.0


def test_why_is_measured_in_turn_with_describe_and_with_its_bare_requests(api_server: Cluster) -> None:
    stage = Stage.on(api_server)
    stage.kill(stage.pod("api"))
    arguments = [str(api_server.kubeconfig(READER)), f"{stage.namespace}/api", "--runs", "3"]

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.why_speed", *arguments, "--kubectl", api_server.kubectl_binary],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},  # which must not reach what is measured
    )

    said, _, header, *rows = done.stdout.splitlines()
    measured = {row[:22].strip(): [float(word.rstrip("x")) for word in row[22:].split()] for row in rows}
    assert done.stderr == ""
    assert said.startswith("medians of 3 runs each, in turn; ")
    assert (
        int(said.rpartition("; ")[2].split()[0]) >= 5
    )  # the pod, its events, its node, the node's events, the kubelet
    assert header.split() == ["COMMAND", "WALL", "ms", "CPU", "ms", "WALL", "ratio", "CPU", "ratio"]
    assert list(measured) == ["kubectl describe pod", "kubectl oom why", "kubectl-oom why", "bare requests"]
    assert all(math.isfinite(number) and number > 0 for row in measured.values() for number in row)
    assert measured["kubectl describe pod"][2:] == [1.0, 1.0]
    assert measured["kubectl-oom why"][3] < TYPED_CLIENT
