"""Completion, as cobra's programs speak it: `kubectl-oom __complete why deploy/a` prints candidates and a directive.

kubectl asks this way through `kubectl_complete-oom`, and so do the scripts of `kubectl oom completion`.
https://github.com/spf13/cobra/blob/main/site/content/completions/_index.md
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.shell_completion import ShellComplete

from kubectl_oom.cli.group import group
from kubectl_oom.cli.run import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

# cobra's ShellCompDirective…
FILES = 0
NO_SPACE = 2
NO_FILES = 4
FOLDERS = 16
KEEP_ORDER = 32


def complete(words: Sequence[str]) -> int:
    """Print the candidates for the last of `words`; whatever happens, it is no error."""
    *before, incomplete = words or [""]
    shell = ShellComplete(group, {"obj": before[1:]}, PROGRAM, "")
    try:
        items = shell.get_completions(before, incomplete)
    except Exception:  # noqa: BLE001 - a line that makes no sense yet has no completions
        items = []
    lines = [_line(item) for item in items if item.type == "plain" and item.value.isprintable()]
    # Bytes: a name may hold what the locale's encoding does not.
    click.echo("\n".join([*lines, f":{_directive(items)}"]).encode())
    return 0


def _line(item: CompletionItem) -> str:
    return f"{item.value}\t{item.help}" if item.help and item.help.isprintable() else str(item.value)


def _directive(items: list[CompletionItem]) -> int:
    """What the shell is to do with the candidates."""
    kinds = {item.type for item in items}
    if kinds & {"file", "dir"}:
        return FILES if "file" in kinds else FOLDERS
    values = [item.value for item in items]
    directive = NO_FILES
    if values and all(value.endswith("/") for value in values):  # the name is still to come
        directive |= NO_SPACE
    if values != sorted(values):
        directive |= KEEP_ORDER
    return directive
