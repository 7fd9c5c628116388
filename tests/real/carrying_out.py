"""Running `kubectl oom fix` on a real node: to its end, or only until it says something."""

from __future__ import annotations

import signal
import subprocess
import threading
from typing import TYPE_CHECKING

from tests.cluster.access import FIXER
from tests.real.fixing import PROGRAM
from tests.real.tool import RUN_SECONDS, Ran, environment, oom

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.scene import Scene

NOW = ("--apply", "--yes")


def fix(scene: Scene, *args: str) -> Ran:
    """One run of `fix --apply` in the scene's namespace, with a metrics engine, as somebody who may."""
    return oom(scene.cluster.kubeconfig(FIXER), *_words(scene, *args))


def _words(scene: Scene, *args: str) -> tuple[str, ...]:
    return ("fix", *args, *NOW, "-n", scene.namespace, "--prometheus-url", str(scene.cluster.prometheus_url))


class Begun:
    """A run of `fix --apply` that goes on while the test looks at what it says."""

    def __init__(self, scene: Scene, *args: str, kubeconfig: Path | None = None) -> None:
        self._scene = scene
        self._args = _words(scene, *args)
        self._process = subprocess.Popen(
            [*PROGRAM, *self._args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(kubeconfig or scene.cluster.kubeconfig(FIXER)),
        )
        self._lines: list[str] = []
        self._listening = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Begun:  # noqa: PYI034 - Self needs Python 3.11
        self._listening.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._listening.join()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream
            stream.close()

    def _listen(self) -> None:
        assert self._process.stderr
        self._lines.extend(iter(self._process.stderr.readline, ""))

    def wait_until_it_says(self, words: str) -> None:
        """Return once a line on stderr has these words; raise where it ended without them."""

        def said() -> bool:
            assert self._process.poll() is None or words in self._said(), self._said()
            return words in self._said()

        self._scene.wait(f"'{words}' of {' '.join(self._args)}", said, self._said)

    def _said(self) -> str:
        return "".join(self._lines)

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> Ran:
        """What it did, once it has ended by itself."""
        assert self._process.stdout
        out = self._process.stdout.read()
        code = self._process.wait(RUN_SECONDS)
        self._listening.join()
        return Ran(self._args, code, out, self._said())
