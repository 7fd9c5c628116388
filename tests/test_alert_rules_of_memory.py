"""The rules about memory that nears its limit, judged by promtool, and what the options make of all rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from kubectl_oom.judge.alert_asked import AlertAsked
from kubectl_oom.judge.alert_lint.syntax import Matcher
from kubectl_oom.judge.alert_rules import alert_rules
from kubectl_oom.show.alert_rules import rule_file, rule_object
from tests.promtool import assert_firing, check
from tests.test_alert_rules_of_kills import API, NONE, killed_at_5m, rules

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["rules"]
SET, GROWS = "ContainerMemoryNearLimit", "ContainerMemoryGrowsToLimit"
LIMIT = f'kube_pod_container_resource_limits{{{API},resource="memory",unit="byte",node="n1"}}'


def used(labels: str = API, of: str = "a") -> str:
    return f'container_memory_working_set_bytes{{{labels},id="/{of}",image="x",name="{of}"}}'


def near(*severities: str, container: str = "app") -> set[tuple[str, ...]]:
    return {(SET, "shop", "api-1", container, severity) for severity in severities}


def growing() -> set[tuple[str, ...]]:
    return {(GROWS, "shop", "api-1", "app", "warning")}


def test_each_step_towards_the_limit_is_told_after_its_time(rules: Path) -> None:
    series = {used(): "500x9 870x19 920x19 960x9 100x9", LIMIT: "1000x80"}
    steps = {
        "9m": NONE,
        "20m": NONE,
        "26m": near("info"),
        "39m": near("info"),
        "41m": near("info", "warning"),
        "50m": near("info", "warning"),
        "53m": near("info", "warning", "critical"),
        "61m": NONE,
    }

    assert_firing(rules, series, steps)


def test_a_container_without_a_limit_is_never_near_it(rules: Path) -> None:
    cpu = f'kube_pod_container_resource_limits{{{API},resource="cpu",unit="core"}}'

    assert_firing(rules, {used(): "960x200", cpu: "2x200"}, {"30m": NONE, "120m": NONE, "180m": NONE})


def test_a_sidecars_limit_is_its_own(rules: Path) -> None:
    sidecar = API.replace('"app"', '"proxy"')
    limit = LIMIT.replace("kube_pod_", "kube_pod_init_").replace(API, sidecar)
    series = {used(sidecar): "960x40", limit: "1000x40", used(): "960x40", LIMIT: "4000x40"}

    assert_firing(rules, series, {"30m": near("info", "warning", "critical", container="proxy")})


def test_replicas_totals_and_sandboxes_are_not_counted_twice(rules: Path) -> None:
    series = {
        used(): "600x40",
        used('namespace="shop",pod="api-1",container=""', of="pod"): "990x40",
        used('namespace="shop",pod="api-1",container="POD"', of="pause"): "600x40",
        LIMIT: "1000x40",
        LIMIT.replace("{", '{instance="b",'): "1000x40",
    }

    assert_firing(rules, series, {"30m": NONE})


def test_growth_into_the_limit_is_told_hours_before(rules: Path) -> None:
    # 2.5 a minute: of 1000, half is reached after an hour and a half, the limit after six hours and a half.
    series = {used(): "275+2.5x300", LIMIT: "1000x300"}

    assert_firing(rules, series, {"85m": NONE, "170m": growing(), "220m": growing()})


@pytest.mark.parametrize(
    "course",
    [
        pytest.param("600x300", id="flat"),
        pytest.param("100+1x300", id="below half"),
        pytest.param("600+0.5x300", id="too slow"),
        pytest.param("800-1x300", id="falling"),
        pytest.param("100+16x45 820x250", id="a start-up"),
    ],
)
def test_what_does_not_grow_into_the_limit_is_not_told(rules: Path, course: str) -> None:
    moments = dict.fromkeys(("40m", "59m", "70m", "110m", "150m"), NONE)

    assert_firing(rules, {used(): course, LIMIT: "1000x300"}, moments)


def test_a_restart_begins_a_new_hour(rules: Path) -> None:
    series = {used(of="a"): "100x99 stale", used(of="b"): "_x100 100+20x40", LIMIT: "1000x300"}

    assert_firing(rules, series, {"110m": NONE, "125m": NONE, "139m": NONE})


# --- options -------------------------------------------------------------------------------------------------------


def written(folder: Path, asked: AlertAsked, **labels: str) -> Path:
    file = folder / "own.yml"
    file.write_text(rule_file(alert_rules(asked), "own", labels), encoding="utf-8")
    return file


def test_rules_about_one_namespace_tell_of_no_other_and_of_no_node(tmp_path: Path) -> None:
    file = written(tmp_path, AlertAsked(namespaces=(Matcher("namespace", "=", "bank"),)))
    series = killed_at_5m() | killed_at_5m(labels=API.replace("shop", "bank"))
    series |= {'node_vmstat_oom_kill{instance="a"}': "0x4 1x40"}

    assert_firing(file, series, {"6m": {("ContainerOOMKilled", "bank", "api-1", "app", "warning")}})


def test_clusters_in_one_store_are_told_apart(tmp_path: Path) -> None:
    file = written(tmp_path, AlertAsked(cluster_label="cluster"))
    north = killed_at_5m(labels=f'cluster="north",{API}')
    # The same pod in another cluster ended lately too, and was killed never.
    south = {name.replace("north", "south").replace("OOMKilled", "Error"): values for name, values in north.items()}

    check(file)
    assert_firing(file, north | south, {"6m": {("ContainerOOMKilled", "shop", "api-1", "app", "warning")}})
    assert_firing(file, south, {"6m": NONE})


def test_thresholds_and_the_time_a_kill_is_told_are_options(tmp_path: Path) -> None:
    asked = AlertAsked(window_seconds=120, info_percent=50, warning_percent=60, critical_percent=70, warning_for="3m")
    series = killed_at_5m() | {used(): "620x40", LIMIT: "1000x40"}
    file = written(tmp_path, asked)

    check(file)
    assert_firing(file, series, {"6m": near("warning") | {("ContainerOOMKilled", "shop", "api-1", "app", "warning")}})
    assert_firing(file, series, {"8m": near("warning"), "20m": near("info", "warning")})


def test_how_long_each_severity_waits_is_an_option(tmp_path: Path) -> None:
    file = written(tmp_path, AlertAsked(info_for="1m", warning_for="3m", critical_for="5m"))
    moments = {"1m": near("info"), "4m": near("info", "warning"), "6m": near("info", "warning", "critical")}

    assert_firing(file, {used(): "980x40", LIMIT: "1000x40"}, {"0m": NONE} | moments)


def test_a_shorter_window_tells_of_growth_sooner(tmp_path: Path) -> None:
    file = written(tmp_path, AlertAsked(grow_window_seconds=8 * 60, ahead_seconds=1800))

    check(file)
    assert_firing(file, {used(): "600+15x20", LIMIT: "1000x40"}, {"8m": NONE, "9m": NONE, "11m": growing()})
    assert_firing(file, {used(): "600+15x10 750x40", LIMIT: "1000x60"}, {"11m": growing(), "25m": NONE, "40m": NONE})


def test_the_object_holds_the_same_group_as_the_file() -> None:
    rules = alert_rules(AlertAsked())
    file = yaml.safe_load(rule_file(rules, "g", {"team": "shop"}))
    made = yaml.safe_load(rule_object(rules, "g", {"team": "shop"}, {"release": "prometheus"}))

    assert made["spec"] == file
    assert (made["apiVersion"], made["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert made["metadata"] == {"name": "g", "labels": {"release": "prometheus"}}
    assert {rule["labels"]["team"] for rule in file["groups"][0]["rules"]} == {"shop"}


def test_every_rule_has_a_severity_and_tells_what_to_do() -> None:
    for rule in yaml.safe_load(rule_file(alert_rules(AlertAsked()), "g", {}))["groups"][0]["rules"]:
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert set(rule["annotations"]) == {"summary", "description", "runbook"}
        assert rule["annotations"]["runbook"].startswith("kubectl oom ")


def test_promtool_finds_nothing_wrong_with_the_rules(rules: Path) -> None:
    assert "SUCCESS: 11 rules found" in check(rules)
