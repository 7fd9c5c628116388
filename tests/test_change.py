"""How a size is set by hand: which command, which patch, and where none is printed."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from typing import Any

import pytest

from kubectl_oom.evidence import (
    ContainerType,
    HeapAdvice,
    Owner,
    Pod,
    Recommendation,
    Room,
    Setting,
    Sizes,
    TemplateContainer,
)
from kubectl_oom.judge.change import change_of
from tests.build import MI, container, pod
from tests.pasts import history, life, size

WANTED = Sizes(request_bytes=288 * MI, limit_bytes=576 * MI)
RESOURCES = {"limits": {"memory": "576Mi"}, "requests": {"memory": "288Mi"}}
FLAGS = "--limits=memory=576Mi --requests=memory=288Mi"
JSON = '{"limits":{"memory":"576Mi"},"requests":{"memory":"288Mi"}}'


def of(kind: str | None = "Deployment", api_version: str = "apps/v1", **changes: Any) -> Recommendation:
    """A size for container `app` of shop/api."""
    made = replace(size(history(life(400), kind=kind)), **changes)
    return replace(made, workload=Owner(api_version=api_version, kind=kind, name="api") if kind else None)


def bare(**changes: Any) -> Pod:
    return pod(container(), **{"owners": (), **changes})


@pytest.mark.parametrize(
    ("kind", "target"),
    [
        ("Deployment", "deployment/api"),
        ("StatefulSet", "statefulset/api"),
        ("DaemonSet", "daemonset/api"),
        ("ReplicaSet", "replicaset/api"),
    ],
)
def test_an_app_container_is_set_by_set_resources(kind: str, target: str) -> None:
    change = change_of(of(kind), WANTED, None, None)

    assert change.command == f"kubectl set resources {target} -n shop -c app {FLAGS}"
    assert change.patch == {"spec": {"template": {"spec": {"containers": [{"name": "app", "resources": RESOURCES}]}}}}
    assert (change.why_not, change.heap_command) == (None, None)


def test_a_cron_job_is_patched_in_the_template_of_its_runs() -> None:
    change = change_of(of("CronJob", "batch/v1"), WANTED, None, None)

    assert change.command == f"kubectl set resources cronjob/api -n shop -c app {FLAGS}"
    template = {"spec": {"template": {"spec": {"containers": [{"name": "app", "resources": RESOURCES}]}}}}
    assert change.patch == {"spec": {"jobTemplate": template}}


@pytest.mark.parametrize("kind", [ContainerType.INIT, ContainerType.SIDECAR])
def test_what_starts_before_the_others_is_set_by_a_patch(kind: ContainerType) -> None:
    change = change_of(of(container_type=kind), WANTED, None, None)

    inner = '{"name":"app","resources":' + JSON + "}"
    patch = '{"spec":{"template":{"spec":{"initContainers":[' + inner + "]}}}}"
    assert change.command == f"kubectl patch deployment/api -n shop --patch '{patch}'"
    assert change.patch == json.loads(patch)


def test_a_bare_pod_is_resized() -> None:
    change = change_of(of(None), WANTED, None, None, pod=bare())

    patch = '{"spec":{"containers":[{"name":"app","resources":' + JSON + "}]}}"
    assert change.command == f"kubectl patch pod/api-0 -n shop --subresource resize --patch '{patch}'"
    assert change.patch == json.loads(patch)


CLUSTER = Owner(api_version="postgresql.cnpg.io/v1", kind="Cluster", name="orders")
MIRROR = Owner(api_version="v1", kind="Node", name="node-a")


@pytest.mark.parametrize(
    ("asked", "of_pod", "says"),
    [
        (of(None), None, "the pod is gone: set the size in what creates it"),
        (of(None), bare(owners=(CLUSTER,)), "pod api-0 belongs to Cluster orders (postgresql.cnpg.io/v1), whose"),
        (of(None), bare(owners=(MIRROR,)), "pod api-0 is a static pod of node-a: set the size in its file there"),
        (of(None), bare(phase="Succeeded"), "pod api-0 has ended: set the size in what creates it"),
        (of(None), bare(qos_class="BestEffort"), "pod api-0 is BestEffort, and a resize cannot change that"),
        (of(None), bare(qos_class="Guaranteed"), "pod api-0 is Guaranteed, and a resize cannot change that"),
        (of(None, container_type=ContainerType.INIT), bare(), "only app containers and sidecars of a pod can be"),
        (of("Job", "batch/v1"), None, "the template of Job api cannot be changed: delete it and create it with the"),
        (of("Rollout", "argoproj.io/v1alpha1"), None, "kubectl cannot set the resources of Rollout api (argoproj.io/"),
        (of("Deployment", "apps.example.com/v1"), None, "kubectl cannot set the resources of Deployment api (apps.ex"),
        (of(container_type=ContainerType.EPHEMERAL), None, "an ephemeral container has no resources of its own"),
    ],
)
def test_no_command_is_printed_where_none_would_work_or_last(
    asked: Recommendation, of_pod: Pod | None, says: str
) -> None:
    change = change_of(asked, WANTED, None, None, pod=of_pod)

    assert (change.command, change.patch) == (None, None)
    assert (change.why_not or "").startswith(says)


@pytest.mark.parametrize(("kind", "above"), [("ReplicaSet", "Deployment"), ("Job", "CronJob")])
def test_what_a_controller_made_sends_to_what_it_was_made_for(kind: str, above: str) -> None:
    group = "apps/v1" if kind == "ReplicaSet" else "batch/v1"
    chain = tuple(Owner(api_version=group, kind=one, name="api") for one in (kind, above))

    change = change_of(of(kind, group), WANTED, None, None, pod=pod(container(), owners=chain))

    assert change.command is None
    assert (change.why_not or "").startswith(f"{kind} api belongs to {above} api ({group}), whose controller would")


@pytest.mark.parametrize(("kind", "above"), [("ReplicaSet", "Deployment"), ("Job", "CronJob")])
def test_a_pod_sends_to_the_workload_whose_template_is_kept_and_not_to_what_stands_between(
    kind: str, above: str
) -> None:
    chain = tuple(Owner(api_version="apps/v1", kind=one, name="api") for one in (kind, above))

    change = change_of(of(None), WANTED, None, None, pod=pod(container(), owners=chain))

    assert (change.why_not or "").startswith(f"pod api-0 belongs to {above} api (apps/v1), whose controller would")


def test_an_operators_workload_and_an_injected_container_say_where_the_size_belongs() -> None:
    template = (TemplateContainer(name="main", type=ContainerType.APP, request_bytes=None, limit_bytes=None),)
    room = Room(namespace="shop", workload=None, template=template)

    injected = change_of(of(), WANTED, room, None)
    owned = change_of(of(), WANTED, replace(room, owned_by=CLUSTER), None)

    assert "container app is not in the template of Deployment api: admission adds it" in (injected.why_not or "")
    assert "belongs to Cluster orders (postgresql.cnpg.io/v1)" in (owned.why_not or "")
    assert (injected.command, owned.command) == (None, None)


def test_a_guaranteed_pod_may_be_resized_to_the_same_request_and_limit() -> None:
    same = Sizes(request_bytes=576 * MI, limit_bytes=576 * MI)

    assert change_of(of(None), same, None, None, pod=bare(qos_class="Guaranteed")).command is not None


def test_a_hostile_name_is_one_word_of_the_command() -> None:
    evil = "api; rm -rf / #'\"$(id)"
    asked = replace(
        of(), container=evil, namespace=evil, workload=Owner(api_version="apps/v1", kind="Deployment", name=evil)
    )

    change = change_of(asked, WANTED, None, None)

    words = ["kubectl", "set", "resources", f"deployment/{evil}", "-n", evil, "-c", evil, *FLAGS.split()]
    assert shlex.split(change.command or "") == words


def test_only_environment_settings_of_app_containers_have_a_heap_command() -> None:
    env = Setting(name="NODE_OPTIONS", value="--max-old-space-size=384", replaces=None, is_env=True)
    flag = Setting(name="maxmemory", value="600mb", replaces=None, is_env=False)
    heap = HeapAdvice(
        runtime="node", evidence=(), heap_cap_bytes=None, least_limit_bytes=None, sentences=(), settings=(env, flag)
    )

    assert change_of(of(), WANTED, None, heap).heap_command == (
        "kubectl set env deployment/api -n shop -c app NODE_OPTIONS=--max-old-space-size=384"
    )
    assert change_of(of(container_type=ContainerType.SIDECAR), WANTED, None, heap).heap_command is None


def test_without_a_size_there_is_no_command() -> None:
    assert change_of(of(), None, None, None).why_not == "nothing is recommended"
