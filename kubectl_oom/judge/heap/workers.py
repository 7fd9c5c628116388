"""Servers that fork workers: how many, who decides that, and what each may take. Sources: docs/runtimes.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, HeapAdvice, Setting
from kubectl_oom.evidence.settings import is_set_elsewhere
from kubectl_oom.judge.heap.arithmetic import sized
from kubectl_oom.judge.heap.program import COMMAND, Program, last_flag, number_of

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 10_000  # workers: a number above is none
_WORKERS = re.compile(r"(?<![\w-])(?:--workers|--processes|-w)(?:=|\s+)(\d{1,6})(?!\S)")
_CONCURRENCY = re.compile(r"(?<![\w-])(?:--concurrency|-c)(?:=|\s+)(\d{1,6})(?!\S)")
_CHILD_MEMORY = re.compile(r"--max-memory-per-child(?:=|\s+)(\d{1,9})(?!\S)")
# What the command or the image is called → the options and settings that count its workers, the strongest first.
_SERVERS: dict[str, tuple[tuple[str, ...], re.Pattern[str]]] = {
    "celery": (("AIRFLOW__CELERY__WORKER_CONCURRENCY", "CELERYD_CONCURRENCY"), _CONCURRENCY),
    "gunicorn": (("GUNICORN_CMD_ARGS", "WEB_CONCURRENCY"), _WORKERS),
    "uvicorn": (("WEB_CONCURRENCY",), _WORKERS),
    "hypercorn": ((), _WORKERS),
    "uwsgi": ((), _WORKERS),
    "puma": (("WEB_CONCURRENCY", "PUMA_WORKERS"), _WORKERS),
    "unicorn": (("WEB_CONCURRENCY",), _WORKERS),
}


@dataclass(frozen=True, slots=True)
class Workers:
    """How many workers, and what says so; `count` is None where nothing readable does."""

    server: str | None
    count: int | None = None
    said_by: str | None = None  # -w 4 in the command
    field: str = "env"
    by_cpus: bool = False  # as many as the node has CPUs
    unread: str | None = None


def workers_of(program: Program) -> Workers:
    """The workers of the server that the command or the image names."""
    server = next((name for name in _SERVERS if program.runs(name)), None)
    settings, pattern = _SERVERS.get(server or "", (("WEB_CONCURRENCY",), _WORKERS))
    flag = last_flag(program, (COMMAND,), pattern) if server else None
    if flag:
        said_by = f"{flag.text} in {COMMAND}"
        return Workers(server, number_of(flag.value, most=MOST), said_by, field="command")
    for name in settings:
        found = _from_setting(program, name, server, pattern)
        if found is not None:
            return found
    if server == "celery":  # the only one of these whose default is the CPUs
        return Workers(server, _cpus(program), by_cpus=True)
    return Workers(server)


def _from_setting(program: Program, name: str, server: str | None, pattern: re.Pattern[str]) -> Workers | None:
    value = program.env(name)
    if value is None:
        return None
    if is_set_elsewhere(value) or value.startswith("("):
        return Workers(server, unread=f"{name} is {value}")
    if value == "auto" and server in ("puma", None):
        return Workers(server, _cpus(program), f"{name}=auto", by_cpus=True)
    match = pattern.search(value) if name == "GUNICORN_CMD_ARGS" else re.fullmatch(r"(\d{1,6})", value)
    count = number_of(match[1], most=MOST) if match else None
    return Workers(server, count, f"{name}={value}") if count else None


def _cpus(program: Program) -> int | None:
    return int(program.cpus) if program.cpus and 1 <= program.cpus <= MOST else None


def advise(program: Program) -> HeapAdvice:
    """Workers times what each takes: there is no heap that anything would cap."""
    workers = workers_of(program)
    evidence = [program.runtime.evidence]
    if workers.said_by:
        evidence.append(Citation(source="pod", field=workers.field, value=workers.said_by))
    return HeapAdvice(
        runtime=program.runtime.name,
        evidence=tuple(evidence),
        heap_cap_bytes=None,
        least_limit_bytes=None,
        sentences=(*_count(program, workers), *_each(program, workers), *_children(program), *_arenas(program)),
        settings=tuple(_pinned(program, workers)),
    )


def _count(program: Program, workers: Workers) -> Iterator[str]:
    server = workers.server or "It"
    if workers.unread:
        yield f"How many workers {server} starts is not known: {workers.unread}."
    elif workers.by_cpus and workers.server == "celery" and not workers.said_by:
        on = f", {workers.count} on this node" if workers.count else ""
        yield f"Nothing sets celery's concurrency: it starts as many workers as the node has CPUs{on}, whatever the CPU limit is."
    elif workers.by_cpus:
        on = f": {workers.count} on this node" if workers.count else ""
        yield f"{workers.said_by} starts as many workers as {server} sees CPUs, which may be the node's{on}."
    elif workers.count:
        yield f"{workers.said_by}: {workers.count} worker{'s' if workers.count > 1 else ''}, each with a memory of its own."
    elif workers.server:
        cpus = f" (this node has {_cpus(program)})" if _cpus(program) else ""
        yield (
            f"How many workers {server} starts stands neither in the command nor in a setting that is read; where its "
            f"configuration counts CPUs, it counts the node's{cpus}, not the CPU limit."
        )


def _each(program: Program, workers: Workers) -> Iterator[str]:
    """An upper bound of one worker's share: the parent is in the sum, and shared pages are counted once."""
    if not workers.count or workers.count < 2 or not program.highest:  # noqa: PLR2004 - one worker shares with nobody
        return
    each = program.highest // workers.count
    if each == 0:
        return
    yield (
        f"The highest sample, {sized(program.highest)}, over {workers.count} workers is at most {sized(each)} each, "
        "the parent's part included."
    )
    for name, size in program.limits:
        yield f"{name[0].upper()}{name[1:]} of {sized(size)} holds {size // each} of that size."


def _children(program: Program) -> Iterator[str]:
    flag = last_flag(program, (COMMAND,), _CHILD_MEMORY) if program.runs("celery") else None
    kibibytes = number_of(flag.value, most=1 << 40) if flag else None
    if kibibytes:
        yield (
            f"--max-memory-per-child replaces a worker above {sized(kibibytes << 10)}, but only after its task: one task "
            "may take any amount."
        )


def _arenas(program: Program) -> Iterator[str]:
    if program.runtime.name == "ruby" and program.env("MALLOC_ARENA_MAX") is None:
        yield (
            "MALLOC_ARENA_MAX is not set: glibc keeps up to 8 arenas for each CPU of the node, and a Ruby process with threads "
            "grows by that without leaking. MALLOC_ARENA_MAX=2 is the usual cure."
        )


def _pinned(program: Program, workers: Workers) -> Iterator[Setting]:
    """Celery's concurrency as it is on this node, so that a larger node does not start more than the limit is for."""
    if program.wanted and workers.by_cpus and workers.count and workers.server == "celery":
        yield Setting(name="--concurrency", value=str(workers.count), replaces=None, is_env=False)
