"""The command `kubectl oom`: its subcommands are loaded when they are called, so that help and completion stay fast."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import click

from kubectl_oom import __version__
from kubectl_oom.cli.help import EXITS, write_end

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# name → one line of help; the module of the same name in this package holds `command`
COMMANDS = {
    "why": "Say what killed a container, how sure that is, and what to do",
    "history": "Show what a workload's memory did, and every OOM kill, also of pods that are gone",
    "recommend": "Say which memory request and limit a workload should have, and why",
    "fix": "Print the change that is recommended, or make it with --apply",
    "report": "Write a post-mortem: Markdown, or one HTML file that needs no network",
    "list": "List who was OOM-killed, in a namespace or in whole clusters",
    "watch": "Tell every OOM kill as it happens, and warn of who is next",
    "alerts": "Write Prometheus rules that are right, or check those that are there",
    "snapshot": "Save all evidence about a target to a file, before it expires",
    "doctor": "Say which sources answer and which permission is missing",
    "completion": "Print the completion script of a shell, or set up completion in kubectl",
    "version": "Print the version",
}

HELP = "help"  # a word that every program of cobra's takes


class LazyGroup(click.Group):
    """A group whose subcommands live in modules of their own."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All names, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"kubectl_oom.cli.{cmd_name}").command
        assert isinstance(command, click.Command)  # noqa: S101 - a module of this package without one is a bug
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, with kubectl's words for a command that does not exist, and `help NAME` as there."""
        if args[:1] == [HELP]:
            if ctx.resilient_parsing:
                return None, None, []  # the cursor is behind it: a command may follow, as at the beginning
            if not args[1:]:
                click.echo(ctx.get_help())
                ctx.exit()
            return self.resolve_command(ctx, [args[1], "--help"])
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f'unknown command "{args[0]}" for "{ctx.command_path}"', ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """As click's, without loading the commands for their help."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        from click.shell_completion import CompletionItem

        return [CompletionItem(name, help=text) for name, text in COMMANDS.items() if name.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """The list of commands, without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Exit codes, and where to read on."""
        write_end(formatter, EXITS, ("docs/guide.md", "docs/commands", "docs/exit-codes.md"))


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="kubectl-oom")
@click.pass_context
def group(ctx: click.Context) -> None:
    """Explain why containers were OOM-killed, and what to do about it.

    Reads what you may read: pods, events, nodes, logs, the kubelet's numbers, Prometheus. Says what the evidence
    supports and how strongly, and names what it could not see. Only `fix --apply` changes anything.

    Flags go after the command. Those for the cluster are kubectl's own.

    \b
    Examples:
      # Why does this deployment restart?
      kubectl oom why deploy/api -n shop
      # Who was killed in the last day, anywhere?
      kubectl oom list -A
      # What should it have, and why?
      kubectl oom recommend deploy/api -n shop
      # What would be changed, and what stands against it?
      kubectl oom fix deploy/api -n shop
    """  # noqa: D301 - click's own mark for text that is not to be wrapped
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
