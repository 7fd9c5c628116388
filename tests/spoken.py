"""Command lines as people write them, understood by the program's own parser and not carried out."""

from __future__ import annotations

import re
import shlex

import click

from kubectl_oom.cli.durations import span_of
from kubectl_oom.cli.group import group

_OURS = re.compile(r"(?:^|[\s(])kubectl[ -]oom(?=\s|$)(?P<rest>.*)")
# Where a shell takes over: a pipe, a redirection, another command, the end of a substitution.
_SHELL = re.compile(r"[|&;<>()]+")
_HELP = {"-h", "--help"}


def command_named(name: str) -> click.Command:
    """The command of that name; the program itself for none."""
    if not name:
        return group
    with click.Context(group) as context:
        command = group.get_command(context, name)
    if command is None:
        raise click.UsageError(f"no such command: {name}")
    return command


def parsed(line: str) -> str:
    """The name of the command that the line calls; empty for the program itself.

    click.UsageError for a command, flag, format or duration that there is not; ValueError for a line that is not ours.
    """
    found = _OURS.search(line)
    if not found:
        raise ValueError(f"no command of ours: {line}")
    name, *rest = _words(found["rest"]) or ["--help"]
    if name in {*_HELP, "--version"}:
        return ""
    command = command_named(name)
    if not _HELP & set(rest):
        _refuse_bad_values(command, command.make_context(name, rest).params)
    return name


def _refuse_bad_values(command: click.Command, values: dict[str, object]) -> None:
    """What the commands refuse themselves, later than click would."""
    for param in command.params:
        value = values.get(param.name or "")
        if not isinstance(param, click.Option) or not isinstance(value, str) or not value:
            continue
        if param.metavar == "FORMAT" and value not in re.findall(r"[\w-]+", (param.help or "").partition(":")[2]):
            raise click.BadParameter(f"no such format: {value}")
        if param.metavar == "DURATION" and value != "0":
            span_of(value)


def _words(text: str) -> list[str]:
    """The words up to where the shell takes over."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="|&;<>()")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if _SHELL.fullmatch(word):
            break
        words.append(word)
    return words
