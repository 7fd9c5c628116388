"""What holds for any report on any screen: nothing sticks out, nothing steers the terminal, nothing is lost or broken."""

from __future__ import annotations

import json
import re

import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import (
    Report,
    Verdict,
)
from kubectl_oom.show import document, markdown, text
from kubectl_oom.show.colour import NO_PAINT
from kubectl_oom.show.words import cells
from tests.documents import SCHEMA
from tests.hostile import patient, reports, steering, without_fences, without_surrogates
from tests.test_show_cases import NOW

FEW = reports(most=2)
MANY = reports(most=7)


@patient
@given(report=MANY, width=st.integers(40, 200), ascii_only=st.booleans())
def test_no_line_is_wider_than_the_screen_and_none_steers_it(*, report: Report, width: int, ascii_only: bool) -> None:
    lines = list(text.report(report, now=NOW, width=width, paint=NO_PAINT, ascii_only=ascii_only))

    assert [line for line in lines if cells(line) > width] == []
    assert [line for line in lines if steering(line)] == []
    assert all(line.isascii() for line in lines) or not ascii_only
    assert lines


@patient
@given(report=FEW, width=st.integers(40, 200))
def test_the_wide_form_only_lets_tables_be_wider(report: Report, width: int) -> None:
    quiet = any(item.verdict in {Verdict.NO_TERMINATION, Verdict.NOT_OOM} for item in report.items)
    lines = list(text.report(report, now=NOW, width=width, paint=NO_PAINT, wide=True))

    assert quiet or [line for line in lines if cells(line) > width] == []
    assert [line for line in lines if steering(line)] == []


@patient
@given(report=MANY)
def test_every_document_is_valid_and_the_same_in_json_and_yaml(report: Report) -> None:
    tree = document.report_document(report, NOW)
    as_json, as_yaml = document.to_json(tree), document.to_yaml(tree)

    SCHEMA.validate(json.loads(as_json))
    assert as_json.isascii()
    assert as_yaml.isascii()
    assert not steering(as_json.replace("\n", ""))
    assert not steering(as_yaml.replace("\n", ""))
    assert json.loads(as_json) == tree
    assert without_surrogates(yaml.safe_load(as_yaml)) == without_surrogates(tree)


@patient
@given(report=MANY)
def test_markdown_from_a_cluster_stays_text(report: Report) -> None:
    lines = list(markdown.report(report, NOW))
    outside = without_fences(lines)

    assert [line for line in lines if "\n" in line or steering(line)] == []
    assert [line for line in outside if re.search(r"<|(?<!\\)[`~]|(?<![\\*])\*(?!\*)", line)] == []
    assert {columns(line) for line in outside if line.startswith("|")} <= {2, 3, *range(6, 13)}
    assert [line for line in outside if line.startswith("#") and not re.match(r"##{1,2} \S", line)] == []
    assert lines[-1] == "As of 2026-11-20T10:50:00Z."


@patient
@given(report=FEW)
def test_names_are_pods_each_once(report: Report) -> None:
    lines = list(document.names(report))

    assert len(lines) == len(set(lines))
    assert all(line.startswith("pod/") and not steering(line) for line in lines)


def columns(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row)) - 1
