"""Connections to an API server with nothing in between, by the standard library's HTTP client.

urllib3 can do this too, but takes 40 ms to load: a fifth of what `why` takes in all.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from selectors import EVENT_READ, DefaultSelector
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit
from weakref import finalize

from kubectl_oom.read.no_answer import damaged, not_answered, not_dialled
from kubectl_oom.read.tls import context_for
from kubectl_oom.read.wire import POOL_SIZE, Answer, connecting_seconds

if TYPE_CHECKING:
    import socket
    from http.client import HTTPResponse

    from kubectl_oom.read.credentials import Credential
    from kubectl_oom.read.target import Server
    from kubectl_oom.read.wire import Attempt, Request

HTTPS_PORT, HTTP_PORT = 443, 80
UNESCAPED = "/:@!$&'()*+,;=~%"  # in a path (RFC 3986); % because it is escaped already
GZIP = 16 + zlib.MAX_WBITS  # what zlib takes for "gzip's header and checksum"


class Direct:
    """The way to a server without a proxy; a connection that is idle is used again while the server keeps it."""

    def __init__(self, server: Server, credential: Credential) -> None:
        self._server = server
        self._context = context_for(server, credential) if server.secure else None
        self._idle: list[HTTPConnection] = []
        self._lock = Lock()
        finalize(self, _close_all, self._idle)

    def send(self, asked: Request, attempt: Attempt, seconds: float) -> Answer:
        """The answer; ReadError where the connection gave none. `seconds` is the limit between two bytes."""
        connection = None
        try:
            connection = self._kept() or self._opened(attempt, seconds)
            answer = self._exchange(connection, asked, attempt, seconds)
        except (OSError, HTTPException, ValueError) as error:
            _close(connection)
            raise not_answered(error, self._server, seconds) from error
        except BaseException:
            _close(connection)
            raise
        self._keep(connection)
        return answer

    def close(self) -> None:
        """Closes the connections that are idle."""
        with self._lock:
            _close_all(self._idle)

    def _kept(self) -> HTTPConnection | None:
        """An idle connection that the server still holds, the one used last."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if not _is_dropped(connection.sock):
                return connection
            connection.close()

    def _keep(self, connection: HTTPConnection) -> None:
        with self._lock:
            if connection.sock is not None and len(self._idle) < POOL_SIZE:
                self._idle.append(connection)
                return
        connection.close()

    def _opened(self, attempt: Attempt, seconds: float) -> HTTPConnection:
        """A connection that is ready for a request."""
        split = urlsplit(self._server.address)
        host = split.hostname or ""
        port = split.port or (HTTPS_PORT if self._server.secure else HTTP_PORT)
        connection = HTTPConnection(host, port, timeout=connecting_seconds(seconds))
        attempt.uses(connection)
        try:
            connection.connect()
        except OSError as error:
            raise not_dialled(error, self._server) from error
        try:
            if self._context is not None:
                name = self._server.tls_server_name or host.rstrip(".")
                connection.sock = self._context.wrap_socket(connection.sock, server_hostname=name)
        except BaseException:
            connection.close()
            raise
        return connection

    def _exchange(self, connection: HTTPConnection, asked: Request, attempt: Attempt, seconds: float) -> Answer:
        connection.sock.settimeout(seconds)
        connection.putrequest(asked.method, _target_of(asked.url), skip_accept_encoding=True)
        for name, value in asked.headers:
            connection.putheader(name, value)
        if asked.body is not None:
            connection.putheader("Content-Length", str(len(asked.body)))
        attempt.uses(connection)
        with suppress(BrokenPipeError):  # a server that had enough of a request may have said why before it hung up
            connection.endheaders(asked.body)
        response = connection.getresponse()
        received = response.read()
        return Answer(
            response.status,
            self._body(response, received),
            response.headers.get("Content-Type", ""),
            response.headers.get("Location", ""),
            len(received),
        )

    def _body(self, response: HTTPResponse, received: bytes) -> bytes:
        """The body as the server meant it."""
        if response.headers.get("Content-Encoding", "").lower() != "gzip" or not received:
            return received
        body = b""
        try:
            while received:  # one after the other, as gzip allows
                part = zlib.decompressobj(GZIP)
                body += part.decompress(received)
                if not part.eof:
                    raise damaged(self._server)
                received = part.unused_data
        except zlib.error as error:
            raise damaged(self._server) from error
        return body


def _close(connection: HTTPConnection | None) -> None:
    if connection is not None:
        connection.close()


def _close_all(idle: list[HTTPConnection]) -> None:
    while idle:
        idle.pop().close()


def _is_dropped(kept: socket.socket) -> bool:
    """Whether the server has hung up, or says something that nobody asked for."""
    with DefaultSelector() as selector:
        selector.register(kept, EVENT_READ)
        return bool(selector.select(0))


def _target_of(url: str) -> str:
    """What is written after GET: path and query, escaped where a redirect did not."""
    split = urlsplit(url)
    query = f"?{quote(split.query, safe=UNESCAPED + '?')}" if split.query else ""
    return quote(split.path or "/", safe=UNESCAPED) + query
