"""An engine that is slow, silent or not there: an error in words, within the time that was agreed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

from kubectl_oom.read.direct import DirectTransport
from kubectl_oom.read.engine import Engine, EngineOptions
from kubectl_oom.read.source import ReadError
from tests.engine_server import SUCCESS, Asked, Server, refused, reply

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
    said = f"{transport.label} gave no full answer within 0.2 s"
    assert (caught.value.reason, caught.value.message) == ("Timeout", said)


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
        with pytest.raises(ReadError, match="no full answer"):
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
