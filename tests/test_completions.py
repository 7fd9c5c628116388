"""The completion files are what the command line of today gives, and kubectl finds and uses ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from kubectl_oom.cli.group import COMMANDS, group
from tests.cluster import binaries

COMPLETIONS = Path(__file__).resolve().parent.parent / "completions"
BINARY = "kubectl-oom"
VARIABLE = "_KUBECTL_OOM_COMPLETE"
SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}
SECONDS = 30.0  # kubectl gives up on nothing by itself; a hang is a failure here
NO_FILE_NAMES = ":4"  # cobra's directive


def _script(shell: str) -> str:
    """The script of one shell for the bare program, as click writes it (without asking the shell for its version)."""
    completer = SHELLS[shell](group, {}, BINARY, VARIABLE)
    return (completer.source_template % completer.source_vars()).strip() + "\n"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_completion_file_of_each_shell_is_fresh(shell: str) -> None:
    file = COMPLETIONS / f"{BINARY}.{shell}"
    if os.environ.get("UPDATE_DOCS"):
        file.write_text(_script(shell), encoding="utf-8")

    assert file.read_text(encoding="utf-8") == _script(shell), (
        "write it anew: UPDATE_DOCS=1 make test ARGS=tests/test_completions.py"
    )


def test_the_script_in_bash_completes_the_commands_of_the_bare_program(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on PATH: install it")
    _install(tmp_path, BINARY)
    words = f"COMP_WORDS=({BINARY} ''); COMP_CWORD=1"
    typed = f"source {COMPLETIONS / BINARY}.bash; {words}; _kubectl_oom_completion {BINARY}; printf '%s\\n' \"${{COMPREPLY[@]}}\""

    done = subprocess.run(
        [bash, "-c", typed], capture_output=True, text=True, check=True, timeout=SECONDS, env=_path(tmp_path)
    )

    assert done.stdout.split() == list(COMMANDS)
    assert not done.stderr


@pytest.mark.parametrize("finder", ["the script for krew", "the program of the wheel"])
def test_kubectl_completes_flags_and_commands_of_the_plugin(tmp_path: Path, finder: str) -> None:
    kubectl = shutil.which("kubectl") or binaries.path("kubectl")
    if not os.access(kubectl, os.X_OK):
        pytest.skip(f"no kubectl on PATH and none at {kubectl}: install it, or {binaries.BUILD}")
    _install(tmp_path, BINARY)
    if finder == "the script for krew":
        shutil.copy(COMPLETIONS / "kubectl_complete-oom", tmp_path)
    else:
        _install(tmp_path, "kubectl_complete-oom", entry="complete")

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

    assert candidates("why", "--na") == ["--namespace\tNamespace to look in (default: the context's)", NO_FILE_NAMES]
    assert [line.partition("\t")[0] for line in candidates("")] == [*COMMANDS, NO_FILE_NAMES]


def _install(folder: Path, name: str, entry: str = "main") -> None:
    """A program on PATH that calls an entry point of this checkout, as an installed wheel does."""
    program = folder / name
    root = COMPLETIONS.parent
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(root)!r})\n"
        f"from kubectl_oom.__main__ import {entry}\nsys.exit({entry}())\n"
    )
    program.chmod(0o755)


def _path(first: Path) -> dict[str, str]:
    """This environment with one more folder to find programs in, and without the clusters of whoever runs this."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KUBE")}
    return kept | {"PATH": f"{first}{os.pathsep}{os.environ['PATH']}"}
