"""urllib3's connections: for requests through a proxy, and for answers that are read as they come.

Imported only then: urllib3 costs 40 ms.
"""

from __future__ import annotations

import ssl
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    DecodeError,
    HTTPError,
    InsecureRequestWarning,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    SSLError,
    TimeoutError,  # noqa: A004 - urllib3's, next to its fellows
)

from kubectl_oom.errors import OomError
from kubectl_oom.read.deadline import late
from kubectl_oom.read.no_answer import broken_off, damaged, lookup_words, system_words, tls_words, unreachable
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.tls import context_for, trusting_the_system
from kubectl_oom.read.wire import POOL_SIZE, Answer, Attempt, connecting_seconds

if TYPE_CHECKING:
    from kubectl_oom.read.credentials import Credential
    from kubectl_oom.read.target import Server
    from kubectl_oom.read.wire import Request


def open_pool(server: Server, credential: Credential) -> urllib3.PoolManager:
    """The pool for this server, with this client certificate; no connection is made yet."""
    settings: dict[str, Any] = {"num_pools": 2, "maxsize": POOL_SIZE}
    if server.secure:
        settings["ssl_context"] = context_for(server, credential)
        settings["server_hostname"] = server.tls_server_name or None
    if server.insecure:
        # The user has decided so, and kubectl does not comment on it either.
        urllib3.disable_warnings(InsecureRequestWarning)
    if server.proxy and server.proxy.startswith("socks"):
        return _through_socks(server.proxy, settings)  # its pools are its own: with ours it would go there directly
    pool = _through_proxy(server.proxy, settings) if server.proxy else urllib3.PoolManager(**settings)
    pool.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
    return pool


def _through_socks(proxy: str, settings: dict[str, Any]) -> urllib3.PoolManager:
    if find_spec("socks") is None:  # urllib3 would also print a warning of its own
        hint = "Install PySocks, or use an http:// proxy"
        raise OomError("error: the proxy speaks SOCKS, for which a library is missing", hint)
    from urllib3.contrib.socks import SOCKSProxyManager  # noqa: PLC0415 - PySocks is not everybody's

    return SOCKSProxyManager(
        proxy.replace("socks5:", "socks5h:", 1), **settings
    )  # Go leaves name look-ups to the proxy


def _through_proxy(proxy: str, settings: dict[str, Any]) -> urllib3.PoolManager:
    split = urlsplit(proxy)
    if split.username:
        secret = f"{unquote(split.username)}:{unquote(split.password or '')}"
        settings["proxy_headers"] = urllib3.make_headers(proxy_basic_auth=secret)
    if split.scheme == "https":
        settings["proxy_ssl_context"] = trusting_the_system()
    return urllib3.ProxyManager(f"{split.scheme}://{split.netloc.rpartition('@')[2]}", **settings)


class _Announced(HTTPConnection):
    """Tells the attempt which socket it waits on."""

    def connect(self) -> None:
        self._announce()
        super().connect()

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override] # the base's own override says so too
        self._announce()
        return super().getresponse()

    def _announce(self) -> None:
        attempt: Attempt | None = getattr(Attempt.under_way, "attempt", None)
        if attempt is not None:
            attempt.uses(self)


class _AnnouncedTls(_Announced, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Announced


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _AnnouncedTls


class Pooled:
    """The way to a server through a proxy."""

    def __init__(self, pool: urllib3.PoolManager, server: Server) -> None:
        self._pool = pool
        self._server = server

    def send(self, asked: Request, attempt: Attempt, seconds: float) -> Answer:
        """The answer; ReadError where the connection gave none. `seconds` is the limit between two bytes."""
        Attempt.under_way.attempt = attempt
        try:
            response = self._pool.request(
                asked.method,
                asked.url,
                body=asked.body,
                headers=urllib3.HTTPHeaderDict(asked.headers),
                timeout=urllib3.Timeout(connect=connecting_seconds(seconds), read=seconds),
                retries=False,
                redirect=False,
            )
        except (HTTPError, OSError, ValueError) as error:
            raise read_error(error, self._server, seconds) from error
        kind, location = response.headers.get("Content-Type", ""), response.headers.get("Location", "")
        return Answer(response.status, response.data, kind, location, response.tell())

    def close(self) -> None:
        """Closes the connections that are idle."""
        self._pool.clear()


def read_error(error: Exception, server: Server, seconds: float) -> ReadError:
    """The error of a request that failed with this one, where `seconds` was its limit."""
    if isinstance(error, TimeoutError) and not isinstance(error, NewConnectionError):  # which inherits from it
        if isinstance(error, ConnectTimeoutError):
            return ReadError("Timeout", f"dial tcp {server.netloc}: i/o timeout")
        return late(server.netloc, seconds)
    if isinstance(error.__cause__, ConnectionRefusedError):
        refused = f"The connection to the server {server.netloc} was refused - did you specify the right host or port?"
        return ReadError("Unreachable", refused)
    if isinstance(error, DecodeError):
        return damaged(server)
    return unreachable(_why(error, server))


def _why(error: BaseException, server: Server) -> str:
    cause = error.__cause__
    if isinstance(error, NameResolutionError):
        return lookup_words(cause, server)
    if isinstance(error, NewConnectionError):
        return f"dial tcp {server.netloc}: connect: {system_words(cause)}"
    if isinstance(error, ProxyError):
        broken = error.original_error
        proxy = urlsplit(server.proxy or "").netloc.rpartition("@")[2]
        return f"proxyconnect tcp: dial tcp {proxy}: {system_words(broken.__cause__ or broken)}"
    if isinstance(error, SSLError) and error.args and isinstance(error.args[0], ssl.SSLError):
        return tls_words(error.args[0], server)
    if isinstance(error, ProtocolError):
        return broken_off(error.args[-1], server)
    # Not its text: a header that cannot be sent is quoted in it, and that may be the token.
    return f"the request could not be sent ({type(error).__name__})"
