"""The kills of a survey: each with the limit in force then, those of children too, and the limits that held since."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.evidence import Verdict
from kubectl_oom.judge.history import recount
from kubectl_oom.read.engine import EngineOptions
from kubectl_oom.read.engines import connect_engine
from kubectl_oom.read.past_kills import past_kills
from kubectl_oom.read.survey_kills import KillReader
from tests.engines import require_program, running
from tests.stories import DAY, MI, End, PodStory
from tests.survey_scene import (
    CALM,
    GONE,
    NEW,
    NEW_KILL,
    ROLLOUT,
    SINCE,
    THERE,
    everything,
    live,
    story,
    survey,
    workload,
)
from tests.test_metrics_window import UNTIL, moment

if TYPE_CHECKING:
    from pathlib import Path

    from kubectl_oom.evidence import HistoryReport, WorkloadPast
    from kubectl_oom.read.survey import Surveyed

PROGRAMS = ("prometheus", "promtool")


def found_with(changed: PodStory, folder: Path) -> list[Surveyed]:
    """What a survey finds where one pod has another story."""
    series = [one for one in everything() if one.labels.get("pod") != changed.name]
    series += [one for one in changed.series() if one.points]
    with running("prometheus", series, folder) as store:
        return survey(live(connect_engine(EngineOptions(url=store.url), None)))[1]


def told(found: list[Surveyed]) -> HistoryReport:
    [shop] = [one for one in found if one.namespace == "shop"]
    return recount(shop.case, shop.pasts, since=moment(SINCE), until=moment(UNTIL))


def limits(past: WorkloadPast, pod: str) -> set[int]:
    assert past.history
    return {sample.value for life in past.history.lives if life.pod == pod for sample in life.limit}


def test_a_limit_that_was_raised_in_place_is_that_of_the_kill(tmp_path: Path) -> None:
    require_program(*PROGRAMS)
    found = found_with(replace(THERE, resized=(NEW_KILL + 900, 1024 * MI), memory=[]), tmp_path)
    past = workload(found, "shop", "api")
    assert past.window
    kills = [(kill.pod, kill.limit_bytes) for kill in past.window.kills]
    assert kills == [(GONE.name, 256 * MI), (THERE.name, 512 * MI)]
    [row] = [row for row in past.window.containers if row.pod == THERE.name]
    assert (row.limit_bytes, row.lowest_limit_bytes) == (1024 * MI, 512 * MI)


def test_where_something_was_killed_the_limits_of_all_pods_are_known_over_time(tmp_path: Path) -> None:
    require_program(*PROGRAMS)
    found = found_with(CALM, tmp_path)
    past = workload(found, "shop", "api")
    assert {pod: limits(past, pod) for pod in past.pods} == {
        GONE.name: {256 * MI},
        THERE.name: {512 * MI},
        CALM.name: {512 * MI},
    }
    assert limits(workload(found, "store", "web"), workload(found, "store", "web").pods[0]) == set()


def test_a_process_that_was_killed_in_a_container_that_runs_on_is_a_kill(tmp_path: Path) -> None:
    require_program(*PROGRAMS)
    after = 6 * 3600
    report = told(found_with(story("shop", NEW, "zz9w8", ROLLOUT, limit=512 * MI, child_killed_after=after), tmp_path))
    [api] = report.items
    [child] = [kill for kill in api.kills if kill.verdict is Verdict.CHILD_KILLED]
    assert (child.pod, child.limit_bytes, child.at) == (CALM.name, 512 * MI, moment(ROLLOUT + after + 300))
    assert report.gaps == ()


def test_that_children_were_not_counted_is_said(tmp_path: Path) -> None:
    require_program(*PROGRAMS)
    series = [one for one in everything() if one.labels["__name__"] != "container_oom_events_total"]
    with running("prometheus", series, tmp_path) as store:
        found = survey(live(connect_engine(EngineOptions(url=store.url), None)))[1]
    assert [gap.source for gap in told(found).gaps] == ["kills of child processes"]


def test_a_crash_loop_is_seen_kill_by_kill(tmp_path: Path) -> None:
    """Five minutes apart, as the kubelet's longest back-off has it; scraped every 30 s, looked at every five minutes."""
    require_program(*PROGRAMS)
    first = UNTIL - DAY // 2
    ends = tuple(End(first + n * 312) for n in range(40))
    looping = story("shop", NEW, "bcd42", ROLLOUT, *ends, limit=512 * MI, step=30)
    series = [one for one in everything() if one.labels.get("pod") != THERE.name]
    series += [one for one in looping.series() if one.points]
    with running("prometheus", series, tmp_path) as store:
        engine = connect_engine(EngineOptions(url=store.url), None)
        past = workload(survey(live(engine))[1], "shop", "api")
        raw, _ = past_kills(engine, "shop", [THERE.name], moment(SINCE), moment(UNTIL))
    assert past.window
    kills = [kill.at for kill in past.window.kills if kill.pod == THERE.name]
    assert kills == [moment(end.at) for end in ends]
    assert kills == [kill.at for kill in raw]


def test_an_end_of_another_kind_is_no_kill_where_the_engine_goes_on_showing_the_reason_before_it(
    tmp_path: Path,
) -> None:
    """What is backfilled has no staleness markers: for five minutes both reasons are there, and the time of the last."""
    require_program(*PROGRAMS)
    first = UNTIL - DAY // 2 + 60
    other, again = End(first + 7200, "Completed", 0), End(first + 14_400)
    series = story("shop", NEW, "bcd42", ROLLOUT, End(first), other, again, limit=512 * MI, step=30).series()
    with running("prometheus", [one for one in series if one.points], tmp_path) as store:
        engine = connect_engine(EngineOptions(url=store.url), None)
        found = KillReader(engine, moment(SINCE), moment(UNTIL)).kills(["shop"], [THERE.name])["shop"]
    assert [kill.at for kill in found] == [moment(first), moment(again.at)]


@pytest.mark.parametrize("shown", [7200, 120])
def test_a_run_that_was_killed_and_never_started_again_is_a_kill_among_those_that_were(
    shown: int, tmp_path: Path
) -> None:
    """Its pod was there for some time after its end, or was gone before the next five minutes were over."""
    require_program(*PROGRAMS)
    end = UNTIL - DAY // 2 + 100  # a step is taken every 300 s before the end of the window
    run = PodStory(
        "report-29384740-k7x9d",
        ("Job", "report-29384740"),
        end - 1800,
        end + shown,
        (End(end),),
        stays_dead=True,
        step=30,
        child_killed_after=None,
    )
    names = sorted((run.name, THERE.name))
    with running("prometheus", [*everything(), *(one for one in run.series() if one.points)], tmp_path) as store:
        engine = connect_engine(EngineOptions(url=store.url), None)
        raw, _ = past_kills(engine, "shop", names, moment(SINCE), moment(UNTIL))
        stepped = KillReader(engine, moment(SINCE), moment(UNTIL)).kills(["shop"], names, marked=names)["shop"]
    assert [(kill.pod, kill.exact) for kill in raw] == [(run.name, False), (THERE.name, True)]
    assert [(kill.pod, kill.exact) for kill in stepped] == [(kill.pod, kill.exact) for kill in raw]
    assert abs(stepped[0].at - moment(end)) <= timedelta(seconds=300)
