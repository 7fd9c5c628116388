"""The roles that ship permit all that the commands ask for: the API server's own audit log says what that is."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from kubectl_oom.act.sending import FIX_ROLE
from kubectl_oom.cli.asking import LIMIT_VARIABLE
from kubectl_oom.read.gaps import CLUSTER_ROLE
from tests.cluster.access import FIXER, READER
from tests.documents import granted
from tests.real.asked import permissions
from tests.real.fixing import PROGRAM, environment, fix
from tests.real.stage import ROOTS, Stage
from tests.real.tool import oom, run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.cluster import Cluster
    from tests.real.status import Json

pytestmark = pytest.mark.timeout(300)

FORBIDDEN = 403
SIZES = ("-c", "app", "--limit", "96Mi", "--request", "48Mi")
NOW = ("--apply", "--yes", "--timeout", "0")
TEMPLATED = ("deployments/shop", "statefulsets/shop", "daemonsets/shop", "replicasets/alone", "cronjobs/shop")


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def _asked(stage: Stage, user: str) -> list[Json]:
    """Every request about an object that the user has made on this server, once the log holds the last of them."""
    mark = f"end-{secrets.token_hex(4)}"
    stage.cluster.kubectl("get", "pods", f"--field-selector=metadata.name={mark}", "-n", stage.namespace, user=user)
    stage.wait("the audit log", lambda: any(mark in event["requestURI"] for event in stage.cluster.audited(user)))
    return [event for event in stage.cluster.audited(user) if "objectRef" in event]


def test_no_reading_command_asks_for_more_than_the_role_permits(stage: Stage, tmp_path: Path) -> None:
    (pod,) = stage.made_by(stage.workload("deployments", "shop"))
    stage.kill(pod, minutes=5)
    stage.pod("bare")
    here, node = ("-n", stage.namespace), f"node/{stage.node_name}"
    before = len(_asked(stage, READER))

    ran = [
        run(PROGRAM, words, environment(stage, READER) | {LIMIT_VARIABLE: "30s"})
        for words in (
            ("why", "deploy/shop", *here),
            ("why", "bare", *here),
            ("why", node),
            ("history", "deploy/shop", *here),
            ("recommend", "deploy/shop", *here),
            ("recommend", "-l", "app", *here),
            ("fix", "deploy/shop", *here),
            ("report", "deploy/shop", *here),
            ("list", *here),
            ("watch", *here, "--for", "1s"),
            ("snapshot", "deploy/shop", *here, "-f", str(tmp_path / "shop.json")),
            ("doctor", *here),
            ("__complete", "why", "-n", stage.namespace[:-1]),
            ("__complete", "why", *here, ""),
        )
    ]
    of_nowhere = oom(stage.cluster.kubeconfig(READER), "why", "bare", "-n", f"{stage.namespace}-not")
    asked = _asked(stage, READER)[before:]

    assert [(one.args, one.err) for one in ran if one.code] == []
    assert of_nowhere.err.startswith(f'Error from server (NotFound): namespaces "{stage.namespace}-not" not found')
    assert permissions(asked) <= granted(CLUSTER_ROLE)
    assert [event["requestURI"] for event in asked if event["responseStatus"]["code"] == FORBIDDEN] == []
    assert {
        *(("", "pods", verb) for verb in ("get", "list", "watch")),
        ("", "events", "list"),
        ("", "nodes", "get"),
        ("", "nodes", "list"),
        ("", "namespaces", "get"),
        ("", "namespaces", "list"),
        ("", "services", "list"),
        ("apps", "deployments", "get"),
        ("policy", "poddisruptionbudgets", "list"),
        ("autoscaling", "horizontalpodautoscalers", "list"),
    } <= permissions(asked)


def test_no_change_asks_for_more_than_both_roles_permit(stage: Stage) -> None:
    for target in TEMPLATED:
        stage.workload(*target.split("/"))
    stage.workload("jobs", "waits")
    stage.api.patch(stage.path(ROOTS["jobs"], "jobs", "waits"), {"spec": {"suspend": True}})
    stage.pod("bare")
    before = len(_asked(stage, FIXER))

    ran = [fix(stage, target, *SIZES, *NOW) for target in (*TEMPLATED, "jobs/waits")]
    ran += [fix(stage, "deploy/shop", "--undo", *NOW), fix(stage, "deploy/shop", *SIZES, "--dry-run", "server")]
    ran.append(fix(stage, "pod/bare", *SIZES, *NOW))
    asked = _asked(stage, FIXER)[before:]

    assert [(one.args, one.err) for one in ran if one.code] == []
    assert permissions(asked) <= granted(CLUSTER_ROLE) | granted(FIX_ROLE)
    assert [event["requestURI"] for event in asked if event["responseStatus"]["code"] == FORBIDDEN] == []
    assert {permission for permission in permissions(asked) if permission[2] == "patch"} == granted(FIX_ROLE)
