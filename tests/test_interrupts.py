"""Ctrl-C where Python would lose it: in a destructor."""

from __future__ import annotations

import subprocess
import sys

# An object whose destructor is interrupted as it goes; then something that never ends by itself.
LOST = """
import signal, sys
from kubectl_oom.cli.interrupts import keep_interrupts

class Connection:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

def forever():
    Connection()
    print("went on", flush=True)
    {then}

signal.signal(signal.SIGINT, signal.default_int_handler)
if {kept}:
    keep_interrupts()
try:
    forever()
except KeyboardInterrupt:
    sys.exit(130)
"""
WAITS = "signal.pause()"
WORKS = "\n    while True: pass"


def _run(then: str, *, kept: bool) -> tuple[int, str, str]:
    return _ran(LOST.format(then=then, kept=kept))


def _ran(script: str) -> tuple[int, str, str]:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def test_an_interrupt_that_a_destructor_swallows_comes_again_to_one_who_waits() -> None:
    assert _run(WAITS, kept=True) == (130, "went on\n", "")


def test_an_interrupt_that_a_destructor_swallows_comes_again_to_one_who_works() -> None:
    assert _run(WORKS, kept=True) == (130, "went on\n", "")


def test_without_that_python_prints_a_traceback_and_goes_on() -> None:
    code, out, err = _run("pass", kept=False)

    assert (code, out) == (0, "went on\n")
    assert "Traceback" in err


def test_any_other_fault_of_a_destructor_is_told_as_ever() -> None:
    script = LOST.replace("signal.raise_signal(signal.SIGINT)", "raise ValueError('a fault')")

    code, out, err = _ran(script.format(then="pass", kept=True))

    assert (code, out) == (0, "went on\n")
    assert "ValueError: a fault" in err
