"""Ends that the kubelet or the cluster brought about."""

from __future__ import annotations

from kubectl_oom.evidence import Condition
from tests.build import (
    EARLIER_ID,
    KILLED,
    ago,
    case,
    container,
    end,
    event,
    history,
    killing,
    last_end,
    life,
    node,
    pod,
    unhealthy,
)
from tests.verdict.row import CERTAIN, EVICTED_MEMORY, FULL, LIKELY, POSSIBLE, PROBED, Row

KUBELET = [
    Row(
        "a failed liveness probe",
        "probe-kill",
        CERTAIN,
        case(pod(container(end("Error"), **PROBED), events=(killing(),))),
    ),
    Row(
        "a failed startup probe",
        "probe-kill",
        CERTAIN,
        case(pod(container(end("Error", 143)), events=(killing("failed startup probe, will be restarted"),))),
    ),
    Row(
        "a probe ended a container that had lost a child",
        "probe-kill",
        LIKELY,
        case(pod(container(end()), events=(killing(),))),
        ("child-killed-before",),
    ),
    Row(
        "a probe ended a container that had lost a child, and it obeyed SIGTERM",
        "probe-kill",
        CERTAIN,
        case(pod(container(end("OOMKilled", 143)), events=(killing(),))),
        ("child-killed-before",),
    ),
    Row(
        "a probe kill 40 seconds before the end: grace and the runtime's own work",
        "probe-kill",
        CERTAIN,
        case(pod(container(end("Error")), events=(killing(at=KILLED + 40),))),
    ),
    Row(
        "a probe kill 41 seconds before the end belongs to something else",
        "probe-kill",
        POSSIBLE,
        case(pod(container(end("Error")), events=(killing(at=KILLED + 41),))),
    ),
    Row(
        "a probe kill two seconds after the end: clocks are cut to seconds",
        "probe-kill",
        CERTAIN,
        case(pod(container(end("Error")), events=(killing(at=KILLED - 2),))),
    ),
    Row(
        "the kill of an earlier life is not that of this one",
        "container-limit",
        POSSIBLE,
        case(pod(container(end(lived=10)), events=(killing(at=KILLED + 11),))),
        ("probe-killed-before",),
    ),
    Row(
        "a long grace period does not reach into an earlier life",
        "container-limit",
        POSSIBLE,
        case(pod(container(end(lived=60)), grace_seconds=3600, events=(killing(at=KILLED + 600),))),
        ("probe-killed-before",),
    ),
    Row(
        "a drain with a longer grace period than the pod's own is what stopped it, also beside the mark",
        "stopped",
        LIKELY,
        case(
            pod(
                container(last_end(killed=60, lived=3600)),
                deletion_at=ago(61),
                deletion_grace_seconds=120,
                events=(event("Killing", "Stopping container app", at=181),),
            )
        ),
        ("child-killed-before",),
    ),
    Row(
        "a probe's own grace period counts",
        "probe-kill",
        CERTAIN,
        case(pod(container(end("Error"), probe_grace_seconds=120), events=(killing(at=KILLED + 130),))),
    ),
    Row(
        "merged kills around an unmarked end",
        "probe-kill",
        LIKELY,
        case(pod(container(end("Error")), events=(killing(at=100, since=KILLED + 500, count=5),))),
    ),
    Row(
        "merged kills around a marked end",
        "probe-kill",
        POSSIBLE,
        case(pod(container(end()), events=(killing(at=100, since=KILLED + 500, count=5),))),
        ("child-killed-before",),
    ),
    Row(
        "the event was dropped, but the probe had just failed as before earlier kills",
        "probe-kill",
        LIKELY,
        case(pod(container(end("Error")), events=(killing(at=KILLED + 700), unhealthy(KILLED + 3)))),
    ),
    Row(
        "the event was dropped, the probe had just failed, and the OOM mark weighs as much",
        "probe-kill",
        POSSIBLE,
        case(pod(container(end()), events=(killing(at=KILLED + 700), unhealthy(KILLED + 3)))),
        ("child-killed-before",),
    ),
    Row(
        "only earlier lives were ended by a probe, and this one is marked",
        "container-limit",
        POSSIBLE,
        case(
            pod(container(end()), events=(killing(at=KILLED + 700),)),
            node(),
            history(life(FULL), node_share=0.5),
        ),
        ("probe-killed-before",),
    ),
    Row(
        "only earlier lives were ended by a probe, and this one ended by itself",
        "not-oom",
        CERTAIN,
        case(pod(container(end("Error", 1)), events=(killing(at=KILLED + 700),))),
        ("probe-killed-before",),
    ),
    Row(
        "the event of another container of the pod",
        "sigkill-unknown",
        POSSIBLE,
        case(pod(container(end("Error")), events=(killing(field_path="spec.containers{other}"),))),
    ),
    Row(
        "under pressure, a probe fails",
        "probe-kill",
        CERTAIN,
        case(pod(container(end("Error")), events=(killing(),)), None, history(life(FULL))),
        ("probe-under-pressure",),
    ),
    Row(
        "a changed definition",
        "stopped",
        CERTAIN,
        case(pod(container(end("Error")), events=(killing("definition changed, will be restarted"),))),
    ),
    Row(
        "a resize that needs a restart",
        "stopped",
        CERTAIN,
        case(pod(container(end("Completed", 0)), events=(killing("resize requires restart"),))),
    ),
    Row(
        "deletion, by the kubelet's word",
        "stopped",
        CERTAIN,
        case(
            pod(
                container(last_end("Error")), deletion_at=ago(270), events=(event("Killing", "Stopping container app"),)
            )
        ),
    ),
    Row(
        "deletion, by the exit code alone",
        "stopped",
        LIKELY,
        case(pod(container(last_end("Error", 143)), deletion_at=ago(290), deletion_grace_seconds=30)),
    ),
    Row(
        "an end from before the deletion",
        "sigkill-unknown",
        POSSIBLE,
        case(pod(container(last_end("Error")), deletion_at=ago(10), deletion_grace_seconds=30)),
    ),
    Row(
        "a drain",
        "stopped",
        CERTAIN,
        case(
            pod(
                container(last_end("Error")),
                conditions=(
                    Condition(
                        type="DisruptionTarget",
                        status="True",
                        reason="EvictionByEvictionAPI",
                        message=None,
                        at=ago(KILLED + 5),
                    ),
                ),
            )
        ),
    ),
    Row(
        "an end from before the drain",
        "not-oom",
        CERTAIN,
        case(
            pod(
                container(last_end("Error", 1)),
                conditions=(
                    Condition(
                        type="DisruptionTarget", status="True", reason="EvictionByEvictionAPI", message=None, at=ago(20)
                    ),
                ),
            )
        ),
    ),
    Row(
        "a node that shut down",
        "stopped",
        CERTAIN,
        case(pod(container(last_end("Error")), phase="Failed", reason="Terminated")),
    ),
    Row(
        "a restart of all containers in place",
        "stopped",
        CERTAIN,
        case(pod(container(end("RestartingAllContainers")))),
    ),
    Row(
        "a fabricated 137",
        "sigkill-unknown",
        POSSIBLE,
        case(pod(container(last_end("ContainerStatusUnknown")))),
    ),
    Row(
        "an eviction for memory",
        "evicted",
        CERTAIN,
        case(pod(container(last_end("Error")), phase="Failed", reason="Evicted", message=EVICTED_MEMORY), node()),
        ("over-request", "oom-score"),
    ),
    Row(
        "an eviction for disk",
        "evicted",
        CERTAIN,
        case(
            pod(
                container(last_end("Error", 2)),
                phase="Failed",
                reason="Evicted",
                message='Usage of EmptyDir volume "scratch" exceeds the limit "8Mi". ',
            ),
            node(),
        ),
    ),
    Row(
        "an eviction of a container whose status was lost",
        "evicted",
        CERTAIN,
        case(
            pod(container(last_end("ContainerStatusUnknown")), phase="Failed", reason="Evicted", message=EVICTED_MEMORY)
        ),
        ("over-request",),
    ),
    Row(
        "an eviction while a process had been OOM-killed",
        "evicted",
        CERTAIN,
        case(pod(container(last_end()), phase="Failed", reason="Evicted", message=EVICTED_MEMORY)),
        ("child-killed-before", "over-request"),
    ),
    Row(
        "an eviction is told before an OOM kill of an earlier life",
        "evicted",
        CERTAIN,
        case(
            pod(
                container(last_end("Error", killed=20, container_id=EARLIER_ID), end(), restart_count=1),
                phase="Failed",
                reason="Evicted",
                message=EVICTED_MEMORY,
            )
        ),
        ("over-request",),
    ),
]
