"""What holds for any proposals in any form: nothing sticks out, nothing steers the terminal, nothing is lost or broken."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO

import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import (
    Autoscaler,
    Band,
    Change,
    Confidence,
    ContainerType,
    Cost,
    ExpectedKills,
    Fit,
    HeapAdvice,
    Owner,
    Proposal,
    ProposalReport,
    Recommendation,
    Risk,
    Scaling,
    ScalingAnswer,
    Setting,
    WorkloadClass,
)
from kubectl_oom.show.colour import NO_PAINT
from kubectl_oom.show.document import to_json, to_yaml
from kubectl_oom.show.proposal_csv import COLUMNS, csv_text
from kubectl_oom.show.proposal_document import proposals_document
from kubectl_oom.show.proposal_markdown import proposals_markdown
from kubectl_oom.show.proposals import Page, lines
from kubectl_oom.show.words import cells
from tests.build import NOW
from tests.documents import SCHEMA
from tests.hostile import (
    BYTES,
    CITATIONS,
    COUNTS,
    GAPS,
    MAYBE_BYTES,
    MAYBE_TEXT,
    NAMES,
    NASTY,
    SIZES,
    TEXTS,
    patient,
    steering,
    without_fences,
    without_surrogates,
)

MONEY = st.floats(-1e6, 1e6)
RATES = st.none() | st.floats(0, 1e4)
OWNERS = st.builds(
    Owner, api_version=st.just("apps/v1"), kind=st.sampled_from(["Deployment", "Rollout"]) | NASTY, name=NAMES
)
RULES = st.dictionaries(st.sampled_from(["default", "peak", "krr", "krr-oom", "vpa-upper", "max+10%"]) | NASTY, BYTES)
RECOMMENDATIONS = st.builds(
    Recommendation,
    namespace=NAMES,
    workload=st.none() | OWNERS,
    container=NAMES,
    container_type=st.none() | st.sampled_from(ContainerType),
    profile=st.sampled_from(["balanced", "peak"]),
    workload_class=st.sampled_from(WorkloadClass),
    class_reason=NASTY,
    confidence=st.sampled_from(Band),
    confidence_reason=NASTY,
    replicas=st.none() | COUNTS,
    current=SIZES,
    recommended=st.none() | SIZES,
    floor_bytes=MAYBE_BYTES,
    rationale=TEXTS,
    alternatives=RULES,
    lasts_seconds=st.none() | st.floats(0, 1e9),
    leaks=st.booleans(),
)
SETTINGS = st.builds(Setting, name=NASTY, value=NASTY, replaces=MAYBE_TEXT, is_env=st.booleans())
HEAPS = st.builds(
    HeapAdvice,
    runtime=st.sampled_from(["jvm", "node"]),
    evidence=st.lists(CITATIONS, max_size=2).map(tuple),
    heap_cap_bytes=MAYBE_BYTES,
    least_limit_bytes=MAYBE_BYTES,
    sentences=TEXTS,
    settings=st.lists(SETTINGS, max_size=2).map(tuple),
)
COSTS = st.builds(
    Cost,
    currency=st.just("USD"),
    per_gib_month=st.floats(0.01, 100),
    price_source=NASTY,
    per_pod_month=MONEY,
    total_month=MONEY,
    most_month=st.none() | MONEY,
    detail=NASTY,
)
CHANGES = st.builds(
    Change,
    command=MAYBE_TEXT,
    patch=st.none() | st.dictionaries(NASTY, NASTY, max_size=2),
    why_not=MAYBE_TEXT,
    heap_command=MAYBE_TEXT,
)
AUTOSCALERS = st.builds(
    Autoscaler,
    container=st.none() | NASTY,
    target_percent=st.integers(1, 200),
    target_bytes=BYTES,
    request_bytes=st.integers(1, 1 << 45),
    min_replicas=st.integers(1, 100),
    max_replicas=st.integers(2, 10_000),
    keep_seconds=st.integers(300, 3600),
    pause_seconds=st.integers(60, 1800),
)
SCALINGS = st.builds(
    Scaling,
    answer=st.sampled_from(ScalingAnswer),
    reason=NASTY,
    confidence=st.none() | st.sampled_from(Confidence),
    sentences=TEXTS,
    warnings=TEXTS,
    would_tell=MAYBE_TEXT,
    autoscaler=st.none() | AUTOSCALERS,
)
PROPOSALS = st.builds(
    Proposal,
    size=RECOMMENDATIONS,
    risk=st.sampled_from(Risk),
    kills=COUNTS,
    highest_bytes=MAYBE_BYTES,
    heap=st.none() | HEAPS,
    fits=st.lists(st.builds(Fit, check=NASTY, ok=st.booleans(), detail=NASTY, remedy=MAYBE_TEXT), max_size=2).map(
        tuple
    ),
    offer=st.none() | SIZES,
    cost=st.none() | COSTS,
    expected_kills=st.none() | st.builds(ExpectedKills, before=RATES, after=RATES, detail=NASTY),
    alternative=MAYBE_TEXT,
    change=CHANGES,
    pod=st.none() | NAMES,
    killed_limit_bytes=MAYBE_BYTES,
    scaling=st.none() | SCALINGS,
)


def reports(most: int) -> st.SearchStrategy[ProposalReport]:
    return st.builds(
        ProposalReport,
        items=st.lists(PROPOSALS, max_size=most).map(tuple),
        gaps=st.lists(GAPS, max_size=2).map(tuple),
        warnings=TEXTS,
    )


FEW, MANY = reports(most=2), reports(most=5)


@patient
@given(report=FEW | MANY, width=st.integers(40, 200), ascii_only=st.booleans())
def test_no_line_is_wider_than_the_screen_and_none_steers_it(
    *, report: ProposalReport, width: int, ascii_only: bool
) -> None:
    shown = list(lines(report, width=width, paint=NO_PAINT, ascii_only=ascii_only))

    assert [line for line in shown if cells(line) > width] == []
    assert [line for line in shown if steering(line)] == []
    assert all(line.isascii() for line in shown) or not ascii_only
    assert shown


@patient
@given(report=FEW | MANY, width=st.integers(40, 200))
def test_the_wide_form_steers_no_screen_either(report: ProposalReport, width: int) -> None:
    shown = list(lines(report, width=width, paint=NO_PAINT, wide=True))

    assert [line for line in shown if steering(line)] == []


@patient
@given(report=MANY, width=st.integers(40, 200), wide=st.booleans())
def test_rows_that_come_one_after_another_stand_in_the_same_columns(
    *, report: ProposalReport, width: int, wide: bool
) -> None:
    page = Page(width=width, paint=NO_PAINT, wide=wide, ascii_only=False)
    shown = list(page.some_rows(report.items, with_namespace=True, with_header=True))

    assert len(shown) == len(report.items) + 1
    assert [line for line in shown if steering(line)] == []
    assert wide or [line for line in shown if cells(line) > width] == []


@patient
@given(report=MANY)
def test_every_document_is_valid_and_the_same_in_json_and_yaml(report: ProposalReport) -> None:
    tree = proposals_document(report, NOW)
    as_json, as_yaml = to_json(tree), to_yaml(tree)

    SCHEMA.validate(json.loads(as_json))
    assert as_json.isascii()
    assert not steering((as_json + as_yaml).replace("\n", ""))
    assert json.loads(as_json) == tree
    assert without_surrogates(yaml.safe_load(as_yaml)) == without_surrogates(tree)


@patient
@given(report=MANY)
def test_a_spreadsheet_gets_one_row_per_container_and_no_formula(report: ProposalReport) -> None:
    text = csv_text(report.items)
    head, *rows = csv.reader(StringIO(text, newline=""), strict=True)

    assert head == list(COLUMNS)
    assert [len(row) for row in rows] == [len(head)] * len(report.items)
    assert not steering(text.replace("\r\n", ""))
    assert [cell for row in rows for cell in row if re.match(r"[=+@]|-(?!\d)", cell)] == []


@patient
@given(report=MANY)
def test_a_ticket_from_a_cluster_stays_text(report: ProposalReport) -> None:
    shown = list(proposals_markdown(report, now=NOW))
    outside = without_fences(shown)

    assert [line for line in shown if "\n" in line or steering(line)] == []
    assert [line for line in outside if re.search(r"<|(?<!\\)[`~]", line)] == []
    assert [line for line in outside if line.startswith("#") and not re.match(r"##{1,2} \S", line)] == []
    assert shown[-1] == "As of 2026-11-22T09:00:00Z."
