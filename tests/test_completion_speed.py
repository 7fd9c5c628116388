"""TAB is answered at once or not at all, silently."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.cli.asking import LIMIT_SECONDS, LIMIT_VARIABLE
from tests.connection.servers import api_server, raw_server, unused_port
from tests.program import DEADLINE_SECONDS, ENVIRONMENT
from tests.served_names import kubeconfig_for, serve_names

if TYPE_CHECKING:
    import socket
    import threading
    from collections.abc import Iterator
    from pathlib import Path

# A busy machine comes late to take an answer, or to end: far less than the seconds that a hang would take.
LATE_SECONDS = 0.5
TRIES = 3


def _tab(*words: str, **environment: str) -> tuple[str, str, float]:
    """What one TAB prints on both streams, and how long it takes."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "kubectl_oom", "__complete", *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_SECONDS,
        env=ENVIRONMENT | environment,
    )
    return done.stdout, done.stderr, time.monotonic() - began


def _silent(_: socket.socket, over: threading.Event) -> None:
    over.wait()


def _dripping(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while not over.wait(0.01):
        connection.sendall(b" ")


@pytest.fixture(params=["silent", "dripping", "black hole", "refusing", "slow login"])
def trouble(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig that leads to a server, or over a login, that gives no answer in time."""
    if request.param in ("silent", "dripping"):
        with raw_server(_silent if request.param == "silent" else _dripping) as address:
            yield kubeconfig_for(tmp_path, f"http://{address}")
    elif request.param == "black hole":
        yield kubeconfig_for(tmp_path, "https://192.0.2.1:6443")  # TEST-NET-1: nobody is there
    elif request.param == "refusing":
        yield kubeconfig_for(tmp_path, f"https://127.0.0.1:{unused_port()}")
    else:
        login = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sh",
            "args": ["-c", "echo who are you >&2; read answer; exec sleep 3"],
            "interactiveMode": "IfAvailable",
        }
        yield kubeconfig_for(tmp_path, f"https://127.0.0.1:{unused_port()}", {"exec": login})


def test_a_cluster_that_does_not_answer_gives_no_names_in_time_and_no_word(trouble: Path) -> None:
    start_up = min(_tab("why", "--na")[2] for _ in range(TRIES))
    tabs = [_tab("why", "pod/", KUBECONFIG=str(trouble)) for _ in range(TRIES)]

    assert {(out, err) for out, err, _ in tabs} == {(":4\n", "")}
    assert min(seconds for *_, seconds in tabs) < start_up + LIMIT_SECONDS + LATE_SECONDS


def test_the_limit_can_be_set_and_zero_asks_nobody(tmp_path: Path) -> None:
    with api_server() as server:
        serve_names(server)
        kubeconfig = str(kubeconfig_for(tmp_path, server.url))

        assert _tab("why", "deploy/", KUBECONFIG=kubeconfig, **{LIMIT_VARIABLE: "0"})[:2] == (":4\n", "")
        assert server.asked == []
        assert _tab("why", "deploy/a", KUBECONFIG=kubeconfig, **{LIMIT_VARIABLE: "30s"})[:2] == ("deploy/api\n:4\n", "")
        assert [_tab("why", "deploy/a", KUBECONFIG=kubeconfig, **{LIMIT_VARIABLE: "soon"})[1]] == [""]


def test_a_login_that_could_be_broken_off_in_the_middle_is_not_begun(tmp_path: Path) -> None:
    provider = {
        "name": "oidc",
        "config": {"refresh-token": "good for one use", "idp-issuer-url": "https://127.0.0.1:1"},
    }
    kubeconfig = kubeconfig_for(tmp_path, "https://127.0.0.1:1", {"auth-provider": provider})
    before = kubeconfig.read_bytes()

    out, err, _ = _tab("why", "pod/", KUBECONFIG=str(kubeconfig), **{LIMIT_VARIABLE: "30s"})

    assert (out, err, kubeconfig.read_bytes()) == (":4\n", "", before)
