"""The commands that make sense after a verdict, ready to paste."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Verdict
from kubectl_oom.show.same_cluster import in_the_same_cluster
from kubectl_oom.show.sentences import workload_target
from kubectl_oom.show.words import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from kubectl_oom.evidence import Diagnosis

OWN_COMMANDS = frozenset({"why", "history", "recommend", "fix"})

_MEMORY = ("recommend", "history", "fix")
_STEPS: dict[Verdict, tuple[str, ...]] = {
    Verdict.CONTAINER_LIMIT: _MEMORY,
    Verdict.POD_LIMIT: _MEMORY,
    Verdict.START_OOM: _MEMORY,
    Verdict.OOM_SCOPE_UNKNOWN: ("history", "recommend", "node"),
    Verdict.CHILD_KILLED: _MEMORY,
    Verdict.NODE: ("node", "recommend"),
    Verdict.EVICTED: ("node", "recommend"),
    Verdict.APP_HEAP: ("logs", "recommend", "history"),
    Verdict.PROBE_KILL: ("events", "logs", "history"),
    Verdict.STOPPED: ("events", "history"),
    Verdict.SIGKILL_UNKNOWN: ("node", "logs", "history"),
    Verdict.NOT_OOM: ("logs", "events"),
    Verdict.NO_TERMINATION: ("history",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the answer came from, and where the next commands have to go."""

    namespace: str | None = None  # the one that commands go to without `-n`, if that is known
    cluster: tuple[str, ...] = ()  # the flags that lead to the cluster: `--context`, `prod`


HERE = Place()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command line and what it is good for."""

    command: str
    purpose: str


def next_steps(diagnosis: Diagnosis, *, place: Place, commands: Collection[str]) -> Iterator[Step]:
    """The next commands, best first.

    `-n` is left out only where the namespace that commands go to anyway is the right one; a command of ours
    only comes where it is among `commands`.
    """
    for step in _STEPS[diagnosis.verdict]:
        found = _step(step, diagnosis, place.namespace, commands)
        if found is not None:
            yield replace(found, command=in_the_same_cluster(found.command, place.cluster))


def without_repeats(steps: Iterable[Step]) -> tuple[Step, ...]:
    """Each command once, in the order of its first appearance."""
    return tuple({step.command: step for step in steps}.values())


def _step(step: str, diagnosis: Diagnosis, namespace: str | None, commands: Collection[str]) -> Step | None:
    scope = () if diagnosis.namespace == namespace else ("-n", diagnosis.namespace)
    target = workload_target(diagnosis.workload) or f"pod/{diagnosis.pod}"
    pod = f"pod/{diagnosis.pod}"
    match step:
        case "logs":
            if diagnosis.reason == "ContainerStatusUnknown":  # the kubelet lost the container, and its log with it
                return None
            previous = ("--previous",) if diagnosis.restarted_at else ()
            words = ("kubectl", "logs", pod, "-c", diagnosis.container, *previous, *scope)
            return Step(command=_shell(words), purpose="its last words")
        case "events":
            words = ("kubectl", "describe", pod, *scope)
            return Step(command=_shell(words), purpose="its probes and events")
        case "node":
            if diagnosis.node is None or "why" not in commands:
                return None
            words = ("kubectl", "oom", "why", f"node/{diagnosis.node}")
            return Step(command=_shell(words), purpose="who else died there")
        case own:
            if own not in commands:
                return None
            return Step(command=_shell(("kubectl", "oom", own, target, *scope)), purpose=_PURPOSES[own])


_PURPOSES = {
    "recommend": "what to set, and why",
    "history": "what its memory did before",
    "fix": "see the change",
}


def _shell(words: Iterable[str]) -> str:
    """A line for the shell: what a foreign snapshot calls a pod must not become a second command."""
    return " ".join(shlex.quote(one_line(word)) for word in words)
