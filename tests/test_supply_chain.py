"""What is frozen into the archives is what was chosen: the lock file is fresh, its hashes are PyPI's, all are wheels."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.documents import ROOT

pytestmark = pytest.mark.timeout(300)

LOCK = ROOT / "packaging" / "requirements.txt"
UV = Path(sys.executable).parent / "uv"
PYTHON = "3.13"  # what is frozen, as release.yml names it
PLATFORMS = {
    ("linux", "amd64"): "x86_64-unknown-linux-gnu",
    ("linux", "arm64"): "aarch64-unknown-linux-gnu",
    ("darwin", "amd64"): "x86_64-apple-darwin",
    ("darwin", "arm64"): "aarch64-apple-darwin",
    ("windows", "amd64"): "x86_64-pc-windows-msvc",
    ("windows", "arm64"): "aarch64-pc-windows-msvc",
}


def _uv(*words: str | Path) -> None:
    if not UV.exists():
        pytest.skip("no uv in this environment: `make test` installs it")
    done = subprocess.run([UV, "pip", *words, "--quiet"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def _hashes(lock: str) -> dict[str, set[str]]:
    """`name==version ; marker` → its hashes."""
    blocks = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", lock, flags=re.MULTILINE).strip())
    return {block.partition(" \\")[0]: set(re.findall(r"--hash=(sha256:[0-9a-f]{64})", block)) for block in blocks}


def test_the_lock_file_is_what_the_dependencies_ask_for_and_its_hashes_are_those_of_the_index(tmp_path: Path) -> None:
    locked = _hashes(LOCK.read_text(encoding="utf-8"))
    chosen, anew = tmp_path / "chosen.txt", tmp_path / "anew.txt"
    chosen.write_text("\n".join(locked), encoding="utf-8")

    # The versions of the lock file, without its hashes: those are read again.
    form = ("--universal", "--python-version", "3.10", "--generate-hashes", "--no-annotate", "--no-header")
    _uv("compile", "pyproject.toml", "--group", "dist", *form, "--constraint", chosen, "--output-file", anew)
    found = _hashes(anew.read_text(encoding="utf-8"))

    assert found.keys() == locked.keys()
    # A wheel may be added to a version later: the index may know more.
    assert {name for name, hashes in locked.items() if not hashes or not hashes <= found[name]} == set()


@pytest.mark.parametrize("platform", PLATFORMS, ids="-".join)
def test_everything_is_there_as_a_wheel_for(platform: tuple[str, str], tmp_path: Path) -> None:
    for_others = ("--python-version", PYTHON, "--python-platform", PLATFORMS[platform], "--target", tmp_path)
    wheels = ("--require-hashes", "--no-deps", "--only-binary", ":all:")

    _uv("install", "--dry-run", *wheels, *for_others, "--requirement", LOCK)


def test_these_are_the_platforms_of_the_manifest_and_this_is_the_python_that_is_frozen() -> None:
    manifest = yaml.safe_load((ROOT / "plugin.yaml").read_text(encoding="utf-8"))
    named = [entry["selector"]["matchLabels"] for entry in manifest["spec"]["platforms"]]
    release = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))

    assert {(entry["os"], entry["arch"]) for entry in named} == PLATFORMS.keys()
    assert release["env"]["PYTHON"].startswith(f"{PYTHON}.")
