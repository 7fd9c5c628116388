"""Nodes: whether one is large enough for a pod of the new size, and has room for it now."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Fit
from kubectl_oom.judge.fits.wording import amount

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kubectl_oom.evidence import NodeRoom
    from kubectl_oom.judge.fits.pod import Trial

_size = attrgetter("allocatable_bytes")  # thousands of nodes for each of thousands of containers
_NAMED = 3  # nodes or reasons told; a cluster may have thousands
_ONE_BY_ONE = ("StatefulSet", "DaemonSet")  # they end a pod before they start the next, where nothing surges


def _open(trial: Trial) -> list[NodeRoom]:
    return [node for node in trial.room.nodes if node.closed_because is None]


def _deciding(trial: Trial, able: Sequence[NodeRoom]) -> NodeRoom:
    """The node that decides: one is enough for a pod, but a DaemonSet runs on all of them."""
    pick = min if _everywhere(trial) else max
    return pick(able, key=_size)


def _everywhere(trial: Trial) -> bool:
    workload = trial.room.workload
    return workload is not None and workload.kind == "DaemonSet"


def nodes(trial: Trial) -> Iterator[Fit]:
    """Whether an empty node could take the pod, and whether its limit means anything there."""
    everyone, able = trial.room.nodes, _open(trial)
    if not everyone:
        return
    if not able:
        yield _none_open(everyone)
        return
    node, asked, limit = _deciding(trial, able), trial.then.request, trial.sizes.limit_bytes
    which = f"{_which(trial, able)} ({node.name}) has {amount(node.allocatable_bytes)} for pods"
    if asked > node.allocatable_bytes:
        yield Fit(
            check="node",
            ok=False,
            detail=f"A pod of it asks for {amount(asked)}, and {which}: it would stay Pending.",
            remedy=f"add a node with more than {amount(asked)} for pods, or spread the load over more, smaller pods",
        )
    elif limit is not None and limit > node.allocatable_bytes:
        yield Fit(
            check="node",
            ok=False,
            detail=f"Its limit of {amount(limit)} means little, since {which}: the node runs out before it is reached.",
            remedy=f"add a node with more than {amount(limit)} for pods, or spread the load over more, smaller pods",
        )
    else:
        yield Fit(check="node", ok=True, detail=f"A pod of it asks for {amount(asked)}, and {which}.")


def _which(trial: Trial, able: Sequence[NodeRoom]) -> str:
    if trial.room.workload is None:
        return "its node"
    of = f" of {len(trial.room.nodes)}" if len(able) < len(trial.room.nodes) else ""
    if len(able) == 1:
        return f"the one node{of} that is open to it"
    extreme = "smallest" if _everywhere(trial) else "largest"
    return f"the {extreme} of the {len(able)} nodes{of} that are open to it"


def _none_open(everyone: Sequence[NodeRoom]) -> Fit:
    by_reason: dict[str, list[str]] = {}
    for node in everyone:
        by_reason.setdefault(node.closed_because or "", []).append(node.name)
    rarest = sorted(by_reason.items(), key=lambda one: len(one[1]))  # what keeps only a few away can be changed
    told = [f"{_one_of(names)} {reason}" for reason, names in rarest[:_NAMED]]
    return Fit(
        check="node",
        ok=False,
        detail=f"No node of {len(everyone)} is open to its pods: {'; '.join(told)}.",
        remedy="uncordon a node, or change node selector, affinity or tolerations of the workload",
    )


def _one_of(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} (as {len(names) - 1} more)"


# --- room now --------------------------------------------------------------------------------------------------------


def nodes_free(trial: Trial) -> Iterator[Fit]:
    """Whether one of the nodes that were looked at has room now; nothing where none was."""
    able = _open(trial)
    free = {node.name: _free(trial, node) for node in able if node.requested_bytes is not None}
    asked = trial.then.request
    if not free or asked > _deciding(trial, able).allocatable_bytes:  # the other check has said it
        return
    name, most = max(free.items(), key=lambda one: one[1])
    seen = f"{len(free)} of {len(able)} open nodes looked at"
    if _everywhere(trial):
        yield _on_each(free, asked, seen)
    elif most >= asked:
        yield Fit(check="node-free", ok=True, detail=f"Node {name} has {_room(most)} for the {amount(asked)} ({seen}).")
    else:
        yield Fit(
            check="node-free",
            ok=False,
            detail=f"None of the nodes looked at has room for the {amount(asked)} now: {name} has most, {_room(most)} "
            f"({seen}). The pod waits until there is room, or takes it from pods of lower priority.",
            remedy=f"make {amount(asked)} free on a node, or add one (a cluster autoscaler does)",
        )


def _free(trial: Trial, node: NodeRoom) -> int:
    """Bytes nobody requests, and what a pod of the workload leaves behind where it goes before the next one comes."""
    free = node.allocatable_bytes - (node.requested_bytes or 0)
    if not _leaves_first(trial) or node.name not in trial.homes:
        return free
    return free + trial.today.request


def _leaves_first(trial: Trial) -> bool:
    rollout, workload = trial.room.rollout, trial.room.workload
    if rollout is None or rollout.surge:
        return False
    return workload is None or workload.kind in _ONE_BY_ONE or rollout.strategy in ("Recreate", "OnDelete")


def _room(free: int) -> str:
    return f"{amount(free)} free" if free > 0 else "nothing free"


def _on_each(free: dict[str, int], asked: int, seen: str) -> Fit:
    short = [f"{name} ({_room(left)})" for name, left in sorted(free.items(), key=lambda one: one[1]) if left < asked]
    if not short:
        return Fit(check="node-free", ok=True, detail=f"Each of them has room for the {amount(asked)} ({seen}).")
    more = f" and {len(short) - _NAMED} more" if len(short) > _NAMED else ""
    return Fit(
        check="node-free",
        ok=False,
        detail=f"No room for the {amount(asked)} now on {', '.join(short[:_NAMED])}{more} ({seen}).",
        remedy=f"make {amount(asked)} free there, or give the pods a higher priority class",
    )
