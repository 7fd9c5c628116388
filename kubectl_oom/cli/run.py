"""The one place where errors become a line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from kubectl_oom.cli.group import group
from kubectl_oom.cli.interrupts import keep_interrupts
from kubectl_oom.cli.pflag import is_on
from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from collections.abc import Sequence

FAILED = 1
TROUBLE = 2  # in place of 1 where --exit-code makes 1 an answer, as for `kubectl diff`
EXIT_CODE = "--exit-code"
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
PROGRAM = "kubectl oom"


def run(argv: Sequence[str]) -> int:
    """The exit code of one command line."""
    failed = TROUBLE if is_on(EXIT_CODE, argv) else FAILED
    if sys.stdout is None:  # `>&-`: there is nowhere to answer to
        return _tell("error: standard output is closed", code=failed)
    keep_interrupts()
    _print_anything()
    try:
        # What a command ended with (click's Exit) is handed back; the commands themselves return nothing.
        code = group.main(args=list(argv), prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except click.UsageError as error:
        return _usage(error, failed)
    except click.ClickException as error:
        return _tell(f"error: {error.format_message()}", code=failed)
    except OomError as error:
        return _tell(error.message, error.hint, code=failed)
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()
    except BrokenPipeError:
        # The reader of our output is gone (| head): nothing is wrong, and Python must not say so at exit.
        _drop_stdout()
        return failed
    except OSError as error:  # a full disk, a terminal that is gone
        _drop_stdout()
        what = f"error: {error.filename or 'standard output'}: {error.strerror or type(error).__name__}"
        return _tell(what, code=failed)
    except RecursionError:
        return _tell("error: something that was read is nested too deeply to be an answer", code=failed)
    return code if isinstance(code, int) else 0


def _print_anything() -> None:
    """A character that the stream's encoding does not have (on Windows that of an old code page) becomes a `?`."""
    with suppress(AttributeError):  # a stream that somebody has put in its place
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # as above


def _drop_stdout() -> None:
    """Send what is left to be written nowhere: else Python tries once more at exit, and complains."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupted() -> int:
    """The exit code after Ctrl-C; where requests are still under way the process ends here and now.

    Python would wait for their threads, as long as the slowest server may take.
    """
    if any(not thread.daemon and thread is not threading.main_thread() for thread in threading.enumerate()):
        os._exit(INTERRUPTED)
    return INTERRUPTED


def _usage(error: click.UsageError, failed: int) -> int:
    """Usage errors as kubectl words them, with exit code 1 (click's own is 2)."""
    path = error.ctx.command_path if error.ctx else PROGRAM
    see = f"See '{path} --help' for usage."
    if isinstance(error, click.NoSuchOption):
        name = error.option_name
        kind = "flag: " + name if name.startswith("--") else f"shorthand flag: '{name[1:2]}' in {name}"
        return _tell(f"Error: unknown {kind}", see, code=failed)
    if isinstance(error, click.BadOptionUsage) and error.message.endswith("requires an argument."):
        name = error.option_name
        flag = name if name.startswith("--") else f"'{name[1:2]}' in {name}"
        return _tell(f"Error: flag needs an argument: {flag}", see, code=failed)
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return failed
    message = error.format_message().rstrip(".")
    return _tell(f"error: {message[:1].lower()}{message[1:]}", see, code=failed)


def _tell(message: str, hint: str | None = None, *, code: int) -> int:
    from kubectl_oom.show.words import printable

    click.echo("\n".join(printable(line) for line in message.splitlines()), err=True)
    if hint:
        click.echo(printable(hint), err=True)
    return code
