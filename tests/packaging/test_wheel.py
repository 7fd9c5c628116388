"""The wheel: pure, whole, and all that `pipx install` needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from kubectl_oom import __version__
from tests.documents import ROOT
from tests.engines import require_program
from tests.packaging.conftest import BUILD_SECONDS
from tests.program import oom
from tests.real.tool import run

pytestmark = [
    pytest.mark.timeout(2 * BUILD_SECONDS),
    pytest.mark.skipif(sys.platform == "win32", reason="the paths of programs are those of POSIX"),
]

DEMO = ("deploy/slow-growth", "-n", "demo", "--from", "kubectl_oom/incidents/slow-growth.json")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a fresh environment that the wheel was installed into, with what it asks for."""
    folder = tmp_path_factory.mktemp("fresh")
    venv.create(folder, with_pip=True)
    pip = folder / "bin" / "pip"
    subprocess.run(
        [pip, "install", "--quiet", "--disable-pip-version-check", wheel],
        stdin=subprocess.DEVNULL,
        timeout=BUILD_SECONDS,
        check=True,
    )
    return folder / "bin"


def _environment(programs: Path) -> dict[str, str]:
    """Nothing but these programs, and kubectl."""
    kubectl = shutil.which("kubectl")
    return {"PATH": os.pathsep.join([str(programs), *([str(Path(kubectl).parent)] if kubectl else []), os.defpath])}


def test_the_wheel_is_for_every_platform(wheel: Path) -> None:
    assert wheel.name == f"kubectl_oom-{__version__}-py3-none-any.whl"


def test_the_wheel_holds_every_module_every_recording_the_licence_and_nothing_else(wheel: Path) -> None:
    package = ROOT / "kubectl_oom"
    ours = {
        file.relative_to(ROOT).as_posix() for kind in ("*.py", "*.json", "py.typed") for file in package.rglob(kind)
    }

    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
        about = {name.partition(".dist-info/")[2] for name in archive.namelist() if ".dist-info/" in name}

    assert held == ours
    assert about == {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt"}


def test_an_installed_wheel_explains_an_incident(installed: Path) -> None:
    done = run([str(installed / "kubectl-oom")], ("why", *DEMO), _environment(installed))

    assert (done.code, done.out, done.err) == (0, oom("why", *DEMO).out, "")


def test_kubectl_finds_an_installed_wheel_and_completes_its_words(installed: Path) -> None:
    require_program("kubectl")
    environment = _environment(installed)

    version = run(["kubectl"], ("oom", "version"), environment)
    answer = run(["kubectl"], ("oom", "why", *DEMO), environment)
    completed = run(["kubectl"], ("__complete", "oom", "vers"), environment)

    assert (version.code, version.out, version.err) == (0, f"kubectl-oom v{__version__}\n", "")
    assert (answer.code, answer.out) == (0, oom("why", *DEMO).out)
    assert completed.out.splitlines()[0].partition("\t")[0] == "version"
