"""Entry points: `kubectl-oom` (run by kubectl as `kubectl oom`) and `kubectl_complete-oom`."""

from __future__ import annotations

import sys

COMPLETE = "__complete"  # what completions/kubectl_complete-oom calls: krew links one program only


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code: 0 answered, 1 anything else, as kubectl."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == [COMPLETE]:
        return _complete(words[1:])
    from kubectl_oom.cli.run import run

    return run(words)


def complete() -> int:
    """Print completions for the words kubectl passes on."""
    return _complete(sys.argv[1:])


def _complete(words: list[str]) -> int:
    """Answer a shell that waits: nothing is read from the terminal, nothing else said, and nothing waited for."""
    import os

    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 2):  # a login plugin inherits them: it must not ask a question into a command line
        os.dup2(nowhere, stream)
    from kubectl_oom.cli.complete import complete as answer

    code = answer(words)
    sys.stdout.flush()
    os._exit(code)  # a server that did not answer in time may hold a thread still


if __name__ == "__main__":
    sys.exit(main())
