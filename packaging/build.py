"""`make dist`: this machine's archive for krew, and the manifest that names its checksum.

Any Python from 3.10 on runs this, and is the one that is frozen. The same sources, lock file and Python give the same
bytes: an environment of its own with exactly what requirements.txt names, a fixed hash seed, times from the last
commit.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from archive import write_archive
from manifest import write_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
LOCK = HERE / "requirements.txt"
SPEC = HERE / "kubectl-oom.spec"
# Neither Go nor krew know other names for them.
ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
FIRST_TIME = 315532800  # 1980-01-01, the first that every archive format can say; where there is no git to ask
SETTINGS = ("PYTHON", "PYI_", "PYINSTALLER_")  # of the caller's environment, what would change the bytes


def main() -> int:
    """Exit code of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="where the archive goes (default: dist)")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "dist", help="what may be thrown away afterwards")
    parser.add_argument("--oldest-glibc", metavar="2.N", help="fail if the program would need a newer one")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    program = freeze(environment(options.work), options.work)
    if options.oldest_glibc and (needed := newest_glibc(program)) > _version(options.oldest_glibc):
        sys.exit(f"error: the program needs glibc {'.'.join(map(str, needed))}, not {options.oldest_glibc}")
    file = options.output / f"oom_{target()}.tar.gz"
    write_archive(program, file, time=source_time())
    served = write_manifest(ROOT / "plugin.yaml", options.output)
    print(f"{file}\n{options.output / 'oom.yaml'}: {', '.join(served)}")
    return 0


def target() -> str:
    """This machine in krew's words: `linux_amd64`."""
    machine = platform.machine().lower()
    if machine not in ARCHITECTURES:
        sys.exit(f"error: there is no archive for {machine}, only for {', '.join(sorted(set(ARCHITECTURES.values())))}")
    return f"{platform.system().lower()}_{ARCHITECTURES[machine]}"


def environment(work: Path) -> Path:
    """The Python of an environment that holds what the lock file names; made when one of the two has changed."""
    stamp = hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()
    folder = work / "venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / "ready"
    if not ready.exists() or ready.read_text(encoding="utf-8") != stamp:
        venv.create(folder, clear=True, with_pip=True, symlinks=os.name != "nt")
        pip = ["-m", "pip", "--quiet", "--disable-pip-version-check"]
        _run([python, *pip, "install", "--only-binary", ":all:", "--require-hashes", "--requirement", LOCK])
        ready.write_text(stamp, encoding="utf-8")
    return python


def freeze(python: Path, work: Path) -> Path:
    """The folder with the program and all it needs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    fixed = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": str(source_time())}
    output = work / "frozen"
    # Nothing is taken over from an earlier build: --clean does that for PyInstaller's cache, the rest is ours.
    for folder in (output, work / "pyinstaller", work / "cache"):
        shutil.rmtree(folder, ignore_errors=True)
    pyinstaller = ["-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    places: list[str | Path] = ["--distpath", output, "--workpath", work / "pyinstaller"]
    _run([python, *pyinstaller, *places, SPEC], env=kept | fixed | {"PYINSTALLER_CONFIG_DIR": str(work / "cache")})
    program = output / "kubectl-oom"
    shutil.copy(ROOT / "LICENSE", program)
    return program


def source_time() -> int:
    """The age that everything in the archive is given: the caller's SOURCE_DATE_EPOCH, or when the sources changed."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    log = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    try:
        return int(subprocess.run(log, capture_output=True, check=True, stdin=subprocess.DEVNULL).stdout)
    except (OSError, ValueError, subprocess.CalledProcessError):
        return FIRST_TIME


def newest_glibc(program: Path) -> tuple[int, ...]:
    """The newest glibc that any of the program's files asks for; (0,) where none asks."""
    wanted = (
        re.findall(rb"\0GLIBC_([0-9.]+)(?=\0)", file.read_bytes()) for file in program.rglob("*") if file.is_file()
    )
    return max((_version(name.decode()) for names in wanted for name in names), default=(0,))


def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def _run(command: Sequence[Path | str], env: dict[str, str] | None = None) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, env=env)


if __name__ == "__main__":
    sys.exit(main())
