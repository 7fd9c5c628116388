"""The kubelet's own numbers: cAdvisor's text, the stats summary and metrics.k8s.io."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import MemoryNow
from kubectl_oom.read.kubelet import (
    CADVISOR,
    METRICS_API,
    SUMMARY,
    from_cadvisor,
    from_pod_metrics,
    from_summary,
    lines_about,
    memory_lines,
    memory_of,
)
from tests.build import ago

OLD, NEW, PAUSE = "a" * 64, "b" * 64, "c" * 64
V2 = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice"
V1 = "/kubepods/burstable/pod1"
USAGE, WORKING_SET = "container_memory_usage_bytes", "container_memory_working_set_bytes"
APP = ("shop", "api-0", "app")


def row(family: str, value: str, *, at: float | None = 5, **labels: str) -> str:
    """A line of the page, labels in the order cAdvisor writes them."""
    names = {"container": "", "id": "/", "image": "", "name": "", "namespace": "", "pod": ""} | labels
    told = ",".join(f'{name}="{text}"' for name, text in names.items())
    stamp = f" {int(ago(at).timestamp() * 1000)}" if at is not None else ""
    return f"{family}{{{told}}} {value}{stamp}"


def of_app(family: str, value: str, cgroup: str, *, at: float = 5, image: str = "app:1") -> str:
    """A line about container app of pod api-0."""
    return row(
        family, value, at=at, container="app", id=cgroup, image=image, name=cgroup[-9:], namespace="shop", pod="api-0"
    )


@pytest.mark.parametrize(
    ("cgroup", "container_id"),
    [
        (f"{V2}/cri-containerd-{NEW}.scope", NEW),
        (f"{V2}/crio-{NEW}.scope", NEW),
        (f"{V2}/docker-{NEW}.scope", NEW),
        (f"{V1}/{NEW}", NEW),
        (f"{V1}/{NEW[:63]}", None),
        (f"{V2}/cri-containerd-{NEW}.scope/nested", None),
    ],
)
def test_a_container_is_known_by_the_id_in_its_cgroup(cgroup: str, container_id: str | None) -> None:
    page = "\n".join(
        (
            "# HELP container_memory_usage_bytes Current memory usage in bytes",
            of_app(USAGE, "2.097152e+07", cgroup),
            of_app(WORKING_SET, "1.048576e+07", cgroup),
            of_app("container_memory_rss", "4096", cgroup),
            of_app("container_memory_cache", "8192", cgroup),
            of_app("container_spec_memory_limit_bytes", "1.048576e+08", cgroup),
            of_app("container_memory_max_usage_bytes", "3.145728e+07", cgroup),
            of_app("container_oom_events_total", "2", cgroup),
            of_app("container_memory_failcnt", "77", cgroup),
        )
    )

    (now,) = from_cadvisor(page).containers[APP]

    assert now == MemoryNow(
        source=CADVISOR,
        container_id=container_id,
        at=ago(5),
        working_set_bytes=10 << 20,
        usage_bytes=20 << 20,
        rss_bytes=4096,
        cache_bytes=8192,
        limit_bytes=100 << 20,
        peak_bytes=30 << 20,
        oom_events=2,
    )


def test_zero_means_no_limit_and_no_peak_but_zero_kills() -> None:
    cgroup = f"{V1}/{NEW}"
    page = "\n".join(
        (
            of_app(USAGE, "1", cgroup),
            of_app("container_spec_memory_limit_bytes", "0", cgroup),
            of_app("container_memory_max_usage_bytes", "0", cgroup),
            of_app("container_oom_events_total", "0", cgroup),
        )
    )

    (now,) = from_cadvisor(page).containers[APP]

    assert (now.limit_bytes, now.peak_bytes, now.oom_events, now.working_set_bytes) == (None, None, 0, None)


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "1e300", "x"])
def test_what_is_no_size_is_no_number(value: str) -> None:
    page = "\n".join((of_app(USAGE, value, f"{V1}/{NEW}"), of_app(WORKING_SET, "1", f"{V1}/{NEW}")))

    (now,) = from_cadvisor(page).containers[APP]

    assert (now.usage_bytes, now.working_set_bytes) == (None, 1)


def test_two_instances_of_one_container_are_told_apart_newest_last() -> None:
    page = "\n".join(
        (
            of_app(USAGE, "2", f"{V1}/{NEW}", at=1),
            of_app(USAGE, "1", f"{V1}/{OLD}", at=30),
            of_app(USAGE, "9", "/x", at=90),
        )
    )

    found = from_cadvisor(page).containers[APP]

    assert [(now.container_id, now.usage_bytes) for now in found] == [(None, 9), (OLD, 1), (NEW, 2)]


@pytest.mark.parametrize(
    "pods", ["/kubepods", "/kubepods.slice", "/kubelet/kubepods", "/kubelet.slice/kubelet-kubepods.slice"]
)
def test_sandboxes_are_left_out_and_wider_cgroups_are_found(pods: str) -> None:
    pod: dict[str, Any] = {"namespace": "shop", "pod": "api-0"}
    page = "\n".join(
        (
            row(USAGE, "1", id=f"{V2}/cri-containerd-{PAUSE}.scope", name=PAUSE, image="pause:3", **pod),
            row(USAGE, "2", id=f"{V2}/crio-{PAUSE}.scope", name="k8s_POD", container="POD", **pod),
            row(USAGE, "3", id=V2, **pod),
            row(USAGE, "4", id=pods),
            row(USAGE, "5", id="/"),
            row(USAGE, "6", id="/kubepods.slice/kubepods-burstable.slice"),
            row(USAGE, "7", id="/system.slice"),
        )
    )

    found = from_cadvisor(page)

    assert found.containers == {}
    assert {key: now.usage_bytes for key, now in found.pods.items()} == {("shop", "api-0"): 3}
    assert found.pods_cgroup is not None and found.pods_cgroup.usage_bytes == 4
    assert found.node is not None and found.node.usage_bytes == 5


def test_escaped_labels_and_braces_do_not_derail_the_line() -> None:
    cgroup = f"{V1}/{NEW}"
    page = "\n".join(
        (
            of_app(USAGE, "1", cgroup, image=r"a\"b} 5 {c\\"),
            row(USAGE, "2", id=r"/system.slice/system-serial\\x2dgetty.slice"),
            of_app(WORKING_SET, "3", cgroup, image=r"a\"b} 5 {c\\"),
        )
    )

    (now,) = from_cadvisor(page).containers[APP]

    assert (now.usage_bytes, now.working_set_bytes) == (1, 3)


def test_a_page_without_times_is_read_without_times() -> None:
    page = row(USAGE, "1", at=None, container="app", id=f"{V1}/{NEW}", name="x", namespace="shop", pod="api-0")

    (now,) = from_cadvisor(page).containers[APP]

    assert (now.at, now.usage_bytes) == (None, 1)


def test_a_time_that_is_no_date_is_none() -> None:
    page = of_app(USAGE, "1", f"{V1}/{NEW}").rpartition(" ")[0] + " " + "9" * 5000

    (now,) = from_cadvisor(page).containers[APP]

    assert now.at is None


def test_only_lines_that_are_read_are_kept_and_they_read_the_same() -> None:
    page = "\n".join(
        (
            "# TYPE container_memory_usage_bytes gauge",
            of_app(USAGE, "1", f"{V1}/{NEW}"),
            of_app("container_memory_usage_bytes_not", "1", f"{V1}/{NEW}"),
            of_app("container_cpu_usage_seconds_total", "1", f"{V1}/{NEW}"),
        )
    )

    kept = memory_lines(page)

    assert kept == of_app(USAGE, "1", f"{V1}/{NEW}") + "\n"
    assert from_cadvisor(kept) == from_cadvisor(page)


def test_a_snapshot_holds_no_lines_about_pods_nobody_asked_about() -> None:
    about = of_app(USAGE, "1", f"{V1}/{NEW}")
    wider = [row(USAGE, "4", id="/kubepods.slice"), row(USAGE, "5", id="/")]
    others = [about.replace("api-0", "secret-0"), row(USAGE, "7", id="/system.slice")]

    kept = lines_about("\n".join((about, *wider, *others)), {("shop", "api-0")})

    assert kept.splitlines()[:-1] == [about, *wider]
    assert "secret" not in kept
    assert list(from_cadvisor(kept).containers) == [APP, ("", "", "(not recorded)")]  # the kubelet did tell of others
    assert lines_about("\n".join((about, *wider)), {("shop", "api-0")}).splitlines() == [about, *wider]


SUMMARY_JSON = {
    "node": {
        "nodeName": "node-a",
        "memory": {"time": "2026-11-22T08:59:55Z", "workingSetBytes": 5, "usageBytes": 6, "rssBytes": 7},
        "cpu": {"usageNanoCores": 1},
        "systemContainers": [
            {"name": "kubelet", "memory": {"usageBytes": 1}},
            {"name": "pods", "memory": {"time": "2026-11-22T08:59:55Z", "workingSetBytes": 3}},
        ],
    },
    "pods": [
        {
            "podRef": {"namespace": "shop", "name": "api-0", "uid": "u"},
            "memory": {"workingSetBytes": 2},
            "containers": [{"name": "app", "memory": {"workingSetBytes": 1}, "logs": {}}, {"name": "new"}],
        },
        {"podRef": None, "containers": None},
    ],
}


def test_the_summary_gives_the_same_without_ids_limits_and_kills() -> None:
    found = from_summary(SUMMARY_JSON)

    (now,) = found.containers[APP]
    assert now == MemoryNow(source=SUMMARY, container_id=None, at=None, working_set_bytes=1, usage_bytes=None)
    assert {key: now.working_set_bytes for key, now in found.pods.items()} == {("shop", "api-0"): 2}
    assert found.pods_cgroup is not None and found.pods_cgroup.working_set_bytes == 3
    assert found.node is not None and (found.node.at, found.node.rss_bytes) == (ago(5), 7)


def test_what_a_snapshot_keeps_of_a_summary_reads_the_same() -> None:
    kept = memory_of(SUMMARY_JSON)

    assert from_summary(kept) == from_summary(SUMMARY_JSON)
    assert "cpu" not in kept["node"]


def test_pod_metrics_give_one_working_set_per_container() -> None:
    item = {
        "timestamp": "2026-11-22T08:59:55Z",
        "containers": [{"name": "app", "usage": {"memory": "20Mi"}}, {"name": "odd", "usage": {"memory": "many"}}, {}],
    }

    found = from_pod_metrics(item)

    assert found["app"] == MemoryNow(
        source=METRICS_API, container_id=None, at=ago(5), working_set_bytes=20 << 20, usage_bytes=None
    )
    assert found["odd"].working_set_bytes is None


@given(st.text(max_size=200), st.integers())
def test_any_page_is_read_as_far_as_it_goes(text: str, number: int) -> None:
    good = of_app(USAGE, "5", f"{V1}/{NEW}")

    found = from_cadvisor(f"{text}\n{good}\ncontainer_memory_rss{{{text}}} {number} {abs(number)}\n")

    assert any(now.usage_bytes == 5 for now in found.containers[APP])
