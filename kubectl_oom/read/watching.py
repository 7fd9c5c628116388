"""The pods of a selection, followed for as long as it takes: one list, then the API server's watch, without a hole.

Every watch goes on from the version of the last object that was seen, so that nothing between two watches is lost and
what comes twice is the same object. Where the server has forgotten that version (410 Gone), the pods are listed again.
A server that does not answer is asked again until it does: only the first list may fail.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from kubectl_oom.read.answer import decoded, part, parts, text, whole
from kubectl_oom.read.objects import pod_of
from kubectl_oom.read.source import PODS, Json, ReadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from kubectl_oom.evidence import Pod

PAGE = 500  # objects per list request: what kubectl asks for
# How long one watch may last: client-go's reflectors use 5 to 10 minutes.
WATCH_SECONDS = 300
# A server sends a bookmark about every minute where nothing else happens. Without a line for longer than this it may
# be gone, behind something that keeps the connection open.
SILENT_SECONDS = 90.0
# Between two attempts: a restarted API server is met within seconds, one that is down is not worn out.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 10.0
# What fails as often is no accident: the pods are listed again.
FAILURES_BEFORE_A_LIST = 5
# Where pods may be listed but not watched. The API keeps two ends of a container, and from its third time on a killed
# one starts again after 20 s at the earliest.
POLL_SECONDS = 10.0
POLLS = 6  # then watching is tried again
# A server that has just started refuses for some seconds what it allows once it has read its roles. Where watching was
# possible before, this many refusals in a row (some 20 s) are believed.
BELIEVED_AFTER = 6
# One failure is no outage: connections break, and the next attempt half a second later succeeds.
TOLD_AFTER = 2
GONE = (HTTPStatus.GONE, "Gone", "Expired")


@dataclass(frozen=True, slots=True)
class Shown:
    """A pod as it is now; as it was last, where it has been deleted."""

    pod: Pod
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """All pods have been shown: those of these identities."""

    identities: frozenset[str]


@dataclass(frozen=True, slots=True)
class Trouble:
    """The pods cannot be followed for the moment; told once, until it is over."""

    error: ReadError


@dataclass(frozen=True, slots=True)
class Refused:
    """The pods may not be watched, and are listed every `POLL_SECONDS` instead."""

    error: ReadError


@dataclass(frozen=True, slots=True)
class Over:
    """They are followed again, after so many seconds."""

    seconds: float


Report = Shown | Listed | Trouble | Refused | Over


class Followed(Protocol):
    """The connection to an API server, as far as it is needed here."""

    server: str

    def get_json(self, path: str, params: Mapping[str, str] | None = None, *, timeout: float | None = None) -> Json:
        """The object that the answer holds."""

    def stream(self, path: str, params: Mapping[str, str], *, silent_seconds: float) -> Lines:
        """The lines of an answer as they come."""


class Lines(Protocol):
    """An answer under way."""

    def lines(self) -> Iterator[bytes]:
        """Every whole line."""


class _ForgottenError(ReadError):
    """The server does not remember this version any more."""


@dataclass(slots=True)
class Pace:
    """How time passes: what tests replace. The limits are those above."""

    clock: Callable[[], float] = time.monotonic
    wait: Callable[[float], object] = time.sleep
    watch_seconds: int = WATCH_SECONDS
    silent_seconds: float = SILENT_SECONDS


@dataclass(slots=True)
class Follower:
    """Follows the pods of a namespace (None: of all) with these labels."""

    connection: Followed
    namespace: str | None
    labels: str = ""
    pace: Pace = field(default_factory=Pace)
    _version: str = ""  # "": the pods have to be listed
    _opened_at: float | None = None  # when the answer of the present attempt began
    _failures: int = 0  # since something went well
    _down_since: float | None = None
    _told: bool = False  # that it is down
    _broke_inside: bool = False  # the last attempt failed after its answer had begun
    _has_watched: bool = False
    _told_refused: bool = False  # that it may not watch
    _polls_left: int = 0  # lists to be made in place of watches

    def start(self) -> Iterator[Report]:
        """All pods as they are at the beginning. ReadError where they cannot be listed."""
        try:
            yield from self._list()
        except ReadError as error:
            if not _is_gone(error):
                raise
            yield from self._list()  # the list was compacted away while it was read; pods may be shown twice

    def go_on(self) -> Iterator[Report]:
        """Whatever happens to them from there on, without an end. Never raises ReadError."""
        while True:
            self._opened_at, is_watch, began = None, bool(self._version), self.pace.clock()
            try:
                yield from self._watch() if is_watch else self._list_again()
            except ReadError as error:
                yield from self._failed(error)
                continue
            if is_watch and self.pace.clock() - began < FIRST_PAUSE_SECONDS:
                self.pace.wait(FIRST_PAUSE_SECONDS)  # a server that ends every watch at once

    # --- lists -----------------------------------------------------------------------------------------------------

    def _list_again(self) -> Iterator[Report]:
        yield from self._list()
        yield from self._answered()
        if self._polls_left:
            yield from self._well()
            self._polls_left -= 1
            self._version = "" if self._polls_left else self._version
            self.pace.wait(POLL_SECONDS)

    def _list(self) -> Iterator[Report]:
        params = {"limit": str(PAGE)} | ({"labelSelector": self.labels} if self.labels else {})
        version, identities = "", set[str]()
        while True:
            page = self.connection.get_json(PODS.path(self.namespace), params)
            if not isinstance(page.get("items", ()) or [], list):
                raise self._misfit("something that is no list of pods")
            for item in parts(page, "items"):
                shown = Shown(pod_of(item))
                identities.add(shown.pod.identity)
                yield shown
            meta = part(page, "metadata")
            version = version or text(meta.get("resourceVersion")) or ""  # all pages are of the first one's version
            token = text(meta.get("continue"))
            if not token:
                break
            if token == params.get("continue"):
                raise self._misfit("the same page of a list again")
            params["continue"] = token
        if not version:
            raise self._misfit("a list without a version")
        self._version = version
        yield Listed(frozenset(identities))

    def _misfit(self, what: str) -> ReadError:
        netloc = urlsplit(self.connection.server).netloc
        return ReadError("BadAnswer", f"{netloc} answered {PODS.path(self.namespace)} with {what}")

    # --- watches ---------------------------------------------------------------------------------------------------

    def _watch(self) -> Iterator[Report]:
        params = {
            "watch": "true",
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(self.pace.watch_seconds),
        }
        if self.labels:
            params["labelSelector"] = self.labels
        path = PODS.path(self.namespace)
        answer = self.connection.stream(path, params, silent_seconds=self.pace.silent_seconds)
        self._opened_at, self._has_watched, self._told_refused = self.pace.clock(), True, False
        yield from self._answered()
        for line in answer.lines():
            yield from self._event(line)
            yield from self._well()
        yield from self._well()

    def _event(self, line: bytes) -> Iterator[Report]:
        try:
            event = decoded(line)
        except ValueError as error:
            raise self._misfit("a line of a watch that is not JSON") from error
        kind, item = (event.get("type"), part(event, "object")) if isinstance(event, dict) else (None, {})
        if kind == "ERROR":
            code, reason = whole(item.get("code")), text(item.get("reason")) or ""
            raise ReadError(reason, text(item.get("message")) or "the watch failed", code)
        if kind in ("ADDED", "MODIFIED", "DELETED"):
            yield Shown(pod_of(item), deleted=kind == "DELETED")
        elif kind != "BOOKMARK":
            raise self._misfit("a line of a watch that is no event")
        # Only now: what was not handed on must come again.
        version = text(part(item, "metadata").get("resourceVersion"))
        self._version = version or self._version

    # --- failures --------------------------------------------------------------------------------------------------

    def _failed(self, error: ReadError) -> Iterator[Report]:
        """Get ready for the next attempt: wait, and choose whether it is a list or a watch."""
        opened, now = self._opened_at, self.pace.clock()
        if opened is not None and now - opened > LONGEST_PAUSE_SECONDS:  # it went well until it broke
            yield from self._well()
        self._failures += 1
        refused = error.reason == "Forbidden" and bool(self._version)
        if refused and (not self._has_watched or self._failures >= BELIEVED_AFTER):
            yield from self._without_watches(error)
            return
        self._broke_inside = opened is not None
        self._down_since = now if self._down_since is None else self._down_since
        answered = opened is not None or error.status is not None
        fruitless = answered and not refused and self._failures % FAILURES_BEFORE_A_LIST == 0
        if _is_gone(error) or fruitless:
            self._version = ""
        if self._failures >= TOLD_AFTER and not self._told:
            self._told = True
            yield Trouble(error)
        pause = min(FIRST_PAUSE_SECONDS * 2 ** min(self._failures - 1, 10), LONGEST_PAUSE_SECONDS)
        self.pace.wait(pause * random.uniform(0.5, 1))  # noqa: S311 - so that not all come back at once

    def _without_watches(self, error: ReadError) -> Iterator[Report]:
        """Lists in their place, for a minute: what is refused may be granted."""
        self._polls_left, self._version = POLLS, ""
        if not self._told_refused:
            self._told_refused = True
            yield Refused(error)

    def _answered(self) -> Iterator[Report]:
        """The server can be asked again; whether its answers are of use, the next line shows."""
        if not self._broke_inside and not self._polls_left:
            yield from self._over()

    def _well(self) -> Iterator[Report]:
        """What it answered was of use."""
        self._failures, self._broke_inside = 0, False
        if not self._polls_left:
            yield from self._over()

    def _over(self) -> Iterator[Report]:
        if self._told and self._down_since is not None:
            yield Over(self.pace.clock() - self._down_since)
        self._told, self._down_since = False, None


def _is_gone(error: ReadError) -> bool:
    """Whether the server has forgotten the version that it was asked about."""
    return error.status in GONE or error.reason in GONE
