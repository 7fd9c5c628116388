"""What the tool makes of servers that are broken: one clear line, or a named gap; never a traceback, never a hang."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.connection.servers import raw_server, unused_port
from tests.program import DEADLINE_SECONDS, oom
from tests.replay import INCIDENTS, LOGIN_PAGE, Behaviour, Hangs, HangsUp, Page, served

if TYPE_CHECKING:
    import socket
    import threading

pytestmark = pytest.mark.timeout(120)

RECORDING = INCIDENTS / "memory-volume.json"
TARGET = ["deploy/memory-volume", "-n", "demo"]
# Well below the 15 s that a request may take by itself, well above the second that the tests grant it.
BOUNDED_SECONDS = 12.0
WEB_PAGE = Page(LOGIN_PAGE, kind="text/html")
NESTED = "[" * 200_000


# --- an API server that is none ----------------------------------------------------------------------------------------

BROKEN: dict[str, tuple[Behaviour, str]] = {
    "never answers": (Hangs(), "Unable to connect to the server: {netloc} gave no full answer within 1 s"),
    "sends a byte now and then": (
        Hangs(drips=True),
        "Unable to connect to the server: {netloc} gave no full answer within 1 s",
    ),
    "hangs up": (HangsUp(), "Unable to connect to the server: EOF"),
    "breaks off": (Page('{"items": [', promised=1000), "Unable to connect to the server: unexpected EOF"),
    "shows a web page": (WEB_PAGE, "error: {netloc} answered {path} with a web page"),
    "shows a login page": (
        Page(LOGIN_PAGE, 403, "text/html"),
        "error: {netloc} answered with a web page (403): a proxy or a login page, not the API server",
    ),
    "is out of order": (
        Page("boom", 500, "text/plain"),
        'Error from server (InternalError): an error on the server ("boom") has prevented the request from succeeding',
    ),
    "answers nothing": (Page(""), "error: {netloc} answered {path} with something that is not JSON"),
    "answers something else": (Page("hello"), "error: {netloc} answered {path} with something that is not JSON"),
    "answers broken letters": (
        Page(b'{"items": ["\xff"]}'),
        "error: {netloc} answered {path} with something that is not JSON",
    ),
    "answers a list of JSON": (Page("[]"), "error: {netloc} answered {path} with JSON that is no object"),
    "nests without end": (
        Page('{"items": ' + NESTED),
        "error: {netloc} answered {path} with something that is not JSON",
    ),
    "answers another object": (
        Page('{"kind": "Status", "status": "Success"}'),
        "error: {netloc} answered {path} with something that is no list of pods",
    ),
    "lists things that are no objects": (
        Page('{"items": [1, null, "pod"]}'),
        "error: {netloc} answered {path} with something that is no list of pods",
    ),
    "gives the same page for ever": (
        Page('{"items": [], "metadata": {"continue": "more"}}'),
        "error: {netloc} answered {path} with the same page of a list again",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_api_server_that(what: str) -> None:
    fault, line = BROKEN[what]
    with served(faults={"": fault}) as server:
        ran = oom("why", "-l", "app=api", "-s", server.url, "--request-timeout=1s", "-o", "json")

    assert ran.line == line.format(netloc=server.netloc, path="/api/v1/namespaces/default/pods")
    assert ran.seconds < BOUNDED_SECONDS


def test_an_object_that_is_not_the_one_asked_for_is_refused() -> None:
    with served(faults={"": Page('{"kind": "Pod", "metadata": {"name": "other"}}')}) as server:
        ran = oom("why", "pod/api", "-s", server.url)

    assert ran.line == (
        f"error: {server.netloc} answered /api/v1/namespaces/default/pods/api with something that is no Pod api"
    )


def test_an_api_server_that_is_gone_is_named_with_where_to_look() -> None:
    netloc = f"127.0.0.1:{unused_port()}"

    ran = oom("why", "pod/api", "-s", f"https://{netloc}")

    assert ran.line == f"The connection to the server {netloc} was refused - did you specify the right host or port?"
    assert ran.err.splitlines()[1] == "`kubectl config view --minify` shows the server that is meant"


def test_a_server_that_does_not_speak_http_is_told_from_one_that_is_slow() -> None:
    def greet(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(b"220 mail.example ESMTP\r\n")
        over.wait(DEADLINE_SECONDS)

    with raw_server(greet) as netloc:
        ran = oom("why", "pod/api", "-s", f"http://{netloc}", "--request-timeout=5s")

    assert ran.line == "Unable to connect to the server: malformed HTTP response (BadStatusLine)"


@pytest.mark.parametrize("command", ["why", "history", "recommend", "snapshot", "doctor"])
def test_no_command_waits_longer_than_it_may(command: str) -> None:
    args = {"snapshot": [*TARGET, "-f", "-"], "doctor": []}.get(command, TARGET)
    with served(faults={"": Hangs()}) as server:
        ran = oom(command, *args, "-s", server.url, "--request-timeout=1s")

    assert ran.code == 1
    assert f"{server.netloc} gave no full answer within 1 s" in " ".join((ran.err + ran.out).split())
    assert "Traceback" not in ran.err
    assert ran.seconds < BOUNDED_SECONDS


# --- a source that is broken while the rest answers --------------------------------------------------------------------

FORBIDDEN = Page('{"kind": "Status", "reason": "Forbidden", "message": "no", "code": 403}', 403)
FAULTS: dict[str, tuple[Behaviour, str]] = {
    "is forbidden": (FORBIDDEN, "not permitted (403)"),
    "never answers": (Hangs(), "gave no full answer within 1 s"),
    "shows a web page": (WEB_PAGE, "with a web page"),
}
SOURCES = {  # the word in the path → the gaps it leaves
    "/events": {"pod events", "node events"},
    "/api/v1/nodes/node-a": {"node", "kubelet"},
    "/nodes/node-a/proxy": {"kubelet"},
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("word", SOURCES)
def test_a_source_that_fails_is_a_gap_and_not_the_end(word: str, fault: str) -> None:
    behaviour, reason = FAULTS[fault]
    then = json.loads(RECORDING.read_text())["takenAt"]  # an hour later its events would be too old to be missed
    with served(RECORDING, {word: behaviour}) as server:
        ran = oom("why", *TARGET, "-s", server.url, "--request-timeout=1s", "--now", then, "-o", "json")

    assert {item["verdict"] for item in ran.document["items"]} == {"container-limit"}
    told = {gap["source"].partition(" (")[0]: gap for gap in ran.document["gaps"]}
    assert SOURCES[word] <= told.keys()
    for source in SOURCES[word]:
        assert reason in told[source]["reason"]
        assert told[source]["remedy"]
    assert ran.seconds < BOUNDED_SECONDS


ENGINES: dict[str, tuple[Behaviour, str]] = {
    "answers 500": (Page("boom", 500, "text/plain"), "{who} answered 500: boom"),
    "answers 401": (Page("no", 401, "text/plain"), "{who} answered 401: it wants other credentials: no"),
    "is not ready": (Page("", 503), "{who} answered 503: it is not ready or overloaded; try again later"),
    "shows a web page": (
        WEB_PAGE,
        "{who} answered with a web page: a login page, or a path that is not the engine's",
    ),
    "answers nothing": (
        Page(""),
        "{who} answered with something that is not JSON, or with half of it",
    ),
    "breaks off": (Page('{"status":', promised=100), "{who} broke off in the middle of its answer"),
    "hangs up": (HangsUp(), "{who} could not be asked: Remote end closed connection without response"),
    "never answers": (Hangs(), "{who} gave no full answer within 1 s"),
    "sends a byte now and then": (Hangs(drips=True), "{who} gave no full answer within 1 s"),
    "answers in another form": (
        Page('{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": 5, "values": [[1]]}]}}'),
        "{who} answered in a form that is not the Prometheus query API's",
    ),
    "knows no containers": (
        Page('{"status": "success", "data": {"resultType": "vector", "result": []}}'),
        "{who} holds no container_memory_working_set_bytes: it does not scrape the kubelets' cAdvisor",
    ),
}


@pytest.mark.parametrize("what", ENGINES)
def test_a_prometheus_that(what: str) -> None:
    fault, reason = ENGINES[what]
    with served(RECORDING) as server, served(faults={"": fault}) as engine:
        flags = ["--prometheus-url", engine.url, "--request-timeout=1s", "-o", "json"]
        ran = oom("why", *TARGET, "-s", server.url, *flags)

    assert {item["verdict"] for item in ran.document["items"]} == {"container-limit"}
    (gap,) = [gap for gap in ran.document["gaps"] if gap["source"] == "metrics engine"]
    assert gap["reason"] == reason.format(who=f"Prometheus {engine.url}")
    assert gap["remedy"]
    assert ran.seconds < BOUNDED_SECONDS


def test_a_prometheus_that_is_gone_is_a_gap() -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    with served(RECORDING) as server:
        ran = oom("why", *TARGET, "-s", server.url, "--prometheus-url", url, "-o", "json")

    (gap,) = [gap for gap in ran.document["gaps"] if gap["source"] == "metrics engine"]
    assert gap["reason"] == f"no connection to Prometheus {url}: Connection refused"
