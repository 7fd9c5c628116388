"""How long `kubectl oom why` takes beside `kubectl describe pod`, on the same pod.

    python -m benchmarks.why_speed KUBECONFIG NAMESPACE/POD [--runs 21] [--kubectl PATH] [-- WHY FLAGS]

The commands run in turn (A B C D A B C D …), so that a machine that is busy for a while is busy for all of them:

    kubectl describe pod   what a person would type without this tool
    kubectl oom why        as typed: kubectl finds the plugin and becomes it
    kubectl-oom why        the plugin alone
    bare requests          the same requests by a minimal client that makes nothing of the answers

CPU is what wait4 accounts to the process, user and system; it says more than wall time where others share the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from benchmarks.process import run

if TYPE_CHECKING:
    from collections.abc import Mapping

WARM_UP = 2  # the first writes .pyc files, the second reads them from the disk cache
BARE = Path(__file__).with_name("bare.py")
BASE = "kubectl describe pod"


@dataclass
class Contestant:
    """One command line, and what its runs have taken in seconds."""

    name: str
    argv: list[str]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def requests_of(arguments: list[str]) -> list[dict[str, str]]:
    """The GETs that `kubectl oom` makes to the API server when it is run with these arguments."""
    from kubectl_oom.cli.run import run as run_here
    from kubectl_oom.read.connection import Connection

    made: list[dict[str, str]] = []
    original = Connection.get

    def get(
        self: Connection,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        accept: str = "application/json",
        timeout: float | None = None,
    ) -> bytes:
        made.append({"path": path + (f"?{urlencode(params)}" if params else ""), "accept": accept})
        return original(self, path, params, accept=accept, timeout=timeout)

    Connection.get = get  # type: ignore[method-assign]
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            code = run_here(arguments)
    finally:
        Connection.get = original  # type: ignore[method-assign]
    if code:
        sys.exit(code)
    return made


def contestants(options: argparse.Namespace, requests: str) -> list[Contestant]:
    namespace, _, pod = options.pod.partition("/")
    where = ["--kubeconfig", options.kubeconfig, "--namespace", namespace]
    ours = plugin()
    why = ["why", f"pod/{pod}", *where, *options.flags]
    return [
        Contestant(BASE, [options.kubectl, "describe", "pod", pod, *where]),
        Contestant("kubectl oom why", [options.kubectl, "oom", *why]),
        Contestant("kubectl-oom why", [ours, *why]),
        Contestant("bare requests", [sys.executable, str(BARE), options.kubeconfig, requests]),
    ]


def plugin() -> str:
    """The installed script: beside this interpreter, or on PATH."""
    beside = Path(sys.executable).with_name("kubectl-oom")
    found = str(beside) if beside.exists() else shutil.which("kubectl-oom")
    if found is None:
        sys.exit("kubectl-oom is not installed: pip install -e .")
    return found


def _environment(plugin_folder: str) -> dict[str, str]:
    """What the children see: the plugin on PATH, and .pyc files allowed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PATH": os.pathsep.join([plugin_folder, os.environ.get("PATH", os.defpath)])}


def table(entries: list[Contestant], requests: int) -> list[str]:
    """Medians in milliseconds, and how often each fits into the first one's."""
    first = entries[0]
    runs = len(first.wall)
    lines = [f"medians of {runs} run{'s' if runs > 1 else ''} each, in turn; {requests} requests by why", ""]
    lines.append(f"{'COMMAND':<22}{'WALL ms':>9}{'CPU ms':>9}{'WALL ratio':>12}{'CPU ratio':>11}")
    for entry in entries:
        wall, cpu = median(entry.wall), median(entry.cpu)
        ratios = f"{wall / median(first.wall):>11.2f}x{cpu / median(first.cpu):>10.2f}x"
        lines.append(f"{entry.name:<22}{wall * 1000:>9.0f}{cpu * 1000:>9.0f}{ratios}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.why_speed", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("kubeconfig")
    parser.add_argument("pod", metavar="NAMESPACE/POD")
    parser.add_argument("flags", nargs="*", metavar="-- FLAGS", help="more flags for why, after --")
    parser.add_argument("--runs", type=int, default=21, help="how often each command runs (default 21)")
    parser.add_argument("--kubectl", default=shutil.which("kubectl") or "", help="the kubectl to compare with")
    options = parser.parse_args()
    if not options.kubectl:
        parser.error("no kubectl on PATH: name one with --kubectl")
    namespace, _, pod = options.pod.partition("/")
    asked = requests_of(["why", f"pod/{pod}", "--kubeconfig", options.kubeconfig, "-n", namespace, *options.flags])
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(asked, file)
        file.flush()
        entries = contestants(options, file.name)
        environment = _environment(str(Path(plugin()).parent))
        for number in range(WARM_UP + options.runs):
            for entry in entries:
                took = run(entry.argv, environment, Path(os.devnull))
                if number >= WARM_UP:
                    entry.wall.append(took.wall)
                    entry.cpu.append(took.cpu)
    print("\n".join(table(entries, len(asked))))


if __name__ == "__main__":
    main()
