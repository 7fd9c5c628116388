"""`list --contexts`: several clusters at once, and those of them that hang, refuse or are not there."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from tests.build import NOW
from tests.connection.servers import Asked, Reply, api_server, raw_server, unused_port
from tests.documents import SCHEMA
from tests.in_memory import pod_json
from tests.program import oom

if TYPE_CHECKING:
    import socket
    import threading
    from pathlib import Path

    from tests.connection.servers import ApiServer

ASKED = ("list", "--now", NOW.isoformat(), "--contexts")
WAIT_SECONDS = 5.0  # --request-timeout


def serving(server: ApiServer, *pods: str) -> str:
    """The address of a server that lists these pods, each killed once."""

    def reply(asked: Asked) -> Reply:
        path = asked.path.partition("?")[0]
        items = [pod_json(name) for name in pods] if path.endswith("/pods") else []
        return Reply.text(200, json.dumps({"metadata": {}, "items": items}), "application/json")

    server.reply = reply  # type: ignore[method-assign]
    return server.url


def kubeconfig(folder: Path, **servers: str) -> str:
    """A kubeconfig with a context for each server."""
    file = folder / "config"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": next(iter(servers)),
        "contexts": [{"name": name, "context": {"cluster": name, "user": "me"}} for name in servers],
        "clusters": [{"name": name, "cluster": {"server": address}} for name, address in servers.items()],
        "users": [{"name": "me", "user": {}}],
    }
    file.write_text(json.dumps(document))
    return str(file)


def test_one_of_several_clusters_that_does_not_answer_does_not_silence_the_others(tmp_path: Path) -> None:
    with api_server() as eu, api_server() as us:
        silent = f"http://127.0.0.1:{unused_port()}"
        config = kubeconfig(tmp_path, eu=serving(eu, "api-0"), gone=silent, us=serving(us, "web-0", "web-1"))
        asked = (*ASKED, "eu,gone,us,eu", "-A", "--no-prometheus", "--kubeconfig", config)
        ran, judged = oom(*asked), oom(*asked, "--exit-code", "-o", "json")

    assert ran.code == 1
    assert [line.split()[:3] for line in ran.out.splitlines()] == [
        ["CONTEXT", "NAMESPACE", "POD"],
        ["eu", "shop", "api-0"],
        ["us", "shop", "web-0"],
        ["us", "shop", "web-1"],
    ]
    assert f"context gone: The connection to the server {silent.removeprefix('http://')} was refused" in ran.err
    assert judged.code == 2
    document = json.loads(judged.out)
    SCHEMA.validate(document)
    assert [item["context"] for item in document["items"]] == ["eu", "us", "us"]
    assert "context gone" in {gap["source"] for gap in document["gaps"]}


def test_that_nothing_was_found_is_said_of_those_that_answered_and_of_nobody_else(tmp_path: Path) -> None:
    with api_server() as eu, api_server() as us:
        silent = f"http://127.0.0.1:{unused_port()}"
        config = kubeconfig(tmp_path, eu=serving(eu), us=serving(us), gone=silent)
        asked = ("--no-prometheus", "--kubeconfig", config)
        ran = [oom(*ASKED, contexts, *asked) for contexts in ("eu,us", "eu,gone", "gone")]

    nothing = [[line for line in one.err.splitlines() if line.startswith("No OOM kills")] for one in ran]
    assert nothing == [
        ["No OOM kills found in default namespace in the last 24h."],
        ["No OOM kills found in default namespace in the last 24h in the clusters that answered."],
        [],
    ]
    assert [one.code for one in ran] == [0, 1, 1]


def test_a_context_that_is_not_there_is_one_that_does_not_answer(tmp_path: Path) -> None:
    with api_server() as eu:
        config = kubeconfig(tmp_path, eu=serving(eu, "api-0"))
        ran = oom(*ASKED, "eu,us", "-n", "shop", "--no-prometheus", "--kubeconfig", config)

    assert ran.code == 1
    assert len(ran.out.splitlines()) == 2
    wrong = "Error in configuration: context was not found for specified context: us"
    assert [line for line in ran.err.splitlines() if "context us" in line] == [f"context us: {wrong}"]


def test_one_address_of_an_engine_is_not_asked_for_several_clusters(tmp_path: Path) -> None:
    with api_server() as eu, api_server() as us:
        config = kubeconfig(tmp_path, eu=serving(eu, "api-0"), us=serving(us))
        url = f"http://127.0.0.1:{unused_port()}"
        ran = oom(*ASKED, "eu,us", "-A", "--prometheus-url", url, "--kubeconfig", config)

    assert ran.code == 0
    assert ran.err.count("one URL for several clusters") == 2


# --- a server that hangs ---------------------------------------------------------------------------------------------


class Hanging:
    """A server that takes every request, and answers none, or never to the end."""

    def __init__(self, *, drips: bool = False) -> None:
        self._drips = drips
        self.asked_at: list[float] = []

    def __call__(self, connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        self.asked_at.append(time.monotonic())
        if self._drips:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n")
        while not over.wait(0.1):
            if self._drips:
                connection.sendall(b" ")


@pytest.mark.parametrize("drips", [False, True])
def test_a_cluster_that_hangs_costs_one_wait_and_silences_nobody(tmp_path: Path, drips: bool) -> None:  # noqa: FBT001 - a table
    hanging = Hanging(drips=drips)
    with api_server() as eu, raw_server(hanging) as netloc:
        config = kubeconfig(tmp_path, hangs=f"http://{netloc}", eu=serving(eu, "api-0"))
        asked = (*ASKED, "hangs,eu", "-A", "--kubeconfig", config, "--request-timeout", f"{WAIT_SECONDS:g}s")
        ran = oom(*asked, "--no-headers", "--exit-code")
        over_at = time.monotonic()

    assert ran.code == 2
    assert [line.split()[:3] for line in ran.out.splitlines()] == [["eu", "shop", "api-0"]]
    said = [line for line in ran.err.splitlines() if line.startswith("context hangs: ")]
    assert said == [
        f"context hangs: Unable to connect to the server: {netloc} gave no full answer within {WAIT_SECONDS:g} s"
    ]
    # All that it is asked, it is asked at the same time: nothing waits until something else was waited for.
    assert max(hanging.asked_at) - min(hanging.asked_at) < WAIT_SECONDS
    assert over_at - min(hanging.asked_at) < 2 * WAIT_SECONDS


def test_a_cluster_that_refuses_is_named_in_kubectls_words(tmp_path: Path) -> None:
    def refuse(asked: Asked) -> Reply:
        del asked
        return Reply.status_object(403, "Forbidden", 'pods is forbidden: User "me" cannot list resource "pods"')

    with api_server() as eu, api_server() as us:
        us.reply = refuse  # type: ignore[method-assign]
        config = kubeconfig(tmp_path, eu=serving(eu, "api-0"), us=us.url)
        ran = oom(*ASKED, "us,eu", "-A", "--no-prometheus", "--no-headers", "--kubeconfig", config)

    assert ran.code == 1
    assert [line.split()[:3] for line in ran.out.splitlines()] == [["eu", "shop", "api-0"]]
    words = 'Error from server (Forbidden): pods is forbidden: User "me" cannot list resource "pods"'
    assert [line for line in ran.err.splitlines() if line.startswith("context us:")] == [f"context us: {words}"]
