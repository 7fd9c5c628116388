"""OOM kills at the container's own limit, and how sure that is."""

from __future__ import annotations

from kubectl_oom.evidence import ContainerType
from tests.build import (
    EARLIER_ID,
    EARLY,
    KILLED,
    LIMIT,
    MI,
    case,
    container,
    end,
    event,
    history,
    last_end,
    life,
    node,
    node_event,
    other,
    pod,
    samples,
    system_oom,
    waiting,
)
from tests.verdict.row import CERTAIN, FULL, HALF, LIKELY, POD_KEY, POSSIBLE, PROBED, Row, limited

JUST_AT, JUST_BELOW = samples(0.95 * LIMIT), samples(0.95 * LIMIT - 1)
STARTED_EVENT = event("Started", "Container started", at=KILLED + 600)

CONTAINER_LIMIT = [
    Row(
        "usage at the limit and a node with room: nothing else can have been full",
        "container-limit",
        CERTAIN,
        limited(on=node(), seen=history(life(FULL), node_share=0.5)),
    ),
    Row(
        "at exactly 95 % of the limit it was at the limit",
        "container-limit",
        CERTAIN,
        limited(on=node(), seen=history(life(JUST_AT), node_share=0.5)),
    ),
    Row(
        "a byte below 95 % nobody saw it at its limit, though the node had room",
        "container-limit",
        LIKELY,
        limited(on=node(), seen=history(life(JUST_BELOW), node_share=0.5)),
    ),
    Row(
        "a node at exactly 90 % had room",
        "container-limit",
        CERTAIN,
        limited(on=node(), seen=history(life(FULL), node_share=0.90)),
    ),
    Row(
        "a node above 90 % is not excluded",
        "container-limit",
        LIKELY,
        limited(on=node(), seen=history(life(FULL), node_share=0.901)),
    ),
    Row(
        "usage at the limit without a word about the node",
        "container-limit",
        LIKELY,
        limited(seen=history(life(FULL))),
    ),
    Row(
        "usage at the limit an hour before the end says nothing about the end",
        "container-limit",
        LIKELY,
        limited(
            ended=end(lived=9000),
            on=node(),
            seen=history(life(samples(0.99 * LIMIT, *[0.3 * LIMIT] * 300)), node_share=0.5),
        ),
    ),
    Row(
        "usage at the limit that was half file cache is not certain to have killed",
        "container-limit",
        LIKELY,
        limited(on=node(), seen=history(life(FULL, samples(0.45 * LIMIT)), node_share=0.5)),
    ),
    Row(
        "usage far below the limit on a node with room: faster than the samples",
        "container-limit",
        LIKELY,
        limited(on=node(), seen=history(life(HALF), node_share=0.5)),
        ("missed-by-samples",),
    ),
    Row(
        "no samples at all, on a node whose events reach back and tell of nothing",
        "container-limit",
        LIKELY,
        limited(on=node(EARLY)),
    ),
    Row(
        "no samples, and a node whose oldest kept event is younger than the kill",
        "container-limit",
        POSSIBLE,
        limited(on=node(node_event("NodeReady", at=10))),
    ),
    Row("no samples and no node: the limit is a guess", "container-limit", POSSIBLE, limited()),
    Row(
        "no samples, on a node under memory pressure",
        "container-limit",
        POSSIBLE,
        limited(on=node(EARLY, pressure="True")),
    ),
    Row(
        "no samples, on a node with a SystemOOM hours ago",
        "container-limit",
        POSSIBLE,
        limited(on=node(system_oom(at=KILLED + 5000))),
    ),
    Row(
        "a SystemOOM told just after a kubelet start is an old one read again",
        "container-limit",
        POSSIBLE,
        limited(on=node(node_event("Starting", "Starting kubelet.", at=KILLED + 60), system_oom())),
    ),
    Row(
        "the pod's cgroup stands for its only container",
        "container-limit",
        CERTAIN,
        limited(
            on=node(),
            seen=history(life(HALF), node_share=0.5, pod_usage={POD_KEY: samples(0.97 * LIMIT)}),
        ),
        ("missed-by-samples",),
    ),
    Row(
        "the pod's cgroup holds its runtime's overhead as well, which the container's limit does not bound",
        "container-limit",
        LIKELY,
        case(
            pod(container(end()), overhead_bytes=100 * MI),
            node(),
            history(life(HALF), node_share=0.5, pod_usage={POD_KEY: samples(0.97 * LIMIT)}),
        ),
        ("missed-by-samples",),
    ),
    Row(
        "CRI-O marks containers that lost nothing, so certain becomes likely",
        "container-limit",
        LIKELY,
        limited(on=node(runtime_version="cri-o://1.36.0"), seen=history(life(FULL), node_share=0.5)),
        ("cri-o-mark",),
    ),
    Row(
        "a life without an id is found by its time",
        "container-limit",
        CERTAIN,
        limited(on=node(), seen=history(life(FULL, container_id=None), node_share=0.5)),
    ),
    Row(
        "a life of another instance is no witness",
        "container-limit",
        POSSIBLE,
        limited(seen=history(life(FULL, container_id=EARLIER_ID))),
    ),
    Row(
        "a probe whose Killing event has expired is not excluded",
        "container-limit",
        LIKELY,
        limited(on=node(), seen=history(life(FULL), node_share=0.5), **PROBED),
    ),
    Row(
        "a probe is excluded where older events of the pod are kept",
        "container-limit",
        CERTAIN,
        case(
            pod(container(end(), **PROBED), events=(STARTED_EVENT,)),
            node(),
            history(life(FULL), node_share=0.5),
        ),
    ),
    Row(
        "an older OOM kill is told before a newer end of another kind",
        "container-limit",
        POSSIBLE,
        case(pod(container(last_end("Error", 1, killed=100, container_id=EARLIER_ID), end(), restart_count=2))),
        ("later-end", "restarts-not-all-kills"),
    ),
    Row(
        "an init container is killed at its own limit as any other",
        "container-limit",
        LIKELY,
        case(
            pod(waiting(end(), type=ContainerType.INIT), other(state="waiting", running_since=None)),
            node(EARLY),
        ),
    ),
    Row(
        "a pod of a Job is not restarted by itself",
        "container-limit",
        POSSIBLE,
        case(pod(container(last_end()), phase="Failed", restart_policy="Never")),
    ),
]
