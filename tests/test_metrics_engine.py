"""Asking an engine at a URL: what goes wrong is one clear error, in time, and credentials stay where they belong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kubectl_oom.read.direct import DirectTransport
from kubectl_oom.read.engine import Answer, Engine, EngineOptions, Row, TooMuchDataError
from kubectl_oom.read.engines import connect_engine
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from pathlib import Path

VECTOR = {"resultType": "vector", "result": [{"metric": {"pod": "api"}, "value": [1764000000.5, "268435457"]}]}
SUCCESS = json.dumps({"status": "success", "data": VECTOR}).encode()
SECRET = "s3cr3t-t0ken"


class Asked:
    """What a server was asked."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        self.method = handler.command
        self.path = parts.path
        self.params = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.authorization = handler.headers.get("Authorization")
        self.headers = handler.headers


class Server:
    """A real HTTP server that answers as it is told to and remembers who asked."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        self.asked: list[Asked] = []
        self.over = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(Asked(self))
                try:
                    answer(self)
                except OSError:  # the client has gone, as some of these tests want
                    self.close_connection = True

            do_POST = do_CONNECT = do_GET  # noqa: N815 - the names that the base class calls

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def use_tls(self, context: ssl.SSLContext) -> None:
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self.port}"

    @contextmanager
    def listening(self) -> Iterator[Server]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield self
        finally:
            self.over.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()


def reply(handler: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    """One whole answer."""
    handler.send_response(status)
    for name, value in {"Content_Length": str(len(body)), **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[Server]:
    with Server(lambda handler: reply(handler, status, body, **headers)).listening() as server:
        yield server


def ask(server: Server | str, **options: Any) -> Answer:
    url = server if isinstance(server, str) else server.url
    return connect_engine(EngineOptions(url=url, **options), None).query("up")


def refused(server: Server | str, **options: Any) -> ReadError:
    with pytest.raises(ReadError) as caught:
        ask(server, **options)
    return caught.value


def failure(kind: str, said: str) -> bytes:
    return json.dumps({"status": "error", "errorType": kind, "error": said}).encode()


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


# --- time


Slow = Callable[[BaseHTTPRequestHandler, threading.Event], None]
# What a busy machine may take for what takes a moment; a server that hangs does so until its test is over.
A_BUSY_MACHINE = 30.0


def hang(_: BaseHTTPRequestHandler, over: threading.Event) -> None:
    over.wait(2 * A_BUSY_MACHINE)


def drip_headers(handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(0.05):
        handler.wfile.write(b"1")


def drip_body(handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    while not over.wait(0.05):
        handler.wfile.write(b" ")


def begin_a_body(handler: BaseHTTPRequestHandler, over: threading.Event) -> None:
    reply(handler, 200, SUCCESS[:20], Content_Length=str(len(SUCCESS)))
    handler.wfile.flush()
    hang(handler, over)


def slow(answer: Slow) -> Server:
    """A server that answers so until it is over."""
    server: Server = Server(lambda handler: answer(handler, server.over))
    return server


@pytest.mark.parametrize("answer", [hang, drip_headers, drip_body])
def test_an_answer_takes_no_longer_than_agreed_in_all(answer: Slow) -> None:
    with slow(answer).listening() as server:
        started = time.monotonic()
        error = refused(server, timeout_seconds=0.4)
        took = time.monotonic() - started
    assert error.reason == "Timeout"
    assert 0.3 < took < A_BUSY_MACHINE


@pytest.mark.parametrize("answer", [hang, begin_a_body])
def test_a_server_that_was_reached_and_is_silent_is_late_whoever_notices_first(answer: Slow) -> None:
    """Here the connection does; as a rule the limit on the whole does, which begins a moment earlier."""
    with slow(answer).listening() as server:
        transport = DirectTransport(EngineOptions(url=server.url))
        with pytest.raises(ReadError) as caught:
            transport.ask("query", {"query": "up"}, 0.2)
    assert (caught.value.reason, caught.value.message) == ("Timeout", f"{transport.label} gave no answer in time")


def test_an_answer_that_came_too_late_is_not_taken_for_the_next_one() -> None:
    asked_again, answered_late = threading.Event(), threading.Event()

    def first_is_late(handler: BaseHTTPRequestHandler) -> None:
        if Asked(handler).params["query"] == "next":
            asked_again.set()
            answered_late.wait(A_BUSY_MACHINE)
            reply(handler, 200, SUCCESS)
            return
        asked_again.wait(A_BUSY_MACHINE)
        try:
            reply(handler, 200, b'{"status":"success","data":{"resultType":"vector","result":[]}}')
        finally:  # nobody may be there to take it
            answered_late.set()

    with Server(first_is_late).listening() as server:
        transport = DirectTransport(EngineOptions(url=server.url))
        hasty, patient = (Engine("it", transport, timeout_seconds=limit) for limit in (0.4, 2 * A_BUSY_MACHINE))
        with pytest.raises(ReadError, match=r"no full answer|no answer in time"):
            hasty.query("late")
        assert len(patient.query("next").rows) == 1
        assert answered_late.is_set()


def test_nobody_listening_is_said_at_once() -> None:
    started = time.monotonic()
    error = refused("http://127.0.0.1:1")
    assert (error.reason, error.message) == (
        "Unreachable",
        "no connection to Prometheus http://127.0.0.1:1: Connection refused",
    )
    assert time.monotonic() - started < 4  # with the client's own retries it would be 6


# --- credentials


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"token": f"{SECRET}\n"}, f"Bearer {SECRET}"),
        ({"basic_auth": "me:pä:ss"}, "Basic bWU6cMOkOnNz"),
        ({"headers": (("Authorization", "Custom x"),)}, "Custom x"),
        ({}, None),
    ],
)
def test_credentials_are_sent_as_given_whatever_netrc_says(
    options: dict[str, Any], sent: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("default login somebody password else\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with answering(200, SUCCESS) as server:
        ask(server, **options)
        assert [asked.authorization for asked in server.asked] == [sent]


def test_a_token_file_and_other_headers_are_sent(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{SECRET}\n")
    with answering(200, SUCCESS) as server:
        ask(server, token_file=str(tmp_path / "token"), headers=(("X-Scope-OrgID", "team-a"),))
        [asked] = server.asked
    assert asked.authorization == f"Bearer {SECRET}"
    assert asked.headers["X-Scope-OrgID"] == "team-a"


def test_credentials_in_the_url_are_sent_and_never_shown() -> None:
    with answering(500, b"") as server:
        error = refused(f"http://me:p%40ss@127.0.0.1:{server.port}/x/")
        [asked] = server.asked
    assert asked.authorization == "Basic bWU6cEBzcw=="
    assert error.message == f"Prometheus http://127.0.0.1:{server.port}/x answered 500"


def test_a_redirect_is_not_followed_and_says_where_it_leads() -> None:
    with answering(200, SUCCESS) as other:
        location = f"http://u:p@127.0.0.1:{other.port}/login?next=/api"
        with answering(302, b"", Location=location) as server:
            error = refused(server, token=SECRET)
        assert other.asked == []
    assert error.reason == "Redirected"
    assert f"sends on to http://127.0.0.1:{other.port}/login, perhaps to log in" in error.message


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(200, SUCCESS) as proxy:
        for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", proxy.url)
        ask("http://prometheus.example:9090")
        assert [asked.headers["Host"] for asked in proxy.asked] == ["prometheus.example:9090"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"url": "prometheus:9090"}, "is no URL of a metrics engine"),
        ({"url": "http://prometheus:port"}, "is no URL"),
        ({"url": "https:///api"}, "is no URL of a metrics engine"),
        ({"url": f"http://x:{SECRET}@prometheus/?a=b"}, "ends before `?` and `#`"),
        ({"token": SECRET, "basic_auth": "a:b"}, "more than one of"),
        ({"url": f"http://u:{SECRET}@prometheus", "token": SECRET}, "more than one of"),
        ({"token": f"{SECRET}\nX-Evil: 1"}, "characters that no token has"),
        ({"headers": (("X-Bad", f"{SECRET}\r\nX: y"),)}, "header 'X-Bad' cannot be sent"),
        ({"headers": (("X Bad", SECRET),)}, "header 'X Bad' cannot be sent"),
        ({"token_file": "/no/such/file"}, "/no/such/file cannot be read: No such file"),
        ({"client_key": "/k"}, "a client key needs the client certificate"),
        ({"labels": (("clu ster", "x"),)}, "'clu ster' is no label name"),
        ({"url": None, "token": SECRET}, "need the URL they are for"),
        ({"url": None}, "no cluster to look for one in"),
        ({"enabled": False}, "as requested"),
    ],
)
def test_options_that_cannot_be_meant_are_said_without_their_secrets(options: dict[str, Any], said: str) -> None:
    given = EngineOptions(**{"url": "http://127.0.0.1:1", **options})
    with pytest.raises(ReadError) as caught:
        connect_engine(given, None).query("up")
    assert said in caught.value.message
    assert SECRET not in caught.value.message
    assert SECRET not in repr(given)
