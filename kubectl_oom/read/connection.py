"""The open connection to an API server: raw JSON in, kubectl's words out where it fails.

Nothing is imported here that costs time: ssl, http.client and yaml come with the first connection.
"""

from __future__ import annotations

import json
import socket
from http import HTTPStatus
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urljoin, urlsplit

from kubectl_oom import __version__
from kubectl_oom.errors import OomError
from kubectl_oom.read.answer import decoded
from kubectl_oom.read.credentials import credentials_for
from kubectl_oom.read.source import Json, ReadError
from kubectl_oom.read.target import LEGACY_SERVER, ConnectOptions, settle

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from urllib3 import PoolManager

    from kubectl_oom.read.credentials import Credential, Credentials
    from kubectl_oom.read.stream import Stream
    from kubectl_oom.read.target import Target
    from kubectl_oom.read.wire import Answer, Request, Way

__all__ = ["ConnectOptions", "Connection", "HttpError", "api_error_hint", "api_error_line", "connect"]

# A page of 500 pods is 4 MB and takes an API server 40 ms; what is not there after this long is in trouble. One
# slow source must not hold up the others.
REQUEST_SECONDS = 15.0
# `--request-timeout=0` means "for ever" to kubectl. A report that hangs in a pipeline helps nobody, so it means
# this here: five times what an API server itself grants a request (60 s).
LONGEST_WAIT_SECONDS = 300.0
PROBE_SECONDS = 1.0  # for kubectl's default server, which is on this machine
REDIRECTS = 3  # on the same server, as a proxy in front of it may ask for; a login page is never among them
SHOWN_OF_A_BODY = 2048  # characters of an error in plain text, as client-go
UNESCAPED = "/:@!$&'()*+,;=~%"  # in a path; % because callers escape the names they put in

# client-go's NewGenericServerResponse: what it says where the answer is no Status.
REASONS: dict[int, tuple[str, str]] = {
    400: ("BadRequest", "the server rejected our request for an unknown reason"),
    401: ("Unauthorized", "the server has asked for the client to provide credentials"),
    404: ("NotFound", "the server could not find the requested resource"),
    405: ("MethodNotAllowed", "the server does not allow this method on the requested resource"),
    406: ("NotAcceptable", "the server was unable to respond with a content type that the client supports"),
    409: ("Conflict", "the server reported a conflict"),
    422: ("Invalid", "the server rejected our request due to an error in our request"),
    429: (
        "TooManyRequests",
        "the server has received too many requests and has asked us to try again later",
    ),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: (
        "Timeout",
        "the server was unable to return a response in the time allotted, but may still be processing the request",
    ),
}


class HttpError(ReadError):
    """An answer that is an error; `body` is what came with it, for those who know more about its form."""

    def __init__(self, reason: str, message: str, status: int, body: bytes) -> None:
        super().__init__(reason, message, status)
        self.body = body


