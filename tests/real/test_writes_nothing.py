"""The tool changes nothing: what the API server's audit log says about everything that the tests ran as a reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kubectl_oom.read.gaps import CLUSTER_ROLE
from tests.cluster.access import NOBODY, READER, READER_WITHOUT_KUBELET
from tests.cluster.control_plane import READER_CERTIFICATE, READER_EXEC
from tests.documents import granted
from tests.real.asked import permissions
from tests.real.scenarios import SCENARIOS
from tests.real.tool import oom

if TYPE_CHECKING:
    from pathlib import Path

    from tests.real.scene import Scene

pytestmark = pytest.mark.timeout(600)

READING = {"get", "list", "watch"}
JOB = next(scenario for scenario in SCENARIOS if scenario.name == "job")


@pytest.mark.parametrize("user", [READER, READER_CERTIFICATE, READER_EXEC])
def test_a_token_a_certificate_and_a_credential_plugin_log_in_alike(scene: Scene, user: str) -> None:
    if scene.cluster.borrowed and user != READER:
        pytest.skip("this cluster is not ours: it has no such login")
    scene.wait_until_reached(JOB, metrics=False)

    ran = oom(scene.cluster.kubeconfig(user), "why", "job/job", "-n", scene.namespace, "-o", "json", "--no-prometheus")

    assert [item["verdict"] for item in ran.document()["items"]] == ["container-limit"]


def test_without_any_permission_the_error_is_kubectls_with_the_next_step(scene: Scene) -> None:
    ran = oom(scene.cluster.kubeconfig(NOBODY), "why", "job/job", "-n", scene.namespace)

    assert (ran.code, ran.out) == (1, "")
    error, next_step = ran.err.splitlines()
    assert error.startswith('Error from server (Forbidden): jobs.batch "job" is forbidden: ')
    assert "docs/clusterrole.yaml" in next_step


def test_all_that_was_ever_run_has_only_read(scene: Scene, tmp_path: Path) -> None:
    if scene.cluster.borrowed:
        pytest.skip("this cluster is not ours: its audit log cannot be read")
    for scenario in SCENARIOS:
        scene.wait_until_reached(scenario, metrics=False)
    kubeconfig, engine = scene.cluster.kubeconfig(READER), ["--prometheus-url", str(scene.cluster.prometheus_url)]
    commands = (
        ["why", "--selector", "app", "-n", scene.namespace],
        ["why", "--all-namespaces", "-o", "markdown"],
        ["why", "node/node-a", "-o", "json"],
        ["snapshot", "--selector", "app", "-n", scene.namespace, "-f", str(tmp_path / "evidence.json")],
        ["doctor", "-n", scene.namespace],
    )

    for command in commands:
        assert oom(kubeconfig, *command, *engine).code == 0, command

    requests = [*scene.cluster.audited(READER), *scene.cluster.audited(READER_WITHOUT_KUBELET)]
    asked = {(r["objectRef"]["resource"], r["objectRef"].get("subresource")) for r in requests if "objectRef" in r}
    assert {("pods", None), ("pods", "log"), ("events", None), ("nodes", "proxy"), ("jobs", None)} <= asked
    assert {request["verb"] for request in requests} <= READING
    assert permissions(requests) <= granted(CLUSTER_ROLE)
