"""Contestants measured in turn: first once through counting relays, then as often as asked without them."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.process import cpu_of, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.audit import Audit
    from benchmarks.contestants import Argvs
    from benchmarks.process import Took
    from benchmarks.relay import Relay

NOT_ASKED_BY_US = ("/metrics", "/-/ready")


@dataclass(frozen=True)
class Traffic:
    """What one run asked for and got; bytes as on the wire, TLS and compression included."""

    api_requests: int
    api_bytes: int
    engine_requests: int
    engine_bytes: int


@dataclass
class Row:
    """One contestant: each of its runs, what they cost Prometheus in CPU seconds, and what the counted one asked."""

    name: str
    runs: list[Took] = field(default_factory=list)
    engine_cpus: list[float] = field(default_factory=list)
    traffic: Traffic | None = None  # None: it talks to nobody
    lines: int = 0  # of its answer

    @property
    def wall(self) -> float:
        return median(one.wall for one in self.runs)

    @property
    def cpu(self) -> float:
        return median(one.cpu for one in self.runs)

    @property
    def peak_bytes(self) -> int:
        return max(one.peak_bytes for one in self.runs)

    @property
    def engine_cpu(self) -> float | None:
        return median(self.engine_cpus) if self.engine_cpus else None


def alone(entries: Argvs, runs: int, environment: Mapping[str, str], folder: Path) -> list[Row]:
    """What talks to nobody: so many runs of each, after one that fills caches."""
    rows = {name: Row(name) for name in entries}
    for number in range(runs + 1):
        for name, argv in entries.items():
            took = run(argv, environment, folder / "out")
            if number:
                rows[name].runs.append(took)
    return list(rows.values())


@dataclass
class Watch:
    """Measures what talks to the cluster and to Prometheus."""

    audit: Audit
    api: Relay
    engine: Relay
    engine_pid: int
    engine_url: str
    environment: Mapping[str, str]
    folder: Path

    def rows(self, relayed: Argvs, direct: Argvs, runs: int) -> list[Row]:
        """A row for each contestant: `relayed` are the command lines through the relays, for one run that is counted."""
        rows = {name: self._counted(name, argv) for name, argv in relayed.items()}
        for _ in range(runs):
            for name, argv in direct.items():
                before = cpu_of(self.engine_pid)
                rows[name].runs.append(run(argv, self.environment, self.folder / "out"))
                if rows[name].traffic.engine_requests:  # type: ignore[union-attr]  # counted above
                    rows[name].engine_cpus.append(cpu_of(self.engine_pid) - before)
        return list(rows.values())

    def _counted(self, name: str, argv: list[str]) -> Row:
        api, engine = self.api.received, self.engine.received
        self.audit.since_last_asked()
        questions = self._questions()
        run(argv, self.environment, self.folder / "out")
        traffic = Traffic(
            self.audit.since_last_asked(),
            self.api.received - api,
            self._questions() - questions,
            self.engine.received - engine,
        )
        with (self.folder / "out").open("rb") as answer:
            return Row(name, traffic=traffic, lines=sum(1 for _ in answer))

    def _questions(self) -> int:
        """How many requests Prometheus has answered so far."""
        with urllib.request.urlopen(f"{self.engine_url}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        counted = [line for line in lines if line.startswith("prometheus_http_requests_total{")]
        return sum(round(float(line.rpartition(" ")[2])) for line in counted if not _is_ours(line))


def _is_ours(line: str) -> bool:
    return any(f"handler={json.dumps(handler)}" in line for handler in NOT_ASKED_BY_US)
