"""What is worth knowing about a container that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, Finding, Severity, Verdict
from kubectl_oom.judge.citing import short
from kubectl_oom.quantity import show_bytes, show_percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Container, MemoryNow, Pod, Termination
    from kubectl_oom.judge.scope import Ruling

# From this share of the limit on, a running container is one allocation away from a kill (the usual alert threshold).
NEAR_LIMIT = 0.90
# Usage this close to the limit with a working set this far below it: page cache, which the kernel gives back.
CACHE_USAGE, CACHE_WORKING_SET = 0.90, 0.75


def findings_of_running(container: Container, now: MemoryNow | None, ruling: Ruling) -> tuple[Finding, ...]:
    """The findings on a container that runs: how near it is to its limit, and what fills it."""
    if now is None or now.working_set_bytes is None:
        return ()
    limit = now.limit_bytes or container.limit_in_effect_bytes or container.limit_bytes
    if not limit:
        return () if ruling.verdict is not Verdict.NO_TERMINATION else (no_limit(container),)
    share = show_percent(now.working_set_bytes, limit)
    cited = (
        Citation(source=now.source, field="working set", value=show_bytes(now.working_set_bytes), at=now.at),
        Citation(source=now.source, field="limit", value=show_bytes(limit), at=now.at),
    )
    if now.working_set_bytes >= NEAR_LIMIT * limit:
        return (
            Finding(
                code="near-limit",
                severity=Severity.WARNING,
                message=f"It runs at {share} of its limit of {show_bytes(limit)}.",
                evidence=cited,
                remedy="see what it needs: kubectl oom history",
            ),
        )
    usage = now.usage_bytes
    if usage is not None and usage >= CACHE_USAGE * limit and now.working_set_bytes <= CACHE_WORKING_SET * limit:
        return (
            Finding(
                code="cache-fills-limit",
                severity=Severity.INFO,
                message=f"Usage is at {show_percent(usage, limit)} of the limit, but the working set at {share}: the rest is "
                "file cache, which the kernel gives back. Harmless.",
                evidence=(*cited, Citation(source=now.source, field="usage", value=show_bytes(usage), at=now.at)),
            ),
        )
    return ()


def resize_findings(pod: Pod) -> Iterator[Finding]:
    """A resize in place that has not come about: the limit in the spec is then not the one in force."""
    for condition in pod.conditions:
        failing = condition.type == "PodResizeInProgress" and condition.reason == "Error"
        if condition.status == "True" and (condition.type == "PodResizePending" or failing):
            yield Finding(
                code="resize-not-done",
                severity=Severity.WARNING,
                message=f"A resize of its resources is not in force: {condition.reason or 'no reason given'}: "
                f"{short(condition.message) or 'no message'}",
                evidence=(
                    Citation(
                        source="pod",
                        field=f"status.conditions[{condition.type}]",
                        value=condition.reason or condition.status,
                        at=condition.at,
                    ),
                ),
                remedy="what is Infeasible never fits on this node; what is Deferred waits for room there",
            )


def earlier_end(end: Termination, ruling: Ruling) -> Finding:
    """An end of an earlier instance, beside what happens to the one that runs."""
    code = f"exit code {end.exit_code}" if end.exit_code is not None else "no exit code"
    return Finding(
        code="earlier-end",
        severity=Severity.INFO,
        message=f"An earlier instance ended with {code} ({end.reason or 'no reason given'}): {ruling.because}",
        evidence=ruling.evidence,
    )


def no_limit(container: Container) -> Finding:
    """Nothing but the node bounds this container."""
    return Finding(
        code="no-limit",
        severity=Severity.INFO,
        message=f"Container {container.name} has no memory limit: only the node bounds it, and it is among the first "
        "to be killed when the node runs out.",
        remedy="set a request and a limit",
    )


def child_killed_since(now: MemoryNow) -> Finding:
    """Processes of the instance that runs now were killed too."""
    return Finding(
        code="child-killed-now",
        severity=Severity.CRITICAL,
        message=f"The instance that runs now has lost {now.oom_events} process(es) to the OOM killer too, without "
        "ending: requests may be failing although it looks ready.",
        evidence=(
            Citation(source=now.source, field="container_oom_events_total", value=str(now.oom_events), at=now.at),
        ),
        remedy="fewer or smaller worker processes, or a higher limit",
    )
