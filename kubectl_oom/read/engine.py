"""A metrics engine as this tool sees it: a PromQL question goes in, rows of samples come out, nothing is lost.

How the question travels is the transport's business: to a URL (`direct.py`) or through the API server
(`discovery.py`). What the answer means is decided here, once, for both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from kubectl_oom.read.answer import decoded, words
from kubectl_oom.read.deadline import within
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

# An engine answers a day of one pod in milliseconds and 7 days of a namespace of 500 containers in 3 s; what takes
# ten times that is an engine in trouble, and a person who waits.
DEFAULT_TIMEOUT_SECONDS = 30.0
# The engine is told to give up this much earlier, so that its own explanation arrives before ours.
SERVER_GIVES_UP_EARLIER_SECONDS = 1.0
_LATEST = 253_402_300_799.0  # the end of the year 9999
SHOWN_OF_AN_ERROR = 300  # characters; an engine's errors can quote the whole question


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Which metrics engine to ask, and who we are there. Credentials are for `url` and for nothing else."""

    url: str | None = None  # None: look for one in the cluster
    token: str | None = None
    token_file: str | None = None
    basic_auth: str | None = None  # user:password
    headers: tuple[tuple[str, str], ...] = ()
    ca_file: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    insecure_skip_tls_verify: bool = False
    labels: tuple[tuple[str, str], ...] = ()  # every series asked for must carry these
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    enabled: bool = True

    def __repr__(self) -> str:
        """Without credentials: what is printed by accident must not hold any."""
        return f"EngineOptions(labels={self.labels!r}, enabled={self.enabled!r}, …)"


class TooMuchDataError(ReadError):
    """The engine answers no question this big; a smaller one may pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One series of an answer: its labels, and its samples as (seconds since 1970, value), finite numbers only."""

    labels: Mapping[str, str]
    samples: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an engine said. No rows means that it holds no such series, which is not the same as 0."""

    result_type: str  # matrix | vector | scalar | string
    rows: tuple[Row, ...]
    warnings: tuple[str, ...] = ()
    dropped: int = 0  # samples that were no finite numbers


class Transport(Protocol):
    """A way to an engine's HTTP API."""

    def ask(self, endpoint: str, params: Mapping[str, str], timeout_seconds: float) -> Answer:
        """The answer of `query` or `query_range`."""


class Engine:
    """Prometheus, or anything that speaks its query API."""

    def __init__(
        self,
        label: str,
        transport: Transport,
        *,
        matchers: tuple[str, ...] = (),
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        chosen_because: str | None = None,
    ) -> None:
        self.label = label  # as printed, without credentials
        self.matchers = matchers  # to be part of every selector
        self.chosen_because = chosen_because  # one sentence where it was found, not named: why this one, which others
        self._transport = transport
        self._timeout = timeout_seconds

    def query(self, expr: str, *, at: datetime | None = None) -> Answer:
        """The answer at one instant; without `at` it is the engine's own now."""
        return self._ask("query", {"query": expr} | ({} if at is None else {"time": f"{at.timestamp():.3f}"}))

    def query_range(self, expr: str, *, since: datetime, until: datetime, step_seconds: int) -> Answer:
        """The answers at whole seconds from `since` to `until`, `step_seconds` apart."""
        window = {"start": str(math.ceil(since.timestamp())), "end": str(math.floor(until.timestamp()))}
        return self._ask("query_range", {"query": expr, **window, "step": str(step_seconds)})

    def _ask(self, endpoint: str, params: dict[str, str]) -> Answer:
        patience = max(self._timeout - SERVER_GIVES_UP_EARLIER_SECONDS, self._timeout / 2)
        params["timeout"] = f"{patience:g}"
        return within(self._timeout, lambda: self._transport.ask(endpoint, params, self._timeout), whom=self.label)


