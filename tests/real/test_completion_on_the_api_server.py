"""Completion with a real API server and the real kubectl, which finds our program on its PATH and runs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.cli.asking import LIMIT_VARIABLE
from tests.cluster.access import READER
from tests.cluster.cluster import ADMIN
from tests.documents import ROOT
from tests.real.stage import Stage
from tests.real.tool import Ran, environment, run
from tests.terminals import put_program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cluster.cluster import Cluster

    Completed = Callable[..., list[str]]

pytestmark = pytest.mark.timeout(300)
KINDS = ["pod/", "deploy/", "sts/", "ds/", "job/", "cronjob/", "rs/", "node/"]
KUBECTLS_OWN = ("[Debug] ", "Completion ended with directive: ")
TRIES = 10  # a busy machine takes its time to start a program, and an idle one answers the first time
KEEP_ORDER = ":36"  # and no files


@pytest.fixture(scope="module")
def shop(api_server: Cluster) -> Stage:
    """A namespace with a pod that was never killed, two that were, and a deployment."""
    stage = Stage.on(api_server)
    stage.pod("calm")
    stage.kill(stage.pod("early"), minutes=50)
    stage.kill(stage.pod("late"), minutes=5)
    (pod,) = stage.made_by(stage.workload("deployments", "web"))
    stage.kill(pod, minutes=90)
    return stage


@pytest.fixture
def completed(shop: Stage, tmp_path: Path) -> Completed:
    """What kubectl completes, with only our files beside it; the tool has as long as it wants."""
    program = tmp_path / "bin"
    program.mkdir()
    put_program(program, ROOT)
    finder = program / "kubectl_complete-oom"
    finder.write_bytes((ROOT / "completions" / "kubectl_complete-oom").read_bytes())
    finder.chmod(0o755)

    def ask(*words: str, user: str = ADMIN, limit: str = "30s") -> list[str]:
        given = environment(shop.cluster.kubeconfig(user))
        given |= {"PATH": f"{program}{os.pathsep}{os.environ['PATH']}", LIMIT_VARIABLE: limit}
        given.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program has its bytecode
        ran: Ran = run([shop.cluster.kubectl_binary, "__complete", "oom"], words, given)
        assert ran.code == 0
        # kubectl tells what it does, on stderr; nobody else says a word.
        assert [line for line in ran.err.splitlines() if not line.startswith(KUBECTLS_OWN)] == []
        return [line.partition("\t")[0] for line in ran.out.splitlines()]

    return ask


def test_kubectl_completes_pods_with_the_last_killed_first(shop: Stage, completed: Completed) -> None:
    *names, directive = completed("why", "-n", shop.namespace, "")

    web = next(name for name in names if name.startswith("web-"))
    assert names == ["late", "early", web, "calm", *KINDS]
    assert directive == KEEP_ORDER


def test_kubectl_completes_types_namespaces_and_containers(shop: Stage, completed: Completed) -> None:
    here = ("-n", shop.namespace)

    assert completed("why", *here, "deploy/") == ["deploy/web", ":4"]
    assert completed("history", *here, "deployment", "") == ["web", ":4"]
    assert completed("why", *here, "rs/")[0].startswith("rs/web-")
    assert completed("why", f"node/{shop.node_name}") == [f"node/{shop.node_name}", ":4"]
    assert completed("why", "-n", shop.namespace[:-1]) == [shop.namespace, ":4"]
    assert completed("why", *here, "deploy/web", "-c", "") == ["app", ":4"]
    assert completed("why", *here, "late", "--container=") == ["app", ":4"]
    assert completed("why", *here, "sts/") == [":4"]


def test_it_asks_for_the_names_alone(shop: Stage, completed: Completed) -> None:
    before = len(shop.cluster.audited(READER))
    assert completed("why", "-n", shop.namespace, "ca", user=READER) == ["calm", ":4"]
    asked = [event["requestURI"] for event in shop.cluster.audited(READER)[before:]]

    pods = f"/api/v1/namespaces/{shop.namespace}/pods?resourceVersion=0"
    assert asked == [f"{pods}&includeObject=None", pods]


def test_without_permission_there_are_no_names_and_no_word(shop: Stage, completed: Completed) -> None:
    here = ("-n", shop.namespace, "--as", "nobody-in-particular")

    assert completed("why", *here, "pod/") == [":4"]
    assert completed("why", "--as", "nobody-in-particular", "-n", "") == [":4"]


def test_a_server_at_hand_answers_within_the_limit(shop: Stage, completed: Completed) -> None:
    tries = (completed("why", "-n", shop.namespace, "deploy/", limit="") for _ in range(TRIES))

    assert ["deploy/web", ":4"] in tries
