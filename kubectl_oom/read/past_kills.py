"""OOM kills of the past, from what kube-state-metrics showed of container statuses while it was scraped.

It repeats the last termination of a container for as long as the API server does, so one kill is many samples. The
kubelet's own time of it is the value of `…_last_terminated_timestamp`; versions before 2.12 (for init containers and
sidecars before 2.20) do not show that, and there a kill is known by its first sign: the state, the back-off, or the
restart that was counted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import pairwise
from typing import TYPE_CHECKING

from kubectl_oom.evidence import PastKill
from kubectl_oom.read.lives import merged
from kubectl_oom.read.raw_samples import RawReader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kubectl_oom.read.engine import Engine, Row
    from kubectl_oom.read.lives import Points

OOM_KILLED = "OOMKilled"
BACK_OFF = "CrashLoopBackOff"
_STATUS = ("kube_pod_container_status_", "kube_pod_init_container_status_")  # sidecars are among the init containers
REASON = tuple(f"{kind}last_terminated_reason" for kind in _STATUS)
TERMINATED = tuple(f"{kind}terminated_reason" for kind in _STATUS)
TIMESTAMP = tuple(f"{kind}last_terminated_timestamp" for kind in _STATUS)
EXIT_CODE = tuple(f"{kind}last_terminated_exitcode" for kind in _STATUS)
RESTARTS = tuple(f"{kind}restarts_total" for kind in _STATUS)
WAITING = tuple(f"{kind}waiting_reason" for kind in _STATUS)
_ALL = (*REASON, *TERMINATED, *TIMESTAMP, *EXIT_CODE, *RESTARTS, *WAITING)

USUAL_SCRAPE_SECONDS = 60.0  # where one sample does not tell; Prometheus' default
# What a scrape shows has happened up to one interval earlier, and kube-state-metrics hears of it within seconds.
WATCH_DELAY_SECONDS = 15.0


@dataclass(slots=True)
class _Status:
    """What was seen of one container's status: sample times and values."""

    pod: str
    container: str
    was_oom: set[float] = field(default_factory=set)  # when lastState said OOMKilled
    was_other: set[float] = field(default_factory=set)  # when it said anything else
    is_oom: set[float] = field(default_factory=set)  # when the current state said OOMKilled
    backs_off: set[float] = field(default_factory=set)  # when it waited to be started again
    finished: Points = field(default_factory=dict)
    exit_codes: Points = field(default_factory=dict)
    restarts: Points = field(default_factory=dict)


def past_kills(
    engine: Engine,
    namespace: str,
    pods: Sequence[str],
    since: datetime,
    until: datetime,
    *,
    samples: Mapping[str, int] | None = None,
) -> tuple[tuple[PastKill, ...], tuple[str, ...]]:
    """The OOM kills of these pods between two instants, oldest first, and the engine's warnings.

    `samples`: how many of its memory each pod has, where that is known.
    """
    if not pods:
        return (), ()
    reader = RawReader(engine, since, until, samples=samples)
    return kills_in(reader.of_pods(namespace, pods, _ALL), since, until), reader.warnings


def kills_in(rows: Iterable[Row], since: datetime, until: datetime) -> tuple[PastKill, ...]:
    """The kills between two instants that the status series of one namespace tell of, oldest first."""
    kills = [kill for status in _statuses(rows) for kill in _kills(status, since, until)]
    return tuple(sorted(kills, key=lambda kill: (kill.at, kill.pod, kill.container)))


def _statuses(rows: Iterable[Row]) -> list[_Status]:
    grouped: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        # A pod of a StatefulSet comes back under its old name as another pod, and counts its restarts from 0.
        key = (row.labels.get("pod", ""), row.labels.get("container", ""), row.labels.get("uid", ""))
        grouped[key].append(row)
    return [_status(pod, container, found) for (pod, container, _), found in grouped.items()]


def _status(pod: str, container: str, rows: Sequence[Row]) -> _Status:
    status = _Status(pod, container)
    for row in rows:
        family, is_oom = row.labels.get("__name__"), row.labels.get("reason") == OOM_KILLED
        true_at = {at for at, value in row.samples if value == 1}  # versions before 2 also write a 0 for what is not
        if family in REASON:
            (status.was_oom if is_oom else status.was_other).update(true_at)
        elif family in TERMINATED and is_oom:
            status.is_oom |= true_at
        elif family in WAITING and row.labels.get("reason") == BACK_OFF:
            status.backs_off |= true_at
    _drop_stale(status)
    status.finished = merged(row for row in rows if row.labels.get("__name__") in TIMESTAMP)
    status.exit_codes = merged(row for row in rows if row.labels.get("__name__") in EXIT_CODE)
    status.restarts = merged(row for row in rows if row.labels.get("__name__") in RESTARTS)
    return status


