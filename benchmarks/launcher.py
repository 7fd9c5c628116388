"""Runs one program and prints what it took: exit code, wall seconds, CPU seconds, KiB of memory at most.

Usage: python -I -S launcher.py OUT PROGRAM [ARGUMENT ...]; what the program prints goes to the file OUT.

A process of its own, and a small one: Linux counts to a program's highest memory what the process that started it
held at that moment. A benchmark that holds pods and series would give all of that to everything it measures; this
gives some 10 MiB, so less than that cannot be told.
"""

import os
import sys
import time


def main(out: str, *argv: str) -> None:
    streams = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    ]
    started = time.perf_counter()
    pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=streams)
    _, status, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - started
    print(os.waitstatus_to_exitcode(status), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


if __name__ == "__main__":
    main(*sys.argv[1:])
