#!/usr/bin/env python3
"""Whether anything that is frozen into the archives has a known vulnerability: pip-audit on the lock file.

    packaging/audit.py [--complete]

pip-audit asks PyPI for the page of each version. Where an index serves only the page of each project, as mirrors do,
that is asked for what pip-audit could not say: it speaks of the newest version, so for pins that are the newest.
Exits 1 where something is vulnerable; with --complete also where nobody could say.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from pip._internal.models.index import PyPI  # where pip itself looks, and so where the lock file comes from

LOCK = Path(__file__).resolve().parent / "requirements.txt"
AUDITOR = "pip-audit==2.10.1"
SECONDS = 30


def audited() -> dict[tuple[str, str], list[str] | None]:
    """The vulnerabilities of each pin by pip-audit; None where it does not know."""
    uv = Path(sys.executable).parent / "uv"
    tool = [str(uv if uv.exists() else shutil.which("uv") or "uv"), "tool", "run", "--quiet", "--from", AUDITOR]
    command = [*tool, "pip-audit", "--format", "json", "--progress-spinner", "off", "--require-hashes", "--disable-pip"]
    done = subprocess.run([*command, "--requirement", LOCK], capture_output=True, text=True, check=False)
    if not done.stdout.strip():
        sys.exit(f"error: pip-audit said nothing: {done.stderr.strip()[-1000:]}")
    pinned = dict(pins())
    return {
        (entry["name"], pinned[entry["name"]]): None
        if "skip_reason" in entry
        else [one["id"] for one in entry["vulns"]]
        for entry in json.loads(done.stdout)["dependencies"]
    }


def pins() -> list[tuple[str, str]]:
    """Name and version of everything in the lock file."""
    return re.findall(r"^([\w.-]+)==([\w.]+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE)


def on_its_page(name: str, version: str) -> list[str] | None:
    """The vulnerabilities that the project's page tells of; None where it speaks of another version, or is not there."""
    try:
        with urllib.request.urlopen(f"{PyPI.pypi_url}/{name}/json", timeout=SECONDS) as answer:  # noqa: S310 - https
            page: dict[str, Any] = json.load(answer)
    except (urllib.error.URLError, ValueError):
        return None
    if page["info"]["version"] != version:
        return None
    return [one["id"] for one in page["vulnerabilities"] if not one.get("withdrawn")]


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(
        prog="packaging/audit.py", description=__doc__.partition("\n")[0] if __doc__ else ""
    )
    parser.add_argument("--complete", action="store_true", help="fail also where nobody could say")
    options = parser.parse_args()
    told = {
        pin: on_its_page(*pin) if vulnerabilities is None else vulnerabilities
        for pin, vulnerabilities in audited().items()
    }
    unknown = [pin for pin in pins() if told.get(pin) is None]
    vulnerable = {pin: ids for pin, ids in told.items() if ids}
    for (name, version), ids in vulnerable.items():
        print(f"{name} {version}: {', '.join(ids)}")
    for name, version in unknown:
        print(f"{name} {version}: nobody could say")
    print(f"{len(pins()) - len(unknown)} of {len(pins())} checked, {len(vulnerable)} with known vulnerabilities")
    return 1 if vulnerable or (options.complete and unknown) or len(unknown) == len(pins()) else 0


if __name__ == "__main__":
    sys.exit(main())
