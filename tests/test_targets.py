"""Words of the command line become pods, and mistakes become kubectl's own sentences."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_oom.errors import OomError
from kubectl_oom.evidence import Owner
from kubectl_oom.read.source import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NODES,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    Kind,
    ReadError,
)
from kubectl_oom.read.targets import MAX_OWNERS, Scope, Target, climb, find, parse_targets, selector_of
from tests.in_memory import InMemory, controlled_by, deployment_json, metadata, node_json, pod_json, replica_set_json


def _parsed(*words: str, labels: str = "", everywhere: bool = False) -> list[tuple[str, str | None]]:
    found = parse_targets(words, labels=labels, all_namespaces=everywhere)
    return [(target.kind.plural, target.name) for target in found]


@pytest.mark.parametrize(
    ("words", "targets"),
    [
        (["api-0"], [("pods", "api-0")]),
        (["pod/api-0"], [("pods", "api-0")]),
        (["po/a", "deploy/b", "sts/c"], [("pods", "a"), ("deployments", "b"), ("statefulsets", "c")]),
        (["pod", "a", "b"], [("pods", "a"), ("pods", "b")]),
        (["Deployments", "b"], [("deployments", "b")]),
        (["deployment.apps/b"], [("deployments", "b")]),
        (["deployments.v1.apps/b"], [("deployments", "b")]),
        (["pods.v1./b"], [("pods", "b")]),
        (["cj/a"], [("cronjobs", "a")]),
        (["job/a"], [("jobs", "a")]),
        (["ds/a"], [("daemonsets", "a")]),
        (["rs/a"], [("replicasets", "a")]),
        (["node/a"], [("nodes", "a")]),
        (["pods,deploy", "a"], [("pods", "a"), ("deployments", "a")]),
        (["pods"], [("pods", None)]),
        (["deploy"], [("deployments", None)]),
        (["deploy,sts"], [("deployments", None), ("statefulsets", None)]),
        (["deployments.apps"], [("deployments", None)]),
        (["job.nightly"], [("pods", "job.nightly")]),
        (["node.exporter-x2"], [("pods", "node.exporter-x2")]),
    ],
)
def test_targets_are_read_as_kubectl_reads_them(words: list[str], targets: list[tuple[str, str | None]]) -> None:
    assert _parsed(*words) == targets


def test_selections_need_no_name() -> None:
    assert _parsed(labels="app=api") == [("pods", None)]
    assert _parsed(everywhere=True) == [("pods", None)]
    assert _parsed("deploy,sts", labels="app=api") == [("deployments", None), ("statefulsets", None)]
    assert _parsed("nodes/a", everywhere=True) == [("nodes", "a")]


@pytest.mark.parametrize(
    ("words", "options", "message"),
    [
        ([], {}, "error: you must specify what to look at: a pod or TYPE/NAME, -l SELECTOR or -A"),
        (["pod/a", "b"], {}, "error: there is no need to specify a resource type as a separate argument"),
        (["pod", "pod/b"], {}, "error: there is no need to specify a resource type as a separate argument"),
        (["pod/a/b"], {}, "error: arguments in resource/name form may not have more than one slash"),
        (["pod/"], {}, "error: arguments in resource/name form must have a single resource and name"),
        (["pod,deploy/a"], {}, "error: arguments in resource/name form must have a single resource and name"),
        (["cat/a"], {}, 'error: the server doesn\'t have a resource type "cat"'),
        (["pods.apps/a"], {}, 'error: the server doesn\'t have a resource type "pods"'),
        (["cat", "a"], {}, 'error: the server doesn\'t have a resource type "cat"'),
        (["pod/a"], {"labels": "x=y"}, "error: selectors and the all flag cannot be used when passing resource/name"),
        (["pod", "a"], {"labels": "x=y"}, "error: name cannot be provided when a selector is specified"),
        ([""], {}, "error: resource name may not be empty"),
        (["pod", ".."], {}, "error: invalid resource name \"..\": [may not be '..']"),
        (["pod", "a%2f"], {}, "error: invalid resource name \"a%2f\": [may not contain '%']"),
        (["a"], {"everywhere": True}, "error: a resource cannot be retrieved by name across all namespaces"),
    ],
)
def test_mistakes_are_told_in_kubectls_words(words: list[str], options: dict[str, Any], message: str) -> None:
    with pytest.raises(OomError) as raised:
        _parsed(*words, **options)

    assert raised.value.message.startswith(message)


@pytest.mark.parametrize(
    ("target", "text"),
    [(Target(PODS, "a"), "pod/a"), (Target(DEPLOYMENTS, "b"), "deployment.apps/b"), (Target(PODS, None), "pods")],
)
def test_a_target_is_printed_as_kubectl_prints_it(target: Target, text: str) -> None:
    assert str(target) == text


def _source(**objects: list[dict[str, Any]]) -> InMemory:
    kinds = {
        kind.plural: kind.qualified
        for kind in (PODS, NODES, DEPLOYMENTS, REPLICA_SETS, JOBS, CRON_JOBS, STATEFUL_SETS, DAEMON_SETS)
    }
    return InMemory(objects={kinds[name]: items for name, items in objects.items()})


def _found(
    source: InMemory, *targets: Target, namespace: str | None = "shop", labels: str = ""
) -> list[tuple[str, list[str]]]:
    found = find(source, Scope(targets=targets, namespace=namespace, labels=labels))
    return [(pod.item["metadata"]["name"], [owner.name for owner in pod.owners]) for pod in found.pods]


def test_a_pod_is_found_with_its_next_owner() -> None:
    assert _found(_source(pods=[pod_json()]), Target(PODS, "api-0")) == [("api-0", ["api-7d9"])]


def test_a_pod_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ReadError, match="not found"):
        _found(_source(pods=[]), Target(PODS, "api-0"))


def test_the_same_pod_is_found_once() -> None:
    source = _source(pods=[pod_json()])

    assert len(_found(source, Target(PODS, "api-0"), Target(PODS, None))) == 1


def test_a_deployment_has_the_pods_of_its_own_replica_sets_only() -> None:
    stranger = pod_json("web-0", metadata=metadata("web-0", ownerReferences=controlled_by("ReplicaSet", "web-1")))
    source = _source(
        pods=[pod_json(), stranger, pod_json("bare-0", metadata=metadata("bare-0"))],
        deployments=[deployment_json()],
        replicasets=[replica_set_json(), replica_set_json("web-1", owner="web")],
    )

    assert _found(source, Target(DEPLOYMENTS, "api")) == [("api-0", ["api-7d9", "api"])]


@pytest.mark.parametrize("kind", [STATEFUL_SETS, DAEMON_SETS, JOBS, REPLICA_SETS], ids=lambda kind: kind.plural)
def test_a_workload_has_the_pods_it_controls_though_selectors_overlap(kind: Kind) -> None:
    mine = pod_json("a-0", metadata=metadata("a-0", ownerReferences=controlled_by(kind.name, "mine")))
    yours = pod_json("a-1", metadata=metadata("a-1", ownerReferences=controlled_by(kind.name, "yours")))
    source = _source(pods=[mine, yours], **{kind.plural: [deployment_json("mine"), deployment_json("yours")]})

    assert _found(source, Target(kind, "mine")) == [("a-0", ["mine"])]


def test_a_cron_job_has_the_pods_of_its_jobs() -> None:
    job = deployment_json(
        "nightly-1", metadata=metadata("nightly-1", ownerReferences=controlled_by("CronJob", "nightly"))
    )
    other = deployment_json("other-1", metadata=metadata("other-1", ownerReferences=controlled_by("CronJob", "other")))
    pods = [
        pod_json(name, metadata=metadata(name, ownerReferences=controlled_by("Job", owner)))
        for name, owner in (("nightly-1-x", "nightly-1"), ("other-1-x", "other-1"))
    ]
    source = _source(pods=pods, jobs=[job, other], cronjobs=[deployment_json("nightly")])

    assert _found(source, Target(CRON_JOBS, "nightly")) == [("nightly-1-x", ["nightly-1", "nightly"])]


def test_a_workload_without_a_selector_has_no_pods() -> None:
    source = _source(pods=[pod_json()], deployments=[deployment_json(spec={})])

    assert _found(source, Target(DEPLOYMENTS, "api")) == []


def test_an_operators_own_kind_above_a_deployment_is_named() -> None:
    above = controlled_by("Kafka", "bus", "kafka.strimzi.io/v1")
    source = _source(
        pods=[pod_json()],
        deployments=[deployment_json(metadata=metadata("api", ownerReferences=above))],
        replicasets=[replica_set_json()],
    )

    assert _found(source, Target(DEPLOYMENTS, "api")) == [("api-0", ["api-7d9", "api", "bus"])]


def test_pods_of_a_node_in_the_namespace_asked_for() -> None:
    elsewhere = pod_json("b-0", metadata=metadata("b-0", "other"))
    away = pod_json("c-0", spec={"nodeName": "node-b"})
    source = _source(pods=[pod_json(), elsewhere, away], nodes=[node_json()])

    assert [name for name, _ in _found(source, Target(NODES, "node-a"))] == ["api-0"]
    assert [name for name, _ in _found(source, Target(NODES, "node-a"), namespace=None)] == ["api-0", "b-0"]


def test_an_unknown_node_is_an_error_not_an_empty_answer() -> None:
    with pytest.raises(ReadError, match="not found"):
        _found(_source(pods=[pod_json()], nodes=[]), Target(NODES, "node-z"))


def test_a_selection_without_a_hit_is_empty() -> None:
    assert _found(_source(pods=[pod_json()]), Target(PODS, None), labels="app=web") == []


@pytest.mark.parametrize(
    ("selector", "text"),
    [
        ({"matchLabels": {"a": "b", "c": "d"}}, "a=b,c=d"),
        (
            {
                "matchExpressions": [
                    {"key": "a", "operator": "In", "values": ["x", "y"]},
                    {"key": "b", "operator": "NotIn", "values": ["z"]},
                    {"key": "c", "operator": "Exists"},
                    {"key": "d", "operator": "DoesNotExist"},
                ]
            },
            "a in (x,y),b notin (z),c,!d",
        ),
        ({"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "Gt"}, {"key": "d"}]}, "a=b"),
        ({}, ""),
    ],
)
def test_a_selector_object_as_text(selector: dict[str, Any], text: str) -> None:
    assert selector_of(selector) == text


REPLICA_SET = Owner(api_version="apps/v1", kind="ReplicaSet", name="api-7d9")


def test_the_chain_of_owners_is_climbed_to_the_top() -> None:
    source = _source(deployments=[deployment_json()], replicasets=[replica_set_json()])

    chain = climb(source, "shop", (REPLICA_SET,))

    assert [owner.name for owner in chain.owners] == ["api-7d9", "api"]
    assert [item["metadata"]["name"] for item in chain.objects] == ["api-7d9", "api"]
    assert chain.stopped_by is None


def test_the_chain_ends_where_an_owner_may_not_be_read() -> None:
    source = _source(replicasets=[replica_set_json()])
    source.failures["get deployments"] = ReadError("Forbidden", "no", 403)

    chain = climb(source, "shop", (REPLICA_SET,))

    assert [owner.name for owner in chain.owners] == ["api-7d9", "api"]
    assert chain.stopped_by is not None and chain.stopped_by.reason == "Forbidden"


@pytest.mark.parametrize(
    "owner",
    [
        Owner(api_version="argoproj.io/v1", kind="Rollout", name="r"),
        Owner(api_version="operator.example/v1", kind="Deployment", name="d"),
        Owner(api_version="v1", kind="Node", name="node-a"),
    ],
)
def test_foreign_kinds_are_named_and_not_read(owner: Owner) -> None:
    source = _source()

    assert climb(source, "shop", (owner,)).owners == (owner,)
    assert not source.asked


def test_a_circle_of_owners_ends() -> None:
    looped = replica_set_json("api-7d9", owner="api")
    back = deployment_json(metadata=metadata("api", ownerReferences=controlled_by("ReplicaSet", "api-7d9")))
    source = _source(deployments=[back], replicasets=[looped])

    assert len(climb(source, "shop", (REPLICA_SET,)).owners) == MAX_OWNERS