class Connection:
    """An API server and who we are there; may be used by several threads at once."""

    def __init__(self, target: Target, credentials: Credentials, request_timeout_seconds: float | None) -> None:
        self.server = target.server.address
        self.namespace = target.namespace
        self.requests = 0
        self.bytes_received = 0  # as they came over the wire, compressed
        self._target = target
        self._credentials = credentials
        self._wanted_seconds = request_timeout_seconds
        self._lock = Lock()
        self._way: Way | None = None
        self._pool: PoolManager | None = None  # for streams
        self._shown: tuple[bytes, bytes] | None = None  # certificate and key of both

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str = "application/json",
        timeout: float | None = None,
    ) -> bytes:
        """The body of the answer to one GET; ReadError where it is not a success, or not there in time."""
        seconds = self._seconds(timeout)
        deadline, left = monotonic() + seconds, seconds
        url = self.server + quote(path, safe=UNESCAPED) + (f"?{urlencode(params)}" if params else "")
        for _ in range(REDIRECTS + 1):
            answer = self._ask(url, accept, left)
            if not (HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST and answer.location):
                break
            url, left = self._moved_to(url, answer), max(deadline - monotonic(), 0.001)
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            return answer.body
        raise _refusal(answer, self._target.server.netloc)

    def get_json(self, path: str, params: Mapping[str, str] | None = None, *, timeout: float | None = None) -> Json:
        """The object that the answer holds; ReadError "BadAnswer" where it is something else."""
        body = self.get(path, params, timeout=timeout)
        try:
            document = decoded(body)
        except ValueError as error:
            what = "a web page" if _is_page(body) else "something that is not JSON"
            raise ReadError("BadAnswer", f"{self._target.server.netloc} answered {path} with {what}") from error
        if not isinstance(document, dict):
            raise ReadError("BadAnswer", f"{self._target.server.netloc} answered {path} with JSON that is no object")
        return document

    def stream(self, path: str, params: Mapping[str, str], *, silent_seconds: float) -> Stream:
        """The lines of an answer as they come; ReadError where it is not a success, or does not begin in time."""
        from kubectl_oom.read.stream import open_stream  # noqa: PLC0415 - urllib3, for streams only

        url = self.server + quote(path, safe=UNESCAPED) + f"?{urlencode(params)}"
        redirects = 0
        while True:
            # What a proxy compresses it also holds back until there is enough of it.
            credential, asked = self._prepared(url, "application/json", compressed=False)
            opened = open_stream(
                self._pool_for(credential),
                asked,
                seconds=self._seconds(None),
                silent_seconds=silent_seconds,
                server=self._target.server,
            )
            answer = opened.refusal
            if answer is None:
                return opened
            self._take_note(credential, answer)
            if answer.status >= HTTPStatus.BAD_REQUEST or not answer.location or redirects == REDIRECTS:
                raise _refusal(answer, self._target.server.netloc)
            url, redirects = self._moved_to(url, answer), redirects + 1

    def send(self, method: str, path: str, body: Json, content_type: str, params: Mapping[str, str]) -> Json:
        """The object that the server answers to a change; ReadError with its own words where it refuses.

        Never followed to another address and never tried twice: a change that got no answer may have been made.
        """
        url = self.server + quote(path, safe=UNESCAPED) + f"?{urlencode(params)}"
        answer = self._ask(
            url, "application/json", self._seconds(None), method, json.dumps(body).encode(), content_type
        )
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise _refusal(answer, self._target.server.netloc)
        try:
            document = decoded(answer.body)
        except ValueError as error:
            wrong = f"{self._target.server.netloc} answered {path} with something that is not JSON"
            raise ReadError("BadAnswer", wrong) from error
        return document if isinstance(document, dict) else {}

    def close(self) -> None:
        """Closes the connections that are idle; the next request opens a new one."""
        with self._lock:
            if self._way is not None:
                self._way.close()
            if self._pool is not None:
                self._pool.clear()

    def _seconds(self, asked: float | None) -> float:
        """The limit for one request: what the caller asks for, unless the user wants to wait less."""
        wanted = self._wanted_seconds
        if wanted is not None and wanted <= 0:
            wanted = LONGEST_WAIT_SECONDS
        if asked is None:
            return REQUEST_SECONDS if wanted is None else wanted
        return asked if wanted is None else min(asked, wanted)

    def _ask(
        self,
        url: str,
        accept: str,
        seconds: float,
        method: str = "GET",
        body: bytes | None = None,
        content_type: str | None = None,
    ) -> Answer:
        from kubectl_oom.read.wire import fetch  # noqa: PLC0415 - with the first request

        credential, asked = self._prepared(url, accept, method, body, content_type)
        answer = fetch(self.way_for(credential), asked, seconds=seconds, server=self._target.server)
        self._take_note(credential, answer)
        return answer

    def _prepared(
        self,
        url: str,
        accept: str,
        method: str = "GET",
        body: bytes | None = None,
        content_type: str | None = None,
        *,
        compressed: bool = True,
    ) -> tuple[Credential, Request]:
        """A request with the credential of the moment."""
        from kubectl_oom.read.wire import Request  # noqa: PLC0415 - with the first request

        try:
            credential = self._credentials.current()
        except OomError as error:
            raise ReadError("NoCredentials", error.message) from error
        with self._lock:
            self.requests += 1
        headers = list(self._headers(credential, accept, compressed=compressed))
        if content_type:
            headers.append(("Content-Type", content_type))
        return credential, Request(url, tuple(headers), method, body)

    def _take_note(self, credential: Credential, answer: Answer) -> None:
        with self._lock:
            self.bytes_received += answer.wire_bytes
        if answer.status == HTTPStatus.UNAUTHORIZED:
            self._credentials.refused(credential)

    def way_for(self, credential: Credential) -> Way:
        """The way that shows this certificate; a new one when a plugin has given another."""
        from kubectl_oom.read.wire import way_to  # noqa: PLC0415 - with the first connection

        with self._lock:
            self._show(credential)
            if self._way is None:
                self._way = way_to(self._target.server, credential)
            return self._way

    def _pool_for(self, credential: Credential) -> PoolManager:
        """As `way_for`, for streams."""
        from kubectl_oom.read.pool import open_pool  # noqa: PLC0415 - urllib3

        with self._lock:
            self._show(credential)
            if self._pool is None:
                self._pool = open_pool(self._target.server, credential)
            return self._pool

    def _show(self, credential: Credential) -> None:
        """Forgets the connections that were made with another certificate."""
        shown = (credential.certificate, credential.key)
        if self._shown != shown:
            self._way, self._pool, self._shown = None, None, shown

    def _headers(self, credential: Credential, accept: str, *, compressed: bool) -> Iterator[tuple[str, str]]:
        yield "Accept", accept
        yield "User-Agent", f"kubectl-oom/{__version__}"
        yield "Accept-Encoding", "gzip" if compressed and self._target.server.compressed else "identity"
        if credential.authorization:
            yield "Authorization", credential.authorization
        for name, value in self._target.impersonation:
            # A name may hold any letter, and goes out as UTF-8; what is handed over is one character per byte.
            yield name, value.encode().decode("latin-1")

    def _moved_to(self, url: str, answer: Answer) -> str:
        """The address a redirect points at: on the same server only, since the credentials go with the request."""
        there = urljoin(url, answer.location)
        here, other = urlsplit(url), urlsplit(there)
        if (here.scheme, here.netloc) != (other.scheme, other.netloc):
            elsewhere = _printable(f"{other.scheme}://{other.hostname}")
            message = f"{here.netloc} points to {elsewhere}, where these credentials do not belong"
            raise HttpError("BadAnswer", message, answer.status, answer.body)
        return there


