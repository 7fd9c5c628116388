"""Events handed to a program: every one, in order, and whatever the program does the watch goes on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.cli import handing
from kubectl_oom.cli.handing import Handing, program_of
from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from pathlib import Path


def handed(lines: list[str], body: str, seconds: float = 20.0) -> list[str]:
    """What is told on stderr after these events were handed to a Python program of that body."""
    told: list[str] = []
    giving = Handing((sys.executable, "-c", f"import sys, time\n{body}"), told.append, seconds)
    for line in lines:
        giving.hand(line)
    giving.finish()
    return told


def test_every_event_arrives_whole_and_in_order(tmp_path: Path) -> None:
    kept = tmp_path / "kept"

    told = handed([f'{{"n": {n}, "é": 1}}' for n in range(4)], f"open({str(kept)!r}, 'a').write(sys.stdin.read())")

    assert told == []
    assert kept.read_text().splitlines() == [f'{{"n": {n}, "é": 1}}' for n in range(4)]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("sys.exit(3)", "ended with exit code 3"),
        ("time.sleep(60)", "had not ended after 0.5 s, and was killed"),
        ("import os; os.kill(os.getpid(), 9)", "ended with exit code -9"),
    ],
)
def test_a_program_that_fails_is_a_line_for_each_event(body: str, says: str) -> None:
    told = handed(["{}", "{}"], body, 0.5 if "sleep" in body else 20.0)

    assert told == [f"--exec: {sys.executable} {says}"] * 2


def test_a_program_that_does_not_read_what_it_gets_is_no_failure() -> None:
    assert handed(["x" * 1_000_000], "") == []


def test_a_program_that_has_vanished_is_a_line(tmp_path: Path) -> None:
    told: list[str] = []
    giving = Handing((str(tmp_path / "gone"),), told.append)
    giving.hand("{}")
    giving.finish()

    assert told == [f"--exec: {tmp_path / 'gone'}: no such file or directory"]


def test_what_waits_too_long_is_not_handed_over_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing, "WAITING_AT_MOST", 2)

    told = handed(["{}"] * 20, "time.sleep(0.3)")

    assert told
    assert all("is too slow: an event was not handed to it" in line for line in told)


def test_words_are_split_as_a_shell_does_and_nothing_is_expanded() -> None:
    assert program_of(f"{sys.executable} -c 'two words' $HOME '*'") == (
        sys.executable,
        "-c",
        "two words",
        "$HOME",
        "*",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("no-such-program x", "error: --exec: no-such-program: not found, or not executable"),
        ("echo 'open", "error: --exec: no closing quotation"),
        ("   ", "error: --exec names no program"),
    ],
)
def test_a_program_that_cannot_be_run_is_refused_at_once(words: str, message: str) -> None:
    with pytest.raises(OomError) as caught:
        program_of(words)

    assert caught.value.message == message
