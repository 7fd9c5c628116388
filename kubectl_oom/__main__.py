"""Entry points: `kubectl-oom` (run by kubectl as `kubectl oom`) and `kubectl_complete-oom`."""

from __future__ import annotations

import sys


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code: 0 answered, 1 anything else, as kubectl."""
    from kubectl_oom.cli.run import run

    return run(sys.argv[1:] if argv is None else argv)


def complete() -> int:
    """Print completions for the words kubectl passes on."""
    from kubectl_oom.cli.complete import complete as answer

    return answer(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
