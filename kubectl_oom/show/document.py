"""A report as data: the JSON and YAML that scripts read. docs/schema.json says what every field means."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kubectl_oom.show import timeline
from kubectl_oom.show.words import iso, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from kubectl_oom.evidence import Citation, Diagnosis, Finding, Gap, LastSample, NodeAnswer, Owner, Report, RunUp

API_VERSION = "kubectl-oom/v1"

Json = dict[str, Any]


def report_document(report: Report, now: datetime) -> Json:
    """The report as a `Diagnosis` document: bytes are integers, times RFC 3339 in UTC, absent is None and never 0."""
    items = [diagnosis_document(item) for item in report.items]
    return envelope("Diagnosis", items, report.gaps, now) | {"nodes": [_node(answer) for answer in report.nodes]}


def envelope(kind: str, items: list[Json], gaps: tuple[Gap, ...], now: datetime) -> Json:
    """What every document of ours is: its version and kind, as of when it holds, its items, and what could not be seen."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "asOf": iso(now),
        "items": items,
        "gaps": [gap_document(gap) for gap in gaps],
    }


def gap_document(gap: Gap) -> Json:
    """A source that could not be read."""
    return {"source": gap.source, "reason": gap.reason, "remedy": gap.remedy}


def to_json(document: Json) -> str:
    """The document as kubectl prints JSON: two blanks, a newline at the end; pure ASCII, so no control gets through."""
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def to_yaml(document: Json) -> str:
    """The document as YAML in the order of its fields; pure ASCII as well."""
    from yaml import safe_dump  # noqa: PLC0415 - 25 ms that only -o yaml needs

    # By way of JSON no object appears twice in the tree, and so no YAML alias in the output.
    tree = json.loads(to_json(document))
    return str(safe_dump(tree, sort_keys=False, allow_unicode=False, width=_NO_FOLDING))


def names(report: Report) -> Iterator[str]:
    """`pod/x` for every pod in the report, once: what `-o name` prints."""
    return iter(dict.fromkeys(f"pod/{one_line(item.pod)}" for item in report.items))


_NO_FOLDING = 1 << 31  # kubectl does not fold long strings either


def diagnosis_document(item: Diagnosis) -> Json:
    """One diagnosis."""
    return {
        "namespace": item.namespace,
        "pod": item.pod,
        "node": item.node,
        "container": item.container,
        "containerType": item.container_type.value,
        "workload": workload_document(item.workload),
        "verdict": item.verdict.value,
        "confidence": item.confidence.value,
        "because": item.because,
        "candidates": list(item.candidates),
        "pattern": item.run_up.pattern.value if item.run_up else None,
        **_life(item),
        "limitBytes": item.limit_bytes,
        "limitKnown": item.limit_known,
        "requestBytes": item.request_bytes,
        "lastSample": last_sample_document(item.last_sample),
        "highestSampled": _highest_sampled(item.run_up),
        "runUp": _run_up(item.run_up),
        "evidence": [citation_document(citation) for citation in item.evidence],
        "findings": [finding_document(finding) for finding in item.findings],
    }


def _node(answer: NodeAnswer) -> Json:
    return {
        "name": answer.name,
        "ranOut": answer.ran_out,
        "confidence": answer.confidence.value,
        "because": answer.because,
        "evidence": [citation_document(citation) for citation in answer.evidence],
    }


def _life(item: Diagnosis) -> Json:
    serving = item.serving
    return {
        "startedAt": time_text(item.started_at),
        "killedAt": time_text(item.killed_at),
        "restartedAt": time_text(item.restarted_at),
        "readyAgainAt": time_text(item.ready_again_at),
        "recoverySeconds": plain_number(timeline.recovery_seconds(item)),
        "exitCode": item.exit_code,
        "reason": item.reason,
        "restartCount": item.restart_count,
        "serving": {"readyReplicas": serving[0], "replicas": serving[1]} if serving else None,
    }


def last_sample_document(sample: LastSample | None) -> Json | None:
    """A sample with its source and time."""
    if sample is None:
        return None
    return {
        "workingSetBytes": sample.working_set_bytes,
        "usageBytes": sample.usage_bytes,
        "at": time_text(sample.at),
        "intervalSeconds": plain_number(sample.interval_seconds),
        "source": sample.source,
    }


def _highest_sampled(run_up: RunUp | None) -> Json | None:
    if run_up is None:
        return None
    return {"workingSetBytes": run_up.highest_working_set_bytes, "usageBytes": run_up.highest_usage_bytes}


def _run_up(run_up: RunUp | None) -> Json | None:
    if run_up is None:
        return None
    samples, growth = run_up.samples, run_up.growth_bytes_per_hour
    return {
        "pattern": run_up.pattern.value,
        "confidence": run_up.confidence.value if run_up.confidence else None,
        "reason": run_up.reason,
        "growthBytesPerHour": None if growth is None else round(growth),
        "since": time_text(samples[0].at) if samples else None,
        "until": time_text(samples[-1].at) if samples else None,
        "samples": len(samples),
    }


def finding_document(finding: Finding) -> Json:
    """A finding with its evidence."""
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "evidence": [citation_document(citation) for citation in finding.evidence],
        "remedy": finding.remedy,
    }


def citation_document(citation: Citation) -> Json:
    """A piece of evidence: who said what, and when."""
    return {
        "source": citation.source,
        "field": citation.field,
        "value": citation.value,
        "at": time_text(citation.at),
    }


def workload_document(workload: Owner | None) -> Json | None:
    """Kind and name; None for a pod that nothing owns."""
    return {"kind": workload.kind, "name": workload.name} if workload else None


def time_text(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, None for None."""
    return iso(at) if at else None


def plain_number(seconds: float | None) -> float | None:
    """Whole seconds as an integer: `15`, not `15.0`."""
    if seconds is None:
        return None
    return int(seconds) if float(seconds).is_integer() else seconds
