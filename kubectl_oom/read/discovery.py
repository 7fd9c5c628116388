"""Finding the metrics engine of a cluster by the labels of its Service, and asking it through the API server.

One list of Services answers for every product. The question then goes by GET through the Service's proxy path, so
`get services/proxy` is enough, and the kubeconfig's credentials stay with the API server they are for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from kubectl_oom.read.answer import decoded, part, parts
from kubectl_oom.read.connection import HttpError
from kubectl_oom.read.engine import Answer, Engine, answer_of, joined, plain, refusal
from kubectl_oom.read.source import ReadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubectl_oom.read.source import Json

TRIED_AT_MOST = 4  # candidates; each may take a whole timeout, and a person waits
NAME_ONE = "name one with --prometheus-url or KUBECTL_OOM_PROMETHEUS_URL"


class ApiServer(Protocol):
    """What is needed of the connection to the cluster."""

    def get(self, path: str, params: Mapping[str, str] | None = None, *, accept: str, timeout: float) -> bytes:
        """The body of the answer; ReadError where there is none."""


@dataclass(frozen=True, slots=True)
class _Product:
    """How the Services of one engine are labelled, and where its query API is below them."""

    name: str
    labels: tuple[str, ...]  # `key=value,key=value`: all pairs of one entry; any entry of the tuple
    prefix: str = ""


# In order of preference: what sees all shards and replicas comes before a single server, whose Service may lead
# to another replica, with other gaps, at every question. Labels are those that the products' charts and operators set.
_PRODUCTS = (
    _Product(
        "Thanos",
        (
            "app.kubernetes.io/name=thanos-query-frontend",
            "app.kubernetes.io/name=thanos,app.kubernetes.io/component=query-frontend",
            "app.kubernetes.io/name=thanos-query",
            "app.kubernetes.io/name=thanos,app.kubernetes.io/component=query",
            "app=thanos-query",
            "app=thanos-querier",
        ),
    ),
    _Product("Mimir", ("app.kubernetes.io/name=mimir,app.kubernetes.io/component=query-frontend",), "/prometheus"),
    _Product(
        "VictoriaMetrics",
        ("app.kubernetes.io/name=vmselect", "app.kubernetes.io/component=vmselect", "app=vmselect"),
        "/select/0/prometheus",
    ),
    _Product("VictoriaMetrics", ("app.kubernetes.io/name=vmsingle", "app.kubernetes.io/name=victoria-metrics-single")),
    _Product(
        "Prometheus",
        (
            "app=kube-prometheus-stack-prometheus",
            "app=rancher-monitoring-prometheus",
            "app=prometheus-operator-prometheus",
            "app=prometheus-prometheus",
            "app=stack-prometheus",
            "app=prometheus,component=server",
            "app=prometheus-server",
            "app.kubernetes.io/name=prometheus",
            "operated-prometheus=true",
        ),
    ),
)
# Ports as these products name them, best first; a port for gRPC, metrics of its own, or reloading answers no question.
_PORT_NAMES = ("http-web", "web", "http", "http-query", "http-metrics", "https-web", "https")
_HTTPS_PORTS = (443, 8443)
_BUNDLED_WITH = ("kubecost", "opencost")  # their own Prometheus keeps what cost reports need and drops the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A Service that looks like a metrics engine."""

    product: str
    namespace: str
    service: str
    scheme: str  # http | https
    port: str
    prefix: str
    rank: tuple[int, ...]  # lower is asked first

    @property
    def label(self) -> str:
        """`Thanos monitoring/thanos-query:http`: as printed."""
        return f"{self.product} {self.namespace}/{self.service}:{self.port}"

    def path(self, endpoint: str) -> str:
        """The path of a query endpoint below the API server."""
        scheme = "https:" if self.scheme == "https" else ""
        namespace, service, port = (quote(text, safe="") for text in (self.namespace, self.service, self.port))
        proxy = f"/api/v1/namespaces/{namespace}/services/{scheme}{service}:{port}/proxy"
        return f"{proxy}{self.prefix}/api/v1/{endpoint}"


class ProxiedTransport:
    """The way to an engine through the API server's Service proxy."""

    def __init__(self, api: ApiServer, candidate: Candidate) -> None:
        self._api = api
        self._candidate = candidate

    def ask(self, endpoint: str, params: Mapping[str, str], timeout_seconds: float) -> Answer:
        """The answer of one endpoint; the credentials on the way are the API server's own."""
        whom = self._candidate.label
        path = self._candidate.path(endpoint)
        try:
            body = self._api.get(path, params, accept="application/json", timeout=timeout_seconds)
        except ReadError as error:
            raise _told_apart(error, whom) from error
        return answer_of(body, whom)


def _told_apart(error: ReadError, whom: str) -> ReadError:
    """The engine's own refusal where the answer is the engine's; the API server's, with the engine named, where not."""
    if isinstance(error, HttpError) and not _is_status(error.body):
        return refusal(error.status or 0, error.body, whom)
    return ReadError(error.reason, f"{whom}, asked through the API server: {plain(error.message)}", error.status)


