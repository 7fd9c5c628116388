"""Every `--help` is a page to work from: what it does, examples that are right, flags with defaults, exit codes."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING

import click
import pytest

from kubectl_oom.cli.connecting import REQUEST_TIMEOUT
from kubectl_oom.cli.group import COMMANDS
from kubectl_oom.cli.help import HOME
from kubectl_oom.judge.cost import LIST_PRICE
from kubectl_oom.read.connection import REQUEST_SECONDS
from kubectl_oom.read.engine import DEFAULT_TIMEOUT_SECONDS
from tests.documents import ROOT, text_of
from tests.program import oom
from tests.spoken import command_named, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

ALL = ["", *COMMANDS]  # the first is the program's own help
COLUMNS = 80
FEWEST_EXAMPLES = 3
# What a value is, in the flag's own words; a number has its unit in the name.
KINDS = {
    *("NAME", "NAMES", "FILE", "DIR", "URL", "TOKEN", "UID", "LABELS", "REGEX", "NAME=VALUE", "NAME:VALUE"),
    *("USER:PASSWORD", "FORMAT", "MODE", "COLUMN", "CLASS", "COMMAND", "DURATION", "SIZE"),
    *("PERCENT", "COLUMNS", "LINES", "USD"),
}
# Flags that say how long or how much: each has a default, or shows how a value is written.
MEASURED = {"DURATION": r"\d+[smhd]\b", "SIZE": r"\d+Mi\b", "PERCENT": r"\d+"}


@pytest.fixture(scope="module")
def helps() -> dict[str, str]:
    return {name: oom(*filter(None, [name]), "--help").out for name in ALL}


def _flags(name: str) -> Iterator[click.Option]:
    return (param for param in command_named(name).params if isinstance(param, click.Option) and not param.hidden)


def _section(text: str, heading: str) -> list[str]:
    """The lines of a section, without their indentation."""
    lines = text.partition(f"\n{heading}:\n")[2].splitlines()
    end = next((n for n, line in enumerate(lines) if line and not line.startswith("  ")), len(lines))
    return [line.strip() for line in lines[:end] if line.strip()]


def _examples(text: str) -> list[tuple[str, str]]:
    """Comment and command of each example."""
    lines = [line.strip() for line in text.partition("\n  Examples:\n")[2].partition("\n\n")[0].splitlines()]
    return list(zip(lines[::2], lines[1::2], strict=True))


@pytest.mark.parametrize("name", ALL)
def test_it_begins_with_a_summary_and_then_says_what_is_read(name: str, helps: dict[str, str]) -> None:
    paragraphs = [" ".join(part.split()) for part in helps[name].split("\n\n")]

    assert paragraphs[0].startswith(f"Usage: kubectl oom {name}".rstrip())
    assert name == "" or paragraphs[1] == COMMANDS[name] + "."
    assert re.search(r"\b([Rr]ead|[Ll]ists|asked for)", paragraphs[2])


@pytest.mark.parametrize("name", ALL)
def test_there_are_examples_of_a_comment_and_a_command(name: str, helps: dict[str, str]) -> None:
    examples = _examples(helps[name])

    assert len(examples) >= FEWEST_EXAMPLES
    assert [comment for comment, _ in examples if not re.match(r"# [A-Z]", comment)] == []
    assert len({command for _, command in examples}) == len(examples)


@pytest.mark.parametrize("name", ALL)
def test_every_example_is_understood(name: str, helps: dict[str, str]) -> None:
    for _, command in _examples(helps[name]):
        assert parsed(command) in ALL, command


def test_an_example_that_is_wrong_would_be_noticed() -> None:
    for wrong in ("kubectl oom why --bogus", "kubectl oom wyh deploy/api", "kubectl oom why -n", "kubectl get pods"):
        with pytest.raises((click.UsageError, ValueError)):
            parsed(wrong)


@pytest.mark.parametrize("name", ALL)
def test_no_line_is_wider_than_a_terminal(name: str, helps: dict[str, str]) -> None:
    assert [line for line in helps[name].splitlines() if len(line) > COLUMNS] == []


@pytest.mark.parametrize("name", ALL)
def test_every_flag_that_takes_a_value_says_of_what_kind(name: str) -> None:
    valued = [flag for flag in _flags(name) if not flag.is_flag]

    assert [flag.opts for flag in valued if flag.metavar not in KINDS] == []


@pytest.mark.parametrize("name", ALL)
def test_every_measure_has_its_unit_and_every_default_is_shown(name: str, helps: dict[str, str]) -> None:
    for flag in _flags(name):
        wanted = MEASURED.get(flag.metavar or "")
        assert wanted is None or re.search(wanted, f"{flag.default} {flag.help}"), flag.opts
        has_default = isinstance(flag.default, (str, int)) and flag.default not in ("", False)
        assert flag.show_default or not has_default, flag.opts
        assert flag.opts[-1] in helps[name]


@pytest.mark.parametrize("name", ALL)
def test_every_flag_is_worded_like_kubectls(name: str) -> None:
    worded = [flag.help or "" for flag in _flags(name) if flag.name not in ("help", "version")]

    assert [text for text in worded if not text or text.endswith(".") or text[0].isspace()] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_shared_flags_stand_under_headings_and_its_own_come_first(name: str, helps: dict[str, str]) -> None:
    headings = [line for line in helps[name].splitlines() if re.fullmatch(r"[A-Z].*:", line)]

    assert headings[0] == "Options:"
    assert headings[-2:] == ["Exit codes:", "See also:"]
    assert ("Cluster, as for kubectl:" in headings) == any(flag.name == "kubeconfig" for flag in _flags(name))
    assert len(_section(helps[name], "Options")) > 0


@pytest.mark.parametrize("name", ALL)
def test_its_exit_codes_are_those_that_the_page_lists(name: str, helps: dict[str, str]) -> None:
    listed = set(re.findall(r"^\| (\d+) \|", text_of("exit-codes.md"), re.MULTILINE))
    said = [found[1] for line in _section(helps[name], "Exit codes") if (found := re.match(r"(\d+) {2,}\S", line))]

    assert set(said) <= listed
    assert ("2" in said) == ("--exit-code" in helps[name])
    assert {"0", "1", "130"} <= set(said)


@pytest.mark.parametrize("name", ALL)
def test_where_to_read_on_exists(name: str, helps: dict[str, str]) -> None:
    *lines, home = _section(helps[name], "See also")
    files = re.findall(r"docs/[\w./-]+", " ".join(lines))
    commands = [line for line in lines if line.startswith("kubectl")]

    assert home == HOME
    assert files[0] == (f"docs/commands/{name}.md" if name else "docs/guide.md")
    assert [file for file in files if not (ROOT / PurePath(file)).exists()] == []
    assert {parsed(command) for command in commands} <= {*COMMANDS}


def test_the_defaults_that_help_names_are_those_of_the_code() -> None:
    price = next(flag for flag in _flags("recommend") if flag.name == "ram_price")

    assert f"default: {REQUEST_SECONDS:g}s; a metrics engine's: {DEFAULT_TIMEOUT_SECONDS:g}s" in REQUEST_TIMEOUT
    assert f"list price, {LIST_PRICE:.3f};" in str(price.help)


@pytest.mark.parametrize("name", ALL)
def test_help_is_a_word_as_well_as_a_flag(name: str, helps: dict[str, str]) -> None:
    ran = oom("help", *filter(None, [name]))

    assert (ran.code, ran.out, ran.err) == (0, helps[name], "")


def test_there_is_no_help_for_a_command_that_does_not_exist() -> None:
    assert oom("help", "wyh").line == 'error: unknown command "wyh" for "kubectl oom"'
