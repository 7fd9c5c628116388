"""One request and its answer: never longer than agreed, nothing tried twice.

Imported when the first connection is made. There are two ways: a connection of our own where nothing stands between
us and the server (`dial.py`), and urllib3's where a proxy does (`pool.py`).
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from kubectl_oom.read.deadline import within

if TYPE_CHECKING:
    from http.client import HTTPConnection

    from kubectl_oom.read.credentials import Credential
    from kubectl_oom.read.target import Server

# Evidence is read by up to eight threads at once; each keeps its connection.
POOL_SIZE = 10
# A SYN is sent again after 1, 3 and 7 s: a server that was not reached after 10 s is behind a firewall or gone.
CONNECT_SECONDS = 10.0
# Of the whole limit, what connecting may use: so that "not reached" is said as such, before the limit says "late".
CONNECT_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the body as the server meant it, and what it weighed on the way."""

    status: int
    body: bytes
    content_type: str
    location: str
    wire_bytes: int


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: reading sends GETs without a body; only `act` sends anything else."""

    url: str
    headers: tuple[tuple[str, str], ...]
    method: str = "GET"
    body: bytes | None = None


class Way(Protocol):
    """How requests reach the server; several threads may use it at once."""

    def send(self, asked: Request, attempt: Attempt, seconds: float) -> Answer:
        """The answer; ReadError where the connection gave none. `seconds` is the limit between two bytes."""

    def close(self) -> None:
        """Closes the connections that are idle."""


def way_to(server: Server, credential: Credential) -> Way:
    """The way to this server, with this client certificate; no connection is made yet."""
    if server.proxy:
        from kubectl_oom.read.pool import Pooled, open_pool  # noqa: PLC0415 - urllib3 costs 40 ms

        return Pooled(open_pool(server, credential), server)
    from kubectl_oom.read.dial import Direct  # noqa: PLC0415 - as above

    return Direct(server, credential)


class Attempt:
    """A request under way, and the means to break it off from another thread."""

    under_way = threading.local()

    def __init__(self) -> None:
        self.over = False
        self._connection: HTTPConnection | None = None
        self._socket: Any = None

    def uses(self, connection: HTTPConnection) -> None:
        """Takes note of the connection; once more when it answers, since it may let go of its socket then."""
        if self.over:
            raise ConnectionAbortedError
        self._connection, self._socket = connection, connection.sock

    def abandon(self) -> None:
        """Wakes the thread that waits for this answer: it would otherwise stay as long as bytes drip in."""
        if self.over:
            return
        self.over = True
        for used in (self._socket, self._connection.sock if self._connection else None):
            end = getattr(used, "socket", used)  # TLS inside a proxy's TLS has its socket inside
            if isinstance(end, socket.socket):
                with suppress(OSError):
                    # Not SSLSocket's own method: it takes the TLS state away from under the thread that reads.
                    socket.socket.shutdown(end, socket.SHUT_RDWR)


def connecting_seconds(seconds: float) -> float:
    """What connecting may take of a limit for the whole."""
    return min(seconds * CONNECT_SHARE, CONNECT_SECONDS)


def fetch(way: Way, asked: Request, *, seconds: float, server: Server) -> Answer:
    """The answer to one request; ReadError "Timeout" or "Unreachable" where there is none within `seconds` in all."""
    attempt = Attempt()

    def ask() -> Answer:
        try:
            return way.send(asked, attempt, seconds)
        finally:
            attempt.over = True

    try:
        return within(seconds, ask, whom=server.netloc)
    finally:
        attempt.abandon()
