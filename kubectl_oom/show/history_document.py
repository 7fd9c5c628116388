"""A history as data: docs/schema.json says what every field means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_oom.show.document import (
    envelope,
    finding_document,
    last_sample_document,
    plain_number,
    time_text,
    workload_document,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from kubectl_oom.evidence import ContainerHistory, HistoryReport, Kill, Spread

Json = dict[str, Any]


def history_document(report: HistoryReport, now: datetime) -> Json:
    """The history as a `History` document: bytes are integers, times RFC 3339 in UTC, absent is None and never 0."""
    return envelope("History", [container_history_document(item) for item in report.items], report.gaps, now)


def container_history_document(item: ContainerHistory) -> Json:
    """The history of one container."""
    growth = item.growth_bytes_per_hour
    return {
        "namespace": item.namespace,
        "workload": workload_document(item.workload),
        "pod": item.pods[0] if item.workload is None and len(item.pods) == 1 else None,
        "pods": list(item.pods),
        "container": item.container,
        "containerType": item.container_type.value if item.container_type else None,
        "since": time_text(item.since),
        "until": time_text(item.until),
        "intervalSeconds": plain_number(item.interval_seconds),
        "samples": item.samples,
        "limitBytes": item.limit_bytes,
        "requestBytes": item.request_bytes,
        "workingSet": _spread(item.working_set, item.limit_bytes),
        "usage": _spread(item.usage, item.limit_bytes),
        "pattern": item.pattern.value,
        "confidence": item.confidence.value if item.confidence else None,
        "reason": item.reason,
        "dataNeeded": item.data_needed,
        "growthBytesPerHour": None if growth is None else round(growth),
        "lives": [
            {
                "pod": life.pod,
                "since": time_text(life.since),
                "until": time_text(life.until),
                "growthBytesPerHour": None if life.bytes_per_hour is None else round(life.bytes_per_hour),
            }
            for life in item.growth_of_lives
        ],
        "now": last_sample_document(item.now),
        "secondsToLimit": plain_number(item.seconds_to_limit),
        "kills": [_kill(kill) for kill in item.kills],
        "killsPerWeek": None if item.kills_per_week is None else round(item.kills_per_week, 2),
        "restarts": item.restarts,
        "imageChanges": [{"at": time_text(c.at), "image": c.image} for c in item.image_changes],
        "findings": [finding_document(finding) for finding in item.findings],
    }


def _spread(spread: Spread | None, limit: int | None) -> Json | None:
    if spread is None:
        return None
    sizes = {
        "avgBytes": spread.mean_bytes,
        "p50Bytes": spread.p50_bytes,
        "p95Bytes": spread.p95_bytes,
        "p99Bytes": spread.p99_bytes,
        "maxSampledBytes": spread.max_sampled_bytes,
    }
    return {"samples": spread.samples, **sizes, "ofLimit": _shares(sizes, limit) if limit else None}


def _shares(sizes: Mapping[str, int | None], limit: int) -> Json:
    known = {name.removesuffix("Bytes"): value for name, value in sizes.items() if value is not None}
    return {name: round(value / limit, 4) for name, value in known.items()}


def _kill(kill: Kill) -> Json:
    return {
        "at": time_text(kill.at),
        "exact": kill.exact,
        "pod": kill.pod,
        "podGone": kill.pod_gone,
        "node": kill.node,
        "container": kill.container,
        "verdict": kill.verdict.value,
        "confidence": kill.confidence.value,
        "exitCode": kill.exit_code,
        "limitBytes": kill.limit_bytes,
        "highestSampledBytes": kill.highest_sampled_bytes,
        "pattern": kill.pattern.value,
        "image": kill.image,
        "sources": list(kill.sources),
    }
