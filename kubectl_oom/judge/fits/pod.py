"""A pod as the API server and the scheduler count its memory, today and with the new sizes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ENDED_PHASES, ContainerType, TemplateContainer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kubectl_oom.evidence import Pod, Recommendation, Room, Sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class WholePod:
    """The containers of a pod in the order in which they start, and what stands above all of them."""

    containers: tuple[TemplateContainer, ...]
    pod_request: int | None = None  # spec.resources of the pod itself
    pod_limit: int | None = None
    overhead: int = 0

    def with_sizes(self, together: Mapping[str, Sizes]) -> WholePod:
        """The same pod with these sizes of some of its containers."""
        changed = (
            replace(one, request_bytes=together[one.name].request_bytes, limit_bytes=together[one.name].limit_bytes)
            if one.name in together
            else one
            for one in self.containers
        )
        return replace(self, containers=tuple(changed))

    def container(self, name: str) -> TemplateContainer | None:
        """The container of this name."""
        return next((one for one in self.containers if one.name == name), None)

    @property
    def request(self) -> int:
        """Bytes that the scheduler and a quota count, overhead included; 0 where nothing is requested."""
        return (self.ranged_request or 0) + self.overhead

    @property
    def limit(self) -> int:
        """Bytes that a quota on limits counts, overhead included."""
        return (self.ranged_limit or 0) + (self.overhead if self.ranged_limit else 0)

    @property
    def containers_request(self) -> int | None:
        """What the containers request together; None: none does."""
        return _counted((one.type, reserved(one)) for one in self.containers)

    @property
    def ranged_request(self) -> int | None:
        """The request as a LimitRange for pods counts it; None: no container has one."""
        return self.containers_request if self.pod_request is None else self.pod_request

    @property
    def ranged_limit(self) -> int | None:
        """The limit as a LimitRange for pods counts it; None: no container has one."""
        if self.pod_limit is not None:
            return self.pod_limit
        return _counted((one.type, one.limit_bytes) for one in self.containers)


def reserved(one: TemplateContainer) -> int | None:
    """The request of a container: where only a limit is set, the API server makes it the request."""
    return one.limit_bytes if one.request_bytes is None else one.request_bytes


def _counted(sizes: Iterable[tuple[ContainerType, int | None]]) -> int | None:
    """What runs together, or any step of the start if that is more; None where no container says anything."""
    running = sidecars = step = 0
    told = False
    for kind, size in sizes:
        told = told or size is not None
        if kind is ContainerType.SIDECAR:
            sidecars += size or 0
            step = max(step, sidecars)
        elif kind is ContainerType.INIT:  # beside the sidecars that were started before it
            step = max(step, sidecars + (size or 0))
        else:
            running += size or 0
    return max(running + sidecars, step) if told else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Sizes that are held against the room of a workload."""

    size: Recommendation
    sizes: Sizes  # of the one container that is asked about
    room: Room
    together: Mapping[str, Sizes]
    today: WholePod
    standing: tuple[WholePod, ...]  # the pods that live
    homes: tuple[str, ...]  # the nodes they live on, one entry per pod
    qos_class: str | None

    @property
    def then(self) -> WholePod:
        """A pod with the new sizes."""
        return self.today.with_sizes({**self.together, self.size.container: self.sizes})

    def instead(self, sizes: Sizes) -> Trial:
        """The same with other sizes of this container."""
        return replace(self, sizes=sizes)


def trial_of(size: Recommendation, room: Room, pods: Sequence[Pod], together: Mapping[str, Sizes]) -> Trial | None:
    """The recommended size as a trial; None where no pod and no template tells what else is in a pod."""
    living = [pod for pod in pods if pod.phase not in ENDED_PHASES]
    today = _of_pod(pods[0]) if pods else _of_template(room)  # the pod, since admission may add to the template
    if size.recommended is None or not today.containers:
        return None
    return Trial(
        size=size,
        sizes=size.recommended,
        room=room,
        together=together,
        today=today,
        standing=tuple(_of_pod(pod) for pod in living),
        homes=tuple(pod.node for pod in living if pod.node),
        qos_class=pods[0].qos_class if pods else None,
    )


def _of_pod(pod: Pod) -> WholePod:
    return WholePod(
        containers=tuple(
            TemplateContainer(name=c.name, type=c.type, request_bytes=c.request_bytes, limit_bytes=c.limit_bytes)
            for c in pod.containers
            if c.type is not ContainerType.EPHEMERAL  # has no resources
        ),
        pod_request=pod.request_bytes,
        pod_limit=pod.limit_bytes,
        overhead=pod.overhead_bytes,
    )


def _of_template(room: Room) -> WholePod:
    return WholePod(
        containers=room.template,
        pod_request=room.pod_request_bytes,
        pod_limit=room.pod_limit_bytes,
        overhead=room.overhead_bytes,
    )
