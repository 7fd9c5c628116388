"""What fails costs the namespaces it is about; the others are answered, and the gap says what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_oom.evidence import Gap
from kubectl_oom.read.engine import EngineOptions, TooMuchDataError
from kubectl_oom.read.engines import connect_engine
from kubectl_oom.read.source import POD_METRICS, ReadError
from tests.engines import RunningEngine, require_program, running
from tests.stories import DAY, MI, End, flat
from tests.survey_scene import (
    CALM,
    CROWD,
    QUIET,
    SINCE,
    THERE,
    counted,
    everything,
    live,
    pod_of,
    story,
    survey,
    workload,
)
from tests.test_metrics_window import UNTIL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kubectl_oom.read.survey import Surveyed

OWNERS_REMEDY = (
    'grant get,list on replicasets,deployments,statefulsets,daemonsets,jobs,cronjobs in apiGroups ["apps,batch"]: '
    "docs/clusterrole.yaml"
)
NUMBERS = "container_memory_working_set_bytes"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    require_program("prometheus", "promtool")
    with running("prometheus", everything(), tmp_path_factory.mktemp("failures")) as engine:
        yield engine


def sampled(found: Sequence[Surveyed]) -> dict[str, int]:
    """Namespace → containers with numbers; -1 where the engine said nothing about it."""
    return {
        one.namespace: sum(len(past.window.containers) for past in one.pasts if past.window)
        if all(past.window for past in one.pasts)
        else -1
        for one in found
    }


ALL = {"shop": 3, "crowd": len(CROWD), QUIET: 0, "store": 1}


def test_a_namespace_that_is_too_much_for_the_engine_is_a_gap_and_the_others_are_answered(tmp_path: Path) -> None:
    """Six hundred pods whose names all end alike: no part of them is small enough."""
    require_program("prometheus", "promtool")
    pods = [f"dense-7d95f-{number:04}b" for number in range(600)]
    labels = {"namespace": "dense", "container": "app"}
    dense = [flat(NUMBERS, range(SINCE + 600, UNTIL, 10_800), 50 * MI, pod=pod, **labels) for pod in pods]
    with running("prometheus", everything() + dense, tmp_path, "--query.max-samples=10000") as engine:
        source = live(connect_engine(EngineOptions(url=engine.url), None))
        source.objects["pods"].append(pod_of("dense", pods[0], "dense-7d95f"))
        _, found = survey(source)
    assert sampled(found) == ALL | {"dense": -1}
    [one] = [one for one in found if one.namespace == "dense"]
    [gap] = one.case.gaps
    assert gap.source == "metrics engine (namespace dense)"
    assert "too many samples" in gap.reason


def test_a_question_that_fails_is_asked_again_by_namespace(store: RunningEngine) -> None:
    broken = ReadError("ServerError", "Prometheus answered 500", 500)
    engine, _ = counted(
        store, lambda query: broken if "crowd" in query and "quantile_over_time(0.95" in query else None
    )
    made, found = survey(live(engine))
    assert sampled(found) == ALL | {"crowd": -1}
    [crowd] = [one for one in found if one.namespace == "crowd"]
    assert crowd.case.gaps == (
        Gap(
            source="metrics engine (namespace crowd)",
            reason="Prometheus answered 500",
            remedy="run `kubectl oom doctor`",
        ),
    )
    used = {now.working_set_bytes for nows in crowd.case.now_by_container.values() for now in nows}
    assert used == {99 * MI}  # what its pods use now is all that is left
    assert made.gaps == []


def test_what_is_too_much_at_once_is_asked_in_parts_and_nothing_is_lost(store: RunningEngine) -> None:
    """Several namespaces at once are refused, and one of them as a whole."""

    def refuses(query: str) -> ReadError | None:
        too_much = NUMBERS in query and "namespace=~" in query and "3599s" not in query
        too_much |= NUMBERS in query and 'namespace="crowd"' in query and 'pod=~".*' not in query
        return TooMuchDataError("TooMuchData", "too many samples") if too_much else None

    engine, asked = counted(store, refuses)
    _, found = survey(live(engine))
    assert sampled(found) == ALL
    whole = workload(survey(live(counted(store)[0]))[1], "crowd", "many")
    assert workload(found, "crowd", "many") == whole
    owners = [query for query in asked.asked if "kube_pod_owner" in query and 'namespace="crowd"' in query]
    assert len(owners) in (1, 2)  # for the whole of it, if that came so far, and for the first part; not for every part


def test_an_engine_that_gives_no_answer_in_time_is_left_alone_soon(store: RunningEngine) -> None:
    late = ReadError("Timeout", "Prometheus gave no full answer within 30 s")
    engine, asked = counted(store, lambda query: late if "quantile_over_time(0.95" in query else None)
    _, found = survey(live(engine))
    assert sampled(found) == dict.fromkeys(ALL, -1)
    assert sum("quantile_over_time(0.95" in query for query in asked.asked) == 3
    gaps = {gap for one in found for gap in one.case.gaps}
    assert {gap.reason for gap in gaps} == {late.message, "it failed again and again, and was not asked any more"}
    assert len(gaps) == 2


def test_kills_that_cannot_be_read_leave_no_size_made_without_them(tmp_path: Path) -> None:
    """And only where they cannot be read: another namespace with a kill is answered."""
    require_program("prometheus", "promtool")
    killed = story("store", "web-6b8c7d95f", "bcd42", SINCE, End(SINCE + DAY))
    broken = ReadError("ServerError", "Prometheus answered 500", 500)
    series = [*everything(), *(one for one in killed.series() if one.points)]
    with running("prometheus", series, tmp_path) as engine:
        failing, _ = counted(
            engine, lambda query: broken if "last_terminated_timestamp" in query and "shop" in query else None
        )
        _, found = survey(live(failing))
    assert sampled(found) == ALL | {"shop": -1, "store": 2}
    window = workload(found, "store", "web").window
    assert window
    assert [kill.pod for kill in window.kills] == [killed.name]


def test_without_an_engine_status_and_one_list_of_what_is_used_now_have_to_do() -> None:
    source = live()
    made, found = survey(source)
    assert sampled(found) == dict.fromkeys(ALL, -1)
    assert {gap.source for gap in made.gaps} == {"metrics engine"}
    used = [now.working_set_bytes for one in found for nows in one.case.now_by_container.values() for now in nows]
    assert used == [99 * MI] * (len(CROWD) + 5)
    assert source.asked == {"list pods": 2, "list replicasets": 1, "list nodes": 1, "pages": 4}  # PodMetrics are `pods`


def test_where_nothing_can_be_read_but_pods_each_loss_is_a_gap() -> None:
    refused = ReadError("Forbidden", "forbidden", 403)
    source = live(failures={"list replicasets": refused, "list nodes": refused})
    source.objects[POD_METRICS.qualified] = []
    made, found = survey(source, metrics=False)
    assert [(gap.source, gap.remedy) for gap in made.gaps] == [
        (
            "owners (ReplicaSets)",
            OWNERS_REMEDY,
        ),
        ("nodes", "grant list on nodes: docs/clusterrole.yaml"),
    ]
    assert workload(found, "shop", "api").pods == tuple(sorted((THERE.name, CALM.name)))
    assert workload(found, "shop", "api").workload.kind == "Deployment"  # type: ignore[union-attr]


def test_pods_that_cannot_be_listed_are_an_error() -> None:
    with pytest.raises(ReadError, match="forbidden"):
        survey(live(failures={"list pods": ReadError("Forbidden", "forbidden", 403)}))
