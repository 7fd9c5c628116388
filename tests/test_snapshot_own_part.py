"""A snapshot holds the evidence about what was asked, and of its neighbours and machines nothing."""

from __future__ import annotations

from datetime import datetime, timezone

from kubectl_oom.read.kubelet import from_cadvisor, lines_about
from kubectl_oom.read.recording import Tape
from kubectl_oom.read.slim import slim

ID = "0f" * 32
PAGE = "".join(
    f'container_memory_working_set_bytes{{container="{container}",id="{cgroup}",namespace="{namespace}",pod="{pod}"}} 4096\n'
    for container, cgroup, namespace, pod in (
        ("", "/", "", ""),
        ("", "/kubepods", "", ""),
        ("", "/kubepods/burstable", "", ""),
        ("", "/system.slice/payroll.service", "", ""),
        ("app", f"/kubepods/pod1/{ID}", "shop", "api-1"),
        ("", "/kubepods/pod1", "shop", "api-1"),
        ("app", f"/kubepods/pod2/{ID}", "shop", "payroll-1"),
        ("app", f"/kubepods/pod3/{ID}", "payroll", "api-1"),
    )
)


def _tape() -> Tape:
    tape = Tape(taken_at=datetime(2026, 11, 20, tzinfo=timezone.utc), label="https://cluster", namespace="shop")
    pod = {"metadata": {"namespace": "shop", "name": "api-1"}}
    tape.objects["pods"] = {"shop/api-1": pod}
    return tape


def test_of_a_kubelet_page_only_the_own_pods_the_pods_cgroup_and_the_node_are_kept() -> None:
    page = lines_about(PAGE, {("shop", "api-1")})

    kept = from_cadvisor(page)

    assert list(kept.containers) == [("shop", "api-1", "app"), ("", "", "(not recorded)")]
    assert list(kept.pods) == [("shop", "api-1")]
    assert kept.node is not None and kept.node.working_set_bytes == 4096
    assert kept.pods_cgroup is not None and kept.pods_cgroup.working_set_bytes == 4096
    assert "payroll" not in page


def test_a_page_of_other_pods_only_still_tells_that_the_kubelet_knows_containers() -> None:
    assert from_cadvisor(lines_about(PAGE, {("shop", "web-1")})).containers
    assert not from_cadvisor(lines_about(PAGE.splitlines()[0], {("shop", "web-1")})).containers


def test_the_file_names_no_pod_that_was_not_asked_about() -> None:
    tape = _tape()
    refs = [{"podRef": {"namespace": "shop", "name": name}, "memory": {}} for name in ("api-1", "payroll-1")]
    tape.answers += [
        {"ask": "kubelet-metrics", "node": "node-a", "answer": PAGE},
        {"ask": "kubelet-summary", "node": "node-a", "answer": {"node": {}, "pods": refs}},
    ]

    written = tape.to_json()

    assert "payroll" not in str(written)
    assert [pod["podRef"]["name"] for pod in written["answers"][1]["answer"]["pods"]] == ["api-1"]


def test_an_object_is_kept_without_the_places_of_its_machines() -> None:
    node = {
        "metadata": {"name": "node-a"},
        "status": {
            "capacity": {"memory": "16Gi"},
            "addresses": [{"type": "InternalIP", "address": "10.1.2.3"}],
            "images": [{"names": ["registry.example.com/payroll:7"]}],
            "nodeInfo": {"kubeletVersion": "v1.36.3", "machineID": "3d12", "systemUUID": "3d12", "bootID": "19c3"},
        },
    }
    pod = {
        "metadata": {"name": "api-1"},
        "status": {"phase": "Running", "hostIP": "10.1.2.3", "podIPs": [{"ip": "10.9.9.9"}]},
    }
    event = {"metadata": {"name": "api-1.18"}, "reason": "Killing", "reportingInstance": "node-a.corp.example.com"}

    assert slim(node)["status"] == {"capacity": {"memory": "16Gi"}, "nodeInfo": {"kubeletVersion": "v1.36.3"}}
    assert slim(pod)["status"] == {"phase": "Running"}
    assert "corp.example.com" not in str(slim(event))
