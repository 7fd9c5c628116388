"""`list -A` on a real API server that fills up: three times the pods take no more memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.list_scale import fill, measure
from tests.cluster import binaries
from tests.cluster.node import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.cluster import Cluster

pytestmark = [pytest.mark.timeout(600), pytest.mark.api_server]

OURS = "kubectl oom list -A"
UNPAGED = "one unpaged list"
FEW, MORE = 600, 1200  # two pages, then four
# What an allocator may keep between pages; a third page held would be 20 MiB.
SLACK_BYTES = 8 << 20


@pytest.fixture
def own_api_server() -> Iterator[Cluster]:
    """A control plane of its own: thousands of pods would slow the others' tests down."""
    if reason := binaries.missing(control_plane_only=True):
        pytest.skip(reason)
    with running(control_plane_only=True) as cluster:
        yield cluster


def test_memory_stays_flat_as_pods_grow(own_api_server: Cluster) -> None:
    fill(own_api_server, FEW, killed=10)
    few = measure(own_api_server, 1)
    fill(own_api_server, MORE, killed=0, first=FEW)
    many = measure(own_api_server, 1)

    assert many[OURS][0].peak_bytes < few[OURS][0].peak_bytes + SLACK_BYTES
    assert many[UNPAGED][0].peak_bytes > few[UNPAGED][0].peak_bytes + SLACK_BYTES  # what holds them all does grow
    assert many[OURS][0].received < many[UNPAGED][0].received / 5