def connect(options: ConnectOptions) -> Connection:
    """The connection that kubectl would use with these flags; OomError in its words where it has none."""
    target = settle(options)
    if target.unconfigured and target.server.address == LEGACY_SERVER:
        _probe(target)
    credentials = credentials_for(target, options.environ)
    connection = Connection(target, credentials, options.request_timeout_seconds)
    connection.way_for(credentials.current())  # a wrong certificate or a failing plugin is said now, with a hint
    return connection


def _probe(target: Target) -> None:
    """Raises kubectl's error for "nothing configured", with the reason that kubectl keeps to itself."""
    split = urlsplit(target.server.address)
    try:
        socket.create_connection((split.hostname or "", split.port or 80), PROBE_SECONDS).close()
    except OSError as error:
        refused = f"The connection to the server {split.netloc} was refused"
        raise OomError(f"{refused} - did you specify the right host or port?", target.unconfigured) from error


def _refusal(answer: Answer, netloc: str) -> HttpError:
    """The error for an answer that is not a success: its Status, or what client-go says in place of one."""
    status = _status(answer.body)
    if status is not None:
        reason, message = str(status.get("reason") or ""), str(status.get("message") or "")
        return HttpError(reason, _printable(message), answer.status, answer.body)
    if _is_page(answer.body):
        what = f"{netloc} answered with a web page ({answer.status}): a proxy or a login page, not the API server"
        return HttpError("BadAnswer", what, answer.status, answer.body)
    said = answer.body[:SHOWN_OF_A_BODY].decode(errors="replace").strip()
    reason, message = REASONS.get(answer.status, ("", ""))
    if answer.status == HTTPStatus.FORBIDDEN:
        reason, message = "Forbidden", _printable(said) or "the server does not say why"
    elif not reason and answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        reason = "InternalError"
        message = f"an error on the server ({json.dumps(said)}) has prevented the request from succeeding"
    elif not reason:
        message = f"the server responded with the status code {answer.status} but did not return more information"
    return HttpError(reason, message, answer.status, answer.body)


def _status(body: bytes) -> Json | None:
    try:
        document = decoded(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) and document.get("kind") == "Status" else None


def fresh_token(error: HttpError) -> str | None:
    """What the server gives, with its refusal of a page of a list that has expired, to go on with; None without it."""
    if error.status != HTTPStatus.GONE:
        return None
    meta = (_status(error.body) or {}).get("metadata")
    token = meta.get("continue") if isinstance(meta, dict) else None
    return token if isinstance(token, str) and token else None


def _is_page(body: bytes) -> bool:
    return body.lstrip()[:1] == b"<"


def _printable(text: str) -> str:
    """The text without what could steer a terminal; line breaks stay."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def api_error_line(error: ReadError) -> str:
    """The line that kubectl prints for an error that ends the command."""
    if error.reason in ("Unreachable", "NoCredentials") and error.status is None:
        return error.message  # whole lines already
    if error.reason == "Timeout" and error.status is None:
        return f"Unable to connect to the server: {error.message}"
    if error.status is None or error.reason == "BadAnswer":
        return f"error: {error.message}"
    if error.reason == "Unauthorized":
        return f"error: You must be logged in to the server ({error.message})"
    return (
        f"Error from server ({error.reason}): {error.message}"
        if error.reason
        else f"Error from server: {error.message}"
    )


HINTS = {
    "Unauthorized": "The server does not accept these credentials: sign in again, then try `kubectl auth whoami`",
    "Forbidden": "`kubectl auth can-i --list` shows what this user may do; docs/clusterrole.yaml is what is needed",
    "Timeout": "Give it longer with --request-timeout=60s, or try `kubectl get --raw /readyz`",
    "Unreachable": "`kubectl config view --minify` shows the server that is meant",
    "BadAnswer": "`kubectl config view --minify` shows the server that is meant; is it the API server's own address?",
}


def api_error_hint(error: ReadError) -> str | None:
    """The next step after `api_error_line`, None where there is none to name."""
    return HINTS.get(error.reason)
