"""Threads that read at the same time, and that nobody waits for once the question is broken off."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def readers(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """A pool of `count` threads; waits for their work at the end, but not after an error or Ctrl-C.

    The executor's own `with` waits in any case: as long as the slowest server may take.
    """
    pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix=name)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
