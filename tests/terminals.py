"""Real shells at a terminal of their own, with keys pressed in them: what completion does is seen there alone."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

TAB = "\t"
PROMPT = "READY> "
RAN = "the words are"
SECONDS = 20.0  # for a shell to do what it was asked: a hang is a failure, a busy machine is not
SILENT_SECONDS = 0.02
_CONTROLS = re.compile(r"\x1b(\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07]*\x07|[()][0-9A-B]|[=>78cDEHM])|[\x07\x0e\x0f]")
# Makes the terminal on stdin the one that the shell answers to: job control and TAB need it.
AT_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[2:])
"""
START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], f"PS1='{PROMPT}'; bind 'set bell-style none'; source {{script}}"),
    "zsh": (
        ["zsh", "-f", "-i"],
        f"PS1='{PROMPT}'; unsetopt prompt_cr beep; autoload -Uz compinit; compinit -u -D; source {{script}}",
    ),
    "fish": (["fish", "--no-config", "-i"], f"function fish_prompt; echo -n '{PROMPT}'; end; source {{script}}"),
}


class Shell:
    """One shell; `environment` is all it has."""

    def __init__(self, name: str, script: Path, environment: dict[str, str]) -> None:
        program = shutil.which(name)
        if program is None:
            pytest.skip(f"no {name} on PATH: install it")
        arguments, first = START[name]
        self._terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", AT_THE_TERMINAL, program, *arguments],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env=environment | {"TERM": "xterm"},
            start_new_session=True,
        )
        os.close(inner)
        self._seen = ""
        os.set_blocking(self._terminal, False)
        self.type(first.format(script=script) + "\r")
        self.type(f"echo '{'ends'}'-here\r")
        self.until("ends-here")

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._terminal, keys.encode())

    def until(self, *texts: str) -> str:
        """What is on the screen since the last call, once all of these are; else the test fails with what is there."""
        ends = time.monotonic() + SECONDS
        while not all(text in self._seen for text in texts):
            assert time.monotonic() < ends, f"no {texts} on the screen, but: {self._seen!r}"
            if select.select([self._terminal], [], [], SILENT_SECONDS)[0]:
                self._seen = _CONTROLS.sub("", self._seen + os.read(self._terminal, 1 << 16).decode(errors="replace"))
        seen, self._seen = self._seen, ""
        return seen

    def runs(self, keys: str, *words: str) -> None:
        """Press these keys and Return; kubectl-oom is then run with exactly these words."""
        self.type(keys + "\r")
        self.until(RAN + "".join(f" <{word}>" for word in words) + " END")

    def close(self) -> None:
        """End it, whatever it does."""
        os.close(self._terminal)  # which hangs up
        try:
            self._process.wait(SECONDS)
        finally:
            self._process.kill()


def put_program(folder: Path, source: Path) -> None:
    """A `kubectl-oom` that completes as this checkout does, and otherwise prints the words it was run with."""
    program = folder / "kubectl-oom"
    program.write_text(
        f"""#!/bin/sh
if [ "$1" = __complete ]; then PYTHONPATH={source} exec {sys.executable} -m kubectl_oom "$@"; fi
printf '{RAN}'; printf ' <%s>' "$@"; echo " END"
"""
    )
    program.chmod(0o755)
