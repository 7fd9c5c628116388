"""Installs this machine's archive with krew, as a user does, and runs what it put in place: check.py KREW [FOLDER]."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from build import ROOT, target

INCIDENT = ROOT / "kubectl_oom" / "incidents" / "slow-growth.json"
DEMO = ("deploy/slow-growth", "-n", "demo", "--from", str(INCIDENT))
NOWHERE = ("--server", "https://127.0.0.1:1", "--insecure-skip-tls-verify", "--token", "x", "--no-prometheus")
# What is run, its exit code and a part of what it says: each needs another part of what was frozen.
RUNS: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (("version",), 0, "kubectl-oom v"),
    (("--help",), 0, "why"),
    (("why", *DEMO), 0, "OOM-killed at its own memory limit"),
    (("why", *DEMO, "-o", "yaml"), 0, "verdict:"),
    (("history", *DEMO), 0, "slow-growth"),
    (("recommend", *DEMO), 0, "kubectl set resources"),
    (("__complete", "why", "--na"), 0, "--namespace"),
    (("why", "pod/x", *NOWHERE), 1, "127.0.0.1:1"),  # TLS and the connection pool load; nothing listens there
)


def main() -> int:
    """Exit code of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("krew", help="the program krew")
    parser.add_argument(
        "folder", type=Path, nargs="?", default=ROOT / "dist", help="where oom.yaml and the archive are"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        environment = os.environ | {"KREW_ROOT": folder, "KREW_NO_UPGRADE_CHECK": "1", "PYTHONUTF8": "1"}
        what = [f"--manifest={options.folder / 'oom.yaml'}", f"--archive={options.folder / f'oom_{target()}.tar.gz'}"]
        subprocess.run([options.krew, "install", *what], check=True, env=environment, stdin=subprocess.DEVNULL)
        program = Path(folder, "bin", "kubectl-oom.exe" if os.name == "nt" else "kubectl-oom")
        return max(_check(program, *run) for run in RUNS)


def _check(program: Path, words: tuple[str, ...], code: int, part: str) -> int:
    done = subprocess.run(
        [program, *words],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        encoding="utf-8",
        errors="replace",
        timeout=60,
        check=False,
    )
    said = done.stdout + done.stderr
    right = done.returncode == code and part in said and "Traceback" not in said
    print("ok    " if right else "wrong ", " ".join(words))
    if not right:
        print(f"exit code {done.returncode}, {code} is right; {part!r} is to be in:\n{said}")
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
