"""A real headless Chromium, asked over its own protocol through two pipes: nothing but the program is needed."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "no Chromium on PATH: install your distribution's package (Debian: chromium)"
FLAGS = (
    *("--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--remote-debugging-pipe"),
    "--no-sandbox",  # as root, as CI is, it does not start with one; what it opens is our own
)
DEADLINE_SECONDS = 60.0  # a hang is a failure, a busy machine is not
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
DESKTOP = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}
Json = dict[str, Any]


def program() -> str:
    """The browser's path; a skip where there is none, which is a failure where every tier is required."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(MISSING)
    return found


@contextmanager
def chromium(folder: Path) -> Iterator[Chromium]:
    """A browser that keeps its things in `folder`, ended at the end."""
    commands, write = os.pipe()
    read, answers = os.pipe()
    # It reads commands from 3 and writes answers to 4: the shell puts our pipes there.
    process = subprocess.Popen(
        ["bash", "-c", f'exec "$@" 3<&{commands} 4>&{answers}', "bash", program(), *FLAGS, f"--user-data-dir={folder}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(commands, answers),
    )
    os.close(commands)
    os.close(answers)
    try:
        yield Chromium(write, read)
    finally:
        process.terminate()
        try:
            process.wait(DEADLINE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(write)
        os.close(read)


class Chromium:
    """One page of a browser; `events` are all that it has told, by the browser's own names."""

    def __init__(self, write: int, read: int) -> None:
        self.events: list[Json] = []
        self._write, self._read = write, read
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._session: str | None = None
        page = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> Json:
        """The answer to one command; RuntimeError with the browser's words where it refuses."""
        number = next(self._numbers)
        message: Json = {"id": number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        for told in self._messages():
            if told.get("id") == number:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']}")
                result: Json = told["result"]
                return result
        raise RuntimeError("the browser ended")

    def open(self, page: Path, screen: Json) -> None:
        """Show a file on a screen of that size, and wait until it is there."""
        self.ask("Emulation.setDeviceMetricsOverride", **screen)
        self.events.clear()
        self.ask("Page.navigate", url=page.as_uri())
        if any(event["method"] == "Page.loadEventFired" for event in self.events):
            return
        for told in self._messages():
            if told.get("method") == "Page.loadEventFired":
                return

    def value(self, expression: str) -> Any:
        """What JavaScript of the test's own says about the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def pdf(self) -> bytes:
        """The page as it prints on A4."""
        answer = self.ask("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        return base64.b64decode(answer["data"])

    def screenshot(self) -> bytes:
        """What is on the screen, as PNG."""
        return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def requests(self) -> list[str]:
        """The addresses that the page has asked for since it was opened."""
        sent = [event for event in self.events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]

    def complaints(self) -> list[str]:
        """All that its console holds, and every error of the page."""
        told = ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown")
        return [json.dumps(event["params"]) for event in self.events if event["method"] in told]

    def _messages(self) -> Iterator[Json]:
        """What it says from now on; events are kept."""
        until = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < until:
            while b"\0" in self._buffer:
                line, _, self._buffer = self._buffer.partition(b"\0")
                message: Json = json.loads(line)
                if "method" in message:
                    self.events.append(message)
                yield message
            ready, _, _ = select.select([self._read], [], [], until - time.monotonic())
            part = os.read(self._read, 1 << 16) if ready else b""
            if not part:
                raise RuntimeError("the browser said nothing more")
            self._buffer += part
        raise RuntimeError(f"the browser did not answer in {DEADLINE_SECONDS:.0f} s")
