"""Finding the engine of a cluster: one list of Services, a stated order, and questions through the Service proxy."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest

from kubectl_oom.read.connection import connect
from kubectl_oom.read.discovery import candidates_among
from kubectl_oom.read.engine import Engine, EngineOptions, TooMuchDataError
from kubectl_oom.read.engines import connect_engine
from kubectl_oom.read.source import ReadError
from kubectl_oom.read.target import ConnectOptions
from tests.engine_server import SUCCESS, Server, failure, reply
from tests.engines import Series, require_program, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.server import BaseHTTPRequestHandler
    from pathlib import Path

    from kubectl_oom.read.connection import Connection


def service(namespace: str, name: str, labels: str, *ports: tuple[str, int], **spec: Any) -> dict[str, Any]:
    """A Service as the API lists it; labels as `key=value,key=value`."""
    return {
        "metadata": {
            "namespace": namespace,
            "name": name,
            "labels": dict(p.split("=") for p in labels.split(",") if p),
        },
        "spec": {"ports": [{"name": p, "port": n, "protocol": "TCP"} for p, n in ports], **spec},
    }


STACK = service(
    "monitoring",
    "kube-prometheus-stack-prometheus",
    "app=kube-prometheus-stack-prometheus,self-monitor=true,release=kps",
    ("http-web", 9090),
    ("reloader-web", 8080),
)
OPERATED = service(
    "monitoring", "prometheus-operated", "operated-prometheus=true", ("http-web", 9090), clusterIP="None"
)
KUBE_PROMETHEUS = service(
    "monitoring",
    "prometheus-k8s",
    "app.kubernetes.io/component=prometheus,app.kubernetes.io/name=prometheus,app.kubernetes.io/instance=k8s",
    ("web", 9090),
)
CHART = service(
    "mon", "prometheus-server", "app.kubernetes.io/component=server,app.kubernetes.io/name=prometheus", ("http", 80)
)
THANOS = service(
    "thanos",
    "thanos-query",
    "app.kubernetes.io/component=query,app.kubernetes.io/name=thanos",
    ("grpc", 10901),
    ("http", 9090),
)
FRONTEND = service(
    "thanos",
    "thanos-query-frontend",
    "app.kubernetes.io/component=query-frontend,app.kubernetes.io/name=thanos",
    ("http", 9090),
)
OPENSHIFT = service(
    "openshift-monitoring",
    "thanos-querier",
    "app.kubernetes.io/component=query-layer,app.kubernetes.io/name=thanos-query,app.kubernetes.io/instance=thanos-querier",
    ("web", 9091),
    ("tenancy", 9092),
    ("metrics", 9094),
)
MIMIR = service(
    "mimir",
    "mimir-query-frontend",
    "app.kubernetes.io/name=mimir,app.kubernetes.io/component=query-frontend",
    ("http-metrics", 8080),
    ("grpc", 9095),
)
VMSELECT = service("vm", "vmselect-main", "app.kubernetes.io/name=vmselect,managed-by=vm-operator", ("http", 8481))
VMSINGLE = service("vm", "vmsingle-main", "app.kubernetes.io/name=vmsingle,managed-by=vm-operator", ("http", 8429))
KUBECOST = service("kubecost", "kubecost-prometheus-server", "app=prometheus,component=server", ("http", 80))
NOT_ENGINES = (
    service("default", "kubernetes", "component=apiserver,provider=kubernetes", ("https", 443)),
    service("monitoring", "alertmanager", "app.kubernetes.io/name=alertmanager", ("web", 9093)),
    service("monitoring", "discovery", "app=kube-prometheus-stack-thanos-discovery", ("grpc", 10901)),
    service("monitoring", "no-port", "app=prometheus-server"),
    service("monitoring", "grpc-only", "app=thanos-query", ("grpc", 10901)),
    service("monitoring", "elsewhere", "app=prometheus-server", ("http", 80), type="ExternalName"),
    {"metadata": {"name": "bare"}},
)


@dataclass
class ApiServer:
    """An API server as far as it matters here: it lists Services and passes GETs on."""

    services: tuple[dict[str, Any], ...]
    behind: dict[str, str | tuple[int, bytes]] = field(default_factory=dict)  # service → URL, or the answer itself
    asked: list[str] = field(default_factory=list)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        assert handler.command == "GET"
        parts = urlsplit(handler.path)
        self.asked.append(unquote(parts.path))
        if parts.path == "/api/v1/services":
            body = {"kind": "ServiceList", "items": self.services}
            return reply(handler, 200, json.dumps(body).encode(), Content_Type="application/json")
        name, _, path = parts.path.partition("/services/")[2].partition("/proxy")
        return self._pass_on(handler, name.split(":")[-2], f"{path}?{parts.query}")

    def _pass_on(self, handler: BaseHTTPRequestHandler, name: str, path: str) -> None:
        target = self.behind.get(name, (503, status_object(503, "no endpoints available for service")))
        if isinstance(target, tuple):
            return reply(handler, *target)
        try:
            with urllib.request.urlopen(target + path, timeout=10) as response:
                return reply(handler, response.status, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return reply(handler, error.code, error.read())


def status_object(code: int, message: str, reason: str = "ServiceUnavailable") -> bytes:
    """An error as the API server itself words it."""
    return json.dumps({"kind": "Status", "code": code, "reason": reason, "message": message}).encode()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    yield from Cluster.running(tmp_path)


@dataclass
class Cluster:
    """The stand-in API server and a connection to it by kubeconfig."""

    api: ApiServer
    connection: Connection

    @staticmethod
    def running(tmp_path: Path) -> Iterator[Cluster]:
        api = ApiServer(())
        with Server(api.answer).listening() as server:
            kubeconfig = tmp_path / "kubeconfig"
            kubeconfig.write_text(
                json.dumps(
                    {
                        "clusters": [{"name": "c", "cluster": {"server": server.url}}],
                        "users": [{"name": "u", "user": {}}],
                        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                        "current-context": "x",
                    }
                )
            )
            connection = connect(ConnectOptions(kubeconfig=str(kubeconfig), environ={}))
            yield Cluster(api, connection)
            connection.close()

    def engine(self, **options: Any) -> Engine:
        return connect_engine(EngineOptions(**options), self.connection)


def found(*services: dict[str, Any]) -> list[str]:
    return [f"{one.scheme} {one.label}{one.prefix}" for one in candidates_among(services)]


@pytest.mark.parametrize(
    ("one", "seen"),
    [
        (STACK, "http Prometheus monitoring/kube-prometheus-stack-prometheus:http-web"),
        (OPERATED, "http Prometheus monitoring/prometheus-operated:http-web"),
        (KUBE_PROMETHEUS, "http Prometheus monitoring/prometheus-k8s:web"),
        (CHART, "http Prometheus mon/prometheus-server:http"),
        (THANOS, "http Thanos thanos/thanos-query:http"),
        (OPENSHIFT, "http Thanos openshift-monitoring/thanos-querier:web"),
        (MIMIR, "http Mimir mimir/mimir-query-frontend:http-metrics/prometheus"),
        (VMSELECT, "http VictoriaMetrics vm/vmselect-main:http/select/0/prometheus"),
        (VMSINGLE, "http VictoriaMetrics vm/vmsingle-main:http"),
        (service("m", "p", "app=prometheus-server", ("https", 9090)), "https Prometheus m/p:https"),
        (service("m", "p", "app=prometheus-server", ("", 443)), "https Prometheus m/p:443"),
    ],
)
def test_each_product_is_known_by_its_labels(one: dict[str, Any], seen: str) -> None:
    assert found(one) == [seen]


def test_what_is_no_engine_is_not_a_candidate() -> None:
    assert found(*NOT_ENGINES) == []


def test_what_sees_everything_comes_before_single_servers_and_bundled_ones_last() -> None:
    order = [
        line.split()[2]
        for line in found(KUBECOST, OPERATED, STACK, CHART, VMSINGLE, VMSELECT, MIMIR, THANOS, FRONTEND, *NOT_ENGINES)
    ]
    assert order == [
        "thanos/thanos-query-frontend:http",
        "thanos/thanos-query:http",
        "mimir/mimir-query-frontend:http-metrics/prometheus",
        "vm/vmselect-main:http/select/0/prometheus",
        "vm/vmsingle-main:http",
        "monitoring/kube-prometheus-stack-prometheus:http-web",
        "mon/prometheus-server:http",
        "monitoring/prometheus-operated:http-web",
        "kubecost/kubecost-prometheus-server:http",
    ]


def test_a_real_prometheus_is_found_and_asked_through_the_service_proxy(cluster: Cluster, tmp_path: Path) -> None:
    require_program("prometheus", "promtool")
    series = Series({"__name__": "memory", "pod": "api"}, [(1_764_000_000, 268435457.0)])
    with running("prometheus", [series], tmp_path / "prometheus") as prometheus:
        cluster.api.services = (OPERATED, STACK, *NOT_ENGINES)
        cluster.api.behind = {"kube-prometheus-stack-prometheus": prometheus.url}
        engine = cluster.engine()
        [row] = engine.query("last_over_time(memory[1000w])").rows
        with pytest.raises(ReadError, match="parse error"):
            engine.query("memory{")
    assert row.samples[0][1] == 268435457
    assert engine.label == "Prometheus monitoring/kube-prometheus-stack-prometheus:http-web"
    assert engine.chosen_because == (
        "Prometheus monitoring/kube-prometheus-stack-prometheus:http-web was found by the labels of its Service; it is"
        " first of those found: what sees all shards and replicas comes before a single server; not asked: Prometheus"
        " monitoring/prometheus-operated:http-web (name one with --prometheus-url or KUBECTL_OOM_PROMETHEUS_URL to"
        " choose)"
    )
    assert cluster.api.asked.count("/api/v1/services") == 1
    assert cluster.api.asked[1] == (
        "/api/v1/namespaces/monitoring/services/kube-prometheus-stack-prometheus:http-web/proxy/api/v1/query"
    )


def test_the_next_one_is_asked_where_the_first_does_not_answer(cluster: Cluster) -> None:
    cluster.api.services = (STACK, THANOS)
    cluster.api.behind = {"kube-prometheus-stack-prometheus": (200, SUCCESS)}
    engine = cluster.engine()
    assert engine.label == "Prometheus monitoring/kube-prometheus-stack-prometheus:http-web"
    assert engine.chosen_because == (
        "Prometheus monitoring/kube-prometheus-stack-prometheus:http-web was found by the labels of its Service, after"
        " Thanos thanos/thanos-query:http, asked through the API server: no endpoints available for service"
    )


def test_the_path_below_the_service_is_the_products_own(cluster: Cluster) -> None:
    cluster.api.services = (MIMIR,)
    cluster.api.behind = {"mimir-query-frontend": (200, SUCCESS)}
    cluster.engine().query("up")
    assert cluster.api.asked[-1] == (
        "/api/v1/namespaces/mimir/services/mimir-query-frontend:http-metrics/proxy/prometheus/api/v1/query"
    )


def test_without_a_candidate_the_user_is_asked_for_one(cluster: Cluster) -> None:
    cluster.api.services = NOT_ENGINES
    with pytest.raises(ReadError) as caught:
        cluster.engine()
    assert (caught.value.reason, caught.value.message) == (
        "NotConfigured",
        "none was named, and no Service of the cluster carries the labels of one",
    )


@pytest.mark.parametrize(
    ("answer", "reason", "said"),
    [
        (
            (403, status_object(403, 'services "x" is forbidden: User "u" cannot get services/proxy', "Forbidden")),
            "Forbidden",
            'asked through the API server: services "x" is forbidden',
        ),
        ((401, b"Unauthorized"), "Refused", "answered 401: it wants other credentials: Unauthorized"),
        ((200, b"<html>Log in</html>"), "BadAnswer", "answered with a web page"),
        ((404, b"404 page not found"), "NoQueryApi", "a path such as /prometheus may be missing"),
    ],
)
def test_when_none_answers_the_reason_is_the_first_ones(
    cluster: Cluster, answer: tuple[int, bytes], reason: str, said: str
) -> None:
    cluster.api.services = (STACK,)
    cluster.api.behind = {"kube-prometheus-stack-prometheus": answer}
    with pytest.raises(ReadError) as caught:
        cluster.engine()
    assert caught.value.reason == reason
    assert said in caught.value.message
    assert "name one with --prometheus-url" in caught.value.message


def test_openshift_is_told_how_to_ask_directly(cluster: Cluster) -> None:
    cluster.api.services = (OPENSHIFT,)
    cluster.api.behind = {"thanos-querier": (401, b"Unauthorized")}
    with pytest.raises(ReadError, match="oc -n openshift-monitoring get route thanos-querier"):
        cluster.engine()


def test_too_much_data_is_told_apart_behind_the_proxy_too(cluster: Cluster) -> None:
    cluster.api.services = (STACK,)
    cluster.api.behind = {"kube-prometheus-stack-prometheus": (200, SUCCESS)}
    engine = cluster.engine()
    cluster.api.behind = {"kube-prometheus-stack-prometheus": (422, failure("execution", "too many samples"))}
    with pytest.raises(TooMuchDataError, match="http-web refused: too many samples"):
        engine.query("up")


def test_services_that_may_not_be_listed_are_a_permission_that_is_missing() -> None:
    class Forbidding:
        def get(self, *_: object, **__: object) -> bytes:
            raise ReadError("Forbidden", 'services is forbidden: User "u" cannot list resource "services"', 403)

    with pytest.raises(ReadError, match="looked for among the cluster's Services: services is forbidden") as caught:
        connect_engine(EngineOptions(), Forbidding())
    assert caught.value.reason == "Forbidden"
