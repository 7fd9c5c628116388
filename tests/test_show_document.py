"""The documents that scripts read: the exact fields, the schema that promises them, and what a null means."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from kubectl_oom.evidence import Confidence, ContainerType, NodeAnswer, Pattern, Report, Severity, Verdict
from kubectl_oom.show.document import names, report_document, to_json, to_yaml
from tests.test_show_cases import CASES, NOW, diagnosis

SCHEMA = json.loads((Path(__file__).parents[1] / "docs/schema.json").read_text())


def document(case: str) -> dict[str, Any]:
    return report_document(CASES[case], NOW)


@pytest.mark.parametrize("case", CASES)
def test_the_document_of_every_case_fits_the_schema(case: str) -> None:
    Draft202012Validator(SCHEMA).validate(document(case))


def test_the_schema_is_one_itself_and_knows_every_word_of_the_vocabulary() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    known = {name: SCHEMA["$defs"][name]["enum"] for name in ("verdict", "confidence", "pattern", "containerType")}

    assert known == {
        "verdict": [verdict.value for verdict in Verdict],
        "confidence": [confidence.value for confidence in Confidence],
        "pattern": [pattern.value for pattern in Pattern],
        "containerType": [kind.value for kind in ContainerType],
    }
    assert SCHEMA["$defs"]["finding"]["properties"]["severity"]["enum"] == [severity.value for severity in Severity]


def test_a_field_that_the_schema_does_not_name_is_refused() -> None:
    tree = document("container limit")
    tree["items"][0]["surprise"] = 1

    assert not Draft202012Validator(SCHEMA).is_valid(tree)
    assert not Draft202012Validator(SCHEMA).is_valid(document("evicted") | {"surprise": 1})


def test_an_oom_kill_as_a_document() -> None:
    terminated = "status.containerStatuses[app].lastState.terminated"
    killed = "2026-11-20T10:44:48Z"

    assert document("container limit") == {
        "apiVersion": "kubectl-oom/v1",
        "kind": "Diagnosis",
        "asOf": "2026-11-20T10:50:00Z",
        "items": [
            {
                "namespace": "shop",
                "pod": "api-7d4b9c6f5-x2k4q",
                "node": "worker-3",
                "container": "app",
                "containerType": "app",
                "workload": {"kind": "Deployment", "name": "api"},
                "verdict": "container-limit",
                "confidence": "likely",
                "because": (
                    "The runtime recorded OOMKilled, and usage stood at 98% of the container's limit 12s earlier."
                ),
                "candidates": [],
                "pattern": "leak",
                "startedAt": "2026-11-20T10:07:50Z",
                "killedAt": killed,
                "restartedAt": "2026-11-20T10:44:51Z",
                "readyAgainAt": "2026-11-20T10:45:03Z",
                "recoverySeconds": 15,
                "exitCode": 137,
                "reason": "OOMKilled",
                "restartCount": 6,
                "serving": {"readyReplicas": 2, "replicas": 3},
                "limitBytes": 104857600,
                "limitKnown": True,
                "requestBytes": 67108864,
                "lastSample": {
                    "workingSetBytes": 100768153,
                    "usageBytes": 103179878,
                    "at": "2026-11-20T10:44:36Z",
                    "intervalSeconds": 15,
                    "source": "Prometheus http://prometheus.monitoring:9090",
                },
                "highestSampled": {"workingSetBytes": 100768153, "usageBytes": 103179878},
                "runUp": {
                    "pattern": "leak",
                    "confidence": "likely",
                    "reason": "It grew 139Mi per hour from its start and never levelled off.",
                    "growthBytesPerHour": 145752064,
                    "since": "2026-11-20T10:08:06Z",
                    "until": "2026-11-20T10:44:36Z",
                    "samples": 147,
                },
                "evidence": [
                    {"source": "pod status", "field": f"{terminated}.reason", "value": "OOMKilled", "at": killed},
                    {"source": "pod status", "field": f"{terminated}.exitCode", "value": "137", "at": killed},
                    {
                        "source": "Prometheus http://prometheus.monitoring:9090",
                        "field": "container_memory_usage_bytes",
                        "value": "98.4Mi",
                        "at": "2026-11-20T10:44:36Z",
                    },
                    {
                        "source": "pod spec",
                        "field": "spec.containers[app].resources.limits.memory",
                        "value": "100Mi",
                        "at": None,
                    },
                ],
                "findings": [
                    {
                        "code": "crash-loop",
                        "severity": "warning",
                        "message": "It was killed 6 times, each time within an hour of its start.",
                        "evidence": [
                            {
                                "source": "pod status",
                                "field": f"{terminated}.reason",
                                "value": "OOMKilled",
                                "at": killed,
                            }
                        ],
                        "remedy": "A larger limit only delays the next kill; find what grows.",
                    }
                ],
            }
        ],
        "gaps": [
            {
                "source": "node events",
                "reason": 'forbidden: User "ann" cannot list resource "events" in API group "" at the cluster scope',
                "remedy": "Bind the ClusterRole of docs/rbac.yaml, then: kubectl oom doctor",
            }
        ],
        "nodes": [],
    }


def test_what_is_not_known_is_null_and_never_zero() -> None:
    item = document("everything unknown")["items"][0]

    assert {field for field, value in item.items() if value is None} == {
        "node",
        "pattern",
        "startedAt",
        "killedAt",
        "restartedAt",
        "readyAgainAt",
        "recoverySeconds",
        "exitCode",
        "serving",
        "limitBytes",
        "requestBytes",
        "lastSample",
        "highestSampled",
        "runUp",
    }
    assert item["limitKnown"] is False


def test_a_node_that_was_asked_about_has_its_own_answer() -> None:
    answer = NodeAnswer(
        name="worker-3", ran_out=None, confidence=Confidence.POSSIBLE, because="It cannot be read.", evidence=()
    )
    tree = report_document(Report(items=(), gaps=(), nodes=(answer,)), NOW)

    Draft202012Validator(SCHEMA).validate(tree)
    assert tree["nodes"] == [
        {
            "name": "worker-3",
            "ranOut": None,
            "confidence": "possible",
            "because": "It cannot be read.",
            "evidence": [],
        }
    ]


def test_json_looks_as_kubectl_prints_it() -> None:
    printed = to_json(document("evicted"))

    assert printed.startswith('{\n  "apiVersion": "kubectl-oom/v1",\n  "kind": "Diagnosis",\n')
    assert printed.endswith("}\n")
    assert json.loads(printed) == document("evicted")


def test_yaml_keeps_the_order_of_the_fields_and_quotes_times() -> None:
    printed = to_yaml(document("evicted"))

    assert printed.startswith(
        "apiVersion: kubectl-oom/v1\nkind: Diagnosis\nasOf: '2026-11-20T10:50:00Z'\nitems:\n- namespace: shop\n  pod: batch-0\n"
    )
    assert yaml.safe_load(printed) == document("evicted")


def test_yaml_has_no_aliases_although_values_repeat() -> None:
    twice = replace(CASES["evicted"], items=CASES["evicted"].items * 2)

    assert "&id" not in to_yaml(report_document(twice, NOW))


def test_a_hostile_message_is_only_ever_data() -> None:
    evil = "\x1b[2J\r\u202e\x9b31m\u2028: - {a: 1} # \n--- !!python/object/apply:os.system [id]"
    tree = report_document(Report(items=(diagnosis(because=evil),), gaps=()), NOW)

    assert json.loads(to_json(tree))["items"][0]["because"] == evil
    assert yaml.safe_load(to_yaml(tree))["items"][0]["because"] == evil
    assert not {"\x1b", "\r", "\u202e", "\x9b", "\u2028"} & set(to_json(tree) + to_yaml(tree))


def test_names_are_what_kubectl_takes_as_arguments() -> None:
    assert list(names(CASES["two victims"])) == ["pod/api-7d4b9c6f5-x2k4q"]
    assert list(names(CASES["nothing killed"])) == ["pod/api-7d4b9c6f5-9zr8w", "pod/api-7d4b9c6f5-x2k4q"]
