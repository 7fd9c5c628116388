"""What is told beside the verdict: each finding where it belongs, with its words, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.evidence import CaseFile, ContainerType, LimitDefault, Neighbour, Owner, Severity
from kubectl_oom.judge.node_findings import oom_score_adj
from tests.build import (
    GI,
    LIMIT,
    MI,
    case,
    codes,
    container,
    counted,
    end,
    history,
    killing,
    last_end,
    life,
    node,
    node_event,
    now_of,
    other,
    pod,
    samples,
    system_oom,
    why,
)

if TYPE_CHECKING:
    from kubectl_oom.evidence import Finding

EVICTED: dict[str, Any] = {"phase": "Failed", "reason": "Evicted"}
LOW = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 88Mi. "
JOB = Owner(api_version="batch/v1", kind="Job", name="nightly")


def _told(file: CaseFile, code: str) -> Finding:
    (finding,) = [finding for finding in why(file).findings if finding.code == code]
    return finding


def _running(**numbers: Any) -> CaseFile:
    return case(pod(container()), **counted(now_of(**numbers)))


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ({"working_set_bytes": 90 * MI}, ["near-limit"]),
        ({"working_set_bytes": 90 * MI - 1}, []),
        ({"working_set_bytes": 75 * MI, "usage_bytes": 90 * MI}, ["cache-fills-limit"]),
        ({"working_set_bytes": 75 * MI, "usage_bytes": 90 * MI - 1}, []),
        ({"working_set_bytes": 75 * MI + 1, "usage_bytes": 99 * MI}, []),
        ({"working_set_bytes": None, "usage_bytes": 99 * MI}, []),
        ({"working_set_bytes": 90 * MI, "limit_bytes": 200 * MI}, []),
    ],
)
def test_how_near_a_running_container_is_to_its_limit(numbers: dict[str, Any], expected: list[str]) -> None:
    assert codes(why(_running(**numbers))) == expected


def test_a_running_container_near_its_limit_is_told_in_percent() -> None:
    found = _told(_running(working_set_bytes=95 * MI), "near-limit")

    assert found.message == "It runs at 95% of its limit of 100Mi."
    assert found.severity is Severity.WARNING


def test_a_running_container_without_a_limit_is_told_so() -> None:
    found = why(case(pod(container(limit=None)), **counted(now_of())))

    assert codes(found) == ["no-limit"]


@pytest.mark.parametrize(
    ("use", "asked", "text"),
    [
        ("1500Mi", "500Mi", "1.46Gi and requests 500Mi"),
        ("1Gi", "0", "1Gi and requests nothing"),
        ("lots", "1Gi", "lots and requests 1Gi"),
    ],
)
def test_an_eviction_names_who_used_too_much(use: str, asked: str, text: str) -> None:
    message = f"{LOW}Container app was using {use}, request is {asked}, has larger consumption of memory. "

    found = _told(case(pod(container(last_end("Error")), **EVICTED, message=message)), "over-request")

    assert found.message == f"Container app was using {text}; the node had 88Mi left."


def test_an_eviction_of_a_pod_that_never_started_a_container_names_it_too() -> None:
    message = f"{LOW}Container app was using 2Gi, request is 1Gi, has larger consumption of memory. "
    pending = container(state=None, running_since=None, container_id=None)

    found = why(case(pod(pending, **EVICTED, message=message)))

    assert (found.verdict.value, codes(found)) == ("evicted", ["over-request"])


def test_an_eviction_for_disk_tells_nothing_of_memory() -> None:
    message = 'Usage of EmptyDir volume "scratch" exceeds the limit "8Mi". '

    assert codes(why(case(pod(container(last_end("Error")), **EVICTED, message=message), node()))) == []


def test_a_limit_range_that_chose_the_limit_is_named() -> None:
    defaults = {"shop": (LimitDefault(name="small", default_limit_bytes=LIMIT, default_request_bytes=None),)}

    found = _told(case(pod(container(end(), limit_defaulted=True)), limit_defaults=defaults), "limit-from-limitrange")

    assert found.message == "Nobody chose this limit: a LimitRange of the namespace filled it in (small)."


def test_a_limit_range_that_could_not_be_read_is_told_without_its_name() -> None:
    found = _told(case(pod(container(end(), limit_defaulted=True))), "limit-from-limitrange")

    assert found.message == "Nobody chose this limit: a LimitRange of the namespace filled it in."


def test_a_limit_that_was_changed_since_is_told_with_both_values() -> None:
    seen = history(life(samples(LIMIT), limit=samples(LIMIT)))

    found = _told(case(pod(container(end(), limit=400 * MI), resized=True), None, seen), "limit-changed-since")

    assert found.message == "The limit was 100Mi then and is 400Mi now."


@pytest.mark.parametrize(("share", "missed"), [(0.79, True), (0.8, False)])
def test_samples_that_missed_the_kill_are_no_basis_for_a_limit(share: float, missed: bool) -> None:  # noqa: FBT001
    found = why(case(pod(container(end())), None, history(life(samples(share * LIMIT, share * LIMIT)))))

    assert ("missed-by-samples" in codes(found)) is missed


def test_samples_that_missed_the_kill_are_told_with_their_interval() -> None:
    found = _told(case(pod(container(end())), None, history(life(samples(MI, 2 * MI)))), "missed-by-samples")

    assert found.message.startswith("Samples every 15 s never saw it above 2Mi, yet it was killed at 100Mi")


# 0, 16Mi, 256Mi, 1Gi, 8Gi and 16Gi requested on a node of 16Gi, as pkg/kubelet/qos/policy.go reckons them.
@pytest.mark.parametrize(
    ("asked", "adj"), [(0, 999), (16 * MI, 999), (256 * MI, 985), (GI, 938), (8 * GI, 500), (16 * GI, 3), (None, 999)]
)
def test_the_handicap_of_a_burstable_container(asked: int | None, adj: int) -> None:
    burstable = container(request_bytes=asked)

    assert oom_score_adj(pod(burstable), burstable, node(capacity_bytes=16 * GI)) == adj


@pytest.mark.parametrize(
    ("changes", "adj"),
    [
        ({"qos_class": "Guaranteed"}, -997),
        ({"qos_class": "BestEffort"}, 1000),
        ({"qos_class": "BestEffort", "priority_class": "system-node-critical"}, -997),
        ({"qos_class": None}, None),
        ({"request_bytes": GI}, None),
    ],
)
def test_the_handicap_of_other_classes(changes: dict[str, Any], adj: int | None) -> None:
    one = container(request_bytes=GI)

    assert oom_score_adj(pod(one, **changes), one, node()) == adj


def test_the_handicap_is_not_known_without_the_node() -> None:
    assert oom_score_adj(pod(container()), container(), None) is None


def test_a_sidecar_is_spared_as_long_as_the_least_of_the_apps() -> None:
    sidecar = container(name="proxy", type=ContainerType.SIDECAR, request_bytes=0)
    together = pod(sidecar, container(request_bytes=4 * GI), other(request_bytes=8 * GI))

    assert oom_score_adj(together, sidecar, node(capacity_bytes=16 * GI)) == 750


def test_neighbours_over_their_request_are_named_three_at_most() -> None:
    greedy = tuple(
        Neighbour(namespace="shop", name=f"n-{n}", request_bytes=MI, working_set_bytes=(9 - n) * MI) for n in range(5)
    )
    calm = Neighbour(namespace="shop", name="calm", request_bytes=GI, working_set_bytes=MI)
    unknown = Neighbour(namespace="shop", name="unknown", request_bytes=MI, working_set_bytes=None)
    itself = Neighbour(namespace="shop", name="api-0", request_bytes=MI, working_set_bytes=GI)
    on = node(system_oom(), neighbours=(itself, *greedy, calm, unknown))

    found = _told(case(pod(container(end())), on), "neighbours-over-request")

    assert [name in found.message for name in ("n-0", "n-1", "n-2", "n-3", "calm", "unknown", "api-0")] == [
        True
    ] * 3 + [False] * 4


def test_a_neighbour_of_the_same_name_in_another_namespace_is_a_neighbour() -> None:
    twin = Neighbour(namespace="elsewhere", name="api-0", request_bytes=MI, working_set_bytes=GI)

    found = _told(case(pod(container(end())), node(system_oom(), neighbours=(twin,))), "neighbours-over-request")

    assert "elsewhere/api-0 uses 1Gi, requests 1Mi" in found.message


@pytest.mark.parametrize(
    ("version", "image", "on_v1", "told"),
    [
        ("v1.28.0", "gunicorn:1", False, True),
        ("v1.36.3+k3s1", "gunicorn:1", False, True),
        ("v1.27.9", "gunicorn:1", False, False),
        ("v2.0.0", "gunicorn:1", False, True),
        (None, "gunicorn:1", False, False),
        ("v1.36.3", "gunicorn:1", True, False),
        ("v1.36.3", "app:1", False, False),
    ],
)
def test_workers_that_die_together_are_told_where_the_kubelet_kills_whole_containers(
    version: str | None,
    image: str,
    on_v1: bool,  # noqa: FBT001
    told: bool,  # noqa: FBT001
) -> None:
    events = (node_event("CgroupV1", "cgroup v1 support is in maintenance mode"),) if on_v1 else ()

    found = why(case(pod(container(end(), image=image)), node(*events, kubelet_version=version)))

    assert ("whole-container-killed" in codes(found)) is told


def test_a_job_is_told_to_fail_again() -> None:
    found = why(case(pod(container(last_end()), owners=(JOB,))))

    assert codes(found) == ["job-will-fail-again"]


def test_a_job_whose_next_instance_did_its_work_under_the_same_limit_is_not_told_to_fail_again() -> None:
    done = last_end("Completed", 0, killed=60, lived=200)

    found = why(case(pod(container(done, end()), owners=(JOB,), restart_policy="OnFailure", phase="Succeeded")))

    assert (found.verdict.value, codes(found)) == ("container-limit", ["later-end"])


@pytest.mark.parametrize(
    ("restarts", "ends", "text"),
    [
        (2, (end(),), "2 restarts in this pod; the API keeps the last 1 end, 1 of them OOMKilled."),
        (
            7,
            (end(), end("Error", 1, killed=900)),
            "7 restarts in this pod; the API keeps the last 2 ends, 1 of them OOMKilled.",
        ),
    ],
)
def test_restarts_are_not_counted_as_kills(restarts: int, ends: Any, text: str) -> None:
    found = _told(case(pod(container(*ends, restart_count=restarts))), "restarts-not-all-kills")

    assert found.message.startswith(text)


def test_a_child_that_the_kubelet_counted_before_a_probe_kill_is_told_without_a_mark() -> None:
    seen = history(life(samples(MI), oom_events=samples(2)))

    found = why(case(pod(container(end("Error")), events=(killing(),)), None, seen))

    assert (found.verdict.value, codes(found)) == ("probe-kill", ["child-killed-before"])


def test_findings_come_most_severe_first() -> None:
    marked = container(end(), limit_defaulted=True, restart_count=4)

    found = why(case(pod(marked, events=(killing(),))))

    assert [finding.severity.value for finding in found.findings] == ["critical", "warning", "info"]


def test_children_killed_now_are_told_beside_an_earlier_kill() -> None:
    found = _told(case(pod(container(end())), **counted(now_of(oom_events=3))), "child-killed-now")

    assert found.message.startswith("The instance that runs now has lost 3 process(es) to the OOM killer too")
    assert found.severity is Severity.CRITICAL
