"""What an object becomes by a patch: exactly what the patch names, as kubectl and the API server merge it."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubectl_oom.evidence import ContainerChange, ContainerType, Owner, Sizes, Written
from kubectl_oom.judge.commands import list_name
from kubectl_oom.judge.merging import merged, only
from kubectl_oom.judge.patching import patch_of, pod_spec_of, undo_patch_of
from kubectl_oom.quantity import exact_bytes
from kubectl_oom.read.workload import facts_of
from tests.hostile import patient
from tests.kubectl import kubectl

if TYPE_CHECKING:
    from pathlib import Path

Json = dict[str, Any]

KINDS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1", "CronJob": "batch/v1", "Pod": "v1"}
QUANTITIES = st.sampled_from(["64Mi", "1Gi", "500M", "134217728", "1.5Gi"])
HEAP = "--max-old-space-size=96"
NAMES = ("app", "proxy", "warm-up", "app-2")


@st.composite
def containers(draw: st.DrawFn, name: str) -> Json:
    """A container as manifests have it: with a size or without, and with much that is nobody's business here."""
    found: Json = {"name": name, "image": f"registry/{name}:1"}
    resources: Json = {}
    for side in ("limits", "requests"):
        entries = {"memory": draw(QUANTITIES)} if draw(st.booleans()) else {}
        entries |= {"cpu": "250m"} if draw(st.booleans()) else {}
        if entries:
            resources[side] = entries
    with_empty = draw(st.booleans())
    if resources or with_empty:
        found["resources"] = resources
    if draw(st.booleans()):
        found["env"] = [{"name": "NODE_OPTIONS", "value": HEAP}, {"name": "B", "value": "$(NODE_OPTIONS)"}]
    if draw(st.booleans()):
        found |= {"ports": [{"containerPort": 80}], "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    return found


@st.composite
def objects(draw: st.DrawFn) -> Json:
    """A workload or a pod with up to four containers in both lists."""
    kind = draw(st.sampled_from(list(KINDS)))
    names = draw(st.permutations(NAMES))
    split = draw(st.integers(1, 4))
    spec: Json = {"containers": [draw(containers(name)) for name in names[:split]]}
    if names[split:]:
        spec["initContainers"] = [draw(containers(name)) for name in names[split:]]
    template = {"metadata": {"labels": {"app": "x"}}, "spec": spec | {"volumes": [{"name": "data", "emptyDir": {}}]}}
    inner = {"selector": {"matchLabels": {"app": "x"}}, "template": template}
    bodies: Json = {"Pod": template["spec"], "CronJob": {"schedule": "@daily", "jobTemplate": {"spec": inner}}}
    meta = {"name": "x", "namespace": "shop", "annotations": {"a": "b"}}
    return {"apiVersion": KINDS[kind], "kind": kind, "metadata": meta, "spec": bodies.get(kind, inner)}


@st.composite
def changed(draw: st.DrawFn) -> tuple[Json, tuple[ContainerChange, ...]]:
    """An object, and changes of some of its containers in the order of the template."""
    item = draw(objects())
    found = []
    for one in facts_of(item, item["apiVersion"], item["kind"]).written:
        if draw(st.booleans()):
            sizes = Sizes(
                request_bytes=draw(st.sampled_from([None, 1 << 28])), limit_bytes=draw(st.integers(1, 1 << 34))
            )
            env = {"NODE_OPTIONS": "--y", "GOMEMLIMIT": "1"} if draw(st.booleans()) else {}
            before = Sizes(request_bytes=None, limit_bytes=None)
            found.append(
                ContainerChange(container=one.name, type=one.type, before=before, after=sizes, written=one, env=env)
            )
    return item, tuple(found)


def owner_of(item: Json) -> Owner:
    return Owner(api_version=item["apiVersion"], kind=item["kind"], name="x")


def without(item: Json, changes: tuple[ContainerChange, ...]) -> Json:
    """The object without what the changes may touch: these containers' memory, and the variables that are set."""
    found = copy.deepcopy(item)
    for change in changes:
        for one in pod_spec_of(found)[list_name(change.type)]:
            if one["name"] == change.container:
                for side in ("limits", "requests"):
                    one.get("resources", {}).get(side, {}).pop("memory", None)
                one["env"] = [entry for entry in one.get("env", []) if entry["name"] not in change.env]
    bare: Json = trimmed(found)
    return bare


def trimmed(value: Any) -> Any:
    """Without empty lists and objects: the API server makes no difference between those and none."""
    if isinstance(value, list):
        return [trimmed(one) for one in value]
    if isinstance(value, dict):
        return {key: kept for key, one in value.items() if (kept := trimmed(one)) not in ({}, [])}
    return value


@patient
@given(changed())
def test_only_the_memory_of_the_named_containers_changes_and_the_variables_that_are_set(
    case: tuple[Json, tuple[ContainerChange, ...]],
) -> None:
    item, changes = case
    before = copy.deepcopy(item)

    after = merged(item, patch_of(owner_of(item), changes))

    assert item == before
    assert without(after, changes) == without(item, changes)
    for change in changes:
        (one,) = (one for one in pod_spec_of(after)[list_name(change.type)] if one["name"] == change.container)
        assert one["resources"]["limits"]["memory"] == exact_bytes(change.after.limit_bytes or 0)
        assert change.env.items() <= {entry["name"]: entry["value"] for entry in one.get("env", [])}.items()


@patient
@given(changed())
def test_the_way_back_leads_to_where_it_began_and_the_same_change_twice_is_one(
    case: tuple[Json, tuple[ContainerChange, ...]],
) -> None:
    item, changes = case
    patch, undo = patch_of(owner_of(item), changes), undo_patch_of(owner_of(item), changes)

    after = merged(item, patch)

    assert merged(after, patch) == after
    assert trimmed(merged(after, undo)) == trimmed(item)


@patient
@given(changed())
def test_the_parts_of_a_patch_one_after_the_other_do_what_the_whole_does(
    case: tuple[Json, tuple[ContainerChange, ...]],
) -> None:
    item, changes = case
    whole = patch_of(owner_of(item), changes)

    after = item
    for change in changes:
        after = merged(after, only(whole, change.container))

    assert trimmed(after) == trimmed(merged(item, whole))
    assert all(
        set(pod_spec_of(only(whole, one.container) | {"kind": item["kind"]})) == {list_name(one.type)}
        for one in changes
    )


WRITTEN = Written(name="app", type=ContainerType.APP, request="500M", limit=None, settings={"NODE_OPTIONS": "--x"})
SIDECAR = Written(name="proxy", type=ContainerType.SIDECAR, request=None, limit="64Mi")
OBJECT: Json = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "x", "namespace": "shop"},
    "spec": {
        "selector": {"matchLabels": {"app": "x"}},
        "template": {
            "metadata": {"labels": {"app": "x"}},
            "spec": {
                "initContainers": [
                    {
                        "name": "proxy",
                        "image": "p",
                        "restartPolicy": "Always",
                        "resources": {"limits": {"memory": "64Mi"}},
                    }
                ],
                "containers": [
                    {"name": "other", "image": "o", "resources": {"limits": {"memory": "1Gi"}}},
                    {
                        "name": "app",
                        "image": "a",
                        "env": [{"name": "A", "value": "1"}, {"name": "NODE_OPTIONS", "value": "--x"}],
                        "resources": {"requests": {"memory": "500M", "cpu": "1"}},
                    },
                ],
            },
        },
    },
}


def _sizes(limit: int, request: int | None = None) -> Sizes:
    return Sizes(request_bytes=request, limit_bytes=limit)


CHANGES = tuple(
    ContainerChange(
        container=one.name, type=one.type, before=_sizes(1), after=_sizes(1 << 30, 1 << 29), written=one, env=env
    )
    for one, env in ((WRITTEN, {"NODE_OPTIONS": "--y", "NEW": "2"}), (SIDECAR, {}))
)


@pytest.mark.parametrize("way", [patch_of, undo_patch_of], ids=["forth", "back"])
def test_kubectl_merges_our_patches_to_the_same_object(tmp_path: Path, way: Any) -> None:
    patch = way(owner_of(OBJECT), CHANGES)
    (tmp_path / "object.json").write_text(json.dumps(OBJECT))

    out = kubectl(
        *("patch", "--local", "-f", str(tmp_path / "object.json"), "-o", "json", "--patch", json.dumps(patch))
    )

    assert trimmed(json.loads(out)) == trimmed(merged(OBJECT, patch))
