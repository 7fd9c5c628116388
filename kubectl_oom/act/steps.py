"""Where a rollout stands, as the workload's own status tells: what its controller has done of what it is to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import RolloutState
from kubectl_oom.read.answer import part, parts, text, whole

if TYPE_CHECKING:
    from kubectl_oom.evidence import WorkloadFacts
    from kubectl_oom.read.source import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One look at a rollout; `state` is None while it goes on."""

    state: RolloutState | None
    updated: int
    wanted: int
    ready: int
    because: str  # one sentence
    remedy: str | None = None
    fails_after: float | None = None  # seconds after which this is a failure, if nothing moves meanwhile
    verified: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Pods as the controller counts them."""

    wanted: int  # that are to have the new template
    pods: int  # that are to be there in all
    updated: int
    ready: int
    old: int  # that still have to end
    seen: bool  # whether the controller has seen the change


def counts_of(item: Json, kind: str) -> Counts:
    """The numbers of a Deployment, StatefulSet or DaemonSet."""
    spec, status = part(item, "spec"), part(item, "status")
    generation = whole(part(item, "metadata").get("generation")) or 0
    seen = (whole(status.get("observedGeneration")) or 0) >= generation
    if kind == "DaemonSet":
        wanted = whole(status.get("desiredNumberScheduled")) or 0
        updated = whole(status.get("updatedNumberScheduled")) or 0
        ready = whole(status.get("numberAvailable")) or 0
        return Counts(wanted=wanted, pods=wanted, updated=updated, ready=ready, old=0, seen=seen)
    replicas = whole(spec.get("replicas"))
    replicas = 1 if replicas is None else replicas
    updated = whole(status.get("updatedReplicas")) or 0
    ready = whole(status.get("availableReplicas")) or 0
    if kind == "StatefulSet":
        wanted = max(0, replicas - partition_of(item))
        return Counts(wanted=wanted, pods=replicas, updated=updated, ready=ready, old=0, seen=seen)
    old = max(0, (whole(status.get("replicas")) or 0) - updated)
    return Counts(wanted=replicas, pods=replicas, updated=updated, ready=ready, old=old, seen=seen)


def partition_of(item: Json) -> int:
    """The ordinal below which a StatefulSet's pods keep the old template."""
    return whole(part(part(part(item, "spec"), "updateStrategy"), "rollingUpdate").get("partition")) or 0


def nothing_to_follow(item: Json, facts: WorkloadFacts) -> Step | None:
    """Where no controller carries the change to the pods: what has to happen for it to reach them."""
    kind, name = facts.target.kind, f"{facts.target.kind.lower()}/{facts.target.name}"
    where = f"-n {facts.namespace}"
    if kind == "CronJob":
        return _nothing(*_next_run(item, where))
    if kind == "Job" and facts.suspended:
        return _nothing(f"{name} is suspended: its pods get the new size when it is resumed.", None)
    if kind == "Job":
        return _nothing("The template of a Job cannot be changed.", "Create it again with the new size")
    if facts.strategy == "OnDelete":
        why = "the pods of a ReplicaSet" if kind == "ReplicaSet" else f"with updateStrategy OnDelete the pods of {name}"
        pods = f"kubectl delete pod NAME {where}, one after the other"
        return _nothing(f"The template has the new size; {why} get it when they are deleted.", pods)
    if facts.paused:
        return _nothing(
            f"{name} is paused: its pods get the new size when it is resumed.", f"kubectl rollout resume {name} {where}"
        )
    counts = counts_of(item, kind)
    if counts.seen and counts.pods == 0:
        return _nothing(f"{name} has no pods now; the next one gets the new size.", None)
    return None


def _next_run(item: Json, where: str) -> tuple[str, str | None]:
    spec = part(item, "spec")
    if spec.get("suspend") is True:
        return "The CronJob is suspended; its next run, whenever that is, gets the new size.", None
    schedule = text(spec.get("schedule")) or ""
    name = text(part(item, "metadata").get("name")) or ""
    by_hand = f"To try it now: kubectl create job {name}-try --from=cronjob/{name} {where}"
    return f"The next run gets the new size (schedule {schedule}); a run that is under way keeps the old one.", by_hand


def _nothing(because: str, remedy: str | None) -> Step:
    return Step(state=RolloutState.NOTHING_TO_FOLLOW, updated=0, wanted=0, ready=0, because=because, remedy=remedy)


def progress(item: Json, kind: str) -> Step:
    """How far a Deployment, StatefulSet or DaemonSet is; DONE by the rules of `kubectl rollout status`."""
    counts = counts_of(item, kind)
    reached = counts.updated >= counts.wanted and counts.ready >= counts.pods and not counts.old
    done = counts.seen and reached
    so_far = f"{min(counts.updated, counts.wanted)} of {counts.wanted} pods updated, {counts.ready} available"
    because = f"{so_far}." if counts.seen else f"{kind} has not seen the change yet."
    if done:
        because = f"{counts.wanted} of {counts.wanted} pods run with the new size."
        if kept := counts.pods - counts.wanted:
            because += f" {kept} below the partition keep the old one."
    elif counts.old and counts.updated >= counts.wanted:
        because = f"{so_far}, {counts.old} old ones still to end."
    return Step(
        state=RolloutState.DONE if done else None,
        updated=min(counts.updated, counts.wanted) if counts.seen else 0,
        wanted=counts.wanted,
        ready=counts.ready,
        because=because,
    )


def condition_of(item: Json, kind: str) -> Json:
    """The condition of that type, empty where there is none."""
    return next((one for one in parts(part(item, "status"), "conditions") if one.get("type") == kind), {})
