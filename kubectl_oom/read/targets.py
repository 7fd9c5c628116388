"""Words of the command line become pods: `pod/x`, `x`, `deploy/y`, `TYPE NAME…`, `-l`, `-A`, as kubectl reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.errors import OomError
from kubectl_oom.evidence import Owner
from kubectl_oom.read import answer
from kubectl_oom.read.answer import part, text
from kubectl_oom.read.kinds import KINDS, kind_named, known, same_group
from kubectl_oom.read.objects import owners_of
from kubectl_oom.read.source import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NODES,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    Json,
    Kind,
    ReadError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kubectl_oom.evidence import PodKey
    from kubectl_oom.read.source import Source

_BOTH_FORMS = (
    "error: there is no need to specify a resource type as a separate argument when passing arguments in "
    "resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of "
    "'kubectl get resource resource/<resource_name>'"
)


@dataclass(frozen=True, slots=True)
class Target:
    """One thing the user named. `name` None: all of that kind, narrowed by the selector."""

    kind: Kind
    name: str | None

    def __str__(self) -> str:
        """As kubectl prints it: `pod/x`, `deployment.apps/y`."""
        kind = self.kind.name.lower() + (f".{self.kind.group}" if self.kind.group else "")
        return f"{kind}/{self.name}" if self.name else self.kind.plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What to look at: targets in one namespace, or a selection over one or all."""

    targets: tuple[Target, ...]
    namespace: str | None  # None: all namespaces
    labels: str = ""
    container: str | None = None

    @property
    def is_selection(self) -> bool:
        """True for lists (-l, -A, a type without names): an empty answer is then no error."""
        return all(target.name is None for target in self.targets)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that were asked about by name."""
        return tuple(target.name for target in self.targets if target.kind is NODES and target.name)


def parse_targets(
    words: Sequence[str], *, labels: str, all_namespaces: bool, command: str = "why"
) -> tuple[Target, ...]:
    """The targets that the words name; OomError worded as kubectl words it, which sends to the help of `command`."""
    if not words:
        if labels or all_namespaces:
            return (Target(PODS, None),)
        raise OomError(
            "error: you must specify what to look at: a pod or TYPE/NAME, -l SELECTOR or -A",
            f"See 'kubectl oom {command} -h' for help and examples",
        )
    slashed = any("/" in word for word in words)
    targets = tuple(_slashed(words) if slashed else _spaced(words, labels))
    if labels and slashed:
        raise OomError("error: selectors and the all flag cannot be used when passing resource/name arguments")
    if labels and any(target.name is not None for target in targets):
        raise OomError("error: name cannot be provided when a selector is specified")
    if all_namespaces and any(target.name is not None and target.kind.namespaced for target in targets):
        raise OomError("error: a resource cannot be retrieved by name across all namespaces")
    for target in targets:
        if target.name is not None:
            _refuse_bad_name("resource name", target.name)
    return targets


def refuse_bad_namespace(namespace: str) -> None:
    """OomError for a namespace that cannot stand in a path: it would lead to another resource."""
    _refuse_bad_name("namespace", namespace)


def _refuse_bad_name(what: str, name: str) -> None:
    """The checks and words of k8s.io/apimachinery/pkg/api/validation/path."""
    if not name:
        raise OomError(f"error: {what} may not be empty")
    wrong = [f"may not be '{name}'"] if name in (".", "..") else [f"may not contain '{c}'" for c in "/%" if c in name]
    if wrong:
        raise OomError(f'error: invalid {what} "{name}": [{" ".join(wrong)}]')


def _slashed(words: Sequence[str]) -> Iterable[Target]:
    if not all("/" in word for word in words):
        raise OomError(_BOTH_FORMS)
    for word in words:
        parts = word.split("/")
        if len(parts) > 2:  # noqa: PLR2004 - TYPE/NAME has two parts
            raise OomError("error: arguments in resource/name form may not have more than one slash")
        if not all(parts) or "," in parts[0]:
            raise OomError("error: arguments in resource/name form must have a single resource and name")
        yield Target(kind_named(parts[0]), parts[1])


def _spaced(words: Sequence[str], labels: str) -> Iterable[Target]:
    first, rest = words[0], words[1:]
    if rest:
        if "," in first:
            return (Target(kind_named(one), name) for one in first.split(",") for name in rest)
        return (Target(kind_named(first), name) for name in rest)
    # A lone word is a pod's name, as for `kubectl logs`; with a selector, or a comma, it can only be a type.
    if labels or "," in first:
        return (Target(kind_named(one), None) for one in first.split(","))
    kind = known(first)
    if kind and (first.lower() in KINDS or same_group(first.lower().partition(".")[2], kind)):
        return (Target(kind, None),)  # not `job.nightly`, which can only be a pod's name
    return (Target(PODS, first),)


# --- from targets to pods ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPod:
    """A pod's JSON with the chain of its owners, nearest first."""

    item: Json
    owners: tuple[Owner, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The pods of a scope, and the workloads they came from (their JSON tells the replicas)."""

    pods: tuple[FoundPod, ...]
    workloads: tuple[Json, ...] = ()
    targets: tuple[frozenset[PodKey], ...] = ()  # the pods of each target
    refused: tuple[ReadError, ...] = ()  # why ReplicaSets could not be listed: their pods were told by name


def find(source: Source, scope: Scope) -> Found:
    """All pods of the scope, each once. ReadError when a named thing does not exist or may not be read."""
    pods: dict[PodKey, FoundPod] = {}
    workloads: list[Json] = []
    targets: list[frozenset[PodKey]] = []
    refused: list[ReadError] = []
    for target in scope.targets:
        found = _find_one(source, scope, target)
        workloads += found.workloads
        refused += found.refused
        own = {_pod_key(pod.item): pod for pod in found.pods}
        pods = {**own, **pods}
        targets.append(frozenset(own))
    return Found(
        pods=tuple(pods.values()), workloads=tuple(workloads), targets=tuple(targets), refused=tuple(refused[:1])
    )


def _pod_key(item: Json) -> PodKey:
    meta = part(item, "metadata")
    return text(meta.get("namespace")) or "", text(meta.get("name")) or ""


def _find_one(source: Source, scope: Scope, target: Target) -> Found:
    if target.kind is NODES:
        return _on_node(source, scope, target)
    if target.kind is PODS:
        if target.name is None:
            items = source.list(PODS, scope.namespace, labels=scope.labels)
        else:
            items = [source.get(PODS, scope.namespace, target.name)]
        return Found(pods=tuple(FoundPod(item=i, owners=owners_of(i)) for i in items))
    if target.name is None:
        listed = source.list(target.kind, scope.namespace, labels=scope.labels)
        workloads = [item | {"kind": target.kind.name} for item in listed]  # which a list does not say of its items
    else:
        workloads = [source.get(target.kind, scope.namespace, target.name)]
    refused: list[ReadError] = []
    pods = [pod for workload in workloads for pod in _pods_of(source, target.kind, workload, refused)]
    return Found(pods=tuple(pods), workloads=tuple(workloads), refused=tuple(refused[:1]))


def _on_node(source: Source, scope: Scope, target: Target) -> Found:
    names = [target.name] if target.name else [_name(n) for n in source.list(NODES, None)]
    if target.name:
        source.get(NODES, None, target.name)  # an unknown node is an error, not an empty answer
    items = [i for name in names for i in source.list(PODS, None, fields=f"spec.nodeName={name}")]
    kept = [i for i in items if scope.namespace is None or part(i, "metadata").get("namespace") == scope.namespace]
    return Found(pods=tuple(FoundPod(item=i, owners=owners_of(i)) for i in kept))


def _pods_of(source: Source, kind: Kind, workload: Json, refused: list[ReadError]) -> list[FoundPod]:
    """The pods a workload controls now: by its selector, then by the owner's uid (selectors can overlap).

    Where ReplicaSets may not be listed, their names tell whose they are; the refusal is added to `refused`.
    """
    namespace = text(part(workload, "metadata").get("namespace"))
    owner = Owner(api_version=f"{kind.group}/{kind.version}", kind=kind.name, name=_name(workload))
    above = owners_of(workload)
    if kind is CRON_JOBS:
        jobs = [j for j in source.list(JOBS, namespace) if _owned(j, workload)]
        return [
            FoundPod(item=pod.item, owners=pod.owners) for job in jobs for pod in _pods_of(source, JOBS, job, refused)
        ]
    selector = selector_of(part(part(workload, "spec"), "selector"))
    if not selector:
        return []
    items = source.list(PODS, namespace, labels=selector)
    if kind is not DEPLOYMENTS:
        return [FoundPod(item=i, owners=(owner, *above)) for i in items if _owned(i, workload)]
    try:
        sets = {_uid(r) for r in source.list(REPLICA_SETS, namespace, labels=selector) if _owned(r, workload)}
        own = [i for i in items if _owner_uid(i) in sets]
    except ReadError as error:
        if error.reason != "Forbidden":
            raise
        refused.append(error)
        own = [i for i in items if _named_for(i, _name(workload))]
    return [FoundPod(item=i, owners=(*owners_of(i), owner, *above)) for i in own]


def _named_for(item: Json, deployment: str) -> bool:
    """True when the pod's ReplicaSet has the name the deployment controller gives: the deployment's and the hash."""
    template = text(part(part(item, "metadata"), "labels").get("pod-template-hash"))
    names = [owner.name for owner in owners_of(item) if owner.kind == REPLICA_SETS.name]
    return template is not None and names == [f"{deployment}-{template}"]


def _name(item: Json) -> str:
    return text(part(item, "metadata").get("name")) or ""


def _uid(item: Json) -> str | None:
    return text(part(item, "metadata").get("uid"))


def _owner_uid(item: Json) -> str | None:
    return next(
        (text(r.get("uid")) for r in answer.parts(part(item, "metadata"), "ownerReferences") if r.get("controller")),
        None,
    )


def _owned(item: Json, owner: Json) -> bool:
    uid = _owner_uid(item)
    return uid is not None and uid == _uid(owner)


def selector_of(selector: Json) -> str:
    """A LabelSelector object as the text form the API's `labelSelector` parameter takes.

    A rule of no kind that is known is left out: whose the pods are is told by their owners.
    """
    terms = [f"{key}={value}" for key, value in part(selector, "matchLabels").items()]
    for rule in answer.parts(selector, "matchExpressions"):
        key, values = rule.get("key"), ",".join(answer.words(rule, "values"))
        forms = {
            "In": f"{key} in ({values})",
            "NotIn": f"{key} notin ({values})",
            "Exists": str(key),
            "DoesNotExist": f"!{key}",
        }
        term = forms.get(str(rule.get("operator")))
        terms += [term] if term else []
    return ",".join(terms)


# --- the owner chain -----------------------------------------------------------------------------------------------

_WALKABLE = {kind.name: kind for kind in (REPLICA_SETS, JOBS, DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, CRON_JOBS)}
MAX_OWNERS = 5  # Pod → ReplicaSet → Deployment → operator's own kind → its owner: deeper chains are not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Climb:
    """The chain of owners to the top, the objects met on the way, and the read that ended it early, if one did."""

    owners: tuple[Owner, ...]
    objects: tuple[Json, ...]
    stopped_by: ReadError | None = None


def climb(source: Source, namespace: str, owners: tuple[Owner, ...]) -> Climb:
    """The chain from the last known owner to the top. An operator's own kind is named, not read."""
    chain, objects = list(owners), list[Json]()
    while chain and len(chain) < MAX_OWNERS:
        kind = _WALKABLE.get(chain[-1].kind)
        if kind is None or not chain[-1].api_version.startswith(f"{kind.group}/"):
            break
        try:
            objects.append(source.get(kind, namespace, chain[-1].name))
        except ReadError as error:
            return Climb(owners=tuple(chain), objects=tuple(objects), stopped_by=error)
        above = owners_of(objects[-1])
        if not above:
            break
        chain.extend(above)
    return Climb(owners=tuple(chain), objects=tuple(objects))
