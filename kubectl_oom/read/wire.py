"""One request over one pool of connections: TLS as kubectl checks it, never longer than agreed, nothing tried twice.

Imported when the first connection is made: urllib3 costs 60 ms.
"""

from __future__ import annotations

import os
import socket
import ssl
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
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
from kubectl_oom.read.deadline import within
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
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
    headers: urllib3.HTTPHeaderDict
    method: str = "GET"
    body: bytes | None = None


# --- the pool


def open_pool(server: Server, credential: Credential) -> urllib3.PoolManager:
    """The pool for this server, with this client certificate; no connection is made yet."""
    settings: dict[str, Any] = {"num_pools": 2, "maxsize": POOL_SIZE}
    if server.secure:
        settings["ssl_context"] = _tls(server, credential)
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
        settings["proxy_ssl_context"] = _trusting_the_system()
    return urllib3.ProxyManager(f"{split.scheme}://{split.netloc.rpartition('@')[2]}", **settings)


def _tls(server: Server, credential: Credential) -> ssl.SSLContext:
    if server.insecure:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif server.ca:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            # Only the certificates themselves have to be ASCII; a bundle's comments may hold anything.
            context.load_verify_locations(cadata=server.ca.decode("ascii", "ignore"))
        except (ssl.SSLError, ValueError) as error:
            message = "error: unable to load root certificates: unable to parse bytes as PEM block"
            raise OomError(message, "Check certificate-authority in the kubeconfig") from error
    else:
        context = _trusting_the_system()
    # As Go does: any certificate in the bundle is an anchor, only a subjectAltName names a server, and an old
    # authority without today's extensions is still one (Python 3.13 would refuse it).
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.hostname_checks_common_name = False
    context.set_alpn_protocols(["http/1.1"])
    if credential.certificate:
        _show_certificate(context, credential)
    return context


def _trusting_the_system() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    usual = ssl.get_default_verify_paths()
    if not (usual.cafile or usual.capath or context.cert_store_stats()["x509_ca"]):
        # A frozen build carries an OpenSSL whose usual places do not exist on this machine.
        import certifi  # noqa: PLC0415

        context.load_verify_locations(certifi.where())
    return context


def _show_certificate(context: ssl.SSLContext, credential: Credential) -> None:
    """Loads the client's certificate and key, which the ssl module takes from files only."""
    descriptor, name = tempfile.mkstemp(prefix="kubectl-oom-")  # readable by this user alone
    try:
        with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(credential.certificate + b"\n" + credential.key)
        # The empty password keeps OpenSSL from asking for one on the terminal.
        context.load_cert_chain(name, password="")
    except ssl.SSLError as error:
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        why = "private key does not match public key" if mismatch else "failed to find any PEM data in the input"
        hint = "Check client-certificate and client-key of the user in the kubeconfig"
        raise OomError(f"error: tls: {why}", hint) from error
    finally:
        os.unlink(name)  # noqa: PTH108 - mkstemp gave a str


# --- one request


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


def fetch(pool: urllib3.PoolManager, asked: Request, *, seconds: float, server: Server) -> Answer:
    """The answer to one request; ReadError "Timeout" or "Unreachable" where there is none within `seconds` in all."""
    attempt = Attempt()
    connecting = min(seconds * CONNECT_SHARE, CONNECT_SECONDS)
    limits = urllib3.Timeout(connect=connecting, read=seconds)

    def ask() -> Answer:
        Attempt.under_way.attempt = attempt
        try:
            response = pool.request(
                asked.method,
                asked.url,
                body=asked.body,
                headers=asked.headers,
                timeout=limits,
                retries=False,
                redirect=False,
            )
        finally:
            attempt.over = True
        kind, location = response.headers.get("Content-Type", ""), response.headers.get("Location", "")
        return Answer(response.status, response.data, kind, location, response.tell())

    try:
        return within(seconds, ask, whom=server.netloc)
    except (HTTPError, OSError, ValueError) as error:
        raise read_error(error, server, seconds) from error
    finally:
        attempt.abandon()


