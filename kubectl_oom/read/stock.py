"""What runs in a cluster, in a few lists: the pods with the chain of their owners, and what each uses now.

Nothing is asked about a single pod. Pages become evidence as they arrive: the JSON of five thousand pods would take
300 MB at once.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Owner
from kubectl_oom.read.answer import part, text
from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.kubelet import from_pod_metrics
from kubectl_oom.read.objects import node_of, owners_of, pod_of
from kubectl_oom.read.source import DEPLOYMENTS, JOBS, NODES, POD_METRICS, PODS, REPLICA_SETS, ReadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kubectl_oom.evidence import ContainerKey, Gap, MemoryNow, Node, Pod
    from kubectl_oom.read.source import ClusterSource, Json, Kind
    from kubectl_oom.read.targets import Scope

Above = dict[tuple[str, str, str], tuple[Owner, ...]]  # namespace, kind and name of an owner → its own
_BETWEEN = (REPLICA_SETS, JOBS)  # what stands between pods and what people call their workload
_TEMPLATE_HASH = "pod-template-hash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """The pods of a selection by namespace, the nodes, and what could not be read."""

    pods: Mapping[str, tuple[Pod, ...]]
    nodes: Mapping[str, Node]
    gaps: tuple[Gap, ...]

    @property
    def containers(self) -> dict[str, int]:
        """Namespace → how many containers its pods have."""
        return {name: sum(len(pod.containers) for pod in pods) for name, pods in self.pods.items()}


def take_stock(source: ClusterSource, scope: Scope) -> Stock:
    """All pods of a selection. ReadError where they cannot be listed; owners and nodes may be missing, as a gap."""
    items: list[tuple[Pod, bool]] = []
    for page in _selected(source, scope):
        items += [(pod_of(item), named_by_hash(item)) for item in page]
    gaps: list[Gap] = []
    above: Above = {}
    for kind in _BETWEEN:
        if any(pod.owners and pod.owners[0].kind == kind.name for pod, _ in items):
            try:
                above |= _owners_of_all(source, kind, scope.namespace)
            except ReadError as error:
                gaps.append(gap_of("owners", f"{kind.name}s", error))
                above |= _by_hash(items) if kind is REPLICA_SETS else {}
    found: dict[str, list[Pod]] = defaultdict(list)
    for pod, _ in items:
        found[pod.namespace].append(_with_owners(pod, above))
    nodes = _nodes(source, gaps) if items else {}
    ordered = {name: tuple(sorted(pods, key=lambda pod: pod.name)) for name, pods in sorted(found.items())}
    return Stock(pods=_of_kinds(ordered, scope), nodes=nodes, gaps=tuple(gaps))


def uses_now(
    source: ClusterSource, namespace: str | None, gaps: list[Gap]
) -> dict[ContainerKey, tuple[MemoryNow, ...]]:
    """What every container uses now, from the one list of metrics.k8s.io; a gap where that cannot be read."""
    found: dict[ContainerKey, tuple[MemoryNow, ...]] = {}
    try:
        for page in source.pages_of(POD_METRICS, namespace):
            for item in page:
                meta = part(item, "metadata")
                of, pod = text(meta.get("namespace")) or "", text(meta.get("name")) or ""
                found |= {(of, pod, name): (now,) for name, now in from_pod_metrics(item).items()}
    except ReadError as error:
        gaps.append(gap_of("metrics.k8s.io", "pods", error))
    return found


def is_selection_of_pods(scope: Scope) -> bool:
    """Whether the scope can be read as one list of pods: all of them, by label, or all of some kinds."""
    if not scope.is_selection or any(target.kind is NODES for target in scope.targets):
        return False
    return not scope.labels or all(target.kind is PODS for target in scope.targets)


def _selected(source: ClusterSource, scope: Scope) -> Iterator[Sequence[Json]]:
    return source.pages_of(PODS, scope.namespace, labels=scope.labels)


def _of_kinds(pods: Mapping[str, tuple[Pod, ...]], scope: Scope) -> dict[str, tuple[Pod, ...]]:
    """Those that belong to a workload of a kind that was asked for."""
    kinds = {target.kind for target in scope.targets}
    if PODS in kinds:
        return dict(pods)
    names = {(kind.group, kind.name) for kind in kinds}
    kept = {
        namespace: tuple(
            pod for pod in listed if any((o.api_version.partition("/")[0], o.kind) in names for o in pod.owners)
        )
        for namespace, listed in pods.items()
    }
    return {namespace: listed for namespace, listed in kept.items() if listed}


def _owners_of_all(source: ClusterSource, kind: Kind, namespace: str | None) -> Above:
    found: Above = {}
    for page in source.pages_of(kind, namespace):
        for item in page:
            meta, owners = part(item, "metadata"), owners_of(item)
            if owners:
                found[text(meta.get("namespace")) or "", kind.name, text(meta.get("name")) or ""] = owners
    return found


def _by_hash(items: list[tuple[Pod, bool]]) -> Above:
    """The Deployments of ReplicaSets whose names say so."""
    version = f"{DEPLOYMENTS.group}/{DEPLOYMENTS.version}"
    found: Above = {}
    for pod, named in items:
        if named:
            name = pod.owners[0].name.rpartition("-")[0]
            owner = Owner(api_version=version, kind=DEPLOYMENTS.name, name=name)
            found[pod.namespace, REPLICA_SETS.name, pod.owners[0].name] = (owner,)
    return found


def named_by_hash(item: Json) -> bool:
    """True where the pod's ReplicaSet has a name as the deployment controller gives it: the Deployment's and a hash."""
    template = text(part(part(item, "metadata"), "labels").get(_TEMPLATE_HASH))
    owners = owners_of(item)
    return bool(template and owners and owners[0].kind == REPLICA_SETS.name and owners[0].name.endswith(f"-{template}"))


def _with_owners(pod: Pod, above: Above) -> Pod:
    """The pod with the chain of its owners as far as it is known."""
    if not pod.owners:
        return pod
    nearest = pod.owners[0]
    higher = above.get((pod.namespace, nearest.kind, nearest.name), ())
    return replace(pod, owners=(nearest, *higher)) if higher else pod


def _nodes(source: ClusterSource, gaps: list[Gap]) -> dict[str, Node]:
    found: dict[str, Node] = {}
    try:
        for page in source.pages_of(NODES, None):
            found |= {node.name: node for node in map(node_of, page)}
    except ReadError as error:
        gaps.append(gap_of("nodes", "", error))
    return found
