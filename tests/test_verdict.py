"""The ladder of verdicts, rung by rung and at each boundary: frozen evidence in, verdict and confidence out."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_oom.evidence import ContainerType, MemoryVolume
from kubectl_oom.judge.diagnose import diagnose
from kubectl_oom.judge.surroundings import pod_cgroup_limit
from kubectl_oom.read.history_json import history_from_json, history_to_json
from tests.build import (
    EARLIER_ID,
    KILLED,
    LIMIT,
    MI,
    NODE_SIZE,
    NOW,
    ago,
    case,
    codes,
    container,
    end,
    event,
    history,
    killing,
    last_end,
    life,
    node,
    other,
    pod,
    samples,
    why,
)
from tests.verdict.children import CHILDREN, LOST_MARK
from tests.verdict.container_limit import CONTAINER_LIMIT
from tests.verdict.kubelet import KUBELET
from tests.verdict.node import NODE
from tests.verdict.others import OTHER
from tests.verdict.pod_limit import POD_LIMIT, RESIZED
from tests.verdict.row import CERTAIN, EVICTED_MEMORY, FULL, LIKELY, PROBED, Row, limited

ROWS = [*CONTAINER_LIMIT, *NODE, *POD_LIMIT, *RESIZED, *CHILDREN, *LOST_MARK, *KUBELET, *OTHER]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.says)
def test_each_rung_of_the_ladder(row: Row) -> None:
    found = why(row.file)

    assert (found.verdict.value, found.confidence.value) == (row.verdict, row.confidence)
    assert sorted(codes(found)) == sorted(row.findings)
    assert found.evidence
    assert found.because.endswith(".")


def test_the_table_is_no_smaller_than_it_was_meant_to_be() -> None:
    assert len(ROWS) >= 45
    assert len({row.says for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    ("says", "changes", "seen", "first"),
    [
        ("nothing known", {}, None, "an OOM kill that the runtime did not report"),
        ("a probe", PROBED, None, "a failed probe whose event is not kept"),
        ("a shell", {"command": ("/bin/sh", "-c")}, None, "the program's own `exit 137`"),
        ("near its limit", {}, samples(0.9 * LIMIT), "an OOM kill that the runtime did not report"),
        ("far below its limit", {}, samples(0.9 * LIMIT - 1), "the program's own `exit 137`"),
        ("a probe, near its limit", PROBED, samples(0.9 * LIMIT), "a failed probe whose event is not kept"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unexplained_sigkill_names_its_likeliest_senders_first(
    says: str, changes: dict[str, Any], seen: Any, first: str
) -> None:
    told = why(limited(ended=end("Error"), seen=history(life(seen)) if seen else None, **changes)).candidates

    assert says
    assert told[0].startswith(first)
    assert len(told) == 3 + ("probes" in changes)
    assert told[-1] == "a kill by hand, by another process, or by a user-space OOM daemon on the node"


def test_samples_of_a_container_without_a_limit_are_not_said_to_be_missing() -> None:
    told = why(limited(limit=None, ended=end("Error"), seen=history(life(samples(30 * MI))))).candidates

    assert told[0].endswith("the highest sampled working set was 30Mi, and no limit of its own is known")


def test_a_probe_is_no_likely_sender_where_older_events_of_the_pod_are_kept() -> None:
    started = event("Started", "Container started", at=KILLED + 600)

    told = why(case(pod(container(end("Error"), **PROBED), events=(started,)))).candidates

    assert told[0].startswith("an OOM kill that the runtime did not report")
    assert "a failed probe whose event was dropped: the container has one, but older events of it are kept" in told


def test_a_later_sigkill_of_unknown_cause_is_not_called_harmless() -> None:
    ended = (last_end("Error", killed=60, container_id=EARLIER_ID), end())

    found = why(case(pod(container(*ended, restart_count=1))))

    (later,) = [finding for finding in found.findings if finding.code == "later-end"]
    assert later.message == "It ended once more since, with exit code 137 (Error): nothing says by whom or what."


def test_an_init_step_that_was_done_before_the_eviction_was_not_evicted() -> None:
    step = other("prepare", LIMIT, last_end("Completed", 0, killed=7200), type=ContainerType.INIT)
    evicted = pod(step, container(last_end("Error")), phase="Failed", reason="Evicted", message=EVICTED_MEMORY)

    found = why(case(evicted))

    assert (found.container, found.verdict.value) == ("app", "evicted")


def test_an_oom_kill_of_a_container_that_stayed_dead_is_told_although_its_pod_was_evicted_later() -> None:
    dead = other("batch", LIMIT, last_end(killed=7200))
    evicted = pod(dead, container(last_end("Error")), phase="Failed", reason="Evicted", restart_policy="Never")

    (first, second) = diagnose(case(evicted), now=NOW).items

    assert (first.container, first.verdict.value) == ("app", "evicted")
    assert (second.container, second.verdict.value) == ("batch", "container-limit")


def test_the_outlived_grace_period_is_told() -> None:
    within = why(case(pod(container(end("Error")), events=(killing(at=KILLED + 5),))))
    beyond = why(case(pod(container(end("Error")), events=(killing(at=KILLED + 30),))))

    assert "outlived its grace period" not in within.because
    assert beyond.because.endswith("It outlived its grace period and got SIGKILL.")


SIDECAR, STEP = ContainerType.SIDECAR, ContainerType.INIT


@pytest.mark.parametrize(
    ("containers", "changes", "limit"),
    [
        ([(ContainerType.APP, 100), (ContainerType.EPHEMERAL, None)], {}, 100),
        ([(SIDECAR, 64), (ContainerType.APP, 100)], {}, 164),
        ([(SIDECAR, 64), (STEP, 512), (ContainerType.APP, 100)], {}, 576),
        ([(STEP, 512), (SIDECAR, 64), (ContainerType.APP, 100)], {}, 512),
        ([(STEP, None), (ContainerType.APP, 100)], {}, None),
        ([(ContainerType.APP, 100)], {"overhead_bytes": 30 * MI}, 130),
        ([(ContainerType.APP, None)], {"limit_bytes": 150 * MI, "overhead_bytes": 30 * MI}, 180),
        ([], {}, None),
    ],
)
def test_the_limit_of_a_pods_cgroup_is_what_the_kubelet_makes_of_its_containers(
    containers: list[tuple[ContainerType, int | None]], changes: dict[str, Any], limit: int | None
) -> None:
    made = [container(limit=size and size * MI, type=kind) for kind, size in containers]

    assert pod_cgroup_limit(pod(*made, **changes)) == (limit and limit * MI)


def test_a_limit_of_the_life_that_ended_is_told_with_where_it_stood() -> None:
    seen = history(life(FULL, limit=samples(LIMIT)), node_share=0.5)

    found = why(case(pod(container(end(), limit=400 * MI), resized=True), node(), seen))

    assert (found.limit_bytes, found.limit_known) == (LIMIT, True)
    cited = next(c for c in found.evidence if c.field == "container_spec_memory_limit_bytes")
    assert (cited.value, cited.at) == ("100Mi", ago(KILLED + 5))


def test_a_limit_that_kube_state_metrics_told_is_not_said_to_be_the_enforced_one() -> None:
    stated = life(FULL, limit=samples(LIMIT), limit_series="resource_limits of kube-state-metrics")
    document = history_to_json(history(stated, node_share=0.5))
    replayed = history_from_json(document, pods=None, nodes=None, since=None, until=None)

    for seen in (history(stated, node_share=0.5), replayed):
        found = why(case(pod(container(end(), limit=400 * MI)), node(), seen))
        (cited,) = [cited for cited in found.evidence if cited.source == "metrics engine"]
        assert (cited.field, cited.value) == ("resource_limits of kube-state-metrics", "100Mi")


def test_an_unknown_limit_is_none_and_said_to_be_unknown() -> None:
    found = why(case(pod(container(end()), resized=True)))

    assert (found.limit_bytes, found.limit_known) == (None, False)


def test_samples_after_the_end_do_not_count() -> None:
    torn_down = samples(0.5 * LIMIT, 0.99 * LIMIT, last=KILLED - 10)

    found = why(limited(on=node(), seen=history(life(torn_down), node_share=0.5)))

    assert found.confidence.value == LIKELY
    assert found.last_sample is not None
    assert found.last_sample.usage_bytes == 0.5 * LIMIT


def test_usage_of_the_pod_cgroup_of_another_namespace_is_nobody_elses() -> None:
    full = {"elsewhere/api-0": samples(0.99 * 150 * MI)}
    seen = history(node_share=0.5, pod_usage=full)

    found = why(case(pod(container(end(), limit=None), limit_bytes=150 * MI), node(), seen))

    assert (found.verdict.value, found.confidence.value) == ("pod-limit", LIKELY)


def test_a_life_of_a_pod_of_that_name_in_another_namespace_is_no_witness() -> None:
    elsewhere = life(FULL, container_id=None, namespace="elsewhere")

    found = why(limited(on=node(), seen=history(elsewhere, node_share=0.5)))

    assert found.last_sample is None
    assert found.confidence.value == LIKELY


def test_evidence_names_the_highest_sample_with_its_own_time() -> None:
    seen = history(life(samples(0.96 * LIMIT, 0.5 * LIMIT, 0.4 * LIMIT)), node_share=0.5)

    found = why(limited(on=node(), seen=seen))

    cited = next(c for c in found.evidence if c.field == "container_memory_usage_bytes")
    assert (cited.value, cited.at) == ("96Mi highest sampled in this life, 96% of the limit", ago(KILLED + 35))


def test_the_node_size_is_the_pods_share_where_no_limit_of_their_cgroup_is_known() -> None:
    seen = history(life(FULL), pods_working_set={"node-a": samples(0.5 * NODE_SIZE)})

    found = why(limited(on=node(), seen=seen))

    assert (found.verdict.value, found.confidence.value) == ("container-limit", CERTAIN)


def test_a_memory_volume_not_smaller_than_the_limit_is_said_to_be_so() -> None:
    volume = MemoryVolume(name="scratch", size_limit_bytes=LIMIT)

    found = why(case(pod(container(end(), memory_volumes=(volume,)))))

    (told,) = [finding.message for finding in found.findings if finding.code == "memory-volume"]
    assert "its sizeLimit is 100Mi, not below the memory limit of 100Mi" in told
