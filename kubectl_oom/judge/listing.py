"""The answer of `list`: every container that was OOM-killed, each once, with how often and how it went last."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import KERNEL_OOM_VERDICTS, ListedKill, Pattern, Verdict
from kubectl_oom.judge.diagnose import diagnose, every_end
from kubectl_oom.judge.kill_events import SIGKILL_EXIT
from kubectl_oom.judge.kills import kills_among

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import (
        Confidence,
        Container,
        Diagnosis,
        Kill,
        KillLot,
        Pod,
    )

LAST, KILLS, NAMESPACE = "last", "kills", "namespace"  # what the rows can be sorted by


@dataclass(frozen=True, slots=True, kw_only=True)
class _Telling:
    """One kill, whichever source tells of it."""

    pod: str
    container: str
    at: datetime | None
    verdict: Verdict
    confidence: Confidence
    exit_code: int | None
    limit_bytes: int | None
    node: str | None
    pattern: Pattern
    highest_sampled_bytes: int | None
    sources: tuple[str, ...]


def listed(lot: KillLot, *, since: datetime, until: datetime, all_137: bool = False) -> tuple[ListedKill, ...]:
    """A row per container of the lot that was OOM-killed between the two instants, in no particular order.

    `all_137` adds a row for each container that ended with 137 and was not OOM-killed, with what it was.
    """
    ends = every_end(lot.case)
    told = [_of_kill(kill) for kill in kills_among(lot.past, lot.case.pods, ends)]
    told += [_of_diagnosis(end) for end in ends if end.verdict in KERNEL_OOM_VERDICTS and end.killed_at is None]
    told += _stuck(lot, ends, until)
    if all_137:
        told += [_of_diagnosis(end) for end in ends if _is_other_sigkill(end)]
    grouped: dict[tuple[str, str, bool], list[_Telling]] = defaultdict(list)
    for one in told:
        if one.at is None or one.at >= since:  # what lies ahead of our clock has happened all the same
            grouped[one.pod, one.container, one.verdict in KERNEL_OOM_VERDICTS].append(one)
    pods = {pod.name: pod for pod in lot.case.pods}
    return tuple(_row(lot, pods.get(key[0]), kills, since) for key, kills in grouped.items())


def in_order(items: Iterable[ListedKill], sort_by: str = LAST) -> tuple[ListedKill, ...]:
    """The rows, newest first; by kills: most first; by namespace: as `kubectl get` sorts."""

    def by_name(item: ListedKill) -> tuple[str, ...]:
        return item.context or "", item.namespace, item.pod, item.container

    def newest(item: ListedKill) -> float:
        return -item.last_killed_at.timestamp() if item.last_killed_at else 0.0

    rows = sorted(items, key=by_name)
    if sort_by != NAMESPACE:
        rows.sort(key=newest)
    if sort_by == KILLS:
        rows.sort(key=lambda item: -item.kills)
    return tuple(rows)


# --- which kills -----------------------------------------------------------------------------------------------------


def _stuck(lot: KillLot, ends: Sequence[Diagnosis], now: datetime) -> list[_Telling]:
    """Containers that cannot start for lack of memory and have no end of their own to tell of it."""
    known = {(end.pod, end.container) for end in ends if end.verdict is Verdict.START_OOM}
    found = diagnose(lot.case, now=now).items
    return [
        _of_diagnosis(item)
        for item in found
        if item.verdict is Verdict.START_OOM and (item.pod, item.container) not in known
    ]


def _is_other_sigkill(end: Diagnosis) -> bool:
    return end.exit_code == SIGKILL_EXIT and end.verdict not in KERNEL_OOM_VERDICTS


def _of_kill(kill: Kill) -> _Telling:
    return _Telling(
        pod=kill.pod,
        container=kill.container,
        at=kill.at,
        verdict=kill.verdict,
        confidence=kill.confidence,
        exit_code=kill.exit_code,
        limit_bytes=kill.limit_bytes,
        node=kill.node,
        pattern=kill.pattern,
        highest_sampled_bytes=kill.highest_sampled_bytes,
        sources=kill.sources,
    )


def _of_diagnosis(item: Diagnosis) -> _Telling:
    """What has no time of its own is as old as the newest word about it."""
    run = item.run_up
    cited = [citation.at for citation in item.evidence if citation.at]
    return _Telling(
        pod=item.pod,
        container=item.container,
        at=item.killed_at or max(cited, default=None),
        verdict=item.verdict,
        confidence=item.confidence,
        exit_code=item.exit_code,
        limit_bytes=item.limit_bytes if item.limit_known else None,
        node=item.node,
        pattern=run.pattern if run else Pattern.UNKNOWN,
        highest_sampled_bytes=run.highest_working_set_bytes if run else None,
        sources=tuple(dict.fromkeys(citation.source for citation in item.evidence)),
    )


# --- one row ---------------------------------------------------------------------------------------------------------


def _row(lot: KillLot, pod: Pod | None, kills: Sequence[_Telling], since: datetime) -> ListedKill:
    last = max(kills, key=lambda kill: kill.at.timestamp() if kill.at else 0.0)
    container = next((c for c in pod.containers if c.name == last.container), None) if pod else None
    return ListedKill(
        namespace=lot.past.namespace,
        pod=last.pod,
        pod_gone=pod is None,
        container=last.container,
        container_type=container.type if container else None,
        workload=pod.workload if pod else lot.owners.get(last.pod),
        node=last.node or (pod.node if pod else None),
        verdict=last.verdict,
        confidence=last.confidence,
        is_oom=last.verdict in KERNEL_OOM_VERDICTS,
        kills=len(kills),
        at_least=_at_least(lot, pod, container, last, since),
        verdicts=dict(Counter(kill.verdict for kill in kills)),
        last_killed_at=last.at,
        exit_code=last.exit_code,
        limit_bytes=last.limit_bytes,
        unlimited=_is_unlimited(pod, container, last),
        pattern=last.pattern,
        highest_sampled_bytes=last.highest_sampled_bytes,
        sources=tuple(dict.fromkeys(source for kill in kills for source in kill.sources)),
    )


def _at_least(lot: KillLot, pod: Pod | None, container: Container | None, last: _Telling, since: datetime) -> bool:
    """Whether there may be ends in the window that nobody shows any more: the API keeps two of each container."""
    if lot.counted and last.verdict in KERNEL_OOM_VERDICTS and _was_counted_from_its_start(lot, pod):
        return False
    if container is None:
        return True
    if container.ended_instances <= len(container.terminations):
        return False
    oldest = container.terminations[-1] if container.terminations else None
    # Whatever ended before that instance began ended before the window did.
    return oldest is None or oldest.started_at is None or oldest.started_at > since


def _was_counted_from_its_start(lot: KillLot, pod: Pod | None) -> bool:
    """Whether the scrapes reach back to the window's beginning, or the pod's; of one that is gone that is not known."""
    if lot.counted_since is None:
        return True
    return pod is not None and pod.created_at is not None and pod.created_at >= lot.counted_since


def _is_unlimited(pod: Pod | None, container: Container | None, last: _Telling) -> bool:
    if pod is None or container is None or pod.resized or last.limit_bytes is not None:
        return False
    return container.limit_bytes is None
