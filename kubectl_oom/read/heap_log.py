"""Lines of a log that name a program's own out-of-memory error. Only matching lines are ever kept, cut to a length.

The runtime's own fixed text is matched as closely as it is known, so that a request logged by the program does not
pass for its death.
"""

from __future__ import annotations

import re

from kubectl_oom.evidence import HeapLine

MAX_LINE = 200  # a matching line can end in anything: enough to recognise it, not enough to spill a payload
LONGEST_LINE = 8192  # of a line, so much is looked at: some programs log megabytes in one
MAX_LINES = 5  # the last ones: a dying runtime repeats itself
_SIGNATURES = (
    ("node", re.compile(r"FATAL ERROR: .*(?:JavaScript heap out of memory|Allocation failed)")),
    ("jvm", re.compile(r"java\.lang\.OutOfMemoryError: [\w ]+")),
    ("jvm", re.compile(r"There is insufficient memory for the Java Runtime Environment to continue")),
    ("jvm", re.compile(r"Terminating due to java\.lang\.OutOfMemoryError")),
    ("dotnet", re.compile(r"(?:Unhandled exception\. )?System\.OutOfMemoryException|^Out of memory\.$")),
    ("go", re.compile(r"fatal error: (?:runtime: )?(?:cannot allocate memory|out of memory)")),
    ("python", re.compile(r"^MemoryError(?:: .*)?$")),
    ("gunicorn", re.compile(r"Worker \(pid:\d+\) was sent SIGKILL! Perhaps out of memory\?")),
    ("php", re.compile(r"Allowed memory size of \d+ bytes exhausted")),
    ("ruby", re.compile(r"failed to allocate memory \(NoMemoryError\)")),
    ("rust", re.compile(r"memory allocation of \d+ bytes failed")),
    ("cpp", re.compile(r"terminate called after throwing an instance of 'std::bad_alloc'")),
    ("postgres", re.compile(r"could not resize shared memory segment .* No space left on device")),
    ("redis", re.compile(r"OOM command not allowed when used memory > 'maxmemory'")),
    ("cuda", re.compile(r"CUDA out of memory")),
)


def heap_lines_in(text: str, *, pod: str, container: str) -> tuple[HeapLine, ...]:
    """The last few matching lines of a log, oldest first, each reduced to the part that matched."""
    found = []
    for line in text.splitlines():
        for runtime, signature in _SIGNATURES:
            match = signature.search(line[:LONGEST_LINE])
            if match:
                found.append(HeapLine(pod=pod, container=container, runtime=runtime, text=match.group(0)[:MAX_LINE]))
                break
    return tuple(found[-MAX_LINES:])
