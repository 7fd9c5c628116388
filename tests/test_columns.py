"""Several numbers in few questions: the same numbers, whatever the engine refuses, in request lines that pass."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from kubectl_oom.evidence import Owner
from kubectl_oom.read.columns import QUESTION_CHARACTERS, Column, Columns
from kubectl_oom.read.engine import Answer, Engine, EngineOptions, Row, TooMuchDataError
from kubectl_oom.read.engines import connect_engine
from kubectl_oom.read.lives import WORKING_SET
from kubectl_oom.read.past import read_past
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.window import read_window
from tests.engines import ENGINES, RunningEngine, require_program, running
from tests.survey_scene import counted
from tests.test_metrics_window import CALM, GONE, SINCE, THERE, UNTIL, everything, moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kubectl_oom.evidence import MemoryWindow

PODS = sorted(story.name for story in (GONE, THERE, CALM))
API = Owner(api_version="apps/v1", kind="Deployment", name="api")
FEW = 8  # questions about a workload and the pods it had; one by one they would be 28
REQUEST_LINE = 8192  # nginx's default
HIGHEST = Column("max by (pod, container) (max_over_time(SERIES))", (WORKING_SET,))
COLUMNS = {
    "highest": HIGHEST,
    "count": Column("count by (pod) (count_over_time(SERIES))", (WORKING_SET,)),
    "mean": Column("sum by (pod) (sum_over_time(SERIES)) / sum by (pod) (sum_over_time(SERIES))", (WORKING_SET,)),
    "node": Column("max by (pod, node) (last_over_time(SERIES))", ("kube_pod_info",)),
    "nothing": Column("min by (pod) (min_over_time(SERIES))", ("no_such_series",)),
}


@pytest.fixture(scope="module", params=ENGINES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    require_program(request.param, *(["promtool"] if request.param == "prometheus" else []))
    with running(request.param, everything(), tmp_path_factory.mktemp(request.param)) as engine:
        yield engine


def columns(engine: Engine, pods: Sequence[str] = PODS) -> Columns:
    return Columns(engine, "shop", pods, UNTIL - SINCE, lambda expr: engine.query(expr, at=moment(UNTIL)))


def window(engine: Engine) -> MemoryWindow:
    return read_window(engine, "shop", PODS, moment(SINCE), moment(UNTIL))


def as_a_set(rows: Sequence[Row]) -> set[tuple[object, ...]]:
    return {(*sorted(row.labels.items()), row.samples) for row in rows}


def test_columns_that_are_asked_together_are_those_asked_one_by_one(store: RunningEngine) -> None:
    engine, asked = counted(store)
    together = columns(engine).rows(COLUMNS)
    assert len(asked.asked) == 1
    for name, column in COLUMNS.items():
        assert as_a_set(columns(engine).rows({name: column})[name]) == as_a_set(together[name])
    assert {name: len(rows) for name, rows in together.items()} == {
        "highest": 3,
        "count": 3,
        "mean": 3,
        "node": 3,
        "nothing": 0,
    }


def test_a_workload_with_pods_that_are_gone_costs_few_questions(store: RunningEngine) -> None:
    engine, asked = counted(store)
    past = read_past(engine, "shop", API, [THERE.name, CALM.name], moment(SINCE), moment(UNTIL))
    assert past.window is not None and past.history is not None
    assert past.pods == tuple(PODS)
    assert len(past.window.kills) == 3
    assert {life.pod for life in past.history.lives} == set(PODS)
    assert len(asked.asked) <= FEW, asked.asked


def test_what_the_engine_refuses_as_too_much_is_asked_in_parts_down_to_one_number_of_one_pod(
    store: RunningEngine,
) -> None:
    whole = window(counted(store)[0])

    def refuses(query: str) -> ReadError | None:
        too_much = "over_time" in query and ("pod=~" in query or "label_replace" in query)
        return TooMuchDataError("TooMuchData", "too many samples") if too_much else None

    engine, asked = counted(store, refuses)
    assert window(engine) == whole
    assert any("label_replace" in query and "pod=~" not in query for query in asked.asked)  # pods first, then columns


def test_a_number_of_one_pod_that_is_too_much_is_said(store: RunningEngine) -> None:
    def refuses(query: str) -> ReadError | None:
        return TooMuchDataError("TooMuchData", "too many samples") if "quantile_over_time(0.99" in query else None

    with pytest.raises(TooMuchDataError, match="too many samples"):
        window(counted(store, refuses)[0])


def test_one_question_without_an_answer_leaves_no_half_of_the_numbers(store: RunningEngine) -> None:
    def fails(query: str) -> ReadError | None:
        return ReadError("Timeout", "late") if "kube_pod_info" in query else None

    with pytest.raises(ReadError, match="late"):
        window(counted(store, fails)[0])


@pytest.mark.parametrize("labels", [{}, {"oom_column": "of another question"}, {"oom_column": ""}])
def test_a_row_that_does_not_say_which_number_it_is_is_none_of_them(labels: dict[str, str]) -> None:
    row = Row(labels={"pod": "a", "container": "app", **labels}, samples=((UNTIL, 7.0),))
    engine = Engine("Engine", Fixed(Answer(result_type="vector", rows=(row,))))

    assert columns(engine, ["a"]).rows(COLUMNS) == {name: [] for name in COLUMNS}


@dataclass(frozen=True)
class Fixed:
    """A way to an engine that says the same to everything."""

    answer: Answer

    def ask(self, endpoint: str, params: Mapping[str, str], timeout_seconds: float) -> Answer:
        assert endpoint and params and timeout_seconds
        return self.answer


@pytest.mark.parametrize("count", [1, 3, 40, 400])
@pytest.mark.parametrize("name", ["api-{}", "checkout-orders-reconciliation-worker-7d9c5b6f4d-{:05}", "a.b-{:05}"])
def test_every_question_fits_into_a_request_line_and_every_number_of_a_pod_is_asked_for_once(
    name: str, count: int
) -> None:
    asked: list[str] = []

    def ask(expr: str) -> Answer:
        asked.append(expr)
        return Answer(result_type="vector", rows=())

    pods = [name.format(number) for number in range(count)]
    engine = connect_engine(EngineOptions(url="http://127.0.0.1:1"), None)  # nobody is asked there
    Columns(engine, "shop", pods, UNTIL - SINCE, ask).rows(COLUMNS)
    assert max(len(quote(query)) for query in asked) <= QUESTION_CHARACTERS < REQUEST_LINE - 500
    pieces = [piece for query in asked for piece in re.split(r" or (?=label_replace\()", query)]
    found = Counter((column_in(piece), pod) for piece in pieces for pod in pods_in(piece))
    assert found == Counter((column, pod) for column in COLUMNS for pod in pods)


def column_in(expression: str) -> str:
    [name] = [name for name, column in COLUMNS.items() if column.template.partition("SERIES")[0] in expression]
    return name


def pods_in(expression: str) -> list[str]:
    names, *others = re.findall(r'pod=~?"([^"]*)"', expression)
    assert set(others) <= {names}  # where an expression names its series twice
    return [name.replace(r"\\.", ".") for name in names.split("|")]
