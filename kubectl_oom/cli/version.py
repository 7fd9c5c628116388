"""`kubectl oom version`."""

from __future__ import annotations

import click

from kubectl_oom import __version__


@click.command("version")
def command() -> None:
    """Print the version."""
    click.echo(f"kubectl-oom v{__version__}")
