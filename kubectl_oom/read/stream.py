"""An answer that is read line by line while the server writes it: a watch, which may go on for hours.

No part of it can hang: the answer has to begin within a limit, and then a whole line has to come within another.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import urllib3
from urllib3.exceptions import HTTPError

from kubectl_oom.read.deadline import within
from kubectl_oom.read.pool import read_error
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.wire import Answer, Attempt, connecting_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.read.target import Server
    from kubectl_oom.read.wire import Request

SUCCESS = range(200, 300)
PIECE = 1 << 16
# An object may have 1.5 MiB in etcd; as JSON, with all that is filled in, it stays below this.
LONGEST_LINE = 8 << 20
SHOWN_OF_A_REFUSAL = 1 << 16


class Stream:
    """The lines of one answer; `refusal` is the answer where it is no success, and then there are none."""

    def __init__(
        self, response: urllib3.BaseHTTPResponse, attempt: Attempt, server: Server, silent_seconds: float
    ) -> None:
        self._response = response
        self._attempt = attempt
        self._server = server
        self._silent_seconds = silent_seconds
        self.refusal: Answer | None = None

    def lines(self) -> Iterator[bytes]:
        """Every whole line, without its end; an unfinished one at the end of the answer is left out.

        ReadError where the connection breaks, and "Timeout" where no line has come for too long.
        """
        held, heard = b"", monotonic()
        try:
            for piece in self._pieces():
                *whole, held = (held + piece).split(b"\n")
                yield from filter(None, map(bytes.strip, whole))
                if len(held) > LONGEST_LINE:
                    raise ReadError("BadAnswer", f"{self._server.netloc} sent a line without an end")
                if not whole and monotonic() - heard > self._silent_seconds:
                    raise self._silence()
                # The time that the reader of the lines took is not the server's.
                heard = monotonic() if whole else heard
        except urllib3.exceptions.ReadTimeoutError as error:
            raise self._silence() from error
        except (HTTPError, OSError, ValueError) as error:
            raise read_error(error, self._server, self._silent_seconds) from error
        finally:
            self.close()

    def close(self) -> None:
        """Give the connection up: whoever waits for a line of it is woken."""
        self._attempt.abandon()
        self._response.close()

    def _pieces(self) -> Iterator[bytes]:
        if getattr(self._response, "chunked", False):
            yield from self._response.stream(PIECE)
            return
        read_what_is_there = getattr(self._response, "read1", None)  # urllib3 before 2.2 has none
        while piece := read_what_is_there(PIECE) if read_what_is_there else self._response.read(1):
            yield piece

    def _silence(self) -> ReadError:
        return ReadError("Timeout", f"{self._server.netloc} sent nothing for {self._silent_seconds:g} s")


def open_stream(
    pool: urllib3.PoolManager, asked: Request, *, seconds: float, silent_seconds: float, server: Server
) -> Stream:
    """The answer, once it has begun; ReadError "Timeout" or "Unreachable" where it has not within `seconds` in all."""
    attempt = Attempt()
    limits = urllib3.Timeout(connect=connecting_seconds(seconds), read=silent_seconds)

    def ask() -> Stream:
        Attempt.under_way.attempt = attempt
        response = pool.request(
            asked.method,
            asked.url,
            headers=urllib3.HTTPHeaderDict(asked.headers),
            timeout=limits,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        stream = Stream(response, attempt, server, silent_seconds)
        if response.status not in SUCCESS:
            body = response.read(SHOWN_OF_A_REFUSAL)
            kind, location = response.headers.get("Content-Type", ""), response.headers.get("Location", "")
            stream.refusal = Answer(response.status, body, kind, location, len(body))
            stream.close()
        return stream

    try:
        return within(seconds, ask, whom=server.netloc)
    except (HTTPError, OSError, ValueError) as error:
        attempt.abandon()
        raise read_error(error, server, seconds) from error
    except BaseException:
        attempt.abandon()
        raise
