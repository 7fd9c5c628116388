"""`make bench`: what kubectl oom costs, beside kubectl, in one run on this machine.

    python -m benchmarks                    everything, in about a quarter of an hour; writes docs/benchmarks.md
    python -m benchmarks --sizes 100        a smaller cluster; prints only

Starts a real etcd, API server and Prometheus on 127.0.0.1, and ends them. Other benchmarks have programs of their own:
benchmarks.survey, benchmarks.why_speed, benchmarks.patterns, benchmarks.replay.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import contestants
from benchmarks.audit import Audit
from benchmarks.contestants import Doors
from benchmarks.measure import Row, Watch, alone
from benchmarks.page import page
from benchmarks.population import Population
from benchmarks.process import run
from benchmarks.relay import Relay
from benchmarks.survey_store import Slot, Week, backfill
from benchmarks.targets import growths, targets
from benchmarks.why_speed import requests_of
from tests.cluster import binaries
from tests.cluster.node import running
from tests.engines import free_port, program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.cluster.cluster import Cluster

SIZES = (100, 1000, 10_000)
PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
STARTS, PODS = 15, 9  # runs of what takes a part of a second
RUNS = ((100, 5), (1000, 3))  # up to so many containers; one beyond, which takes minutes
# The week of samples ends that much later than now, so that an instant query finds a sample all along.
AHEAD = 3600


class Bench:
    """One cluster that grows, and a new Prometheus for each of its sizes."""

    def __init__(self, cluster: Cluster, folder: Path, runs: int | None) -> None:
        self._cluster, self._folder, self._runs = cluster, folder, runs
        self._week = Week(int(time.time()) // 60 * 60 + AHEAD)
        self._population = Population(cluster, self._week)
        self._environment = contestants.environment(folder)
        self._audit = Audit(cluster)

    def start_up(self) -> list[Row]:
        return alone(contestants.start_up(), self._runs or STARTS, self._environment, self._folder)

    def one_pod(self, count: int) -> list[Row]:
        """About the first pod, which was OOM-killed, in a cluster of so many containers."""
        slot, kubectl = Slot(0), self._cluster.kubectl_binary
        with self._watch(count) as (watch, relayed, direct):
            asked = self._folder / "requests.json"
            why = ["why", f"pod/{slot.pod(1)}", "-n", slot.namespace, "--kubeconfig", direct.kubeconfig]
            asked.write_text(json.dumps(requests_of(why)))
            first, others = (contestants.one_pod(kubectl, doors, slot, str(asked)) for doors in (relayed, direct))
            return watch.rows(first, others, self._runs or PODS)

    def everything(self, count: int) -> list[Row]:
        """About all pods of a cluster of so many containers."""
        kubectl = self._cluster.kubectl_binary
        runs = self._runs or next((runs for most, runs in RUNS if count <= most), 1)
        with self._watch(count) as (watch, relayed, direct):
            first, others = (contestants.everything(kubectl, doors) for doors in (relayed, direct))
            return watch.rows(first, others, runs)

    @contextmanager
    def _watch(self, count: int) -> Iterator[tuple[Watch, Doors, Doors]]:
        """The cluster at that size, its Prometheus, and the ways through the relays and around them."""
        self._grow(count)
        folder, port = self._folder / f"prometheus-{count}", free_port()
        folder.mkdir(exist_ok=True)
        (folder / "prometheus.yml").write_text("")
        url = f"http://127.0.0.1:{port}"
        command = [_prometheus(), f"--config.file={folder / 'prometheus.yml'}", "--log.level=error"]
        command += [f"--storage.tsdb.path={self._store(count)}", "--storage.tsdb.retention.time=50y"]
        # As they were made; to merge them would take CPU in the middle of a run.
        command += ["--storage.tsdb.max-block-duration=18h", f"--web.listen-address=127.0.0.1:{port}"]
        with (
            program(command, folder, f"{url}/-/ready") as server,
            Relay(self._cluster.server) as api,
            Relay(url) as engine,
            tempfile.TemporaryDirectory(dir=self._folder) as of_doors,
        ):
            relayed = Doors.to(self._cluster, api.url, engine.url, Path(of_doors, "relayed"))
            direct = Doors.to(self._cluster, self._cluster.server, url, Path(of_doors, "direct"))
            for doors in (relayed, direct):  # kubectl keeps what a server can do, by address
                argv = [self._cluster.kubectl_binary, "get", "namespaces", "--kubeconfig", doors.kubeconfig]
                run(argv, self._environment, self._folder / "out")
            watch = Watch(self._audit, api, engine, server.pid, url, self._environment, self._folder)
            yield watch, relayed, direct

    def _grow(self, count: int) -> None:
        if count > self._population.count:
            began = time.monotonic()
            self._population.grow(count)
            _say(f"{count:,} pods on the API server after {time.monotonic() - began:.0f} s")

    def _store(self, count: int) -> Path:
        store = self._folder / f"series-{count}"
        if not store.exists():
            began = time.monotonic()
            backfill([Slot(number) for number in range(count)], store, self._week)
            _say(f"a week of series for {count:,} containers after {time.monotonic() - began:.0f} s")
        return store


def measured(sizes: Sequence[int], runs: int | None) -> str:
    """The page, from one run."""
    busy = os.getloadavg()[0]  # before any of this is
    with running(control_plane_only=True) as cluster, tempfile.TemporaryDirectory() as folder:
        bench = Bench(cluster, Path(folder), runs)
        blocks: dict[str, Sequence[Row]] = {"start-up": bench.start_up()}
        _say("start-up measured")
        by_size: dict[int, Sequence[Row]] = {}
        for count in sizes:
            if not by_size:
                blocks["one pod"] = bench.one_pod(count)
                _say("one pod measured")
            blocks[f"{count:,} containers"] = by_size[count] = bench.everything(count)
            _say(f"{count:,} containers measured")
        machine = _machine(cluster, busy)
    grown = list(growths(by_size))
    held = targets(blocks["start-up"], blocks["one pod"], grown)
    return page(machine, blocks, grown, held, with_oomd=shutil.which("kubectl-oomd") is not None)


def _machine(cluster: Cluster, busy: float) -> list[str]:
    """What the numbers depend on, and nothing that names the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    versions: Mapping[str, Mapping[str, str]] = json.loads(cluster.kubectl("version", "-o", "json"))
    said = subprocess.run([_prometheus(), "--version"], check=True, capture_output=True, text=True)
    prometheus = (said.stdout + said.stderr).split()[2].partition("+")[0]
    kubernetes = versions["serverVersion"]["gitVersion"]
    return [
        f"- {os.cpu_count()} cores, {memory:.0f} GiB of memory; the load of other work before it began: {busy:.1f}",
        f"- Python {platform.python_version()}, Kubernetes and kubectl {kubernetes}, Prometheus {prometheus}",
    ]


def _prometheus() -> str:
    """The one on PATH, or the one that was built for the test cluster."""
    return shutil.which("prometheus") or binaries.path("prometheus")


def _missing() -> str | None:
    if reason := binaries.missing(control_plane_only=True):
        return reason
    if not Path(_prometheus()).exists():
        return f"no prometheus on PATH nor in {binaries.directory()}: {binaries.BUILD}"
    return None


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}; load {os.getloadavg()[0]:.1f}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="containers (default 100 1000 10000)")
    parser.add_argument("--runs", type=int, help="how often each command runs (default 15 down to 1, by size)")
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="where to (default docs/benchmarks.md, if all sizes)"
    )
    given = parser.parse_args()
    if reason := _missing():
        sys.exit(f"nothing measured: {reason}")
    text = measured(sorted(given.sizes), given.runs)
    print(text)
    if file := given.write or (PAGE if tuple(sorted(given.sizes)) == SIZES and not given.runs else None):
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
