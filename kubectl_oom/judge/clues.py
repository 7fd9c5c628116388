"""What the evidence says about one end of one container: facts side by side, nothing weighed yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, LastSample, Life, MemoryNow, Sample
from kubectl_oom.judge.counted import COUNTED_WITHIN
from kubectl_oom.judge.kill_events import KillEvent, kill_event
from kubectl_oom.judge.samples import highest, last_sample_of, late_samples, life_of, oom_events, same_instance
from kubectl_oom.judge.surroundings import NodeRoom, kernel_kills, node_room, pod_share, system_ooms
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from kubectl_oom.evidence import CaseFile, Container, Event, Node, Pod, Termination
    from kubectl_oom.judge.messages import KernelKill

# A kubelet carries a resize out as soon as it syncs the pod: within a minute and a half at the slowest.
RESIZED_WITHIN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitThen:
    """The memory limit in force at the end. `known` False: it was changed since and nothing recorded the old one."""

    bytes: int | None
    known: bool
    citation: Citation | None


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
    def oom_events_at_the_end(self) -> int | None:
        """Kills counted in this life, without those of children that it was seen to survive."""
        ended = self.end.finished_at
        if self.oom_events is None or ended is None or self.life is None:
            return self.oom_events
        survived = (sample.value for sample in self.life.oom_events if sample.at < ended - COUNTED_WITHIN)
        return max(0, self.oom_events - max(survived, default=0))

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
        late = late_samples(self.life.usage, self.end) if self.life else ()
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
    numbers = same_instance(case, pod, container, end.container_id)
    limit = _limit_then(pod, container, end, life)
    return Clues(
        pod=pod,
        container=container,
        end=end,
        instance=_instance_of(container, end),
        node=node,
        life=life,
        limit=limit,
        kill_event=kill_event(pod, container, end),
        system_ooms=system_ooms(node, end.finished_at),
        kernel_kills=kernel_kills(node, end.finished_at),
        oom_events=oom_events(life, numbers),
        node_room=node_room(case, node, end.finished_at),
        pod_share=pod_share(case, pod, end),
        pod_peak=case.now_by_pod.get((pod.namespace, pod.name)),
        last_sample=last_sample_of(case, life, end.finished_at),
    )


def _instance_of(container: Container, end: Termination) -> int:
    ends = container.terminations  # newest first
    since = ends.index(end) if end in ends else 0
    return max(0, container.ended_instances - 1 - since)


# --- the limit -----------------------------------------------------------------------------------------------------


def _limit_then(pod: Pod, container: Container, end: Termination, life: Life | None) -> LimitThen:
    """The container's own limit; the kubelet writes a pod-level one into containers without, which is not theirs."""
    if container.limit_bytes is None and pod.limit_bytes is not None:
        return LimitThen(bytes=None, known=True, citation=None)
    if life and life.limit and life.limit[-1].value > 0:
        last = life.limit[-1]
        cited = Citation(source="metrics engine", field=life.limit_series, value=show_bytes(last.value), at=last.at)
        return LimitThen(bytes=last.value, known=True, citation=cited)
    resized = pod.resized and container.limit_bytes is not None  # a resize cannot take a limit away
    if resized and not _in_force_since(pod, container, end):
        return LimitThen(bytes=None, known=False, citation=None)
    value = show_bytes(container.limit_bytes) if container.limit_bytes is not None else "not set"
    cited = Citation(
        source="pod",
        field=f"spec…[{container.name}].resources.limits.memory",
        value=f"{value}, not resized since" if resized else value,
        at=pod.resized_at if resized else None,
    )
    return LimitThen(bytes=container.limit_bytes, known=True, citation=cited)


def _in_force_since(pod: Pod, container: Container, end: Termination) -> bool:
    """True when the last resize came before the end, early enough, and nothing says that it was not carried out."""
    if pod.resized_at is None or end.finished_at is None or pod.resized_at > end.finished_at - RESIZED_WITHIN:
        return False
    going_on = any(c.type.startswith("PodResize") and c.status == "True" for c in pod.conditions)
    return container.limit_in_effect_bytes in (None, container.limit_bytes) and not going_on
