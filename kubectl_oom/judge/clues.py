"""What the evidence says about one end of one container: facts side by side, nothing weighed yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, LastSample, Life, MemoryNow, Sample
from kubectl_oom.judge.messages import KernelKill, failed_probe, kernel_kill, stop_reason, system_oom_victim
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import CaseFile, Container, Event, Node, Pod, Termination

# Times of the runtime and of events are cut to whole seconds, and the kubelet writes the event before it acts.
CLOCK_SLACK = timedelta(seconds=2)
# A kill event belongs to an end that follows it within the grace period and this much for the runtime's own work.
STOP_SLACK = timedelta(seconds=10)
# No grace period is longer in practice; the API takes any 64-bit number.
LONGEST_GRACE_SECONDS = 7 * 86_400
# SystemOOM and kernel lines reach the event stream within seconds; a minute allows for a node in distress.
NODE_OOM_WINDOW = timedelta(seconds=60)
# The kubelet reads the kernel log from its start when it starts, and tells old kills as new ones (k/k #133260).
REPLAY_WINDOW = timedelta(minutes=2)
# Samples of the node this close to the kill say how much room it had then.
NODE_SAMPLE_WINDOW = timedelta(seconds=90)
# What was sampled this late in a life tells how it ended: cAdvisor looks every 30 s at the slowest, Prometheus each 60 s.
LAST_MOMENTS = timedelta(seconds=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class KillEvent:
    """The kubelet's own word that it stopped this container, and why: `liveness`, `startup` or a stop's wording.

    The kubelet may send 25 events about a pod, then one in five minutes; the rest is dropped. So in a crash loop the
    word about this very life may be missing: `dropped` says that it is inferred from the probe's failure just before
    (`event`) and from the same probe's kills of earlier lives, or, weakest, from those alone.
    """

    event: Event
    probe: str | None
    stop: str | None
    grace_was_over: bool  # SIGKILL followed SIGTERM: the container outlived its grace period
    merged: bool = False  # one of several kills that share an event with only the first and the last time
    dropped: bool = False
    failed_just_before: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitThen:
    """The memory limit in force at the end. `known` False: it was changed since and nothing recorded the old one."""

    bytes: int | None
    known: bool
    citation: Citation | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRoom:
    """How full the cgroup of all pods, or the node itself, was around the kill: the higher share of the two."""

    share: float
    citation: Citation


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """Everything about one end that the ladder of verdicts looks at."""

    pod: Pod
    container: Container
    end: Termination
    instance: int  # 0: the first life of the container in this pod
    node: Node | None
    life: Life | None
    limit: LimitThen
    kill_event: KillEvent | None
    system_ooms: tuple[Event, ...]
    kernel_kills: tuple[tuple[Event, KernelKill], ...]
    oom_events: int | None
    node_room: NodeRoom | None
    pod_share: float | None  # highest sampled use of the pod's cgroup in the last moments of this life, of its limit
    pod_peak: MemoryNow | None  # the pod's cgroup now: its high-water mark outlives the container
    last_sample: LastSample | None

    @property
    def highest_usage(self) -> int | None:
        """Highest sampled usage in this life, in bytes."""
        return highest(self.life.usage) if self.life else None

    @property
    def highest_working_set(self) -> int | None:
        """Highest sampled working set in this life, in bytes."""
        return highest(self.life.working_set) if self.life else None

    @property
    def last_usage(self) -> Sample | None:
        """The highest usage sampled in the last moments of this life; what was sampled long before says little of its end."""
        late = _late(self.life.usage, self.end) if self.life else ()
        return max(late, key=lambda sample: sample.value, default=None)

    @property
    def lived(self) -> timedelta | None:
        """How long this instance ran."""
        if self.end.started_at is None or self.end.finished_at is None:
            return None
        return self.end.finished_at - self.end.started_at

    @property
    def runs_crio(self) -> bool:
        """CRI-O marks OOMKilled on an `oom` event alone, which need not have killed anything."""
        told = self.container.runtime or (self.node.runtime_version if self.node else None) or ""
        return told.startswith("cri-o")


def clues_of(case: CaseFile, pod: Pod, container: Container, end: Termination) -> Clues:
    """All that the case file holds about this end."""
    life = life_of(case, pod, container, end)
    node = case.nodes.get(pod.node or "")
    numbers = _same_instance(case, pod, container, end.container_id)
    limit = _limit_then(pod, container, life)
    return Clues(
        pod=pod,
        container=container,
        end=end,
        instance=max(0, container.restart_count - (0 if end.is_current else 1)),
        node=node,
        life=life,
        limit=limit,
        kill_event=_kill_event(pod, container, end),
        system_ooms=_system_ooms(node, end.finished_at),
        kernel_kills=_kernel_kills(node, end.finished_at),
        oom_events=_oom_events(life, numbers),
        node_room=_node_room(case, node, end.finished_at),
        pod_share=_pod_share(case, pod, end),
        pod_peak=case.now_by_pod.get((pod.namespace, pod.name)),
        last_sample=last_sample_of(case, life, end.finished_at),
    )


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
        oom_events=life.oom_events,  # counted when the kernel line is read, often after the end
    )


def _late(samples: Sequence[Sample], end: Termination) -> tuple[Sample, ...]:
    ended = end.finished_at or (samples[-1].at if samples else None)
    return tuple(s for s in samples if ended is not None and s.at >= ended - LAST_MOMENTS)


def highest(samples: Sequence[Sample]) -> int | None:
    """The highest value sampled, None without samples."""
    return max((s.value for s in samples), default=None)


def interval_of(samples: Sequence[Sample]) -> float | None:
    """Seconds between samples, the median; None below two."""
    steps = [(b.at - a.at).total_seconds() for a, b in pairwise(samples)]
    return median(steps) if steps else None


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


def _oom_events(life: Life | None, numbers: MemoryNow | None) -> int | None:
    counts = [s.value for s in life.oom_events] if life else []
    if numbers and numbers.oom_events is not None:
        counts.append(numbers.oom_events)
    return max(counts, default=None)


def _same_instance(case: CaseFile, pod: Pod, container: Container, container_id: str | None) -> MemoryNow | None:
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
    return _same_instance(case, pod, container, container.container_id) or _sampled_now(case, pod, container)


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


# --- the limit -----------------------------------------------------------------------------------------------------


def _limit_then(pod: Pod, container: Container, life: Life | None) -> LimitThen:
    """The container's own limit; the kubelet writes a pod-level one into containers without, which is not theirs."""
    if container.limit_bytes is None and pod.limit_bytes is not None:
        return LimitThen(bytes=None, known=True, citation=None)
    if life and life.limit and life.limit[-1].value > 0:
        last = life.limit[-1]
        cited = Citation(
            source="metrics engine", field="container_spec_memory_limit_bytes", value=show_bytes(last.value), at=last.at
        )
        return LimitThen(bytes=last.value, known=True, citation=cited)
    if pod.resized and container.limit_bytes is not None:  # a resize cannot take a limit away
        return LimitThen(bytes=None, known=False, citation=None)
    value = show_bytes(container.limit_bytes) if container.limit_bytes is not None else "not set"
    cited = Citation(source="pod", field=f"spec…[{container.name}].resources.limits.memory", value=value)
    return LimitThen(bytes=container.limit_bytes, known=True, citation=cited)


