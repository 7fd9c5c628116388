"""A change of sizes as a strategic merge patch, as kubectl's own commands, and as the object that comes out of it."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from kubectl_oom.judge.commands import (
    INIT,
    SETTABLE,
    patch_around,
    patch_command,
    patch_flag,
    resources_of,
    set_env,
    set_resources,
    shell,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kubectl_oom.evidence import ContainerChange, HeapAdvice, Owner, Sizes, WorkloadFacts, Written

Json = dict[str, Any]

UNDO_ANNOTATION = "kubectl-oom/undo"  # on the workload itself, never on its template: that would start a rollout


def patch_of(target: Owner, changes: Sequence[ContainerChange]) -> Json:
    """Strategic merge: lists of containers are merged by name, so nothing else changes."""
    return patch_around(
        target.kind, [(one.type, one.container, _entry(resources_of(one.after), one.env)) for one in changes]
    )


def undo_patch_of(target: Owner, changes: Sequence[ContainerChange]) -> Json:
    """The patch that brings back what stood there, as it was spelled; null takes away what was not there."""
    return patch_around(
        target.kind,
        [
            (
                one.type,
                one.container,
                _entry(as_written(one.written, one.after), {name: one.written.settings.get(name) for name in one.env}),
            )
            for one in changes
        ],
    )


def restoring_patch_of(target: Owner, pairs: Sequence[tuple[Written, Written]]) -> Json:
    """The patch from how each container is spelled (second) to how it was (first); of the settings, those it names."""
    return patch_around(
        target.kind,
        [(old.type, old.name, _entry(_difference(old, now), changed_settings(old, now))) for old, now in pairs],
    )


def changed_settings(old: Written, now: Written) -> dict[str, str | None]:
    """The settings that `old` names and that stand otherwise now; None for what was not there."""
    return {name: value for name, value in old.settings.items() if now.settings.get(name) != value}


def settable(written: Written, heap: HeapAdvice | None) -> dict[str, str]:
    """The environment variables that belong to the limit and can be set without losing anything else in them."""
    settings = [setting for setting in heap.settings if setting.is_env] if heap else []
    return {
        one.name: one.value
        for one in settings
        if one.name not in written.settings or written.settings[one.name] is not None
    }


def as_written(written: Written, touched: Sizes) -> Json:
    """`resources` as they were, for the fields that a change touched."""
    found: Json = {}
    if touched.limit_bytes is not None:
        found["limits"] = {"memory": written.limit}
    if touched.request_bytes is not None:
        found["requests"] = {"memory": written.request}
    return found


def _difference(old: Written, now: Written) -> Json:
    found: Json = {}
    if old.limit != now.limit:
        found["limits"] = {"memory": old.limit}
    if old.request != now.request:
        found["requests"] = {"memory": old.request}
    return found


def _entry(resources: Json, env: Mapping[str, str | None]) -> Json:
    """What is patched of one container."""
    found: Json = {"resources": resources} if resources else {}
    if env:
        found["env"] = [
            {"name": name, "$patch": "delete"} if value is None else {"name": name, "value": value}
            for name, value in env.items()
        ]
    return found


def pod_spec_of(item: Mapping[str, Any]) -> Json:
    """The pod's spec inside an object of any of the kinds; empty where there is none."""
    spec = item.get("spec")
    for step in {"Pod": (), "CronJob": ("jobTemplate", "spec", "template", "spec")}.get(
        str(item.get("kind")), ("template", "spec")
    ):
        spec = spec.get(step) if isinstance(spec, dict) else None
    return spec if isinstance(spec, dict) else {}


# --- kubectl's own words ---------------------------------------------------------------------------------------------


def commands_of(facts: WorkloadFacts, changes: Sequence[ContainerChange], patch: Json) -> tuple[str, ...]:
    """The commands with the effect of the patch: `set resources` where it can say it, else `patch`."""
    namespace, target = facts.namespace, facts.target
    if facts.template_stays:
        return (recreate_command_of(namespace, target, patch),)
    if target.kind in ("Pod", "Job") or any(change.type in INIT for change in changes):
        return (patch_command(namespace, target, patch),)
    return tuple(set_resources(namespace, target, change.container, change.after) for change in changes)


def heap_commands_of(namespace: str, target: Owner, changes: Sequence[ContainerChange]) -> Iterator[str]:
    """`kubectl set env` for the settings that belong to the limits; none where the patch itself has to say it."""
    for change in changes:
        values = settable(change.written, change.heap)
        if values and target.kind in SETTABLE and change.type not in INIT:
            yield set_env(namespace, target, change.container, values)


# What the API server gave a Job when it was created, and refuses in one that is to be created.
OF_ONE_JOB = ("batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name")


def recreate_command_of(namespace: str, target: Owner, patch: Json) -> str:
    """A Job's template cannot change: it is deleted and created again, which starts its work from the beginning."""
    afresh = copy.deepcopy(patch)
    afresh["spec"]["selector"] = None
    afresh["spec"]["template"]["metadata"] = {"labels": dict.fromkeys(OF_ONE_JOB)}
    return " | ".join(
        (
            shell("kubectl", "get", f"job/{target.name}", "-n", namespace, "-o", "json"),
            shell("kubectl", "patch", "--local", "-f", "-", "-o", "json", *patch_flag(afresh)),
            shell("kubectl", "replace", "--force", "-f", "-"),
        )
    )


def undo_command_of(facts: WorkloadFacts, undo: Json) -> str:
    """One patch, since `set resources` cannot take away what was not there before."""
    if facts.template_stays:
        return recreate_command_of(facts.namespace, facts.target, undo)
    return patch_command(facts.namespace, facts.target, undo)
