"""`completion install` puts the file where kubectl finds it, says so, and leaves alone what is not ours."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.cli.shells import FINDER, FINDER_SCRIPT, MARK
from tests.documents import ROOT
from tests.program import DEADLINE_SECONDS, Ran

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders and permissions of a Unix")
TRY = "kubectl oom why <TAB> completes where kubectl's own completion is set up: kubectl completion -h\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".local" / "bin").mkdir(parents=True)
    return tmp_path


def _install(home: Path, *args: str, path: tuple[str, ...] = (".krew/bin", ".local/bin")) -> Ran:
    environment = {"HOME": str(home), "PATH": os.pathsep.join(str(home / folder) for folder in path)}
    done = subprocess.run(
        [sys.executable, "-m", "kubectl_oom", "completion", "install", *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
        cwd=ROOT,
        env=environment | {"PYTHONPATH": str(ROOT)},
    )
    return Ran(done.returncode, done.stdout, done.stderr, 0.0)


def test_the_file_is_written_where_kubectl_finds_it_and_a_second_time_nothing_is(home: Path) -> None:
    file = home / ".local" / "bin" / FINDER
    first, second = _install(home), _install(home)

    assert (first.code, first.out, first.err) == (0, f"{file}: written\n{TRY}", "")
    assert (second.code, second.out, second.err) == (0, f"{file}: is there already\n{TRY}", "")
    assert file.read_text() == FINDER_SCRIPT
    assert os.access(file, os.X_OK)


def test_a_folder_on_path_that_is_missing_is_made(home: Path) -> None:
    ran = _install(home, path=("bin",))

    assert ran.out == f"{home / 'bin' / FINDER}: written\n{TRY}"


def test_a_folder_on_path_is_made_with_the_one_it_is_in(home: Path) -> None:
    (home / ".local" / "bin").rmdir()
    (home / ".local").rmdir()
    ran = _install(home)

    assert (ran.code, ran.out) == (0, f"{home / '.local' / 'bin' / FINDER}: written\n{TRY}")


def test_a_folder_of_ones_choice_is_taken_and_said_where_path_lacks_it(home: Path) -> None:
    file = home / "tools" / FINDER
    ran = _install(home, "--dir", "~/tools")

    assert ran.out == f"{file}: written\n{file.parent} is not on PATH: kubectl finds it once it is\n"
    assert file.read_text() == FINDER_SCRIPT


def test_what_an_earlier_version_wrote_is_brought_up_to_date(home: Path) -> None:
    file = home / ".local" / "bin" / FINDER
    file.write_text(f"#!/bin/sh\n# {MARK}.\nexec kubectl-oom __old\n")
    file.chmod(0o755)

    assert _install(home).out == f"{file}: written\n{TRY}"
    assert file.read_text() == FINDER_SCRIPT


def test_the_program_that_pip_has_installed_is_enough(home: Path) -> None:
    file = home / "venv" / FINDER
    file.parent.mkdir()
    file.write_text("#!/usr/bin/python3\nfrom kubectl_oom.__main__ import complete\n")
    file.chmod(0o755)

    assert _install(home, path=("venv", ".local/bin")).out == f"{file}: is there already\n{TRY}"
    assert list((home / ".local" / "bin").iterdir()) == []


@pytest.mark.parametrize("executable", [True, False])
@pytest.mark.parametrize("asked", [(), ("--dir", "~/.local/bin")])
def test_a_foreign_file_is_left_as_it_is(home: Path, asked: tuple[str, ...], executable: bool) -> None:  # noqa: FBT001
    file = home / ".local" / "bin" / FINDER
    file.write_text("#!/bin/sh\necho mine\n")
    file.chmod(0o755 if executable else 0o644)
    ran = _install(home, *asked)

    assert ran.line == f"error: {file} is not of kubectl-oom: it was left as it is"
    assert file.read_text() == "#!/bin/sh\necho mine\n"


def test_a_link_that_leads_nowhere_is_left_as_it_is(home: Path) -> None:
    file = home / ".local" / "bin" / FINDER
    file.symlink_to(home / "gone")

    assert _install(home).line == f"error: {file} cannot be read: No such file or directory"
    assert file.is_symlink()


def test_a_foreign_file_before_ours_on_path_is_said(home: Path) -> None:
    foreign = home / "first" / FINDER
    foreign.parent.mkdir()
    foreign.write_text("#!/bin/sh\n")
    foreign.chmod(0o755)

    assert _install(home, path=("first", ".local/bin")).line.startswith(f"error: {foreign} is not of kubectl-oom")


def test_without_a_folder_for_it_nothing_is_written(home: Path) -> None:
    ran = _install(home, path=(".krew/bin",))

    assert ran.line.startswith("error: none of ~/.local/bin, ~/bin, ")
    assert "--dir" in ran.err


def test_a_folder_is_for_install_alone(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kubectl_oom", "completion", "bash", "--dir", str(home)],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )

    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "error: --dir goes with install")
