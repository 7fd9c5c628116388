"""Proposals for scripts, spreadsheets and tickets: valid against the schema, whole, and harmless."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kubectl_oom.judge.rules_of_thumb import NAMED
from kubectl_oom.show.document import to_json, to_yaml
from kubectl_oom.show.proposal_csv import COLUMNS, RULES, csv_text
from kubectl_oom.show.proposal_document import proposals_document
from tests.build import MI, NOW
from tests.documents import SCHEMA
from tests.proposals import EVERYTHING, bare, hostile, killed, leaking, many, named, one, report_of, unknown, with_all

if TYPE_CHECKING:
    from kubectl_oom.evidence import ProposalReport

REPORTS = {
    "killed": killed(),
    "leaking": leaking(),
    "unknown": unknown(),
    "a bare pod": bare(),
    "everything": EVERYTHING,
    "many": many(),
    "none": report_of(),
    "hostile": hostile(),
}


@pytest.mark.parametrize("what", REPORTS)
def test_every_document_fits_the_schema_and_yaml_says_the_same(what: str) -> None:
    document = proposals_document(REPORTS[what], NOW)

    SCHEMA.validate(document)
    assert yaml.safe_load(to_yaml(document)) == json.loads(to_json(document)) == document


def test_the_document_has_the_fields_of_the_contract() -> None:
    (item,) = proposals_document(EVERYTHING, NOW)["items"]

    left_out = {"rationale": [], "confidenceReason": "", "heap": {}, "cost": {}, "scaling": {}, "command": ""}
    assert item | left_out == {
        "namespace": "shop",
        "workload": {"kind": "Deployment", "name": "api"},
        "pod": None,
        "container": "app",
        "containerType": "app",
        "risk": "killed",
        "kills": 1,
        "killedLimitBytes": 100 * MI,
        "highestSampledBytes": 80 * MI,
        "profile": "balanced",
        "class": "stateless",
        "classReason": "a Deployment",
        "confidence": "high",
        "confidenceReason": "",
        "replicas": 3,
        "current": {"requestBytes": 64 * MI, "limitBytes": 100 * MI},
        "recommended": {"requestBytes": 128 * MI, "limitBytes": 256 * MI},
        "offer": {"requestBytes": 96 * MI, "limitBytes": 192 * MI},
        "floorBytes": 105 * MI,
        "rationale": [],
        "alternatives": {
            "default": 90 * MI,
            "peak": 120 * MI,
            "krr": 100 * MI,
            "vpa-upper": 60 << 30,
            "max+10%": 88 * MI,
        },
        "heap": {},
        "fits": [
            {"check": "node", "ok": True, "detail": "The largest node has 9Gi allocatable.", "remedy": None},
            {
                "check": "quota",
                "ok": False,
                "detail": "ResourceQuota team allows 1Gi of limits, and 4 pods of 256Mi beside the others need 1.2Gi.",
                "remedy": "raise requests.memory of ResourceQuota team by 200Mi",
            },
        ],
        "cost": {},
        "expectedKillsPerWeek": {
            "before": 1.0,
            "after": 0.0,
            "detail": "Replayed under 192Mi: no kill instead of one.",
        },
        "lastsSeconds": 777_600,
        "leaks": False,
        "alternative": "2 pods of the new size do for the memory of today.",
        "scaling": {},
        "command": "",
        "heapCommand": "kubectl set env deployment/api -n shop -c app JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75",
        "whyNoCommand": None,
        "patch": {"spec": {"template": {"spec": {"containers": [{"name": "app"}]}}}},
    }


def test_what_is_not_known_is_null_and_never_left_out_or_0() -> None:
    (known,), (bare_of_all,) = (proposals_document(report, NOW)["items"] for report in (EVERYTHING, unknown()))

    assert bare_of_all.keys() == known.keys()
    assert {name for name, value in bare_of_all.items() if value is None} == {
        *("pod", "killedLimitBytes", "highestSampledBytes", "recommended", "offer", "floorBytes", "heap", "cost"),
        *("expectedKillsPerWeek", "lastsSeconds", "alternative", "command", "heapCommand", "patch"),
    }
    assert bare_of_all["current"] == {"requestBytes": None, "limitBytes": None}


# --- CSV -----------------------------------------------------------------------------------------------------------


def rows_of(report: ProposalReport) -> list[dict[str, Any]]:
    text = csv_text(report.items)
    assert text.count("\r\n") == text.count("\n") == len(report.items) + 1
    return list(csv.DictReader(StringIO(text, newline="")))


def test_a_row_of_csv_has_every_size_in_bytes() -> None:
    (row,) = rows_of(EVERYTHING)

    assert {name: cell for name, cell in row.items() if cell and not name.startswith(("rule_", "command"))} == {
        "namespace": "shop",
        "workload_kind": "Deployment",
        "workload_name": "api",
        "container": "app",
        "container_type": "app",
        "risk": "killed",
        "kills": "1",
        "killed_limit_bytes": "104857600",
        "highest_sampled_bytes": "83886080",
        "limit_bytes": "104857600",
        "request_bytes": "67108864",
        "recommended_limit_bytes": "268435456",
        "recommended_request_bytes": "134217728",
        "offer_limit_bytes": "201326592",
        "offer_request_bytes": "100663296",
        "floor_bytes": "110100480",
        "profile": "balanced",
        "class": "stateless",
        "confidence": "high",
        "replicas": "3",
        "currency": "USD",
        "cost_per_pod_month": "0.0967",
        "cost_total_month": "0.29",
        "cost_most_month": "0.967",
        "kills_per_week_before": "1.0",
        "kills_per_week_after": "0.0",
        "lasts_seconds": "777600",
        "leaks": "no",
        "does_not_fit": "quota",
        "heap_command": "kubectl set env deployment/api -n shop -c app JAVA_TOOL_OPTIONS=-XX:MaxRAMPercentage=75",
    }
    assert row["rule_krr_bytes"] == str(100 * MI)
    assert row["rule_stateful_bytes"] == ""


def test_csv_has_one_row_per_container_and_the_header_once() -> None:
    items = many().items

    assert [row["workload_name"] for row in rows_of(many())] == [
        *("api", "worker", "quiet-service-with-a-long-name", "cron", ""),
    ]
    assert csv_text(items) == csv_text(items[:2]) + csv_text(items[2:], with_header=False)
    assert csv_text([]).splitlines() == [",".join(COLUMNS)]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\n=", "\uff1d"])
def test_no_cell_from_a_cluster_is_a_formula_of_a_spreadsheet(start: str) -> None:
    evil = named(with_all(), f"{start}1+1", f'{start}HYPERLINK("http://x","y")')
    evil = replace(evil, pod=f"{start}1", change=replace(evil.change, command=f"{start}1", why_not=f"{start}1"))

    (row,) = rows_of(report_of(evil))

    told = [row[name] for name in ("namespace", "workload_name", "pod", "command", "why_no_command")]
    assert {cell[0] for cell in told} == {"'"}
    assert row["workload_name"].endswith('HYPERLINK("http://x","y")')


def test_numbers_below_zero_stay_numbers() -> None:
    item = with_all()
    assert item.cost is not None
    cheaper = replace(item, cost=replace(item.cost, per_pod_month=-0.5, total_month=-1.5))

    (row,) = rows_of(report_of(cheaper))

    assert (row["cost_per_pod_month"], row["cost_total_month"]) == ("-0.5", "-1.5")


def test_csv_has_a_column_for_every_rule() -> None:
    assert set(NAMED) | {"krr", "krr-oom", "vpa-target", "vpa-upper"} == set(RULES)
    assert set(one(killed()).size.alternatives) == set(RULES)


def test_no_control_character_is_in_csv() -> None:
    assert not {"\x1b", "\x07", "\u202e"} & set(csv_text(hostile().items))
    assert len(rows_of(hostile())) == 1
