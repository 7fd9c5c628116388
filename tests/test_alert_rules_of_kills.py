"""The rules about kills, judged by promtool: each fires when it must, ends by itself, and never otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_oom.judge.alert_asked import AlertAsked
from kubectl_oom.judge.alert_rules import alert_rules
from kubectl_oom.show.alert_rules import rule_file
from tests.promtool import assert_firing, assert_says

if TYPE_CHECKING:
    from pathlib import Path

API = 'namespace="shop",pod="api-1",container="app"'
REASON, MOMENT = "last_terminated_reason", "last_terminated_timestamp"
ENDED = "kube_pod_container_status_terminated_reason"
EVENTS = "container_oom_events_total"
NONE: set[tuple[str, ...]] = set()


def status(what: str, labels: str, *, replica: str = "a", init: str = "") -> str:
    """A series of kube-state-metrics, as a scrape of one of its replicas has it."""
    return f'kube_pod_{init}container_status_{what}{{instance="{replica}",{labels}}}'


def fired(name: str, container: str = "app", pod: str = "api-1", severity: str = "warning") -> set[tuple[str, ...]]:
    return {(name, "shop", pod, container, severity)}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    file = tmp_path / "rules.yml"
    file.write_text(rule_file(alert_rules(AlertAsked()), "kubectl-oom", {}), encoding="utf-8")
    return file


def killed_at_5m(*, replica: str = "a", init: str = "", labels: str = API) -> dict[str, str]:
    """One kill; the gauges of the last end stay."""
    return {
        status(REASON, f'{labels},reason="OOMKilled"', replica=replica, init=init): "_x5 1x60",
        status(MOMENT, labels, replica=replica, init=init): "_x5 300x60",
        status("restarts_total", labels, replica=replica, init=init): "0x4 1x60",
    }


def test_a_kill_is_told_once_and_for_ten_minutes_though_the_gauge_stays(rules: Path) -> None:
    killed = fired("ContainerOOMKilled")

    assert_firing(rules, killed_at_5m(), {"4m": NONE, "6m": killed, "14m": killed, "15m": NONE, "60m": NONE})


def test_every_kill_of_a_pod_is_told_not_only_its_first(rules: Path) -> None:
    series = {
        status(REASON, f'{API},reason="OOMKilled"'): "_x5 1x60",
        status(MOMENT, API): "_x5 300x24 1800x30",
        status("restarts_total", API): "0x4 1x24 2x30",
    }

    assert_firing(rules, series, {"29m": NONE, "31m": fired("ContainerOOMKilled"), "41m": NONE})


def test_two_replicas_of_kube_state_metrics_raise_one_alert(rules: Path) -> None:
    series = killed_at_5m(replica="a") | killed_at_5m(replica="b")

    assert_firing(rules, series, {"6m": fired("ContainerOOMKilled"), "16m": NONE})


def test_a_rollout_ends_the_alert_and_the_new_pod_has_none(rules: Path) -> None:
    new = API.replace("api-1", "api-2")
    series = {name: values.replace("x60", "x2 stale") for name, values in killed_at_5m().items()}
    series[status("restarts_total", new)] = "_x8 0x40"

    assert_firing(rules, series, {"7m": fired("ContainerOOMKilled"), "9m": NONE, "20m": NONE})


@pytest.mark.parametrize("init", ["", "init_"])
def test_an_older_kube_state_metrics_is_told_by_restarts(rules: Path, init: str) -> None:
    series = {name: values for name, values in killed_at_5m(init=init).items() if MOMENT not in name}
    name = "InitContainerOOMKilledByRestarts" if init else "ContainerOOMKilledByRestarts"

    assert_firing(rules, series, {"4m": NONE, "6m": fired(name), "13m": fired(name), "16m": NONE, "60m": NONE})


def test_init_containers_and_sidecars_have_an_alert_of_their_own(rules: Path) -> None:
    sidecar = API.replace('"app"', '"proxy"')

    assert_firing(
        rules, killed_at_5m(init="init_", labels=sidecar), {"6m": fired("InitContainerOOMKilled", "proxy"), "15m": NONE}
    )


def test_an_end_for_another_reason_is_no_kill(rules: Path) -> None:
    series = {name.replace("OOMKilled", "Error"): values for name, values in killed_at_5m().items()}

    assert_firing(rules, series, {"6m": NONE, "10m": NONE})


@pytest.mark.parametrize("what", ["container", "namespace"])
def test_a_restart_of_another_container_does_not_bring_an_old_kill_back(rules: Path, what: str) -> None:
    other = API.replace('"app"', '"proxy"') if what == "container" else API.replace('"shop"', '"bank"')
    series = killed_at_5m() | {
        status(REASON, f'{other},reason="Error"'): "_x30 1x30",
        status(MOMENT, other): "_x30 1800x30",
        status("restarts_total", other): "0x29 1x30",
    }

    assert_firing(rules, series, {"6m": fired("ContainerOOMKilled"), "31m": NONE})


# --- ended for good ------------------------------------------------------------------------------------------------


def test_a_job_that_an_oom_kill_finished_is_told_for_an_hour_though_its_pod_stays(rules: Path) -> None:
    series = {
        f'{ENDED}{{{API},reason="OOMKilled"}}': "_x5 1x120",
        'kube_pod_completion_time{namespace="shop",pod="api-1"}': "_x5 300x120",
    }
    finished = fired("ContainerFinishedByOOM")

    assert_firing(rules, series, {"4m": NONE, "5m": NONE, "7m": finished, "64m": finished, "65m": NONE, "120m": NONE})


def test_an_init_container_that_an_oom_kill_finished_is_told_for_an_hour(rules: Path) -> None:
    series = {f'{ENDED.replace("pod_", "pod_init_")}{{{API},reason="OOMKilled"}}': "_x5 1x120"}
    finished = fired("ContainerFinishedByOOM")

    assert_firing(rules, series, {"4m": NONE, "7m": finished, "64m": finished, "66m": NONE, "120m": NONE})


def test_a_job_that_completed_is_not_told(rules: Path) -> None:
    series = {
        f'{ENDED}{{{API},reason="Completed"}}': "_x5 1x60",
        'kube_pod_completion_time{namespace="shop",pod="api-1"}': "_x5 300x60",
    }

    assert_firing(rules, series, {"7m": NONE})


# --- processes inside, and nodes -----------------------------------------------------------------------------------


def test_a_killed_child_is_told_and_the_pods_totals_are_not(rules: Path) -> None:
    series = {
        f'{EVENTS}{{{API},id="/a",image="x",name="1"}}': "0x4 1x60",
        f'{EVENTS}{{namespace="shop",pod="api-1",container="",id="/"}}': "0x4 1x60",
        f'{EVENTS}{{namespace="shop",pod="api-1",container="POD",id="/p"}}': "0x4 1x60",
    }
    child = fired("ContainerProcessOOMKilled")

    assert_firing(rules, series, {"4m": NONE, "6m": child, "19m": child, "21m": NONE})


def test_a_counter_that_dies_with_its_container_tells_no_child(rules: Path) -> None:
    series = {
        f'{EVENTS}{{{API},id="/a",image="x",name="1"}}': "0x4 stale",
        f'{EVENTS}{{{API},id="/b",image="x",name="2"}}': "_x5 0x30",
    }

    assert_firing(rules, series, {"6m": NONE, "10m": NONE})


@pytest.mark.parametrize("named", ["by one exporter", "by two jobs", "by nobody"])
def test_a_kill_on_a_node_is_told_once_whoever_names_the_node(rules: Path, named: str) -> None:
    series = {'node_vmstat_oom_kill{instance="10.0.0.1:9100",job="node"}': "3x4 4x40"}
    jobs = {"by one exporter": ["node"], "by two jobs": ["node", "again"], "by nobody": []}[named]
    series |= {f'node_uname_info{{instance="10.0.0.1:9100",nodename="n1",job="{job}"}}': "1x60" for job in jobs}
    killed: set[tuple[str, ...]] = {("NodeOOMKill", "", "", "", "info")}

    assert_firing(rules, series, {"4m": NONE, "6m": killed, "19m": killed, "21m": NONE})


def test_the_runbook_is_a_command_of_this_tool_with_the_names_filled_in(rules: Path) -> None:
    labels = {"severity": "warning", "namespace": "shop", "pod": "api-1", "container": "app"}

    assert_says(
        rules,
        killed_at_5m(),
        "7m",
        "ContainerOOMKilled",
        labels,
        summary="OOM kill: container app of pod shop/api-1",
        description="The runtime reports OOMKilled for container app of pod shop/api-1: it ended 2m 0s ago, and is "
        "started again. Needs kube-state-metrics 2.12 or later.",
        runbook="kubectl oom why pod/api-1 -n shop -c app",
    )


def test_a_nodes_runbook_names_the_node_and_not_its_exporter(rules: Path) -> None:
    series = {
        'node_vmstat_oom_kill{instance="10.0.0.1:9100"}': "0x4 1x40",
        'node_uname_info{instance="10.0.0.1:9100",nodename="n1"}': "1x60",
    }
    labels = {"severity": "info", "instance": "10.0.0.1:9100", "nodename": "n1"}

    assert_says(
        rules,
        series,
        "6m",
        "NodeOOMKill",
        labels,
        summary="OOM kills on node n1",
        description="The kernel killed about 1 processes within 15m on node n1: at a container's limit, or because the "
        "node itself ran out. Where no container's alert stands beside this one, it was the node, or a process that is "
        "in no container.",
        runbook="kubectl oom why node/n1",
    )
