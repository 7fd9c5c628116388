""".NET: the hard limit, its default, and numbers that are hexadecimal."""

from __future__ import annotations

import pytest

from kubectl_oom.judge.heap.dotnet import hexadecimal
from tests.build import GI, MI
from tests.heap import advice, changes, run_as, told


def test_by_default_the_heap_is_three_quarters_and_never_less_than_20_mb() -> None:
    aspnet = run_as(image="mcr.microsoft.com/dotnet/runtime:8.0")

    found = advice(aspnet, 512 * MI, highest=500 * MI, killed=512 * MI, wanted=GI)
    assert (found.runtime, found.heap_cap_bytes, found.least_limit_bytes, found.settings) == (
        "dotnet",
        384 * MI,
        None,
        (),
    )
    assert "at least 128Mi was not heap" in told(found)
    assert advice(aspnet, 16 * MI).heap_cap_bytes == 20_000_000


def test_75_in_the_environment_means_117_percent() -> None:
    found = advice(run_as(env={"DOTNET_GCHeapHardLimitPercent": "75"}), 512 * MI, killed=512 * MI, wanted=GI)

    assert found.heap_cap_bytes == 512 * MI * 117 // 100
    assert found.least_limit_bytes is None  # no limit is large enough
    assert "Environment values of .NET are hexadecimal: 75 means 117 %; 75 % is written 4B." in told(found)
    assert changes(found) == [("DOTNET_GCHeapHardLimitPercent", "4B", "75", True)]


def test_a_percentage_that_was_meant_follows_the_arithmetic() -> None:
    found = advice(run_as(env={"COMPlus_GCHeapHardLimitPercent": "0x3C"}), GI, killed=GI, wanted=2 * GI)

    assert found.heap_cap_bytes == GI * 60 // 100
    assert found.least_limit_bytes == pytest.approx(GI * 0.65 / 0.4, abs=8)
    assert "hexadecimal" not in told(found)
    assert found.settings == ()


def test_a_hard_limit_in_bytes_is_hexadecimal_too() -> None:
    right = advice(run_as(env={"DOTNET_GCHeapHardLimit": "C800000"}), 512 * MI, highest=150 * MI)
    wrong = advice(run_as(env={"DOTNET_GCHeapHardLimit": "536870912"}), 512 * MI, highest=500 * MI, wanted=640 * MI)

    assert (right.heap_cap_bytes, right.least_limit_bytes) == (200 * MI, 279_620_267)
    assert "536870912 means 20.9Gi, not 512Mi, which is written 20000000." in told(wrong)
    assert changes(wrong) == [("DOTNET_GCHeapHardLimit", "1E000000", "536870912", True)]


def test_the_server_collector_is_named() -> None:
    assert "one heap for each CPU" in told(advice(run_as("dotnet", env={"DOTNET_gcServer": "1"}), GI))
    assert "one heap for each CPU" not in told(advice(run_as("dotnet", env={"DOTNET_gcServer": "0"}), GI))


@pytest.mark.parametrize("value", ["(set by a Secret)", "(not recorded)"])
def test_what_is_no_number_is_not_guessed(value: str) -> None:
    found = advice(run_as(env={"DOTNET_GCHeapHardLimit": value}), GI, highest=GI, killed=GI, wanted=2 * GI)

    assert (found.heap_cap_bytes, found.least_limit_bytes, found.settings) == (None, None, ())
    assert found.sentences == (f"How large its heap may grow is not known: DOTNET_GCHeapHardLimit is {value}.",)


@pytest.mark.parametrize(
    ("text", "number"), [("4B", 75), ("0x4b", 75), ("75", 117), ("", None), ("7G", None), ("-1", None)]
)
def test_numbers_are_read_as_dotnet_reads_them(text: str, number: int | None) -> None:
    assert hexadecimal(text) == number
