"""krew itself: the real validator, a real installation, and `kubectl oom` by way of the real kubectl."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from kubectl_oom import __version__
from tests.connection.servers import Reply, api_server
from tests.documents import ROOT
from tests.engines import require_program
from tests.packaging.conftest import BUILD_SECONDS, Dist
from tests.program import oom
from tests.real.tool import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(2 * BUILD_SECONDS)

DEMO = ("deploy/slow-growth", "-n", "demo", "--from", "kubectl_oom/incidents/slow-growth.json")


@pytest.fixture
def krew(tmp_path: Path) -> dict[str, str]:
    """An environment in which kubectl finds krew, and krew has installed nothing yet."""
    require_program("kubectl", "krew", "validate-krew-manifest")
    programs, root = tmp_path / "programs", tmp_path / "krew"
    programs.mkdir()
    for name, target in (("kubectl-krew", "krew"), ("kubectl", "kubectl"), ("validate-krew-manifest",) * 2):
        (programs / name).symlink_to(shutil.which(target) or "")
    path = os.pathsep.join([str(root / "bin"), str(programs), os.defpath])
    return {"PATH": path, "HOME": str(tmp_path), "KREW_ROOT": str(root), "KREW_NO_UPGRADE_CHECK": "1"}


def test_the_manifest_in_the_sources_is_valid_for_every_platform(krew: dict[str, str], tmp_path: Path) -> None:
    shutil.copy(ROOT / "plugin.yaml", tmp_path / "oom.yaml")

    done = run(["validate-krew-manifest"], ("-skip-install", "-manifest", str(tmp_path / "oom.yaml")), krew)

    assert done.code == 0, done.err


def test_the_manifest_that_was_built_is_valid_and_what_it_names_installs(
    krew: dict[str, str], dist: Dist, tmp_path: Path
) -> None:
    manifest = tmp_path / "oom.yaml"
    with api_server() as releases:
        releases.replies[f"/{dist.archive.name}"] = Reply(200, dist.archive.read_bytes(), {})
        text = dist.manifest.read_text(encoding="utf-8")
        homepage = text.split("uri: ")[1].partition(f"/{dist.archive.name}")[0]
        manifest.write_text(text.replace(homepage, releases.url), encoding="utf-8")
        done = run(["validate-krew-manifest"], ("-manifest", str(manifest)), krew)

    assert done.code == 0, done.err
    assert f"/{dist.archive.name}" in [asked.path for asked in releases.asked]


def test_krew_installs_it_and_kubectl_runs_it(krew: dict[str, str], dist: Dist) -> None:
    installed = run(["kubectl"], ("krew", "install", f"--manifest={dist.manifest}", f"--archive={dist.archive}"), krew)
    version = run(["kubectl"], ("oom", "version"), krew)
    answer = run(["kubectl"], ("oom", "why", *DEMO), krew)
    listed = run(["kubectl"], ("plugin", "list"), krew)

    assert installed.code == 0, installed.err
    assert (version.code, version.out, version.err) == (0, f"kubectl-oom v{__version__}\n", "")
    assert (answer.code, answer.out, answer.err) == (0, oom("why", *DEMO).out, "")
    assert f"{krew['KREW_ROOT']}/bin/kubectl-oom" in listed.out.splitlines()


def test_with_the_script_beside_it_kubectl_completes_what_krew_installed(
    krew: dict[str, str], dist: Dist, tmp_path: Path
) -> None:
    run(["kubectl"], ("krew", "install", f"--manifest={dist.manifest}", f"--archive={dist.archive}"), krew)
    shutil.copy(ROOT / "completions" / "kubectl_complete-oom", tmp_path / "programs")

    done = run(["kubectl"], ("__complete", "oom", "why", "--na"), krew)

    assert done.out.splitlines()[0].partition("\t")[0] == "--namespace"


def test_krew_refuses_an_archive_that_is_not_the_one_in_the_manifest(
    krew: dict[str, str], dist: Dist, tmp_path: Path
) -> None:
    changed = tmp_path / dist.archive.name
    changed.write_bytes(dist.archive.read_bytes() + b"\0")

    done = run(["kubectl"], ("krew", "install", f"--manifest={dist.manifest}", f"--archive={changed}"), krew)

    assert done.code == 1
    assert "checksum does not match" in done.err