# --- events --------------------------------------------------------------------------------------------------------


def _kill_event(pod: Pod, container: Container, end: Termination) -> KillEvent | None:
    """The Killing event that started this end, the latest that fits; else what is left of it when it was dropped."""
    if end.finished_at is None:
        return None
    grace = timedelta(seconds=min(max(pod.grace_seconds, container.probe_grace_seconds or 0), LONGEST_GRACE_SECONDS))
    own = [e for e in reversed(pod.events) if (e.field_path or "").endswith(f"{{{container.name}}}") and e.last_at]
    earlier: KillEvent | None = None
    for event in own:
        probe, stop = failed_probe(event.message), stop_reason(event.message)
        if event.reason != "Killing" or not (probe or stop):
            continue
        if _led_to(event, end, grace):
            over = _outlived(pod, container, end, event, probe=bool(probe))
            return KillEvent(event=event, probe=probe, stop=stop, grace_was_over=over)
        if _hides_earlier(event, end.finished_at):
            return KillEvent(event=event, probe=probe, stop=stop, grace_was_over=False, merged=True)
        if probe and event.last_at and event.last_at < end.finished_at and earlier is None:
            earlier = KillEvent(event=event, probe=probe, stop=None, grace_was_over=False, dropped=True)
    return _dropped_kill(own, earlier, end, grace)


def _dropped_kill(
    own: Sequence[Event], earlier: KillEvent | None, end: Termination, grace: timedelta
) -> KillEvent | None:
    if earlier is None or earlier.probe is None:
        return None
    for event in own:
        failed = event.reason == "Unhealthy" and event.message.startswith(f"{earlier.probe.capitalize()} probe")
        if failed and _led_to(event, end, grace):
            return replace(earlier, event=event)
    return replace(earlier, failed_just_before=False)


def _outlived(pod: Pod, container: Container, end: Termination, event: Event, *, probe: bool) -> bool:
    if end.finished_at is None or event.last_at is None or end.exit_code != SIGKILL_EXIT:
        return False
    grace = pod.grace_seconds if pod.deletion_grace_seconds is None else pod.deletion_grace_seconds
    if probe:
        grace = pod.grace_seconds if container.probe_grace_seconds is None else container.probe_grace_seconds
    return (end.finished_at - event.last_at).total_seconds() >= grace - 1  # times are whole seconds


SIGKILL_EXIT = 137  # 128 + SIGKILL


def _led_to(event: Event, end: Termination, grace: timedelta) -> bool:
    """True when the event's last occurrence can have started this end: in its own life, and within the grace period."""
    last, ended = event.last_at, end.finished_at
    if last is None or ended is None:
        return False
    of_an_earlier_life = end.started_at is not None and last < end.started_at  # one clock, both cut to seconds
    return ended - grace - STOP_SLACK <= last <= ended + CLOCK_SLACK and not of_an_earlier_life


