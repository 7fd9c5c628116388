"""`recommend -A`: rows as they come, one document where it is one, progress on a terminal only."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.cli.output import Output
from kubectl_oom.cli.streaming import stream
from kubectl_oom.cli.surveying import Progress, Reach, stock_of, surveyed_proposals
from kubectl_oom.errors import OomError
from kubectl_oom.judge.propose import Asked
from kubectl_oom.read import survey_batches
from kubectl_oom.read.kinds import kind_named
from kubectl_oom.read.replay import load
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.stock import take_stock
from kubectl_oom.read.targets import Scope, Target
from tests.engines import RunningEngine, require_program, running
from tests.survey_scene import CROWD, EVERYWHERE, QUIET, SINCE, counted, everything, live
from tests.test_metrics_window import UNTIL, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.survey_scene import Live

REACH = Reach(since=moment(SINCE), until=moment(UNTIL), asked=Asked())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    require_program("prometheus", "promtool")
    with running("prometheus", everything(), tmp_path_factory.mktemp("everywhere")) as engine:
        yield engine


def output(name: str) -> Output:
    return Output(format=name, width=120, colour=False, ascii_only=False)


def printed(source: Live, form: str, capsys: pytest.CaptureFixture[str], *, prometheus: bool = True) -> tuple[str, str]:
    """What `recommend -A -o form` prints, and what it says on stderr."""
    stream(source, take_stock(source, EVERYWHERE), EVERYWHERE, {"prometheus": prometheus}, REACH, output(form))
    told = capsys.readouterr()
    return told.out, told.err


def test_rows_are_printed_namespace_by_namespace_under_one_header(
    store: RunningEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = printed(live(counted(store)[0]), "text", capsys)
    rows = [line.split() for line in out.partition("\n\n")[0].splitlines()]
    assert [row[:3] for row in rows] == [
        ["RISK", "NAMESPACE", "WORKLOAD"],
        ["killed", "shop", "deploy/api"],
        ["none", "crowd", "deploy/many"],
        ["unknown", QUIET, "deploy/still"],
        ["none", "store", "deploy/web"],
    ]
    assert "4 containers: 1 at risk (1 killed), 1 with nothing known." in out
    assert "single pods" in out
    assert err == ""  # not a terminal: no progress


def test_csv_has_one_header_and_what_is_missing_is_said_beside_it(
    store: RunningEngine, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    source = live(counted(store)[0])
    stream(source, take_stock(source, EVERYWHERE), EVERYWHERE, {"prometheus": True}, REACH, output("csv"))
    told = capsysbinary.readouterr()
    rows = list(csv.DictReader(io.StringIO(told.out.decode(), newline="")))
    assert [row["namespace"] for row in rows] == ["shop", "crowd", QUIET, "store"]
    assert b"single pods" in told.err


def test_a_document_is_one_and_sorted_by_risk_over_all_namespaces(
    store: RunningEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = printed(live(counted(store)[0]), "json", capsys)
    document = json.loads(out)
    assert [(item["namespace"], item["risk"]) for item in document["items"]] == [
        ("shop", "killed"),
        ("store", "none"),
        ("crowd", "none"),
        (QUIET, "unknown"),
    ]
    assert "single pods" in [gap["source"] for gap in document["gaps"]]


def test_what_was_printed_stays_where_the_question_is_broken_off(
    store: RunningEngine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the second batch is asked about: the rows of the first are there."""

    def interrupted(query: str) -> ReadError | None:
        if 'namespace="crowd"' in query:
            raise KeyboardInterrupt
        return None

    engine, _ = counted(store, interrupted)
    monkeypatch.setattr(survey_batches, "CONTAINERS_AT_ONCE", len(CROWD))
    with pytest.raises(KeyboardInterrupt):
        printed(live(engine), "text", capsys)
    assert "deploy/api" in capsys.readouterr().out


def test_without_an_engine_every_container_is_answered_from_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = printed(live(), "text", capsys, prometheus=False)
    assert out.count("deploy/") == 4
    assert "low" in out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_that_is_erased(store: RunningEngine) -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    source = live(counted(store)[0])
    stock = take_stock(source, EVERYWHERE)
    for _ in surveyed_proposals(source, EVERYWHERE, stock, {"prometheus": True}, REACH, progress):
        progress.show()
    progress.clear()
    shown = terminal.getvalue().split("\r\x1b[K")
    assert shown[0] == shown[-1] == ""
    assert shown[1] == "namespaces 0/4, containers 0/65"
    assert shown[2] == "namespaces 1/4, containers 2/65"
    assert shown[-2] == "namespaces 4/4, containers 65/65"


def test_nothing_is_shown_where_stderr_is_no_terminal() -> None:
    pipe = io.StringIO()
    progress = Progress(pipe)
    progress.show()
    progress.clear()
    assert pipe.getvalue() == ""


def test_a_small_selection_a_snapshot_and_what_was_named_are_read_in_full() -> None:
    few = live()
    few.objects["pods"] = few.objects["pods"][:20]
    assert stock_of(few, EVERYWHERE) is None
    assert stock_of(load("kubectl_oom/incidents/slow-growth.json"), EVERYWHERE) is None
    named = Scope(targets=(Target(kind_named("deploy"), "many"),), namespace="crowd")
    assert stock_of(live(), named) is None
    assert stock_of(live(), EVERYWHERE) is not None


def test_of_a_kind_only_its_pods_are_surveyed() -> None:
    deployments = Scope(targets=(Target(kind_named("deploy"), None),), namespace=None)
    found = stock_of(live(), deployments)
    assert found
    assert sum(len(pods) for pods in found[1].pods.values()) == len(CROWD) + 5
    assert stock_of(live(), Scope(targets=(Target(kind_named("sts"), None),), namespace=None)) is None


def test_a_container_that_no_pod_has_is_an_error_as_for_one_pod() -> None:
    scope = Scope(targets=EVERYWHERE.targets, namespace=None, container="nginx")
    with pytest.raises(OomError, match="container nginx is not valid for pod"):
        stock_of(live(), scope)


def test_pods_that_may_not_be_listed_are_kubectls_error() -> None:
    refused = ReadError("Forbidden", 'pods is forbidden: User "eve" cannot list resource "pods"', 403)
    with pytest.raises(OomError, match="Forbidden"):
        stock_of(live(failures={"list pods": refused}), EVERYWHERE)
