"""PHP-FPM: children times what each script may take. Sources: docs/runtimes.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, HeapAdvice
from kubectl_oom.judge.heap.arithmetic import sized
from kubectl_oom.judge.heap.program import COMMAND, Program, last_flag, number_of, variable
from kubectl_oom.quantity import show_percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Setting

DEFAULT_MEMORY = 128 << 20  # memory_limit of php.ini-production
DEFAULT_CHILDREN = 5  # pm.max_children of the www.conf that PHP brings
MOST_CHILDREN = 100_000
CHILDREN = "PHP_FPM_PM_MAX_CHILDREN"
_MEMORY = re.compile(r"memory_limit=(-?\d{1,12}[KMGkmg]?)(?!\w)")
_MAX_CHILDREN = re.compile(r"pm\.max_children=(\d{1,5})(?!\w)")
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def size_of(text: str | None) -> int | None:
    """Bytes of a PHP size (`256M`); None where it is none, or -1 for no limit."""
    match = re.fullmatch(r"([0-9]{1,12})([KMG]?)", (text or "").upper())
    return int(match[1]) * _UNITS[match[2]] or None if match else None


def advise(program: Program) -> HeapAdvice:
    """The worst case of all children together; a share of it is what they take at once."""
    memory_flag = last_flag(program, ("PHP_MEMORY_LIMIT", COMMAND), _MEMORY)
    memory_text = memory_flag.value if memory_flag else program.env("PHP_MEMORY_LIMIT")
    children_flag = last_flag(program, (COMMAND,), _MAX_CHILDREN)
    children_text = children_flag.value if children_flag else program.env(CHILDREN)
    memory, children = size_of(memory_text), number_of(children_text, most=MOST_CHILDREN)
    evidence = [program.runtime.evidence]
    for name, text, flag in (("PHP_MEMORY_LIMIT", memory_text, memory_flag), (CHILDREN, children_text, children_flag)):
        given = flag.text if flag else f"{name}={text}"
        if text and given != program.runtime.evidence.value:
            evidence.append(Citation(source="pod", field="command" if flag else "env", value=given))
    return HeapAdvice(
        runtime="php",
        evidence=tuple(evidence),
        heap_cap_bytes=memory * children if memory and children else None,
        least_limit_bytes=None,
        sentences=tuple(_sentences(program, memory, memory_text, children)),
        settings=tuple(_settings(program, memory, children, by_env=children_flag is None)),
    )


def _sentences(program: Program, memory: int | None, memory_text: str | None, children: int | None) -> Iterator[str]:
    if memory_text and memory is None:
        yield f"memory_limit={memory_text}: nothing that can be counted caps what one script takes."
        return
    per_script = f"memory_limit {sized(memory)}" if memory else "memory_limit, 128Mi by default,"
    count = f"pm.max_children {children}" if children else "pm.max_children, 5 by default,"
    worst = (memory or DEFAULT_MEMORY) * (children or DEFAULT_CHILDREN)
    known = "" if memory and children else " where nothing sets another, which the API does not tell"
    yield f"The worst case is {per_script} times {count} = {sized(worst)}{known}; opcode cache and extensions come on top."
    if memory and children:
        for name, size in program.limits:
            yield f"That is {show_percent(worst, size)} of {name} of {sized(size)}" + (
                ": so many large requests at once are killed." if worst > size else "."
            )


def _settings(program: Program, memory: int | None, children: int | None, *, by_env: bool) -> Iterator[Setting]:
    """As many children as fit with every script at its most, where that is a number somebody would set."""
    if not (by_env and program.wanted and memory and children and program.env(CHILDREN)):
        return
    fit = program.wanted // memory
    if 1 <= fit < children:
        yield variable(program, CHILDREN, str(fit))
