"""Post-mortems as data: docs/schema.json says what every field means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_oom.show.document import diagnosis_document, envelope, plain_number, time_text, workload_document
from kubectl_oom.show.history_document import container_history_document
from kubectl_oom.show.proposal_document import proposal_document

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence import Impact, Outage, PostMortem, PostMortemReport

Json = dict[str, Any]


def post_mortems_document(report: PostMortemReport, now: datetime) -> Json:
    """The post-mortems as a `PostMortemList`; what a person is to fill in is not in it."""
    return envelope("PostMortemList", [_item(item) for item in report.items], report.gaps, now)


def _item(item: PostMortem) -> Json:
    return {
        "namespace": item.namespace,
        "workload": workload_document(item.workload),
        "pod": item.pod,
        "container": item.container,
        "happenedAt": time_text(item.happened_at),
        "diagnosis": diagnosis_document(item.diagnosis) if item.diagnosis else None,
        "otherDiagnoses": [diagnosis_document(other) for other in item.others],
        "impact": _impact(item.impact),
        "timeline": [
            {"at": time_text(h.at), "exact": h.exact, "what": h.what, "note": h.note, "pod": h.pod}
            for h in item.timeline
        ],
        "history": container_history_document(item.history),
        "kernel": list(item.kernel),
        "recommendation": proposal_document(item.proposal) if item.proposal else None,
        "measures": [
            {"kind": one.kind.value, "what": one.what, "because": one.because, "command": one.command}
            for one in item.measures
        ],
    }


def _impact(impact: Impact) -> Json:
    return {
        "replicas": impact.wanted,
        "readyReplicas": impact.ready_now,
        "since": time_text(impact.since),
        "keptServing": list(impact.kept_serving),
        "readyOnlyLater": list(impact.later_ready),
        "outages": [_outage(outage) for outage in impact.outages],
        "killsWithoutTimes": impact.untold,
    }


def _outage(outage: Outage) -> Json:
    down = (outage.until - outage.since).total_seconds() if outage.until else None
    return {
        "pod": outage.pod,
        "since": time_text(outage.since),
        "restartedAt": time_text(outage.restarted_at),
        "readyAgainAt": time_text(outage.until),
        "downSeconds": plain_number(down),
        "goesOn": outage.goes_on,
    }
