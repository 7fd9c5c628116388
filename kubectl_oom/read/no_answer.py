"""Why there was no answer, as kubectl says it: what the system, TLS and HTTP report becomes one line."""

from __future__ import annotations

import socket
import ssl
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kubectl_oom.read.deadline import late
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from kubectl_oom.read.target import Server

SELF_SIGNED_OR_UNKNOWN = (2, 18, 19, 20, 21)  # OpenSSL's X509_V_ERR_…: the issuer is not one of ours
NOT_NOW = (9, 10)  # not yet valid, expired
WRONG_NAME = (62, 63, 64)  # host, mail address, IP address
NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")


def not_dialled(error: OSError, server: Server) -> ReadError:
    """The server's address could not be found, or nobody took the connection there."""
    if isinstance(error, socket.gaierror):
        return unreachable(lookup_words(error, server))
    if isinstance(error, TimeoutError):
        return ReadError("Timeout", f"dial tcp {server.netloc}: i/o timeout")
    if isinstance(error, ConnectionRefusedError):
        refused = f"The connection to the server {server.netloc} was refused - did you specify the right host or port?"
        return ReadError("Unreachable", refused)
    return unreachable(f"dial tcp {server.netloc}: connect: {system_words(error)}")


def not_answered(error: Exception, server: Server, seconds: float) -> ReadError:
    """The connection broke off, or was given up after `seconds`."""
    if isinstance(error, TimeoutError):
        return late(server.netloc, seconds)
    if isinstance(error, ssl.SSLError):
        return unreachable(tls_words(error, server))
    if isinstance(error, (OSError, HTTPException)):
        return unreachable(broken_off(error, server))
    # Not its text: a header that cannot be sent is quoted in it, and that may be the token.
    return unreachable(f"the request could not be sent ({type(error).__name__})")


def damaged(server: Server) -> ReadError:
    """What came is not what the server compressed."""
    return ReadError("BadAnswer", f"{server.netloc} sent an answer whose compression is damaged")


def unreachable(why: str) -> ReadError:
    """The line that kubectl prints where it has none of its own for a reason."""
    return ReadError("Unreachable", f"Unable to connect to the server: {why}")


def lookup_words(cause: object, server: Server) -> str:
    """The name of the server is not known, or nobody could be asked for it."""
    unknown = isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME
    host = urlsplit(server.address).hostname
    return f"dial tcp: lookup {host}: {'no such host' if unknown else system_words(cause)}"


def broken_off(cause: object, server: Server) -> str:
    """The connection was there, and then was not, or spoke another language."""
    if isinstance(cause, IncompleteRead):
        return "unexpected EOF"
    if isinstance(cause, RemoteDisconnected):
        return "EOF"
    if isinstance(cause, HTTPException):
        return f"malformed HTTP response ({type(cause).__name__})"
    return f"read tcp {server.netloc}: {system_words(cause)}"


def system_words(error: object) -> str:
    """What the operating system says, in lower case."""
    if error is None:
        return "connection failed"  # a SOCKS proxy's refusal carries no system error
    if isinstance(error, OSError):
        return (error.strerror or str(error) or type(error).__name__).lower()
    return type(error).__name__


def tls_words(error: ssl.SSLError, server: Server) -> str:
    """Why there is no TLS between us and the server."""
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
