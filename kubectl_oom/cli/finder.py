"""Where `kubectl_complete-oom` belongs, and putting it there: never over what somebody else has put there."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from kubectl_oom.cli.files import write_whole
from kubectl_oom.cli.shells import FINDER, FINDER_BATCH, FINDER_SCRIPT, MARK
from kubectl_oom.errors import OomError

# Folders that are there for programs of one's own. Not krew's: it takes a file there that is not its own for a sign of
# an old installation, and refuses to run once no plugin is left.
USUAL = ("~/.local/bin", "~/bin", "/usr/local/bin", "/opt/homebrew/bin")
OURS = (MARK.encode(), b"kubectl_oom.__main__")  # what we write, and what pip writes for us
READ_BYTES = 1 << 20  # pip's launchers on Windows have 100 KB, with the script at their end
RUNNABLE = 0o755
WINDOWS = sys.platform == "win32"


@dataclass(frozen=True, slots=True)
class Installed:
    """The file by which kubectl finds our completion."""

    file: Path
    is_new: bool
    is_found: bool  # whether kubectl finds it with the PATH of this moment


def install(folder: str | None) -> Installed:
    """The file, written where none is; OomError where another program has its place, or there is no place."""
    name, text = (f"{FINDER}.cmd", FINDER_BATCH) if WINDOWS else (FINDER, FINDER_SCRIPT)
    there = shutil.which(FINDER)
    if there is not None:
        _refuse_foreign(Path(there))
        if folder is None and not _is_outdated(Path(there), text):
            return Installed(Path(there), is_new=False, is_found=True)
    file = _folder(folder, there) / name
    is_new = True
    if not os.path.lexists(file):
        _write(file, text)
    else:
        _refuse_foreign(file)
        is_new = _is_outdated(file, text)
        if is_new:
            write_whole(file, text)
            file.chmod(RUNNABLE)
    return Installed(file, is_new=is_new, is_found=_is_on_path(file.parent))


def _folder(asked: str | None, there: str | None) -> Path:
    if asked is not None:
        return Path(os.path.abspath(os.path.expanduser(asked)))  # noqa: PTH100, PTH111 - links stay links
    if there is not None:
        return Path(there).parent
    for usual in USUAL:
        folder = Path(usual).expanduser()
        if _is_on_path(folder) and _is_writable(folder):
            return folder
    listed = ", ".join(USUAL[:2] if WINDOWS else USUAL)
    raise OomError(
        f"error: none of {listed} is on PATH and may be written",
        "Name a folder that is on PATH with --dir, or add ~/.local/bin to PATH",
    )


def _is_on_path(folder: Path) -> bool:
    return str(folder) in [entry.rstrip("/\\") for entry in os.environ.get("PATH", "").split(os.pathsep)]


def _is_writable(folder: Path) -> bool:
    """Whether it may be written, or made where it is missing: a new account has ~/.local/bin on PATH, and no ~/.local."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return os.access(there, os.W_OK | os.X_OK)


def _refuse_foreign(file: Path) -> None:
    """OomError for a file that neither we nor pip have written for this tool."""
    try:
        with file.open("rb") as opened:
            text = opened.read(READ_BYTES)
    except OSError as error:
        raise OomError(
            f"error: {file} cannot be read: {error.strerror}", "Remove it, or name another folder"
        ) from error
    beside = Path(sys.argv[0]).resolve().parent  # where pip has put both programs
    if not any(mark in text for mark in OURS) and not (WINDOWS and file.resolve().parent == beside):
        hint = "kubectl runs the first one on PATH: remove it, if you do not need it, and run this again"
        raise OomError(f"error: {file} is not of kubectl-oom: it was left as it is", hint)


def _is_outdated(file: Path, text: str) -> bool:
    """Whether an earlier version of us has written another text."""
    try:
        found = file.read_bytes()
    except OSError:
        return False
    return MARK.encode() in found and found != text.encode()


def _write(file: Path, text: str) -> None:
    """Write a file that was not there, and is still not there."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8", newline="") as opened:
            opened.write(text)
        file.chmod(RUNNABLE)
    except OSError as error:
        raise OomError(f"error: {error.strerror}: {error.filename or file}") from error
