"""Which sources answer, how fast, and what is missing: every source is really read once, in its smallest form."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Checkup
from kubectl_oom.read.answer import part, parts, text
from kubectl_oom.read.at_once import readers
from kubectl_oom.read.gaps import DOCTOR, PERMISSIONS, SLOW, gap_of
from kubectl_oom.read.source import (
    ARGO_APPLICATIONS,
    ARGO_NAMESPACE,
    CLAIMS,
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    DISRUPTION_BUDGETS,
    EVENTS,
    HORIZONTAL_AUTOSCALERS,
    JOBS,
    LIMIT_RANGES,
    NODES,
    PODS,
    PROMETHEUS_RULES,
    REPLICA_SETS,
    RESOURCE_QUOTAS,
    STATEFUL_SETS,
    VERTICAL_AUTOSCALERS,
    ReadError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_oom.evidence import Gap
    from kubectl_oom.read.connection import Connection
    from kubectl_oom.read.engine import EngineOptions
    from kubectl_oom.read.source import Kind

# What is only ever read by its name is asked for by one that nothing has: permission comes before existence.
NOBODY = "kubectl-oom-doctor"
UNKNOWN_KIND = "none: this cluster knows no such kind"


def examine(
    connection: Connection, engine: EngineOptions | None, namespace: str, clock: Callable[[], float]
) -> tuple[Checkup, ...]:
    """The checkups, in the order of what they are worth. Never raises: a failure is the answer.

    `clock` gives seconds from any start, for the time each source took.
    """
    node = _any_node(connection)
    here = f"namespace {namespace}"

    def listed(source: str, serves: str, kind: Kind) -> tuple[str, str, str, Callable[[], str]]:
        return source, serves, here, _list(connection, kind, namespace)

    probes: list[tuple[str, str, str, Callable[[], str]]] = [
        listed("pods", "verdicts: how containers ended", PODS),
        listed("pod events", "probe kills, stops, start failures", EVENTS),
        ("node events", "node OOM kills", "namespace default", _list(connection, EVENTS, "default")),
        ("node", "node memory, versions, pressure", node or "no node known", _node(connection, node)),
        ("nodes", "whether a size fits on a node", "", _list(connection, NODES, None)),
        ("node pods", "who else is on a node, free room", "", _list(connection, PODS, None)),
        ("owners", "naming the workload, replicas", here, _owners(connection, namespace)),
        listed("limit ranges", "limits nobody chose, refused sizes", LIMIT_RANGES),
        listed("resource quotas", "whether a size fits the namespace", RESOURCE_QUOTAS),
        listed("autoscalers", "what a new request does to replicas", HORIZONTAL_AUTOSCALERS),
        (
            "vertical autoscalers",
            "who else sets sizes",
            here,
            _vertical_autoscalers(connection, namespace),
        ),
        listed("disruption budgets", "what a rollout may take away", DISRUPTION_BUDGETS),
        (
            "claims",
            "volumes that one pod alone can have",
            here,
            _nobody(connection, CLAIMS, namespace),
        ),
        (
            "argo cd",
            "whether a change is set back",
            f"namespace {ARGO_NAMESPACE}",
            _if_known(connection, ARGO_APPLICATIONS, _nobody(connection, ARGO_APPLICATIONS, ARGO_NAMESPACE)),
        ),
        (
            "alert rules",
            "alerts --check of a cluster",
            here,
            _if_known(connection, PROMETHEUS_RULES, _list(connection, PROMETHEUS_RULES, namespace)),
        ),
        ("log", "the program's own heap errors", here, _log(connection, namespace)),
        ("kubelet", "memory now, killed children", node or "no node known", _kubelet(connection, node)),
        ("metrics.k8s.io", "working set now, without the kubelet", "", _metrics_api(connection, namespace)),
        ("metrics engine", "the run-up to a kill, history, sizes", "", _engine(connection, engine)),
    ]
    with readers(len(probes), "doctor") as pool:
        running = [pool.submit(_checkup, *probe, clock) for probe in probes]
        return tuple(done.result() for done in running)


def _checkup(source: str, serves: str, subject: str, probe: Callable[[], str], clock: Callable[[], float]) -> Checkup:
    started = clock()
    try:
        detail, gap = probe(), None
    except ReadError as error:
        detail, gap = "", _without_us(gap_of(source, subject, error))
        rule = rule_for(source) if error.reason == "Forbidden" else None
        return Checkup(source=source, serves=serves, seconds=clock() - started, detail=detail, gap=gap, rule=rule)
    return Checkup(source=source, serves=serves, seconds=clock() - started, detail=detail, gap=gap, rule=None)


def _without_us(gap: Gap) -> Gap:
    """The gap without the advice to ask the doctor, who is asked."""
    if gap.remedy is None or DOCTOR not in gap.remedy:
        return gap
    return replace(gap, remedy=SLOW if SLOW in gap.remedy else None)


def rule_for(source: str) -> str:
    """The rule of a ClusterRole that grants what a source needs, as one line of YAML."""
    groups, resources, verbs = PERMISSIONS[source]
    group_list = ", ".join(f'"{group}"' for group in groups.split(","))
    return f"- {{apiGroups: [{group_list}], resources: [{resources}], verbs: [{verbs}]}}"


def _any_node(connection: Connection) -> str | None:
    """The name of a node: from the nodes, or from a pod where nodes may not be listed."""
    for kind, path in ((NODES, ("metadata", "name")), (PODS, ("spec", "nodeName"))):
        try:
            items = parts(connection.get_json(kind.path(None), {"limit": "10"}), "items")
        except ReadError:
            continue
        for item in items:
            if name := text(part(item, path[0]).get(path[1])):
                return name
    return None


def _list(connection: Connection, kind: Kind, namespace: str | None) -> Callable[[], str]:
    def probe() -> str:
        connection.get_json(kind.path(namespace), {"limit": "1"})
        return f"list {kind.qualified}"

    return probe


def _node(connection: Connection, node: str | None) -> Callable[[], str]:
    def probe() -> str:
        if node is None:
            raise ReadError("NothingToTry", "no node is known to try it on")
        connection.get_json(NODES.path(None, node))
        return f"get {NODES.qualified}"

    return probe


def _vertical_autoscalers(connection: Connection, namespace: str) -> Callable[[], str]:
    def probe() -> str:
        try:
            return _list(connection, VERTICAL_AUTOSCALERS, namespace)()
        except ReadError as error:
            if error.reason != "NotFound":
                raise
            return UNKNOWN_KIND

    return probe


def _nobody(connection: Connection, kind: Kind, namespace: str) -> Callable[[], str]:
    def probe() -> str:
        try:
            connection.get_json(kind.path(namespace, NOBODY))
        except ReadError as error:
            if error.reason != "NotFound":
                raise
        return f"get {kind.qualified}"

    return probe


def _if_known(connection: Connection, kind: Kind, probe: Callable[[], str]) -> Callable[[], str]:
    """The probe, where the cluster has that kind: of others nothing is read, and a refusal would not be missed."""

    def probe_of_known() -> str:
        try:
            found = connection.get_json(f"/apis/{kind.group}/{kind.version}")
        except ReadError as error:
            if error.reason != "NotFound":
                raise
            return UNKNOWN_KIND
        has_it = any(one.get("name") == kind.plural for one in parts(found, "resources"))
        return probe() if has_it else UNKNOWN_KIND

    return probe_of_known


def _owners(connection: Connection, namespace: str) -> Callable[[], str]:
    def probe() -> str:
        for kind in (REPLICA_SETS, DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, JOBS, CRON_JOBS):
            connection.get_json(kind.path(namespace), {"limit": "1"})
        return "list workloads"

    return probe


def _log(connection: Connection, namespace: str) -> Callable[[], str]:
    def probe() -> str:
        for pod in parts(connection.get_json(PODS.path(namespace), {"limit": "20"}), "items"):
            name = text(part(pod, "metadata").get("name"))
            containers = [text(each.get("name")) for each in parts(part(pod, "spec"), "containers")]
            if part(pod, "status").get("phase") != "Running" or not name or not containers or not containers[0]:
                continue
            params = {"container": containers[0], "tailLines": "1", "limitBytes": "1"}
            connection.get(PODS.path(namespace, name) + "/log", params, accept="*/*")
            return "read logs"
        raise ReadError("NothingToTry", f"no running pod in namespace {namespace} to try it on")

    return probe


def _kubelet(connection: Connection, node: str | None) -> Callable[[], str]:
    def probe() -> str:
        if node is None:
            raise ReadError("NothingToTry", "no node is known to try it on")
        page = connection.get(NODES.path(None, node) + "/proxy/metrics/cadvisor", accept="text/plain")
        if b"container_memory_working_set_bytes{" not in page:
            raise ReadError("BadAnswer", f"the kubelet of {node} answers without memory metrics")
        counted = b"container_oom_events_total{" in page
        return f"cAdvisor of {node}" + ("" if counted else ", without container_oom_events_total")

    return probe


def _metrics_api(connection: Connection, namespace: str) -> Callable[[], str]:
    def probe() -> str:
        connection.get_json(f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods", {"limit": "1"})
        return "pod metrics"

    return probe


def _engine(connection: Connection, options: EngineOptions | None) -> Callable[[], str]:
    def probe() -> str:
        from kubectl_oom.read.engines import connect_engine  # noqa: PLC0415 - only here
        from kubectl_oom.read.metrics import missing_families  # noqa: PLC0415 - as above

        if options is None:
            raise ReadError("NotConfigured", "not asked (--no-prometheus)")
        engine = connect_engine(options, connection)
        missing = missing_families(engine)
        return engine.label + (f", without {', '.join(missing)}" if missing else "")

    return probe
