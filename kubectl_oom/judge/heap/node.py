"""Node.js: the heap V8 allows itself, per process, and what stands beside it. Sources: docs/runtimes.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, HeapAdvice
from kubectl_oom.judge.heap.arithmetic import (
    HEAP_SHARE,
    MI,
    beyond_heap,
    least_for_fixed,
    least_for_percent,
    not_below,
    of_limits,
    percent_sum,
    sized,
)
from kubectl_oom.judge.heap.program import (
    COMMAND,
    Flag,
    Program,
    beside,
    instead,
    last_flag,
    number_of,
    percent_of,
    unread_places,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Setting

PLACES = ("NODE_OPTIONS", COMMAND)  # the command line overrules
_OLD_SPACE = re.compile(r"--max-old-space-size(?![\w-])(?:(?:=|\s+)(\d{1,9})(?![\w.]))?")
_PERCENT = re.compile(r"--max-old-space-size-percentage(?![\w-])(?:(?:=|\s+)(\d{1,3}(?:\.\d{1,3})?)(?![\w.]))?")
_INSTANCES = re.compile(r"(?<!\S)(?:--instances|-i)(?:=|\s+)(\d{1,4}|max)(?!\S)")
GI = 1024 * MI
# V8 on 64 bits takes half of the memory it sees, within these; the upper one rises to 4 GiB from 15 GiB of memory on,
# in later versions of V8 from 8 GiB on.
FLOOR, CEILING, HIGH_CEILING, HIGH_FROM = 256 * MI, 2 * GI, 4 * GI, 15 * GI
V2_SINCE = (20, 3)  # libuv 1.45 reads the limit of cgroup v2
MOST_PROCESSES, MOST_MIB = 1024, 1 << 30
REST = "Buffers, the young generation, compiled code, native modules"


@dataclass(frozen=True, slots=True)
class OldSpace:
    """What caps the old space of one process."""

    fixed: int | None
    percent: float | None
    flag: Flag | None
    unread: str | None

    def at(self, memory: int) -> int:
        """The old space's ceiling in a container of so much memory; by default the lowest that any version takes."""
        if self.fixed is not None:
            return self.fixed
        if self.percent is not None:
            return round(memory * self.percent / 100)
        return max(FLOOR, min(memory // 2, HIGH_CEILING if memory >= HIGH_FROM else CEILING))


def advise(program: Program) -> HeapAdvice:
    """What V8 allows itself, times the processes, against the limit."""
    cap, count = _old_space(program), _processes(program)
    blind = tuple(_blind(program, cap))
    known = cap.unread is None and not blind and (cap.flag is not None or not _between_versions(program.limit))
    today = cap.at(program.limit) if program.limit and known else cap.fixed
    return HeapAdvice(
        runtime="node",
        evidence=_evidence(program, cap),
        heap_cap_bytes=today * (count or 1) if today else None,
        least_limit_bytes=_least(program, cap, count or 1),
        sentences=(*blind, *(_sentences(program, cap, count) if not blind else ())),
        settings=tuple(_settings(program, cap, count or 1)),
    )


def _old_space(program: Program) -> OldSpace:
    """The percentage wins over the size where both are given, as Node.js documents."""
    for pattern in (_PERCENT, _OLD_SPACE):
        flag = last_flag(program, PLACES, pattern)
        if flag is None:
            continue
        percent = percent_of(flag.value) if pattern is _PERCENT else None
        mib = number_of(flag.value, most=MOST_MIB) if pattern is _OLD_SPACE else None
        unread = None if percent or mib else f"{flag.text} stands in {flag.place}, and its value is not recorded"
        return OldSpace(fixed=mib * MI if mib else None, percent=percent, flag=flag, unread=unread)
    elsewhere = unread_places(program, PLACES)
    return OldSpace(None, None, None, f"{elsewhere[0]} comes from an object that is not read" if elsewhere else None)


def _between_versions(limit: int | None) -> bool:
    """Whether the default ceiling differs between the versions of V8 at this limit."""
    return limit is not None and 2 * CEILING < limit < HIGH_FROM


def _processes(program: Program) -> int | None:
    """How many processes pm2 starts, each with a heap of its own; None where the command does not tell."""
    flag = last_flag(program, (COMMAND,), _INSTANCES) if program.runs("pm2", "pm2-runtime") else None
    if flag is None:
        return None
    if flag.value == "max":
        return int(program.cpus) if program.cpus and 1 <= program.cpus <= MOST_PROCESSES else None
    return number_of(flag.value, most=MOST_PROCESSES)


def version_of(program: Program) -> tuple[int, int] | None:
    """Major and minor version of an image that is called node, where its tag gives both; else None."""
    name, tag = program.image
    match = re.match(r"(\d{1,2})\.(\d{1,3})(?=[.\-]|$)", tag) if name == "node" else None
    return (int(match[1]), int(match[2])) if match else None


def _blind(program: Program, cap: OldSpace) -> Iterator[str]:
    version = version_of(program) or _major(program)
    if version and version < V2_SINCE and cap.fixed is None and cap.unread is None:
        yield (
            f"Node.js {program.image[1]} does not read the limit on a node with cgroup v2 (20.3 and later do; the API does "
            "not tell which the node has): its heap may then grow to 2Gi or 4Gi whatever the limit is. Set "
            "--max-old-space-size."
        )


def _major(program: Program) -> tuple[int, int] | None:
    """A floating tag (`18-alpine`) of a release that never got it; 20 floats past it."""
    match = re.match(r"(\d{1,2})(?=-|$)", program.image[1]) if program.image[0] == "node" else None
    return (int(match[1]), 0) if match and int(match[1]) < V2_SINCE[0] else None


def _evidence(program: Program, cap: OldSpace) -> tuple[Citation, ...]:
    if cap.flag is None:
        return (program.runtime.evidence,)
    field = "command" if cap.flag.place == COMMAND else "env"
    return (program.runtime.evidence, Citation(source="pod", field=field, value=cap.flag.text))


def _least(program: Program, cap: OldSpace, count: int) -> int | None:
    if cap.fixed is not None:
        return least_for_fixed(cap.fixed * count, program)
    return least_for_percent(cap.percent * count / 100, program) if cap.percent else None


def _sentences(program: Program, cap: OldSpace, count: int | None) -> Iterator[str]:
    if cap.unread:
        yield f"How large its heap may grow is not known: {cap.unread}."
        return
    sizes = of_limits(program, cap.at) or (sized(cap.fixed) if cap.fixed else "")
    if cap.flag is None and program.limit and _between_versions(program.limit):
        most = min(program.limit // 2, HIGH_CEILING)
        sizes = f"{sized(CEILING)} to {sized(most)} under today's limit of {sized(program.limit)}"
    if cap.flag is not None:
        yield f"{cap.flag.text} in {cap.flag.place} caps V8's old space at {sizes or 'a share of the limit'}."
    else:
        yield (
            "No option sets its heap: V8 takes half of the limit, at least 256Mi, at most 2Gi (4Gi from 15Gi of memory on, in "
            f"later versions from 8Gi on){'; that is ' + sizes if sizes else ''}."
        )
    yield from _times(program, cap, count or 1)
    yield from not_below(program, lambda size: cap.at(size) * (count or 1), "A heap")
    yield from _evidence_sentences(program, cap, count or 1)


def _times(program: Program, cap: OldSpace, count: int) -> Iterator[str]:
    if count > 1 and program.limit:
        yield f"pm2 starts {count} processes, each with such a heap: {sized(cap.at(program.limit) * count)} together."


def _evidence_sentences(program: Program, cap: OldSpace, count: int) -> Iterator[str]:
    if cap.flag is None and _between_versions(program.limit):
        return
    today = cap.at(program.limit) * count if program.limit else None
    yield from beyond_heap(program, today, cap.at(program.killed) * count if program.killed else None, REST)
    if cap.percent and _least(program, cap, count) is not None:
        yield from percent_sum(cap.percent * count / 100, program)


def _settings(program: Program, cap: OldSpace, count: int) -> Iterator[Setting]:
    """75 % of the recommended limit, shared by its processes, where what stands there or V8's own default is more."""
    if program.wanted is None or cap.unread is not None:
        return
    best = round(program.wanted * HEAP_SHARE) // count
    if cap.percent is not None and cap.flag is not None:
        if cap.percent * count > 100 * HEAP_SHARE:
            share = max(1, int(100 * HEAP_SHARE) // count)
            yield instead(program, cap.flag, "--max-old-space-size-percentage", str(share))
    elif cap.at(program.wanted) > best or (cap.flag is None and any(_blind(program, cap))):
        if cap.flag is not None:
            yield instead(program, cap.flag, "--max-old-space-size", str(max(1, best // MI)))
        else:
            yield beside(program, PLACES, "--max-old-space-size", str(max(1, best // MI)))
