"""PostgreSQL: shared buffers, what queries take besides, and /dev/shm. Sources: docs/runtimes.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, HeapAdvice, Setting
from kubectl_oom.judge.heap.arithmetic import MI, of_limits, sized
from kubectl_oom.judge.heap.program import COMMAND, Flag, Program, last_flag, number_of

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARE, MOST_SHARE = 0.25, 0.40  # of the memory, for shared_buffers: where its documentation starts, and where it stops
BLOCK = 8 << 10  # shared_buffers without a unit counts blocks
DEFAULT_WORK_MEM = 4 * MI
MOST_CONNECTIONS = 262_143  # its own maximum
_SIZE = r"=(\d{1,9}(?:kB|MB|GB|TB)?)(?!\w)"
_SHARED = re.compile(rf"(?<!\w)shared_buffers{_SIZE}")
_WORK = re.compile(rf"(?<!\w)work_mem{_SIZE}")
_CONNECTIONS = re.compile(r"(?<!\w)max_connections=(\d{1,6})(?!\w)")
_UNITS = {"kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


def size_of(flag: Flag | None, unit: int) -> int | None:
    """Bytes of a setting, where a number without unit counts so many; None where it is not set, or set to 0."""
    match = re.fullmatch(r"(\d{1,9})(kB|MB|GB|TB)?", flag.value or "") if flag else None
    return (int(match[1]) * (_UNITS[match[2]] if match[2] else unit) or None) if match else None


def advise(program: Program) -> HeapAdvice:
    """What the server is told on its command line; its configuration file is not read."""
    flags = {name: last_flag(program, (COMMAND,), what) for name, what in (("shared", _SHARED), ("work", _WORK))}
    connections = last_flag(program, (COMMAND,), _CONNECTIONS)
    shared, work = size_of(flags["shared"], BLOCK), size_of(flags["work"], 1 << 10)
    given = [flag.text for flag in (*flags.values(), connections) if flag]
    return HeapAdvice(
        runtime="postgres",
        evidence=(program.runtime.evidence, *(Citation(source="pod", field="command", value=text) for text in given)),
        heap_cap_bytes=None,
        least_limit_bytes=None,
        sentences=(
            *_shared_buffers(program, shared),
            *_queries(work, number_of(connections.value, most=MOST_CONNECTIONS) if connections else None),
            *_shared_memory(program),
        ),
        settings=tuple(_settings(program, flags["shared"], shared)),
    )


def _shared_buffers(program: Program, shared: int | None) -> Iterator[str]:
    quarter = ", ".join(f"{sized(round(size * SHARE))} of {name}" for name, size in program.limits)
    rule = f"PostgreSQL's documentation starts at 25 % of the memory{f' ({quarter})' if quarter else ''}"
    if shared is None:
        yield f"shared_buffers stands not in the command, and the configuration is not read; its default is 128MB. {rule}."
        return
    sizes = of_limits(program, lambda _: shared) or sized(shared)
    yield f"shared_buffers is {sizes}. {rule}, and expects nothing from more than 40 %."
    for name, size in program.limits:
        if shared >= size:
            yield f"They do not fit into {name} of {sized(size)}: when they fill, the kernel kills."


def _queries(work: int | None, connections: int | None) -> Iterator[str]:
    if work and connections:
        yield (
            f"work_mem {sized(work)} times max_connections {connections} = {sized(work * connections)} on top, and a "
            "query may take it several times over, once for each sort and hash."
        )
    else:
        yield (
            f"On top come queries: work_mem ({sized(work or DEFAULT_WORK_MEM)}{'' if work else ' by default'}) for each "
            "sort and hash of each connection."
        )


def _shared_memory(program: Program) -> Iterator[str]:
    if program.container.memory_volumes:
        names = ", ".join(volume.name for volume in program.container.memory_volumes)
        yield f"What parallel queries put into its memory-backed volume ({names}) counts against the limit."
    else:
        yield (
            'Its /dev/shm holds 64Mi in a container: "could not resize shared memory segment" is that, and no OOM kill. A '
            "memory-backed volume there ends it, and counts against the limit."
        )


def _settings(program: Program, flag: Flag | None, shared: int | None) -> Iterator[Setting]:
    if program.wanted and flag and shared and shared > MOST_SHARE * program.wanted:
        value = f"{max(1, round(program.wanted * SHARE) // MI)}MB"
        yield Setting(name="shared_buffers", value=value, replaces=f"{flag.text} in {flag.place}", is_env=False)
