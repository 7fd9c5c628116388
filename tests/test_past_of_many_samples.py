"""A past of too many samples to read: its course keeps the limits, so a kill is still held against the right one."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.evidence import CaseFile, Confidence, Owner, Pattern, Sample
from kubectl_oom.judge.history import recount
from kubectl_oom.judge.kills import kills_of
from kubectl_oom.judge.past import Past
from kubectl_oom.judge.seen import seen
from kubectl_oom.read import past as reading
from kubectl_oom.read.engine import EngineOptions
from kubectl_oom.read.engines import connect_engine
from tests.engines import ENGINES, Series, require_program, running
from tests.stories import DAY, MI, End, PodStory, owned, told

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kubectl_oom.evidence import WorkloadPast

UNTIL = 1_764_000_000
SINCE, KILL, RESIZE = UNTIL - 7 * DAY, UNTIL - 2 * DAY + 77, UNTIL - DAY
REPLICA_SET = "api-7d9c5b6f4d"
POD, CALM = f"{REPLICA_SET}-x2x8p", f"{REPLICA_SET}-bcd42"


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, tz=timezone.utc)


@pytest.fixture(params=ENGINES)
def past(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkloadPast:
    """Of two pods, one of them killed at 512Mi and resized in place to 2Gi a day later."""
    require_program(request.param, *(["promtool"] if request.param == "prometheus" else []))
    owner = ("ReplicaSet", REPLICA_SET)
    stories = (
        PodStory(
            POD,
            owner,
            SINCE,
            UNTIL,
            (End(KILL),),
            limit=512 * MI,
            resized=(RESIZE, 2048 * MI),
            child_killed_after=None,
        ),
        PodStory(CALM, owner, SINCE, UNTIL, limit=512 * MI, uid="u2", child_killed_after=None),
    )
    monkeypatch.setattr(reading, "RAW_SAMPLES", 100)
    series = told(*stories, of=[owned("shop", "api", REPLICA_SET, SINCE, UNTIL)])
    with running(request.param, series, tmp_path) as store:
        engine = connect_engine(EngineOptions(url=store.url), None)
        workload = Owner(api_version="apps/v1", kind="Deployment", name="api")
        return reading.read_past(engine, "shop", workload, [POD, CALM], moment(SINCE), moment(UNTIL))


def test_the_limit_at_the_kill_is_the_one_before_the_resize(past: WorkloadPast) -> None:
    assert past.stepped_seconds == 300
    (kill,) = kills_of(
        Past(
            namespace="shop",
            diagnoses=(),
            window=past.window,
            history=past.history,
            alive=frozenset(past.pods),
        )
    )

    assert (kill.at, kill.limit_bytes) == (moment(KILL), 512 * MI)


def test_a_limit_that_never_changed_stands_at_both_ends_of_the_course(past: WorkloadPast) -> None:
    assert past.history is not None
    (calm,) = [life for life in past.history.lives if life.pod == CALM]
    first, last = calm.working_set[0].at, calm.working_set[-1].at

    assert calm.limit == (Sample(at=first, value=512 * MI), Sample(at=last, value=512 * MI))


@pytest.mark.parametrize("dropped", ["nothing", "id"])
def test_a_leak_that_is_killed_again_and_again_is_no_collector_at_work(
    dropped: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each instance is a life of its own; an engine that keeps no ids has the kills to tell them apart."""
    require_program("prometheus", "promtool")
    kills = [SINCE + n * 28 * 3600 + 77 for n in range(1, 6)]

    def leaks(at: int) -> float:
        return (100 + 14.5 * (at - max(SINCE, *(kill for kill in [SINCE, *kills] if kill < at))) / 3600) * MI

    ends = tuple(End(at) for at in kills)
    story = PodStory(
        POD, ("ReplicaSet", REPLICA_SET), SINCE, UNTIL, ends, limit=512 * MI, needs=leaks, child_killed_after=None
    )
    monkeypatch.setattr(reading, "RAW_SAMPLES", 100)
    series = told(story, of=[owned("shop", "api", REPLICA_SET, SINCE, UNTIL)])
    if dropped == "id":
        series = [one for one in series if "id" not in one.labels] + joined(one for one in series if "id" in one.labels)
    with running("prometheus", series, tmp_path) as store:
        engine = connect_engine(EngineOptions(url=store.url), None)
        workload = Owner(api_version="apps/v1", kind="Deployment", name="api")
        past = reading.read_past(engine, "shop", workload, [POD], moment(SINCE), moment(UNTIL))

    (item,) = recount(CaseFile(pods=()), [past], since=moment(SINCE), until=moment(UNTIL)).items

    assert past.stepped_seconds == 300
    assert (item.pattern, item.confidence) == (Pattern.LEAK, Confidence.LIKELY)
    assert [(kill.at, kill.pattern) for kill in item.kills] == [(moment(at), Pattern.LEAK) for at in reversed(kills)]
    assert all((kill.highest_sampled_bytes or 0) > 500 * MI for kill in item.kills)


def test_a_day_that_is_read_in_steps_of_a_month_is_a_day_and_its_samples_are_as_far_apart_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_program("prometheus", "promtool")
    born, month_ago = UNTIL - DAY, moment(UNTIL - 30 * DAY)
    story = PodStory(POD, ("ReplicaSet", REPLICA_SET), born, UNTIL, limit=512 * MI, step=60, child_killed_after=None)
    monkeypatch.setattr(reading, "RAW_SAMPLES", 100)
    with running("prometheus", told(story), tmp_path) as store:
        engine = connect_engine(EngineOptions(url=store.url), None)
        past = reading.read_past(engine, "shop", None, [POD], month_ago, moment(UNTIL))

    (item,) = recount(CaseFile(pods=()), [past], since=month_ago, until=moment(UNTIL)).items

    assert (past.stepped_seconds, item.interval_seconds) == (1800, 60)
    assert seen(item, item.kills, until=moment(UNTIL)).span_hours == pytest.approx(24, abs=0.5)
    assert item.reason == "only the highest sample of each 30 min was read, and no shape can be told from those"


def joined(instances: Iterable[Series]) -> list[Series]:
    """The series of the instances as one each, as they are without their ids."""
    found: dict[tuple[tuple[str, str], ...], list[tuple[int, float]]] = {}
    for one in instances:
        labels = tuple((name, value) for name, value in one.labels.items() if name != "id")
        found.setdefault(labels, []).extend(one.points)
    return [Series(dict(labels), points) for labels, points in found.items()]
