"""`kubectl oom completion`: the scripts for shells, and the file by which kubectl finds ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kubectl_oom.cli import choices
from kubectl_oom.cli.help import Command
from kubectl_oom.cli.shells import SCRIPTS

if TYPE_CHECKING:
    from kubectl_oom.cli.finder import Installed

INSTALL = "install"


@click.command(
    "completion",
    cls=Command,
    no_args_is_help=True,
    exits={0: "printed, or set up", 1: "not set up: the error says why"},
)
@click.argument("what", type=click.Choice([*SCRIPTS, INSTALL]), metavar="bash|zsh|fish|powershell|install")
@click.option(
    "--dir",
    "folder",
    metavar="DIR",
    shell_complete=choices.folders,
    help="With install: the folder for the file (default: a usual one on PATH)",
)
def command(what: str, folder: str | None) -> None:
    """Print the completion script of a shell, or set up completion in kubectl.

    kubectl completes `kubectl oom` by running kubectl_complete-oom, which pip and pipx install. krew does not:
    `install` writes it to a folder on PATH. kubectl's own completion has to be set up, and kubectl be 1.26 or later.
    The scripts are for the bare kubectl-oom. Names are asked for from the cluster at the cursor, for a quarter of a
    second at most.

    \b
    Examples:
      # With krew: let kubectl complete `kubectl oom`
      kubectl oom completion install
      # The same, in a folder of your choice
      kubectl oom completion install --dir ~/tools
      # The bare kubectl-oom, in bash
      source <(kubectl-oom completion bash)
      # The bare kubectl-oom, in fish
      kubectl-oom completion fish > ~/.config/fish/completions/kubectl-oom.fish
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    if what == INSTALL:
        from kubectl_oom.cli.finder import install

        _tell(install(folder))
        return
    if folder is not None:
        raise click.UsageError("--dir goes with install", click.get_current_context())
    click.echo(SCRIPTS[what], nl=False)


def _tell(done: Installed) -> None:
    from kubectl_oom.show.words import printable

    said = f"{done.file}: written" if done.is_new else f"{done.file}: is there already"
    click.echo(printable(said))
    if not done.is_found:
        click.echo(printable(f"{done.file.parent} is not on PATH: kubectl finds it once it is"))
    else:
        click.echo("kubectl oom why <TAB> completes where kubectl's own completion is set up: kubectl completion -h")
