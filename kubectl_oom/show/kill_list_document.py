"""A list of kills as data: docs/schema.json says what every field means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kubectl_oom.show.document import envelope, time_text, workload_document

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence import KillList, ListedKill

Json = dict[str, Any]


def kill_list_document(found: KillList, now: datetime) -> Json:
    """The list as a `KillList` document: bytes are integers, times RFC 3339 in UTC, absent is None and never 0."""
    return envelope("KillList", [_item(item) for item in found.items], found.gaps, now)


def _item(item: ListedKill) -> Json:
    return {
        "context": item.context,
        "namespace": item.namespace,
        "pod": item.pod,
        "podGone": item.pod_gone,
        "container": item.container,
        "containerType": item.container_type.value if item.container_type else None,
        "workload": workload_document(item.workload),
        "node": item.node,
        "verdict": item.verdict.value,
        "confidence": item.confidence.value,
        "oomKilled": item.is_oom,
        "kills": item.kills,
        "killsAtLeast": item.at_least,
        "killsByVerdict": [{"verdict": verdict.value, "kills": count} for verdict, count in item.verdicts.items()],
        "lastKilledAt": time_text(item.last_killed_at),
        "exitCode": item.exit_code,
        "limitBytes": item.limit_bytes,
        "pattern": item.pattern.value,
        "highestSampledBytes": item.highest_sampled_bytes,
        "sources": list(item.sources),
    }
