"""The commands, flags, environment variables and gaps that the documents name are those that there are, and all."""

from __future__ import annotations

import ast
import re
from textwrap import wrap
from typing import TYPE_CHECKING

import click
import pytest

from kubectl_oom.cli.group import COMMANDS
from kubectl_oom.read.gaps import PERMISSIONS
from tests.documents import DOCS, ROOT, UPDATE, is_update, name_of, pages, text_of, with_generated
from tests.spoken import command_named, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOURCE = ROOT / "kubectl_oom"
# `<TAB>` ends a line that is not finished; `__complete` is the protocol of shells, and no command.
NOT_FINISHED = ("<TAB>", "__complete")


def _spoken(text: str) -> Iterator[str]:
    """Every command of ours in a page: in blocks, with lines that a backslash joins as one, and between backticks."""
    for kind, block in re.findall(r"^`{3,}(sh|console)\n(.*?)^`{3,}$", text, re.DOTALL | re.MULTILINE):
        begin = r"\$ " if kind == "console" else ""
        for line in block.replace("\\\n", " ").splitlines():
            if re.match(rf"{begin}kubectl[ -]oom\b", line):
                yield line
    for span in re.findall(r"`([^`]+)`", _without_blocks(text).replace("\n", " ")):
        if re.match(r"kubectl[ -]oom ", span):
            yield f"{span} --help" if re.fullmatch(r"kubectl[ -]oom \w+", span) else span  # the command by its name


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_every_command_that_a_page_names_is_understood(page: Path) -> None:
    refused = {}
    for line in _spoken(page.read_text(encoding="utf-8")):
        if any(word in line for word in NOT_FINISHED):
            continue
        try:
            parsed(line)
        except (click.UsageError, ValueError) as error:
            refused[line] = str(error)

    assert refused == {}


def test_every_test_that_contributors_are_sent_to_exists() -> None:
    named = re.findall(r"\btests[/.][\w./]*\w", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    places = [ROOT / (name if "/" in name else name.replace(".", "/")) for name in named]

    assert len(named) > 1
    assert [str(place) for place in places if not place.exists() and not place.with_suffix(".py").exists()] == []


# Flags of programs that are explained, and of our own tools for developers.
OF_OTHERS = {
    *("--appendonly", "--concurrency", "--max-memory-per-child", "--max-old-space-size"),
    *("--max-old-space-size-percentage", "--require-hashes", "--save", "--workers", "--traces", "--flag"),
}


def test_every_flag_that_a_page_names_is_one() -> None:
    ours = {flag for name in ["", *COMMANDS] for param in command_named(name).params for flag in _spellings(param)}
    named = {
        flag: name_of(page)
        for page in pages()
        for flag in re.findall(r"`(--[a-z][\w-]*)", _without_blocks(page.read_text(encoding="utf-8")))
    }

    assert {flag: page for flag, page in named.items() if flag not in ours | OF_OTHERS | {"--help"}} == {}
    assert set(named) >= OF_OTHERS


def _spellings(param: click.Parameter) -> list[str]:
    return [*param.opts, *param.secondary_opts]


def _without_blocks(text: str) -> str:
    return re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)


# --- environment variables -------------------------------------------------------------------------------------------

_NAMED = re.compile(r"[A-Z][A-Z_]+")
# Put together at run time, or looked at by the library that asks for the terminal's size.
PUT_TOGETHER = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "COLUMNS"}


def _environment_in_the_source() -> set[str]:
    """Every variable that is looked up by its name, is the `envvar` of a flag, or is a constant …_VARIABLE."""
    found: set[str] = set()
    for node in _nodes():
        match node:
            case ast.Call(func=ast.Attribute(attr="get", value=value), args=[ast.Constant(value=str(name)), *_]):
                found |= {name} if "environ" in ast.unparse(value) else set()
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
                found |= {name} if ast.unparse(value).endswith("environ") else set()
            case ast.Compare(left=ast.Constant(value=str(name)), comparators=[value]):
                found |= {name} if ast.unparse(value).endswith("environ") else set()
            case ast.keyword(arg="envvar", value=ast.Constant(value=str(name))):
                found.add(name)
            case ast.Assign(targets=[ast.Name(id=constant)], value=ast.Constant(value=str(name))):
                found |= {name} if constant.endswith("_VARIABLE") else set()
            case _:
                pass
    return {name for name in found if _NAMED.fullmatch(name)}


def _nodes() -> Iterator[ast.AST]:
    for file in sorted(SOURCE.rglob("*.py")):
        yield from ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def test_every_environment_variable_is_listed_and_no_other() -> None:
    listed = re.findall(r"^\| `([A-Z_]+)` \|", text_of("environment.md"), re.MULTILINE)

    assert sorted(listed) == sorted(_environment_in_the_source() | PUT_TOGETHER)


def test_every_variable_of_a_flag_is_named_in_its_help() -> None:
    for name in COMMANDS:
        for param in command_named(name).params:
            if isinstance(param, click.Option) and param.envvar:
                assert f"env {param.envvar}" in (param.help or "")


# --- what could not be seen -------------------------------------------------------------------------------------------


def _gaps_in_the_source() -> tuple[set[str], set[str]]:
    """The sources of gaps that are worded where they arise, and of those that a failed read leaves."""
    worded: set[str] = set()
    failed: set[str] = set()
    for node in _nodes():
        match node:
            case ast.Call(func=ast.Name(id="Gap"), keywords=keywords):
                worded.add(_source(next(keyword.value for keyword in keywords if keyword.arg == "source")))
            case ast.Call(func=ast.Name(id="gap_of"), args=[ast.Constant(value=str(name)), *_]):
                failed.add(name)
            case ast.Call(func=ast.Name(id="attempt"), args=[_, ast.Constant(value=str(name)), *_]):
                failed.add(name)
            case _:
                pass
    return worded, failed


def _source(given: ast.expr) -> str:
    """The words themselves; NAME where a name is filled in."""
    match given:
        case ast.Constant(value=str(words)):
            return words
        case ast.JoinedStr(values=[ast.Constant(value=str(words)), _]):
            return f"{words}NAME"
        case ast.JoinedStr():
            return SUBJECT
        case _:
            return "FILE"


SUBJECT = "source (subject)"  # how gap_of puts a source and what was asked together


def test_every_gap_is_explained_and_no_other() -> None:
    worded, failed = _gaps_in_the_source()
    page = text_of("gaps.md")
    explained = re.findall(r"^### `([^`]+)`$", page, re.MULTILINE)

    assert failed <= set(PERMISSIONS)
    assert set(explained) == worded - {SUBJECT, *PERMISSIONS}
    assert len(explained) == len(set(explained))


def test_every_source_that_may_be_missing_is_listed() -> None:
    page = DOCS / "gaps.md"
    text = page.read_text(encoding="utf-8")
    fresh = with_generated(text, "sources", wrap(", ".join(f"`{name}`" for name in PERMISSIONS) + ".", 100))
    if is_update():
        page.write_text(fresh, encoding="utf-8")

    assert page.read_text(encoding="utf-8") == fresh, UPDATE
