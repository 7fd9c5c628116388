"""Who else keeps the object: what they would set back, and where the size has to be changed for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Check, Citation, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import FieldManager
    from kubectl_oom.judge.preflight.situation import Situation

_TRACKING = "argocd.argoproj.io/tracking-id"  # app:group/Kind:namespace/name
_ARGO_LABEL = "argocd.argoproj.io/instance"
_INSTANCE = "app.kubernetes.io/instance"  # Argo CD's label of old; every Helm chart sets it too, so it names only
_FLUX_KUSTOMIZE = "kustomize.toolkit.fluxcd.io"
_FLUX_HELM = "helm.toolkit.fluxcd.io"
_FLUX_LEAVES_ALONE = frozenset({"Ignore", "IfNotPresent"})  # values of its annotation `ssa`
_RELEASE = "meta.helm.sh/release-name"
_KAPP = "kapp.k14s.io/app"
_ORIGIN = "config.kubernetes.io/origin"
# Field managers of code that is applied again, by the beginning of their names.
_CODE = {"Terraform": "Terraform", "HashiCorp": "Terraform", "pulumi": "Pulumi"}
_FROM_FILES = "kubectl-client-side-apply"
# Field managers that stand for somebody's hand, this tool's included, and the controllers that make an object and then
# leave its template alone: nothing comes back by itself.
_BY_HAND = (
    *("kubectl", "Mozilla", "dashboard", "k9s", "node-fetch", "before-first-apply"),
    *("kube-apiserver", "kube-controller-manager"),
)
_TOLD_BEFORE = ("argocd", "kustomize-controller", "helm", "kapp", _FROM_FILES, *_CODE)


def keepers(here: Situation) -> Iterator[Check]:
    """Owners, GitOps tools, package managers and every other writer of the memory that is changed."""
    yield from _owner(here)
    yield from _argo_cd(here)
    yield from _flux(here)
    yield from _packages(here)
    yield from _code(here)
    yield from _other_managers(here)


def _owner(here: Situation) -> Iterator[Check]:
    facts = here.facts
    above = facts.owned_by or (here.room.owned_by if here.room else None)
    if above is not None:
        group = above.api_version.partition("/")[0]
        yield Check(
            code="owned-by-operator",
            severity=Severity.CRITICAL,
            message=f"{here.name} belongs to {above.kind} {above.name} ({above.api_version}): its operator sets it back "
            "to what stands there.",
            evidence=(here.cite("metadata.ownerReferences", f"{above.api_version} {above.kind} {above.name}"),),
            remedy=f"set the size there: kubectl edit {above.kind.lower()}.{group}/{above.name} -n {facts.namespace}",
            blocks=True,
        )
    elif facts.controller is not None and facts.target.kind != "Pod":
        owner = facts.controller
        yield Check(
            code="owned-by-workload",
            severity=Severity.CRITICAL,
            message=f"{here.name} belongs to {owner.kind} {owner.name}, which makes the next one from its own template.",
            evidence=(here.cite("metadata.ownerReferences", f"{owner.api_version} {owner.kind} {owner.name}"),),
            remedy=f"fix {owner.kind.lower()}/{owner.name} instead",
            blocks=True,
        )


def _argo_cd(here: Situation) -> Iterator[Check]:
    marks = here.facts.marks
    own = marks.get(_TRACKING, "")
    app, field = (own.partition(":")[0], _TRACKING) if _tracks(own, here) else (marks.get(_ARGO_LABEL), _ARGO_LABEL)
    if not app and _named(here, "argocd"):
        app, field = marks.get(_INSTANCE, "of an unknown name"), "managedFields"
    if not app:
        return
    heals, sets = here.facts.self_heals, _sets_the_memory(here, "argocd")
    if not sets:
        said = "keeps it and says nothing about this memory, so it should leave the change alone"
    elif heals is None:
        said = (
            "keeps it; whether it heals by itself could not be read, and where it does, the change is gone in minutes"
        )
    else:
        said = "heals by itself: the change is gone in minutes" if heals else "sets the memory back at its next sync"
    yield Check(
        code="argo-cd",
        severity=Severity.WARNING,
        message=f"Argo CD application {app} {said}.",
        evidence=(here.cite(field, own if field == _TRACKING else app),),
        remedy="change it in the application's repository (-o kustomize, -o helm-values)",
        blocks=sets and heals is not False,
    )


def _tracks(mark: str, here: Situation) -> bool:
    """Whether a tracking id is about this object: controllers copy annotations to what they make."""
    target = here.facts.target
    _, _, about = mark.partition(":")
    kind, _, place = about.partition(":")
    return kind.rpartition("/")[2] == target.kind and place == f"{here.facts.namespace}/{target.name}"


def _flux(here: Situation) -> Iterator[Check]:
    marks = here.facts.marks
    name = marks.get(f"{_FLUX_KUSTOMIZE}/name")
    release = marks.get(f"{_FLUX_HELM}/name")
    if name and _flux_leaves_it_alone(here):
        yield Check(
            code="flux-looks-away",
            severity=Severity.INFO,
            message=f"Flux's Kustomization {name} is told to leave {here.name} as it is, so the change stays.",
            evidence=(here.cite(f"{_FLUX_KUSTOMIZE}/name", name),),
        )
    elif name:
        place = marks.get(f"{_FLUX_KUSTOMIZE}/namespace", here.facts.namespace)
        sets = _sets_the_memory(here, "kustomize-controller")
        said = "sets the memory back when it reconciles" if sets else "says nothing about this memory and leaves it"
        yield Check(
            code="flux",
            severity=Severity.WARNING,
            message=f"Flux's Kustomization {place}/{name} {said}.",
            evidence=(here.cite(f"{_FLUX_KUSTOMIZE}/name", name),),
            remedy=f"change it in git (-o kustomize), or first: flux suspend kustomization {name} -n {place}",
            blocks=sets,
        )
    if release:
        yield Check(
            code="flux-helm",
            severity=Severity.WARNING,
            message=f"Flux's HelmRelease {release} sets the memory back at its next upgrade, and within its interval "
            "where its drift detection is on.",
            evidence=(here.cite(f"{_FLUX_HELM}/name", release),),
            remedy="change the values of the HelmRelease in git (-o helm-values)",
        )


def _flux_leaves_it_alone(here: Situation) -> bool:
    marks = here.facts.marks
    disabled = marks.get(f"{_FLUX_KUSTOMIZE}/reconcile") == "disabled"
    return disabled or marks.get(f"{_FLUX_KUSTOMIZE}/ssa") in _FLUX_LEAVES_ALONE


def _packages(here: Situation) -> Iterator[Check]:
    marks = here.facts.marks
    release = marks.get(_RELEASE)
    if release and f"{_FLUX_HELM}/name" not in marks:
        place = marks.get("meta.helm.sh/release-namespace", here.facts.namespace)
        yield Check(
            code="helm-managed",
            severity=Severity.WARNING,
            message=f"Helm release {release} sets the memory back at its next upgrade.",
            evidence=(here.cite(_RELEASE, release),),
            remedy=f"change its values as well (-o helm-values; today's: helm get values {release} -n {place})",
        )
    if kapp := marks.get(_KAPP):
        yield Check(
            code="kapp",
            severity=Severity.WARNING,
            message="kapp sets the memory back when its application is deployed again.",
            evidence=(here.cite(_KAPP, kapp),),
            remedy="change it in the files that kapp deploys",
        )
    if origin := marks.get(_ORIGIN):
        yield Check(
            code="kustomize",
            severity=Severity.WARNING,
            message="It was built by kustomize: whoever applies that build again sets the memory back.",
            evidence=(here.cite(_ORIGIN, " ".join(origin.split())),),
            remedy="change it in git as well (-o kustomize)",
        )


def _code(here: Situation) -> Iterator[Check]:
    """Tools that hold the wanted state in files and write it when somebody runs them."""
    for tool in dict.fromkeys(tool for begin, tool in _CODE.items() if _named(here, begin)):
        begins = [begin for begin, named in _CODE.items() if named == tool]
        yield Check(
            code="infrastructure-code",
            severity=Severity.WARNING,
            message=f"{tool} keeps it: its next run sets the memory back to what its code says.",
            evidence=tuple(_cite(here, one) for begin in begins for one in _named(here, begin)),
            remedy=f"change it in the {tool} code as well",
        )
    files = [one for one in _named(here, _FROM_FILES) if _owns(one, here)]
    if files:
        yield Check(
            code="applied-from-files",
            severity=Severity.WARNING,
            message="This memory was set by `kubectl apply`: applying the same file again sets it back.",
            evidence=tuple(_cite(here, one) for one in files),
            remedy="change it in the file as well (-o kustomize, -o yaml)",
        )


def _other_managers(here: Situation) -> Iterator[Check]:
    for one in here.facts.managers:
        if not _owns(one, here) or one.name.startswith(_TOLD_BEFORE):
            continue
        if one.operation == "Apply":
            yield Check(
                code="other-manager",
                severity=Severity.WARNING,
                message=f"{one.name} set this memory by server-side apply: its next apply sets it back, or ends in a "
                "conflict.",
                evidence=(_cite(here, one),),
                remedy=f"change it where {one.name} takes it from",
            )
        elif not one.name.startswith(_BY_HAND):
            yield Check(
                code="other-writer",
                severity=Severity.INFO,
                message=f"{one.name} wrote this memory before; if it writes again, it may set it back.",
                evidence=(_cite(here, one),),
            )


def _named(here: Situation, begin: str) -> list[FieldManager]:
    return [one for one in here.facts.managers if one.name.startswith(begin)]


def _owns(manager: FieldManager, here: Situation) -> bool:
    return bool(here.changed & set(manager.memory_of))


def _sets_the_memory(here: Situation, begin: str) -> bool:
    """False only where a keeper has written fields of the object, and neither it nor anybody else this memory.

    A change by somebody else takes the ownership away from the keeper, so memory that others own may be its own.
    """
    return not _named(here, begin) or any(_owns(one, here) for one in here.facts.managers)


def _cite(here: Situation, manager: FieldManager) -> Citation:
    cited = here.cite("metadata.managedFields", f"{manager.name}, {manager.operation}")
    return Citation(source=cited.source, field=cited.field, value=cited.value, at=manager.at)
