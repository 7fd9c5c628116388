"""The one place where errors become a line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from kubectl_oom.cli.group import group
from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from collections.abc import Sequence

FAILED = 1
INTERRUPTED = 130  # 128 + SIGINT, as a shell reports it
PROGRAM = "kubectl oom"


def run(argv: Sequence[str]) -> int:
    """The exit code of one command line."""
    try:
        group.main(args=list(argv), prog_name=PROGRAM, complete_var="_KUBECTL_OOM_COMPLETE", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        return _usage(error)
    except click.ClickException as error:
        return _tell(f"error: {error.format_message()}")
    except OomError as error:
        return _tell(error.message, error.hint)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone (| head): nothing is wrong, and Python must not say so at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    return 0


def _usage(error: click.UsageError) -> int:
    """Usage errors as kubectl words them, with exit code 1 (click's own is 2)."""
    path = error.ctx.command_path if error.ctx else PROGRAM
    if isinstance(error, click.NoSuchOption):
        return _tell(f"error: unknown flag: {error.option_name}", f"See '{path} --help' for usage.")
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return FAILED
    message = error.format_message().rstrip(".")
    return _tell(f"error: {message[:1].lower()}{message[1:]}", f"See '{path} --help' for usage.")


def _tell(message: str, hint: str | None = None) -> int:
    from kubectl_oom.show.words import printable

    click.echo("\n".join(printable(line) for line in message.splitlines()), err=True)
    if hint:
        click.echo(printable(hint), err=True)
    return FAILED
