"""Which environment values and command-line words are read at all: what speaks of memory, workers and programs.

The lists are closed on purpose: an environment variable may hold a secret, and a name that merely looks harmless
(`JAVA_OPTS_FILE`) is not worth the risk; a command line may (`-u root -phunter2`), and no list of suspicious words is
ever complete. `valueFrom` is never followed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.read.answer import parts, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kubectl_oom.read.source import Json

HEAP_AND_WORKER_SETTINGS = frozenset(
    {
        "JAVA_OPTS",
        "JAVA_TOOL_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "_JAVA_OPTIONS",
        "ES_JAVA_OPTS",
        "KAFKA_HEAP_OPTS",
        "NODE_OPTIONS",
        "GOMEMLIMIT",
        "GOGC",
        "DOTNET_GCHeapHardLimit",
        "DOTNET_GCHeapHardLimitPercent",
        "DOTNET_gcServer",
        "MALLOC_ARENA_MAX",
        "WEB_CONCURRENCY",
        "GUNICORN_CMD_ARGS",
        "PHP_MEMORY_LIMIT",
        "UV_THREADPOOL_SIZE",
        "RAILS_MAX_THREADS",
        "PUMA_WORKERS",
        "CELERYD_CONCURRENCY",
        "NGINX_WORKER_PROCESSES",
    }
)
# Options of these settings that speak of memory or processes. The rest of the value (agents, system properties,
# which do carry passwords: -Djavax.net.ssl.keyStorePassword=…) is left out.
_MEMORY_WORDS = re.compile(
    r"-Xm[sxn]\d+\w?|-Xss\d+\w?"
    r"|-XX:[+-]?\w*(?:Heap|RAM|Memory|Metaspace|OutOfMemory|GC|Container)\w*(?:=\d+(?:\.\d+)?[kKmMgGtT%]?(?!\w))?"
    r"|--max-old-space-size(?:=|\s+)\d+|--max-semi-space-size(?:=|\s+)\d+|--max-heap-size(?:=|\s+)\d+"
    r"|(?:--workers|-w|--threads|--concurrency|--max-requests)(?:=|\s+)\d+"
)
_PLAIN = re.compile(r"-?\d+(?:\.\d+)?[A-Za-z]{0,3}%?|0x[0-9A-Fa-f]{1,16}|off|on|true|false|auto")  # 900MiB, 75, -1
# An option whose number is a word of its own, as args are mostly written.
_OPTION = re.compile(
    r"--(?:max-old-space-size|max-semi-space-size|max-heap-size|workers|threads|concurrency|max-requests)|-w"
)
# Programs whose name tells the runtime, the workers or a shell: what judge/runtime.py and judge/findings.py look for.
_PROGRAM = re.compile(
    r"(?:ba|a|da)?sh|exec|tini|dumb-init|java|kotlin|catalina\.sh|gradle|mvn|node|nodejs|npm|yarn|pnpm|next|pm2|dotnet"
    r"|python\d?(?:\.\d+)?|gunicorn|uvicorn|celery|uwsgi|hypercorn|jupyter(?:hub|-\w{1,12})?|daphne|ruby|puma|unicorn"
    r"|sidekiq|rails|bundle|php|php-fpm\d*(?:\.\d+)?|artisan|nginx|postgres|spark(?:-\w{1,12})?"
    r"|(?:redis|valkey|keydb)-server"
)
HIDDEN = "(not recorded)"


def settings_of(container: Json) -> dict[str, str]:
    """Name → value of the heap and worker settings a container spec sets literally, reduced to their memory options."""
    found = {}
    for entry in parts(container, "env"):
        name, value = entry.get("name"), entry.get("value")
        if isinstance(name, str) and name in HEAP_AND_WORKER_SETTINGS and isinstance(value, str):
            kept = value if _PLAIN.fullmatch(value) else _memory_words(value)
            if kept:
                found[name] = kept
    return found


def command_of(container: Json) -> tuple[str, ...]:
    """Command and args, word by word: known programs without their path, memory options, and `HIDDEN` for the rest."""
    return (*reduced(words(container, "command")), *reduced(words(container, "args")))


def reduced(line: Iterable[str]) -> tuple[str, ...]:
    """The words of a command line, each reduced to what may be read; a shell's script is one word."""
    kept, option = [], False
    for word in line:
        number = option and re.fullmatch(r"\d{1,6}", word)
        kept.append(word if number else _reduced(word))
        option = bool(_OPTION.fullmatch(word))
    return tuple(kept)


def _reduced(word: str) -> str:
    named = [token.rpartition("/")[2] for token in word.split()]
    programs = [name for name in named if _PROGRAM.fullmatch(name)]
    options = _OPTION.fullmatch(word)
    return " ".join((*programs, word if options else _memory_words(word))).strip() or HIDDEN


def _memory_words(text: str) -> str:
    return " ".join(match.group(0) for match in _MEMORY_WORDS.finditer(text))
