"""What a metrics engine adds to `list`: pods that are gone, kills of children, repeats; from a real Prometheus."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.judge.listing import in_order, listed
from kubectl_oom.read import kill_series
from kubectl_oom.read.direct import DirectTransport
from kubectl_oom.read.engine import Engine, EngineOptions
from kubectl_oom.read.kill_list import KillReader, Selection
from kubectl_oom.read.source import PODS, ReadError
from tests.engines import require_program, running
from tests.stories import DAY, MI, End
from tests.survey_scene import (
    CALM,
    GONE,
    NEW,
    NEW_KILL,
    OLD_KILL,
    SINCE,
    THERE,
    Live,
    counted,
    everything,
    live,
    story,
)
from tests.test_metrics_window import UNTIL, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import ListedKill
    from tests.engines import RunningEngine

ALL = Selection(namespace=None, labels="", since=moment(SINCE), until=moment(UNTIL))
# Killed four times within a quarter of an hour; another one lost a child and lives on.
LOOPED = story("shop", NEW, "lp7x9", UNTIL - DAY, *(End(UNTIL - 7200 + 300 * n) for n in range(4)))
PARENT = story("store", "web-6b8c7d95f", "pr4nt", UNTIL - DAY, child_killed_after=3600)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    require_program("prometheus", "promtool")
    series = [*everything()]
    for one in (LOOPED, PARENT):
        one.memory.clear()
        series += [found for found in one.series() if found.points]
    with running("prometheus", series, tmp_path_factory.mktemp("kills")) as engine:
        yield engine


def read(source: Live, selection: Selection = ALL) -> tuple[tuple[ListedKill, ...], KillReader]:
    reader = KillReader(source, selection)
    rows = [row for lot in reader.lots() for row in listed(lot, since=selection.since, until=selection.until)]
    return in_order(rows, "namespace"), reader


def told(rows: tuple[ListedKill, ...]) -> dict[str, tuple[str, int, bool, str | None, str | None]]:
    return {
        row.pod: (row.verdict.value, row.kills, row.pod_gone, row.workload.name if row.workload else None, row.node)
        for row in rows
    }


EXPECTED = {
    GONE.name: ("container-limit", 1, True, "api", "node-a"),
    THERE.name: ("container-limit", 1, False, "api", "node-a"),
    LOOPED.name: ("container-limit", 4, True, "api", "node-a"),
    PARENT.name: ("child-killed", 1, True, "web", "node-a"),
}


def test_kills_of_gone_pods_of_children_and_repeats_are_listed_with_their_workloads(store: RunningEngine) -> None:
    engine, counting = counted(store)

    rows, reader = read(live(engine))

    assert told(rows) == EXPECTED
    assert not any(row.at_least for row in rows)
    assert {row.pod: row.last_killed_at for row in rows}[GONE.name] == moment(OLD_KILL)
    assert {row.pod: row.last_killed_at for row in rows}[THERE.name] == moment(NEW_KILL)
    assert {row.pod: row.limit_bytes for row in rows} == {
        GONE.name: 256 * MI,
        THERE.name: 512 * MI,
        LOOPED.name: 256 * MI,
        PARENT.name: 256 * MI,
    }
    assert reader.gaps == []
    assert len(counting.asked) < 60
    assert not any(CALM.name in question for question in counting.asked)  # only of pods with kills


def test_many_pods_with_kills_are_looked_at_every_five_minutes_and_that_is_said(
    store: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill_series, "RAW_SAMPLES", 10)

    rows, reader = read(live(counted(store)[0]))

    assert told(rows).keys() <= EXPECTED.keys()
    assert {name: told(rows)[name] for name in (GONE.name, THERE.name)} == {
        name: EXPECTED[name] for name in (GONE.name, THERE.name)
    }
    assert [row.at_least for row in rows if row.pod == GONE.name] == [True]
    assert "every five minutes" in " ".join(gap.reason for gap in reader.gaps)


def test_a_window_that_begins_later_knows_the_later_kills_only(store: RunningEngine) -> None:
    rows, _ = read(live(counted(store)[0]), replace(ALL, since=moment(UNTIL - 3 * 3600)))

    assert sorted(told(rows)) == sorted((THERE.name, LOOPED.name))


def test_what_the_engine_did_not_keep_leaves_counts_that_are_lower_bounds_and_is_said(store: RunningEngine) -> None:
    longer = replace(ALL, since=moment(SINCE - 30 * DAY))

    rows, reader = read(live(counted(store)[0]), longer)

    assert told(rows) == EXPECTED
    assert {row.pod: row.at_least for row in rows} == {name: name != THERE.name for name in EXPECTED}
    [gap] = reader.gaps
    began = re.search("from (....-..-..T..:..Z) on: before, only the API's last two ends", gap.reason)
    assert began is not None
    assert abs(datetime.fromisoformat(began[1].replace("Z", "+00:00")) - moment(SINCE)) < timedelta(hours=10)


def test_one_namespace_is_asked_about_alone(store: RunningEngine) -> None:
    engine, counting = counted(store)

    rows, _ = read(live(engine), replace(ALL, namespace="store"))

    assert sorted(told(rows)) == [PARENT.name]
    assert all('namespace="store"' in question for question in counting.asked)


def test_of_a_selection_the_gone_pods_of_its_workloads_are_taken(store: RunningEngine) -> None:
    rows, reader = read(live(counted(store)[0]), replace(ALL, labels="app=shop"))

    assert sorted(told(rows)) == sorted((GONE.name, THERE.name, LOOPED.name))
    assert [gap.source for gap in reader.gaps] == ["labels of pods that are gone"]


def test_a_living_pod_without_the_label_is_not_taken_for_one_that_is_gone(store: RunningEngine) -> None:
    source = live(counted(store)[0])
    [there] = [pod for pod in source.objects[PODS.qualified] if pod["metadata"]["name"] == THERE.name]
    there["metadata"]["labels"]["app"] = "another"

    assert THERE.name not in told(read(source, replace(ALL, labels="app=shop"))[0])


def test_an_engine_that_fails_half_way_costs_what_it_was_asked_about(store: RunningEngine) -> None:
    def fails(question: str) -> ReadError | None:
        broken = "last_terminated" in question and "store" not in question and "max_over_time" not in question
        return ReadError("ServerError", "the engine answered 500") if broken else None

    rows, reader = read(live(counted(store, fails)[0]))

    assert PARENT.name in told(rows)
    assert "the engine answered 500" in " ".join(gap.reason for gap in reader.gaps)


def test_an_engine_that_does_not_answer_leaves_what_the_api_shows() -> None:
    transport = DirectTransport(EngineOptions(url="http://127.0.0.1:1"))

    rows, reader = read(live(Engine(transport.label, transport)))

    assert rows == ()
    assert [gap.source for gap in reader.gaps] == ["metrics engine"]
