"""Servers on 127.0.0.1 that a connection meets: an HTTPS one that records what it was asked, and rude ones."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cluster.pki import Certificate


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    certificate: str  # the client's common name, "" where none was shown

    def header(self, name: str) -> str:
        """The header's values, joined by commas; "" where it was not sent."""
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())


@dataclass
class Reply:
    """What a path is answered with."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})

    @classmethod
    def status_object(cls, status: int, reason: str, message: str) -> Reply:
        """A failure as the API server words it."""
        document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message}
        return cls(status, json.dumps(document | {"code": status}).encode())

    @classmethod
    def text(cls, status: int, body: str, kind: str = "text/plain") -> Reply:
        """An answer that is no JSON."""
        return cls(status, body.encode(), {"Content-Type": kind})

    @classmethod
    def gzipped(cls, body: bytes) -> Reply:
        """A success, compressed."""
        return cls(200, gzip.compress(body), {"Content-Type": "application/json", "Content-Encoding": "gzip"})


class ApiServer:
    """Answers GET by path, `{}` where nothing else was said, and keeps what it was asked."""

    def __init__(self, httpd: ThreadingHTTPServer, scheme: str) -> None:
        self.port: int = httpd.server_address[1]
        self.netloc = f"127.0.0.1:{self.port}"
        self.url = f"{scheme}://{self.netloc}"
        self.replies: dict[str, Reply | Callable[[Asked], Reply]] = {}
        self.asked: list[Asked] = []

    def reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        found = self.replies.get(asked.path, Reply())
        return found if isinstance(found, Reply) else found(asked)


def _common_name(connection: Any) -> str:
    certificate = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    subject: Any = (certificate or {}).get("subject", ())
    return next((value for names in subject for key, value in names if key == "commonName"), "")


def _handler(server: list[ApiServer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.answer()

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.answer()

        def answer(self) -> None:
            headers = tuple(self.headers.items())
            reply = server[0].reply(Asked(self.command, self.path, headers, _common_name(self.connection)))
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Nothing: the tests look at `asked`."""

    return Handler


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: a client that does not trust us is what some tests are about."""


@contextmanager
def api_server(shows: Certificate | None = None, trusts: Path | None = None) -> Iterator[ApiServer]:
    """A server that shows this certificate (plain HTTP without one) and asks for one that `trusts` has signed."""
    running: list[ApiServer] = []
    httpd = _Quiet(("127.0.0.1", 0), _handler(running))
    if shows:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(shows.cert, shows.key)
        if trusts:
            context.load_verify_locations(trusts)
            context.verify_mode = ssl.CERT_OPTIONAL
        # The handshake belongs to the thread of the connection: one that stalls must not hold up the others.
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True, do_handshake_on_connect=False)
    running.append(ApiServer(httpd, "https" if shows else "http"))
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield running[0]
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


@contextmanager
def raw_server(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """`host:port` of a server that does as `behave` does with each connection, until the event says that it is over."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            behave(connection, over)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
    for each in (thread, *threads):
        each.join(2)


def failure(ask: Callable[[], object]) -> ReadError:
    """The error that this question fails with."""
    with pytest.raises(ReadError) as caught:
        ask()
    return caught.value


def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port
