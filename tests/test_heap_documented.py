"""The page about runtimes: every number that a sentence of the heap rules prints stands on it."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.judge.heap import arithmetic, go, jvm, jvm_servers, jvm_versions, node, php, postgres, redis
from kubectl_oom.judge.sizing import BALANCED
from kubectl_oom.read.settings import HEAP_AND_WORKER_SETTINGS
from tests.build import MI
from tests.documents import ROOT, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULES = sorted((ROOT / "kubectl_oom" / "judge" / "heap").glob("*.py"))
PAGE = text_of("runtimes.md")


def _prose(module: Path) -> Iterator[str]:
    """The literal parts of what a module may print: no docstrings, no patterns."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for found in ast.walk(tree):
        text = found.value if isinstance(found, ast.Constant) and id(found) not in docs else None
        if isinstance(text, str) and " " in text and "\\" not in text:
            yield text


@pytest.mark.parametrize("module", RULES, ids=lambda path: path.stem)
def test_every_number_in_a_sentence_stands_on_the_page(module: Path) -> None:
    numbers = {number for text in _prose(module) for number in re.findall(r"(?<![\w.])\d[\w.]*\w|(?<![\w.])\d\b", text)}

    assert [number for number in sorted(numbers) if not re.search(rf"(?<![\d.]){re.escape(number)}", PAGE)] == []


def test_every_number_of_the_rules_stands_on_the_page() -> None:
    page = " ".join(PAGE.split())

    assert f"heap / {arithmetic.HEAP_SHARE}" in page
    assert f"Redis without saves: / {redis.PLAIN_SHARE:.2f}" in page
    assert redis.SAVING_SHARE == arithmetic.HEAP_SHARE
    assert f"more than {arithmetic.MOST} times what is known" in page
    assert f"{arithmetic.WANTED_MORE:.0%} of K".replace("%", " %") in page
    assert BALANCED.bump == 1 + arithmetic.WANTED_MORE
    assert f"in steps of {arithmetic.STEP} %" in page
    assert f"With p = {arithmetic.SMALLER:.2f}" in page
    assert f"Up to a limit of {jvm.SMALL_LIMIT >> 30}Gi it is {jvm.SMALL_PERCENT} %" in page
    assert f"below {jvm.SMALLEST / MI:.1f}Mi" in page
    assert f"{jvm.MAX_PERCENT:.0f} % by default" in page
    assert f"{jvm_servers.COMPRESSED >> 30}Gi is the largest" in page
    assert f"8u{jvm_versions.V1_SINCE[8]} and 10" in page
    assert f"8u{jvm_versions.V2_SINCE[8]}, 11.0.{jvm_versions.V2_SINCE[11]} and 15" in page
    assert f"from {'.'.join(map(str, node.V2_SINCE))} on" in page
    assert f"{go.SHARE:.0%} of the limit".replace("%", " %") in page
    assert (
        f"from {go.CLOSE:.0%} of a limit on it is called too close, below {go.FAR_BELOW:.0%}".replace("%", " %") in page
    )
    assert f"[{php.DEFAULT_MEMORY // MI}Mi]" in page and f"([{php.DEFAULT_CHILDREN}]" in page
    assert (
        f"{postgres.SHARE:.0%} of the memory to start with, no use above {postgres.MOST_SHARE:.0%}".replace("%", " %")
        in page
    )


def test_the_settings_that_advice_looks_for_are_settings_that_are_read() -> None:
    places = {place for place in (*jvm.PLACES, *node.PLACES, *redis.PLACES) if " " not in place}

    assert places <= HEAP_AND_WORKER_SETTINGS
