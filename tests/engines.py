"""Real metrics engines for tests: Prometheus with backfilled series, VictoriaMetrics with imported ones.

They start in tenths of a second from the distribution's own packages (`prometheus`, `victoria-metrics`), listen on
an ephemeral port of 127.0.0.1 and are stopped by process id.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

READY_SECONDS = 30
ENGINES = ("prometheus", "victoria-metrics")


@dataclass(frozen=True, slots=True)
class Series:
    """One series to put into an engine; times are whole seconds since 1970."""

    labels: Mapping[str, str]
    points: Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """An engine that answers at `url`."""

    kind: str
    url: str
    pid: int

    def ask(self, endpoint: str, **params: str) -> Any:
        """The raw answer of the HTTP API, to compare ours with."""
        query = urllib.parse.urlencode(params)
        with urllib.request.urlopen(f"{self.url}/api/v1/{endpoint}?{query}", timeout=20) as response:
            return json.load(response)


def require_program(*names: str) -> None:
    """Skip where a program is missing, saying which; where every tier is required, a skip is a failure."""
    if missing := [name for name in names if shutil.which(name) is None]:
        pytest.skip(f"not on PATH: {', '.join(missing)}: install your distribution's packages, or run `make cluster`")


@contextmanager
def running(
    kind: str, series: Sequence[Series], folder: Path, *flags: str, config: str = ""
) -> Iterator[RunningEngine]:
    """An engine of this kind that holds exactly these series."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    if kind == "prometheus":
        command, ready = _prometheus(series, folder, port, config), f"{url}/-/ready"
    else:
        command, ready = _victoria(folder, port), f"{url}/health"
    with program([*command, *flags], folder, ready) as process:
        engine = RunningEngine(kind, url, process.pid)
        if kind != "prometheus":
            _import(engine, series)
        _assert_all_there(engine, series)
        yield engine


@contextmanager
def program(command: Sequence[str], folder: Path, ready: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs and has answered at the URL `ready`."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"{command[0]}.log"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            _wait_ready(process, ready, log)
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _prometheus(series: Sequence[Series], folder: Path, port: int, config: str) -> list[str]:
    """The command, with the series backfilled."""
    text, store = folder / "series.om", folder / "tsdb"
    store.mkdir(parents=True)
    if series:
        text.write_text("".join(openmetrics(series)))
        # Without longer blocks promtool reads the whole text once per two hours of it.
        backfill = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=360h", "openmetrics", "-q"]
        subprocess.run([*backfill, str(text), str(store)], check=True, stdout=subprocess.DEVNULL)
    file = folder / "prometheus.yml"
    file.write_text(config)
    command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={store}", "--log.level=error"]
    return [*command, "--storage.tsdb.retention.time=50y", f"--web.listen-address=127.0.0.1:{port}"]


def _victoria(folder: Path, port: int) -> list[str]:
    command = ["victoria-metrics", f"-storageDataPath={folder / 'vm'}", f"-httpListenAddr=127.0.0.1:{port}"]
    return [*command, "-retentionPeriod=50y", "-search.latencyOffset=0s", "-search.disableCache"]


def _wait_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    patience = time.monotonic() + READY_SECONDS
    while time.monotonic() < patience:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except urllib.error.HTTPError as early:
            early.close()
        except OSError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} is not ready: {log.read_text()[-2000:]}")


def _import(engine: RunningEngine, series: Iterable[Series]) -> None:
    lines = "".join(
        json.dumps(
            {
                "metric": dict(one.labels),
                "values": [value for _, value in one.points],
                "timestamps": [at * 1000 for at, _ in one.points],
            }
        )
        + "\n"
        for one in series
    )
    for path, body in (("/api/v1/import", lines.encode()), ("/internal/force_flush", b"")):
        with urllib.request.urlopen(urllib.request.Request(engine.url + path, data=body), timeout=20):
            pass


def _assert_all_there(engine: RunningEngine, series: Sequence[Series]) -> None:
    """Backfilling drops out-of-order and repeated samples without a word; a test must not start on less."""
    if not series:
        return
    first = min(at for one in series for at, _ in one.points)
    last = max(at for one in series for at, _ in one.points)
    for family in {one.labels["__name__"] for one in series}:
        expr = f"sum(count_over_time({family}[{last - first + 1}s]))"
        result = engine.ask("query", query=expr, time=str(last))["data"]["result"]
        held = int(result[0]["value"][1]) if result else 0
        given = sum(len(one.points) for one in series if one.labels["__name__"] == family)
        assert held == given, f"{engine.kind} holds {held} of {given} samples of {family}"


def openmetrics(series: Iterable[Series]) -> Iterator[str]:
    """The text format that promtool reads: families together, seconds, `# EOF` at the end."""
    families: dict[str, list[Series]] = defaultdict(list)
    for one in series:
        families[one.labels["__name__"]].append(one)
    for family, members in families.items():
        counter = family.endswith("_total")
        yield f"# TYPE {family.removesuffix('_total')} {'counter' if counter else 'gauge'}\n"
        for one in members:
            labels = ",".join(f'{k}="{_escaped(v)}"' for k, v in one.labels.items() if k != "__name__")
            yield from (f"{family}{{{labels}}} {value!r} {at}\n" for at, value in one.points)
    yield "# EOF\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
