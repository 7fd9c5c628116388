"""The patch of a fix and its way back, for any workload: only what is named changes, and undo is the identity."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import ContainerChange, HeapAdvice, Setting, Sizes
from kubectl_oom.judge.fixing import as_it_stands, sizes_of, undo_plan_of
from kubectl_oom.judge.merging import merged
from kubectl_oom.judge.patching import (
    heap_commands_of,
    patch_of,
    pod_spec_of,
    recreate_command_of,
    settable,
    undo_patch_of,
)
from kubectl_oom.read.workload import facts_of

Json = dict[str, Any]

MI = 1024**2
API_VERSIONS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "CronJob": "batch/v1", "Pod": "v1"}
LISTS = ("containers", "initContainers")

quantities = st.sampled_from([None, "500M", "64Mi", "0.5Gi", "134217728", "1500000k"])
names = st.sampled_from(["app", "proxy", "setup", "log"])


@st.composite
def containers(draw: st.DrawFn, name: str) -> Json:
    made: Json = {"name": name, "image": draw(st.sampled_from(["a:1", "b:2"])), "resources": {"limits": {"cpu": "1"}}}
    for side in ("limits", "requests"):
        quantity = draw(quantities)
        if quantity is not None:
            made["resources"].setdefault(side, {})["memory"] = quantity
    env = [{"name": "COLOUR", "value": "red"}]
    if heap := draw(st.sampled_from([None, "-Xmx300m", "-Xmx300m -javaagent:/agent.jar"])):
        env.append({"name": "JAVA_TOOL_OPTIONS", "value": heap})
    return made | {"env": draw(st.permutations(env))}


@st.composite
def objects(draw: st.DrawFn) -> Json:
    """A workload or a pod with one to four containers, each in one of the two lists."""
    found = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    inside: Json = {"serviceAccountName": "shop"}
    for index, name in enumerate(found):
        listed = LISTS[draw(st.integers(0, 1))] if index else "containers"
        inside.setdefault(listed, []).append(draw(containers(name)))
    kind = draw(st.sampled_from(list(API_VERSIONS)))
    spec = inside if kind == "Pod" else {"replicas": 2, "template": {"metadata": {"labels": {}}, "spec": inside}}
    if kind == "CronJob":
        spec = {"schedule": "@daily", "jobTemplate": {"spec": spec}}
    return {
        "apiVersion": API_VERSIONS[kind],
        "kind": kind,
        "metadata": {"name": "shop", "namespace": "n"},
        "spec": spec,
    }


@st.composite
def planned(draw: st.DrawFn) -> tuple[Json, list[ContainerChange]]:
    """An object, and changes of some of its containers."""
    item = draw(objects())
    sizes = st.one_of(st.none(), st.integers(1, 4096).map(lambda count: count * MI))
    changes = []
    for written in facts_of(item, item["apiVersion"], item["kind"]).written:
        after = Sizes(limit_bytes=draw(sizes), request_bytes=draw(sizes))
        if after.limit_bytes is None and after.request_bytes is None:
            continue
        heap = HeapAdvice(
            runtime="jvm",
            evidence=(),
            heap_cap_bytes=None,
            least_limit_bytes=None,
            sentences=(),
            settings=(Setting(name="JAVA_TOOL_OPTIONS", value="-Xmx600m", replaces="-Xmx300m", is_env=True),),
        )
        env = settable(written, heap) if draw(st.booleans()) else {}
        changes.append(
            ContainerChange(
                container=written.name,
                type=written.type,
                before=sizes_of(written),
                after=after,
                written=written,
                heap=heap,
                env=env,
            )
        )
    return item, changes


def without_memory(item: Json, changes: list[ContainerChange]) -> Json:
    """The object without what the changes may touch: the memory of their containers, and the settings they name."""
    found = copy.deepcopy(item)
    touched = {change.container: change for change in changes}
    spec = pod_spec_of(found)
    for listed in LISTS:
        for one in spec.get(listed, ()):
            change = touched.get(one["name"])
            if change is not None:
                for side in ("limits", "requests"):
                    one.get("resources", {}).get(side, {}).pop("memory", None)
                one["resources"] = {side: held for side, held in one["resources"].items() if held}
                one["env"] = [entry for entry in one["env"] if entry["name"] not in change.env]
    return found


@given(planned())
def test_only_the_memory_and_the_heap_settings_of_named_containers_change(
    case: tuple[Json, list[ContainerChange]],
) -> None:
    item, changes = case
    target = facts_of(item, item["apiVersion"], item["kind"]).target

    after = merged(item, patch_of(target, changes))

    assert without_memory(after, changes) == without_memory(item, changes)
    now = {one.name: sizes_of(one) for one in facts_of(after, item["apiVersion"], item["kind"]).written}
    for change in changes:
        assert change.after.limit_bytes in (None, now[change.container].limit_bytes)
        assert change.after.request_bytes in (None, now[change.container].request_bytes)


@given(planned())
def test_undo_after_the_change_is_the_identity(case: tuple[Json, list[ContainerChange]]) -> None:
    item, changes = case
    target = facts_of(item, item["apiVersion"], item["kind"]).target

    after = merged(item, patch_of(target, changes))

    assert merged(after, undo_patch_of(target, changes)) == merged(item, {})


@given(planned())
def test_applying_twice_equals_once(case: tuple[Json, list[ContainerChange]]) -> None:
    item, changes = case
    patch = patch_of(facts_of(item, item["apiVersion"], item["kind"]).target, changes)

    once = merged(item, patch)

    assert merged(once, patch) == once


def _deployment(env: list[Json]) -> Json:
    one = {"name": "app", "env": env, "resources": {"limits": {"memory": "64Mi"}}}
    return {
        "kind": "Deployment",
        "metadata": {"name": "a", "namespace": "n"},
        "spec": {"template": {"spec": {"containers": [one]}}},
    }


ADVICE = HeapAdvice(
    runtime="jvm",
    evidence=(),
    heap_cap_bytes=None,
    least_limit_bytes=None,
    sentences=(),
    settings=(
        Setting(name="JAVA_TOOL_OPTIONS", value="-Xmx600m", replaces=None, is_env=True),
        Setting(name="maxmemory", value="600mb", replaces=None, is_env=False),
    ),
)


def test_a_setting_is_only_set_where_nothing_else_gets_lost() -> None:
    cases: list[tuple[list[Json], dict[str, str]]] = [
        ([], {"JAVA_TOOL_OPTIONS": "-Xmx600m"}),
        ([{"name": "JAVA_TOOL_OPTIONS", "value": "-Xmx300m"}], {"JAVA_TOOL_OPTIONS": "-Xmx600m"}),
        ([{"name": "JAVA_TOOL_OPTIONS", "value": "-Xmx300m -Dpassword=x"}], {}),
        ([{"name": "JAVA_TOOL_OPTIONS", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}], {}),
    ]
    for env, expected in cases:
        (written,) = facts_of(_deployment(env), "apps/v1", "Deployment").written

        assert settable(written, ADVICE) == expected
        assert settable(written, None) == {}


def test_the_command_that_sets_the_heap_names_only_what_can_be_set() -> None:
    facts = facts_of(_deployment([]), "apps/v1", "Deployment")
    (written,) = facts.written
    change = ContainerChange(
        container="app",
        type=written.type,
        before=sizes_of(written),
        after=sizes_of(written),
        written=written,
        heap=ADVICE,
    )

    assert list(heap_commands_of("n", facts.target, [change])) == [
        "kubectl set env deployment/a -n n -c app JAVA_TOOL_OPTIONS=-Xmx600m"
    ]


def test_a_job_is_created_again_without_what_only_the_old_one_had() -> None:
    job = {"kind": "Job", "metadata": {"name": "once", "namespace": "n"}, "spec": {"template": {"spec": {}}}}
    target = facts_of(job, "batch/v1", "Job").target

    command = recreate_command_of("n", target, {"spec": {"template": {"spec": {"containers": []}}}})

    get, patch, replace = command.split(" | ")
    assert get == "kubectl get job/once -n n -o json"
    assert '"selector":null' in patch and '"batch.kubernetes.io/controller-uid":null' in patch
    assert replace == "kubectl replace --force -f -"


def test_without_a_note_there_is_nothing_to_undo_and_what_stands_can_still_be_followed() -> None:
    facts = facts_of(_deployment([]), "apps/v1", "Deployment")

    assert undo_plan_of(facts) is None
    noted = _deployment([])
    noted["metadata"]["annotations"] = {
        "kubectl-oom/undo": '{"at":null,"version":"1","containers":[{"name":"app","type":"app","limit":"64Mi"}]}'
    }
    plan = undo_plan_of(facts_of(noted, "apps/v1", "Deployment"))
    assert plan is not None and plan.changes == ()
    assert [change.after for change in as_it_stands(plan).changes] == [Sizes(request_bytes=None, limit_bytes=64 * MI)]