# --- why there was no answer, as kubectl says it

SELF_SIGNED_OR_UNKNOWN = (2, 18, 19, 20, 21)  # OpenSSL's X509_V_ERR_…: the issuer is not one of ours
NOT_NOW = (9, 10)  # not yet valid, expired
WRONG_NAME = (62, 63, 64)  # host, mail address, IP address
NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")


def read_error(error: Exception, server: Server, seconds: float) -> ReadError:
    """The error of a request that failed with this one, where `seconds` was its limit."""
    if isinstance(error, TimeoutError) and not isinstance(error, NewConnectionError):  # which inherits from it
        if isinstance(error, ConnectTimeoutError):
            return ReadError("Timeout", f"dial tcp {server.netloc}: i/o timeout")
        return ReadError("Timeout", f"{server.netloc} gave no full answer within {seconds:g} s")
    if isinstance(error.__cause__, ConnectionRefusedError):
        refused = f"The connection to the server {server.netloc} was refused - did you specify the right host or port?"
        return ReadError("Unreachable", refused)
    if isinstance(error, DecodeError):
        return ReadError("BadAnswer", f"{server.netloc} sent an answer whose compression is damaged")
    return ReadError("Unreachable", f"Unable to connect to the server: {_why(error, server)}")


def _why(error: BaseException, server: Server) -> str:
    cause = error.__cause__
    if isinstance(error, NameResolutionError):
        unknown = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME
        host = urlsplit(server.address).hostname
        return f"dial tcp: lookup {host}: {'no such host' if unknown else _system_words(cause)}"
    if isinstance(error, NewConnectionError):
        return f"dial tcp {server.netloc}: connect: {_system_words(cause)}"
    if isinstance(error, ProxyError):
        broken = error.original_error
        proxy = urlsplit(server.proxy or "").netloc.rpartition("@")[2]
        return f"proxyconnect tcp: dial tcp {proxy}: {_system_words(broken.__cause__ or broken)}"
    if isinstance(error, SSLError) and error.args and isinstance(error.args[0], ssl.SSLError):
        return _tls_words(error.args[0], server)
    if isinstance(error, ProtocolError):
        return _broken_off(error.args[-1], server)
    # Not its text: a header that cannot be sent is quoted in it, and that may be the token.
    return f"the request could not be sent ({type(error).__name__})"


def _broken_off(cause: object, server: Server) -> str:
    if isinstance(cause, IncompleteRead):
        return "unexpected EOF"
    if isinstance(cause, RemoteDisconnected):
        return "EOF"
    if isinstance(cause, HTTPException):
        return f"malformed HTTP response ({type(cause).__name__})"
    return f"read tcp {server.netloc}: {_system_words(cause)}"


def _system_words(error: object) -> str:
    if error is None:
        return "connection failed"  # a SOCKS proxy's refusal carries no system error
    if isinstance(error, OSError):
        return (error.strerror or str(error) or type(error).__name__).lower()
    return type(error).__name__


def _tls_words(error: ssl.SSLError, server: Server) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"tls: failed to verify certificate: x509: {_certificate_words(error, server)}"
    reason = error.reason or ""
    if reason in NOT_TLS:
        return "http: server gave HTTP response to HTTPS client"
    if isinstance(error, ssl.SSLEOFError) or not reason:
        return "EOF"
    _, alert, said = reason.partition("ALERT_")
    words = (said or reason).replace("_", " ").lower()
    return f"remote error: tls: {words}" if alert else f"tls: {words}"


def _certificate_words(error: ssl.SSLCertVerificationError, server: Server) -> str:
    if error.verify_code in SELF_SIGNED_OR_UNKNOWN:
        return "certificate signed by unknown authority"
    if error.verify_code in NOT_NOW:
        return f"certificate has expired or is not yet valid: {error.verify_message}"
    if error.verify_code in WRONG_NAME:
        return f"certificate is not valid for {server.tls_server_name or urlsplit(server.address).hostname}"
    return error.verify_message
