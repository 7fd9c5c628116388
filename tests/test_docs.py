"""Documents that cannot lie: what they show is run, what they list is compared with the code."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import click
import pytest

from kubectl_oom.cli import run as cli_run
from kubectl_oom.cli.group import COMMANDS
from kubectl_oom.evidence import Confidence, Verdict
from kubectl_oom.judge import fullness, kill_events, samples, scope, surroundings
from kubectl_oom.read.settings import HEAP_AND_WORKER_SETTINGS
from kubectl_oom.show.proposal_csv import COLUMNS
from tests.documents import (
    DOCS,
    ROOT,
    UPDATE,
    anchors,
    blocks,
    is_update,
    name_of,
    pages,
    prose,
    text_of,
    with_blocks,
    with_generated,
)
from tests.spoken import command_named

if TYPE_CHECKING:
    from pathlib import Path

PAGES = pages()
WIDEST_LINE = 120  # written to 100; a link or a term may stick out
# Pages with blocks that cannot be run without a cluster, and how many.
NEEDS_A_CLUSTER = {
    "docs/commands/doctor.md": 1,
    "docs/commands/fix.md": 1,
    "docs/commands/snapshot.md": 1,
    "docs/commands/watch.md": 1,
}


def _headings(page: str) -> list[str]:
    """The terms that a page explains under a heading of their own: ### `term`."""
    return re.findall(r"^#{2,4} `([^`]+)`", text_of(page), re.MULTILINE)


# --- what is shown -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_shown_prints_what_is_shown(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if is_update():
        page.write_text(with_blocks(text), encoding="utf-8")

    assert with_blocks(text) == page.read_text(encoding="utf-8"), UPDATE


def test_only_what_needs_a_cluster_is_not_run() -> None:
    counted = {
        name_of(page): sum(block.is_illustrative for block in blocks(page.read_text(encoding="utf-8")))
        for page in PAGES
    }

    assert {name: count for name, count in counted.items() if count} == NEEDS_A_CLUSTER


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_link_leads_nowhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = [target.partition("#") for target in re.findall(r"\]\((?!https?:|mailto:)([^)\s]+)\)", text)]
    files = [(page.parent / file if file else page, place) for file, _, place in targets]

    assert [name_of(file) for file, _ in files if not file.exists()] == []
    assert [f"{name_of(file)}#{place}" for file, place in files if place and place not in anchors(file)] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_line_of_prose_is_too_wide_to_read(page: Path) -> None:
    lines = prose(page.read_text(encoding="utf-8"))

    assert [line for line in lines if len(line) > WIDEST_LINE and "](http" not in line] == []


# --- what is listed ------------------------------------------------------------------------------------------------


def _flag_rows(command: click.Command) -> list[str]:
    """The flags of a command as a table, in the order of its help."""
    rows = ["| Flag | Meaning |", "| --- | --- |"]
    for option in command.params:
        if isinstance(option, click.Option) and not option.hidden:
            names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
            value = "" if option.is_flag else f" {option.metavar}"
            rows.append(f"| {names}{value} | {option.help}{_default(option)} |")
    return [*rows, "| `-h`, `--help` | Show the help and exit |"]


def _default(option: click.Option) -> str:
    """What holds without the flag, where its words do not say so."""
    if not option.show_default:
        return ""
    return f" (default: `{option.opts[0] if option.is_flag else option.default}`)"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page_with_all_its_flags(name: str) -> None:
    page = DOCS / "commands" / f"{name}.md"
    text = page.read_text(encoding="utf-8")
    fresh = with_generated(text, "flags", _flag_rows(command_named(name)))
    if is_update():
        page.write_text(fresh, encoding="utf-8")

    assert page.read_text(encoding="utf-8") == fresh, UPDATE
    assert {file.stem for file in (DOCS / "commands").glob("*.md")} == set(COMMANDS)


