"""docs/alerts.md against the source: every rule and every code is explained, and every example has its code."""

from __future__ import annotations

import re

import pytest

from kubectl_oom.evidence.alerting import FoundRule
from kubectl_oom.judge.alert_asked import AlertAsked
from kubectl_oom.judge.alert_lint import lint
from kubectl_oom.judge.alert_lint.codes import LINTS
from kubectl_oom.judge.alert_rules import alert_rules
from tests.documents import text_of

RULES, _, CODES = text_of("alerts.md").partition("## Codes of the check")
HEADING = re.compile(r"^### `([\w-]+)` \(([\w, ]+)\)$", re.MULTILINE)
EXAMPLE = re.compile(r"^### `([\w-]+)` [^#]*?^```promql\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_every_rule_is_explained_with_its_severities_and_no_other() -> None:
    written: dict[str, list[str]] = {}
    for rule in alert_rules(AlertAsked()):
        written.setdefault(rule.name, []).append(rule.severity.value)

    assert [(name, words.split(", ")) for name, words in HEADING.findall(RULES)] == list(written.items())


def test_every_code_of_the_check_is_explained_with_its_severity_and_no_other() -> None:
    assert HEADING.findall(CODES) == [(code, its.severity.value) for code, its in LINTS.items()]


@pytest.mark.parametrize("code", LINTS)
def test_the_example_of_a_code_has_it(code: str) -> None:
    expr = dict(EXAMPLE.findall(CODES))[code]
    rule = FoundRule(
        source="x",
        line=1,
        group="g",
        name="OutOfMemory",
        is_alert=True,
        expr=expr,
        for_text="10m" if "outlives" in code else "",
    )

    assert code in {fault.code for fault in lint([rule])[0].faults}


def test_the_numbers_of_the_rules_are_the_defaults() -> None:
    asked = AlertAsked()
    said = " ".join(RULES.split())

    assert f"{asked.info_percent} % of the limit for 15 minutes" in said
    assert asked.info_for == "15m"
    assert f"above {asked.warning_percent} % for ten, above {asked.critical_percent} % for two" in said
    assert (asked.warning_for, asked.critical_for) == ("10m", "2m")
    assert "for ten minutes after it (`--window`)" in said
    assert asked.window_seconds == 600
    assert "within four hours (`--ahead`)" in said
    assert asked.ahead_seconds == 4 * 3600
    assert "At the rate of the last hour (`--grow-window`)" in said
    assert asked.grow_window_seconds == 3600
