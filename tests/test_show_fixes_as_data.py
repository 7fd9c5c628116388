"""Changes for scripts: valid against the schema, and whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from kubectl_oom.show.document import to_json, to_yaml
from kubectl_oom.show.fix_document import changes_document
from tests.build import MI, NOW
from tests.documents import SCHEMA
from tests.fixes import (
    OUTCOMES,
    everything,
    hostile,
    killed_again,
    nothing,
    of_all_types,
    open_,
    plain,
    report_of,
    taken_back,
    undone,
)


@pytest.mark.parametrize("what", [*OUTCOMES, "everything", "hostile", "none"])
def test_every_document_fits_the_schema_and_yaml_says_the_same(what: str) -> None:
    others = {"everything": everything(), "hostile": hostile(), "none": report_of()}
    document = changes_document(others[what] if what in others else report_of(OUTCOMES[what]), NOW)

    SCHEMA.validate(document)
    assert yaml.safe_load(to_yaml(document)) == json.loads(to_json(document)) == document


def test_the_document_has_the_fields_of_the_contract() -> None:
    (item,) = changes_document(report_of(open_(plain())), NOW)["items"]
    memory = {"limits": {"memory": "512Mi"}, "requests": {"memory": "256Mi"}}
    before = {"limits": {"memory": "128Mi"}, "requests": {"memory": "64Mi"}}
    command = "kubectl set resources deployment/api -n shop -c app --limits=memory=512Mi --requests=memory=256Mi"
    undo = _patch("containers", "app", before)
    back = f"kubectl patch deployment/api -n shop --patch '{json.dumps(undo, separators=(',', ':'))}'"

    assert item == {
        "namespace": "shop",
        "workload": {"kind": "Deployment", "name": "api"},
        "container": "app",
        "containerType": "app",
        "before": {"requestBytes": 64 * MI, "limitBytes": 128 * MI},
        "after": {"requestBytes": 256 * MI, "limitBytes": 512 * MI},
        "environment": {},
        "command": command,
        "heapCommand": None,
        "patch": _patch("containers", "app", memory),
        "undo": undo,
        "undoCommand": back,
        "commands": [command],
        "undoCommands": [back],
        "isUndo": False,
        "inPlace": False,
        "qosClass": {"before": "Burstable", "after": "Burstable"},
        "effects": [
            "2 pods are replaced, with up to 1 more at a time and none unavailable.",
            "The QoS class stays Burstable.",
        ],
        "preflight": [],
        "applied": False,
        "dryRun": None,
        "rollout": None,
        "watched": None,
        "rolledBack": False,
    }


def _patch(listed: str, name: str, resources: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {listed: [{"name": name, "resources": resources}]}}}}


def test_each_of_several_containers_has_a_command_and_a_patch_of_its_own() -> None:
    items = changes_document(report_of(open_(of_all_types())), NOW)["items"]

    assert [item["container"] for item in items] == ["app", "warm-up", "proxy"]
    assert items[0]["command"].startswith("kubectl set resources deployment/api -n shop -c app ")
    assert items[1]["command"].startswith("kubectl patch deployment/api -n shop --patch ")
    assert [list(item["patch"]["spec"]["template"]["spec"]) for item in items] == [
        *(["containers"], ["initContainers"], ["initContainers"]),
    ]
    assert ["proxy" in item["command"] for item in items] == [False, False, True]


def test_what_became_of_a_change_is_in_the_document() -> None:
    (again,) = changes_document(report_of(killed_again()), NOW)["items"]
    (back,) = changes_document(report_of(taken_back()), NOW)["items"]

    assert again["watched"] == {
        "seconds": 600,
        "kills": 2,
        "highestSampledBytes": 510 * MI,
        "limitBytes": 512 * MI,
    }
    assert (back["applied"], back["rolledBack"], back["rollout"]["state"]) == (True, True, "failed")


def test_an_undo_says_what_is_taken_away_by_null() -> None:
    (item,) = changes_document(report_of(open_(undone())), NOW)["items"]

    assert item["isUndo"]
    assert item["after"] == {"requestBytes": None, "limitBytes": 128_000_000}
    assert item["patch"] == _patch("containers", "app", {"limits": {"memory": "128M"}, "requests": {"memory": None}})
    assert item["command"].startswith("kubectl patch ")


def test_a_workload_that_stays_is_listed_with_the_reason() -> None:
    document = changes_document(report_of(open_(nothing())), NOW)

    assert document["items"] == []
    assert [(one["workload"]["name"], one["preflight"][0]["code"]) for one in document["unchanged"]] == [
        ("api", "nothing-to-change"),
    ]
