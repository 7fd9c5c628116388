"""Go: a soft limit that the collector works towards. Sources: docs/runtimes.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, HeapAdvice
from kubectl_oom.evidence.settings import NOT_RECORDED, is_set_elsewhere
from kubectl_oom.judge.heap.arithmetic import MI, sized
from kubectl_oom.judge.heap.program import Program, variable
from kubectl_oom.quantity import show_percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Setting

NAME = "GOMEMLIMIT"
SHARE = 0.90  # Go's guide to its collector: "leave an additional 5-10 % of headroom"
CLOSE = 0.95  # of a limit: above, the headroom of that guide is gone
FAR_BELOW = 0.75  # of a limit: below, the limit was raised and GOMEMLIMIT left behind
_UNITS = {"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}


def size_of(text: str) -> int | None:
    """Bytes of a GOMEMLIMIT; None where Go would refuse it: only whole numbers, and only these units."""
    match = re.fullmatch(r"([0-9]{1,18})(B|KiB|MiB|GiB|TiB)?", text)
    return int(match[1]) * _UNITS[match[2] or ""] if match else None


def advise(program: Program) -> HeapAdvice:
    """What the collector works towards, against the limit. It is a soft limit: it asks for no limit of its own."""
    given = program.env(NAME)
    soft = size_of(given) if given else None
    evidence = [program.runtime.evidence]
    if given and program.runtime.evidence.value != f"{NAME}={given}":
        evidence.append(Citation(source="pod", field="env", value=f"{NAME}={given}"))
    follows = given == "(limits.memory)"
    return HeapAdvice(
        runtime="go",
        evidence=tuple(evidence),
        heap_cap_bytes=(program.limit if follows else soft) or None,
        least_limit_bytes=None,
        sentences=(*_sentences(program, given, soft, follows=follows), *_collector_off(program, given)),
        settings=tuple(_settings(program, soft, readable=given != NOT_RECORDED)),
    )


def _sentences(program: Program, given: str | None, soft: int | None, *, follows: bool) -> Iterator[str]:
    if given is None:
        yield (
            "GOMEMLIMIT is not set: unless the program does it itself, Go's collector does not know the limit, and lets the heap "
            f"double before it collects. 90 % of the limit is the rule: {_ninety(program)}."
        )
    elif follows:
        yield (
            "GOMEMLIMIT is the whole limit (resourceFieldRef limits.memory): nothing is left for what Go does not count, such as "
            f"C code, mapped files and other processes. Set 90 % of it: {_ninety(program)}."
        )
    elif given.startswith("(limits.memory /"):
        yield (
            f"GOMEMLIMIT is {given}: Kubernetes fills in a number without its unit, and Go reads it as bytes, so the "
            f"collector never rests. Set 90 % of the limit: {_ninety(program)}."
        )
    elif given == NOT_RECORDED or is_set_elsewhere(given) or given.startswith("("):
        yield f"GOMEMLIMIT is {given}, and what it holds is not known; 90 % of the limit is the rule: {_ninety(program)}."
    elif given == "off":
        yield f"GOMEMLIMIT=off: Go's collector does not know the limit. 90 % of it is the rule: {_ninety(program)}."
    elif soft is None:
        yield (
            f"GOMEMLIMIT={given} is refused by Go, and the program does not start: its units are B, KiB, MiB, GiB and TiB, "
            "with whole numbers. Kubernetes' Mi and Gi are none."
        )
    else:
        yield from _held_against_limits(program, given, soft)


def _held_against_limits(program: Program, given: str, soft: int) -> Iterator[str]:
    for name, size in program.limits:
        share = show_percent(soft, size)
        if soft > CLOSE * size:
            yield f"GOMEMLIMIT={given} is {share} of {name} of {sized(size)}: too close for what Go does not count."
        elif soft < FAR_BELOW * size:
            yield (
                f"GOMEMLIMIT={given} is {share} of {name} of {sized(size)}: the collector works to stay below it, and the "
                "rest of the limit buys nothing but CPU time until it is raised too."
            )
        else:
            yield f"GOMEMLIMIT={given} is {share} of {name} of {sized(size)}."
    if program.highest and program.highest > soft:
        yield (
            f"The highest sample, {sized(program.highest)}, is above it: a soft limit does not hold what is live, and does "
            "not count what is not Go's."
        )


def _ninety(program: Program) -> str:
    return ", ".join(f"{_value(size)} of {name}" for name, size in program.limits) or "of a limit that is not set"


def _collector_off(program: Program, given: str | None) -> Iterator[str]:
    if program.env("GOGC") == "off" and (given is None or given == "off"):
        yield "GOGC=off without GOMEMLIMIT: nothing is ever collected, and the heap grows until the kernel kills."


def _value(limit: int) -> str:
    """90 % in whole MiB, which Go understands."""
    return f"{round(limit * SHARE) // MI}MiB"


def _settings(program: Program, soft: int | None, *, readable: bool) -> Iterator[Setting]:
    fits = (
        soft is not None and program.wanted is not None and FAR_BELOW * program.wanted <= soft <= CLOSE * program.wanted
    )
    if program.wanted is not None and readable and not fits and round(program.wanted * SHARE) >= MI:
        yield variable(program, NAME, _value(program.wanted))
