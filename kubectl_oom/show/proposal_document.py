"""Proposals as data: docs/schema.json says what every field means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_oom.show.document import citation_document, envelope, workload_document
from kubectl_oom.show.scaling import scaling_document

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence import Cost, ExpectedKills, HeapAdvice, Proposal, ProposalReport, Sizes

Json = dict[str, Any]

_MONEY_DIGITS = 4  # a hundredth of a cent: what one small pod changes in a month
_RATE_DIGITS = 2  # kills a week


def proposals_document(report: ProposalReport, now: datetime) -> Json:
    """The proposals as a `RecommendationList`: bytes are integers, absent is None and never 0."""
    items = [proposal_document(item) for item in report.items]
    return envelope("RecommendationList", items, report.gaps, now) | {"warnings": list(report.warnings)}


def proposal_document(item: Proposal) -> Json:
    """One proposal."""
    size = item.size
    return {
        "namespace": size.namespace,
        "workload": workload_document(size.workload),
        "pod": item.pod,
        "container": size.container,
        "containerType": size.container_type.value if size.container_type else None,
        "risk": item.risk.value,
        "kills": item.kills,
        "killedLimitBytes": item.killed_limit_bytes,
        "highestSampledBytes": item.highest_bytes,
        "profile": size.profile,
        "class": size.workload_class.value,
        "classReason": size.class_reason,
        "confidence": size.confidence.value,
        "confidenceReason": size.confidence_reason,
        "replicas": size.replicas,
        "current": _sizes(size.current),
        "recommended": _sizes(size.recommended),
        "offer": _sizes(item.offer),
        "floorBytes": size.floor_bytes,
        "rationale": list(size.rationale),
        "alternatives": dict(size.alternatives),
        "heap": _heap(item.heap),
        "fits": [{"check": fit.check, "ok": fit.ok, "detail": fit.detail, "remedy": fit.remedy} for fit in item.fits],
        "cost": _cost(item.cost),
        "expectedKillsPerWeek": _expected(item.expected_kills),
        "lastsSeconds": None if size.lasts_seconds is None else round(size.lasts_seconds),
        "leaks": size.leaks,
        "alternative": item.alternative,
        "scaling": scaling_document(item.scaling),
        "command": item.change.command,
        "heapCommand": item.change.heap_command,
        "whyNoCommand": item.change.why_not,
        "patch": None if item.change.patch is None else dict(item.change.patch),
    }


def _sizes(sizes: Sizes | None) -> Json | None:
    if sizes is None:
        return None
    return {"requestBytes": sizes.request_bytes, "limitBytes": sizes.limit_bytes}


def _heap(heap: HeapAdvice | None) -> Json | None:
    if heap is None:
        return None
    return {
        "runtime": heap.runtime,
        "heapCapBytes": heap.heap_cap_bytes,
        "leastLimitBytes": heap.least_limit_bytes,
        "sentences": list(heap.sentences),
        "settings": [
            {"name": one.name, "value": one.value, "replaces": one.replaces, "isEnvironment": one.is_env}
            for one in heap.settings
        ],
        "evidence": [citation_document(citation) for citation in heap.evidence],
    }


def _cost(cost: Cost | None) -> Json | None:
    if cost is None:
        return None
    return {
        "currency": cost.currency,
        "perGibMonth": cost.per_gib_month,
        "priceSource": cost.price_source,
        "perPodMonth": round(cost.per_pod_month, _MONEY_DIGITS),
        "totalMonth": round(cost.total_month, _MONEY_DIGITS),
        "mostMonth": None if cost.most_month is None else round(cost.most_month, _MONEY_DIGITS),
        "detail": cost.detail,
    }


def _expected(kills: ExpectedKills | None) -> Json | None:
    if kills is None:
        return None
    return {"before": _rate(kills.before), "after": _rate(kills.after), "detail": kills.detail}


def _rate(kills: float | None) -> float | None:
    return None if kills is None else round(kills, _RATE_DIGITS)
