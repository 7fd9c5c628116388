"""Go: GOMEMLIMIT against the limit, its units, and what it leaves out."""

from __future__ import annotations

import pytest

from kubectl_oom.judge.heap.go import size_of
from tests.build import GI, MI
from tests.heap import advice, changes, run_as, told


def test_nine_tenths_of_the_limit_are_left_as_they_are() -> None:
    found = advice(run_as(env={"GOMEMLIMIT": "460MiB"}), 512 * MI, highest=400 * MI, wanted=512 * MI)

    assert (found.runtime, found.heap_cap_bytes, found.least_limit_bytes) == ("go", 460 * MI, None)
    assert found.sentences == ("GOMEMLIMIT=460MiB is 90% of today's limit of 512Mi.",)
    assert found.settings == ()


def test_a_soft_limit_left_behind_by_a_raised_limit_is_raised_with_it() -> None:
    found = advice(run_as(env={"GOMEMLIMIT": "460MiB"}), 512 * MI, highest=500 * MI, wanted=GI)

    assert "GOMEMLIMIT=460MiB is 45% of the recommended limit of 1Gi: the collector works to stay below it" in told(
        found
    )
    assert changes(found) == [("GOMEMLIMIT", "921MiB", "460MiB", True)]


def test_a_limit_in_units_is_read_by_go_as_bytes() -> None:
    source = {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}

    found = advice(run_as(valued={"GOMEMLIMIT": source}), 512 * MI)

    assert told(found).startswith(
        "GOMEMLIMIT is (limits.memory / 1Mi): Kubernetes fills in a number without its unit, and Go reads it as bytes"
    )
    assert found.heap_cap_bytes is None


def test_the_whole_limit_leaves_nothing_for_what_go_does_not_count() -> None:
    source = {"resourceFieldRef": {"resource": "limits.memory"}}

    found = advice(run_as(valued={"GOMEMLIMIT": source}), 512 * MI, wanted=512 * MI)
    assert found.heap_cap_bytes == 512 * MI
    assert "GOMEMLIMIT is the whole limit (resourceFieldRef limits.memory)" in told(found)
    assert "460MiB of today's limit" in told(found)
    assert changes(found) == [("GOMEMLIMIT", "460MiB", "(limits.memory)", True)]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1073741824", GI),
        ("1GiB", GI),
        ("64KiB", 64 << 10),
        ("1Gi", None),
        ("512Mi", None),
        ("1GB", None),
        ("1.5GiB", None),
    ],
)
def test_only_gos_own_units_are_a_size(text: str, size: int | None) -> None:
    assert size_of(text) == size


def test_units_of_kubernetes_stop_the_program() -> None:
    found = advice(run_as(env={"GOMEMLIMIT": "460Mi"}), 512 * MI, wanted=512 * MI)

    assert found.heap_cap_bytes is None
    assert "GOMEMLIMIT=460Mi is refused by Go, and the program does not start" in told(found)
    assert changes(found) == [("GOMEMLIMIT", "460MiB", "460Mi", True)]


def test_a_collector_that_is_off_needs_a_limit_of_its_own() -> None:
    assert "GOGC=off without GOMEMLIMIT: nothing is ever collected" in told(advice(run_as(env={"GOGC": "off"}), GI))
    assert "GOGC=off" not in told(advice(run_as(env={"GOGC": "off", "GOMEMLIMIT": "900MiB"}), GI))


def test_a_value_from_a_config_map_is_not_guessed_and_not_overwritten() -> None:
    found = advice(run_as(env={"GOMEMLIMIT": "(set by a ConfigMap)"}), GI, wanted=2 * GI)

    assert found.heap_cap_bytes is None
    assert "GOMEMLIMIT is (set by a ConfigMap), and what it holds is not known" in told(found)
    assert changes(found) == [("GOMEMLIMIT", "1843MiB", "(set by a ConfigMap)", False)]


def test_a_known_program_without_the_setting_gets_one() -> None:
    found = advice(run_as(image="registry.k8s.io/coredns/coredns:v1.11"), 170 * MI, wanted=192 * MI)

    assert "GOMEMLIMIT is not set: unless the program does it itself" in told(found)
    assert changes(found) == [("GOMEMLIMIT", "172MiB", None, True)]
