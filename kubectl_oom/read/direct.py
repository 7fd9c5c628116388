"""An engine at a URL, asked with prometheus-api-client over a session that has its traps closed.

That client waits for ever, asks four times after a 503, lets ~/.netrc overrule a token, follows redirects with our
credentials, and hands back rows without the warnings beside them. All of this is decided by the session it is
given; docs/decisions/0003-metrics-client.md says why it is used at all.
"""

from __future__ import annotations

import re
import ssl
from base64 import b64encode
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import requests
import urllib3
from prometheus_api_client import PrometheusConnect
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError, InsecureRequestWarning
from urllib3.util import Retry

from kubectl_oom.read.deadline import late
from kubectl_oom.read.engine import Answer, TooMuchDataError, answer_of, plain, refusal
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kubectl_oom.read.engine import EngineOptions

# Twice what the largest question that is asked on purpose brings (raw_samples.SAMPLES_PER_QUESTION, 25 bytes each).
LARGEST_BODY_BYTES = 32 * 1024 * 1024
_OK = 200
_TOKEN = re.compile(r"[\x21-\x7e]+\Z")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")


class DirectTransport:
    """The way to the engine at `options.url`; ReadError "Invalid" where the options cannot be meant."""

    def __init__(self, options: EngineOptions) -> None:
        self.url, user_info = _address(options.url or "")
        self.label = f"Prometheus {self.url}"
        session = _Session(self.label)
        session.proxies.update(get_environ_proxies(self.url))
        session.verify = _trust(options)
        session.cert = _certificate(options)
        _introduce(session, options, user_info)
        self._client = PrometheusConnect(url=self.url, session=session, retry=Retry(0))
        session.mount(self.url, _Adapter(verify=session.verify))

    def ask(self, endpoint: str, params: Mapping[str, str], timeout_seconds: float) -> Answer:
        """The answer of one endpoint, with its warnings: the session puts an `Answer` where the rows would be."""
        rest = {name: text for name, text in params.items() if name not in {"query", "start", "end", "step"}}
        answer: Answer
        if endpoint == "query_range":
            answer = self._client.custom_query_range(
                params["query"],
                datetime.fromtimestamp(int(params["start"]), tz=timezone.utc),
                datetime.fromtimestamp(int(params["end"]), tz=timezone.utc),
                params["step"],
                params=rest,
                timeout=timeout_seconds,
            )
        else:
            answer = self._client.custom_query(params["query"], params=rest, timeout=timeout_seconds)
        return answer


class _Adapter(HTTPAdapter):
    """Asks once. Trusts what the system trusts beside certifi's list, as kubectl and curl do; or `verify` alone.

    An old authority without today's extensions is still one, as for the API server: Python 3.13 would refuse it.
    """

    def __init__(self, *, verify: bool | str) -> None:
        self._verify = verify
        super().__init__(max_retries=Retry(0))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - passed on as they come
        if self._verify:
            context = ssl.create_default_context(cafile=None if self._verify is True else self._verify)
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            kwargs["ssl_context"] = context
        super().init_poolmanager(*args, **kwargs)


class _Reply(requests.Response):
    """A success whose `data.result` is the whole answer, since that is all the client hands back."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.status_code = _OK
        self._answer = answer

    def json(self, **_: Any) -> dict[str, Any]:  # noqa: ANN401 - the signature of the base
        return {"data": {"result": self._answer}}


class _Session(requests.Session):
    """One request, one answer or one ReadError."""

    def __init__(self, whom: str) -> None:
        super().__init__()
        self.trust_env = False  # else ~/.netrc replaces the credentials that were given
        self.headers["User-Agent"] = "kubectl-oom"
        self._whom = whom

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:  # noqa: ANN401 - passed on as they come
        try:
            with super().request(*args, **kwargs | {"stream": True, "allow_redirects": False}) as response:
                status, body = response.status_code, self._body(response)
        except (HTTPError, OSError, ValueError) as error:  # requests' own errors are OSErrors
            raise _failure(error, self._whom, kwargs["timeout"]) from error
        if status == _OK:
            return _Reply(answer_of(body, self._whom))
        if response.is_redirect:
            raise _redirected(response, self._whom)
        raise refusal(status, body, self._whom)

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        for piece in response.iter_content(1 << 16):
            body += piece
            if len(body) > LARGEST_BODY_BYTES:
                raise TooMuchDataError("TooMuchData", f"{self._whom} sent more than {LARGEST_BODY_BYTES >> 20} MiB")
        return bytes(body)


def _address(url: str) -> tuple[str, str | None]:
    """The URL as it may be printed, and the `user:password` that stood in it."""
    try:
        parts = urlsplit(url.strip())
        parts.port  # noqa: B018 - raises ValueError where the port is no number
    except ValueError:
        raise ReadError("Invalid", "the address of the metrics engine is no URL") from None
    user_info, _, host = parts.netloc.rpartition("@")
    shown = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ReadError("Invalid", _no_url(url.strip()))
    if parts.query or parts.fragment:
        raise ReadError("Invalid", f"{plain(shown)}: the address of a metrics engine ends before `?` and `#`")
    return shown, user_info or None


def _no_url(typed: str) -> str:
    """What is wrong with an address, as it was typed but for what may be a secret: all before @, and after ? or #."""
    before, at, host = re.split("[?#]", typed)[0].rpartition("@")
    shown = f"…@{host}" if at else host
    expected = "http://… or https://… is expected" if "://" in before + host else "http:// or https:// is missing"
    return f'"{plain(shown)}" is no URL of a metrics engine: {expected}'


