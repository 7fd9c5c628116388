"""A .tar.gz that depends on nothing but what is in it, in the form that krew takes."""

from __future__ import annotations

import gzip
import tarfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAY_RUN, PLAIN = 0o755, 0o644


def write_archive(folder: Path, file: Path, *, time: int) -> None:
    """Packs the files of a folder: in order, of one age, of nobody, and every link as the file it leads to.

    krew unpacks regular files only, and refuses a name with two dots anywhere in it.
    """
    with (
        file.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=9, fileobj=raw, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for member in sorted(
            (found for found in folder.rglob("*") if found.is_file()), key=lambda found: found.as_posix()
        ):
            entry = tarfile.TarInfo(member.relative_to(folder).as_posix())
            if ".." in entry.name:
                raise ValueError(f"krew does not unpack {entry.name}")
            status = member.stat()
            entry.size, entry.mtime = status.st_size, time
            # Windows knows no such bit, and needs none.
            entry.mode = MAY_RUN if status.st_mode & 0o100 else PLAIN
            with member.open("rb") as content:
                tar.addfile(entry, content)
