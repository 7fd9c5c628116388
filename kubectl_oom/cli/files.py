"""Files that a command writes: the whole of one, or none of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kubectl_oom.errors import OomError

if TYPE_CHECKING:
    from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Write the whole file or none of it: an interrupted one must not look like one. OomError where it cannot be.

    What is there and is no file (/dev/stdout, a named pipe, /dev/null) is written to, and never replaced by a file.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
        else:
            _replace(path.resolve() if path.is_symlink() else path, text)
    except OSError as error:
        raise OomError(f"error: {error.strerror}: {path}") from error


def _replace(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
