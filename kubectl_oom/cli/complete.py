"""Completion for kubectl: `kubectl_complete-oom why deploy/a` prints candidates, then cobra's directive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import ShellComplete

from kubectl_oom.cli.group import group
from kubectl_oom.cli.run import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Sequence

NO_FILE_NAMES = 4  # cobra.ShellCompDirectiveNoFileComp


def complete(words: Sequence[str]) -> int:
    """Print the candidates for the last of `words`; nothing at all goes to stderr."""
    *before, incomplete = words or [""]
    shell = ShellComplete(group, {}, PROGRAM, "_KUBECTL_OOM_COMPLETE")
    for item in shell.get_completions(list(before), incomplete):
        click.echo(f"{item.value}\t{item.help}" if item.help else item.value)
    click.echo(f":{NO_FILE_NAMES}")
    return 0
