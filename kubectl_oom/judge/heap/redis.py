"""Redis and Valkey: maxmemory, and what a save copies. Sources: docs/runtimes.md."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, HeapAdvice
from kubectl_oom.judge.heap.arithmetic import MI, least_for_fixed, not_below, of_limits, sized
from kubectl_oom.judge.heap.program import COMMAND, Program, beside, instead, last_flag, unread_places

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Setting
    from kubectl_oom.judge.heap.program import Flag

PLACES = ("REDIS_ARGS", COMMAND)
# Of the limit, for data: AWS keeps 25 % back for copies, buffers and fragmentation; nothing is copied where nothing is
# saved, and the fifth that is left for the rest there is chosen, not measured.
SAVING_SHARE, PLAIN_SHARE = 0.75, 0.80
_MAXMEMORY = re.compile(r"--maxmemory(?:=|\s+)(\d{1,15}(?:[kKmMgG][bB]?|[bB])?)(?!\w)")
_POLICY = re.compile(r"--maxmemory-policy(?:=|\s+)([a-z-]{1,20})(?!\w)")
_APPEND = re.compile(r"--appendonly(?:=|\s+)(yes|no)(?!\w)")
_NO_SAVE = re.compile(r"--save\s+\"\"")
_UNITS = {"": 1, "b": 1, "k": 1000, "kb": 1 << 10, "m": 10**6, "mb": 1 << 20, "g": 10**9, "gb": 1 << 30}


def size_of(text: str | None) -> int | None:
    """Bytes of a size as Redis reads it: 100m is 100 000 000, 100mb is 100Mi; None where it is none, 0 for no limit."""
    match = re.fullmatch(r"([0-9]{1,15})([kmg]?b?)", (text or "").lower())
    return int(match[1]) * _UNITS[match[2]] if match else None


def advise(program: Program) -> HeapAdvice:
    """What the server is told on its command line; its configuration file is not read."""
    flag = last_flag(program, PLACES, _MAXMEMORY)
    cap = size_of(flag.value) if flag else None
    appends = last_flag(program, PLACES, _APPEND)
    plain = bool(last_flag(program, PLACES, _NO_SAVE)) and not (appends and appends.value == "yes")
    share = PLAIN_SHARE if plain else SAVING_SHARE
    evidence = [program.runtime.evidence]
    if flag:
        evidence.append(Citation(source="pod", field="command" if flag.place == COMMAND else "env", value=flag.text))
    return HeapAdvice(
        runtime="redis",
        evidence=tuple(evidence),
        heap_cap_bytes=cap or None,
        least_limit_bytes=least_for_fixed(cap, program, share) if cap else None,
        sentences=(*_sentences(program, flag, cap), *_saves(program, share, plain=plain)),
        settings=tuple(_settings(program, flag, cap, share)),
    )


def _sentences(program: Program, flag: Flag | None, cap: int | None) -> Iterator[str]:
    if flag is None:
        elsewhere = unread_places(program, PLACES)
        why = f"{elsewhere[0]} comes from an object that is not read" if elsewhere else "its configuration is not read"
        yield f"maxmemory is not set on the command line, and {why}; by default it is 0: no limit but the kernel's."
        return
    if not cap:
        yield f"{flag.text} in {flag.place}: no limit but the kernel's; it takes what it is given until it is killed."
        return
    yield f"{flag.text} in {flag.place} caps its data at {of_limits(program, lambda _: cap) or sized(cap)}."
    yield from not_below(program, lambda _: cap, "A maxmemory")
    policy = last_flag(program, PLACES, _POLICY)
    if policy and policy.value == "noeviction":
        yield "With noeviction it answers writes with an error when its data reaches that."
    elif policy is None:
        yield "No maxmemory-policy stands beside it: that decides whether it evicts or refuses writes when its data reaches that."


def _saves(program: Program, share: float, *, plain: bool) -> Iterator[str]:
    sizes = ", ".join(f"{sized(round(size * share))} of {name}" for name, size in program.limits)
    rule = f"{share:.0%} of the limit for its data{f' ({sizes})' if sizes else ''}"
    if plain:
        yield f'Nothing is saved (--save ""): {rule} leaves room for buffers and fragmentation.'
    else:
        yield (
            "A save or a rewrite of the append-only file forks, and every page written meanwhile is held twice, in the worst "
            f"case all of them: {rule}, less where writes are many."
        )


def _settings(program: Program, flag: Flag | None, cap: int | None, share: float) -> Iterator[Setting]:
    if program.wanted is None or (flag is None and unread_places(program, PLACES)):
        return
    value = f"{max(1, round(program.wanted * share) // MI)}mb"
    if flag is None:
        yield beside(program, PLACES, "--maxmemory", value)
    elif not cap or cap > share * program.wanted:
        yield instead(program, flag, "--maxmemory", value, " ")
