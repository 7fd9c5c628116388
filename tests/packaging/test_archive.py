"""The archive for krew: reproducible, whole, and made of what krew unpacks."""

from __future__ import annotations

import ast
import hashlib
import re
import subprocess
import sys
import tarfile
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from kubectl_oom import __version__
from tests.documents import ROOT
from tests.packaging.conftest import BUILD_SECONDS, Dist, copy_of, make_dist

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(2 * BUILD_SECONDS)

LARGEST = 25 * 2**20  # downloaded by everybody who installs it
# Asked for where the user has it; nobody who installs with krew has.
OPTIONAL = {"google.auth.exceptions", "urllib3.contrib.socks"}


def test_the_same_sources_elsewhere_give_the_same_bytes(dist: Dist, tmp_path: Path) -> None:
    again = make_dist(copy_of(dist.sources, tmp_path / "sources"), tmp_path, PYTHONHASHSEED="7", TZ="Asia/Tokyo")

    assert again.archive.read_bytes() == dist.archive.read_bytes()
    assert again.manifest.read_bytes() == dist.manifest.read_bytes()


def test_the_archive_holds_regular_files_of_nobody_and_the_licences(dist: Dist) -> None:
    with tarfile.open(dist.archive) as tar:
        members = tar.getmembers()
    names = [member.name for member in members]

    assert {"LICENSE", "kubectl-oom", "_internal/licenses/Python/LICENSE.txt"} < set(names)
    assert {f"_internal/licenses/{name}" for name in ("click", "requests", "urllib3", "PyYAML")} <= {
        name.rpartition("/")[0] for name in names
    }
    assert {
        (member.isfile(), member.uid, member.gid, member.uname, member.gname, member.mtime, oct(member.mode))
        for member in members
    } == {(True, 0, 0, "", "", 1700000000, mode) for mode in ("0o644", "0o755")}
    assert names == sorted(names)
    assert [name for name in names if ".." in name] == []
    assert dist.archive.stat().st_size < LARGEST


def test_a_build_knows_the_newest_glibc_that_it_needs(dist: Dist) -> None:
    build = f"import build, pathlib; print(*build.newest_glibc(pathlib.Path({str(dist.unpacked)!r})))"
    needs = subprocess.run(
        [sys.executable, "-c", build],
        cwd=ROOT / "packaging",
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=True,
    ).stdout
    linked = [dist.program, *dist.unpacked.rglob("*.so*")]
    symbols = subprocess.run(
        ["objdump", "-T", *linked], capture_output=True, stdin=subprocess.DEVNULL, text=True, check=True
    ).stdout
    versions = {tuple(map(int, found.split("."))) for found in re.findall(r"\(GLIBC_([\d.]+)\)", symbols)}

    assert tuple(map(int, needs.split())) == max(versions)


def test_the_program_has_every_module_that_the_sources_import(dist: Dist) -> None:
    viewer = ["-m", "PyInstaller.utils.cliutils.archive_viewer", "--list", "--recursive", "--brief"]
    listed = subprocess.run(
        [dist.python, *viewer, dist.program], capture_output=True, stdin=subprocess.DEVNULL, text=True, check=True
    ).stdout
    frozen = {line.strip().strip("',") for line in listed.splitlines()}
    files = sorted((dist.sources / "kubectl_oom").rglob("*.py"))
    own = {".".join(file.relative_to(dist.sources).with_suffix("").parts).removesuffix(".__init__") for file in files}
    imported = {
        name for file in files for name in _imported(file) if name.partition(".")[0] not in sys.stdlib_module_names
    }

    assert (own | imported) - OPTIONAL - frozen == set()
    assert imported > {"click", "yaml", "kubernetes.client", "prometheus_api_client", "certifi", "tabulate"}


def _imported(file: Path) -> set[str]:
    """Every module of somebody else that a file names in an import, or by name in import_module."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "import_module":
            found |= {str(word.value) for word in node.args if isinstance(word, ast.Constant)}
    return found


def test_the_manifest_names_the_true_checksum_of_the_archive_that_was_built_and_no_other(dist: Dist) -> None:
    template = _template()
    built = yaml.safe_load(dist.manifest.read_text(encoding="utf-8"))
    (platform,) = built["spec"]["platforms"]

    assert platform["uri"].endswith(f"/v{__version__}/{dist.archive.name}")
    assert platform["sha256"] == hashlib.sha256(dist.archive.read_bytes()).hexdigest()
    assert platform | {"sha256": "0" * 64} in template["spec"]["platforms"]
    assert built | {"spec": built["spec"] | {"platforms": []}} == template | {
        "spec": template["spec"] | {"platforms": []}
    }


def test_a_release_needs_every_archive(tmp_path: Path) -> None:
    names = [platform["uri"].rpartition("/")[2] for platform in _template()["spec"]["platforms"]]
    for name in names[1:]:
        (tmp_path / name).write_text(name)
    complete: list[str | Path] = [sys.executable, ROOT / "packaging" / "manifest.py", tmp_path, "--complete"]

    refused = subprocess.run(complete, capture_output=True, stdin=subprocess.DEVNULL, text=True, check=False)
    (tmp_path / names[0]).write_text(names[0])
    made = subprocess.run(complete, capture_output=True, stdin=subprocess.DEVNULL, text=True, check=True)

    assert (refused.returncode, refused.stderr) == (1, f"error: {tmp_path / names[0]} is missing\n")
    assert made.stdout.splitlines() == names
    written = yaml.safe_load((tmp_path / "oom.yaml").read_text(encoding="utf-8"))
    assert [platform["sha256"] for platform in written["spec"]["platforms"]] == [
        hashlib.sha256(name.encode()).hexdigest() for name in names
    ]


def _template() -> dict[str, Any]:
    template: dict[str, Any] = yaml.safe_load((ROOT / "plugin.yaml").read_text(encoding="utf-8"))
    return template
