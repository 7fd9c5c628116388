"""`why node/z`: was it the node? The node's own words first, then what its containers died of, then what is missing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kubectl_oom.evidence import KERNEL_OOM_VERDICTS, Citation, Confidence, NodeAnswer, Verdict
from kubectl_oom.judge.messages import kernel_kill, system_oom_victim
from kubectl_oom.judge.surroundings import is_replayed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import CaseFile, Diagnosis, Node


def node_answer(case: CaseFile, name: str, items: Sequence[Diagnosis], *, narrowed: bool = False) -> NodeAnswer:
    """The answer for one node, from its events and conditions and from the verdicts on the containers it ran.

    `narrowed`: not all of its containers were asked about.
    """
    node = case.nodes.get(name)
    here = [item for item in items if item.node == name]
    killed = Counter(item.verdict for item in here if item.verdict in KERNEL_OOM_VERDICTS)
    if node is None:
        return NodeAnswer(
            name=name,
            ran_out=None,
            confidence=Confidence.POSSIBLE,
            because="Neither the node nor its events could be read.",
            evidence=(),
        )
    tally = _tally(killed, " of those asked about" if narrowed else "")
    own_words = (*_system_ooms(node), *_kernel_lines(node))
    if own_words:
        return NodeAnswer(
            name=name,
            ran_out=True,
            confidence=Confidence.CERTAIN,
            because=f"The node itself ran out of memory. {tally}",
            evidence=own_words,
        )
    if killed[Verdict.NODE]:
        return NodeAnswer(
            name=name,
            ran_out=True,
            confidence=_strongest(here),
            because=f"The node, or the share of it that all pods have together, ran out. {tally}",
            evidence=_conditions(node),
        )
    return _no_sign(node, tally, here)


def _no_sign(node: Node, tally: str, here: Sequence[Diagnosis]) -> NodeAnswer:
    pressed = [c for c in _conditions(node) if c.value.startswith("True")]
    if pressed:
        return NodeAnswer(
            name=node.name,
            ran_out=True,
            confidence=Confidence.POSSIBLE,
            because=f"The node is under memory pressure now and evicts pods. {tally}",
            evidence=tuple(pressed),
        )
    again = _system_ooms(node, replayed=True)
    if again:
        return NodeAnswer(
            name=node.name,
            ran_out=None,
            confidence=Confidence.POSSIBLE,
            because="A SystemOOM among its events was told just after its kubelet started, which then reads the kernel's log "
            f"from the beginning and tells old kills as new ones. {tally}",
            evidence=(*again, *_conditions(node)),
        )
    oldest = min((e.last_at for e in node.events if e.last_at), default=None)
    kept = "no events of it are kept" if oldest is None else "its events, kept for an hour or so, tell of no SystemOOM"
    reach_back = oldest is not None and all(i.killed_at is None or i.killed_at >= oldest for i in here)
    return NodeAnswer(
        name=node.name,
        ran_out=None if oldest is None else False,
        confidence=Confidence.LIKELY if reach_back else Confidence.POSSIBLE,
        because=f"Nothing says that the node itself ran out: {kept}, and it is not under memory pressure. {tally}",
        evidence=_conditions(node),
    )


def _system_ooms(node: Node, *, replayed: bool = False) -> tuple[Citation, ...]:
    return tuple(
        Citation(source="node event", field="SystemOOM", value=event.message, at=event.last_at)
        for event in node.events
        if event.reason == "SystemOOM"
        and system_oom_victim(event.message) is not None
        and is_replayed(event, node) is replayed
    )


def _kernel_lines(node: Node) -> tuple[Citation, ...]:
    found = []
    for event in node.events:
        kill = kernel_kill(event.message) if event.reason == "OOMKilling" else None
        if kill and kill.scope == "node":
            found.append(Citation(source="node event", field="OOMKilling", value=event.message, at=event.last_at))
    return tuple(found)


def _conditions(node: Node) -> tuple[Citation, ...]:
    return tuple(
        Citation(
            source="node",
            field=f"status.conditions[{c.type}]",
            value=f"{c.status} ({c.reason or 'no reason'})",
            at=c.at,
        )
        for c in node.conditions
        if c.type == "MemoryPressure"
    )


def _tally(killed: Counter[Verdict], which: str) -> str:
    total = sum(killed.values())
    if not total:
        return f"No container on it{which} was OOM-killed that the API still shows."
    told = ", ".join(f"{count} {verdict.value}" for verdict, count in killed.most_common())
    return f"Containers OOM-killed on it{which} that the API still shows: {total} ({told})."


def _strongest(items: Sequence[Diagnosis]) -> Confidence:
    order = list(Confidence)
    return min((i.confidence for i in items if i.verdict is Verdict.NODE), key=order.index)
