"""The credential of the moment: fixed, or from a file that is read again, a program, or the official client.

Each is asked before every request, so that one that expires during a long watch is replaced in time. What goes
wrong is an `OomError` in kubectl's words; a secret is never part of it.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from kubectl_oom.read.target import Target

# client-go's figure: half of the time between the kubelet's renewal of a pod's token and that token's end.
TOKEN_FILE_READ_AGAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Credential:
    """What one request shows: a header, a certificate, both or neither ("" and empty where there is none)."""

    authorization: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    key: bytes = field(default=b"", repr=False)


class Credentials(Protocol):
    """Where the credential of each request comes from."""

    def current(self) -> Credential:
        """The one to use now."""

    def refused(self, credential: Credential) -> None:
        """Takes note that the server answered 401 to it: the next one is fetched anew."""


class FixedCredentials:
    """The same for every request."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    def current(self) -> Credential:
        """The one to use now."""
        return self._credential

    def refused(self, credential: Credential) -> None:
        """Changes nothing: there is no other."""


class FileCredentials:
    """A token in a file that somebody else renews; the last one that could be read stands."""

    def __init__(self, file: Path, token: str, certificate: bytes, key: bytes) -> None:
        self._file = file
        self._certificate, self._key = certificate, key
        self._lock = Lock()
        self._credential = self._with(token) if token else None
        self._read_again_at = 0.0

    def current(self) -> Credential:
        """The one to use now."""
        with self._lock:
            if self._credential is None or monotonic() >= self._read_again_at:
                self._credential = self._read()
                self._read_again_at = monotonic() + TOKEN_FILE_READ_AGAIN_SECONDS
            return self._credential

    def refused(self, credential: Credential) -> None:
        """Reads the file again before the next request."""
        with self._lock:
            if credential == self._credential:
                self._read_again_at = 0.0

    def _read(self) -> Credential:
        try:
            token = self._file.read_text("utf-8").strip()
        except (OSError, UnicodeError) as error:
            if self._credential is not None:
                return self._credential
            why = error.strerror if isinstance(error, OSError) and error.strerror else "it holds no text"
            raise OomError(f"error: open {self._file}: {why.lower()}") from error
        if token:
            return self._with(token)
        if self._credential is None:
            raise OomError(f'error: read empty token from file "{self._file}"')
        return self._credential

    def _with(self, token: str) -> Credential:
        return Credential(bearer(token), self._certificate, self._key)


def credentials_for(target: Target, environ: Mapping[str, str]) -> Credentials:
    """Where the credentials of this target's user come from; a program is not run before the first is needed."""
    user = target.user
    if user.foreign is not None:
        from kubectl_oom.read.foreign import ForeignCredentials  # noqa: PLC0415 - the official client costs 300 ms

        return ForeignCredentials(user.foreign, user, target.server)
    if user.token_file:
        return FileCredentials(user.token_file, user.token, user.certificate, user.key)
    authorization = bearer(user.token) if user.token else ""
    if user.username or user.password:
        pair = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
        authorization = f"Basic {pair}"
    if user.plugin and not authorization and not user.certificate:
        from kubectl_oom.read.plugin import PluginCredentials  # noqa: PLC0415 - subprocess; few users have a plugin

        return PluginCredentials(user.plugin, target.server, environ)
    return FixedCredentials(Credential(authorization, user.certificate, user.key))


def bearer(token: str) -> str:
    """The header's value; OomError where no header could hold it, since the usual error would show the token."""
    if not token.isascii() or not token.isprintable():
        hint = "The token holds a line break or another character that no token has"
        raise OomError(
            'Unable to connect to the server: net/http: invalid header field value for "Authorization"', hint
        )
    return f"Bearer {token}"
