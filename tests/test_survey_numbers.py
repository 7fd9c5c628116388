"""A cluster surveyed on real engines: the numbers are those of each workload alone, in a handful of questions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.read.engine import EngineOptions
from kubectl_oom.read.engines import connect_engine
from kubectl_oom.read.window import read_window
from tests.engines import ENGINES, RunningEngine, require_program, running
from tests.stories import MI
from tests.survey_scene import (
    CALM,
    CROWD,
    EVERYWHERE,
    GONE,
    NEW_KILL,
    OLD_KILL,
    QUIET,
    SINCE,
    THERE,
    counted,
    everything,
    live,
    numbers,
    survey,
    workload,
)
from tests.test_metrics_window import UNTIL, moment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module", params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    require_program(request.param, *(["promtool"] if request.param == "prometheus" else []))
    with running(request.param, everything(), tmp_path_factory.mktemp(request.param)) as engine:
        yield engine


@pytest.mark.parametrize(("namespace", "name"), [("shop", "api"), ("store", "web"), ("crowd", "many")])
def test_the_numbers_are_those_of_the_workload_asked_about_alone(
    store: RunningEngine, namespace: str, name: str
) -> None:
    engine, _ = counted(store)
    past = workload(survey(live(engine), p99=True)[1], namespace, name)
    alone = read_window(engine, namespace, past.pods, moment(SINCE), moment(UNTIL))
    assert numbers(past.window) == numbers(alone)
    assert past.window
    assert past.window.kills_known
    assert past.window.interval_seconds == 300
    assert past.history
    tops = {(life.pod, life.container): max(s.value for s in life.working_set) for life in past.history.lives}
    assert tops == {
        (row.pod, row.container): row.working_set.max_sampled_bytes for row in alone.containers if row.working_set
    }


def test_pods_since_replaced_and_their_kills_count_for_their_workload(store: RunningEngine) -> None:
    engine, _ = counted(store)
    past = workload(survey(live(engine))[1], "shop", "api")
    assert past.pods == tuple(sorted((GONE.name, THERE.name, CALM.name)))
    assert past.window
    assert [(kill.pod, kill.at, kill.exact, kill.limit_bytes) for kill in past.window.kills] == [
        (GONE.name, moment(OLD_KILL), True, 256 * MI),
        (THERE.name, moment(NEW_KILL), True, 512 * MI),
    ]
    rows = {row.pod: (row.limit_bytes, row.lowest_limit_bytes, row.image) for row in past.window.containers}
    assert rows == {
        GONE.name: (256 * MI, 256 * MI, GONE.image),
        THERE.name: (512 * MI, 512 * MI, THERE.image),
        CALM.name: (None, None, None),  # nothing was killed in it: what its limit is, its status tells
    }


def test_the_number_of_questions_does_not_depend_on_the_number_of_pods(store: RunningEngine) -> None:
    """Six once, four for every two thousand containers, and four more where something was killed."""
    engine, asked = counted(store)
    _, found = survey(live(engine))
    assert len(asked.asked) == 14
    assert len([past for one in found for pod in one.pasts for past in pod.pods]) > len(CROWD)
    few = live(engine)
    few.objects["pods"] = [pod for pod in few.objects["pods"] if pod["metadata"]["name"] in (CALM.name, CROWD[0].name)]
    asked.asked.clear()
    survey(few)
    assert len(asked.asked) == 14


def test_the_api_server_is_asked_for_a_few_lists_and_no_pod_alone(store: RunningEngine) -> None:
    source = live(counted(store)[0])
    survey(source)
    assert source.asked == {"list pods": 1, "list replicasets": 1, "list nodes": 1, "pages": 3}


def test_namespaces_with_kills_come_first(store: RunningEngine) -> None:
    _, found = survey(live(counted(store)[0]))
    assert [one.namespace for one in found] == ["shop", "crowd", QUIET, "store"]


def test_a_namespace_that_the_engine_does_not_know_has_no_samples_and_is_no_failure(store: RunningEngine) -> None:
    made, found = survey(live(counted(store)[0]))
    past = workload(found, QUIET, "still")
    assert past.window
    assert past.window.containers == ()
    assert past.window.warnings == (f"Prometheus {store.url} holds nothing about namespace {QUIET}",)
    assert made.gaps == []


def test_what_was_selected_by_label_is_asked_about_by_the_names_of_its_workloads(store: RunningEngine) -> None:
    engine, asked = counted(store)
    _, found = survey(live(engine), replace(EVERYWHERE, namespace="crowd", labels="app=crowd"))
    past = workload(found, "crowd", "many")
    assert past.window
    assert len(past.window.containers) == len(CROWD)
    assert [expr for expr in asked.asked if "quantile_over_time(0.95" in expr and 'pod=~"many.*"' in expr]


def test_without_kube_state_metrics_gone_pods_are_put_to_workloads_by_name_and_that_is_said(tmp_path: Path) -> None:
    require_program("prometheus", "promtool")
    series = [one for one in everything() if not one.labels["__name__"].startswith("kube_")]
    with running("prometheus", series, tmp_path) as store:
        _, found = survey(live(connect_engine(EngineOptions(url=store.url), None)))
    past = workload(found, "shop", "api")
    assert past.pods == tuple(sorted((GONE.name, THERE.name, CALM.name)))
    assert past.window
    assert (past.window.kills, past.window.kills_known) == ((), False)
    [warning] = past.window.warnings
    assert warning == (
        f"pods that are gone were put to their workloads by their names, since Prometheus {store.url} does not hold "
        "their owners (kube_pod_owner of kube-state-metrics)"
    )
