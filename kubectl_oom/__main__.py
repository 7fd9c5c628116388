"""Entry points: `kubectl-oom` (run by kubectl as `kubectl oom`) and `kubectl_complete-oom`."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

COMPLETE = "__complete"  # what completions/kubectl_complete-oom calls: krew links one program only


# Loading modules makes some 50,000 objects that all stay. With Python's own threshold (700) it would look for garbage
# among them 70 times, for a tenth of the time that `why` takes. With this one it looks when there is some.
OBJECTS_UNTIL_GARBAGE_IS_LOOKED_FOR = 100_000


def main() -> int:
    """The program: answers the command line; the exit code: 0 answered, 1 anything else, as kubectl."""
    gc.set_threshold(OBJECTS_UNTIL_GARBAGE_IS_LOOKED_FOR)
    words = sys.argv[1:]
    if words[:1] == [COMPLETE]:
        return _complete(words[1:])
    from kubectl_oom.cli.run import run

    code = run(words)
    _leave(code)
    return code


def _leave(code: int) -> None:
    """End here and now: taking every object apart, which Python does at its end, takes a tenth of the time of `why`."""
    if "kubernetes" in sys.modules:
        return  # the official client has files to remove
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or read by nobody: what can be said about it has been
            if stream is not None:
                stream.flush()
    os._exit(code)


def complete() -> int:
    """Print completions for the words kubectl passes on."""
    return _complete(sys.argv[1:])


def _complete(words: list[str]) -> int:
    """Answer a shell that waits: nothing is read from the terminal, nothing else said, and nothing waited for."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 2):  # a login plugin inherits them: it must not ask a question into a command line
        os.dup2(nowhere, stream)
    from kubectl_oom.cli.complete import complete as answer

    code = answer(words)
    sys.stdout.flush()
    os._exit(code)  # a server that did not answer in time may hold a thread still


if __name__ == "__main__":
    sys.exit(main())
