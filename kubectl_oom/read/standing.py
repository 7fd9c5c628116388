"""What stands around a workload's pods when they are replaced: disruption budgets, volumes, and who syncs from git."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Budget
from kubectl_oom.judge.patching import pod_spec_of
from kubectl_oom.read.answer import part, parts, text, whole, words
from kubectl_oom.read.gaps import gap_of
from kubectl_oom.read.source import ARGO_APPLICATIONS, ARGO_NAMESPACE, CLAIMS, DISRUPTION_BUDGETS, ReadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kubectl_oom.evidence import Gap, Node, WorkloadFacts
    from kubectl_oom.read.source import Json, Source

_TRACKING = "argocd.argoproj.io/tracking-id"
_ARGO_LABEL = "argocd.argoproj.io/instance"
_ONE_NODE, _ONE_POD = "ReadWriteOnce", "ReadWriteOncePod"


def with_surroundings(facts: WorkloadFacts, item: Json, source: Source, nodes: Mapping[str, Node]) -> WorkloadFacts:
    """The facts with what other objects tell. Never raises: what cannot be read is a gap.

    `item` is the object that the facts are about, `nodes` those of its pods as far as they were read.
    """
    gaps: list[Gap] = []
    once, one_pod = _claims(facts, item, source, gaps)
    kubelets = {node.name: node.kubelet_version for node in nodes.values() if node.kubelet_version}
    return replace(
        facts,
        budgets=_budgets(facts, item, source, gaps),
        claims_once=once,
        claims_one_pod=one_pod,
        kubelets=kubelets,
        self_heals=_self_heals(facts, source, gaps),
        gaps=(*facts.gaps, *gaps),
    )


def _gap(source: str, subject: str, error: ReadError) -> list[Gap]:
    """What a failed read leaves; of a snapshot, which holds none of this, the facts themselves have said so."""
    return [] if error.reason == "NotRecorded" else [gap_of(source, subject, error)]


# --- disruption budgets ----------------------------------------------------------------------------------------------


def _budgets(facts: WorkloadFacts, item: Json, source: Source, gaps: list[Gap]) -> tuple[Budget, ...]:
    """Those that select the workload's pods; a Job's and a bare pod's are not replaced by a rollout."""
    if facts.target.kind in ("Pod", "Job", "CronJob"):
        return ()
    try:
        items = source.list(DISRUPTION_BUDGETS, facts.namespace)
    except ReadError as error:
        gaps += _gap("disruption budgets", f"namespace {facts.namespace}", error)
        return ()
    labels = part(part(part(part(item, "spec"), "template"), "metadata"), "labels")
    return tuple(
        Budget(
            name=text(part(one, "metadata").get("name")) or "",
            allowed=whole(part(one, "status").get("disruptionsAllowed")),
        )
        for one in items
        if _selects(part(one, "spec").get("selector"), labels)
    )


def _selects(selector: object, labels: Json) -> bool:
    """As policy/v1 has it: no selector selects nothing, and an empty one every pod."""
    if not isinstance(selector, dict):
        return False
    exact: bool = all(labels.get(key) == value for key, value in part(selector, "matchLabels").items())
    return exact and all(_meets(rule, labels) for rule in parts(selector, "matchExpressions"))


def _meets(rule: Json, labels: Json) -> bool:
    key, operator, values = str(rule.get("key")), str(rule.get("operator")), words(rule, "values")
    if operator in ("Exists", "DoesNotExist"):
        return (key in labels) == (operator == "Exists")
    return (labels.get(key) in values) == (operator == "In")


# --- volumes ---------------------------------------------------------------------------------------------------------


def _claims(
    facts: WorkloadFacts, item: Json, source: Source, gaps: list[Gap]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The claims of the template that one node, or one pod, at a time may mount; asked only where pods overlap."""
    once: list[str] = []
    one_pod: list[str] = []
    for name in _claimed(item) if facts.surge else ():
        try:
            claim = source.get(CLAIMS, facts.namespace, name)
        except ReadError as error:
            gaps += _gap("claims", name, error)
            continue
        modes = set(words(part(claim, "spec"), "accessModes"))
        if modes == {_ONE_NODE}:
            once.append(name)
        elif modes == {_ONE_POD}:
            one_pod.append(name)
    return tuple(once), tuple(one_pod)


def _claimed(item: Json) -> Iterable[str]:
    volumes = parts(pod_spec_of(item), "volumes")
    names = [text(part(volume, "persistentVolumeClaim").get("claimName")) for volume in volumes]
    return dict.fromkeys(name for name in names if name)


# --- Argo CD ---------------------------------------------------------------------------------------------------------


def _self_heals(facts: WorkloadFacts, source: Source, gaps: list[Gap]) -> bool | None:
    """Whether the Argo CD application that tracks the object reverts changes; None where none does, or it is unread."""
    app = facts.marks.get(_TRACKING, "").partition(":")[0] or facts.marks.get(_ARGO_LABEL)
    if not app:
        return None
    # An application outside of Argo CD's own namespace is tracked as namespace_name; no namespace has a "_" in it.
    place, apart, name = app.partition("_")
    place, name = (place, name) if apart else (ARGO_NAMESPACE, app)
    try:
        found = source.get(ARGO_APPLICATIONS, place, name)
    except ReadError as error:
        gaps += _gap("argo cd", f"application {place}/{name}", error)
        return None
    automated = part(part(found, "spec"), "syncPolicy").get("automated")
    if not isinstance(automated, dict) or automated.get("enabled") is False:
        return False
    return automated.get("selfHeal") is True
