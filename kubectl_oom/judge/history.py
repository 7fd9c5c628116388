"""The answer of `history`: per container of a workload, what its memory did over a window and every kill in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ENDED_PHASES, ContainerHistory, Gap, HistoryReport, ImageChange, LifeGrowth, Spread
from kubectl_oom.judge.causes import causes_of
from kubectl_oom.judge.counted import COUNTED_WITHIN, increases
from kubectl_oom.judge.diagnose import diagnose, every_end, sample_now
from kubectl_oom.judge.instance import Instance, LifeSpan, span_words
from kubectl_oom.judge.kills import kills_among
from kubectl_oom.judge.pattern import recognise
from kubectl_oom.judge.samples import interval_of, is_coarse, running_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from kubectl_oom.evidence import (
        CaseFile,
        Container,
        ContainerWindow,
        Diagnosis,
        Kill,
        LastSample,
        Life,
        Pod,
        WorkloadPast,
    )

# Below a day of samples a rate per week would be a guess blown up by seven.
SHORTEST_FOR_RATE = timedelta(days=1)
SHORTER = "a shorter window of this workload alone, such as --since 7d"


def recount(
    case: CaseFile, pasts: Sequence[WorkloadPast], *, since: datetime, until: datetime, container: str | None = None
) -> HistoryReport:
    """The history of every container of the workloads, those with kills first."""
    report = diagnose(case, now=until, container=container)
    ends = every_end(case)
    items = [item for past in pasts for item in _containers(case, past, ends, since, until, container)]
    items.sort(key=lambda i: (-len(i.kills), i.namespace, i.container))
    return HistoryReport(items=tuple(items), gaps=(*report.gaps, *_gaps(pasts)), since=since, until=until)


def _containers(
    case: CaseFile, past: WorkloadPast, ends: Sequence[Diagnosis], since: datetime, until: datetime, wanted: str | None
) -> list[ContainerHistory]:
    living = newest_first(pod for pod in case.pods if pod.namespace == past.namespace and pod.name in past.pods)
    names = {c.name for pod in living for c in pod.containers}
    names |= {row.container for row in past.window.containers} if past.window else set()
    names |= {life.container for life in past.history.lives} if past.history else set()
    # A kill that lies ahead has happened by a clock that is ahead of ours: nothing is read of the time after `until`.
    in_window = [kill for kill in kills_among(past, living, ends) if kill.at >= since]
    return [
        replace(
            _container(past, name, living, [k for k in in_window if k.container == name], since, until),
            now=_now(case, living, name),
        )
        for name in sorted(names)
        if wanted in (None, name)
    ]


def newest_first(pods: Iterable[Pod]) -> tuple[Pod, ...]:
    """What the newest pod says is what holds today: during a rollout the older ones are on their way out."""
    return tuple(sorted(pods, key=lambda pod: pod.created_at.timestamp() if pod.created_at else 0.0, reverse=True))


def _container(
    past: WorkloadPast, name: str, living: Sequence[Pod], kills: list[Kill], since: datetime, until: datetime
) -> ContainerHistory:
    own = next((c for pod in living for c in pod.containers if c.name == name), None)
    lives = tuple(life for life in (past.history.lives if past.history else ()) if life.container == name)
    rows = [row for row in (past.window.containers if past.window else ()) if row.container == name]
    coarse = is_coarse(past.stepped_seconds)  # no pattern can be told from the highest sample of every few hours
    result = recognise([] if coarse else [_span(life, kills) for life in lives], until=until)
    if coarse and lives:
        result = replace(result, reason=_too_coarse(past.stepped_seconds), data_needed=SHORTER)
    limit = _limit(own, rows, lives)
    working_set, usage = _pooled([r.working_set for r in rows]), _pooled([r.usage for r in rows])
    history = ContainerHistory(
        namespace=past.namespace,
        workload=past.workload,
        pods=tuple(sorted({r.pod for r in rows} | {life.pod for life in lives} | {p.name for p in living})),
        container=name,
        container_type=own.type if own else None,
        since=since,
        until=until,
        interval_seconds=_interval(past, lives),
        samples=working_set.samples if working_set else sum(len(life.working_set) for life in lives),
        working_set=working_set,
        usage=usage,
        limit_bytes=limit,
        request_bytes=own.request_bytes if own else None,
        pattern=result.pattern,
        confidence=result.confidence,
        reason=result.reason,
        data_needed=result.data_needed,
        growth_bytes_per_hour=result.growth_bytes_per_hour,
        seconds_to_limit=result.seconds_to_limit,
        kills=tuple(kills),
        restarts=_restarts(rows, own),
        kills_per_week=_rate(kills, lives, until),
        findings=(),
        growth_of_lives=() if coarse else tuple(_growth(life) for life in lives if life.working_set),
        image_changes=_image_changes(rows, lives),
        lives=lives,
        stepped_seconds=past.stepped_seconds,
    )
    there = replace(history, pods=_to_look_into(living, name))
    return replace(history, findings=causes_of(there, own))


def _to_look_into(living: Sequence[Pod], name: str) -> tuple[str, ...]:
    """The pods that may run the container, the best one last: it runs there, and the pod is the newest of those."""
    there = [pod for pod in reversed(living) if pod.phase not in ENDED_PHASES]
    states = [(pod.name, c.state) for pod in there for c in pod.containers if c.name == name]
    return tuple(pod for pod, _ in sorted(states, key=lambda one: one[1] == "running"))


def _too_coarse(seconds: float | None) -> str:
    return f"only the highest sample of each {span_words(seconds or 0)} was read, and no shape can be told from those"


def _pooled(spreads: Iterable[Spread | None]) -> Spread | None:
    """The pods' numbers as one: exact mean and maximum, and of each quantile the highest of any pod.

    The quantile of all samples together cannot be had from those of the parts.
    """
    known = [spread for spread in spreads if spread is not None]
    samples = sum(spread.samples for spread in known)
    if not samples:
        return None
    return Spread(
        samples=samples,
        mean_bytes=_mean(known),
        p50_bytes=_highest(spread.p50_bytes for spread in known),
        p95_bytes=max(spread.p95_bytes for spread in known),
        p99_bytes=_highest(spread.p99_bytes for spread in known),
        max_sampled_bytes=max(spread.max_sampled_bytes for spread in known),
    )


def _mean(spreads: Sequence[Spread]) -> int | None:
    """Over all samples; None where that of a pod is not known."""
    sums = [spread.mean_bytes * spread.samples for spread in spreads if spread.mean_bytes is not None]
    return round(sum(sums) / sum(spread.samples for spread in spreads)) if len(sums) == len(spreads) else None


def _highest(values: Iterable[int | None]) -> int | None:
    listed = list(values)
    known = [value for value in listed if value is not None]
    return max(known) if len(known) == len(listed) else None


def _interval(past: WorkloadPast, lives: Sequence[Life]) -> float | None:
    """Seconds between samples: as the engine was asked, else as the samples show."""
    if past.window and past.window.interval_seconds:
        return past.window.interval_seconds
    return min((i for life in lives if (i := interval_of(life.working_set))), default=None)


def _limit(container: Container | None, rows: Sequence[ContainerWindow], lives: Sequence[Life]) -> int | None:
    if container is not None:
        return container.limit_in_effect_bytes or container.limit_bytes
    last = max((life.limit[-1] for life in lives if life.limit), key=lambda s: s.at, default=None)
    return last.value if last else next((row.limit_bytes for row in rows if row.limit_bytes), None)


def _now(case: CaseFile, living: Sequence[Pod], name: str) -> LastSample | None:
    """What runs now, where any source tells: of several pods the one with the largest working set."""
    running = [running_now(case, pod, c) for pod in living for c in pod.containers if c.name == name]
    samples = [sample for now in running if (sample := sample_now(now)) and sample.working_set_bytes is not None]
    return max(samples, key=lambda sample: sample.working_set_bytes or 0, default=None)


def _growth(life: Life) -> LifeGrowth:
    trend = Instance(_span(life, ())).trend
    first, last = life.working_set[0].at, life.working_set[-1].at
    return LifeGrowth(pod=life.pod, since=first, until=last, bytes_per_hour=trend.slope if trend else None)


def _image_changes(rows: Sequence[ContainerWindow], lives: Sequence[Life]) -> tuple[ImageChange, ...]:
    """When the pods began to run another image: a deployment, whose memory may differ from the one before."""
    images = {row.pod: row.image for row in rows if row.image}
    began: dict[str, datetime] = {}  # pod → its first life: one that restarts with the old image is no change
    for life in lives:
        if life.working_set and life.pod in images:
            began[life.pod] = min(life.working_set[0].at, began.get(life.pod, life.working_set[0].at))
    begun = sorted((at, images[pod]) for pod, at in began.items())
    changes = [ImageChange(at=at, image=image) for (_, before), (at, image) in pairwise(begun) if image != before]
    return tuple(changes)


def _restarts(rows: Sequence[ContainerWindow], container: Container | None) -> int | None:
    counted = [row.restarts for row in rows if row.restarts is not None]
    if counted:
        return sum(counted)
    return container.restart_count if container else None


def _rate(kills: Sequence[Kill], lives: Sequence[Life], until: datetime) -> float | None:
    """Kills per week over the time that was really watched: a window says nothing about the days before its samples."""
    first = min((life.working_set[0].at for life in lives if life.working_set), default=None)
    if first is None or until - first < SHORTEST_FOR_RATE:
        return None
    return len(kills) / ((until - first) / timedelta(weeks=1))


def _span(life: Life, kills: Sequence[Kill]) -> LifeSpan:
    ended = [
        kill.at
        for kill in kills
        if kill.pod == life.pod
        and life.working_set
        and life.working_set[0].at <= kill.at
        and abs(kill.at - life.working_set[-1].at) <= COUNTED_WITHIN
    ]
    return LifeSpan(
        samples=life.working_set,
        rss=life.rss,
        usage=life.usage,
        cache=life.cache,
        ended_at=min(ended, default=None),
        oom_killed=bool(ended) or bool(increases(life)),
        limit_bytes=life.limit[-1].value if life.limit else None,
    )


def _gaps(pasts: Sequence[WorkloadPast]) -> list[Gap]:
    told: dict[Gap, None] = {}
    for past in pasts:
        for source in (past.window, past.history):
            for warning in source.warnings if source else ():
                told[Gap(source="metrics engine", reason=warning)] = None
        if past.window and not past.window.kills_known:
            told[
                Gap(
                    source="kills of the past",
                    reason="the metrics engine holds no kube-state-metrics series that would tell of them",
                    remedy="install kube-state-metrics and scrape it",
                )
            ] = None
    return list(told)
