"""The wheel and the frozen program, built once for all tests as a release builds them."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.connection.pki import Pki
from tests.documents import ROOT
from tests.engines import require_program
from tests.real.tool import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.real.tool import Ran

BUILD_SECONDS = 600  # with all downloads, on a busy machine
INPUTS = ("LICENSE", "README.md", "plugin.yaml", "pyproject.toml")
INPUT_FOLDERS = ("kubectl_oom", "packaging")


@dataclass(frozen=True)
class Dist:
    """What `make dist` has made, and the program out of the archive."""

    sources: Path
    archive: Path
    manifest: Path
    unpacked: Path
    python: Path  # that of the environment it was built in

    @property
    def program(self) -> Path:
        return self.unpacked / "kubectl-oom"

    def run(self, *words: str, env: Mapping[str, str] | None = None) -> Ran:
        """The program with this environment, by default next to none."""
        kept = {"PATH": os.defpath, "HOME": "/nonexistent"} if env is None else env
        return run([str(self.program)], words, dict(kept))


def copy_of(sources: Path, folder: Path) -> Path:
    """What is built from, in a folder of its own: building leaves traces, and takes over older ones."""
    folder.mkdir()
    for name in INPUTS:
        shutil.copy(sources / name, folder)
    for name in INPUT_FOLDERS:
        shutil.copytree(sources / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def make_dist(sources: Path, folder: Path, **environment: str) -> Dist:
    """`make dist` of these sources, with its results and all its work in the folder."""
    build = sources / "packaging" / "build.py"
    places: list[str | Path] = ["--output", folder / "dist", "--work", folder / "work"]
    done = subprocess.run(
        [sys.executable, build, *places],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
        env=os.environ | {"SOURCE_DATE_EPOCH": "1700000000"} | environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (archive,) = (folder / "dist").glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder / "unpacked", filter="data")
    python = folder / "work" / "venv" / "bin" / "python"
    return Dist(sources, archive, folder / "dist" / "oom.yaml", folder / "unpacked", python)


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Dist:
    """Built where krew is too: it takes a minute that is only of use with what installs it."""
    require_program("kubectl", "krew", "validate-krew-manifest", "strip", "objdump")
    try:
        ctypes.CDLL(sysconfig.get_config_var("INSTSONAME"))
    except OSError:
        pytest.skip("this Python comes without its library, and cannot be frozen: install libpython")
    folder = tmp_path_factory.mktemp("dist")
    return make_dist(copy_of(ROOT, folder / "sources"), folder)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    sources = copy_of(ROOT, folder / "sources")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--wheel-dir", folder, sources],
        stdin=subprocess.DEVNULL,
        timeout=BUILD_SECONDS,
        check=True,
    )
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    require_program("openssl")
    return Pki(tmp_path_factory.mktemp("pki"))
