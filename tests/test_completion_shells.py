"""In real shells, at a terminal: what TAB puts on the line is what the program is then run with."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.connection.servers import api_server
from tests.documents import ROOT
from tests.served_names import CONTEXTS, ODD, kubeconfig_for, serve_names
from tests.terminals import TAB, Shell, put_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(180)
SHELLS = ("bash", "zsh", "fish")


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    """A shell with the script for it, and a cluster that answers."""
    put_program(tmp_path, ROOT)
    (tmp_path / "snapshot.json").touch()
    with api_server() as server:
        serve_names(server)
        environment = {
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "PWD": str(tmp_path),
            "LC_ALL": "C.UTF-8",
            "KUBECONFIG": str(kubeconfig_for(tmp_path, server.url)),
            "KUBECTL_OOM_COMPLETION_TIMEOUT": "20s",
        }
        with closing(Shell(request.param, ROOT / "completions" / f"kubectl-oom.{request.param}", environment)) as shell:
            shell.runs(f"cd {tmp_path}; kubectl-oom", "")
            yield shell


def test_commands_flags_values_and_names_are_completed(shell: Shell) -> None:
    shell.runs(f"kubectl-oom wh{TAB}", "why")
    shell.runs(f"kubectl-oom why --names{TAB}calm", "why", "--namespace", "calm")
    shell.runs(f"kubectl-oom why -o js{TAB}", "why", "-o", "json")
    shell.runs(f"kubectl-oom why --output=js{TAB}", "why", "--output=json")
    shell.runs(f"kubectl-oom why web{TAB}", "why", "web-1")
    shell.runs(f"kubectl-oom why -n ca{TAB}idl{TAB}", "why", "-n", "calm", "idle-1")
    shell.runs(f"kubectl-oom why deploy/w{TAB}", "why", "deploy/web")
    shell.runs(f"kubectl-oom why deploy w{TAB}", "why", "deploy", "web")
    shell.runs(f"kubectl-oom why deploy/api -c mi{TAB}", "why", "deploy/api", "-c", "migrate")


def test_after_a_type_the_name_follows_without_a_space(shell: Shell) -> None:
    shell.runs(f"kubectl-oom why depl{TAB}w{TAB}", "why", "deploy/web")


def test_names_with_marks_that_shells_split_at_are_completed_whole(shell: Shell) -> None:
    shell.runs(f"kubectl-oom why --context arn{TAB}", "why", "--context", CONTEXTS[0])
    shell.runs(f"kubectl-oom why --context arn:aws:e{TAB}", "why", "--context", CONTEXTS[0])
    shell.runs(f"kubectl-oom why --context kubernetes-admin@k{TAB}", "why", "--context", CONTEXTS[1])
    shell.runs(f"kubectl-oom why --context=kubernetes-admin@k{TAB}", "why", f"--context={CONTEXTS[1]}")


def test_a_name_that_is_a_command_is_not_run(shell: Shell, tmp_path: Path) -> None:
    shell.runs(f"kubectl-oom why --context it{TAB}", "why", "--context", ODD)

    assert not (tmp_path / "pwned").exists()


def test_where_a_file_is_wanted_files_are_completed(shell: Shell) -> None:
    shell.runs(f"kubectl-oom why --from snap{TAB}", "why", "--from", "snapshot.json")


def test_where_nothing_fits_nothing_is_put_on_the_line(shell: Shell) -> None:
    shell.runs(f"kubectl-oom why snap{TAB}", "why", "snap")


def test_the_list_has_the_killed_first_and_says_so(shell: Shell) -> None:
    shell.type(f"kubectl-oom why {TAB}{TAB}")
    seen = shell.until("web-1", "api-2", "api-1", "app OOMKilled", "deploy/")

    # The order of the others depends on the columns of each shell; their order as such is tested without one.
    assert seen.index("web-1") < min(seen.index("api-1"), seen.index("api-2"), seen.index("deploy/"))
