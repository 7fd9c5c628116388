"""What damaged answers brought to light, each once and by name, so that it is tried in every run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubectl_oom.read.answer import decoded
from kubectl_oom.read.discovery import candidates_among
from kubectl_oom.read.engine import answer_of
from kubectl_oom.read.source import ReadError
from tests.fuzz_runs import said
from tests.program import oom
from tests.replay import Page, served

PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}


@pytest.mark.parametrize(
    "service",
    [
        {"metadata": [], "spec": {}},
        {"metadata": {"labels": "x"}, "spec": {"ports": [{"name": "web"}]}},
        {"metadata": {"labels": PROMETHEUS}, "spec": []},
        {"metadata": {"labels": PROMETHEUS}, "spec": {"ports": "web"}},
        {"metadata": {"labels": PROMETHEUS}, "spec": {"ports": ["web", 7, None]}},
    ],
)
def test_a_service_that_is_none_is_no_metrics_engine(service: Any) -> None:
    assert candidates_among([service]) == []


def test_half_a_character_is_read_as_go_reads_it_and_a_whole_one_as_it_is() -> None:
    assert decoded(b'{"a": ["\\ud800x", "\\uD83E\\udde8", "caf\xc3\xa9"]}') == {"a": ["\ufffdx", "\U0001f9e8", "café"]}


def test_what_is_nested_without_end_is_no_json() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        decoded(b"[" * 100_000)


@pytest.mark.parametrize("moment", [1e300, -1, "NaN", "inf", 10**400, [], None])
def test_a_sample_of_no_moment_is_an_answer_in_another_form(moment: Any) -> None:
    series = {"metric": {}, "value": [moment, "1"]}
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [series]}}).encode()

    with pytest.raises(ReadError, match="in a form that is not the Prometheus query API's"):
        answer_of(body, "it")


@pytest.mark.parametrize("warnings", [7, "none", {"a": 1}, [7, None]])
def test_warnings_that_are_no_sentences_are_none(warnings: Any) -> None:
    document = {"status": "success", "data": {"resultType": "vector", "result": []}, "warnings": warnings}

    assert answer_of(json.dumps(document).encode(), "it").warnings == ()


@pytest.mark.parametrize("items", ["x", 7, [7, "x"], [{"metadata": "x", "spec": 7, "status": []}]])
def test_the_doctor_examines_what_lists_no_objects(items: Any) -> None:
    with served(faults={"": Page(json.dumps({"items": items}))}) as server:
        ran = oom("doctor", "-s", server.url, "--request-timeout=5s", "-o", "json")

    assert ran.err == ""
    assert json.loads(ran.out)["kind"] == "SourceList"


def test_what_the_screens_encoding_does_not_have_is_a_question_mark() -> None:
    expired = json.dumps({"kind": "Status", "message": "数据", "reason": "Expired", "code": 410})

    with served(faults={"/pods": Page(expired, status=410, kind="application/json")}) as server:
        ran = said(["doctor", "-s", server.url, "--request-timeout=5s"], encoding="cp1252")

    assert ran.err == ""
    assert "- pods (namespace default): ??" in ran.out
