"""Which environment values and command-line words are read at all: what speaks of memory, workers and programs.

The lists are closed on purpose: an environment variable may hold a secret, and a name that merely looks harmless
(`JAVA_OPTS_FILE`) is not worth the risk; a command line may (`-u root -phunter2`), and no list of suspicious words is
ever complete. `valueFrom` is never followed: of a named setting it is told that it comes from elsewhere, and from what
kind of object. A value that is reduced says so (`-Xmx1g (and more)`): what is not known whole is never written back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.evidence.settings import (
    AND_MORE,
    FROM_CONFIG_MAP,
    FROM_ELSEWHERE,
    FROM_RESOURCES,
    FROM_SECRET,
    NOT_RECORDED,
    OF_ONE_RUNTIME,
    OF_SEVERAL_RUNTIMES,
)
from kubectl_oom.read.answer import part, parts, text, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kubectl_oom.read.source import Json

HIDDEN = NOT_RECORDED
# Numbers that .NET reads as hexadecimal, with or without 0x.
_HEXADECIMAL = frozenset(OF_ONE_RUNTIME["dotnet"])
HEAP_AND_WORKER_SETTINGS = frozenset(OF_SEVERAL_RUNTIMES).union(*OF_ONE_RUNTIME.values())
# Expressions are texts here, which `re` compiles when they are first used: all of them take 10 ms, and a container
# needs one or two.
_NUMBER = r"\d{1,6}"
_POLICY = r"noeviction|(?:allkeys|volatile)-(?:lru|lfu|random|lrm)|volatile-ttl"
# Options whose value is a word of its own, as args are mostly written, and what that word may be.
_VALUES = {
    **dict.fromkeys(
        (
            "--max-old-space-size",
            "--max-old-space-size-percentage",
            "--max-semi-space-size",
            "--max-heap-size",
            "--workers",
            "-w",
            "--threads",
            "--concurrency",
            "--processes",
            "--max-requests",
            "--max-tasks-per-child",
        ),
        _NUMBER,
    ),
    "--max-memory-per-child": r"\d{1,9}",  # KiB
    "--instances": r"\d{1,4}|max",
    "--maxmemory": r"(?i:\d{1,15}(?:[kmg]b?|b)?)",
    "--maxmemory-policy": _POLICY,
    "--appendonly": r"yes|no",
    "--save": r"(?:\"\"|\d{1,9}(?: \d{1,9}){0,9})?",  # nothing: no snapshots
}
# Short options that mean something else in every other program.
_OWN_OPTIONS = {"celery": "-c", "pm2": "-i", "pm2-runtime": "-i"}
_OWN_VALUE = r"\d{1,4}|max"
# Options that speak of memory or processes. The rest of a value (agents, system properties, which do carry passwords:
# -Djavax.net.ssl.keyStorePassword=…) is left out. An option whose number cannot be read is kept without it.
_MEMORY_WORDS = (
    r"-Xm[sxn](?:\d{1,15}[kKmMgGtT]?(?![\w.]))?|-Xss\d{1,15}[kKmMgG]?(?!\w)"
    r"|-XX:[+-]?\w*(?:Heap|RAM|Memory|Metaspace|OutOfMemory|GC|Container)\w*"
    r"(?:=\d{1,15}(?:\.\d{1,9})?[kKmMgGtT%]?(?!\w))?"
    r"|--max-(?:old-space-size(?:-percentage)?|semi-space-size|heap-size)(?![\w-])(?:(?:=|\s+)\d{1,9}(?:\.\d{1,3})?(?!\w))?"
    r"|(?<![\w-])(?:--workers|-w|--threads|--concurrency|--processes|--max-requests|--max-memory-per-child"
    r"|--max-tasks-per-child)(?:=|\s+)\d{1,9}(?!\w)"
    r"|--instances(?:=|\s+)(?:\d{1,4}|max)(?!\w)"
    r"|--maxmemory(?:=|\s+)\d{1,15}(?:[kKmMgG][bB]?|[bB])?(?!\w)"
    rf"|--maxmemory-policy(?:=|\s+)(?:{_POLICY})(?!\w)"
    r"|--appendonly(?:=|\s+)(?:yes|no)(?!\w)|--save\s+\"\""
    r"|\b(?:shared_buffers|work_mem|maintenance_work_mem)=\d{1,9}(?:kB|MB|GB|TB)?(?!\w)|\bmax_connections=\d{1,6}(?!\w)"
    r"|\bworker_processes\s+(?:\d{1,4}|auto)(?!\w)"
    r"|\bmemory_limit=-?\d{1,12}[KMGkmg]?(?!\w)|\bpm\.max_children=\d{1,5}(?!\w)"
)
_PLAIN = r"-?\d{1,15}(?:\.\d{1,9})?[A-Za-z]{0,3}%?|0x[0-9A-Fa-f]{1,16}|off|on|true|false|auto"  # 900MiB, -1
_HEX_PLAIN = r"(?:0x)?[0-9A-Fa-f]{1,16}"
_DIVISOR = r"\d{1,4}(?:[kMGTPE]|[KMGTPE]i)?"
_STAND_IN = (
    "|".join(re.escape(word) for word in (NOT_RECORDED, FROM_CONFIG_MAP, FROM_SECRET, FROM_ELSEWHERE))
    + rf"|\((?:{'|'.join(re.escape(name) for name in FROM_RESOURCES)})(?: / {_DIVISOR})?\)"
)
# Programs whose name tells the runtime, the workers or a shell: what judge/runtime.py and judge/findings.py look for.
_PROGRAM = (
    r"(?:ba|a|da)?sh|exec|tini|dumb-init|java|kotlin|catalina\.sh|gradle|mvn|node|nodejs|npm|yarn|pnpm|next"
    r"|pm2(?:-runtime)?|dotnet"
    r"|python\d?(?:\.\d+)?|gunicorn|uvicorn|celery|uwsgi|hypercorn|jupyter(?:hub|-\w{1,12})?|daphne|ruby|puma|unicorn"
    r"|sidekiq|rails|bundle|php|php-fpm\d*(?:\.\d+)?|artisan|nginx|postgres|spark(?:-\w{1,12})?"
    r"|(?:redis|valkey|keydb)-server"
)


def settings_of(container: Json) -> dict[str, str]:
    """Name → value of the heap and worker settings a container spec sets, reduced to their memory options.

    `(and more)` ends a value that holds other options too, `(not recorded)` is all of one that holds nothing else, and
    what `valueFrom` fills in reads `(limits.memory)`, `(set by a ConfigMap)` and the like.
    """
    found = {}
    for entry in parts(container, "env"):
        name, value = entry.get("name"), entry.get("value")
        if not isinstance(name, str) or name not in HEAP_AND_WORKER_SETTINGS:
            continue
        if isinstance(value, str) and value.strip():
            found[name] = _setting(name, value)
        elif part(entry, "valueFrom"):
            found[name] = _from(part(entry, "valueFrom"), text(container.get("name")))
    return found


def _setting(name: str, value: str) -> str:
    if re.fullmatch(_PLAIN, value) or re.fullmatch(_STAND_IN, value):
        return value
    if name in _HEXADECIMAL and re.fullmatch(_HEX_PLAIN, value):
        return value
    kept, given = " ".join(_memory_words(value).split()), " ".join(value.split())
    return kept if kept == given else f"{kept} {AND_MORE}" if kept else HIDDEN


def _from(source: Json, container: str | None) -> str:
    if "configMapKeyRef" in source:
        return FROM_CONFIG_MAP
    if "secretKeyRef" in source:
        return FROM_SECRET
    ref = part(source, "resourceFieldRef")
    of_another = ref.get("containerName") not in (None, "", container)
    if of_another or ref.get("resource") not in FROM_RESOURCES:
        return FROM_ELSEWHERE
    divisor = text(ref.get("divisor")) or "0"
    if not re.fullmatch(_DIVISOR, divisor):
        return FROM_ELSEWHERE
    return f"({ref['resource']})" if divisor in ("0", "1") else f"({ref['resource']} / {divisor})"


# --- command lines -------------------------------------------------------------------------------------------------


def command_of(container: Json) -> tuple[str, ...]:
    """Command and args, word by word: known programs without their path, memory options, and `HIDDEN` for the rest."""
    command, args = reduced_lines(container)
    return (*command, *args)


def reduced_lines(container: Json) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Command and args, each reduced to what may be read; a program of the command gives a meaning to its args."""
    command, args = words(container, "command"), words(container, "args")
    own = _own_options((*command, *args))
    return reduced(command, own), reduced(args, own)