def test_the_readme_lists_every_command() -> None:
    listed = re.findall(
        r"^\| \[`(\w+)`\]\(docs/commands/", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert listed == list(COMMANDS)


def test_every_verdict_is_explained_and_no_other() -> None:
    assert _headings("verdicts.md") == [verdict.value for verdict in Verdict]


def test_every_confidence_is_defined() -> None:
    defined = re.findall(r"^\| `(\w+)` \|", text_of("verdicts.md"), re.MULTILINE)

    assert defined == [confidence.value for confidence in Confidence]


def test_the_numbers_among_the_verdicts_are_those_of_the_rules() -> None:
    text = " ".join(text_of("verdicts.md").split())

    assert f"a sample of {fullness.AT_THE_LIMIT:.0%}".replace("%", " %") in text
    assert f"the last {samples.LAST_MOMENTS.seconds} seconds of a life" in text
    assert f"at most {fullness.HAD_ROOM:.0%}".replace("%", " %") in text
    assert f"from {fullness.WAS_FULL:.0%}".replace("%", " %") in text
    assert f"within {surroundings.NODE_SAMPLE_WINDOW.seconds} seconds of the kill" in text
    assert f"used at most {fullness.MOSTLY_ELSEWHERE:.0%}".replace("%", " %") in text
    assert f"died within {scope.DIED_AT_ONCE_SECONDS} seconds" in text
    assert f"the grace period and {kill_events.STOP_SLACK.seconds} seconds" in text
    assert f"event fits within {surroundings.NODE_OOM_WINDOW.seconds} seconds" in text
    assert f"within {surroundings.REPLAY_WINDOW.seconds // 60} minutes after a kubelet start" in text


def _findings_in_the_source() -> dict[str, set[str]]:
    """Each finding's code with its severities, from every place that makes one."""
    found: dict[str, set[str]] = {}
    for file in sorted((ROOT / "kubectl_oom").rglob("*.py")):
        module = ast.parse(file.read_text(encoding="utf-8"))
        for function in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)):
            for call in _calls(function, "Finding"):
                given = {keyword.arg: keyword.value for keyword in call.keywords}
                severity = ast.unparse(given["severity"]).removeprefix("Severity.").lower()
                for code in _codes(given["code"], function, module):
                    found.setdefault(code, set()).add(severity)
    return found


def _codes(given: ast.expr, function: ast.FunctionDef, module: ast.Module) -> list[str]:
    """The code itself; where it is a parameter of the function, what the function is called with."""
    if not isinstance(given, ast.Name):
        return [ast.literal_eval(given)]
    place = [argument.arg for argument in function.args.args].index(given.id)
    return [ast.literal_eval(call.args[place]) for call in _calls(module, function.name)]


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == name]


def test_every_finding_is_explained_and_no_other() -> None:
    explained = re.findall(r"^### `([\w-]+)` \(([\w, ]+)\)$", text_of("findings.md"), re.MULTILINE)

    assert {code: set(severities.split(", ")) for code, severities in explained} == _findings_in_the_source()
    assert len(explained) == len(_headings("findings.md"))


def test_every_exit_code_is_listed_and_no_other() -> None:
    listed = [int(code) for code in re.findall(r"^\| (\d+) \|", text_of("exit-codes.md"), re.MULTILINE)]
    codes = {value for name, value in vars(cli_run).items() if name.isupper() and isinstance(value, int)}

    assert listed == sorted({0, *codes})


def test_every_recorded_setting_is_named() -> None:
    named = set(re.findall(r"`([\w]+)`", text_of("snapshot.md")))

    assert named >= HEAP_AND_WORKER_SETTINGS


def test_every_column_of_csv_is_explained() -> None:
    page = DOCS / "commands" / "recommend.md"
    text = page.read_text(encoding="utf-8")
    rows = [f"| `{name}` | {field.meaning} |" for name, field in COLUMNS.items()]
    fresh = with_generated(text, "csv columns", ["| Column | Holds |", "| --- | --- |", *rows])
    if is_update():
        page.write_text(fresh, encoding="utf-8")

    assert page.read_text(encoding="utf-8") == fresh, UPDATE
