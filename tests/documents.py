"""The project's documents as data: their pages, the commands shown in them, and the parts that are generated.

A `console` block whose command starts with `kubectl oom` is run and compared; `UPDATE_DOCS=1` writes the blocks anew.
A block below `<!-- illustrative -->` is shown only: it needs a cluster.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from jsonschema import Draft202012Validator

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PROGRAM = "kubectl oom"
SCHEMA = Draft202012Validator(json.loads((DOCS / "schema.json").read_text(encoding="utf-8")))
UPDATE = "write the documents anew with: UPDATE_DOCS=1 make test ARGS='-k docs'"
ILLUSTRATIVE = "<!-- illustrative -->"
RUN_SECONDS = 60.0
# The longer fence is for output with fences of its own.
_BLOCK = re.compile(
    r"(?P<mark><!-- illustrative -->\n)?^(?P<fence>`{3,})console\n(?P<body>.*?)^(?P=fence)\n", re.DOTALL | re.MULTILINE
)
_EXIT_CODE = "echo $?"


def pages() -> list[Path]:
    """Every document a reader may follow, the nearest first."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]


def text_of(page: str) -> str:
    """A page by its path below docs/."""
    return (DOCS / page).read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    """A page's path as a reader sees it."""
    return page.relative_to(ROOT).as_posix()


@dataclass(frozen=True)
class Block:
    """One console block: where it stands, its text, and whether it is only shown."""

    start: int
    end: int
    body: str
    is_illustrative: bool

    @property
    def shows_our_program(self) -> bool:
        """Whether a command of ours is in it."""
        return any(line.startswith(f"$ {PROGRAM}") for line in self.body.splitlines())


def blocks(text: str) -> Iterator[Block]:
    """The console blocks of a page."""
    for match in _BLOCK.finditer(text):
        yield Block(match.start("body"), match.end("body"), match["body"], bool(match["mark"]))


def anchors(page: Path) -> set[str]:
    """The names by which the headings of a page can be linked to, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", "\n".join(prose(page.read_text(encoding="utf-8"))), re.MULTILINE)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


def granted(role: str) -> set[tuple[str, str, str]]:
    """What a role that ships with us permits: API group, resource with its subresource, verb."""
    rules = yaml.safe_load((ROOT / role).read_text(encoding="utf-8"))["rules"]
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def prose(text: str) -> list[str]:
    """The lines of a page outside of its blocks and tables."""
    without_blocks = re.sub(r"^(`{3,}).*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    return [line for line in without_blocks.splitlines() if not line.startswith("|")]


def run_block(body: str) -> str:
    """The block as a terminal shows it today: each command, then what it prints."""
    lines: list[str] = []
    code = 0
    for command in _commands(body):
        lines += [f"$ {command[0]}", *command[1:]]
        words = " ".join(line.removesuffix("\\").strip() for line in command)
        if words == _EXIT_CODE:
            lines.append(str(code))
        elif words.startswith(f"{PROGRAM} "):
            code, printed = run(words)
            lines += printed.splitlines()
        else:
            raise ValueError(f"only `{PROGRAM}` and `{_EXIT_CODE}` are run, not: {words}")
    return "\n".join(lines) + "\n"


def _commands(body: str) -> Iterator[list[str]]:
    """The lines of each command: a backslash at the end joins the next."""
    command: list[str] = []
    for line in body.splitlines():
        if line.startswith("$ ") or (command and command[-1].endswith("\\")):
            command.append(line.removeprefix("$ "))
            if not line.endswith("\\"):
                yield command
                command = []


def run(words: str) -> tuple[int, str]:
    """Exit code and output of one of our commands, stdout and stderr together, as in a terminal of 80 columns."""
    arguments = shlex.split(words.removeprefix(PROGRAM))
    unwanted = ("KUBE", "PROMETHEUS", "COLUMNS", "FORCE_COLOR")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    done = subprocess.run(
        [sys.executable, "-m", "kubectl_oom", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=RUN_SECONDS,
        cwd=ROOT,
        env=environment | {"KUBECONFIG": os.devnull, "NO_COLOR": "1", "PYTHONUTF8": "1"},
    )
    return done.returncode, done.stdout


def with_blocks(text: str) -> str:
    """The page with every block that is run as it is today."""
    parts, place = [], 0
    for block in blocks(text):
        if block.shows_our_program and not block.is_illustrative:
            parts += [text[place : block.start], run_block(block.body)]
            place = block.end
    return "".join([*parts, text[place:]])


def with_generated(text: str, name: str, lines: list[str]) -> str:
    """The page with the generated part of that name replaced; it stands between `<!-- name -->` and `<!-- /name -->`."""
    part = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->\n)", re.DOTALL)
    if not part.search(text):
        raise ValueError(f"there is no generated part <!-- {name} --> here")
    return part.sub(lambda found: found[1] + "\n".join(lines) + "\n" + found[2], text, count=1)


def is_update() -> bool:
    """Whether the documents are to be written anew instead of checked."""
    return bool(os.environ.get("UPDATE_DOCS"))