def reduced(line: Sequence[str], own: frozenset[str] | None = None) -> tuple[str, ...]:
    """The words of a command line, each reduced to what may be read; a shell's script is one word.

    `own`: short options that the programs of the whole line understand; None: as this line's programs tell.
    """
    known = _own_options(line) if own is None else own
    kept: list[str] = []
    value: str | None = None  # what the word after an option may be
    for word in line:
        kept.append((word or '""') if value and re.fullmatch(value, word) else _reduced(word, known))
        value = _VALUES.get(word) or (_OWN_VALUE if word in known else None)
    return tuple(kept)


def _own_options(line: Iterable[str]) -> frozenset[str]:
    return frozenset(_OWN_OPTIONS[program] for word in line for program in _programs(word) if program in _OWN_OPTIONS)


def _programs(word: str) -> list[str]:
    named = [token.rpartition("/")[2] for token in word.split()]
    return [name for name in named if re.fullmatch(_PROGRAM, name)]


def _reduced(word: str, own: frozenset[str]) -> str:
    if word in _VALUES or word in own:
        return word
    options = [_memory_words(word), *_own_words(word, own)]
    return " ".join(kept for kept in (*_programs(word), *options) if kept).strip() or HIDDEN


def _own_words(script: str, own: frozenset[str]) -> Iterable[str]:
    """The short options in a shell's script, with their numbers."""
    for option in sorted(own):
        for match in re.finditer(rf"(?<!\S){option}\s+(?:\d{{1,4}}|max)(?!\S)", script):
            yield match.group(0)


def _memory_words(script: str) -> str:
    return " ".join(match.group(0) for match in re.finditer(_MEMORY_WORDS, script))
