"""`python -m tests.versions`: the tests in `TESTS`, on every supported Python and both ends of the dependencies.

With --require-all a Python that cannot be found is an error; else it is said and left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.binaries import cache_root
from tests.versions.pythons import ROOT, MissingPythonError, find, supported

LOWEST, HIGHEST = "lowest-direct", "highest"
# What meets the dependencies, and takes no longer on a busy machine than it has to: every module's imports; click's
# words; connections through urllib3; a metrics engine through requests and prometheus-api-client; YAML; and the
# documented answers, from end to end.
TESTS = (
    "tests/test_versions.py",
    "tests/connection/test_answers.py",
    "tests/connection/test_credentials.py",
    "tests/connection/test_kubeconfig.py",
    "tests/connection/test_tls_and_proxies.py",
    "tests/test_metrics_tls.py",
    "tests/test_alerts_command.py",
    "tests/test_docs.py",
    "tests/test_fix_options.py",
    "tests/test_watch_options.py",
)


@dataclass(frozen=True)
class Choice:
    """A Python, and from which end its dependencies are chosen."""

    python: str
    resolution: str

    @property
    def name(self) -> str:
        """`3.10, lowest`."""
        return f"{self.python}, {self.resolution.partition('-')[0]}"


def choices(versions: list[str]) -> list[Choice]:
    """Both ends of the dependencies at both ends of the Pythons, and the newest in between."""
    ends = {versions[0], versions[-1]}
    return [
        Choice(python, resolution)
        for python in versions
        for resolution in (LOWEST, HIGHEST)
        if resolution == HIGHEST or python in ends
    ]


def prepared(choice: Choice, python: Path) -> Path:
    """An environment with this Python and these dependencies, wheels only; the tests' own are the newest."""
    folder = cache_root() / "versions" / choice.name.replace(", ", "-")
    folder.parent.mkdir(parents=True, exist_ok=True)
    pins = folder.with_suffix(folder.suffix + ".txt")
    uv = [str(Path(sys.executable).parent / "uv"), "--quiet"]
    _run([*uv, "venv", "--clear", "--python", str(python), str(folder)])
    inside = folder / "bin" / "python"
    settings = ["--resolution", choice.resolution, "--only-binary", ":all:", "--python", str(inside)]
    _run([*uv, "pip", "compile", *settings, "--no-header", "--output-file", str(pins), "pyproject.toml"])
    only = ["--only-binary", ":all:", "--python", str(inside)]
    _run([*uv, "pip", "install", *only, "--requirement", str(pins), "--group", "test"])
    return inside


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, cwd=ROOT, stdin=subprocess.DEVNULL)


def tested(inside: Path, flags: list[str]) -> int:
    """The exit code of the tests."""
    pytest = [str(inside), "-m", "pytest", "-q", "-p", "no:cacheprovider", *flags, *TESTS]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(pytest, check=False, cwd=ROOT, stdin=subprocess.DEVNULL, env=environment).returncode


def main() -> int:
    """1 where a test failed, or a Python was missing that has to be there."""
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description=__doc__)
    parser.add_argument("--require-all", action="store_true", help="a Python that is missing is an error")
    parser.add_argument(
        "--require-tiers", action="store_true", help="handed on to pytest: a test that is skipped fails"
    )
    parser.add_argument("only", nargs="*", metavar="3.X", help="these Pythons only")
    options = parser.parse_args()
    flags = ["--require-tiers"] if options.require_tiers else []
    failed = []
    for choice in choices(supported()):
        if options.only and choice.python not in options.only:
            continue
        began = time.monotonic()
        try:
            python = find(choice.python)
        except MissingPythonError as error:
            print(f"{'error' if options.require_all else 'left out'}: {error}", file=sys.stderr)
            failed += [choice.name] * options.require_all
            continue
        print(f"=== Python {choice.name}: {python}", flush=True)
        if tested(prepared(choice, python), flags):
            failed.append(choice.name)
        print(f"=== {time.monotonic() - began:.0f} s", flush=True)
    if failed:
        print(f"failed on {'; '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
