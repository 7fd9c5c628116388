"""What goes out over the wire, what comes back, and what is said where that is an error."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from kubectl_oom import __version__
from kubectl_oom.read import connection as connection_module
from kubectl_oom.read.connection import HttpError, api_error_hint, api_error_line
from kubectl_oom.read.source import ReadError
from tests.connection.servers import ApiServer, Asked, Reply, api_server, failure

if TYPE_CHECKING:
    from tests.connection.conftest import Opened
    from tests.connection.pki import Pki


# --- what goes out, what comes back


def test_a_get_carries_the_token_and_asks_for_gzip(server: ApiServer, opened: Opened) -> None:
    server.replies["/api/v1/pods?limit=500&labelSelector=app%3Dweb"] = Reply.gzipped(
        b'{"items": [' + b"1," * 5000 + b"1]}"
    )
    connection = opened(server.url)

    pods = connection.get_json("/api/v1/pods", {"limit": "500", "labelSelector": "app=web"})

    assert pods == {"items": [1] * 5001}
    assert [asked.headers for asked in server.asked] == [
        (
            ("Host", server.netloc),
            ("Accept", "application/json"),
            ("User-Agent", f"kubectl-oom/{__version__}"),
            ("Accept-Encoding", "gzip"),
            ("Authorization", "Bearer s3cret"),
        )
    ]
    assert (connection.server, connection.namespace, connection.requests) == (server.url, "shop", 1)
    assert 0 < connection.bytes_received < 200  # compressed, from 10 kB


def test_disable_compression_in_the_kubeconfig_is_obeyed(server: ApiServer, opened: Opened, pki: Pki) -> None:
    opened(server.url, cluster={"certificate-authority": str(pki.ca), "disable-compression": True}).get("/version")

    assert [asked.header("Accept-Encoding") for asked in server.asked] == ["identity"]


def test_get_returns_bytes_as_they_are_and_accepts_what_the_caller_accepts(server: ApiServer, opened: Opened) -> None:
    server.replies["/metrics"] = Reply.text(200, "container_memory 1\n")

    assert opened(server.url).get("/metrics", accept="text/plain") == b"container_memory 1\n"
    assert server.asked[0].header("Accept") == "text/plain"


def test_a_path_prefix_of_the_server_is_kept_and_odd_names_are_escaped(server: ApiServer, opened: Opened) -> None:
    opened(f"{server.url}/clusters/c-1/").get("/api/v1/namespaces/a b/pods/x?y#z%20")

    assert [asked.path for asked in server.asked] == ["/clusters/c-1/api/v1/namespaces/a%20b/pods/x%3Fy%23z%20"]


def test_impersonation_travels_in_the_headers_kubectl_uses(server: ApiServer, opened: Opened) -> None:
    opened(
        server.url,
        as_user="bøb",
        as_uid="7",
        as_groups=("dev", "ops"),
        as_user_extra=("Sco pe/x=1", "Sco pe/x=2", "ignored"),
    ).get("/version")

    sent = [(name, value) for name, value in server.asked[0].headers if name.startswith("Impersonate")]
    assert sent == [
        ("Impersonate-User", "bøb".encode().decode("latin-1")),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "dev"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Extra-Sco%20pe%2Fx", "1"),
        ("Impersonate-Extra-Sco%20pe%2Fx", "2"),
    ]


def test_eight_threads_share_a_pool_of_eight_connections(server: ApiServer, opened: Opened) -> None:
    connection = opened(server.url)
    meeting = threading.Barrier(8, timeout=5)

    def wait_for_the_others(_: Asked) -> Reply:
        meeting.wait()
        return Reply()

    server.replies["/together"] = wait_for_the_others
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: connection.get_json("/together"), range(24)))

    assert answers == [{}] * 24
    assert (connection.requests, connection.bytes_received) == (24, 48)


def test_close_leaves_the_connection_usable(server: ApiServer, opened: Opened) -> None:
    connection = opened(server.url)
    connection.close()
    connection.get("/1")
    connection.close()

    assert connection.get_json("/2") == {}


# --- answers that are errors


FORBIDDEN = 'pods is forbidden: User "bob" cannot list resource "pods" in API group "" in the namespace "shop"'


@pytest.mark.parametrize(
    ("reply", "line"),
    [
        (
            Reply.status_object(404, "NotFound", 'pods "x" not found'),
            'Error from server (NotFound): pods "x" not found',
        ),
        (Reply.status_object(403, "Forbidden", FORBIDDEN), f"Error from server (Forbidden): {FORBIDDEN}"),
        (
            Reply.status_object(401, "Unauthorized", "Unauthorized"),
            "error: You must be logged in to the server (Unauthorized)",
        ),
        (Reply.status_object(500, "", "etcd is unwell"), "Error from server: etcd is unwell"),
        (
            Reply.status_object(504, "Timeout", "Timeout: request did not complete"),
            "Error from server (Timeout): Timeout: request did not complete",
        ),
        (
            Reply.status_object(500, "InternalError", "\x1b[2Jgone\r\nnow"),
            "Error from server (InternalError): \\x1b[2Jgone\\r\nnow",
        ),
        (
            Reply.text(404, "404 page not found"),
            "Error from server (NotFound): the server could not find the requested resource",
        ),
        (Reply.text(403, "Forbidden (user=x)"), "Error from server (Forbidden): Forbidden (user=x)"),
        (Reply.text(403, ""), "Error from server (Forbidden): the server does not say why"),
        (
            Reply.text(503, "service unavailable"),
            "Error from server (ServiceUnavailable): the server is currently unable to handle the request",
        ),
        (
            Reply.text(500, 'a "bad" day\x07'),
            (
                'Error from server (InternalError): an error on the server ("a \\"bad\\" day\\u0007") '
                "has prevented the request from succeeding"
            ),
        ),
        (
            Reply.text(418, "teapot"),
            "Error from server: the server responded with the status code 418 but did not return more information",
        ),
        (
            Reply.text(401, "who are you?"),
            "error: You must be logged in to the server (the server has asked for the client to provide credentials)",
        ),
        (
            Reply.text(502, "<html>Bad Gateway</html>", "text/html"),
            "error: {netloc} answered with a web page (502): a proxy or a login page, not the API server",
        ),
    ],
)
def test_an_error_answer_is_said_as_kubectl_says_it(server: ApiServer, opened: Opened, reply: Reply, line: str) -> None:
    server.replies["/asked"] = reply

    error = failure(lambda: opened(server.url).get_json("/asked"))

    assert api_error_line(error) == line.format(netloc=server.netloc)
    assert isinstance(error, HttpError)
    assert (error.status, error.body) == (reply.status, reply.body)


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"<html>Sign in</html>", "a web page"),
        (b"container_memory 1", "something that is not JSON"),
        (b"", "something that is not JSON"),
        (b"[]", "JSON that is no object"),
    ],
)
def test_a_success_that_is_no_object_is_a_bad_answer(server: ApiServer, opened: Opened, body: bytes, what: str) -> None:
    server.replies["/asked"] = Reply(200, body)

    error = failure(lambda: opened(server.url).get_json("/asked"))

    assert (error.reason, error.message) == ("BadAnswer", f"{server.netloc} answered /asked with {what}")
    assert api_error_line(error) == f"error: {server.netloc} answered /asked with {what}"


def test_reasons_of_our_own_are_lines_as_well() -> None:
    assert api_error_line(ReadError("NotRecorded", "the snapshot has no nodes")) == "error: the snapshot has no nodes"
    assert api_error_hint(ReadError("NotRecorded", "the snapshot has no nodes")) is None


# --- redirects


def test_a_redirect_on_the_same_server_is_followed(server: ApiServer, opened: Opened) -> None:
    server.replies["/old"] = Reply(308, b"", {"Location": "/new"})
    server.replies["/new"] = Reply(200, b'{"here": true}')

    assert opened(server.url).get_json("/old") == {"here": True}
    assert [(asked.path, asked.header("Authorization")) for asked in server.asked] == [
        ("/old", "Bearer s3cret"),
        ("/new", "Bearer s3cret"),
    ]


def test_a_redirect_to_another_server_is_refused_and_nothing_is_sent_there(
    server: ApiServer, opened: Opened, pki: Pki
) -> None:
    with api_server(pki.server) as elsewhere:
        server.replies["/asked"] = Reply(302, b"", {"Location": f"{elsewhere.url}/login?token=abc"})
        error = failure(lambda: opened(server.url).get("/asked"))

    assert elsewhere.asked == []
    assert (error.reason, error.status) == ("BadAnswer", 302)
    assert api_error_line(error) == (
        f"error: {server.netloc} points to https://127.0.0.1, where these credentials do not belong"
    )


def test_redirects_in_a_circle_end(server: ApiServer, opened: Opened) -> None:
    server.replies["/round"] = Reply(302, b"", {"Location": "/round"})

    error = failure(lambda: opened(server.url).get("/round"))

    assert (len(server.asked), error.status) == (1 + connection_module.REDIRECTS, 302)
