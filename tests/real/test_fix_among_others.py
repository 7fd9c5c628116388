"""`fix --apply` where others write too, may not write, or do the same by hand with kubectl."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import threading
from typing import TYPE_CHECKING, final

import pytest

from tests.cluster.access import FIXER, READER
from tests.real.fixing import (
    ANNOTATION,
    PROGRAM,
    arguments,
    containers_of,
    environment,
    fix,
    read,
    without_note,
    written,
)
from tests.real.relay import Relay
from tests.real.stage import ROOTS, Api, Stage
from tests.real.status import container
from tests.real.tool import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cluster.cluster import Cluster
    from tests.real.status import Json

pytestmark = pytest.mark.timeout(300)

NOW = ("--apply", "--yes", "--timeout", "0")
SIZES = ("-c", "app", "--limit", "96Mi", "--request", "48Mi")
_OTHER = {"name": "app", "resources": {"limits": {"memory": "80Mi"}}}
PATCHED = ("deployments", "statefulsets", "daemonsets", "cronjobs")


@pytest.fixture
def stage(api_server: Cluster) -> Stage:
    return Stage.on(api_server)


def _kubectl(stage: Stage, line: str) -> None:
    """Run a printed command as it stands, in a shell."""
    line = line.replace("kubectl ", f"{shlex.quote(stage.cluster.kubectl_binary)} ")
    done = subprocess.run(
        ["sh", "-c", line], env=environment(stage, "admin"), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stderr}"


def _printed(stage: Stage, *args: str) -> list[str]:
    ran = fix(stage, *args)
    assert ran.code == 0, ran.err
    # A long command is broken into lines as a shell takes it: each but the last ends with a backslash.
    found = re.findall(r"^ *kubectl (?!oom )(?:.*\\\n)*.*$", ran.out, re.MULTILINE)
    return [command.strip() for command in found]


@pytest.mark.parametrize("plural", PATCHED)
def test_the_printed_commands_do_by_hand_what_apply_does(stage: Stage, plural: str) -> None:
    stage.workload(plural, "shop")
    stage.workload(plural, "same")
    command, undo, *_ = _printed(stage, f"{plural}/shop", *SIZES)

    _kubectl(stage, command)
    assert fix(stage, f"{plural}/same", *SIZES, *NOW).code == 0

    by_hand, applied = read(stage, plural, "shop"), read(stage, plural, "same")
    assert containers_of(by_hand) == containers_of(applied)

    _kubectl(stage, undo)
    assert containers_of(read(stage, plural, "shop"))[0]["resources"]["limits"] == {"memory": "64Mi"}


def test_of_a_selection_what_was_changed_is_changed_back_and_the_rest_is_named(stage: Stage) -> None:
    for name in ("shop", "same"):
        stage.workload("replicasets", name, labels={"app": name, "tier": "web"})
    stage.wait("the pods", lambda: len(stage.items("/api/v1", "pods")) == 2)
    before = read(stage, "replicasets", "shop")
    assert fix(stage, "rs/shop", *SIZES, *NOW).code == 0

    named = fix(stage, "rs/shop", "rs/same", "--undo", *NOW)
    undone = fix(stage, "-l", "tier=web", "--undo", *NOW)
    again = fix(stage, "-l", "tier=web", "--undo", *NOW)

    assert (named.code, undone.code, again.code) == (1, 0, 1)
    assert named.err.startswith("error: replicaset/same keeps no values from before a fix")
    assert f"replicaset/same in {stage.namespace} keeps no values from before a fix" in " ".join(undone.out.split())
    assert again.err == "error: nothing that was selected keeps values from before a fix\n"
    assert written(read(stage, "replicasets", "shop")) == written(before)


def test_an_undo_takes_back_the_whole_of_the_last_fix_or_nothing(stage: Stage) -> None:
    two = {"containers": [container(), container("other")]}
    stage.workload("replicasets", "shop", pods=two)
    stage.wait("the pod", lambda: len(stage.items("/api/v1", "pods")) == 1)
    note = {"at": None, "version": "1", "containers": [_note("app"), _note("other")]}
    path = stage.path(ROOTS["replicasets"], "replicasets", "shop")
    stage.api.patch(path, {"metadata": {"annotations": {ANNOTATION: json.dumps(note)}}})

    ran = fix(stage, "rs/shop", "-c", "app", "--undo", *NOW)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(
        "error: --undo takes back all that the last fix of replicaset/shop changed, other as well"
    )
    assert fix(stage, "rs/shop", "--undo", *NOW).code == 0


def _note(name: str) -> Json:
    return {"name": name, "type": "app", "request": "16Mi", "limit": "32Mi"}


def test_a_container_that_a_workload_without_pods_does_not_have_is_refused(stage: Stage) -> None:
    stage.workload("cronjobs", "asleep")

    for words in (("--limit", "96Mi", *NOW), ("--limit", "96Mi"), ()):
        ran = fix(stage, "cronjob/asleep", "-c", "nobody", *words)

        assert (ran.code, ran.out) == (1, "")
        assert ran.err == "error: container nobody is not valid for cronjob/asleep out of: app\n"


def test_a_suspended_job_is_changed_and_changed_back_as_the_printed_commands_do_it(stage: Stage) -> None:
    for name in ("shop", "same"):
        stage.workload("jobs", name)
        stage.api.patch(stage.path(ROOTS["jobs"], "jobs", name), {"spec": {"suspend": True}})
    before = read(stage, "jobs", "shop")
    shown = fix(stage, "job/same", *SIZES, "-o", "changes").document()["items"][0]

    made = fix(stage, "job/shop", *SIZES, *NOW, "--timeout", "30s")
    assert made.code == 0, made.err
    assert "job/shop is suspended: its pods get the new size when it is resumed." in made.err
    _kubectl(stage, shown["command"])
    after = {name: containers_of(read(stage, "jobs", name)) for name in ("shop", "same")}
    assert after["shop"] == after["same"]
    assert after["shop"][0]["resources"] == {"limits": {"memory": "96Mi"}, "requests": {"memory": "48Mi"}}

    assert fix(stage, "job/shop", "--undo", *NOW).code == 0
    _kubectl(stage, shown["undoCommand"])
    assert containers_of(read(stage, "jobs", "shop")) == containers_of(read(stage, "jobs", "same"))
    assert written(read(stage, "jobs", "shop")) == written(before)


def test_a_job_that_has_started_is_never_changed_and_the_printed_commands_start_it_again(stage: Stage) -> None:
    stage.workload("jobs", "once")
    stage.wait("the pod", lambda: len(stage.items("/api/v1", "pods")) == 1)
    before = read(stage, "jobs", "once")

    refused = fix(stage, "job/once", *SIZES, *NOW, "--force")

    assert refused.code == 1
    error, command = refused.err.splitlines()[-2:]
    assert error == "error: job/once: the template of a Job cannot be changed; nothing was changed"
    assert written(read(stage, "jobs", "once")) == written(before)

    _kubectl(stage, command.partition(": ")[2])

    after = read(stage, "jobs", "once")
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    assert containers_of(after)[0]["resources"] == {"limits": {"memory": "96Mi"}, "requests": {"memory": "48Mi"}}
    assert containers_of(after)[0]["image"] == containers_of(before)[0]["image"]


@final
class _Writer:
    """Somebody who writes to an object all the time, as fast as it goes."""

    def __init__(self, stage: Stage, path: str, change: Callable[[int], dict[str, object]]) -> None:
        self._api, self._path, self._change = Api(stage.cluster), path, change
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.writes = 0

    def _run(self) -> None:
        while not self._over.is_set():
            self._api.patch(self._path, self._change(self.writes))
            self.writes += 1

    def __enter__(self) -> _Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def test_beside_somebody_who_patches_labels_all_the_time_the_change_is_made(stage: Stage) -> None:
    stage.workload("deployments", "shop")
    path = stage.path("/apis/apps/v1", "deployments", "shop")

    with _Writer(stage, path, lambda n: {"metadata": {"labels": {"written": str(n)}}}) as writer:
        ran = fix(stage, "deploy/shop", *SIZES, *NOW)

    assert writer.writes > 1
    assert ran.code == 0, ran.err
    assert containers_of(read(stage, "deployments", "shop"))[0]["resources"]["limits"] == {"memory": "96Mi"}


def test_where_somebody_changes_the_same_memory_just_before_nothing_is_applied(stage: Stage, tmp_path: Path) -> None:
    stage.workload("deployments", "shop")
    path = stage.path("/apis/apps/v1", "deployments", "shop")

    def first(method: str, _: str) -> bool:
        if method == "PATCH":  # read and planned: what follows is the write
            stage.api.patch(path, {"spec": {"template": {"spec": {"containers": [_OTHER]}}}})
        return False

    with Relay(stage.cluster, FIXER, tmp_path) as relay:
        relay.refuses = first
        through = environment(stage) | {"KUBECONFIG": str(relay.kubeconfig)}
        ran = run(PROGRAM, arguments(stage, "deploy/shop", *SIZES, *NOW), through)

    assert ran.code == 1
    assert "error: somebody else changed the memory of deployment/shop in the meantime; nothing was applied" in ran.err
    after = read(stage, "deployments", "shop")
    assert containers_of(after)[0]["resources"]["limits"] == {"memory": "80Mi"}
    assert "annotations" not in without_note(after)["metadata"]


def test_with_permission_to_read_only_everything_but_apply_works_and_the_missing_verb_is_named(stage: Stage) -> None:
    stage.workload("deployments", "shop")
    before = written(read(stage, "deployments", "shop"))

    printed = fix(stage, "deploy/shop", *SIZES, user=READER)
    refused = fix(stage, "deploy/shop", *SIZES, *NOW, user=READER)

    assert printed.code == 0, printed.err
    assert "kubectl set resources deployment/shop" in printed.out
    assert refused.code == 1
    error, hint = refused.err.splitlines()[-2:]
    assert 'User "reader" cannot patch resource "deployments" in API group "apps"' in error
    assert hint.startswith("docs/clusterrole-fix.yaml grants what --apply needs")
    assert written(read(stage, "deployments", "shop")) == before


def test_the_first_that_fails_ends_it_and_what_was_changed_and_what_not_is_said(stage: Stage) -> None:
    for name in ("first", "second", "third"):
        stage.workload("deployments", name)
    validation = {
        "metadata": {"name": stage.namespace},
        "spec": {
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stage.namespace}},
                "resourceRules": [
                    {
                        "apiGroups": ["apps"],
                        "apiVersions": ["v1"],
                        "operations": ["UPDATE"],
                        "resources": ["deployments"],
                        "resourceNames": ["second"],
                    }
                ],
            },
            "validations": [{"expression": "false", "message": "second is frozen"}],
        },
    }
    binding = {
        "metadata": {"name": stage.namespace},
        "spec": {"policyName": stage.namespace, "validationActions": ["Deny"]},
    }
    root = "/apis/admissionregistration.k8s.io/v1"
    stage.api.ask("POST", f"{root}/validatingadmissionpolicies", validation)
    stage.api.ask("POST", f"{root}/validatingadmissionpolicybindings", binding)
    _wait_until_frozen(stage, "second")

    ran = fix(stage, "deploy/first", "deploy/second", "deploy/third", *SIZES, *NOW)

    assert ran.code == 1
    assert "Changed before that: deployment/first." in ran.err
    assert "Not changed: deployment/third." in ran.err
    assert "second is frozen" in ran.err
    limits = [containers_of(read(stage, "deployments", name))[0]["resources"]["limits"]["memory"] for name in _ALL]
    assert limits == ["96Mi", "64Mi", "64Mi"]


_ALL = ("first", "second", "third")


def _wait_until_frozen(stage: Stage, name: str) -> None:
    def refused() -> bool:
        ran = fix(stage, f"deploy/{name}", *SIZES, "--apply", "--dry-run=server", user=FIXER)
        return ran.code == 1 and "is frozen" in ran.err

    stage.wait("the admission policy", refused)
