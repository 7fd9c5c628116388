"""The roles that ship in docs/ grant what is asked for and nothing else, and permissions.md says so."""

from __future__ import annotations

import json
import re

import pytest

from kubectl_oom.act import sending
from kubectl_oom.read import source
from kubectl_oom.read.gaps import CLUSTER_ROLE, PERMISSIONS
from kubectl_oom.read.source import Kind
from tests.documents import granted, text_of
from tests.program import oom
from tests.replay import Page, served

RUNNING = {
    "metadata": {"name": "api-0"},
    "spec": {"nodeName": "node-a", "containers": [{"name": "app"}]},
    "status": {"phase": "Running"},
}
READING = granted(CLUSTER_ROLE)
FIXING = granted(sending.FIX_ROLE)
# What is read and is no source of evidence, or is read in a second way.
BESIDE = {
    ("", "pods", "watch"): "`watch`, which else lists again and again",
    ("", "namespaces", "get"): "a namespace that does not exist is told from one that is empty",
    ("", "namespaces", "list"): "completion of -n",
    ("metrics.k8s.io", "pods", "list"): "the working set now of many pods at once",
}


def _needed(name: str) -> list[tuple[tuple[str, ...], str, str]]:
    """The groups (one of which has it), the resource and the verb of everything that a source reads."""
    groups, resources, verbs = (text.split(",") for text in PERMISSIONS[name])
    if "services/proxy" in resources:  # a Service is listed, and its proxy read
        pairs = list(zip(resources, verbs, strict=True))
    else:
        pairs = [(resource, verb) for resource in resources for verb in verbs]
    return [(tuple(groups), resource, verb) for resource, verb in pairs]


def _met(name: str) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for groups, resource, verb in _needed(name)
        for group in groups
        if (group, resource, verb) in READING
    }


@pytest.mark.parametrize("name", PERMISSIONS)
def test_the_cluster_role_grants_what_every_source_needs(name: str) -> None:
    assert len(_met(name)) == len(_needed(name))


def test_the_doctor_tries_every_source_and_prints_the_rule_that_it_needs() -> None:
    refused = json.dumps({"kind": "Status", "reason": "Forbidden", "message": "no", "code": 403})
    with served(faults={"/pods": Page(json.dumps({"items": [RUNNING]})), "": Page(refused, 403)}) as server:
        items = oom("doctor", "-s", server.url, "-o", "json").document["items"]

    assert {item["source"] for item in items} == PERMISSIONS.keys()
    told = {item["source"] for item in items if item["rule"]}
    assert told == PERMISSIONS.keys() - {"pods", "node pods", "log", "metrics.k8s.io"}  # which answer here


def test_the_cluster_role_grants_nothing_that_is_not_asked_for() -> None:
    assert set(BESIDE).union(*map(_met, PERMISSIONS)) == READING


def test_the_cluster_role_can_only_read_and_the_other_only_patch() -> None:
    assert {verb for *_, verb in READING} == {"get", "list", "watch"}
    assert {verb for *_, verb in FIXING} == {"patch"}


def test_every_kind_of_object_that_is_read_is_in_the_role() -> None:
    kinds = [kind for kind in vars(source).values() if isinstance(kind, Kind)]
    permitted = {(group, resource) for group, resource, _ in READING}

    assert [kind.qualified for kind in kinds if (kind.group, kind.plural) not in permitted] == []


def test_every_source_and_every_rule_has_its_row_among_the_permissions() -> None:
    page = text_of("permissions.md")
    rows = re.findall(r"^\| ([^|`]+) \| (`[^|]+) \|", page, re.MULTILINE)
    named = set(re.findall(r"`([^`\s]+)`", page.partition("## To change something")[0]))

    assert {name.strip() for name, _ in rows} == set(PERMISSIONS)
    for name, cell in rows:
        assert {resource for _, resource, _ in _needed(name.strip())} <= set(re.findall(r"`([^`]+)`", cell))
    assert {resource for _, resource, _ in READING} <= named


def test_what_a_fix_needs_is_named_and_nothing_else() -> None:
    section = text_of("permissions.md").partition("## To change something")[2].partition("```")[0]
    named = set(re.findall(r"`([^`\s]+)`", section)) - {"fix", "patch", "--apply", "apps", "batch"}

    assert {resource for _, resource, _ in FIXING} == named
    assert {group for group, _, _ in FIXING} == {"", "apps", "batch"}
