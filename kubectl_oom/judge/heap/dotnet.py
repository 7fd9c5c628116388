"""The .NET collector's hard limit, and the trap of its hexadecimal settings. Sources: docs/runtimes.md."""

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
from kubectl_oom.judge.heap.program import Program, variable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Setting

PREFIXES = ("DOTNET", "COMPlus")  # the old prefix still works
LEAST_DEFAULT = 20 * 1000 * 1000  # 20 MB, however small the limit is
WHOLE = 100
REST = "native memory, thread stacks, compiled code"


@dataclass(frozen=True, slots=True)
class HardLimit:
    """What caps the collector's heap: bytes, or a percentage; `name` is None for the default."""

    name: str | None = None
    given: str | None = None
    fixed: int | None = None
    percent: int = round(100 * HEAP_SHARE)
    unread: bool = False

    def at(self, memory: int) -> int:
        """The heap's ceiling in a container of so much memory."""
        if self.fixed is not None:
            return self.fixed
        return max(LEAST_DEFAULT, memory * self.percent // 100)


def hexadecimal(text: str) -> int | None:
    """The number as .NET reads it from an environment variable: hexadecimal, with or without 0x; None: not a number."""
    return int(text, 16) if re.fullmatch(r"(?:0x)?[0-9A-Fa-f]{1,16}", text) else None


def hard_limit_of(program: Program) -> HardLimit:
    """The hard limit in bytes where one is set, else the one in percent, else the default of 75 %; 0 sets nothing."""
    for kind in ("GCHeapHardLimit", "GCHeapHardLimitPercent"):
        for name in (f"{prefix}_{kind}" for prefix in PREFIXES):
            given = program.env(name)
            number = hexadecimal(given) if given else None
            if given and number is None:
                return HardLimit(name=name, given=given, unread=True)
            if given and number and kind == "GCHeapHardLimit":
                return HardLimit(name=name, given=given, fixed=number)
            if given and number:
                return HardLimit(name=name, given=given, percent=number)
    return HardLimit()


def advise(program: Program) -> HeapAdvice:
    """What the collector allows itself, against the limit."""
    cap = hard_limit_of(program)
    evidence = [program.runtime.evidence]
    if cap.name and program.runtime.evidence.value != f"{cap.name}={cap.given}":
        evidence.append(Citation(source="pod", field="env", value=f"{cap.name}={cap.given}"))
    return HeapAdvice(
        runtime="dotnet",
        evidence=tuple(evidence),
        heap_cap_bytes=cap.fixed or (cap.at(program.limit) if program.limit and not cap.unread else None),
        least_limit_bytes=_least(program, cap),
        sentences=(*_sentences(program, cap), *_server(program)),
        settings=tuple(_settings(program, cap)),
    )


def _least(program: Program, cap: HardLimit) -> int | None:
    if cap.unread or cap.name is None:
        return None
    return least_for_fixed(cap.fixed, program) if cap.fixed else least_for_percent(cap.percent / WHOLE, program)


def _sentences(program: Program, cap: HardLimit) -> Iterator[str]:
    if cap.unread:
        yield f"How large its heap may grow is not known: {cap.name} is {cap.given}."
        return
    sizes = of_limits(program, cap.at) or (sized(cap.fixed) if cap.fixed else "a share of the limit")
    if cap.name is None:
        yield f"No setting caps its heap: .NET takes 75 % of the limit, or 20 MB where that is more: {sizes}."
    else:
        yield f"{cap.name}={cap.given} caps the heap at {sizes}."
        yield from _trap(cap)
    yield from not_below(program, cap.at, "A heap")
    today = cap.at(program.limit) if program.limit else cap.fixed
    yield from beyond_heap(program, today, cap.at(program.killed) if program.killed else None, REST)
    if cap.fixed is None and _least(program, cap) is not None:
        yield from percent_sum(cap.percent / WHOLE, program)


def _trap(cap: HardLimit) -> Iterator[str]:
    """A number that looks decimal and is not."""
    given = cap.given or ""
    if not given.isdecimal() or int(given) == (cap.fixed or cap.percent):
        return
    if cap.fixed:
        yield (
            f"Environment values of .NET are hexadecimal: {given} means {sized(cap.fixed)}, not {sized(int(given))}, "
            f"which is written {int(given):X}."
        )
    else:
        yield (
            f"Environment values of .NET are hexadecimal: {given} means {cap.percent} %; {int(given)} % is written "
            f"{int(given):X}."
        )


def _server(program: Program) -> Iterator[str]:
    server = any((program.env(f"{prefix}_gcServer") or "0") in ("1", "true") for prefix in PREFIXES)
    if server:
        yield "The server collector keeps one heap for each CPU: DOTNET_gcServer=0, or DOTNET_GCConserveMemory, needs less."


def _settings(program: Program, cap: HardLimit) -> Iterator[Setting]:
    """75 % of the recommended limit, written as .NET reads it, where what stands there is more."""
    if program.wanted is None or cap.unread or cap.name is None:
        return
    usual = round(WHOLE * HEAP_SHARE)
    if cap.fixed is not None and cap.fixed > HEAP_SHARE * program.wanted:
        yield variable(program, cap.name, f"{round(program.wanted * HEAP_SHARE) // MI * MI:X}")
    elif cap.fixed is None and cap.percent > usual:
        yield variable(program, cap.name, f"{usual:X}")
