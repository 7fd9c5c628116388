"""A limit on the whole of an answer, from the name lookup to the last byte.

The timeouts of HTTP libraries count between two bytes: a server that sends one byte a second never meets them.
"""

from __future__ import annotations

from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from collections.abc import Callable

Answered = TypeVar("Answered")


def begin(ask: Callable[[], Answered], *, name: str) -> Callable[[float | None], Answered]:
    """Run `ask` in a thread of its own; what comes back waits for it: `queue.Empty` after so many seconds (None: never).

    Nobody has to wait: a thread that is left behind does not keep the process from ending.
    """
    outcome: SimpleQueue[tuple[Answered] | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            outcome.put((ask(),))
        except BaseException as error:  # noqa: BLE001 - nothing is swallowed: it is raised below, where it belongs
            outcome.put(error)

    def result(seconds: float | None) -> Answered:
        found = outcome.get(timeout=seconds)
        if isinstance(found, BaseException):
            raise found
        return found[0]

    Thread(target=run, name=name, daemon=True).start()
    return result


def within(seconds: float, ask: Callable[[], Answered], *, whom: str) -> Answered:
    """What `ask` returns, or ReadError "Timeout" after `seconds` in all.

    `ask` is left behind after that: it cannot be stopped while a system call holds it.
    """
    try:
        return begin(ask, name=f"asking {whom}")(seconds)
    except Empty:
        raise late(whom, seconds) from None


def late(whom: str, seconds: float) -> ReadError:
    """What is said of a server that was late, whichever limit noticed: this one or the connection's own."""
    return ReadError("Timeout", f"{whom} gave no full answer within {seconds:g} s")
