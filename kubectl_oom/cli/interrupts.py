"""Ctrl-C is never lost: not even where Python loses it, in the destructor of an object that goes at that moment.

An exception cannot leave a destructor. Python prints KeyboardInterrupt with its traceback there, and goes on.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN_SECONDS = 0.01  # until the destructor is over; one that takes longer is interrupted again


def keep_interrupts() -> None:
    """From here on an interrupt that a destructor swallows comes again, to the main thread."""
    sys.unraisablehook = _swallowed


def _swallowed(lost: UnraisableHookArgs) -> None:
    if not issubclass(lost.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    later = threading.Timer(AGAIN_SECONDS, _interrupt_main)
    later.daemon = True
    later.start()


def _interrupt_main() -> None:
    if hasattr(signal, "pthread_kill"):  # it also ends a wait of the main thread for a server
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
