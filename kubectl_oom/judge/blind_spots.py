"""What nobody could have seen: gaps that only the judgement knows, since they depend on what was killed, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import NOTHING_KILLED, Gap, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from kubectl_oom.evidence import CaseFile, Diagnosis, Report

# The API server's default --event-ttl. Managed clusters may keep events shorter or longer.
EVENT_TTL = timedelta(hours=1)
_TOLD_BY_EVENTS = frozenset({Verdict.SIGKILL_UNKNOWN, Verdict.CONTAINER_LIMIT, Verdict.OOM_SCOPE_UNKNOWN})


def expired_events(items: Iterable[Diagnosis], case: CaseFile, now: datetime) -> list[Gap]:
    """The gap that a kill leaves whose events are gone by now, where they would have told more."""
    pods = {(pod.namespace, pod.name): pod for pod in case.pods}
    for item in items:
        pod = pods[item.namespace, item.pod]
        old = item.killed_at is not None and now - item.killed_at > EVENT_TTL
        kept = any(e.last_at and item.killed_at and e.last_at <= item.killed_at for e in pod.events)
        if old and not kept and item.verdict in _TOLD_BY_EVENTS:
            return [
                Gap(
                    source="pod events",
                    reason="none from the time of the kill are kept: events expire after an hour by default, so a probe "
                    "kill or a stop before it would not show",
                    remedy="take a snapshot early next time: kubectl oom snapshot TARGET -f FILE",
                )
            ]
    return []


def kills_before_the_samples(report: Report, case: CaseFile, now: datetime) -> tuple[Gap, ...]:
    """The gap that a kill leaves which is older than what the metrics engine was asked about."""
    since = case.history.since if case.history else None
    killed = [item.killed_at for item in report.items if item.verdict not in NOTHING_KILLED and item.killed_at]
    old = [at for at in killed if since and at < since]
    if not old:
        return ()
    days = -(-(now - min(old)) // timedelta(days=1)) + 1  # with a day before it
    return (
        Gap(
            source="metrics engine",
            reason="not asked about what came before kills more than a week ago",
            remedy=f"kubectl oom history TARGET --since {days}d",
        ),
    )


def unseen_children(case: CaseFile) -> list[Gap]:
    """Without the kubelet's counters or a metrics engine, kills of child processes cannot be seen at all."""
    counted = any(life.oom_events for life in (case.history.lives if case.history else ())) or any(
        now.oom_events is not None for n in case.now_by_container.values() for now in n
    )
    running = any(c.state == "running" for pod in case.pods for c in pod.containers)
    if counted or case.children_counted or not running:
        return []
    return [
        Gap(
            source="kills of child processes",
            reason="a process killed while its container lives on shows only in container_oom_events_total, which could "
            "not be read",
            remedy="allow get on nodes/proxy, or name a metrics engine: --prometheus-url",
        )
    ]
