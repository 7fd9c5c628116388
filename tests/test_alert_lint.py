"""The check of rules on a corpus: what is wrong is named, what is right is left alone, and what is mended works."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_oom.evidence import Severity
from kubectl_oom.evidence.alerting import CheckedRule, FoundRule
from kubectl_oom.judge.alert_asked import AlertAsked
from kubectl_oom.judge.alert_lint import lint
from kubectl_oom.judge.alert_lint.codes import LINTS
from kubectl_oom.judge.alert_lint.syntax import Matcher
from kubectl_oom.judge.alert_rules import alert_rules
from kubectl_oom.read.rule_files import read_rule_files, rules_in
from kubectl_oom.show.alert_rules import rule_file
from tests.promtool import assert_firing, check, rules_file
from tests.test_alert_rules_of_kills import NONE, killed_at_5m

CORPUS = Path(__file__).parent / "corpus" / "alerts"
WRONG: list[dict[str, Any]] = yaml.safe_load((CORPUS / "wrong.yaml").read_text(encoding="utf-8"))
STICKY = 'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"} == 1'
# Told beside others that are right, these are right themselves; for the rest of them nothing can be written anew.
OF_MANY = {"oom-counter-alone", "ended-reason-alone", "for-outlives-window", "not-checked"}


def found(name: str, expr: str, *, waits: str = "", is_alert: bool = True, says: str = "") -> FoundRule:
    return FoundRule(
        source="rules.yml", line=1, group="g", name=name, is_alert=is_alert, expr=expr, for_text=waits, says=says
    )


def checked(entry: dict[str, Any]) -> CheckedRule:
    (one,) = lint([found(entry["alert"], entry["expr"], waits=entry.get("for", ""))])
    return one


def codes(one: CheckedRule) -> set[str]:
    return {fault.code for fault in one.faults if fault.severity is not Severity.INFO}


def is_mended(entry: dict[str, Any]) -> bool:
    return bool(entry.get("mends", not set(entry["wrong"]) <= OF_MANY))


MENDED = [entry for entry in WRONG if is_mended(entry)]


@pytest.mark.parametrize("entry", WRONG, ids=lambda entry: entry["alert"])
def test_a_wrong_rule_is_told_by_its_codes_and_nothing_else(entry: dict[str, Any]) -> None:
    one = checked(entry)

    assert codes(one) == set(entry["wrong"])
    assert (one.mended is not None) == is_mended(entry)


@pytest.mark.parametrize("entry", MENDED, ids=lambda entry: entry["alert"])
def test_a_mended_rule_is_right(entry: dict[str, Any]) -> None:
    mended = checked(entry).mended
    assert mended is not None
    (again,) = lint([found(entry["alert"], mended)])

    assert codes(again) <= OF_MANY
    assert again.mended in (None, mended)


def test_promtool_reads_every_mended_rule(tmp_path: Path) -> None:
    mended = {entry["alert"]: checked(entry).mended for entry in WRONG if is_mended(entry)}

    assert f"SUCCESS: {len(mended)} rules found" in check(
        rules_file(tmp_path, {name: expr for name, expr in mended.items() if expr})
    )


# Those that watch for the end of one container, by any threshold that one kill reaches.
OF_KILLS = [
    entry
    for entry in WRONG
    if is_mended(entry)
    and "container_status" in entry["expr"]
    and not {"delta-of-counter", "ended-gauge"} & set(entry["wrong"])
    and entry["alert"] not in ("OftenOOM", "InitOOM", "StickyOwner", "RateOfEnded")
]


@pytest.mark.parametrize("entry", OF_KILLS, ids=lambda entry: entry["alert"])
def test_a_mended_rule_about_kills_fires_after_one_and_ends(entry: dict[str, Any], tmp_path: Path) -> None:
    mended = checked(entry).mended
    assert mended is not None
    file = rules_file(tmp_path, {"Mended": f"max by (namespace) ({mended})"})

    assert_firing(file, killed_at_5m(), {"4m": NONE, "7m": {("Mended", "shop")}, "40m": NONE, "60m": NONE})


def test_the_wrong_rules_really_are_wrong(tmp_path: Path) -> None:
    said = {entry["alert"]: entry["expr"] for entry in WRONG}
    never = ["PodOOM", "Raw", "Waiting", "Typo", "Changes", "NoOOM", "NoOn"]
    stuck = ["Sticky", "StickySum", "StickyMax", "OOMByCode"]
    file = rules_file(tmp_path, {name: f"max by (namespace) ({said[name]})" for name in (*never, *stuck)})
    series = killed_at_5m() | {
        'kube_pod_container_status_last_terminated_exitcode{namespace="shop",pod="api-1",container="app"}': "_x5 137x60"
    }

    # A kill at minute 5, and nothing after it.
    assert_firing(file, series, {"7m": {(name, "shop") for name in stuck}, "60m": {(name, "shop") for name in stuck}})


def test_right_rules_and_rules_about_other_things_are_left_alone() -> None:
    rules, gaps = read_rule_files([str(CORPUS / "right.yaml")])

    assert gaps == []
    assert {one.rule.name: one.faults for one in lint(rules) if one.faults} == {}
    assert len(rules) == 50


def test_promtool_reads_the_right_rules_too() -> None:
    assert "SUCCESS: 50 rules found" in check(CORPUS / "right.yaml")


@pytest.mark.parametrize(
    "asked",
    [
        AlertAsked(),
        AlertAsked(cluster_label="cluster", window_seconds=150),
        AlertAsked(namespaces=(Matcher("namespace", "=~", "shop|pay"), Matcher("namespace", "!~", 'a"b\\d'))),
    ],
)
def test_the_rules_that_are_written_are_right_by_their_own_check(asked: AlertAsked, tmp_path: Path) -> None:
    text = rule_file(alert_rules(asked), "own", {})
    own = list(rules_in(text.encode(), "own.yml"))
    (tmp_path / "own.yml").write_text(text, encoding="utf-8")

    assert {one.rule.name: one.faults for one in lint(own) if one.faults} == {}
    check(tmp_path / "own.yml")


def test_every_code_appears_in_the_corpus() -> None:
    told = {fault.code for entry in WRONG for fault in checked(entry).faults}
    told |= {fault.code for expr in OF_INFO for fault in lint([found("x", expr)])[0].faults}

    assert told == set(LINTS)


OF_INFO = [
    'max by (namespace, pod, container) (container_memory_rss{container!="", container!="POD"}) > 1e9',
    'max by (namespace, pod, container) (container_memory_working_set_bytes{container!=""}) > 1e9',
]


def test_what_is_only_worth_knowing_is_of_that_severity() -> None:
    assert [{f.severity for f in lint([found("x", expr)])[0].faults} for expr in OF_INFO] == [{Severity.INFO}] * 2


# --- rules beside each other ---------------------------------------------------------------------------------------

CHILD = found("Child", 'increase(container_oom_events_total{container!="", container!="POD"}[5m]) > 0')
KILLED = found(
    "Killed",
    "increase(kube_pod_container_status_restarts_total[10m]) > 0 and on (namespace, pod, container) "
    'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"}',
)


def test_the_dying_counter_is_right_beside_a_rule_that_sees_the_rest() -> None:
    assert [codes(one) for one in lint([CHILD])] == [{"oom-counter-alone"}]
    assert [codes(one) for one in lint([CHILD, KILLED])] == [set(), set()]


@pytest.mark.parametrize(
    ("waits", "wrong"), [("9m", set()), ("10m", {"for-outlives-window"}), ("1h", {"for-outlives-window"})]
)
def test_a_rule_may_wait_for_less_than_its_window(waits: str, wrong: set[str]) -> None:
    assert codes(lint([replace(KILLED, for_text=waits)])[0]) == wrong


def test_a_recorded_gauge_may_stay() -> None:
    gauge = 'kube_pod_container_status_last_terminated_reason{reason="OOMKilled"}'

    assert codes(lint([found("a:b", gauge, is_alert=False)])[0]) == set()
    assert codes(lint([found("a:b", f"rate({gauge}[5m])", is_alert=False)])[0]) == {"constant-gauge"}


def test_restarts_as_they_stand_are_a_fault_of_a_rule_about_memory_only() -> None:
    expr = "kube_pod_container_status_restarts_total > 5"

    assert codes(lint([found("ManyRestarts", expr)])[0]) == set()
    assert codes(lint([found("ManyRestarts", expr, says="out of memory?")])[0]) == {"raw-counter"}


def test_an_exit_code_is_no_fault_of_a_rule_that_does_not_speak_of_memory() -> None:
    expr = "kube_pod_container_status_last_terminated_exitcode == 137"

    assert "exit-code-is-no-reason" not in codes(lint([found("Sigkill", expr)])[0])
    assert "exit-code-is-no-reason" in codes(lint([found("Sigkill", expr, says="Out of Memory")])[0])


def test_what_sounds_like_it_is_no_claim_to_be_about_memory() -> None:
    expr = "kube_pod_container_status_restarts_total > 5"
    about = {"PodOOM", "pod_oom", "PodOomKill", "KubeOOMKilled", "podoomkilled", "LowMemory", "oom"}
    other = {"RoomService", "zoom-bridge", "NoHeadroom", "Bloom", "ROOM"}

    assert {name for name in about | other if codes(lint([found(name, expr)])[0])} == about


def test_a_window_of_plain_seconds_is_as_long_in_what_is_mended() -> None:
    (one,) = lint(
        [found("x", 'changes(kube_pod_container_status_last_terminated_reason{reason="OOMKilled"}[300]) > 0')]
    )

    assert one.mended is not None
    assert "kube_pod_container_status_last_terminated_timestamp < 300" in one.mended


def test_the_ratio_of_containers_goes_by_every_label_that_the_ratio_of_pods_did() -> None:
    used, limits = (
        'container_memory_working_set_bytes{container!="", container!="POD"}',
        'kube_pod_container_resource_limits{resource="memory"}',
    )
    by = "by (k8s_cluster, namespace, pod)"
    (one,) = lint([found("x", f"sum {by} ({used}) / sum {by} ({limits}) > 0.9")])

    by = "by (k8s_cluster, namespace, pod, container)"
    assert one.mended == f"max {by} ({used}) / max {by} ({limits}) > 0.9"


@pytest.mark.parametrize("waits", ["5m", "10m", "1h", "90s"])
@pytest.mark.parametrize("entry", MENDED, ids=lambda entry: entry["alert"])
def test_a_mended_rule_outlasts_its_own_for_or_that_is_said(entry: dict[str, Any], waits: str) -> None:
    (before,) = lint([found(entry["alert"], entry["expr"], waits=waits)])
    (after,) = lint([found(entry["alert"], before.mended or "", waits=waits)])

    assert ("for-outlives-window" in codes(after)) == ("for-outlives-window" in codes(before))


def test_a_gauge_that_sticks_is_mended_into_one_that_fires_with_the_for_it_has(tmp_path: Path) -> None:
    (one,) = lint([found("Sticky", STICKY, waits="15m")])
    rule = {"alert": "Mended", "expr": f"max by (namespace) ({one.mended})", "for": "15m"}
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [rule]}]}), encoding="utf-8")

    assert codes(one) == {"sticky-gauge"}
    assert_firing(file, killed_at_5m(), {"4m": NONE, "22m": {("Mended", "shop")}, "40m": NONE, "60m": NONE})
