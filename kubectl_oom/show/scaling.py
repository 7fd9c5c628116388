"""More replicas in place of more memory: in words, as data, and as a HorizontalPodAutoscaler to be created."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kubectl_oom.evidence import ScalingAnswer
from kubectl_oom.quantity import show_bytes
from kubectl_oom.show.document import to_yaml
from kubectl_oom.show.proposal_facts import target
from kubectl_oom.show.words import ascii_text, one_line, plural, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kubectl_oom.evidence import Autoscaler, Proposal, Scaling

Json = dict[str, Any]

FEW = 10  # workloads: of more, only the kinds of reasons are told
_COMMENT_WIDTH = 100
_ANSWER_WORDS = {
    ScalingAnswer.APPLIES: "more replicas help",
    ScalingAnswer.EXISTS: "an autoscaler is there already",
    ScalingAnswer.DOES_NOT_FALL: "memory does not fall with load",
    ScalingAnswer.TOO_FAST: "memory rises faster than pods start",
    ScalingAnswer.CANNOT_SCALE: "nothing that an autoscaler could count",
    ScalingAnswer.UNKNOWN: "cannot be told from what was read",
}


# --- in words ------------------------------------------------------------------------------------------------------


def scaling_section(item: Proposal, *, every: bool) -> tuple[str, tuple[str, ...]] | None:
    """Heading and sentences; None where there is nothing to do. With `every` the numbers are explained."""
    scaling = item.scaling
    if scaling is None:
        return None
    made = scaling.autoscaler
    if made is None:
        return (
            ("Its autoscaler", scaling.warnings)
            if scaling.answer is ScalingAnswer.EXISTS and scaling.warnings
            else None
        )
    numbers = scaling.sentences if every else (_summary(made),)
    head = f"More replicas instead ({scaling.confidence.value})" if scaling.confidence else "More replicas instead"
    return head, (scaling.reason, *numbers, *scaling.warnings, "As a HorizontalPodAutoscaler, with the reasons: -o hpa")


def _summary(made: Autoscaler) -> str:
    return (
        f"An autoscaler from {made.min_replicas} to {made.max_replicas} pods at {made.target_percent}% of the request of "
        f"{show_bytes(made.request_bytes)}, {show_bytes(made.target_bytes)} a pod on average: as its memory moved in "
        "the samples, another pod is ready before one reaches its limit."
    )


def why_no_autoscaler(scaling: Scaling) -> str:
    """Why there is none to be made, and what would tell where that is not known."""
    return f"{scaling.reason} What would tell: {scaling.would_tell}." if scaling.would_tell else scaling.reason


# --- as data -------------------------------------------------------------------------------------------------------


def scaling_document(scaling: Scaling | None) -> Json | None:
    """The field `scaling` of a recommendation."""
    if scaling is None:
        return None
    return {
        "answer": scaling.answer.value,
        "reason": scaling.reason,
        "confidence": scaling.confidence.value if scaling.confidence else None,
        "sentences": list(scaling.sentences),
        "warnings": list(scaling.warnings),
        "wouldTell": scaling.would_tell,
        "autoscaler": _autoscaler_document(scaling.autoscaler),
    }


def _autoscaler_document(made: Autoscaler | None) -> Json | None:
    if made is None:
        return None
    return {
        "container": made.container,
        "targetPercent": made.target_percent,
        "targetBytes": made.target_bytes,
        "requestBytes": made.request_bytes,
        "minReplicas": made.min_replicas,
        "maxReplicas": made.max_replicas,
        "keepSeconds": made.keep_seconds,
        "pauseSeconds": made.pause_seconds,
    }


# --- as an object --------------------------------------------------------------------------------------------------


def hpa_text(items: Sequence[Proposal]) -> str:
    """A HorizontalPodAutoscaler for every workload that more replicas would help, as YAML; "" where there is none."""
    scaled = [group for every in _by_workload(items).values() if (group := _scaled(every))]
    return "---\n".join(_comments(group) + to_yaml(_object(group)) for group in scaled)


def without_hpa(items: Sequence[Proposal]) -> Iterator[str]:
    """Why the other workloads have none: a sentence for each, or counted by reason where they are many."""
    left = [group for group in _by_workload(items).values() if not _scaled(group)]
    if len(left) <= FEW:
        for group in left:
            for item in group:
                if item.scaling:
                    yield f"no autoscaler for {_name(item)}: {why_no_autoscaler(item.scaling)}"
                    yield from item.scaling.warnings
        return
    answers = Counter(item.scaling.answer for group in left for item in group[:1] if item.scaling)
    for answer, count in answers.most_common():
        yield f"no autoscaler for {plural(count, 'workload')}: {_ANSWER_WORDS[answer]}"


def _by_workload(items: Iterable[Proposal]) -> Mapping[object, list[Proposal]]:
    groups: dict[object, list[Proposal]] = {}
    for item in items:
        if item.scaling:
            groups.setdefault((item.size.namespace, item.size.workload, item.pod), []).append(item)
    return groups


def _scaled(group: Iterable[Proposal]) -> list[Proposal]:
    return [item for item in group if item.scaling and item.scaling.autoscaler and item.size.workload]


def _name(item: Proposal) -> str:
    return one_line(f"{target(item)} in {item.size.namespace}, container {item.size.container}")


def _comments(group: Sequence[Proposal]) -> str:
    lines: list[str] = []
    for item in group:
        scaling = item.scaling
        if scaling:
            told = (f"{_name(item)}.", scaling.reason, *scaling.sentences, *(f"But: {one}" for one in scaling.warnings))
            lines += (line for one in told for line in wrap(ascii_text(one_line(one)), _COMMENT_WIDTH, "# ", "#   "))
    more = (
        "The controller needs the metrics API (metrics-server). Take `replicas` out of the workload's manifest, or every "
        "apply sets it back."
    )
    lines += wrap(more, _COMMENT_WIDTH, "# ", "#   ")
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _object(group: Sequence[Proposal]) -> Json:
    """One for the workload: where several containers are scaled by, the one that asks for most pods decides."""
    owner = next(item.size.workload for item in group if item.size.workload)
    made = [item.scaling.autoscaler for item in group if item.scaling and item.scaling.autoscaler]
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": owner.name, "namespace": group[0].size.namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": owner.api_version, "kind": owner.kind, "name": owner.name},
            "minReplicas": max(one.min_replicas for one in made),
            "maxReplicas": max(one.max_replicas for one in made),
            "metrics": [_metric(one) for one in made],
            "behavior": {
                "scaleDown": {
                    "stabilizationWindowSeconds": max(one.keep_seconds for one in made),
                    "policies": [{"type": "Pods", "value": 1, "periodSeconds": max(one.pause_seconds for one in made)}],
                }
            },
        },
    }


def _metric(made: Autoscaler) -> Json:
    aim = {"name": "memory", "target": {"type": "Utilization", "averageUtilization": made.target_percent}}
    if made.container is None:
        return {"type": "Resource", "resource": aim}
    # Stable since Kubernetes 1.30; the whole pod's memory would hide one container's behind the others'.
    return {"type": "ContainerResource", "containerResource": {"container": made.container, **aim}}
