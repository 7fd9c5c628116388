"""What a source of evidence can be asked. A live cluster and a snapshot file answer the same questions.

Everything but `MemoryHistory` is the API's own JSON: what is read here is what `kubectl get -o json` prints.
A question that cannot be answered raises `ReadError`; the caller makes it a gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import HeapLine, MemoryHistory, Owner, WorkloadPast
    from kubectl_oom.read.engine import Engine

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object: enough to build its path and to name it as kubectl does."""

    plural: str
    name: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True

    @property
    def qualified(self) -> str:
        """`pods`, `deployments.apps`: as kubectl names it in errors."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def root(self) -> str:
        """`/api/v1`, `/apis/apps/v1`."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """The path of one object, or of the list when `name` is None; all namespaces when `namespace` is None."""
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.root}{scope}/{self.plural}" + (f"/{name}" if name else "")


PODS = Kind("pods", "Pod")
EVENTS = Kind("events", "Event")
NODES = Kind("nodes", "Node", namespaced=False)
NAMESPACES = Kind("namespaces", "Namespace", namespaced=False)
LIMIT_RANGES = Kind("limitranges", "LimitRange")
RESOURCE_QUOTAS = Kind("resourcequotas", "ResourceQuota")
SERVICES = Kind("services", "Service")
DEPLOYMENTS = Kind("deployments", "Deployment", "apps")
STATEFUL_SETS = Kind("statefulsets", "StatefulSet", "apps")
DAEMON_SETS = Kind("daemonsets", "DaemonSet", "apps")
REPLICA_SETS = Kind("replicasets", "ReplicaSet", "apps")
JOBS = Kind("jobs", "Job", "batch")
CRON_JOBS = Kind("cronjobs", "CronJob", "batch")
DISRUPTION_BUDGETS = Kind("poddisruptionbudgets", "PodDisruptionBudget", "policy")
CLAIMS = Kind("persistentvolumeclaims", "PersistentVolumeClaim")
ARGO_APPLICATIONS = Kind("applications", "Application", "argoproj.io", "v1alpha1")
ARGO_NAMESPACE = "argocd"  # where its applications are, unless the name says otherwise
PROMETHEUS_RULES = Kind("prometheusrules", "PrometheusRule", "monitoring.coreos.com")
POD_METRICS = Kind("pods", "PodMetrics", "metrics.k8s.io", "v1beta1")
HORIZONTAL_AUTOSCALERS = Kind("horizontalpodautoscalers", "HorizontalPodAutoscaler", "autoscaling", "v2")
VERTICAL_AUTOSCALERS = Kind("verticalpodautoscalers", "VerticalPodAutoscaler", "autoscaling.k8s.io")
PROMETHEUS_RULES = Kind("prometheusrules", "PrometheusRule", "monitoring.coreos.com")


class ReadError(Exception):
    """A question that got no answer: `reason` is the API's word for it, or ours where it gave none.

    `status` is the HTTP status, None where there was no HTTP answer (refused, timed out, no such file).
    """

    def __init__(self, reason: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason  # NotFound, Forbidden, Unauthorized, Timeout, Unreachable, BadAnswer, NotRecorded, …
        self.message = message
        self.status = status


class Source(Protocol):
    """A live cluster or a recording of one."""

    namespace: str  # the context's own namespace
    label: str  # as printed: the server's address, or the file's name

    def get(self, kind: Kind, namespace: str | None, name: str) -> Json:
        """One object."""

    def list(self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = "") -> list[Json]:
        """All objects that match both selectors; `namespace` None means all namespaces."""

    def kubelet_metrics(self, node: str) -> str:
        """The memory lines of the kubelet's `/metrics/cadvisor`, in the Prometheus text format."""

    def kubelet_summary(self, node: str) -> Json:
        """The kubelet's `/stats/summary`."""

    def pod_metrics(self, namespace: str, pod: str) -> Json:
        """The pod's `PodMetrics` of metrics.k8s.io."""

    def requested_on(self, node: str) -> int:
        """Bytes of memory that the pods on a node request, those that have ended left out."""

    def heap_lines(self, namespace: str, pod: str, container: str, *, previous: bool) -> tuple[HeapLine, ...]:
        """Lines at the end of a container's log that name the program's own out-of-memory error."""

    def history(
        self, namespace: str, pods: Sequence[str], nodes: Sequence[str], since: datetime, until: datetime
    ) -> MemoryHistory:
        """What the metrics engine holds about these pods; ReadError where there is no engine or it fails."""

    def past(
        self, namespace: str, workload: Owner | None, living: Sequence[str], since: datetime, until: datetime
    ) -> WorkloadPast:
        """What it remembers of a workload, its gone pods included; `living` are the names that are known."""


@runtime_checkable
class ClusterSource(Source, Protocol):
    """A live cluster: thousands of pods can be read at once, page by page, and the metrics engine be asked freely."""

    def pages_of(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Iterator[Sequence[Json]]:
        """The objects of `list`, as they arrive."""

    def engine(self) -> Engine:
        """The metrics engine; ReadError where there is none."""
