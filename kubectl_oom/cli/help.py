"""Help that reads like a page of a manual: flags under headings, exit codes, and where to read on.

The words stand with each command: its docstring holds what it does and its examples, `exits` what its exit code means,
`see` where to go from there. Loaded with every command, so it loads nothing but click.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from kubectl_oom.cli.pflag import as_click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

F = TypeVar("F", bound="Callable[..., Any]")
OWN = "Options"
HOME = "https://github.com/kubectl-oom/kubectl-oom"
# What every command means by its exit code, where it does not say otherwise.
ANSWERED = "answered, whatever the answer is"
EXITS = {0: ANSWERED, 1: "not answered: the error says why", 130: "interrupted"}


class Flag(click.Option):
    """An option that many commands share: it stands under a heading of its own."""

    def __init__(self, *args: Any, heading: str, **kwargs: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **kwargs)
        self.heading = heading


class Command(click.Command):
    """A command with flags under headings; `exits` are its exit codes where they differ, `see` what to read next."""

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - click's own
        exits: Mapping[int, str] | None = None,
        see: tuple[str, ...] = (),
        **kwargs: Any,  # noqa: ANN401 - click's own
    ) -> None:
        super().__init__(*args, **kwargs)
        self.exits = EXITS | dict(exits or {})
        self.see = see

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's, of words as kubectl takes them; every error names this command, whose help has its flags."""
        try:
            return super().parse_args(ctx, as_click(args, self.get_params(ctx)))
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The command's own flags, then those it shares, under their headings."""
        headed: dict[str, list[tuple[str, str]]] = {OWN: []}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None  # words are in the usage
            if record is not None:
                headed.setdefault(param.heading if isinstance(param, Flag) else OWN, []).append(record)
        for heading, records in headed.items():
            with formatter.section(heading):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's own
        """Exit codes, and where to read on."""
        write_end(formatter, self.exits, (f"docs/commands/{self.name}.md", *self.see))


def write_end(formatter: click.HelpFormatter, exits: Mapping[int, str], see: Sequence[str]) -> None:
    """The last two sections of every page."""
    with formatter.section("Exit codes"):
        formatter.write_dl([(str(code), text) for code, text in sorted(exits.items())])
    with formatter.section("See also"):
        for word in see:
            if "/" not in word:
                formatter.write_text(f"kubectl oom {word} --help")
        formatter.write_text(f"{', '.join(word for word in see if '/' in word)} in")
        formatter.write(f"{'':{formatter.current_indent}}{HOME}\n")  # never wrapped: it is to be clicked on


def decorated(function: F, options: list[Callable[[F], F]]) -> F:
    """The function with all of these options, in this order."""
    for option in reversed(options):
        function = option(function)
    return function
