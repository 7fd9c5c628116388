"""`kubectl oom version`."""

from __future__ import annotations

import click

from kubectl_oom import __version__
from kubectl_oom.cli.help import Command


@click.command("version", cls=Command, exits={0: "printed"})
def command() -> None:
    """Print the version.

    Nothing is read. -v is not the version: kubectl uses it for its log level.

    \b
    Examples:
      # For a bug report
      kubectl oom version
      # The same
      kubectl oom --version
      # Is it installed?
      kubectl oom version > /dev/null && echo yes
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    click.echo(f"kubectl-oom v{__version__}")
