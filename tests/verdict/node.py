"""OOM kills because the node ran out, and those that cannot be told from them."""

from __future__ import annotations

from tests.build import (
    GI,
    KILLED,
    LIMIT,
    case,
    container,
    end,
    history,
    kernel_line,
    life,
    node,
    node_event,
    pod,
    samples,
    system_oom,
)
from tests.verdict.row import CERTAIN, FULL, HALF, LIKELY, POSSIBLE, Row, limited

NODE = [
    Row(
        "no limit anywhere: only the node can have run out",
        "node",
        CERTAIN,
        case(pod(container(end(), limit=None)), node()),
        ("no-limit", "oom-score"),
    ),
    Row(
        "no limit, with a node that could not be read",
        "node",
        CERTAIN,
        case(pod(container(end(), limit=None))),
        ("no-limit",),
    ),
    Row(
        "no limit under CRI-O",
        "node",
        LIKELY,
        case(pod(container(end(), limit=None, runtime="cri-o"))),
        ("no-limit", "cri-o-mark"),
    ),
    Row("a SystemOOM within the minute", "node", LIKELY, limited(on=node(system_oom(at=KILLED - 60))), ("oom-score",)),
    Row(
        "a SystemOOM merged with ten others",
        "node",
        LIKELY,
        limited(
            on=node(
                node_event(
                    "SystemOOM", "(combined from similar events): System OOM encountered, victim process: x, pid: 1"
                )
            )
        ),
        ("oom-score",),
    ),
    Row(
        "a SystemOOM just after a start of kube-proxy, which reads no kernel log",
        "node",
        LIKELY,
        limited(on=node(node_event("Starting", at=KILLED + 60, component="kube-proxy"), system_oom())),
        ("oom-score",),
    ),
    Row(
        "a SystemOOM 61 seconds off is another story",
        "container-limit",
        POSSIBLE,
        limited(on=node(system_oom(at=KILLED - 61))),
    ),
    Row(
        "SystemOOM and the kernel's own line agree",
        "node",
        CERTAIN,
        limited(on=node(system_oom(), kernel_line())),
        ("oom-score",),
    ),
    Row("the kernel's line alone", "node", LIKELY, limited(on=node(kernel_line())), ("oom-score",)),
    Row(
        "a kernel line that speaks of a cgroup is no word about the node",
        "container-limit",
        LIKELY,
        limited(on=node(kernel_line("Memory cgroup out of memory"))),
    ),
    Row(
        "SystemOOM while the container was at its own limit: either",
        "oom-scope-unknown",
        CERTAIN,
        limited(on=node(system_oom(), kernel_line()), seen=history(life(FULL))),
    ),
    Row(
        "a full node and a container far below its limit",
        "node",
        LIKELY,
        limited(on=node(), seen=history(life(HALF), node_share=0.95)),
        ("oom-score",),
    ),
    Row(
        "a full node and a container near its limit",
        "node",
        POSSIBLE,
        limited(on=node(), seen=history(life(samples(0.85 * LIMIT)), node_share=0.96)),
        ("oom-score",),
    ),
    Row(
        "a full node and no samples of the container",
        "node",
        POSSIBLE,
        limited(on=node(), seen=history(node_share=0.96)),
        ("oom-score",),
    ),
    Row(
        "a full node and a container at its limit: either",
        "oom-scope-unknown",
        CERTAIN,
        limited(on=node(), seen=history(life(FULL), node_share=0.96)),
    ),
    Row(
        "the cgroup of all pods was full, the node was not",
        "node",
        LIKELY,
        limited(
            on=node(),
            seen=history(
                life(HALF),
                node_share=0.6,
                pods_working_set={"node-a": samples(0.97 * 4 * GI)},
                pods_limit={"node-a": 4 * GI},
            ),
        ),
        ("oom-score",),
    ),
    Row(
        "a SIGKILL without the mark beside a SystemOOM, as on cgroup v1",
        "node",
        LIKELY,
        limited(ended=end("Error"), on=node(system_oom())),
        ("oom-score",),
    ),
    Row(
        "a SIGKILL without the mark beside the kernel's line about the node",
        "node",
        LIKELY,
        limited(ended=end("Error"), on=node(kernel_line())),
        ("oom-score",),
    ),
]
