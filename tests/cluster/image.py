"""Pack the workload's image as an archive with two names: `local.test/hog:1` and `local.test/pause:1`.

Usage: python3 image.py HOG BUSYBOX ARCHIVE. Standard library only: the build script runs it outside any environment.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import sys
import tarfile
from pathlib import Path

ENTRY_POINTS = {"local.test/pause:1": "/bin/pause", "local.test/hog:1": "/bin/hog"}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
FOLDERS = ("bin", "etc", "proc", "sys", "tmp")
TOOLS = ("sh", "cat", "date", "false", "kill", "ls", "mkdir", "ps", "rm", "sleep", "touch", "true", "wget")


def _layer(hog: Path, busybox: Path) -> bytes:
    """The root file system as an uncompressed tar: the workload, and a shell with a few tools."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in FOLDERS:
            tar.addfile(_entry(folder, tarfile.DIRTYPE, mode=0o1777 if folder == "tmp" else 0o755))
        for name, program in (("bin/hog", hog), ("bin/busybox", busybox)):
            content = program.read_bytes()
            tar.addfile(_entry(name, tarfile.REGTYPE, size=len(content)), io.BytesIO(content))
        tar.addfile(_entry("bin/pause", tarfile.SYMTYPE, target="hog"))
        for tool in TOOLS:
            tar.addfile(_entry(f"bin/{tool}", tarfile.SYMTYPE, target="busybox"))
    return buffer.getvalue()


def _entry(name: str, kind: bytes, *, mode: int = 0o755, size: int = 0, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.linkname = kind, mode, size, target
    return entry


def _config(entry_point: str, layer_digest: str) -> bytes:
    machine = platform.machine()
    return json.dumps(
        {
            "architecture": ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": {"Entrypoint": [entry_point], "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_digest}"]},
        }
    ).encode()


def pack(hog: Path, busybox: Path, archive: Path) -> None:
    """Write a docker-archive, the format that `ctr images import` reads."""
    layer = _layer(hog, busybox)
    digest = hashlib.sha256(layer).hexdigest()
    files = {f"{digest}/layer.tar": layer}
    manifest = []
    for name, entry_point in ENTRY_POINTS.items():
        config = _config(entry_point, digest)
        config_file = f"{hashlib.sha256(config).hexdigest()}.json"
        files[config_file] = config
        manifest.append({"Config": config_file, "RepoTags": [name], "Layers": [f"{digest}/layer.tar"]})
    files["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(archive, "w") as tar:
        for name, content in files.items():
            tar.addfile(_entry(name, tarfile.REGTYPE, mode=0o644, size=len(content)), io.BytesIO(content))


if __name__ == "__main__":
    pack(*map(Path, sys.argv[1:4]))
