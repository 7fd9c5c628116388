"""One planned change with everything that is known around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ENDED_PHASES, Citation, Sizes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kubectl_oom.evidence import Container, ContainerChange, FixPlan, Pod, Proposal, Room, WorkloadFacts
    from kubectl_oom.judge.fixing import FixAsked


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The plan, what it was made from, and what surrounds it; `pods` are the workload's."""

    plan: FixPlan
    proposals: Sequence[Proposal]
    room: Room | None
    pods: Sequence[Pod]
    asked: FixAsked

    @property
    def facts(self) -> WorkloadFacts:
        """The workload's own object."""
        return self.plan.facts

    @property
    def name(self) -> str:
        """`Deployment api`."""
        return f"{self.facts.target.kind} {self.facts.target.name}"

    @property
    def shell_name(self) -> str:
        """`deployment/api -n shop`, as kubectl takes it."""
        return f"{self.facts.target.kind.lower()}/{self.facts.target.name} -n {self.facts.namespace}"

    @property
    def changed(self) -> frozenset[str]:
        """The names of the containers that are changed."""
        return frozenset(change.container for change in self.plan.changes)

    @property
    def living(self) -> tuple[Pod, ...]:
        """The pods that have not ended."""
        return tuple(pod for pod in self.pods if pod.phase not in ENDED_PHASES)

    @property
    def replicas(self) -> int:
        """How many pods the change reaches in the end."""
        return len(self.living) if self.facts.replicas is None else self.facts.replicas

    @property
    def by_container(self) -> Mapping[str, Proposal]:
        """The proposals by the container they are about."""
        return {one.size.container: one for one in self.proposals}

    def after(self, change: ContainerChange) -> Sizes:
        """The sizes a container has afterwards: what a change does not touch stays; what an undo lacks is taken away."""
        if self.plan.is_undo:
            return change.after
        request, limit = change.after.request_bytes, change.after.limit_bytes
        return Sizes(
            request_bytes=change.before.request_bytes if request is None else request,
            limit_bytes=change.before.limit_bytes if limit is None else limit,
        )

    def in_pods(self, name: str) -> tuple[Container, ...]:
        """The container of that name, in every pod that has it."""
        return tuple(one for pod in self.living for one in pod.containers if one.name == name)

    def cite(self, field: str, value: str) -> Citation:
        """A field of the workload's own object as evidence."""
        return Citation(source=f"{self.facts.target.kind.lower()}/{self.facts.target.name}", field=field, value=value)


def counted(count: int, word: str) -> str:
    """`1 pod`, `3 pods`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