def answer_of(body: bytes, whom: str) -> Answer:
    """The answer in the body of a success; ReadError where the body is something else."""
    document = _document(body, whom)
    if document.get("status") != "success":
        raise refusal(200, body, whom)
    try:
        kind = str(document["data"]["resultType"])
        rows, dropped = _rows(kind, document["data"]["result"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ReadError("BadAnswer", f"{whom} answered in a form that is not the Prometheus query API's") from error
    warnings = [plain(text) for text in words(document, "warnings")]
    if document.get("isPartial"):  # VictoriaMetrics' word for it
        warnings.append("the answer is partial: some storage nodes did not answer")
    return Answer(result_type=kind, rows=rows, warnings=tuple(warnings), dropped=dropped)


def _document(body: bytes, whom: str) -> dict[str, Any]:
    try:
        document = decoded(body)
    except ValueError as error:
        if body.lstrip()[:1] == b"<":
            message = f"{whom} answered with a web page: a login page, or a path that is not the engine's"
        else:
            message = f"{whom} answered with something that is not JSON, or with half of it"
        raise ReadError("BadAnswer", message) from error
    if not isinstance(document, dict):
        raise ReadError("BadAnswer", f"{whom} answered in a form that is not the Prometheus query API's")
    return document


def _rows(kind: str, result: Any) -> tuple[tuple[Row, ...], int]:  # noqa: ANN401 - raw JSON
    if kind in {"scalar", "string"}:
        result = [{"metric": {}, "value": result}]
    rows, dropped = [], 0
    for series in result:
        pairs = series["values"] if "values" in series else [series["value"]] if "value" in series else []
        samples = [(_moment(at), float(value)) for at, value in pairs]
        finite = tuple(sample for sample in samples if math.isfinite(sample[1]))
        dropped += len(samples) - len(finite)
        rows.append(Row(labels={str(k): str(v) for k, v in series["metric"].items()}, samples=finite))
    return tuple(rows), dropped


def _moment(at: Any) -> float:  # noqa: ANN401 - raw JSON
    """Seconds since 1970; ValueError for what is no moment that a calendar has."""
    seconds = float(at)
    if not 0 <= seconds <= _LATEST:
        raise ValueError(at)
    return seconds


# Not the API server's words: what helps against its "Forbidden" (a role) does not help here.
UNPROCESSABLE = 422
_REASONS = {
    400: "BadQuery",
    401: "Refused",
    403: "Refused",
    404: "NoQueryApi",
    429: "TooManyRequests",
    502: "Unavailable",
    503: "Unavailable",
    504: "Timeout",
}
_HINTS = {
    401: "it wants other credentials",
    403: "these credentials may not ask it",
    404: "there is no query API at this address; a path such as /prometheus may be missing",
    429: "it asks for fewer questions; try again later",
    503: "it is not ready or overloaded; try again later",
}
# 422 says that a question cannot be executed, and only the words say why: it ran out of time, it was too much (of
# samples, series, points or bytes, under one limit or another), or it was wrong.
_OUT_OF_TIME = ("deadline exceeded", "timed out", "timeout", "context canceled")
_TOO_MUCH = ("too many", "too large", "more than", "exceed", "limit", "maximum")


def refusal(status: int, body: bytes, whom: str) -> ReadError:
    """The error that an answer with this status is; the engine's own words are in the message."""
    said = _said(body)
    if status == UNPROCESSABLE:
        return _unprocessable(said, whom)
    reason = _REASONS.get(status, "ServerError")
    if 300 <= status < 400:  # noqa: PLR2004 - every kind of redirect
        reason, said = "Redirected", said or "somewhere else"
    detail = ": ".join(part for part in (_HINTS.get(status, ""), said) if part)
    return ReadError(reason, f"{whom} answered {status}" + (f": {detail}" if detail else ""), status)


def _unprocessable(said: str, whom: str) -> ReadError:
    words = said.lower()
    if any(sign in words for sign in _OUT_OF_TIME):
        return ReadError("Timeout", f"{whom} gave up: {said}", UNPROCESSABLE)
    if any(sign in words for sign in _TOO_MUCH):
        return TooMuchDataError("TooMuchData", f"{whom} refused: {said}", UNPROCESSABLE)
    return ReadError("BadQuery", f"{whom} answered {UNPROCESSABLE}" + (f": {said}" if said else ""), UNPROCESSABLE)


def _said(body: bytes) -> str:
    """The engine's own words for an error; nothing where the body is a page made for browsers."""
    try:
        document = decoded(body)
    except ValueError:
        text = body[: 4 * SHOWN_OF_AN_ERROR].decode(errors="replace")
        return "" if text.lstrip().startswith("<") else plain(text)
    if isinstance(document, dict):
        return plain(str(document.get("error") or document.get("message") or ""))
    return ""


def plain(text: str) -> str:
    """The text on one line, printable characters only, cut to what is worth showing."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= SHOWN_OF_AN_ERROR else line[: SHOWN_OF_AN_ERROR - 1] + "…"


def joined(texts: Iterable[str]) -> str:
    """`a, b and c`."""
    listed = list(texts)
    return " and ".join((", ".join(listed[:-1]), listed[-1])) if len(listed) > 1 else "".join(listed)
