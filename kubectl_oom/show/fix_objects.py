"""A change as what belongs in git: the patched object, the patch, patches for kustomize, values for a Helm chart."""

from __future__ import annotations

import json
import re
from textwrap import indent
from typing import TYPE_CHECKING, Any

from kubectl_oom.errors import OomError
from kubectl_oom.evidence import ContainerType
from kubectl_oom.judge.patching import pod_spec_of
from kubectl_oom.show.document import to_json, to_yaml
from kubectl_oom.show.fix_facts import name_of
from kubectl_oom.show.words import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kubectl_oom.evidence import ContainerChange, FixOutcome, FixPlan, WorkloadFacts

Json = dict[str, Any]

_IN = "  "
# helm.sh/chart: name and version, joined by a "-". Helm takes semantic versions only; of `+` the label makes `_`.
_CHART = re.compile(r"(?P<name>.+?)-v?\d+\.\d+\.\d+(?:[-_].*)?")


def objects_text(objects: Sequence[Mapping[str, Any]], form: str) -> str:
    """The objects as kubectl prints them: one alone, several in a List; without managedFields, as kubectl hides them."""
    shown = [_without_managed_fields(one) for one in objects]
    document: Json = shown[0] if len(shown) == 1 else {"apiVersion": "v1", "items": shown, "kind": "List"}
    return to_json(document) if form == "json" else to_yaml(document)


def _without_managed_fields(item: Mapping[str, Any]) -> Json:
    metadata = {key: value for key, value in item.get("metadata", {}).items() if key != "managedFields"}
    return {**item, "metadata": metadata}


def patches_text(outcomes: Sequence[FixOutcome]) -> str:
    """Each patch on a line: what `kubectl patch --patch-file` takes."""
    return "".join(json.dumps(outcome.plan.patch) + "\n" for outcome in _with_changes(outcomes))


def kustomize_text(outcomes: Sequence[FixOutcome]) -> str:
    """`patches:` for the kustomization.yaml that has the workloads, one entry for each.

    Each entry names its target, so that it is found whether or not the manifest names a namespace.
    """
    plans = [outcome.plan for outcome in _with_changes(outcomes)]
    if not plans:
        return ""
    names = ", ".join(one_line(name_of(plan)) for plan in plans)
    return f"# {names}: for the kustomization.yaml that has it\npatches:\n" + "".join(map(_kustomize_entry, plans))


def _kustomize_entry(plan: FixPlan) -> str:
    owner = plan.facts.target
    group, _, version = owner.api_version.rpartition("/")
    # The name of a target is a regular expression, anchored on both sides.
    found = {"version": version, "kind": owner.kind, "name": owner.name.replace(".", "[.]")}
    target = to_yaml({"target": ({"group": group} if group else {}) | found})
    patch = {"apiVersion": owner.api_version, "kind": owner.kind, "metadata": {"name": owner.name}, **plan.patch}
    return f"- {indent(target, _IN).lstrip()}{_IN}patch: |-\n{indent(to_yaml(patch), _IN * 2)}"


def helm_values_text(outcomes: Sequence[FixOutcome]) -> str:
    """Values for the chart that a workload came from, where its keys can be told; OomError where they cannot.

    The cluster does not keep how a chart spells its values. What `helm create` lays out, and most charts follow, is
    `resources` at the top for the one container that is called as the chart is; anything else would be a guess.
    """
    return "---\n".join([_values(outcome.plan) for outcome in _with_changes(outcomes)])


def _values(plan: FixPlan) -> str:
    chart = _chart(plan.facts)
    if chart is None:
        raise OomError(
            f"error: {name_of(plan)} does not say that a Helm chart made it (label helm.sh/chart)",
            "-o kustomize and -o patch print the change without a chart",
        )
    change, *more = plan.changes
    if more or change.container != chart or change.type is not ContainerType.APP:
        raise _cannot_tell(plan, chart, change)
    (entry,) = pod_spec_of({"kind": plan.facts.target.kind, **plan.patch})["containers"]
    note = (
        f"# {one_line(name_of(plan))}, chart {one_line(chart)}: `resources` is where a chart made by `helm create`\n"
        f"# keeps them (below `{one_line(chart)}:` where it is a dependency of another chart). Check it before use:\n"
        "# helm template RELEASE CHART -f this-file\n"
    )
    env = "# Not in it: " + ", ".join(map(one_line, change.env)) + " of its environment\n" if change.env else ""
    return note + env + to_yaml({"resources": entry["resources"]})


def _cannot_tell(plan: FixPlan, chart: str, change: ContainerChange) -> OomError:
    namespace = plan.facts.namespace
    release = plan.facts.marks.get("meta.helm.sh/release-name", "RELEASE")
    return OomError(
        f"error: {name_of(plan)}: the cluster does not tell which values of chart {chart} set the memory of "
        f"container {change.container}",
        f"Look for them: helm get values {release} -n {namespace} --all",
    )


def _chart(facts: WorkloadFacts) -> str | None:
    found = _CHART.fullmatch(facts.marks.get("helm.sh/chart", ""))
    return found["name"] if found else None


def _with_changes(outcomes: Sequence[FixOutcome]) -> list[FixOutcome]:
    return [outcome for outcome in outcomes if outcome.plan.changes]


FOR_GIT: Mapping[str, Callable[[Sequence[FixOutcome]], str]] = {
    "patch": patches_text,
    "kustomize": kustomize_text,
    "helm-values": helm_values_text,
}
