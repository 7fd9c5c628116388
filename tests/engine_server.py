"""A server that answers as a metrics engine does, or as none should, and what it was asked."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from kubectl_oom.read.engine import Answer, EngineOptions
from kubectl_oom.read.engines import connect_engine
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

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
