"""Which namespaces are asked about together, and how one is cut: every pod, also a gone one, is in exactly one part."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.read.survey_batches import CONTAINERS_AT_ONCE, ENDINGS, Batch, batches, halves

ORDER = ["killed", "small", "large", "tiny", "middle"]
SIZES = {"killed": 900, "small": 900, "large": 2 * CONTAINERS_AT_ONCE + 1, "tiny": 1, "middle": 1500}
NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,40}[a-z0-9])?", fullmatch=True)


def test_small_ones_go_together_in_their_order_and_a_large_one_alone_in_parts() -> None:
    units = list(batches(ORDER, SIZES, {}))
    assert [unit[0].namespaces for unit in units] == [("killed", "small"), ("large",), ("tiny", "middle")]
    assert [len(unit) for unit in units] == [1, 3, 1]
    assert units[0][0].patterns == ()


def test_what_was_selected_by_label_is_asked_about_alone() -> None:
    units = list(batches(["a", "b"], {"a": 1, "b": 1}, {"a": ("api.*",)}))
    assert units == [(Batch(namespaces=("a",), patterns=("api.*",)),), (Batch(namespaces=("b",)),)]


def test_more_names_than_one_question_can_hold_are_two_questions() -> None:
    names = [f"namespace-of-a-team-with-a-long-name-{number:04}" for number in range(100)]
    units = list(batches(names, dict.fromkeys(names, 1), {}))
    assert len(units) > 1
    assert [name for unit in units for batch in unit for name in batch.namespaces] == names


@given(NAMES)
def test_a_pod_of_whatever_name_is_in_exactly_one_part_of_its_namespace(name: str) -> None:
    [unit] = batches(["large"], SIZES, {})
    assert sum(bool(re.fullmatch("|".join(part.patterns), name)) for part in unit) == 1


@given(NAMES)
def test_halves_of_halves_still_hold_every_pod_once(name: str) -> None:
    parts, whole = [], [Batch(namespaces=("large",))]
    while whole:
        batch = whole.pop()
        cut = halves(batch)
        whole += cut or ()
        parts += [] if cut else [batch]
    assert len(parts) == len(ENDINGS)
    assert sum(bool(re.fullmatch("|".join(part.patterns), name)) for part in parts) == 1
