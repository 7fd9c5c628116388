"""One question's evidence: each source may fail, the verdict still comes, and what was missing is named."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_oom.evidence import Replicas
from kubectl_oom.judge.diagnose import diagnose
from kubectl_oom.read.gather import Wants, gather
from kubectl_oom.read.single_reads import EVENT_LISTS_BY_POD
from kubectl_oom.read.source import DEPLOYMENTS, PODS, ReadError
from kubectl_oom.read.targets import Scope, Target
from tests.build import ENDED_ID, LIMIT, MI, NOW, heap_line, history, life, samples
from tests.in_memory import InMemory, cluster, controlled_by, event_json, killed_status, metadata, pod_json, stamp

REASONS = ["Forbidden", "NotFound", "Timeout", "Unreachable", "BadAnswer"]
POD = Scope(targets=(Target(PODS, "api-0"),), namespace="shop")
REPLICA_SET, OTHER_REPLICA_SET = controlled_by("ReplicaSet", "api-7d9"), controlled_by("ReplicaSet", "api-eu-7d9")
EVERYTHING = Scope(targets=(Target(PODS, None),), namespace=None)


def answered(source: InMemory, scope: Scope = POD, **wants: bool) -> Any:
    """The case about a target, and what `why` says of it."""
    case = gather(source, scope, now=NOW, wants=Wants(**wants))
    return case, diagnose(case, now=NOW)


def failing(question: str, reason: str, source: InMemory | None = None) -> InMemory:
    """A cluster in which one question is refused, or not answered."""
    source = source or cluster()
    source.failures = {question: ReadError(reason, f"{question}: {reason}", 403 if reason == "Forbidden" else None)}
    return source


def many(count: int, nodes: int = 1) -> InMemory:
    """So many killed pods of one Deployment on so many nodes."""
    source = cluster()
    source.objects["pods"] = [pod_json(f"api-{n}", spec={"nodeName": f"node-{n % nodes}"}) for n in range(count)]
    source.pages = {f"node-{n}": cluster().pages["node-a"] for n in range(nodes)}
    return source


def test_everything_that_answers_is_in_the_case() -> None:
    case, report = answered(cluster())

    (item,) = report.items
    assert (item.verdict.value, item.confidence.value, item.serving) == ("container-limit", "certain", (1, 2))
    assert report.gaps == ()
    (pod,) = case.pods
    assert [owner.name for owner in pod.owners] == ["api-7d9", "api"]
    assert [event.reason for event in pod.events] == ["Started"]
    assert [event.reason for event in case.nodes["node-a"].events] == ["NodeReady"]
    assert case.now_by_container["shop", "api-0", "app"][0].usage_bytes == 21 * MI
    assert case.replicas["shop", "Deployment", "api"] == Replicas(ready=1, wanted=2)
    assert {life.namespace for life in case.history.lives} == {"shop"}


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize(
    ("question", "source", "confidence"),
    [
        ("list pod events", "pod events (namespace shop)", "certain"),
        ("list node events", "node events (node node-a)", "certain"),
        ("get nodes", "node (node node-a)", "likely"),
        ("kubelet metrics", "kubelet (node node-a)", "certain"),
        ("history", "metrics engine", "likely"),
    ],
)
def test_one_failing_source_leaves_one_gap_and_the_verdict_still_comes(
    question: str, source: str, confidence: str, reason: str
) -> None:
    _, report = answered(failing(question, reason))

    (item,) = report.items
    assert (item.verdict.value, item.confidence.value) == ("container-limit", confidence)
    (gap,) = report.gaps
    assert gap.source == source
    assert gap.reason
    assert gap.remedy


@pytest.mark.parametrize("reason", [reason for reason in REASONS if reason != "NotFound"])
def test_an_owner_that_may_not_be_read_is_a_gap(reason: str) -> None:
    case, report = answered(failing("get replicasets", reason))

    assert [(gap.source, bool(gap.remedy)) for gap in report.gaps] == [("owners (ReplicaSet api-7d9)", True)]
    assert [owner.name for owner in case.pods[0].owners] == ["api-7d9"]


def test_without_replica_sets_a_deployments_pods_are_told_by_name_and_that_is_said() -> None:
    api = metadata("api-0", labels={"app": "api", "pod-template-hash": "7d9"}, ownerReferences=REPLICA_SET)
    other = metadata("api-1", labels={"app": "api", "pod-template-hash": "7d9"}, ownerReferences=OTHER_REPLICA_SET)
    source = failing("list replicasets", "Forbidden")
    source.objects["pods"] = [pod_json(metadata=api), pod_json("api-1", metadata=other)]

    case, report = answered(source, Scope(targets=(Target(DEPLOYMENTS, "api"),), namespace="shop"))

    assert [(pod.name, [owner.name for owner in pod.owners]) for pod in case.pods] == [("api-0", ["api-7d9", "api"])]
    assert [(gap.source, gap.reason) for gap in report.gaps] == [("owners (ReplicaSets)", "not permitted (403)")]


@pytest.mark.parametrize("reason", ["Timeout", "Unreachable"])
def test_replica_sets_that_do_not_answer_are_an_error_not_a_guess(reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        answered(failing("list replicasets", reason), Scope(targets=(Target(DEPLOYMENTS, "api"),), namespace="shop"))


def test_an_owner_that_is_gone_is_no_gap() -> None:
    _, report = answered(failing("get replicasets", "NotFound"))

    assert report.gaps == ()


def test_without_the_kubelet_metrics_k8s_io_is_asked() -> None:
    case, _ = answered(failing("kubelet metrics", "Forbidden"))

    (now,) = case.now_by_container["shop", "api-0", "app"]
    assert (now.source, now.working_set_bytes) == ("metrics.k8s.io", 20 * MI)


@pytest.mark.parametrize("reason", REASONS)
def test_both_ways_to_present_memory_may_fail(reason: str) -> None:
    source = failing("kubelet metrics", reason)
    source.failures["pod metrics"] = ReadError(reason, "no")

    _, report = answered(source)

    assert [gap.source for gap in report.gaps] == ["kubelet (node node-a)", "metrics.k8s.io (namespace shop)"]
    assert all(gap.remedy for gap in report.gaps)
    assert [item.verdict.value for item in report.items] == ["container-limit"]


@pytest.mark.parametrize(
    ("error", "asked", "told"),
    [
        (ReadError("NotFound", "the server could not find the requested resource", 404), 1, 1),
        (ReadError("Forbidden", 'pods.metrics.k8s.io "api-0" is forbidden', 403), 1, 1),
        (None, 9, 9),
    ],
    ids=["no metrics-server", "not permitted", "not scraped yet"],
)
def test_what_metrics_k8s_io_cannot_say_of_any_pod_is_asked_and_told_once(
    error: ReadError | None, asked: int, told: int
) -> None:
    source = failing("kubelet metrics", "Forbidden", many(9))
    source.metrics = {}
    if error:
        source.failures["pod metrics"] = error

    _, report = answered(source, EVERYTHING)

    assert source.asked["pod metrics"] == asked
    assert sum(gap.source.startswith("metrics.k8s.io") for gap in report.gaps) == told


def test_a_kubelet_without_container_metrics_is_asked_for_its_summary() -> None:
    told = {
        "podRef": {"namespace": "shop", "name": "api-0"},
        "containers": [{"name": "app", "memory": {"workingSetBytes": 7}}],
    }
    source = cluster(pages={"node-a": "# nothing\n"}, summaries={"node-a": {"pods": [told]}})

    case, _ = answered(source)

    assert case.now_by_container["shop", "api-0", "app"][0].working_set_bytes == 7


@pytest.mark.parametrize("reason", REASONS)
def test_a_log_that_cannot_be_read_is_a_gap(reason: str) -> None:
    source = failing("log previous=True", reason)
    source.objects["pods"] = [pod_json("api-0", killed_status(reason="Error", exitCode=1))]

    _, report = answered(source)

    assert [(gap.source, bool(gap.remedy)) for gap in report.gaps] == [("log (container app of pod api-0)", True)]
    assert [item.verdict.value for item in report.items] == ["not-oom"]


@pytest.mark.parametrize("reason", REASONS)
def test_limit_ranges_that_cannot_be_read_are_a_gap(reason: str) -> None:
    source = failing("list limitranges", reason)
    source.objects["pods"][0]["metadata"]["annotations"] = {
        "kubernetes.io/limit-ranger": "memory limit for container app"
    }

    _, report = answered(source)

    assert [(gap.source, bool(gap.remedy)) for gap in report.gaps] == [("limit ranges (namespace shop)", True)]
    assert "limit-from-limitrange" in [finding.code for finding in report.items[0].findings]


@pytest.mark.parametrize("reason", REASONS)
def test_pods_of_a_node_that_cannot_be_listed_are_a_gap(reason: str) -> None:
    source = failing("list pods of a node", reason)
    source.objects["pods"] = [pod_json(spec={"containers": [{"name": "app"}]})]

    _, report = answered(source)

    assert [(gap.source, bool(gap.remedy)) for gap in report.gaps] == [("node pods (node node-a)", True)]
    assert [item.verdict.value for item in report.items] == ["node"]


def test_everything_optional_may_fail_at_once() -> None:
    source = cluster()
    questions = [
        "list pod events",
        "list node events",
        "get nodes",
        "kubelet metrics",
        "pod metrics",
        "history",
        "get replicasets",
    ]
    source.failures = {question: ReadError("Forbidden", "no", 403) for question in questions}

    _, report = answered(source)

    (item,) = report.items
    assert (item.verdict.value, item.confidence.value) == ("container-limit", "possible")
    assert len({gap.source for gap in report.gaps}) == len(questions) + 1  # and kills of children, unseen by then


def test_the_target_itself_must_be_readable() -> None:
    with pytest.raises(ReadError):
        answered(failing("get pods", "Forbidden"))


def test_unwanted_sources_are_not_asked() -> None:
    source = cluster()
    source.objects["pods"] = [pod_json("api-0", killed_status(reason="Error"))]

    answered(source, logs=False, kubelet=False, metrics=False)

    assert not {"log previous=True", "kubelet metrics", "pod metrics", "history"} & set(source.asked)


def test_the_log_of_the_instance_that_ended_is_read() -> None:
    source = cluster(lines={"api-0": (heap_line("MemoryError", "python"),)})
    source.objects["pods"] = [pod_json("api-0", killed_status(reason="Error", exitCode=1))]

    case, report = answered(source)

    assert (source.asked["log previous=True"], source.asked["log previous=False"]) == (1, 0)
    assert [line.namespace for line in case.heap_lines] == ["shop"]
    assert report.items[0].verdict.value == "app-heap"


def test_events_of_an_earlier_pod_of_that_name_are_not_its_own() -> None:
    source = cluster()
    mine = event_json("mine", "Killing", "Stopping container app")
    mine["involvedObject"]["uid"] = "uid-of-api-0"
    theirs = event_json("theirs", "Killing", "Stopping container app")
    theirs["involvedObject"]["uid"] = "uid-of-an-earlier-one"
    source.objects["events"] = [mine, theirs]

    case, _ = answered(source)

    assert [event.object_uid for event in case.pods[0].events] == ["uid-of-api-0"]


def test_pods_of_one_name_in_two_namespaces_keep_their_own_evidence() -> None:
    source = cluster()
    elsewhere = pod_json(metadata=metadata("api-0", "other"))
    source.objects["pods"] += [elsewhere]
    source.remembered = history(
        life(samples(0.97 * LIMIT), container_id=ENDED_ID), node_share=0.5, pod_usage={"api-0": samples(5)}
    )

    case, report = answered(source, EVERYTHING)

    assert sorted(case.history.pod_usage) == ["other/api-0", "shop/api-0"]
    assert sorted(life.namespace for life in case.history.lives) == ["other", "shop"]
    assert [(item.namespace, item.verdict.value) for item in report.items] == [
        ("other", "container-limit"),
        ("shop", "container-limit"),
    ]


def test_an_event_is_about_one_pod_though_a_whole_namespace_of_them_was_listed() -> None:
    source = many(EVENT_LISTS_BY_POD + 2)
    stopped = event_json("e3", "Killing", "Stopping container app", of="api-3", lastTimestamp=stamp(302))
    source.objects["events"].append(stopped)

    _, report = answered(source, EVERYTHING)

    assert source.asked["list pod events"] == 1
    assert [item.pod for item in report.items if item.verdict.value == "stopped"] == ["api-3"]


def test_neighbours_over_their_request_come_first_where_the_node_ran_out() -> None:
    source = cluster()
    source.objects["pods"] = [pod_json(spec={"containers": [{"name": "app"}]})]
    for name, request in (("calm", "100Mi"), ("greedy", "10Mi")):
        asks = {"containers": [{"name": "x", "resources": {"requests": {"memory": request}}}]}
        source.objects["pods"].append(pod_json(name, spec=asks, metadata=metadata(name, labels={})))
    use = [("calm", 20 * MI), ("greedy", 60 * MI)]
    source.summaries["node-a"] = {
        "pods": [{"podRef": {"namespace": "shop", "name": n}, "memory": {"workingSetBytes": b}} for n, b in use]
    }

    case, report = answered(source)

    assert [n.name for n in case.nodes["node-a"].neighbours] == ["greedy", "api-0", "calm"]
    (told,) = [f.message for f in report.items[0].findings if f.code == "neighbours-over-request"]
    assert "shop/greedy uses 60Mi, requests 10Mi" in told
    assert "calm" not in told