def _drop_stale(status: _Status) -> None:
    """Leave one reason for the last end at each moment.

    An engine without staleness markers goes on showing a reason for minutes after another has taken its place: where
    both are shown, the one that was not there before is the true one.
    """
    stale: set[float] | None = None  # the set of which the moments that both are shown at are stale
    before: float | None = None
    for at in sorted(status.was_oom | status.was_other):
        if at not in status.was_oom or at not in status.was_other:
            stale = None
        elif before is not None:
            stale = stale if stale is not None else status.was_oom if before in status.was_oom else status.was_other
            stale.discard(at)
        before = at


def _kills(status: _Status, since: datetime, until: datetime) -> list[PastKill]:
    """The kills that this status tells of, each once; those that may have been before the window are left out."""
    first, last = since.timestamp(), until.timestamp()
    interval = _interval(status)
    earliest = interval + WATCH_DELAY_SECONDS
    if not status.finished:
        return [_kill(status, at, source, late=earliest) for at, source in _approximate(status, first, interval)]
    seen_at = {status.finished[at]: at for at in status.was_oom & status.finished.keys()}
    exact = {finished: at for finished, at in seen_at.items() if first <= finished <= last}
    kills = [_kill(status, finished, TIMESTAMP[0], status.exit_codes.get(at)) for finished, at in exact.items()]
    # A container that never started again is told by its state alone: nothing has made that its last state yet.
    states = [start for start in _starts(status.is_oom, interval) if start - first > interval]
    untold = [start for start in states if not any(start - earliest <= finished <= start for finished in exact)]
    return kills + [_kill(status, start, TERMINATED[0], late=earliest) for start in untold]


def _approximate(status: _Status, first: float, interval: float) -> list[tuple[float, str]]:
    """When kills were seen, and by what, for a kube-state-metrics that does not show when they were.

    Between two counted restarts lies one termination. The first sign of it is nearest to it: the state, or the
    back-off that follows; the restart itself can be five minutes later.
    """
    signs = dict.fromkeys(_starts(status.backs_off, interval), WAITING[0])
    signs |= dict.fromkeys(_starts(status.is_oom, interval), TERMINATED[0])
    signs = {at: source for at, source in signs.items() if at - first > interval}
    if not status.restarts:
        turned = dict.fromkeys(_starts(status.was_oom, interval), REASON[0])
        return [(at, source) for at, source in turned.items() if at - first > interval]
    found = []
    before = first
    for counted in _counted(status, first, interval):
        between = [at for at in signs if before < at <= counted]
        if _oom_at(status, counted, interval):
            seen = min(between, default=counted)
            found.append((seen, signs.get(seen, RESTARTS[0])))
        before = counted
    open_end = [at for at in signs if at > before and (at in status.is_oom or _oom_at(status, at, interval))]
    return found + [(at, signs[at]) for at in sorted(open_end)[:1]]


def _counted(status: _Status, first: float, interval: float) -> list[float]:
    """When restarts were counted, of whatever cause."""
    found = []
    # A container first seen within the window had not restarted before it was there.
    before: float | None = 0.0 if min(status.restarts) - first > interval else None
    for at in sorted(status.restarts):
        if before is not None and status.restarts[at] > before:
            found.append(at)
        before = status.restarts[at]
    return found


def _oom_at(status: _Status, at: float, interval: float) -> bool:
    """Whether the last termination was an OOM kill by then: the reason may come one scrape after the count."""
    if at in status.was_other:
        return False
    return any(at <= seen <= at + 1.5 * interval for seen in status.was_oom)


def _starts(times: Iterable[float], interval: float) -> list[float]:
    """The first sample of each stretch without a gap of more than a scrape and a half."""
    starts: list[float] = []
    before = float("-inf")
    for at in sorted(times):
        if at - before > 1.5 * interval:
            starts.append(at)
        before = at
    return starts


def _interval(status: _Status) -> float:
    """Seconds between scrapes, as in most cases."""
    times = sorted({*status.restarts, *status.was_oom, *status.was_other, *status.is_oom, *status.backs_off})
    steps = sorted(later - earlier for earlier, later in pairwise(times))
    return steps[len(steps) // 2] if steps else USUAL_SCRAPE_SECONDS


def _kill(status: _Status, at: float, source: str, exit_code: float | None = None, late: float = 0.0) -> PastKill:
    return PastKill(
        pod=status.pod,
        container=status.container,
        at=datetime.fromtimestamp(at, tz=timezone.utc),
        exact=source == TIMESTAMP[0],
        exit_code=None if exit_code is None else int(exit_code),
        source=source,
        late_seconds=late,
    )
