"""What holds for any post-mortem: words of a cluster stay words, nothing is asked of anybody, and the data is valid."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.show.document import to_json
from kubectl_oom.show.post_mortem import document_of
from kubectl_oom.show.post_mortem_document import post_mortems_document
from kubectl_oom.show.post_mortem_markdown import markdown_of
from tests.documents import SCHEMA
from tests.hostile import (
    patient,
    steering,
    without_fences,
)
from tests.post_mortems import ALLOWED, REPORTS, Page, hostile_page, page_of
from tests.test_show_cases import NOW

if TYPE_CHECKING:
    from kubectl_oom.evidence import (
        PostMortemReport,
    )


@patient
@given(report=REPORTS)
def test_a_page_holds_our_own_tags_alone_and_asks_nobody(report: PostMortemReport) -> None:
    text = page_of(report)
    page = Page(text)

    assert page.tags <= ALLOWED
    assert page.fetched == ["href=data:,"]
    assert page.handlers == []
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"url\(|@import|javascript:", re.sub(r"<title>.*?</title>|>[^<]*<", "><", text))
    assert [line for line in text.splitlines() if steering(line.replace("\t", ""))] == []
    text.encode()


@patient
@given(report=REPORTS, ascii_only=st.booleans())
def test_markdown_holds_our_own_markup_alone(*, report: PostMortemReport, ascii_only: bool) -> None:
    lines = list(markdown_of(document_of(report, NOW), ascii_only=ascii_only))
    outside = without_fences([line.removeprefix("  ") if re.match(r"  `{3}", line) else line for line in lines])

    assert [line for line in lines if "\n" in line or steering(line)] == []
    assert [line for line in outside if re.search(r"<|(?<!\\)[`]", line) and not line.startswith("  ")] == []
    assert [line for line in outside if line.startswith("#") and not re.match(r"#{1,3} \S", line)] == []
    assert [line for line in outside if line.startswith("- [") and not line.startswith("- [ ] ")] == []
    assert all(line.isascii() for line in lines) or not ascii_only


@patient
@given(report=REPORTS)
def test_every_document_is_valid(report: PostMortemReport) -> None:
    tree = post_mortems_document(report, NOW)
    text = to_json(tree)

    SCHEMA.validate(json.loads(text))
    assert json.loads(text) == tree
    assert text.isascii()


def test_the_words_of_a_hostile_cluster_are_read_as_they_are() -> None:
    page = Page(hostile_page())

    assert page.tags <= ALLOWED
    assert any("<script>alert(1)</script>" in word for word in page.words)