def _trust(options: EngineOptions) -> bool | str:
    """What `Session.verify` takes: a file of authorities, True for the usual ones, False for none at all."""
    if options.insecure_skip_tls_verify:
        urllib3.disable_warnings(InsecureRequestWarning)  # whoever asks for this need not be told
        return False
    return _readable(options.ca_file) if options.ca_file else True


def _certificate(options: EngineOptions) -> tuple[str, str] | str | None:
    if options.client_key and not options.client_certificate:
        raise ReadError("Invalid", "a client key needs the client certificate it belongs to")
    if options.client_certificate and options.client_key:
        return _readable(options.client_certificate), _readable(options.client_key)
    return _readable(options.client_certificate) if options.client_certificate else None


def _readable(path: str) -> str:
    """The path itself, once its content was read: what is wrong with a file is said before anybody is asked."""
    _content(path)
    return path


def _content(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ReadError("Invalid", f"{path} cannot be read: {reason}") from error


def _introduce(session: requests.Session, options: EngineOptions, user_info: str | None) -> None:
    """Put the credentials and headers on the session; one way to say who we are, not two."""
    for name, value in options.headers:
        if not _HEADER_NAME.match(name) or not value.isprintable():
            raise ReadError("Invalid", f"the header {plain(name)!r} cannot be sent: its name or value is malformed")
        session.headers[name] = value.strip()
    ways = [options.token, options.token_file, options.basic_auth, user_info]
    ways += [value for name, value in options.headers if name.lower() == "authorization"]
    if len([way for way in ways if way]) > 1:
        raise ReadError("Invalid", "more than one of token, token file, basic auth and Authorization header was given")
    basic = options.basic_auth or (unquote(user_info) if user_info else None)
    if basic:
        session.headers["Authorization"] = "Basic " + b64encode(basic.encode()).decode()
    token = options.token or (_content(options.token_file) if options.token_file else None)
    if token:
        if not _TOKEN.match(token.strip()):
            raise ReadError("Invalid", "the token for the metrics engine holds characters that no token has")
        session.headers["Authorization"] = f"Bearer {token.strip()}"


def _redirected(response: requests.Response, whom: str) -> ReadError:
    """The redirect is not followed: what we send is meant for the host that was named."""
    target = urlsplit(response.headers["location"])
    host = target.netloc.rpartition("@")[2]
    there = f"{target.scheme}://{host}{target.path}" if host else target.path
    return ReadError(
        "Redirected",
        f"{whom} sends on to {plain(there)}, perhaps to log in; that was not followed: name that URL if it is meant",
        response.status_code,
    )


def _failure(error: Exception, whom: str, seconds: float) -> ReadError:
    """What went wrong before there was an answer, in the words of the system call it went wrong in."""
    cause = _system_error(error)
    # Our own limit has no number of the system's. requests calls it a Timeout only where it did not retry: with its
    # retries counted to 0, and in the middle of a body, it is a ConnectionError like any other.
    if isinstance(error, requests.Timeout) or (isinstance(cause, TimeoutError) and cause.errno is None):
        return late(whom, seconds)
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return ReadError("BadAnswer", f"{whom} broke off in the middle of its answer")
    if isinstance(cause, ssl.SSLCertVerificationError):
        return ReadError("BadCertificate", f"the certificate of {whom} is not trusted: {cause.verify_message}")
    if isinstance(cause, ssl.SSLError):
        return ReadError("Unreachable", f"no TLS connection to {whom}: {cause.reason or 'the handshake failed'}")
    if isinstance(error, requests.exceptions.ProxyError):
        return ReadError("Unreachable", f"{whom} cannot be reached through the proxy of this environment")
    if cause is not None and cause.strerror:
        return ReadError("Unreachable", f"no connection to {whom}: {cause.strerror}")
    return ReadError("Unreachable", f"{whom} could not be asked: {plain(str(cause or error))}")


def _system_error(error: BaseException) -> OSError | None:
    """The error of the system call or of TLS at the bottom of what urllib3 and requests wrapped around it."""
    found: OSError | None = None
    seen: set[int] = set()
    rest: list[Any] = [error]
    while rest:
        current = rest.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, OSError) and not isinstance(current, requests.RequestException):
            found = current
        rest += [current.__context__, current.__cause__, getattr(current, "reason", None), *current.args[:1]]
    return found
