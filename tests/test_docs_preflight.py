"""docs/preflight.md against the source: every check is explained, with its severity and whether it blocks."""

from __future__ import annotations

import ast
import re

from kubectl_oom.judge.preflight.room import OVERCOMMITTED, RULES
from tests.documents import ROOT, text_of

SOURCE = ROOT / "kubectl_oom" / "judge" / "preflight"


def _in_the_source() -> dict[str, set[str]]:
    """Each code with the words in its heading, from every place that makes a check."""
    found: dict[str, set[str]] = {}
    for file in sorted(SOURCE.glob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Check":
                given = {keyword.arg: keyword.value for keyword in call.keywords}
                if isinstance(given["code"], ast.Constant):
                    severity = ast.unparse(given["severity"]).removeprefix("Severity.").lower()
                    found.setdefault(str(given["code"].value), set()).update((severity, *_blocking(given)))
    for rule in (*RULES.values(), OVERCOMMITTED):
        found[rule.code] = {rule.severity.value, *(["blocks"] if rule.blocks else [])}
    return found


def _blocking(given: dict[str | None, ast.expr]) -> list[str]:
    if "blocks" not in given:
        return []
    return ["blocks" if isinstance(given["blocks"], ast.Constant) else "may block"]


def test_every_check_of_the_preflight_is_explained_and_no_other() -> None:
    explained = re.findall(r"^### `([\w-]+)` \(([\w, ]+)\)$", text_of("preflight.md"), re.MULTILINE)

    assert {code: set(words.split(", ")) for code, words in explained} == _in_the_source()
    assert len(explained) == len({code for code, _ in explained})
