"""Which samples belong to which container instance, and single numbers made of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from kubectl_oom.evidence import LastSample, Life, MemoryNow, Sample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import CaseFile, Container, Pod, Termination

# Times of the runtime and of events are cut to whole seconds, and the kubelet writes the event before it acts.
CLOCK_SLACK = timedelta(seconds=2)
# What was sampled this late in a life tells how it ended: cAdvisor looks every 30 s at the slowest, Prometheus each 60 s.
LAST_MOMENTS = timedelta(seconds=90)
# Of the highest sample of every quarter of an hour and more, nothing is left of how fast the memory rose.
COARSE_SECONDS = 900.0


# --- samples -------------------------------------------------------------------------------------------------------


def life_of(case: CaseFile, pod: Pod, container: Container, end: Termination) -> Life | None:
    """The samples of the instance that ended: by container id, else the life that lies inside its run."""
    own = [
        life
        for life in (case.history.lives if case.history else ())
        if is_of(life, pod, container) and life.working_set
    ]
    for life in own:
        if life.container_id and life.container_id == end.container_id:
            return life if end.finished_at is None else until(life, end.finished_at)
    if end.started_at is None or end.finished_at is None:
        return None
    for life in own:
        if life.container_id is None and end.started_at - CLOCK_SLACK <= life.working_set[0].at <= end.finished_at:
            return until(life, end.finished_at)
    return None


def is_coarse(stepped_seconds: float | None) -> bool:
    """Whether a course of the highest sample of each so many seconds has lost its jumps and its shape."""
    return stepped_seconds is not None and stepped_seconds >= COARSE_SECONDS


def is_of(life: Life, pod: Pod, container: Container) -> bool:
    """True for the lives of this container."""
    same = (life.pod, life.container) == (pod.name, container.name)
    return same and life.namespace in (None, pod.namespace)


def until(life: Life, end: datetime) -> Life:
    """The life without what was sampled after its end: a cgroup being torn down reads as empty."""

    def cut(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        return tuple(s for s in samples if s.at <= end + timedelta(seconds=1))

    return Life(
        pod=life.pod,
        container=life.container,
        container_id=life.container_id,
        working_set=cut(life.working_set),
        usage=cut(life.usage),
        rss=cut(life.rss),
        cache=cut(life.cache),
        limit=cut(life.limit),
        namespace=life.namespace,
        limit_series=life.limit_series,
        oom_events=life.oom_events,  # counted when the kernel line is read, often after the end
    )


def late_samples(samples: Sequence[Sample], end: Termination) -> tuple[Sample, ...]:
    """The samples of the last moments before an end."""
    ended = end.finished_at or (samples[-1].at if samples else None)
    return tuple(s for s in samples if ended is not None and s.at >= ended - LAST_MOMENTS)


def highest(samples: Sequence[Sample]) -> int | None:
    """The highest value sampled, None without samples."""
    return max((s.value for s in samples), default=None)


def interval_of(samples: Sequence[Sample]) -> float | None:
    """Seconds between samples, the median; None below two."""
    steps = [(b.at - a.at).total_seconds() for a, b in pairwise(samples)]
    if not steps:
        return None
    from statistics import median  # noqa: PLC0415 - 5 ms; most answers have no samples

    return median(steps)


def last_sample_of(case: CaseFile, life: Life | None, end: datetime | None) -> LastSample | None:
    """The last working-set sample of a life at or before its end."""
    if life is None or not life.working_set or case.history is None:
        return None
    last = life.working_set[-1]
    usage = [s for s in life.usage if end is None or s.at <= end + timedelta(seconds=1)]
    return LastSample(
        source=case.history.source,
        at=last.at,
        working_set_bytes=last.value,
        usage_bytes=usage[-1].value if usage else None,
        interval_seconds=interval_of(life.working_set),
    )


def oom_events(life: Life | None, numbers: MemoryNow | None) -> int | None:
    """Kills counted in this instance, by whichever source counts most; None where none counts."""
    counts = [s.value for s in life.oom_events] if life else []
    if numbers and numbers.oom_events is not None:
        counts.append(numbers.oom_events)
    return max(counts, default=None)


def same_instance(case: CaseFile, pod: Pod, container: Container, container_id: str | None) -> MemoryNow | None:
    """The kubelet's numbers of exactly this instance."""
    for now in case.now_by_container.get((pod.namespace, pod.name, container.name), ()):
        if container_id and now.container_id == container_id:
            return now
    return None


def running_now(case: CaseFile, pod: Pod, container: Container) -> MemoryNow | None:
    """The numbers of the instance that runs now: the kubelet's, else the newest the metrics engine holds of it."""
    if container.state != "running":
        return None
    known = case.now_by_container.get((pod.namespace, pod.name, container.name), ())
    if known and all(now.container_id is None for now in known):
        return _counted_too(known[-1], _sampled_now(case, pod, container))
    return same_instance(case, pod, container, container.container_id) or _sampled_now(case, pod, container)


def _counted_too(now: MemoryNow, sampled: MemoryNow | None) -> MemoryNow:
    """metrics.k8s.io and the summary count no kills; the metrics engine does."""
    return replace(now, oom_events=sampled.oom_events) if sampled and now.oom_events is None else now


def _sampled_now(case: CaseFile, pod: Pod, container: Container) -> MemoryNow | None:
    for life in case.history.lives if case.history else ():
        if (
            is_of(life, pod, container)
            and life.working_set
            and life.container_id
            and life.container_id == container.container_id
        ):
            last = life.working_set[-1]
            return MemoryNow(
                source=case.history.source if case.history else "",
                container_id=life.container_id,
                at=last.at,
                working_set_bytes=last.value,
                usage_bytes=life.usage[-1].value if life.usage else None,
                limit_bytes=life.limit[-1].value or None if life.limit else None,
                oom_events=max((s.value for s in life.oom_events), default=None),
            )
    return None
