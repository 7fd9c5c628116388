"""How a size is set by hand: the `kubectl` command that does exactly that, and the same as a patch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import ENDED_PHASES, Change, ContainerType, Owner
from kubectl_oom.judge.commands import (
    INIT,
    SETTABLE,
    patch_around,
    patch_command,
    resources_of,
    set_env,
    set_resources,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import HeapAdvice, Pod, Recommendation, Room, Setting, Sizes


def change_of(
    size: Recommendation, sizes: Sizes | None, room: Room | None, heap: HeapAdvice | None, *, pod: Pod | None = None
) -> Change:
    """The command and the patch that set `sizes`; `pod` is the newest pod that has the container."""
    if sizes is None:
        return Change(command=None, patch=None, why_not="nothing is recommended")
    owner = size.workload
    if owner is None:
        return _of_a_pod(size, sizes, room, pod)
    if why_not := _why_not(owner, room, size, pod):
        return Change(command=None, patch=None, why_not=why_not)
    patch = patch_around(owner.kind, [(size.container_type, size.container, {"resources": resources_of(sizes)})])
    by_patch = size.container_type in INIT  # a patch does this with any kubectl
    return Change(
        command=patch_command(size.namespace, owner, patch)
        if by_patch
        else set_resources(size.namespace, owner, size.container, sizes),
        patch=patch,
        heap_command=None if by_patch else _set_env(owner, size, heap.settings if heap else ()),
    )


def _why_not(owner: Owner, room: Room | None, size: Recommendation, pod: Pod | None) -> str | None:
    """Why no command can set it, or why it would not last; None where one can."""
    if above := (room.owned_by if room else None) or _above(owner, pod):
        return _belongs(f"{owner.kind} {owner.name}", above)
    if owner.kind == "Job":
        return f"the template of Job {owner.name} cannot be changed: delete it and create it with the new size"
    if owner.kind not in SETTABLE or not owner.is_built_in:
        return (
            f"kubectl cannot set the resources of {owner.kind} {owner.name} ({owner.api_version}): set the size in it"
        )
    if size.container_type is ContainerType.EPHEMERAL:
        return "an ephemeral container has no resources of its own"
    if room and room.template and size.container not in {one.name for one in room.template}:
        return (
            f"container {size.container} is not in the template of {owner.kind} {owner.name}: admission adds it to the "
            "pods, and its size is set where it comes from"
        )
    return None


def _above(owner: Owner, pod: Pod | None) -> Owner | None:
    """What made the workload itself: of a ReplicaSet its Deployment, of a Job its CronJob."""
    chain = pod.owners if pod else ()
    return next(iter(chain[chain.index(owner) + 1 :]), None) if owner in chain else None


def _belongs(what: str, above: Owner) -> str:
    return (
        f"{what} belongs to {above.kind} {above.name} ({above.api_version}), whose controller would undo a change of it "
        "or leave it behind: set the size there"
    )


def _of_a_pod(size: Recommendation, sizes: Sizes, room: Room | None, pod: Pod | None) -> Change:
    """A bare pod is resized in place, which Kubernetes 1.33 and later do."""
    if pod is None:
        return Change(command=None, patch=None, why_not="the pod is gone: set the size in what creates it")
    if why_not := _no_resize(size, sizes, room, pod):
        return Change(command=None, patch=None, why_not=why_not)
    patch = patch_around("Pod", [(size.container_type, size.container, {"resources": resources_of(sizes)})])
    target = Owner(api_version="v1", kind="Pod", name=pod.name)
    return Change(command=patch_command(size.namespace, target, patch), patch=patch)


def _no_resize(size: Recommendation, sizes: Sizes, room: Room | None, pod: Pod) -> str | None:
    """Why a pod cannot be resized to that, as the API server would refuse it, or why it would not last."""
    # The last of the chain: a size set in a ReplicaSet or a Job is undone by what that was made for, or reaches no pod.
    above = room.owned_by if room and room.owned_by else pod.owners[-1] if pod.owners else None
    if above and above.kind == "Node":
        return f"pod {pod.name} is a static pod of {above.name}: set the size in its file there"
    if above:
        return _belongs(f"pod {pod.name}", above)
    if pod.phase in ENDED_PHASES:
        return f"pod {pod.name} has ended: set the size in what creates it"
    if size.container_type in (ContainerType.INIT, ContainerType.EPHEMERAL):
        return "only app containers and sidecars of a pod can be resized: set the size in what creates it"
    return _other_class(sizes, pod)


def _other_class(sizes: Sizes, pod: Pod) -> str | None:
    """Why the size would change the pod's QoS class, which is given once and for all."""
    fixed = "a resize cannot change that: set the size in what creates it"
    if pod.qos_class == "BestEffort":
        return f"pod {pod.name} is BestEffort, and {fixed}"
    if pod.qos_class == "Guaranteed" and sizes.request_bytes != sizes.limit_bytes:
        return f"pod {pod.name} is Guaranteed, and {fixed}, or ask for --target-qos guaranteed"
    return None


def _set_env(owner: Owner, size: Recommendation, settings: Sequence[Setting]) -> str | None:
    values = {setting.name: setting.value for setting in settings if setting.is_env}
    return set_env(size.namespace, owner, size.container, values) if values else None
