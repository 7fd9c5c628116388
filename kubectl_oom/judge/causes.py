"""Why the memory is needed at all: the usual causes behind OOM kills, as far as a history supports them.

A pattern rarely proves a cause, so every finding says what would tell it from its neighbours and how to look.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, Finding, Pattern, Severity, Verdict
from kubectl_oom.judge.runtime import Runtime, profile_commands, runtime_of
from kubectl_oom.judge.samples import highest
from kubectl_oom.quantity import show_bytes, show_percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Container, ContainerHistory

# A heap cap from this share of the limit on leaves too little for what is not heap (metaspace, stacks, buffers, code).
HEAP_OF_LIMIT = 0.80
# Go counts its stacks and buffers as well: its guide leaves 5 to 10 % of the limit to the rest (judge/heap/go.py).
GO_CLOSE = 0.95
# A level from this share of the limit on leaves no room for what comes between two samples.
CLOSE_TO_LIMIT = 0.80
# Below this share of the working set the process's own memory does not explain it: shared memory or tmpfs does.
RSS_EXPLAINS = 0.60
_HEAP_RUNTIMES = frozenset({"jvm", "node", "dotnet", "go"})
_BATCH_KINDS = frozenset({"Job", "CronJob"})
_WORKER_RUNTIMES = frozenset({"python", "ruby", "php", "nginx"})


def causes_of(history: ContainerHistory, container: Container | None) -> tuple[Finding, ...]:
    """The causes that the history supports, the best supported first; none where nothing was killed or grows.

    `history` names the pods to look into: those that live, the best one last.
    """
    runtime = runtime_of(container) if container else None
    kernel_kills = [kill for kill in history.kills if kill.verdict is not Verdict.CHILD_KILLED]
    if not history.kills and history.pattern not in (Pattern.LEAK, Pattern.GROWTH):
        return ()
    found = [
        *_heap_misfit(history, container, runtime),
        *_shared_memory(history, container),
        *_by_pattern(history, runtime, killed=bool(kernel_kills)),
    ]
    return tuple(found)


def _by_pattern(history: ContainerHistory, runtime: Runtime | None, *, killed: bool) -> Iterator[Finding]:
    match history.pattern:
        case Pattern.LEAK:
            yield _cause(
                history,
                runtime,
                "cause-leak",
                "It grows in every life and does not level off: a leak.",
                "A cache without a bound looks the same until it is full; a heap profile taken twice tells them apart: a leak "
                "grows in one place.",
            )
        case Pattern.GROWTH:
            yield _cause(
                history,
                runtime,
                "cause-growth",
                "It climbs over days, with its data or its load: gradual growth, or a cache without a bound.",
                "Compare with the amount of data or the number of users over the same days; a cache stops growing once it "
                "has a bound.",
            )
        case Pattern.PLATEAU if killed and _is_close(history):
            yield _cause(
                history,
                runtime,
                "cause-limit-too-low",
                "It levels off close to the limit: what it needs all the time is about what it is given.",
                "A limit with headroom ends it. If it follows to the new limit, it is a cache or a heap that takes what it gets.",
            )
        case Pattern.SPIKE | Pattern.PERIODIC if killed:
            yield from _spike(history, runtime)
        case Pattern.STARTUP if killed:
            yield _cause(
                history,
                runtime,
                "cause-startup",
                "It dies soon after every start: starting needs more than the limit.",
                "What it loads at start (an index, a model, caches, all workers at once) decides; a lower limit never worked "
                "and a slower start can.",
            )
        case _:
            return


def _is_close(history: ContainerHistory) -> bool:
    """Whether its level is close to today's limit, as far as that is known; a limit that killed may have been raised since."""
    level = history.working_set.p95_bytes if history.working_set else None
    return level is None or history.limit_bytes is None or level >= CLOSE_TO_LIMIT * history.limit_bytes


def _spike(history: ContainerHistory, runtime: Runtime | None) -> Iterator[Finding]:
    kind = history.workload.kind if history.workload else ""
    if kind in _BATCH_KINDS:
        yield _cause(
            history,
            runtime,
            "cause-large-data",
            "A batch run that jumps and dies: one input is larger than the rest, or is held in memory as a whole.",
            "See which input the killed runs had; reading in pieces removes the jump, a higher limit only moves it.",
        )
    elif runtime and runtime.name in _WORKER_RUNTIMES:
        yield _cause(
            history,
            runtime,
            "cause-concurrency",
            f"A level memory that jumps, in worker processes ({runtime.name}): more at once than the limit holds.",
            "Compare the kills with requests in flight; fewer workers or a bound on concurrency ends it, and one large "
            "request would show as a single worker's jump.",
        )
    else:
        yield _cause(
            history,
            runtime,
            "cause-spike",
            "A level memory that jumps and is killed within one sampling interval: a burst of load, or one large request.",
            "Compare the kills with the request rate and with the sizes of requests at that time.",
        )


