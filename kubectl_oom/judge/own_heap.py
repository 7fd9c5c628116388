"""Ends that the program brought about itself, by its own memory limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, Confidence, HeapLine, Verdict
from kubectl_oom.judge.citing import cite_end
from kubectl_oom.judge.kill_events import SIGKILL_EXIT
from kubectl_oom.judge.scope import Ruling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.judge.clues import Clues

# How each runtime ends when its own heap is full: with these codes the log line and the end belong together.
_HEAP_EXITS = {
    "node": {134, 139},
    "jvm": {1, 3, 134},
    "go": {2},
    "python": {1},
    "dotnet": {1, 134, 139},
    "php": {255},
    "ruby": {1},
    "rust": {134},
    "cpp": {134},
    "cuda": {1},
}
# What every program ends with: a memory error that it survived may stand in the log of an end of another kind.
ANY_FAILURE = 1
# Servers that restart workers and log how those ended.
_SUPERVISORS = frozenset({"gunicorn"})


def worker_killed(clues: Clues, heap_lines: Sequence[HeapLine]) -> Ruling | None:
    """A supervisor's own log says that a worker of it got SIGKILL: its guess, and nobody else's word."""
    own = [line for line in _own_lines(clues, heap_lines) if line.runtime in _SUPERVISORS]
    if not own or clues.end.exit_code in (0, None, SIGKILL_EXIT):
        return None
    return Ruling(
        verdict=Verdict.CHILD_KILLED,
        confidence=Confidence.POSSIBLE,
        because="Its log says that a worker process got SIGKILL, as the OOM killer sends it; no other source tells of that.",
        evidence=(Citation(source="log", field=clues.container.name, value=own[-1].text), cite_end(clues)),
    )


def _own_lines(clues: Clues, heap_lines: Sequence[HeapLine]) -> list[HeapLine]:
    pod, container = clues.pod, clues.container.name
    own = [line for line in heap_lines if (line.pod, line.container) == (pod.name, container)]
    return [line for line in own if line.namespace in (None, pod.namespace)]


def app_heap(clues: Clues, heap_lines: Sequence[HeapLine]) -> Ruling | None:
    """The ruling where the log names the program's own memory error."""
    if clues.end.exit_code in (0, None):
        return None
    own = [line for line in _own_lines(clues, heap_lines) if line.runtime not in _SUPERVISORS]
    if not own:
        return None
    line = own[-1]
    fits = clues.end.exit_code in _HEAP_EXITS.get(line.runtime, set())
    sure = Confidence.LIKELY if clues.end.exit_code == ANY_FAILURE else Confidence.CERTAIN
    which = "current" if clues.end.is_current else "previous"
    return Ruling(
        verdict=Verdict.APP_HEAP,
        confidence=sure if fits else Confidence.POSSIBLE,
        because=f"The program's own {RUNTIME_NAMES.get(line.runtime, line.runtime)} memory limit ended it, not the kernel."
        if fits
        else f"Its log ends with a {RUNTIME_NAMES.get(line.runtime, line.runtime)} memory error, though exit code "
        f"{clues.end.exit_code} is not what that error usually gives.",
        evidence=(Citation(source=f"{which} log", field=clues.container.name, value=line.text), cite_end(clues)),
    )


RUNTIME_NAMES = {
    "node": "V8 (Node.js) heap",
    "jvm": "JVM",
    "go": "Go runtime",
    "python": "Python",
    "dotnet": ".NET",
    "php": "PHP",
    "ruby": "Ruby",
    "rust": "Rust allocator",
    "cpp": "C++ allocator",
    "postgres": "PostgreSQL shared",
    "redis": "Redis maxmemory",
    "cuda": "GPU",
}
