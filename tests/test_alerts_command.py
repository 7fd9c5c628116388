"""`kubectl oom alerts` as a program: what it writes, what it reads, and what it refuses."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from kubectl_oom.judge.alert_lint import lint
from kubectl_oom.read.rule_files import read_rule_files, rules_in
from tests.junk import mangled
from tests.program import ENVIRONMENT, oom
from tests.promtool import check

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = json.loads((ROOT / "docs" / "schema.json").read_text(encoding="utf-8"))
STICKY = 'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1'


def rule_yaml(expr: str = STICKY, name: str = "PodOOM") -> str:
    return f"groups:\n- name: oom\n  rules:\n  - alert: {name}\n    expr: {expr}\n"


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


# --- writing -------------------------------------------------------------------------------------------------------


def test_the_rules_that_are_written_are_read_by_prometheus_and_by_the_check(tmp_path: Path) -> None:
    written = oom("alerts", "--label", "team=shop", "--group-name", "memory")
    file = write(tmp_path, "own.yaml", written.out)
    checked = oom("alerts", "--check", file)

    assert (written.code, written.err) == (0, "")
    assert "SUCCESS: 11 rules found" in check(Path(file))
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.startswith("11 rules checked: nothing wrong was found")
    assert {group["name"] for group in yaml.safe_load(written.out)["groups"]} == {"memory"}


def test_an_object_is_written_for_the_operator() -> None:
    written = oom("alerts", "-o", "prometheusrule", "--object-label", "release=prometheus", "-n", "shop")
    made = yaml.safe_load(written.out)

    assert made["kind"] == "PrometheusRule"
    assert made["metadata"] == {"name": "kubectl-oom", "labels": {"release": "prometheus"}}
    assert all('namespace="shop"' in rule["expr"] for rule in made["spec"]["groups"][0]["rules"])


def test_namespaces_are_chosen_and_left_out_by_pattern() -> None:
    written = oom("alerts", "--namespace-selector", "team-.*", "--exclude-namespaces", "team-test")
    (group,) = yaml.safe_load(written.out)["groups"]

    wanted = 'namespace=~"team-.*", namespace!~"team-test"'
    assert all(rule["expr"].count("kube_pod_") + rule["expr"].count("container_") > 0 for rule in group["rules"])
    assert all(wanted in rule["expr"] for rule in group["rules"])


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["-o", "text"], 'error: unable to match a printer suitable for the output format "text"'),
        (
            ["--check", "-o", "prometheus", "x"],
            'error: unable to match a printer suitable for the output format "prometheus"',
        ),
        (["rules.yaml"], "error: files are checked, not written"),
        (["-A"], "error: -A goes with --check"),
        (["--check"], "error: nothing to check"),
        (["--check", "-A", "--exclude-namespaces", "x"], "error: --exclude-namespaces is about rules that are written"),
        (["--check", "-", "--warn-at=91"], "error: --warn-at is about rules that are written"),
        (["--label", "no-good=x"], 'error: invalid label "no-good=x" for --label: NAME=VALUE'),
        (["--label", "alertname=x"], 'error: invalid label "alertname=x" for --label: NAME=VALUE'),
        (["--label", "x"], 'error: invalid label "x" for --label: NAME=VALUE'),
        (["--object-label", "a=b"], "error: --object-label goes with -o prometheusrule"),
        (["-o", "prometheusrule", "--object-label", "a=b c"], 'error: invalid label "a=b c" for --object-label'),
        (["-o", "prometheusrule", "--group-name", "No Good"], 'error: invalid name "No Good" for --group-name'),
        (["--namespace-selector", "("], 'error: invalid pattern "(" for --namespace-selector'),
        (["-n", "a", "--namespace-selector", "b"], "error: -n names one namespace"),
        (["-n", "a/b"], 'error: invalid namespace "a/b"'),
        (["--window", "10s"], "error: --window has to be 2m at least"),
        (["--grow-window", "90s"], "error: --grow-window has to be 2m at least"),
        (["--critical-for", "1.5s"], 'error: invalid duration "1.5s" for --critical-for'),
        (["--window", "soon"], 'error: invalid duration "soon" for --window'),
        (["--warn-at", "85"], "error: --info-at, --warn-at and --critical-at have to rise in this order"),
        (["--warn-at", "120"], "error: invalid value for '--warn-at'"),
        (["--cluster-label", "a b"], 'error: invalid label "a b" for --cluster-label'),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(args: list[str], line: str) -> None:
    assert oom("alerts", *args).line.startswith(line)


def test_a_pattern_that_is_taken_is_one_that_prometheus_takes(tmp_path: Path) -> None:
    taken = ["team-.*", "(?i:team)-[a+?(]+", r"a\.b", "(?:a|b){1,3}", "(?P<x>a)", r"a\\1", "a+?"]
    refused = ["(?!kube-).*", ".*(?<!-test)", r"(a)\1", "(?=a)a", "(?x)a"]

    for place, pattern in enumerate(taken):
        ran = oom("alerts", "--namespace-selector", pattern)
        check(Path(write(tmp_path, f"{place}.yaml", ran.out)))
    for pattern in refused:
        line = oom("alerts", "--namespace-selector", pattern).line
        assert line.startswith(f'error: invalid pattern "{pattern}" for --namespace-selector: Prometheus (RE2) has no')


# --- checking ------------------------------------------------------------------------------------------------------


def test_a_wrong_rule_is_told_with_its_place_and_its_mended_expression(tmp_path: Path) -> None:
    file = write(tmp_path, "rules.yaml", "# a comment\n" + rule_yaml())
    ran = oom("alerts", "--check", file, "--width", "200")

    assert ran.code == 1
    assert ran.err == ""
    assert f"{file}:5: group oom, alert PodOOM\n" in ran.out
    assert "  critical sticky-gauge: This gauge stays 1 after the kill" in ran.out
    assert "  instead:\n    (kube_pod_container_status_last_terminated_reason{" in ran.out
    assert ran.out.endswith("1 rule checked, 1 with something to mend: 1 critical.\n")


def test_the_document_names_every_rule_and_fits_the_schema(tmp_path: Path) -> None:
    wrong, right = write(tmp_path, "a.yaml", rule_yaml()), write(tmp_path, "b.yaml", rule_yaml("up == 0", "Down"))
    ran = oom(
        "alerts", "--check", wrong, right, str(tmp_path / "none.yaml"), "-o", "json", "--now", "2026-11-22T12:00:00Z"
    )
    document: dict[str, Any] = json.loads(ran.out)

    Draft202012Validator(SCHEMA).validate(document)
    assert ran.code == 1
    assert [(item["source"], item["line"], item["rule"], len(item["faults"])) for item in document["items"]] == [
        (wrong, 4, "PodOOM", 1),
        (right, 4, "Down", 0),
    ]
    assert document["items"][0]["faults"][0]["code"] == "sticky-gauge"
    assert document["items"][0]["mendedExpr"].startswith("(kube_pod_container_status_last_terminated_reason")
    assert [gap["source"] for gap in document["gaps"]] == [str(tmp_path / "none.yaml")]
    assert yaml.safe_load(oom("alerts", "--check", wrong, "-o", "yaml").out)["kind"] == "RuleCheckList"


UNREADABLE = {
    "binary.yaml": ("\x00\x01", "it is no YAML: "),
    "broken.yaml": ("groups: [", "it is no YAML: line 1: "),
    "template.yaml": ("groups:\n{{- range .Values.rules }}\n- x\n", "it is no YAML: line 3: "),
    "empty.yaml": ("", "it holds no rules"),
    "other.yaml": ("kind: ConfigMap\ndata: {}\n", "it holds no rules"),
    "list.yaml": ("- 1\n- groups\n", "it holds no rules"),
    "odd.yaml": ("groups: {rules: 1}\n", "it holds no rules"),
    "tag.yaml": ("groups: !!python/object:os.system []\n", "it is no YAML: line 1: "),
    "deep.yaml": ("[" * 5000, "it is "),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_file_is_one_line_and_the_others_are_still_checked(tmp_path: Path, name: str) -> None:
    text, reason = UNREADABLE[name]
    bad, right = write(tmp_path, name, text), write(tmp_path, "right.yaml", rule_yaml("up == 0"))
    ran = oom("alerts", "--check", bad, right)

    assert ran.code == 1
    assert ran.err.startswith(f"error: {bad}: {reason}")
    assert len(ran.err.splitlines()) == 1
    assert ran.out.startswith("1 rule checked: nothing wrong was found")


def test_a_folder_and_a_missing_file_are_told_in_the_systems_words(tmp_path: Path) -> None:
    ran = oom("alerts", "--check", str(tmp_path), str(tmp_path / "none"))

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        f"error: {tmp_path}: is a directory",
        f"error: {tmp_path / 'none'}: no such file or directory",
    ]


def test_bytes_of_another_encoding_are_told(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"groups: \xff\xe9")

    assert oom("alerts", "--check", str(tmp_path / "latin.yaml")).err.startswith(
        f"error: {tmp_path}/latin.yaml: it is no YAML"
    )


def test_documents_objects_lists_and_json_are_all_read(tmp_path: Path) -> None:
    rule = {"alert": "A", "expr": STICKY, "annotations": {"n": 5}}
    spec = {"groups": [{"name": "g", "rules": [rule, {"record": "a:b", "expr": 1}, {"expr": "no name"}, "junk"]}]}
    single = {"kind": "PrometheusRule", "metadata": {"name": "x"}, "spec": spec}
    documents = [spec, {"kind": "ConfigMap"}, single, {"kind": "List", "items": [single, {"kind": "Pod"}]}]
    file = write(tmp_path, "all.yaml", "---\n".join(yaml.safe_dump(document) for document in documents))
    as_json = write(tmp_path, "all.json", json.dumps(single))

    rules, gaps = read_rule_files([file, as_json])

    assert gaps == []
    assert [(rule.name, rule.is_alert, rule.expr) for rule in rules] == [("A", True, STICKY), ("a:b", False, "1")] * 4
    assert [rule.line for rule in rules[:2]] == [4, 9]


RULES: dict[str, Any] = {
    "kind": "PrometheusRule",
    "spec": {
        "groups": [{"name": "g", "rules": [{"alert": "A", "expr": STICKY, "for": "5m", "annotations": {"a": "b"}}]}]
    },
}


@given(mangled({"kind": "List", "items": [RULES]}))
def test_objects_of_any_shape_are_read_and_checked_or_refused(document: dict[str, Any]) -> None:
    text = json.dumps(document, default=str)
    try:
        found = list(rules_in(text.encode(), "junk"))
    except ValueError:
        return
    for checked in lint(found):
        assert all(isinstance(value, str) for value in (checked.rule.expr, checked.rule.name, checked.rule.for_text))


@given(st.text(max_size=80))
def test_no_text_breaks_the_reading(text: str) -> None:
    with contextlib.suppress(ValueError, RecursionError):
        assert list(rules_in(text.encode("utf-8", "surrogatepass"), "junk")) == []


def test_rules_come_from_a_pipe_as_well(tmp_path: Path) -> None:
    file = write(tmp_path, "rules.yaml", rule_yaml())

    with Path(file).open("rb") as content:
        done = subprocess.run(
            [sys.executable, "-m", "kubectl_oom", "alerts", "--check", "-"],
            stdin=content,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=ENVIRONMENT,
        )

    assert done.returncode == 1
    assert done.stdout.startswith("-:4: group oom, alert PodOOM\n")


def test_what_steers_a_terminal_is_shown_and_not_sent(tmp_path: Path) -> None:
    evil = 'up{a="\x1b[31m"} == 1 and ' + STICKY
    file = write(
        tmp_path, "evil.yaml", json.dumps({"groups": [{"name": "\x1b[2J", "rules": [{"alert": "\x07", "expr": evil}]}]})
    )

    assert "\x1b" not in oom("alerts", "--check", file).out
    assert "^[" in oom("alerts", "--check", file).out
