"""Selectors evaluated without an API server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.read.selectors import matches_fields, matches_labels, terms

LABELS = {"app": "api", "tier": "", "env": "prod"}


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        ("", True),
        ("app=api", True),
        ("app==api", True),
        ("app = api", True),
        ("app!=web", True),
        ("absent!=web", True),
        ("app!=api", False),
        ("tier=", True),
        ("app", True),
        ("absent", False),
        ("!absent", True),
        ("! absent", True),
        ("!app", False),
        ("env in (prod, test)", True),
        ("env in(prod)", True),
        ("env in (test)", False),
        ("env notin (test)", True),
        ("absent notin (test)", True),
        ("absent in (test)", False),
        ("app=api,env in (prod,test),!absent", True),
        ("app=api,env in (prod,test),absent", False),
    ],
)
def test_labels_are_selected_as_the_api_server_does(selector: str, holds: bool) -> None:  # noqa: FBT001
    assert matches_labels({"metadata": {"labels": LABELS}}, selector) is holds


@pytest.mark.parametrize("item", [{}, {"metadata": None}, {"metadata": {"labels": None}}, {"metadata": {"labels": []}}])
def test_an_object_without_labels_meets_negations_only(item: dict[str, Any]) -> None:
    assert matches_labels(item, "!app")
    assert not matches_labels(item, "app")


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        ("", True),
        ("involvedObject.name=api-0", True),
        ("involvedObject.kind=Pod,involvedObject.name=api-0", True),
        ("involvedObject.kind=Node,involvedObject.name=api-0", False),
        ("spec.nodeName=", True),
        ("involvedObject.name.more=x", False),
    ],
)
def test_fields_are_selected_by_their_path(selector: str, holds: bool) -> None:  # noqa: FBT001
    assert matches_fields({"involvedObject": {"kind": "Pod", "name": "api-0"}}, selector) is holds


def test_commas_in_parentheses_separate_values_not_terms() -> None:
    assert terms("a=b, c in (d,e),f") == {"a=b", "c in (d,e)", "f"}


KEYS = st.text(alphabet="abc-./", min_size=1, max_size=5)
VALUES = st.text(alphabet="abc", max_size=3)


@given(st.dictionaries(KEYS, VALUES, max_size=3), KEYS, VALUES)
def test_a_term_and_its_negation_never_both_hold(labels: dict[str, str], key: str, value: str) -> None:
    item = {"metadata": {"labels": labels}}

    assert matches_labels(item, f"{key}={value}") != matches_labels(item, f"{key}!={value}")
    assert matches_labels(item, f"{key} in ({value})") != matches_labels(item, f"{key} notin ({value})")
    assert matches_labels(item, key) != matches_labels(item, f"!{key}")