def _hides_earlier(event: Event, ended: datetime) -> bool:
    """True for merged repeats around this end: of those in between, one may be about it, but their times are gone."""
    return bool(event.count > 1 and event.first_at and event.last_at and event.first_at <= ended < event.last_at)


def _system_ooms(node: Node | None, ended: datetime | None) -> tuple[Event, ...]:
    if node is None or ended is None:
        return ()
    return tuple(
        e
        for e in node.events
        if e.reason == "SystemOOM"
        and system_oom_victim(e.message) is not None
        and _near(e, ended)
        and not is_replayed(e, node)
    )


def is_replayed(event: Event, node: Node) -> bool:
    """True for a SystemOOM told just after a kubelet start: it may be an old kill read again from the kernel log."""
    starts = [e.last_at for e in node.events if e.reason == "Starting" and e.last_at]
    return any(event.last_at and timedelta() <= event.last_at - start <= REPLAY_WINDOW for start in starts)


def _kernel_kills(node: Node | None, ended: datetime | None) -> tuple[tuple[Event, KernelKill], ...]:
    if node is None or ended is None:
        return ()
    near = [(e, kernel_kill(e.message)) for e in node.events if e.reason == "OOMKilling" and _near(e, ended)]
    return tuple((event, kill) for event, kill in near if kill is not None)


def _near(event: Event, moment: datetime) -> bool:
    times = [t for t in (event.first_at, event.last_at) if t is not None]
    return any(abs(t - moment) <= NODE_OOM_WINDOW for t in times)


# --- wider cgroups -------------------------------------------------------------------------------------------------


def _node_room(case: CaseFile, node: Node | None, ended: datetime | None) -> NodeRoom | None:
    """Around the kill, from samples; from the kubelet's present numbers only when the kill is that recent."""
    if node is None or ended is None:
        return None
    rooms = []
    history = case.history
    if history:
        pods = _around(history.pods_usage.get(node.name, ()), ended)
        limit = history.pods_limit.get(node.name) or node.allocatable_bytes
        rooms.append(_room(pods, limit, history.source, "all pods of the node"))
        whole = _around(history.node_usage.get(node.name, ()), ended)
        rooms.append(_room(whole, node.capacity_bytes, history.source, "the whole node"))
    for now, size, what in (
        (case.now_by_pods_cgroup.get(node.name), node.allocatable_bytes, "all pods of the node"),
        (case.now_by_node.get(node.name), node.capacity_bytes, "the whole node"),
    ):
        if now and now.at and now.working_set_bytes is not None and abs(now.at - ended) <= NODE_SAMPLE_WINDOW:
            sample = (Sample(at=now.at, value=now.working_set_bytes),)
            rooms.append(_room(sample, now.limit_bytes or size, now.source, what))
    return max((r for r in rooms if r), key=lambda r: r.share, default=None)


def _around(samples: Sequence[Sample], moment: datetime) -> tuple[Sample, ...]:
    return tuple(s for s in samples if abs(s.at - moment) <= NODE_SAMPLE_WINDOW)


def _room(samples: Sequence[Sample], size: int | None, source: str, what: str) -> NodeRoom | None:
    if not samples or not size:
        return None
    top = max(samples, key=lambda s: s.value)
    value = f"{show_bytes(top.value)} of {show_bytes(size)} highest sampled around the kill"
    return NodeRoom(share=top.value / size, citation=Citation(source=source, field=what, value=value, at=top.at))


def _pod_share(case: CaseFile, pod: Pod, end: Termination) -> float | None:
    """Highest sampled use of the pod's cgroup in the last moments of this life, as a share of the pod's limit."""
    limit = pod_cgroup_limit(pod)
    if not limit or end.finished_at is None:
        return None
    sampled = case.history.pod_usage if case.history else {}
    used = [
        s.value
        for s in sampled.get(f"{pod.namespace}/{pod.name}", sampled.get(pod.name, ()))
        if (end.started_at is None or s.at >= end.started_at - CLOCK_SLACK)
        and end.finished_at - LAST_MOMENTS <= s.at <= end.finished_at + CLOCK_SLACK
    ]
    now = case.now_by_pod.get((pod.namespace, pod.name))
    if now and now.usage_bytes is not None and now.at and abs(now.at - end.finished_at) <= NODE_SAMPLE_WINDOW:
        used.append(now.usage_bytes)
    return max(used) / limit if used else None


def pod_cgroup_limit(pod: Pod) -> int | None:
    """The limit of the pod's own cgroup: pod-level, else the containers' sum when every one of them has a limit."""
    if pod.limit_bytes is not None:
        return pod.limit_bytes
    steady = [c for c in pod.containers if c.type.value in ("app", "sidecar")]
    steps = [c for c in pod.containers if c.type.value == "init"]
    limits = [c.limit_bytes for c in (*steady, *steps)]
    if not limits or any(limit is None for limit in limits):
        return None
    return max(sum(c.limit_bytes or 0 for c in steady), max((c.limit_bytes or 0 for c in steps), default=0))
