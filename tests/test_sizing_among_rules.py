"""The place of the sizing rules among others, replayed: killed how often, for how much memory."""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import TYPE_CHECKING

import pytest

from benchmarks import kernel, replay, score
from benchmarks.cases import OURS, RIVALS
from benchmarks.demand import WEEK as WEEK_STEPS
from benchmarks.demand import Pod, workload
from kubectl_oom.evidence import (
    Band,
)
from kubectl_oom.judge.rationale import HELD

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.cases import Case


# --- the place among other rules -------------------------------------------------------------------------------------


@cache
def quick() -> dict[str, list[Case]]:
    cases = replay.cases_of(168, first=replay.FIRST_SEED, seeds=1, each=replay.QUICK_EACH, counted=False)
    return replay.strata(replay.with_a_size(cases))


@pytest.mark.parametrize("stratum", ["all", "never killed before", "killed before"])
@pytest.mark.parametrize("ours", OURS)
def test_no_other_rule_is_killed_less_for_less_memory(stratum: str, ours: str) -> None:
    cases = quick()[stratum]
    own = score.outcome(cases, ours, given=True)

    assert [rule for rule in RIVALS if score.dominates(score.outcome(cases, rule, given=True), own)] == []


def test_where_there_were_kills_every_other_rule_is_killed_more_often_at_equal_cost_too() -> None:
    cases = quick()["killed before"]
    own, at_equal_cost = score.outcome(cases, "balanced", given=True), score.matched(cases, "balanced", score.MATCHED)

    assert len(cases) >= 10
    assert all(score.outcome(cases, rule, given=True).killed > own.killed for rule in RIVALS)
    assert all(score.matched(cases, rule, score.MATCHED) >= at_equal_cost for rule in RIVALS)


def test_what_a_confidence_was_worth_is_what_the_document_measured() -> None:
    table = replay.DOCUMENT.read_text(encoding="utf-8").split("#### The bands of confidence")[1]
    measured = {band: int(re.search(rf"\| {band.value} \| \d+ \| (\d+) %", table)[1]) for band in Band}  # type: ignore[index]

    assert all(measured[band] - 2 <= HELD[band] <= measured[band] for band in Band)
    assert HELD[Band.HIGH] > HELD[Band.MEDIUM] > HELD[Band.LOW]


def test_the_workload_of_a_seed_is_always_the_same() -> None:
    one, again = (workload("spiky", 7, WEEK_STEPS) for _ in range(2))

    assert [pod.outside for pod in one] == [pod.outside for pod in again]


def test_the_kernel_kills_where_demand_passes_the_limit_and_the_back_off_grows() -> None:
    pod = Pod([1.0] * 10 + [5.0] * 300 + [1.0] * 90)
    past = kernel.replay(pod, 0, 400, 4.0)

    assert [(run.first, len(run.used), run.killed) for run in past.runs[:4]] == [
        (0, 10, True),
        (11, 0, True),
        (13, 0, True),
        (16, 0, True),
    ]
    assert past.runs[-1].killed is False
    assert past.highest == 1.0


def test_what_comes_with_age_begins_anew_with_every_restart() -> None:
    pod = Pod([1.0] * 20, by_age=[0.0, 1.0, 2.0])
    past = kernel.replay(pod, 0, 20, 100.0, restarts=[10])

    assert [run.used for run in past.runs] == [[1.0, 2.0] + [3.0] * 8] * 2


def test_one_rule_dominates_another_only_if_it_is_better_in_one_and_worse_in_none() -> None:
    one = score.Outcome(killed=0.1, cost=1.3)

    assert score.dominates(score.Outcome(0.1, 1.2), one)
    assert not score.dominates(one, one)
    assert not score.dominates(score.Outcome(0.2, 1.2), one)


def test_tables_are_written_between_their_marks_and_nowhere_else(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    page = "before\n<!-- {}: begin -->{}<!-- {}: end -->\nafter\n"
    document.write_text(page.format("benchmark", "\nold\n", "benchmark"), encoding="utf-8")
    replay.write(replay.MADE_UP, ["| new |"], document)

    assert document.read_text(encoding="utf-8") == page.format("benchmark", "\n\n| new |\n\n", "benchmark")


def test_real_series_without_numpy_say_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)

    with pytest.raises(SystemExit, match="needs numpy: python -m pip install numpy"):
        list(replay.real_tables(tmp_path / "any.npz"))