def _heap_misfit(history: ContainerHistory, container: Container | None, runtime: Runtime | None) -> Iterator[Finding]:
    limit = history.limit_bytes
    if container is None or runtime is None or runtime.name not in _HEAP_RUNTIMES or not limit:
        return
    cap = heap_cap(container, limit)
    if cap is None:
        return
    size, setting = cap
    share = f"{show_percent(size, limit)} of the limit of {show_bytes(limit)}"
    if runtime.name != "go" and size >= HEAP_OF_LIMIT * limit:
        message = f"Its heap may grow to {show_bytes(size)}, {share}, and memory outside the heap comes on top"
        remedy = "cap the heap at 70 to 75 % of the limit, or raise the limit by what is not heap"
    elif runtime.name == "go" and size > GO_CLOSE * limit:
        message = f"Go's collector works towards {show_bytes(size)}, {share}, and what Go does not count comes on top"
        remedy = "set GOMEMLIMIT to 90 % of the limit"
    else:
        return
    yield Finding(
        code="cause-heap-misfit",
        severity=Severity.WARNING,
        message=f"{message}: the kernel kills it before its own collector must work.",
        evidence=(setting,),
        remedy=f"{remedy}: {_look(history, runtime)}",
    )


def heap_cap(container: Container, limit: int) -> tuple[int, Citation] | None:
    """The heap's own ceiling under this limit, as `recommend` reckons it, and what gives it; None where nothing tells."""
    from kubectl_oom.judge.heap import advise  # noqa: PLC0415 - its expressions take 10 ms, and most answers need none

    inside = replace(container, limit_bytes=limit)
    told = advise(inside, highest_bytes=None, killed_limit_bytes=None, sizes=None, cpus=None)
    return (told.heap_cap_bytes, told.evidence[-1]) if told and told.heap_cap_bytes else None


def _shared_memory(history: ContainerHistory, container: Container | None) -> Iterator[Finding]:
    """A working set that is not the processes' own: files in memory count like it."""
    volumes = ", ".join(v.name for v in container.memory_volumes) if container else ""
    if not volumes:
        return
    shares = []
    for life in history.lives:
        own, rss = highest(life.working_set), highest(life.rss)
        if own and rss is not None:
            shares.append((rss / own, rss, own))
    if not shares or min(shares)[0] >= RSS_EXPLAINS:
        return
    _, rss, own = min(shares)
    yield Finding(
        code="cause-shared-memory",
        severity=Severity.WARNING,
        message=f"Of a working set of {show_bytes(own)} the processes' own memory is {show_bytes(rss)}: the rest are files in "
        f"its memory-backed volume ({volumes}), which count against the limit and survive restarts.",
        evidence=(Citation(source="pod", field="spec.volumes[].emptyDir.medium", value=f"Memory: {volumes}"),),
        remedy="a sizeLimit well below the limit, or a volume on disk",
    )


def _cause(history: ContainerHistory, runtime: Runtime | None, code: str, message: str, tell: str) -> Finding:
    evidence = [Citation(source="pattern", field=history.pattern.value, value=history.reason)]
    if runtime:
        evidence.append(runtime.evidence)
    return Finding(
        code=code,
        severity=Severity.WARNING,
        message=f"{message} {tell}",
        evidence=tuple(evidence),
        remedy=_look(history, runtime),
    )


def _look(history: ContainerHistory, runtime: Runtime | None) -> str:
    """How to look inside: the runtime's own tools with this container's names, else how to find out what it is."""
    pod = history.pods[-1] if history.pods else "POD"
    commands = profile_commands(
        runtime.name if runtime else None, namespace=history.namespace, pod=pod, container=history.container
    )
    if commands:
        return "look inside: " + "; ".join(commands)
    top = shlex.join(("kubectl", "top", "pod", pod, "-n", history.namespace, "--containers"))
    return f"look inside: {top}, and the runtime's own heap profile"
