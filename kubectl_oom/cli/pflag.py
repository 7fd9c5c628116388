"""Words of a command line as kubectl's flags (Go's pflag) take them, put as click takes them.

Loaded with every command, so it loads nothing but click.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# https://pkg.go.dev/strconv#ParseBool
_BOOLEANS = dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True) | dict.fromkeys(
    ("0", "f", "F", "false", "FALSE", "False"), False
)


def is_on(flag: str, words: Iterable[str]) -> bool:
    """Whether the words switch this flag on: the last that names it decides."""
    said = [word.removeprefix(flag) for word in words if word == flag or word.startswith(f"{flag}=")]
    return bool(said) and _BOOLEANS.get(said[-1].removeprefix("=") or "true", True)


def as_click(words: Sequence[str], params: Iterable[click.Parameter]) -> list[str]:
    """The words with `-n=shop`, `-A=true` and `--all-namespaces=true` in forms that click knows too.

    UsageError in kubectl's words for what is no boolean.
    """
    options = {
        name: one for one in params if isinstance(one, click.Option) for name in (*one.opts, *one.secondary_opts)
    }
    put: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            put += [word, *rest]
        elif word.startswith("--"):
            _put_long(word, rest, options, put)
        elif word.startswith("-") and word != "-":
            _put_short(word, rest, options, put)
        else:
            put.append(word)
    return put


def _put_long(word: str, rest: Iterator[str], options: Mapping[str, click.Option], put: list[str]) -> None:
    name, equals, value = word.partition("=")
    option = options.get(name)
    if option is not None and equals and not _takes_value(option):
        _put_switch(option, name, value, put)
        return
    put.append(word)
    if option is not None and not equals and _takes_value(option):
        put += islice(rest, 1)  # whatever it looks like, it is the value


def _put_short(word: str, rest: Iterator[str], options: Mapping[str, click.Option], put: list[str]) -> None:
    """`-A`, `-n=shop`, `-nshop`, and several in one word: each on its own. What is unknown is left for click to name."""
    letters = word[1:]
    while letters:
        name = f"-{letters[0]}"
        option = options.get(name)
        if option is None:
            put.append(f"-{letters}")
            return
        # Not of `-n=`: pflag takes the sign itself for the value there, and never the next word.
        value = letters[2:] if letters[1:2] == "=" else ""
        if _takes_value(option):
            put += [name, value or letters[1:]] if letters[1:] else [name, *islice(rest, 1)]
            return
        if value:
            _put_switch(option, name, value, put)
            return
        put.append(name)
        letters = letters[1:]


def _takes_value(option: click.Option) -> bool:
    return not (option.is_flag or option.count)


def _put_switch(option: click.Option, name: str, value: str, put: list[str]) -> None:
    """On, off, or (where there is no word for off) as if it had not been said before."""
    if value not in _BOOLEANS:
        wrong = f'strconv.ParseBool: parsing "{value}": invalid syntax'
        raise click.UsageError(f'invalid argument "{value}" for "{name}" flag: {wrong}')
    others = option.opts if name in option.secondary_opts else option.secondary_opts
    if _BOOLEANS[value]:
        put.append(name)
    elif others:
        put.append(others[-1])
    else:
        put[:] = [word for word in put if word not in option.opts]