def _is_status(body: bytes) -> bool:
    """Whether the API server itself said so: its errors are objects of kind Status."""
    try:
        document = decoded(body)
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("kind") == "Status"


def find_engine(api: ApiServer, *, matchers: tuple[str, ...], timeout_seconds: float) -> Engine:
    """The first engine of the cluster that answers, in the order of `_PRODUCTS`; ReadError where none does."""
    found = candidates_among(_services(api, timeout_seconds))
    if not found:
        raise ReadError("NotConfigured", "none was named, and no Service of the cluster carries the labels of one")
    silent: list[ReadError] = []
    for candidate in found[:TRIED_AT_MOST]:
        engine = Engine(
            candidate.label,
            ProxiedTransport(api, candidate),
            matchers=matchers,
            timeout_seconds=timeout_seconds,
            chosen_because=_reason(candidate, found, silent),
        )
        try:
            engine.query("vector(1)")
        except ReadError as error:
            silent.append(error)
        else:
            return engine
    raise ReadError(silent[0].reason, _none_answers(found, silent), silent[0].status)


def _services(api: ApiServer, timeout_seconds: float) -> list[Json]:
    """All Services of the cluster, from the API server's cache."""
    try:
        body = api.get("/api/v1/services", {"resourceVersion": "0"}, accept="application/json", timeout=timeout_seconds)
        document = decoded(body)
    except ReadError as error:
        message = f"a metrics engine was looked for among the cluster's Services: {plain(error.message)}; {NAME_ONE}"
        raise ReadError(error.reason, message, error.status) from error
    except ValueError as error:
        raise ReadError("BadAnswer", f"the list of Services is not readable; {NAME_ONE}") from error
    return parts(document, "items")


def candidates_among(services: Iterable[Json]) -> list[Candidate]:
    """The Services that carry an engine's labels and have a port for questions, best first."""
    found = [candidate for service in services if (candidate := _candidate(service)) is not None]
    return sorted(found, key=lambda c: (c.rank, c.namespace, c.service))


def _candidate(service: Json) -> Candidate | None:
    meta, spec = part(service, "metadata"), part(service, "spec")
    labels: Mapping[str, Any] = part(meta, "labels")
    port = _port(parts(spec, "ports"))
    for place, product in enumerate(_PRODUCTS):
        entries = [at for at, wanted in enumerate(product.labels) if _carries(labels, wanted)]
        if entries and port is not None and spec.get("type") != "ExternalName":
            bundled = any(word in str((meta, labels)).lower() for word in _BUNDLED_WITH)
            return Candidate(
                product=product.name,
                namespace=str(meta.get("namespace", "")),
                service=str(meta.get("name", "")),
                scheme="https" if _is_https(port) else "http",
                port=str(port.get("name") or port.get("port")),
                prefix=product.prefix,
                rank=(int(bundled), place, entries[0], int(spec.get("clusterIP") == "None")),
            )
    return None


def _carries(labels: Mapping[str, Any], wanted: str) -> bool:
    return all(labels.get(key) == value for key, _, value in (pair.partition("=") for pair in wanted.split(",")))


def _port(ports: Iterable[Json]) -> Json | None:
    """The port that answers questions: by name, else the only one that is not for something else."""
    usable = [port for port in ports if str(port.get("protocol", "TCP")) == "TCP"]
    for name in _PORT_NAMES:
        for port in usable:
            if port.get("name") == name:
                return port
    plain_ports = [port for port in usable if not any(w in str(port.get("name", "")) for w in ("grpc", "reload"))]
    return plain_ports[0] if plain_ports else None


def _is_https(port: Json) -> bool:
    names = (port.get("name"), port.get("appProtocol"))
    return any(str(name or "").startswith("https") for name in names) or port.get("port") in _HTTPS_PORTS


def _reason(chosen: Candidate, found: list[Candidate], silent: list[ReadError]) -> str:
    others = [candidate.label for candidate in found[len(silent) :] if candidate is not chosen]
    reason = f"{chosen.label} was found by the labels of its Service"
    if silent:
        reason += f", after {'; '.join(error.message for error in silent)}"
    elif others:
        reason += "; it is first of those found: what sees all shards and replicas comes before a single server"
    return reason + (f"; not asked: {joined(others)} ({NAME_ONE} to choose)" if others else "")


def _none_answers(found: list[Candidate], silent: list[ReadError]) -> str:
    told = "; ".join(error.message for error in silent)
    if any(candidate.namespace == "openshift-monitoring" for candidate in found):
        told += (
            "; OpenShift's monitoring wants a token that the API server does not pass on: give the URL of"
            " `oc -n openshift-monitoring get route thanos-querier` and the token of `oc whoami -t`"
        )
    return f"no metrics engine of the cluster answers: {told}; {NAME_ONE}"
