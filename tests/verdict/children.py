"""Kills that spare the main process, and kills that the runtime did not mark."""

from __future__ import annotations

from tests.build import ENDED_ID, case, container, counted, end, heap_line, history, life, node, now_of, pod, samples
from tests.verdict.row import CERTAIN, FULL, HALF, LIKELY, POSSIBLE, Row, limited

CHILDREN = [
    Row("marked, but ended by itself with 0", "child-killed", CERTAIN, limited(ended=end("OOMKilled", 0))),
    Row("marked, but ended on SIGTERM", "child-killed", CERTAIN, limited(ended=end("OOMKilled", 143))),
    Row(
        "marked by CRI-O, ended by itself",
        "child-killed",
        LIKELY,
        limited(ended=end("OOMKilled", 1), runtime="cri-o"),
        ("cri-o-mark",),
    ),
    Row(
        "counted by the kubelet in a container that runs",
        "child-killed",
        CERTAIN,
        case(pod(container()), **counted(now_of(oom_events=3))),
    ),
    Row(
        "counted by the metrics engine in a container that runs",
        "child-killed",
        CERTAIN,
        case(pod(container(container_id=ENDED_ID)), None, history(life(HALF, oom_events=samples(0, 1)))),
    ),
    Row(
        "counted by the metrics engine beside numbers that count nothing",
        "child-killed",
        CERTAIN,
        case(
            pod(container(container_id=ENDED_ID)),
            None,
            history(life(HALF, oom_events=samples(0, 1))),
            **counted(now_of(None)),
        ),
    ),
    Row(
        "counted in an instance that ended by itself without the mark",
        "child-killed",
        LIKELY,
        limited(ended=end("Error", 1), seen=history(life(HALF, oom_events=samples(2)))),
    ),
    Row(
        "a supervisor's log alone says that a worker got SIGKILL",
        "child-killed",
        POSSIBLE,
        case(
            pod(container(end("Error", 1))),
            heap_lines=(heap_line("Worker (pid:7) was sent SIGKILL! Perhaps out of memory?", "gunicorn"),),
        ),
    ),
    Row(
        "children of the running instance beside an earlier kill",
        "container-limit",
        POSSIBLE,
        case(pod(container(end())), **counted(now_of(oom_events=1))),
        ("child-killed-now",),
    ),
]

LOST_MARK = [
    Row(
        "a SIGKILL without the mark, counted by the kubelet, at the limit, on a node with room",
        "container-limit",
        LIKELY,
        case(
            pod(container(end("Error"))),
            node(),
            history(life(FULL), node_share=0.5),
            **counted(now_of(ENDED_ID, oom_events=1)),
        ),
    ),
    Row(
        "a SIGKILL without the mark, counted by the metrics engine, nothing else known",
        "container-limit",
        POSSIBLE,
        limited(ended=end("Error"), seen=history(life(HALF, oom_events=samples(1)))),
        ("missed-by-samples",),
    ),
    Row(
        "a child's kill that the container was seen to survive for minutes is no witness of its SIGKILL",
        "sigkill-unknown",
        POSSIBLE,
        limited(ended=end("Error"), seen=history(life(HALF, oom_events=samples(0, 1, 1, every=200)))),
    ),
    Row(
        "nor where the kubelet counts no more than that",
        "sigkill-unknown",
        POSSIBLE,
        case(
            pod(container(end("Error"))),
            node(),
            history(life(HALF, oom_events=samples(1, 1, every=200)), node_share=0.5),
            **counted(now_of(ENDED_ID, oom_events=1)),
        ),
    ),
    Row(
        "but one more than that is",
        "container-limit",
        POSSIBLE,
        limited(ended=end("Error"), seen=history(life(HALF, oom_events=samples(1, 1, 2, every=100)))),
        ("missed-by-samples",),
    ),
    Row(
        "a count of 0 is no witness of anything",
        "sigkill-unknown",
        POSSIBLE,
        limited(ended=end("Error"), seen=history(life(HALF, oom_events=samples(0)))),
    ),
]
