"""The completion files are what the command line of today gives, and kubectl finds and uses ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.cli.group import COMMANDS
from kubectl_oom.cli.shells import FINDER, FINDER_SCRIPT, SCRIPTS
from tests.documents import ROOT
from tests.kubectl import kubectl_program
from tests.program import oom

if TYPE_CHECKING:
    from pathlib import Path

COMPLETIONS = ROOT / "completions"
BINARY = "kubectl-oom"
ENDINGS = {"powershell": "ps1"}
FILES = {f"{BINARY}.{ENDINGS.get(shell, shell)}": script for shell, script in SCRIPTS.items()} | {FINDER: FINDER_SCRIPT}
SECONDS = 30.0  # kubectl gives up on nothing by itself; a hang is a failure here
NO_FILE_NAMES = ":4"  # cobra's directive
IN_ORDER = ":36"


def test_the_files_are_those_of_all_shells_and_of_kubectl() -> None:
    assert {file.name for file in COMPLETIONS.iterdir()} == set(FILES)
    assert os.access(COMPLETIONS / FINDER, os.X_OK)


@pytest.mark.parametrize("name", FILES)
def test_the_completion_file_of_each_shell_is_fresh(name: str) -> None:
    file = COMPLETIONS / name
    if os.environ.get("UPDATE_DOCS"):
        file.write_text(FILES[name], encoding="utf-8")

    assert file.read_text(encoding="utf-8") == FILES[name], (
        "write it anew: UPDATE_DOCS=1 make test ARGS=tests/test_completions.py"
    )


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_command_prints_the_script_of_each_shell(shell: str) -> None:
    assert (oom("completion", shell).out, oom("completion", shell).code) == (SCRIPTS[shell], 0)


@pytest.mark.parametrize("finder", ["the script for krew", "the program of the wheel"])
def test_kubectl_completes_flags_and_commands_of_the_plugin(tmp_path: Path, finder: str) -> None:
    kubectl = kubectl_program()
    _install(tmp_path, BINARY)
    if finder == "the script for krew":
        shutil.copy(COMPLETIONS / FINDER, tmp_path)
    else:
        _install(tmp_path, FINDER, entry="complete")

    def candidates(*words: str) -> list[str]:
        done = subprocess.run(
            [kubectl, "__complete", "oom", *words],
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS,
            env=_path(tmp_path),
        )
        return done.stdout.splitlines()

    assert candidates("why", "--names") == ["--namespace\tNamespace to look in (default: the context's)", NO_FILE_NAMES]
    assert candidates("") == [*(f"{name}\t{text}" for name, text in COMMANDS.items()), IN_ORDER]


def test_the_finder_of_a_plugin_that_is_gone_says_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [COMPLETIONS / FINDER, "why", ""], capture_output=True, check=True, timeout=SECONDS, env={"PATH": str(tmp_path)}
    )

    assert (done.stdout, done.stderr) == (b"", b"")


def _install(folder: Path, name: str, entry: str = "main") -> None:
    """A program on PATH that calls an entry point of this checkout, as an installed wheel does."""
    program = folder / name
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        f"from kubectl_oom.__main__ import {entry}\nsys.exit({entry}())\n"
    )
    program.chmod(0o755)


def _path(first: Path) -> dict[str, str]:
    """This environment with one more folder to find programs in, and without the clusters of whoever runs this."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KUBE")}
    return kept | {"PATH": f"{first}{os.pathsep}{os.environ['PATH']}"}
