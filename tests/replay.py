"""A tiny API server that replays a recording, and what can go wrong with the answers of any server.

Only for questions about bad answers: what a real API server says is asked of a real one (tests/real).
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = dict[str, Any]

INCIDENTS = Path(__file__).resolve().parents[1] / "kubectl_oom" / "incidents"
DRIP_SECONDS = 0.1


@dataclass(frozen=True)
class Page:
    """An answer that is complete, if not the one that was hoped for."""

    body: str | bytes
    status: int = 200
    kind: str = "application/json"
    promised: int = 0  # bytes that the header promises on top of those that come


@dataclass(frozen=True)
class Hangs:
    """No answer, ever; with `drips` one byte of a body now and then."""

    drips: bool = False


@dataclass(frozen=True)
class HangsUp:
    """The connection is closed in place of an answer."""


Behaviour = Page | Hangs | HangsUp

LOGIN_PAGE = "<!DOCTYPE html><html><body>Please log in</body></html>"


class Recorded:
    """The objects of a recording, by the paths of the API."""

    def __init__(self, recording: Path) -> None:
        document = json.loads(recording.read_text())
        self.namespace: str = document["namespace"]
        self._objects: dict[str, list[Json]] = document["objects"]

    def page(self, path: str) -> Page:
        """What an API server with these objects answers: one object, a list of them, or a 404."""
        split = urlsplit(path)
        words = split.path.strip("/").split("/")
        group = words[1] if words[0] == "apis" else ""
        rest = words[3 if group else 2 :]
        namespace, rest = (rest[1], rest[2:]) if rest[0] == "namespaces" else ("", rest)
        plural, name = rest[0], rest[1] if len(rest) == 2 else ""
        held = self._objects.get(f"{plural}.{group}" if group else plural, [])
        mine = [item for item in held if item["metadata"].get("namespace", "") == namespace or not namespace]
        if len(rest) > 2:
            return _missing(rest[-1], name)
        if not name:
            wanted = {key: values[0] for key, values in parse_qs(split.query).items()}
            return Page(json.dumps({"kind": "List", "items": [item for item in mine if _selected(item, wanted)]}))
        found = [item for item in mine if item["metadata"]["name"] == name]
        return Page(json.dumps(found[0])) if found else _missing(plural, name)


def _missing(plural: str, name: str) -> Page:
    status = {"kind": "Status", "status": "Failure", "reason": "NotFound", "message": f'{plural} "{name}" not found'}
    return Page(json.dumps(status | {"code": 404}), 404)


def _selected(item: Json, wanted: Mapping[str, str]) -> bool:
    labels = dict(term.split("=") for term in wanted.get("labelSelector", "").split(",") if term)
    if not labels.items() <= item["metadata"].get("labels", {}).items():
        return False
    for term in filter(None, wanted.get("fieldSelector", "").split(",")):
        path, _, value = term.partition("=")
        held: Any = item
        for step in path.split("."):
            held = held.get(step, {})
        if held != value:
            return False
    return True


class Server:
    """Answers every GET: as `faults` says for the first word that is in the path, else from the recording."""

    def __init__(self, recorded: Recorded | None, faults: Mapping[str, Behaviour], port: int) -> None:
        self.netloc = f"127.0.0.1:{port}"
        self.url = f"http://{self.netloc}"
        self.over = threading.Event()
        self.hanging = threading.Event()  # somebody waits for an answer that will not come
        self._recorded = recorded
        self._faults = faults

    def behaviour(self, path: str) -> Behaviour:
        """What this path is answered with."""
        for word, fault in self._faults.items():
            if word in path:
                return fault
        assert self._recorded is not None
        return self._recorded.page(path)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms for the receipt of its headers
    serves: Server

    def do_GET(self) -> None:
        behaviour = self.serves.behaviour(self.path)
        with suppress(OSError):
            if isinstance(behaviour, Page):
                self._send(behaviour)
            elif isinstance(behaviour, Hangs):
                self._hang(drips=behaviour.drips)
            self.close_connection = not isinstance(behaviour, Page) or bool(behaviour.promised)

    def _send(self, page: Page) -> None:
        body = page.body.encode() if isinstance(page.body, str) else page.body
        self.send_response(page.status)
        self.send_header("Content-Type", page.kind)
        self.send_header("Content-Length", str(len(body) + page.promised))
        self.end_headers()
        self.wfile.write(body)

    def _hang(self, *, drips: bool) -> None:
        self.serves.hanging.set()
        if drips:
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
        while not self.serves.over.wait(DRIP_SECONDS):
            if drips:
                self.wfile.write(b" ")

    def log_message(self, *_: object) -> None:
        """Nothing: the tests look at what the tool says."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: a client that gives up is what some tests are about."""


@contextmanager
def served(recording: Path | Recorded | None = None, faults: Mapping[str, Behaviour] | None = None) -> Iterator[Server]:
    """A server on 127.0.0.1, for the length of a `with` block."""
    handler = type("Handler", (_Handler,), {})
    httpd = _Quiet(("127.0.0.1", 0), handler)
    recorded = Recorded(recording) if isinstance(recording, Path) else recording
    server = Server(recorded, faults or {}, httpd.server_address[1])
    handler.serves = server  # type: ignore[attr-defined]
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()
