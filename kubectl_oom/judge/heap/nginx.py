"""nginx: worker processes by the CPUs of the node. Sources: docs/runtimes.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, HeapAdvice
from kubectl_oom.judge.heap.arithmetic import sized
from kubectl_oom.judge.heap.program import COMMAND, Program, last_flag, number_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.judge.heap.program import Flag

SETTING = "NGINX_WORKER_PROCESSES"
AUTOTUNE = "NGINX_ENTRYPOINT_WORKER_PROCESSES_AUTOTUNE"  # of the official image: by the CPU limit
MOST = 10_000
_WORKERS = re.compile(r"worker_processes\s+(\d{1,4}|auto)(?!\w)")


def advise(program: Program) -> HeapAdvice:
    """How many workers, and what each takes."""
    flag = last_flag(program, (COMMAND,), _WORKERS)
    given = flag.value if flag else program.env(SETTING)
    count = number_of(given, most=MOST)
    evidence = [program.runtime.evidence]
    if given:
        value = flag.text if flag else f"{SETTING}={given}"
        evidence.append(Citation(source="pod", field="command" if flag else "env", value=value))
    return HeapAdvice(
        runtime="nginx",
        evidence=tuple(dict.fromkeys(evidence)),
        heap_cap_bytes=None,
        least_limit_bytes=None,
        sentences=tuple(_sentences(program, given, count, flag)),
    )


def _sentences(program: Program, given: str | None, count: int | None, flag: Flag | None) -> Iterator[str]:
    cpus = int(program.cpus) if program.cpus and 1 <= program.cpus <= MOST else None
    if count:
        where = flag.text if flag else f"{SETTING}={given}"
        yield f"{where}: {count} worker process{'es' if count > 1 else ''}, on whatever node."
        yield from _each(program, count)
        return
    if program.env(AUTOTUNE):
        yield f"{AUTOTUNE} is set: the image counts its workers by the CPU limit."
        return
    on = f" ({cpus} on this one)" if cpus else ""
    if given == "auto":
        yield f"worker_processes auto starts one worker for each CPU of the node{on}, whatever the CPU limit is."
        yield from _each(program, cpus)
    else:
        yield (
            f"Its configuration is not read. With worker_processes auto it starts one worker for each CPU of the node{on}, "
            "whatever the CPU limit is; nginx's own default is 1."
        )
    yield "Set worker_processes to the CPU limit: the same pod then needs the same memory on every node."


def _each(program: Program, count: int | None) -> Iterator[str]:
    if count and count > 1 and program.highest and program.highest >= count:
        yield (
            f"The highest sample, {sized(program.highest)}, over {count} workers is at most "
            f"{sized(program.highest // count)} each; workers of before a reload, still shutting down, are in it."
        )
