"""The options of `recommend` and its forms of output, as a program of its own on bundled incidents."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from tests.program import oom
from tests.replay import INCIDENTS

GROWING = ["recommend", "deploy/slow-growth", "-n", "demo", "--from", str(INCIDENTS / "slow-growth.json")]
BAD = {
    "--profile x": 'error: invalid value "x" for --profile: must be one of lean, balanced, safe, default, stateless, '
    "stateful, batch, peak",
    "--headroom -5": 'error: invalid value "-5" for --headroom: must be a number, and not below 0',
    "--headroom much": 'error: invalid value "much" for --headroom: must be a number, and not below 0',
    "--headroom nan": 'error: invalid value "nan" for --headroom: must be a number, and not below 0',
    "--target-qos y": 'error: invalid value "y" for --target-qos: must be one of guaranteed, burstable',
    "--ram-price abc": 'error: invalid value "abc" for --ram-price: must be a number, and not below 0',
    "--ram-price -1": 'error: invalid value "-1" for --ram-price: must be a number, and not below 0',
    "--ram-price inf": 'error: invalid value "inf" for --ram-price: must be a number, and not below 0',
    "--class z": 'error: invalid value "z" for --class: must be one of stateless, stateful, batch',
    "--since 0s": 'error: invalid duration "0s"',
    "-o name": 'error: unable to match a printer suitable for the output format "name", allowed formats are: '
    "csv,hpa,json,markdown,text,wide,yaml",
}


@pytest.mark.parametrize("flags", BAD)
def test_a_bad_value_is_refused_in_one_line(flags: str) -> None:
    assert oom(*GROWING, *flags.split()).line == BAD[flags]


@pytest.mark.parametrize("command", ["why", "history", "recommend", "fix"])
def test_whoever_names_nothing_is_sent_to_the_help_of_the_same_command(command: str) -> None:
    ran = oom(command, "--from", str(INCIDENTS / "slow-growth.json"))

    assert ran.err.splitlines() == [
        "error: you must specify what to look at: a pod or TYPE/NAME, -l SELECTOR or -A",
        f"See 'kubectl oom {command} -h' for help and examples",
    ]


def limits(*flags: str) -> tuple[int, int]:
    """Request and limit in bytes as recommended under these flags."""
    (item,) = oom(*GROWING, *flags, "-o", "json").document["items"]
    return item["recommended"]["requestBytes"], item["recommended"]["limitBytes"]


def test_a_safer_profile_asks_for_more() -> None:
    sizes = [limits("--profile", name)[1] for name in ("lean", "balanced", "safe")]

    assert sizes == sorted(set(sizes))


def test_guaranteed_makes_request_and_limit_the_same() -> None:
    request, limit = limits("--target-qos", "Guaranteed")

    assert request == limit


def test_headroom_is_taken_with_and_without_its_sign() -> None:
    assert limits("--headroom", "50") == limits("--headroom", "50%")


def test_the_class_can_be_said() -> None:
    (item,) = oom(*GROWING, "--class", "batch", "-o", "json").document["items"]

    assert item["class"] == "batch"


def test_a_price_of_nothing_leaves_money_out() -> None:
    assert "USD" not in oom(*GROWING, "--ram-price", "0").out
    assert "USD" in oom(*GROWING, "--ram-price", "2").out


def test_csv_is_all_that_is_on_stdout_and_what_could_not_be_seen_is_said_beside_it() -> None:
    ran = oom(*GROWING, "-o", "csv")

    (row,) = csv.DictReader(StringIO(ran.out))
    assert (ran.code, row["workload_name"], row["risk"]) == (0, "slow-growth", "killed")
    (item,) = oom(*GROWING, "-o", "json").document["items"]
    assert row["recommended_limit_bytes"] == str(item["recommended"]["limitBytes"])
    gaps = oom(*GROWING, "-o", "json").document["gaps"]
    assert ran.err.splitlines() == [f"{gap['source']}: {gap['reason']}" for gap in gaps]


def test_the_forms_agree_on_the_command() -> None:
    (item,) = oom(*GROWING, "-o", "json").document["items"]

    assert item["command"] in oom(*GROWING, "-o", "markdown").out.splitlines()
    assert item["command"] in oom(*GROWING, "-o", "yaml").out.replace("command: ", "").replace("  ", "")
    assert item["command"] in oom(*GROWING, "--width", "200").out
