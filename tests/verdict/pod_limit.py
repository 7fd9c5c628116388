"""OOM kills at a limit of the pod, by memory volumes, and at limits that changed."""

from __future__ import annotations

from typing import Any

from kubectl_oom.evidence import CaseFile, Condition, ContainerType
from tests.build import (
    EARLY,
    KILLED,
    LIMIT,
    MI,
    TMPFS,
    ago,
    case,
    container,
    end,
    history,
    last_end,
    life,
    node,
    other,
    pod,
    samples,
    waiting,
)
from tests.verdict.row import CERTAIN, FULL, HALF, LIKELY, POD_KEY, POSSIBLE, Row

DEFERRED = Condition(type="PodResizePending", status="True", reason="Deferred", message=None, at=ago(9000))
TMPFS_LEFT: dict[str, Any] = {"memory_volumes": (TMPFS,), "restart_count": 3}


def _pod_limited(*others: Any, share: float | None = None, usage: Any = (), limit: int | None = LIMIT) -> CaseFile:
    """A container in a pod with a pod-level limit of 150 Mi; `share` of it sampled in use."""
    used = {POD_KEY: samples(share * 150 * MI)} if share is not None else {}
    seen = history(life(usage) if usage else life((), samples(MI)), node_share=0.5, pod_usage=used)
    return case(pod(container(end(), limit=limit), *others, limit_bytes=150 * MI), node(), seen)


def _left_in_volume(*, share: float | None, lived: float = 5, usage: Any = (), steady: Any = ()) -> CaseFile:
    """A later instance of a container with a memory-backed volume."""
    seen = history(*[life(usage)] * bool(usage), pod_usage={POD_KEY: samples(share * LIMIT)} if share else {})
    return case(pod(container(end(lived=lived), **TMPFS_LEFT), *steady), node(EARLY), seen)


POD_LIMIT = [
    Row("no own limit, a pod-level one: no sample", "pod-limit", LIKELY, _pod_limited(other(limit=None), limit=None)),
    Row(
        "no own limit, the pod at its limit, a node with room",
        "pod-limit",
        CERTAIN,
        _pod_limited(other(limit=None), limit=None, share=0.97),
    ),
    Row(
        "no own limit, the pod at its limit, a node with room, under CRI-O",
        "pod-limit",
        LIKELY,
        case(
            pod(container(end(), limit=None, runtime="cri-o"), limit_bytes=150 * MI),
            node(),
            history(node_share=0.5, pod_usage={POD_KEY: samples(149 * MI)}),
        ),
        ("cri-o-mark",),
    ),
    Row(
        "no own limit, the pod below its limit, and a full node: either",
        "oom-scope-unknown",
        CERTAIN,
        case(
            pod(container(end(), limit=None), limit_bytes=150 * MI),
            node(),
            history(node_share=0.96, pod_usage={POD_KEY: samples(50 * MI)}),
        ),
    ),
    Row(
        "own limit and pod-level limit, no samples: which cannot be told",
        "oom-scope-unknown",
        CERTAIN,
        _pod_limited(other()),
    ),
    Row(
        "own limit and pod-level limit, samples that show neither at its limit",
        "oom-scope-unknown",
        CERTAIN,
        _pod_limited(other(), share=0.6, usage=HALF),
    ),
    Row(
        "the pod at its limit, the container below its own",
        "pod-limit",
        LIKELY,
        _pod_limited(other(), share=0.96, usage=HALF),
    ),
    Row(
        "the container at its own limit, the pod below its",
        "container-limit",
        CERTAIN,
        _pod_limited(other(), share=0.7, usage=FULL),
    ),
    Row(
        "both at their limits",
        "container-limit",
        LIKELY,
        _pod_limited(other(), share=0.97, usage=FULL),
    ),
    Row(
        "limits that together fit into the pod's: the pod cannot fill up first",
        "container-limit",
        LIKELY,
        _pod_limited(other(limit=50 * MI), usage=HALF),
        ("missed-by-samples",),
    ),
    Row(
        "a pod-level limit with a single container of a smaller one",
        "container-limit",
        LIKELY,
        _pod_limited(usage=HALF),
        ("missed-by-samples",),
    ),
    Row(
        "an ephemeral container is bounded by the limits of the others",
        "pod-limit",
        LIKELY,
        case(pod(container(limit=LIMIT), other("debug", None, last_end(), type=ContainerType.EPHEMERAL)), node()),
    ),
    Row(
        "a memory volume that fills the pod, met by a new instance",
        "pod-limit",
        LIKELY,
        _left_in_volume(share=0.86),
        ("memory-volume", "restarts-not-all-kills"),
    ),
    Row(
        "a new instance that dies at once beside a memory volume nobody measured",
        "pod-limit",
        POSSIBLE,
        _left_in_volume(share=None, lived=0),
        ("memory-volume", "restarts-not-all-kills"),
    ),
    Row(
        "a memory volume that was not that full explains nothing",
        "container-limit",
        LIKELY,
        _left_in_volume(share=0.5),
        ("memory-volume", "restarts-not-all-kills"),
    ),
    Row(
        "a memory volume in a pod that nothing bounds",
        "container-limit",
        LIKELY,
        _left_in_volume(share=None, steady=(other(limit=None),)),
        ("memory-volume", "restarts-not-all-kills"),
    ),
    Row(
        "the first instance is charged for its volume itself",
        "container-limit",
        LIKELY,
        case(pod(container(end(lived=5), memory_volumes=(TMPFS,), restart_count=1)), node(EARLY)),
        ("memory-volume",),
    ),
    Row(
        "the second instance, back in crash loop, has met what the first one left",
        "pod-limit",
        POSSIBLE,
        case(pod(waiting(end(lived=5), memory_volumes=(TMPFS,), restart_count=1)), node(EARLY)),
        ("memory-volume",),
    ),
    Row(
        "an own usage above three quarters of the limit needs no volume",
        "container-limit",
        LIKELY,
        _left_in_volume(share=0.9, usage=samples(0.76 * LIMIT)),
        ("missed-by-samples", "memory-volume", "restarts-not-all-kills"),
    ),
]

