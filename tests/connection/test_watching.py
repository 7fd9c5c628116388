"""Pods that are followed through whatever a server does to a watch: nothing is lost, and it goes on."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.read.watching import Follower, Listed, Pace, Shown, Trouble
from tests.connection.scripts import CHUNKED, Made, chunk, event, expired, is_pod, listed, names, pod_at, refused, watch
from tests.connection.servers import ApiServer, Asked, Reply, failure, raw_server

if TYPE_CHECKING:
    import socket
    import threading
    from pathlib import Path

    from tests.connection.conftest import Opened

# --- the usual course ----------------------------------------------------------------------------------------------


def test_the_pods_are_listed_page_by_page_and_watched_from_the_version_of_the_first_page(scene: Made) -> None:
    made = scene(
        listed(7, pod_at(3, "a"), token="next"),
        listed(7, pod_at(5, "b")),
        watch(event("ADDED", pod_at(8, "c")), event("MODIFIED", pod_at(9, "a")), event("DELETED", pod_at(10, "b"))),
        labels="app=api",
    )

    reports = made.follow(is_pod("b", deleted=True))

    assert names(reports) == ["a", "b", "c", "a", "b"]
    assert Listed(frozenset({"a", "b"})) in reports
    assert made.script.asked == [
        {"limit": "500", "labelSelector": "app=api"},
        {"limit": "500", "labelSelector": "app=api", "continue": "next"},
        {
            "watch": "true",
            "resourceVersion": "7",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": "300",
            "labelSelector": "app=api",
        },
    ]


def test_a_watch_that_expires_goes_on_from_the_last_version_of_an_object_or_a_bookmark(scene: Made) -> None:
    made = scene(
        listed(7),
        watch(event("ADDED", pod_at(8))),
        watch(event("BOOKMARK", {"kind": "Pod", "metadata": {"resourceVersion": "20"}})),
        watch(event("ADDED", pod_at(21, "b"))),
    )

    made.follow(is_pod("b"))

    assert made.script.versions == [None, "7", "8", "20"]


def test_where_the_server_has_forgotten_the_version_the_pods_are_listed_again(scene: Made) -> None:
    made = scene(
        listed(7, pod_at(5)),
        watch(expired()),
        listed(90, pod_at(80)),
        refused(410, "Expired"),
        listed(95, pod_at(80)),
        watch(event("ADDED", pod_at(96, "b"))),
    )

    reports = made.follow(is_pod("b"))

    assert made.script.versions == [None, "7", None, "90", None, "95"]
    assert sum(isinstance(report, Listed) for report in reports) == 3


# --- connections that break ----------------------------------------------------------------------------------------


BROKEN = {
    "is dropped before it is answered": None,
    "is dropped between two events": watch(event("ADDED", pod_at(8)), end=b""),
    "is dropped in the middle of an event": watch(
        event("ADDED", pod_at(8)), event("ADDED", pod_at(9, "b"))[:30], end=b""
    ),
    "is dropped in the middle of a chunk": CHUNKED + chunk(event("ADDED", pod_at(8))) + b"400\r\n{",
    "ends in the middle of an event": watch(event("ADDED", pod_at(8)), event("ADDED", pod_at(9, "b"))[:30]),
    "brings a line of garbage": watch(event("ADDED", pod_at(8)), b"<html>502</html>\n", event("ADDED", pod_at(9, "b"))),
    "brings JSON that is no event": watch(event("ADDED", pod_at(8)), b"[]\n"),
    "brings an event of an unknown type": watch(event("ADDED", pod_at(8)), event("SURPRISE", pod_at(9, "b"))),
    "brings the server's own failure": watch(
        event("ADDED", pod_at(8)), event("ERROR", {"code": 500, "reason": "InternalError", "message": "etcd"})
    ),
    "is answered with an error": refused(500, "InternalError"),
    "is answered with a page": b"HTTP/1.1 502 X\r\nContent-Length: 6\r\n\r\n<html>",
    "is answered with nonsense": b"\x00\x01\x02\r\n\r\n",
}


@pytest.mark.parametrize("broken", BROKEN)
def test_nothing_is_lost_where_a_watch(broken: str, scene: Made) -> None:
    first = BROKEN[broken]
    again = watch(event("ADDED", pod_at(8)), event("ADDED", pod_at(9, "b")))
    made = scene(listed(7), first, again)

    reports = made.follow(is_pod("b"))

    assert set(names(reports)) == {"a", "b"}
    seen_before = b'"resourceVersion": "8"' in (first or b"")
    assert made.script.versions == [None, "7", "8" if seen_before else "7"]
    assert not any(isinstance(report, Trouble) for report in reports)  # the next attempt succeeds


def test_lines_that_come_in_pieces_are_put_together(scene: Made) -> None:
    whole = event("ADDED", pod_at(8)) + event("ADDED", pod_at(9, "b"))
    pieces = [whole[start : start + 7] for start in range(0, len(whole), 7)]
    made = scene(listed(7), watch(*pieces))

    assert names(made.follow(is_pod("b"))) == ["a", "b"]


def test_an_answer_without_a_length_is_read_as_it_comes(scene: Made) -> None:
    made = scene(listed(7), b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + event("ADDED", pod_at(8)))

    assert names(made.follow(is_pod("a"))) == ["a"]


def test_a_watch_in_which_nothing_is_heard_for_too_long_is_begun_anew(scene: Made) -> None:
    made = scene(listed(7), b"", watch(event("ADDED", pod_at(8))), silent=0.2)

    start = time.monotonic()
    made.follow(is_pod("a"))

    assert time.monotonic() - start < 3
    assert made.script.versions == [None, "7", "7"]


def test_bytes_that_never_make_a_line_are_silence_too(opened: Opened) -> None:
    def drip(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(CHUNKED)
        while not over.wait(0.02):
            connection.sendall(chunk(b" "))

    with raw_server(drip) as netloc:
        connection = opened(f"http://{netloc}", {}, {}, request_timeout_seconds=5)
        start = time.monotonic()
        error = failure(lambda: list(connection.stream("/pods", {}, silent_seconds=0.3).lines()))
        took = time.monotonic() - start

    assert (error.reason, error.message) == ("Timeout", f"{netloc} sent nothing for 0.3 s")
    assert took < 3


def test_a_line_without_an_end_is_given_up(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kubectl_oom.read.stream.LONGEST_LINE", 10_000)

    def pour(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(CHUNKED)
        while not over.is_set():
            connection.sendall(chunk(b"x" * 1000))

    with raw_server(pour) as netloc:
        connection = opened(f"http://{netloc}", {}, {}, request_timeout_seconds=5)
        error = failure(lambda: list(connection.stream("/pods", {}, silent_seconds=5).lines()))

    assert (error.reason, error.message) == ("BadAnswer", f"{netloc} sent a line without an end")


# --- credentials and addresses -------------------------------------------------------------------------------------


def test_after_a_401_the_next_attempt_shows_a_fresh_token(server: ApiServer, opened: Opened, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    pods = "/api/v1/namespaces/shop/pods"

    def answer(asked: Asked) -> Reply:
        if asked.header("Authorization") == "Bearer new":
            return Reply(body=event("ADDED", pod_at(8)))
        token.write_text("new")
        return Reply.status_object(401, "Unauthorized", "expired")

    server.replies[f"{pods}?limit=500"] = Reply(body=json.dumps({"metadata": {"resourceVersion": "7"}}).encode())
    query = "watch=true&resourceVersion=7&allowWatchBookmarks=true&timeoutSeconds=300"
    server.replies[f"{pods}?{query}"] = answer
    follower = Follower(opened(server.url, {"tokenFile": str(token)}), "shop", pace=Pace(wait=lambda _: None))

    assert list(follower.start()) == [Listed(frozenset())]
    assert isinstance(next(follower.go_on()), Shown)
    assert [asked.header("Authorization") for asked in server.asked] == ["Bearer old", "Bearer old", "Bearer new"]


def test_a_watch_follows_the_server_to_another_path_and_never_to_another_server(opened: Opened) -> None:
    there = iter(["/elsewhere/pods", "http://example.com/pods"])

    def answer(connection: socket.socket, over: threading.Event) -> None:
        del over
        request = connection.recv(65536).decode()
        if request.startswith("GET /elsewhere"):
            connection.sendall(watch(b"{}\n"))
        else:
            place = next(there)
            connection.sendall(f"HTTP/1.1 307 X\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n".encode())

    with raw_server(answer) as netloc:
        connection = opened(f"http://{netloc}", {}, {}, request_timeout_seconds=5)
        assert list(connection.stream("/pods", {}, silent_seconds=5).lines()) == [b"{}"]
        error = failure(lambda: connection.stream("/pods", {}, silent_seconds=5))

    assert error.reason == "BadAnswer"
    assert "where these credentials do not belong" in error.message
