"""Asking an engine at a URL: an answer is read as it is meant, and what goes wrong is one clear error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.read.engine import Answer, Row, TooMuchDataError
from tests.engine_server import SUCCESS, VECTOR, Server, answering, ask, failure, refused

if TYPE_CHECKING:
    from http.server import BaseHTTPRequestHandler

# --- answers


def test_an_answer_carries_rows_result_type_and_warnings() -> None:
    body = {"status": "success", "data": VECTOR, "warnings": ["No StoreAPIs matched\x1b[31m for this query"]}
    with answering(200, json.dumps(body).encode()) as server:
        assert ask(server) == Answer(
            result_type="vector",
            rows=(Row(labels={"pod": "api"}, samples=((1764000000.5, 268435457.0),)),),
            warnings=("No StoreAPIs matched [31m for this query",),
        )


def test_the_question_says_how_long_the_server_may_take_and_is_a_get() -> None:
    with answering(200, SUCCESS) as server:
        ask(server.url + "/prometheus/", timeout_seconds=7.5)
        [asked] = server.asked
    assert (asked.method, asked.path) == ("GET", "/prometheus/api/v1/query")
    assert asked.params == {"query": "up", "timeout": "6.5"}


def test_victoriametrics_partial_answer_is_a_warning() -> None:
    body = {"status": "success", "isPartial": True, "data": {"resultType": "vector", "result": []}}
    with answering(200, json.dumps(body).encode()) as server:
        answer = ask(server)
    assert answer.rows == ()
    assert answer.warnings == ("the answer is partial: some storage nodes did not answer",)


def test_what_is_no_finite_number_is_dropped_and_counted() -> None:
    values = [[1, "1"], [2, "NaN"], [3, "+Inf"], [4, "2.5e3"]]
    body = {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}}
    with answering(200, json.dumps(body).encode()) as server:
        answer = ask(server)
    assert answer.rows == (Row(labels={}, samples=((1.0, 1.0), (4.0, 2500.0))),)
    assert answer.dropped == 2


# --- refusals: one request, one error


@pytest.mark.parametrize(
    ("status", "body", "reason", "said"),
    [
        (400, failure("bad_data", "invalid parameter"), "BadQuery", "answered 400: invalid parameter"),
        (401, b"no", "Refused", "answered 401: it wants other credentials: no"),
        (403, b"<html>no</html>", "Refused", "answered 403: these credentials may not ask it"),
        (404, b"404 page not found", "NoQueryApi", "a path such as /prometheus may be missing"),
        (422, failure("execution", "query timed out in expression evaluation"), "Timeout", "gave up: query timed out"),
        (
            422,
            failure("execution", "would load too many samples"),
            "TooMuchData",
            "refused: would load too many samples",
        ),
        (429, b"", "TooManyRequests", "answered 429: it asks for fewer questions; try again later"),
        (500, failure("internal", "boom\x07"), "ServerError", "answered 500: boom"),
        (503, b"no healthy upstream", "Unavailable", "try again later: no healthy upstream"),
        (504, b"", "Timeout", "answered 504"),
        (200, failure("execution", "late failure"), "ServerError", "answered 200: late failure"),
    ],
)
def test_a_refusal_is_one_error_in_the_engines_own_words_and_is_not_tried_again(
    status: int, body: bytes, reason: str, said: str
) -> None:
    with answering(status, body) as server:
        error = refused(server)
        assert len(server.asked) == 1
    assert (error.reason, error.status) == (reason, status)
    assert error.message.startswith(f"Prometheus {server.url} ")
    assert error.message.endswith(said) or said in error.message
    assert isinstance(error, TooMuchDataError) == (reason == "TooMuchData")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\n<!DOCTYPE html><title>Log in</title>", "answered with a web page"),
        (SUCCESS[:-20], "not JSON, or with half of it"),
        (b"", "not JSON, or with half of it"),
        (b"[]", "not the Prometheus query API's"),
        (b'{"status":"success","data":{"result":[]}}', "not the Prometheus query API's"),
        (b'{"status":"success","data":{"resultType":"vector","result":[{"value":["x"]}]}}', "not the Prometheus query"),
    ],
)
def test_a_success_that_is_no_answer_is_an_error(body: bytes, said: str) -> None:
    with answering(200, body) as server:
        error = refused(server)
    assert error.reason == "BadAnswer"
    assert said in error.message


def test_an_answer_that_breaks_off_is_an_error() -> None:
    with answering(200, SUCCESS, Content_Length=str(len(SUCCESS) + 100)) as server:
        error = refused(server)
    assert error.reason == "BadAnswer"
    assert error.message == f"Prometheus {server.url} broke off in the middle of its answer"


def test_an_answer_without_end_is_too_much_data() -> None:
    def pour(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b" " * (1 << 20))

    with Server(pour).listening() as server:
        assert refused(server).message == f"Prometheus {server.url} sent more than 32 MiB"
