"""Events handed to a program of the user's: one run for each, one after the other, never in the way of the watch."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from queue import Full, Queue
from threading import Thread
from typing import TYPE_CHECKING

from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROGRAM_SECONDS = 30.0  # for one event: time for a slow chat server; the next event waits
# Events that wait for a program that is slower than they come; more than this are not handed over, and that is said.
WAITING_AT_MOST = 1000
STDERR = 2


def program_of(words: str) -> tuple[str, ...]:
    """The program and its arguments, as a shell would split them; OomError where there is no such program."""
    try:
        argv = shlex.split(words)
    except ValueError as error:
        raise OomError(f"error: --exec: {str(error).lower()}", "Quote it as for a shell") from error
    if not argv:
        raise OomError("error: --exec names no program")
    if shutil.which(argv[0]) is None:
        raise OomError(
            f"error: --exec: {argv[0]}: not found, or not executable", "No shell is involved: name a program"
        )
    return tuple(argv)


class Handing:
    """Runs the program for every event. What it prints goes to stderr; that it fails is said there, and no more."""

    def __init__(self, argv: Sequence[str], tell: Callable[[str], None], seconds: float = PROGRAM_SECONDS) -> None:
        self._argv = argv
        self._tell = tell
        self._seconds = seconds
        self._waiting: Queue[str] = Queue(WAITING_AT_MOST)
        Thread(target=self._work, name="handing events over", daemon=True).start()

    def hand(self, line: str) -> None:
        """Take an event, one line of JSON, and return at once."""
        try:
            self._waiting.put_nowait(line)
        except Full:
            self._tell(f"--exec: {self._argv[0]} is too slow: an event was not handed to it")

    def finish(self) -> None:
        """Wait for the events that were taken."""
        self._waiting.join()

    def _work(self) -> None:
        while True:
            line = self._waiting.get()
            try:
                self._run(line)
            finally:
                self._waiting.task_done()

    def _run(self, line: str) -> None:
        try:
            # Its own session: a Ctrl-C is for the watch, and what it has begun may be finished.
            done = subprocess.run(  # noqa: S603 - what the user asked for, without a shell
                self._argv,
                input=f"{line}\n".encode(),
                stdout=STDERR,
                check=False,
                timeout=self._seconds,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            self._tell(f"--exec: {self._argv[0]} had not ended after {self._seconds:g} s, and was killed")
        except OSError as error:
            self._tell(f"--exec: {self._argv[0]}: {(error.strerror or type(error).__name__).lower()}")
        else:
            if done.returncode:
                self._tell(f"--exec: {self._argv[0]} ended with exit code {done.returncode}")
