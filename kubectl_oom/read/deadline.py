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


def within(seconds: float, ask: Callable[[], Answered], *, whom: str) -> Answered:
    """What `ask` returns, or ReadError "Timeout" after `seconds` in all.

    `ask` runs in a thread of its own, which a timeout leaves behind: it cannot be stopped while a system call
    holds it, and it does not keep the process from ending.
    """
    outcome: SimpleQueue[tuple[Answered] | BaseException] = SimpleQueue()

    def run() -> None:
        try:
            outcome.put((ask(),))
        except BaseException as error:  # noqa: BLE001 - nothing is swallowed: it is raised below, where it belongs
            outcome.put(error)

    Thread(target=run, name=f"asking {whom}", daemon=True).start()
    try:
        result = outcome.get(timeout=seconds)
    except Empty:
        raise ReadError("Timeout", f"{whom} gave no full answer within {seconds:g} s") from None
    if isinstance(result, BaseException):
        raise result
    return result[0]
