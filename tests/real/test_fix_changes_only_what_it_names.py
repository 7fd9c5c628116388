"""`fix --apply` on a real API server: what is changed, what is not, and the way back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.real.fixing import ANNOTATION, containers_of, fix, read, without_note, written
from tests.real.stage import Stage
from tests.real.stand_in import StandIn
from tests.real.status import container

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.timeout(300)

KINDS = ("deployments", "statefulsets", "daemonsets", "replicasets", "cronjobs")
NOW = ("--apply", "--yes", "--timeout", "60s")
SIZES = ("-c", "app", "--limit", "96Mi", "--request", "48Mi")


@pytest.fixture
def stage(api_server: Cluster) -> Iterator[Stage]:
    stage = Stage.on(api_server)
    with StandIn(stage):
        yield stage


def _set_up(stage: Stage, plural: str) -> None:
    owner = stage.workload(plural, "shop")
    if plural == "cronjobs":
        stage.cluster.kubectl("create", "job", "--from=cronjob/shop", "shop-1", "-n", stage.namespace)
    stage.made_by(owner)


@pytest.mark.parametrize("plural", KINDS)
def test_exactly_the_named_sizes_change_and_undo_brings_every_field_back(stage: Stage, plural: str) -> None:
    _set_up(stage, plural)
    before = read(stage, plural, "shop")

    applied = fix(stage, f"{plural}/shop", *SIZES, *NOW)
    after = read(stage, plural, "shop")

    assert applied.code == 0, applied.err
    expected = written(before)
    containers_of(expected)[0]["resources"] = {"limits": {"memory": "96Mi"}, "requests": {"memory": "48Mi"}}
    assert without_note(after) == expected
    note = json.loads(after["metadata"]["annotations"][ANNOTATION])
    assert note["containers"] == [{"name": "app", "type": "app", "request": "32Mi", "limit": "64Mi"}]
    assert "kubectl-oom" in {entry["manager"] for entry in after["metadata"]["managedFields"]}

    undone = fix(stage, f"{plural}/shop", "--undo", *NOW)

    assert undone.code == 0, undone.err
    assert written(read(stage, plural, "shop")) == written(before)


def test_applying_twice_equals_once_and_the_second_time_nothing_is_sent(stage: Stage) -> None:
    _set_up(stage, "deployments")

    assert fix(stage, "deploy/shop", *SIZES, *NOW).code == 0
    once = read(stage, "deployments", "shop")
    again = fix(stage, "deploy/shop", *SIZES, *NOW)

    assert again.code == 0, again.err
    assert "deployment/shop has these sizes already: there is nothing to change." in again.err
    assert read(stage, "deployments", "shop") == once


def test_a_dry_run_by_the_server_changes_nothing_and_needs_no_yes(stage: Stage) -> None:
    _set_up(stage, "deployments")
    before = read(stage, "deployments", "shop")

    tried = fix(stage, "deploy/shop", *SIZES, "--apply", "--dry-run=server")

    assert tried.code == 0, tried.err
    assert read(stage, "deployments", "shop")["spec"] == before["spec"]


def test_without_a_terminal_nothing_is_changed_unless_yes_is_said(stage: Stage) -> None:
    _set_up(stage, "deployments")
    before = written(read(stage, "deployments", "shop"))

    refused = fix(stage, "deploy/shop", *SIZES, "--apply")

    assert (refused.code, refused.err.splitlines()[-1]) == (1, "Add --yes")
    assert written(read(stage, "deployments", "shop")) == before


def test_what_was_not_set_before_is_taken_away_again_by_undo(stage: Stage) -> None:
    owner = stage.workload("deployments", "shop")
    path = stage.path("/apis/apps/v1", "deployments", "shop")
    bare = {"spec": {"template": {"spec": {"containers": [{"name": "app", "resources": None}]}}}}
    stage.api.patch(path, bare)
    stage.made_by(owner)
    before = read(stage, "deployments", "shop")

    assert fix(stage, "deploy/shop", *SIZES, *NOW, "--timeout", "0").code == 0
    assert fix(stage, "deploy/shop", "--undo", *NOW, "--timeout", "0").code == 0

    assert written(read(stage, "deployments", "shop")) == written(before)


def test_init_containers_and_sidecars_are_changed_in_their_own_list(stage: Stage) -> None:
    stage.workload("deployments", "shop")
    path = stage.path("/apis/apps/v1", "deployments", "shop")
    sidecar = container("proxy", "32Mi", restartPolicy="Always")
    stage.api.patch(path, {"spec": {"template": {"spec": {"initContainers": [sidecar, container("setup", "16Mi")]}}}})
    stage.wait("the pods", lambda: len(stage.items("/api/v1", "pods")) > 0)
    before = read(stage, "deployments", "shop")

    applied = fix(stage, "deploy/shop", "-c", "proxy", "--limit", "48Mi", *NOW, "--timeout", "0")

    assert applied.code == 0, applied.err
    expected = written(before)
    containers_of(expected, "initContainers")[0]["resources"]["limits"]["memory"] = "48Mi"
    assert without_note(read(stage, "deployments", "shop")) == expected


def test_a_bare_pod_is_resized_in_place_and_back(stage: Stage) -> None:
    stage.pod("solo")
    stage.wait("the pod", lambda: "containerStatuses" in read(stage, "pods", "solo").get("status", {}))
    before = read(stage, "pods", "solo")

    applied = fix(stage, "pod/solo", *SIZES, *NOW)
    after = read(stage, "pods", "solo")

    assert applied.code == 0, applied.err
    expected = written(before)
    containers_of(expected)[0]["resources"] = {"limits": {"memory": "96Mi"}, "requests": {"memory": "48Mi"}}
    assert without_note(after) == expected

    assert fix(stage, "pod/solo", "--undo", *NOW).code == 0
    assert written(read(stage, "pods", "solo")) == written(before)


def test_a_resize_that_the_server_refuses_leaves_the_pod_as_it_was(stage: Stage) -> None:
    stage.pod("solo")
    at_most = {"limits": [{"type": "Container", "max": {"memory": "80Mi"}}]}
    stage.create("/api/v1", "limitranges", {"metadata": {"name": "at-most"}, "spec": at_most})
    stage.wait("the pod", lambda: "containerStatuses" in read(stage, "pods", "solo").get("status", {}))
    before = read(stage, "pods", "solo")

    refused = fix(stage, "pod/solo", *SIZES, *NOW, "--force")

    assert refused.code == 1
    assert "maximum memory usage per Container is 80Mi, but limit is 96Mi" in refused.err
    assert written(read(stage, "pods", "solo")) == written(before)
