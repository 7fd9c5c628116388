"""Which environment values are read at all: the named heap and worker settings. No other value leaves the API answer.

The list is closed on purpose: an environment variable may hold a secret, and a name that merely looks harmless
(`JAVA_OPTS_FILE`) is not worth the risk. `valueFrom` is never followed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    r"-Xm[sxn]\d+\w?|-Xss\d+\w?|-XX:[+-]?\w*(?:Heap|RAM|Memory|Metaspace|OutOfMemory|GC|Container)\w*(?:=[\w.%]+)?"
    r"|--max-old-space-size(?:=|\s+)\d+|--max-semi-space-size(?:=|\s+)\d+|--max-heap-size(?:=|\s+)\d+"
    r"|(?:--workers|-w|--threads|--concurrency|--max-requests)(?:=|\s+)\d+"
)
_PLAIN = re.compile(r"^[\w.%+-]{1,32}$")  # 900MiB, 75, 0x1C9C3800, off


def settings_of(container: Json) -> dict[str, str]:
    """Name → value of the heap and worker settings a container spec sets literally, reduced to their memory options."""
    found = {}
    for entry in container.get("env") or ():
        name, value = (entry.get("name"), entry.get("value")) if isinstance(entry, dict) else (None, None)
        if name in HEAP_AND_WORKER_SETTINGS and isinstance(value, str):
            kept = value if _PLAIN.match(value) else " ".join(m.group(0) for m in _MEMORY_WORDS.finditer(value))
            if kept:
                found[str(name)] = kept
    return found
