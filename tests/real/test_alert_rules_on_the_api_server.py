"""`alerts --check` on the PrometheusRule objects of a real API server, and what is written applied to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from kubectl_oom.read.source import PROMETHEUS_RULES
from tests.cluster.access import NOBODY, READER
from tests.real.beside import kubectl
from tests.real.tool import oom

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

WRONG = 'increase(kube_pod_container_status_restarts_total{reason="OOMKilled"}[5m]) > 0'
NAME = f"{PROMETHEUS_RULES.plural}.{PROMETHEUS_RULES.group}"


def test_a_cluster_without_the_kind_is_told_so(api_server: Cluster) -> None:
    if NAME in api_server.kubectl("get", "crd", "-o", "name"):
        pytest.skip("this cluster has Prometheus' operator")
    ran = oom(api_server.kubeconfig(READER), "alerts", "--check", "-A")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines()[0] == "error: this cluster knows no PrometheusRule objects"


@pytest.fixture(scope="module")
def operators(api_server: Cluster) -> Iterator[Cluster]:
    """An API server that knows the kind, as far as this tool uses it."""
    names = {"plural": PROMETHEUS_RULES.plural, "singular": "prometheusrule", "kind": PROMETHEUS_RULES.name}
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": NAME},
        "spec": {"group": PROMETHEUS_RULES.group, "names": names, "scope": "Namespaced", "versions": [version]},
    }
    api_server.apply(definition)
    api_server.kubectl("wait", "--for=condition=Established", f"crd/{NAME}")
    for namespace in ("rules-a", "rules-b"):
        api_server.kubectl("create", "namespace", namespace)
    yield api_server
    api_server.kubectl("delete", "crd", NAME)
    api_server.kubectl("delete", "namespace", "rules-a", "rules-b", "--wait=false")


def _applied(cluster: Cluster, name: str, namespace: str, expr: str) -> None:
    groups = [{"name": "g", "rules": [{"alert": "PodOOM", "expr": expr}]}]
    made: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": name},
        "spec": {"groups": groups},
    }
    cluster.apply(made, namespace)


def test_objects_of_all_namespaces_or_one_are_checked(operators: Cluster) -> None:
    _applied(operators, "wrong", "rules-a", WRONG)
    _applied(operators, "right", "rules-b", "up == 0")
    reader = operators.kubeconfig(READER)

    everywhere, one = (oom(reader, "alerts", "--check", *where, "-o", "json") for where in (["-A"], ["-n", "rules-b"]))

    assert (everywhere.code, one.code) == (1, 0)
    items = json.loads(everywhere.out)["items"]
    assert {item["source"]: [fault["code"] for fault in item["faults"]] for item in items} == {
        "prometheusrule/wrong -n rules-a": ["reason-on-restarts"],
        "prometheusrule/right -n rules-b": [],
    }
    assert [item["line"] for item in items] == [None, None]
    assert len(one.document()["items"]) == 1


def test_what_is_written_is_applied_and_found_right(operators: Cluster) -> None:
    written = oom(
        operators.kubeconfig(READER), "alerts", "-o", "prometheusrule", "--object-label", "release=prometheus"
    )
    operators.kubectl("apply", "-n", "rules-b", "-f", "-", stdin=written.out)

    ran = oom(operators.kubeconfig(READER), "alerts", "--check", "-n", "rules-b")
    (made,) = operators.get("prometheusrules", "-n", "rules-b", "-l", "release=prometheus")["items"]

    assert (ran.code, ran.err) == (0, "")
    assert made["metadata"]["name"] == "kubectl-oom"


def test_who_may_not_list_them_is_told_in_kubectls_words(operators: Cluster) -> None:
    ours = oom(operators.kubeconfig(NOBODY), "alerts", "--check", "-A")
    theirs = kubectl(operators, operators.kubeconfig(NOBODY), "get", "prometheusrules", "-A")

    assert (ours.code, ours.out) == (1, "")
    assert ours.err.splitlines()[0] == theirs.err.splitlines()[0]
