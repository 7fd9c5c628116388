"""`list -A` on a real API server that fills up: twice the pods take no more memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from benchmarks import contestants
from benchmarks.contestants import LIST_BARE, UNPAGED, Doors
from benchmarks.population import Population
from benchmarks.process import run
from benchmarks.relay import Relay
from benchmarks.survey_store import Week
from tests.cluster import binaries
from tests.cluster.node import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.cluster import Cluster

pytestmark = [pytest.mark.timeout(600), pytest.mark.api_server]

FEW, MORE = 600, 1600  # two pages, then four
# What an allocator may keep between pages; a further page held would be 10 MiB.
SLACK_BYTES = 8 << 20


@pytest.fixture
def own_api_server() -> Iterator[Cluster]:
    """A control plane of its own: thousands of pods would slow the others' tests down."""
    if reason := binaries.missing(control_plane_only=True):
        pytest.skip(reason)
    with running(control_plane_only=True) as cluster:
        yield cluster


def test_memory_stays_flat_as_pods_grow(own_api_server: Cluster, tmp_path: Path) -> None:
    population = Population(own_api_server, Week(int(time.time()) // 60 * 60))
    population.grow(FEW)
    few, _ = measured(own_api_server, tmp_path / "few")
    population.grow(MORE)
    many, received = measured(own_api_server, tmp_path / "many")

    assert many[LIST_BARE] < few[LIST_BARE] + SLACK_BYTES
    assert many[UNPAGED] > few[UNPAGED] + SLACK_BYTES  # what holds them all does grow
    assert received[LIST_BARE] < received[UNPAGED] / 5


def measured(cluster: Cluster, folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Contestant → the most memory that it held, and the bytes that it was sent."""
    peaks, received = {}, {}
    with Relay(cluster.server) as relay:
        doors = Doors.to(cluster, relay.url, "", folder)
        argvs = contestants.everything(cluster.kubectl_binary, doors)
        for name in (LIST_BARE, UNPAGED):
            before = relay.received
            peaks[name] = run(argvs[name], contestants.environment(folder), folder / "out").peak_bytes
            received[name] = relay.received - before
    return peaks, received