RESIZED = [
    Row(
        "a limit changed in place, and nothing kept the old one",
        "oom-scope-unknown",
        CERTAIN,
        case(pod(container(end()), resized=True)),
        ("limit-changed-since",),
    ),
    Row(
        "a limit changed in place long before the end was in force by then",
        "container-limit",
        POSSIBLE,
        case(pod(container(end(), limit_in_effect_bytes=LIMIT), resized=True, resized_at=ago(KILLED + 120))),
    ),
    Row(
        "a limit changed in place just before the end may not have been in force yet",
        "oom-scope-unknown",
        CERTAIN,
        case(pod(container(end()), resized=True, resized_at=ago(KILLED + 119))),
        ("limit-changed-since",),
    ),
    Row(
        "a limit changed in place before the end that the node has no room for is not in force",
        "oom-scope-unknown",
        CERTAIN,
        case(pod(container(end()), resized=True, resized_at=ago(9000), conditions=(DEFERRED,))),
        ("limit-changed-since", "resize-not-done"),
    ),
    Row(
        "a limit changed in place before the end of which another is still enforced",
        "oom-scope-unknown",
        CERTAIN,
        case(pod(container(end(), limit_in_effect_bytes=64 * MI), resized=True, resized_at=ago(9000))),
        ("limit-changed-since",),
    ),
    Row(
        "a limit changed in place, kept by the metrics engine",
        "container-limit",
        CERTAIN,
        case(
            pod(container(end(), limit=400 * MI), resized=True),
            node(),
            history(life(FULL, limit=samples(LIMIT)), node_share=0.5),
        ),
        ("limit-changed-since",),
    ),
    Row(
        "a resize beside a container that never had a limit",
        "node",
        CERTAIN,
        case(pod(container(end(), limit=None), resized=True)),
        ("no-limit",),
    ),
]
