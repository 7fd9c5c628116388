"""A request that gets no answer: how long it takes, what it leaves behind, and what is said."""

from __future__ import annotations

import signal
import socket
import ssl
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.read.connection import api_error_hint, api_error_line
from tests.connection.servers import ApiServer, Reply, failure, raw_server, unused_port

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connection.conftest import Opened
    from tests.connection.pki import Pki


# --- time

# What a busy machine may take for what takes a moment. A rude server goes on until its test is over, and longer than
# this: whatever ends before that was ended by the limit.
A_BUSY_MACHINE = 30.0


def drip(text: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """A server that sends `text` and then one byte every 20 ms: no pause is ever long."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(text)
        while not over.wait(0.02):
            connection.sendall(b"x")

    return behave


def never_answer(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(65536)
    over.wait(2 * A_BUSY_MACHINE)


def threads_left_by(netloc: str) -> list[str]:
    """The names of the threads that still wait for this server, a while after the caller gave up."""
    waiting = [thread for thread in threading.enumerate() if netloc in thread.name]
    for thread in waiting:
        thread.join(A_BUSY_MACHINE)
    return [thread.name for thread in waiting if thread.is_alive()]


RUDE = {
    "never answers": never_answer,
    "drips its headers": drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
    "drips its body": drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
    "drips a body without an end": drip(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"),
}


@pytest.mark.parametrize("behaviour", RUDE)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_request_ends_at_its_limit_and_leaves_no_thread_behind_when_a_server(
    behaviour: str, scheme: str, opened: Opened, pki: Pki
) -> None:
    def behave(connection: socket.socket, over: threading.Event) -> None:
        if scheme == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pki.server.cert, pki.server.key)
            with context.wrap_socket(connection, server_side=True) as secured:
                RUDE[behaviour](secured, over)
        else:
            RUDE[behaviour](connection, over)

    with raw_server(behave) as netloc:
        connection = opened(f"{scheme}://{netloc}", request_timeout_seconds=0.25)
        start = time.monotonic()
        error = failure(lambda: connection.get("/version"))
        took = time.monotonic() - start

        assert 0.2 < took < A_BUSY_MACHINE
        assert threads_left_by(netloc) == []
        assert api_error_line(error) == f"Unable to connect to the server: {netloc} gave no full answer within 0.25 s"
        assert (error.reason, error.status) == ("Timeout", None)
        assert api_error_hint(error) == "Give it longer with --request-timeout=60s, or try `kubectl get --raw /readyz`"


def test_a_handshake_that_stalls_ends_at_the_limit(opened: Opened) -> None:
    with raw_server(never_answer) as netloc:
        connection = opened(f"https://{netloc}", request_timeout_seconds=0.25)
        start = time.monotonic()
        error = failure(lambda: connection.get("/version"))
        took = time.monotonic() - start

    assert took < A_BUSY_MACHINE
    assert error.reason == "Timeout"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops a SYN when the queue is full")
def test_a_server_that_is_not_reached_is_told_from_one_that_does_not_answer(opened: Opened) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        netloc = f"127.0.0.1:{listener.getsockname()[1]}"
        waiting = []
        for _ in range(4):  # fills the queue: the next one is not even refused
            waiting.append(socket.socket())
            waiting[-1].settimeout(0)
            waiting[-1].connect_ex(listener.getsockname())
        connection = opened(f"https://{netloc}", request_timeout_seconds=5.0)
        error = failure(lambda: connection.get("/version"))
        for each in waiting:
            each.close()

    assert api_error_line(error) == f"Unable to connect to the server: dial tcp {netloc}: i/o timeout"
    assert error.reason == "Timeout"


@pytest.mark.parametrize(
    ("user_says", "caller_says", "limit"),
    [
        (None, None, 15),  # our default
        (None, 40, 40),
        (60, None, 60),
        (0, None, 300),  # "for ever" has an end here
        (0, 3, 3),
        (2, 40, 2),  # the user may wait less than the caller would
        (60, 3, 3),
    ],
)
def test_a_request_may_take_what_the_user_and_the_caller_both_grant(
    opened: Opened, user_says: float | None, caller_says: float | None, limit: float
) -> None:
    connection = opened("http://127.0.0.1:1", {}, {}, request_timeout_seconds=user_says)

    assert connection._seconds(caller_says) == limit


@pytest.mark.skipif(sys.platform == "win32", reason="a thread cannot be sent SIGINT on Windows")
def test_ctrl_c_ends_a_request_that_hangs_without_a_thread_left(
    opened: Opened,
) -> None:
    user = threading.main_thread().ident
    assert user is not None

    def interrupt(connection: socket.socket, over: threading.Event) -> None:
        """Not before the request has come: the caller waits for its answer then."""
        connection.recv(65536)
        signal.pthread_kill(user, signal.SIGINT)
        over.wait(4 * A_BUSY_MACHINE)

    with raw_server(interrupt) as netloc:
        connection = opened(f"http://{netloc}", {}, {}, request_timeout_seconds=2 * A_BUSY_MACHINE)
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            connection.get("/version")
        took = time.monotonic() - start
        left = threads_left_by(netloc)

    assert took < A_BUSY_MACHINE  # of the limit, which is twice that
    assert left == []


def test_nothing_is_tried_twice(server: ApiServer, opened: Opened) -> None:
    server.replies["/busy"] = Reply(503, b"", {"Retry-After": "1"})
    connection = opened(server.url)

    assert failure(lambda: connection.get("/busy")).reason == "ServiceUnavailable"
    assert (len(server.asked), connection.requests) == (1, 1)


# --- no answer at all


def test_a_refused_connection_is_said_as_kubectl_says_it(opened: Opened) -> None:
    netloc = f"127.0.0.1:{unused_port()}"

    error = failure(lambda: opened(f"https://{netloc}/prefix").get("/version"))

    assert api_error_line(error) == (
        f"The connection to the server {netloc} was refused - did you specify the right host or port?"
    )
    assert (error.reason, error.status) == ("Unreachable", None)
    assert api_error_hint(error) == "`kubectl config view --minify` shows the server that is meant"


def test_an_unknown_host_is_named(opened: Opened) -> None:
    error = failure(lambda: opened("https://nowhere.invalid:6443").get("/version"))

    assert api_error_line(error).startswith("Unable to connect to the server: dial tcp: lookup nowhere.invalid: ")
    assert error.reason == "Unreachable"


def hang_up(connection: socket.socket, _: threading.Event) -> None:
    connection.recv(65536)


def reset(connection: socket.socket, _: threading.Event) -> None:
    connection.recv(10)  # the rest stays unread, so that closing means a reset


def say(text: bytes) -> Callable[[socket.socket, threading.Event], None]:
    def behave(connection: socket.socket, _: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(text)

    return behave


@pytest.mark.parametrize(
    ("behave", "line"),
    [
        (hang_up, "Unable to connect to the server: EOF"),
        (reset, "Unable to connect to the server: read tcp {netloc}: connection reset by peer"),
        (say(b"SSH-2.0-OpenSSH\r\n"), "Unable to connect to the server: malformed HTTP response (BadStatusLine)"),
        (say(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), "Unable to connect to the server: unexpected EOF"),
        (
            say(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
            "error: {netloc} sent an answer whose compression is damaged",
        ),
    ],
)
def test_a_connection_that_breaks_off_is_said_as_go_says_it(
    behave: Callable[[socket.socket, threading.Event], None], line: str, opened: Opened
) -> None:
    with raw_server(behave) as netloc:
        error = failure(lambda: opened(f"http://{netloc}", {}, {}).get("/version"))

    assert api_error_line(error) == line.format(netloc=netloc)
    assert error.status is None
