"""The krew manifest of a release: plugin.yaml with the true checksum of every archive that is there."""

from __future__ import annotations

import argparse
import hashlib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# One platform in plugin.yaml, which this project writes and a test reads as YAML.
PLATFORM = re.compile(r"  - selector:.*\n    uri: \S*/(\S+)\n    sha256: (\S+)\n    bin: .*\n")
HEADER = re.compile(r"\A(?:#.*\n)+")  # tells of the zeros


def write_manifest(template: Path, folder: Path, *, complete: bool = False) -> list[str]:
    """Writes oom.yaml into the folder with the archives; the names of those it serves.

    A platform whose archive is not there is left out, or is an error where the manifest has to be complete.
    """
    served = []

    def with_checksum(platform: re.Match[str]) -> str:
        archive = folder / platform[1]
        if not archive.exists():
            if complete:
                sys.exit(f"error: {archive} is missing")
            return ""
        served.append(platform[1])
        return platform[0].replace(platform[2], hashlib.sha256(archive.read_bytes()).hexdigest())

    text = PLATFORM.sub(with_checksum, template.read_text(encoding="utf-8"))
    (folder / "oom.yaml").write_text(HEADER.sub("", text), encoding="utf-8", newline="\n")
    return served


def main() -> int:
    """Exit code of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the archives are, and where oom.yaml goes")
    parser.add_argument("--complete", action="store_true", help="fail if the archive of a platform is missing")
    options = parser.parse_args()
    print("\n".join(write_manifest(ROOT / "plugin.yaml", options.folder, complete=options.complete)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
