"""Node.js: V8's heap for each process, its floor, and versions that do not see the limit."""

from __future__ import annotations

import pytest

from tests.build import GI, MI
from tests.heap import advice, changes, run_as, told


@pytest.mark.parametrize(
    ("limit", "heap"), [(128 * MI, 256 * MI), (512 * MI, 256 * MI), (GI, 512 * MI), (4 * GI, 2 * GI), (16 * GI, 4 * GI)]
)
def test_by_default_v8_takes_half_between_its_floor_and_its_ceiling(limit: int, heap: int) -> None:
    assert advice(run_as("node", "server.js"), limit).heap_cap_bytes == heap


def test_where_versions_differ_the_default_is_a_range_and_not_a_number() -> None:
    found = advice(run_as("node"), 6 * GI)

    assert found.heap_cap_bytes is None
    assert "that is 2Gi to 3Gi under today's limit of 6Gi" in told(found)


def test_the_floor_is_not_below_a_limit_of_256mi() -> None:
    found = advice(run_as("node"), 256 * MI, highest=250 * MI, killed=256 * MI, wanted=320 * MI)

    assert "A heap of 256Mi is not below today's limit of 256Mi: when it fills, the kernel kills" in told(found)
    assert changes(found) == [("--max-old-space-size", "240", None, False)]


def test_a_size_counts_once_for_each_process_of_pm2() -> None:
    four = run_as("pm2-runtime", "-i", "4", "app.js", env={"NODE_OPTIONS": "--max-old-space-size=512"})
    by_cpus = run_as("pm2", "start", "app.js", "-i", "max", env={"NODE_OPTIONS": "--max-old-space-size=512"})

    found = advice(four, GI, highest=1000 * MI, killed=GI, wanted=2 * GI)
    assert (found.heap_cap_bytes, found.least_limit_bytes) == (2 * GI, 2_863_311_531)
    assert "pm2 starts 4 processes, each with such a heap: 2Gi together." in told(found)
    assert changes(found) == [("NODE_OPTIONS", "--max-old-space-size=384", "--max-old-space-size=512", True)]
    assert advice(by_cpus, GI, cpus=8).heap_cap_bytes == 4 * GI


def test_a_percentage_wins_over_a_size_and_follows_the_arithmetic() -> None:
    both = run_as("node", "--max-old-space-size=100", "--max-old-space-size-percentage=90")
    found = advice(both, GI, killed=GI, wanted=2 * GI)

    assert found.heap_cap_bytes == round(0.9 * GI)
    assert found.least_limit_bytes == pytest.approx(GI * 0.35 / 0.1, abs=8)
    assert changes(found) == [
        ("--max-old-space-size-percentage", "75", "--max-old-space-size-percentage=90 in the command", False)
    ]


def test_the_least_limit_is_reckoned_without_rounding_what_is_not_heap() -> None:
    found = advice(run_as("node", "--max-old-space-size-percentage=90"), None, killed=1)

    assert found.least_limit_bytes == 4  # 0.35 of a byte / (1 - 0.9); rounded first, it would be nothing


def test_an_option_beside_others_that_are_not_recorded_is_named_and_not_written() -> None:
    found = advice(
        run_as("node", env={"NODE_OPTIONS": "--require x --max-old-space-size=2048"}), GI, highest=GI, wanted=GI
    )
    none = advice(run_as("node", env={"NODE_OPTIONS": "--require x"}), 256 * MI, highest=200 * MI, wanted=256 * MI)

    assert changes(found) == [("--max-old-space-size", "768", "--max-old-space-size=2048 in NODE_OPTIONS", False)]
    assert changes(none) == [("--max-old-space-size", "192", None, False)]


@pytest.mark.parametrize("image", ["node:18.20.4-alpine", "node:20.2.0", "node:16"])
def test_a_version_that_does_not_see_cgroup_v2_is_told_its_heap(image: str) -> None:
    found = advice(run_as("node", image=image), GI, highest=500 * MI, wanted=GI)

    assert found.heap_cap_bytes is None
    assert "does not read the limit on a node with cgroup v2 (20.3 and later do" in told(found)
    assert changes(found) == [("--max-old-space-size", "768", None, False)]


@pytest.mark.parametrize(
    "image", ["node:20.3.0", "node:20-alpine", "node:22.1.0", "node:latest", "node:lts", "shop:18.1.0"]
)
def test_no_other_tag_speaks_of_old_versions(image: str) -> None:
    assert "cgroup" not in told(advice(run_as("node", image=image), GI))


def test_names_of_machines_are_no_node_js() -> None:
    from kubectl_oom.judge.runtime import runtime_of

    for image in ("prom/node-exporter:v1", "docker.io/calico/node:v3", "csi-node-driver-registrar:v2", "aws-node:1"):
        assert runtime_of(run_as(image=image)) is None
