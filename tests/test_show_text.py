"""The screens of `why`, literally: what a person reads stands in tests/screens, a file for each.

UPDATE_DOCS=1 make test ARGS=tests/test_show_text.py    writes them anew; read the difference before you commit it
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from kubectl_oom.show.colour import NO_PAINT
from kubectl_oom.show.next_steps import Place
from kubectl_oom.show.text import report
from tests.test_show_cases import CASES, NOW

SCREENS = Path(__file__).with_name("screens")
ORDINARY = {"width": 80, "wide": False, "ascii_only": False}
# The file, the case it shows, and what is not ordinary about the screen.
SHOWN: dict[str, tuple[str, dict[str, Any]]] = {
    "container-limit": ("container limit", {}),
    "container-limit-ascii": ("container limit", {"width": 60, "ascii_only": True}),
    "child-killed": ("child killed", {}),
    "child-killed-wide": ("child killed", {"wide": True}),
    "probe-kill": ("probe kill", {}),
    "probe-kill-narrow": ("probe kill", {"width": 40}),
    "evicted": ("evicted", {}),
    "unknown-sigkill": ("unknown sigkill", {}),
    "two-victims": ("two victims", {"place": Place(namespace="shop")}),
    "many": ("many", {}),
    "nothing-killed": ("nothing killed", {}),
    "everything-unknown": ("everything unknown", {}),
}


def screen(case: str, **unusual: Any) -> str:
    """All that is printed about a case."""
    return "\n".join(report(CASES[case], now=NOW, paint=NO_PAINT, **{**ORDINARY, **unusual})) + "\n"


@pytest.mark.parametrize("name", SHOWN)
def test_the_screen_is_the_one_that_was_looked_at(name: str) -> None:
    case, unusual = SHOWN[name]
    file = SCREENS / f"{name}.txt"

    shown = screen(case, **unusual)

    if os.environ.get("UPDATE_DOCS"):
        file.write_text(shown, encoding="utf-8")
    assert shown == file.read_text(encoding="utf-8")


def test_no_screen_is_left_that_nothing_shows() -> None:
    assert {file.stem for file in SCREENS.iterdir()} == set(SHOWN)
