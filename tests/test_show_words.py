"""Ages as kubectl prints them, text that cannot steer a terminal, and lines that never stick out."""

from __future__ import annotations

import shlex
import subprocess
import unicodedata
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.show.colour import Paint, decide
from kubectl_oom.show.words import (
    ago,
    ascii_text,
    cells,
    command_lines,
    duration,
    elide,
    iso,
    listed,
    one_line,
    plural,
    printable,
    wrap,
)
from tests.test_show_cases import NOW, before

_HOUR, _DAY = 3600, 86_400
# The cases of k8s.io/apimachinery/pkg/util/duration: TestHumanDuration and its boundaries.
AGES = [
    (-2, "<invalid>"),
    (-1.5, "0s"),
    (0, "0s"),
    (1.9, "1s"),
    (119, "119s"),
    (120, "2m"),
    (125, "2m5s"),
    (599, "9m59s"),
    (600, "10m"),
    (659, "10m"),
    (3 * _HOUR - 1, "179m"),
    (3 * _HOUR, "3h"),
    (3 * _HOUR + 60, "3h1m"),
    (8 * _HOUR - 1, "7h59m"),
    (8 * _HOUR, "8h"),
    (48 * _HOUR - 1, "47h"),
    (48 * _HOUR, "2d"),
    (2 * _DAY + _HOUR, "2d1h"),
    (8 * _DAY - 1, "7d23h"),
    (8 * _DAY, "8d"),
    (2 * 365 * _DAY - 1, "729d"),
    (2 * 365 * _DAY, "2y"),
    (2 * 365 * _DAY + _DAY, "2y1d"),
    (8 * 365 * _DAY - 1, "7y364d"),
    (8 * 365 * _DAY, "8y"),
    (8 * 365 * _DAY + 364 * _DAY, "8y"),
]


@pytest.mark.parametrize(("seconds", "words"), AGES)
def test_a_duration_reads_as_in_kubectl(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_moment_ahead_is_told_by_its_time_and_not_by_a_negative_age() -> None:
    assert ago(before(312), NOW) == "5m12s ago"
    assert ago(NOW + timedelta(minutes=1), NOW) == "at 2026-11-20T10:51:00Z"


def test_times_are_utc_whatever_zone_they_come_in() -> None:
    assert iso(NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))) == "2026-11-20T10:50:00Z"


def test_counts_and_lists_read_as_words() -> None:
    assert (plural(1, "replica"), plural(0, "replica"), plural(2, "entry", "entries")) == (
        "1 replica",
        "0 replicas",
        "2 entries",
    )
    assert (listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])) == (
        "",
        "a",
        "a and b",
        "a, b and c",
    )


@pytest.mark.parametrize(
    ("evil", "harmless"),
    [
        ("\x1b[31mred\x1b]0;title\x07", "^[[31mred^[]0;title^G"),
        ("50%\r100%", "50%\\r100%"),
        ("a\x00b\x08c\x7f", "a^@b^Hc^?"),
        ("\x9b31m", "\\x9b31m"),
        ("user\u202egnp.exe\u2066x\u2069", "user\\u202egnp.exe\\u2066x\\u2069"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028paragraph\u2029", "line\\u2028paragraph\\u2029"),
        ("lone\ud800", "lone\\ud800"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("kept\n\ttoo: 数据 é 🚀", "kept\n\ttoo: 数据 é 🚀"),
        ("no\u00a0break", "no break"),
    ],
)
def test_what_could_steer_a_terminal_is_made_visible(evil: str, harmless: str) -> None:
    assert printable(evil) == harmless


@given(st.text())
def test_nothing_invisible_is_left_in_any_text(text: str) -> None:
    left = {character for character in printable(text) if not character.isprintable()}

    assert left <= {"\n", "\t"}
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in one_line(text))
    assert ascii_text(one_line(text)).isascii()


def test_wide_characters_take_two_columns_and_combining_ones_none() -> None:
    assert (cells("app"), cells("数据"), cells("🚀"), cells("e\u0301")) == (3, 4, 2, 1)


def test_a_paragraph_is_folded_and_hangs_under_its_beginning() -> None:
    assert list(wrap("the quick  brown\nfox jumps", 14, "  1. ")) == ["  1. the quick", "     brown fox", "     jumps"]
    assert list(wrap("averyveryverylongword ok", 10, "- ")) == ["- averyver", "  yverylon", "  gword ok"]
    assert list(wrap("", 10)) == []
    assert list(wrap("", 10, "label ")) == ["label"]


@given(st.text(), st.integers(min_value=10, max_value=200), st.sampled_from(["", "  ", "    -> ", "  label     "]))
def test_a_folded_text_never_sticks_out_and_loses_nothing(text: str, width: int, first: str) -> None:
    lines = list(wrap(text, width, first))

    assert all(cells(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join((first + one_line(text)).split())


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"])), st.integers(0, 60))
def test_an_elided_text_fits_and_keeps_both_ends(text: str, width: int) -> None:
    short = elide(text, width)

    assert cells(short) <= width
    assert short == text or ".." in short or width < 2


def test_a_name_is_elided_in_its_middle_where_names_differ_least() -> None:
    assert elide("api-7d4b9c6f5-x2k4q", 12) == "api-7..x2k4q"


@given(
    st.lists(st.text("abc-/", min_size=1, max_size=60) | st.text("ab'\" ;$", max_size=3), min_size=1, max_size=8),
    st.integers(min_value=20, max_value=120),
)
def test_a_folded_command_fits_and_means_the_same_to_a_shell(words: list[str], width: int) -> None:
    command = " ".join(map(shlex.quote, words))
    lines = list(command_lines(command, width, "  "))

    assert all(cells(line) <= width for line in lines)
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == shlex.split(command)


@pytest.mark.parametrize("width", range(20, 60))
def test_a_long_patch_on_many_lines_is_for_the_shell_the_same_word(width: int) -> None:
    words = ["printf", "%s|", "--patch", '{"spec":{"containers":[{"name":"it\'s","resources":{"limits":"64Mi"}}]}}']
    lines = "\n".join(command_lines(shlex.join(words), width, "  "))

    done = subprocess.run(["sh", "-c", lines], capture_output=True, text=True, check=True, timeout=10)

    assert done.stdout == "".join(f"{word}|" for word in words[2:])


@pytest.mark.parametrize(
    ("terminal", "environ", "coloured"),
    [
        (True, {"TERM": "xterm"}, True),
        (True, {}, True),
        (False, {"TERM": "xterm"}, False),
        (True, {"NO_COLOR": ""}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour_follows_kubectls_rule(*, terminal: bool, environ: dict[str, str], coloured: bool) -> None:
    assert decide(terminal, environ) is coloured


def test_colour_means_something_and_is_closed_again() -> None:
    on, off = Paint(on=True), Paint(on=False)

    assert on.killed("dead") == "\x1b[31mdead\x1b[0m"
    assert on.warning("") == ""
    assert [off.killed("x"), off.warning("x"), off.memory("x"), off.talk("x"), off.heading("x"), off.plain("x")] == [
        "x"
    ] * 6
