"""Reports built by hand, one per kind of answer, and the sentence that each begins with."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from kubectl_oom.evidence import (
    Citation,
    Confidence,
    ContainerType,
    Diagnosis,
    Finding,
    Gap,
    LastSample,
    Owner,
    Pattern,
    Report,
    RunUp,
    Sample,
    Severity,
    Verdict,
)
from kubectl_oom.show.sentences import verdict_sentence

NOW = datetime(2026, 11, 20, 10, 50, tzinfo=timezone.utc)
MI = 1 << 20
PROMETHEUS = "Prometheus http://prometheus.monitoring:9090"


def before(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def samples(*mebibytes: float, every: float = 15, last: float = 324) -> tuple[Sample, ...]:
    """Samples `every` seconds, the last one `last` seconds before NOW."""
    count = len(mebibytes)
    return tuple(
        Sample(at=before(last + every * (count - 1 - place)), value=int(size * MI))
        for place, size in enumerate(mebibytes)
    )


def terminated(field: str, value: str, at: datetime | None = None) -> Citation:
    path = f"status.containerStatuses[app].lastState.terminated.{field}"
    return Citation(source="pod status", field=path, value=value, at=at or before(312))


def diagnosis(**changes: Any) -> Diagnosis:
    """A container of deploy/api that was OOM-killed at its limit five minutes ago, after a slow climb."""
    climb = samples(*(96.1 - 0.58 * step for step in range(146, -1, -1)))
    killed = Diagnosis(
        namespace="shop",
        pod="api-7d4b9c6f5-x2k4q",
        node="worker-3",
        container="app",
        container_type=ContainerType.APP,
        workload=Owner(api_version="apps/v1", kind="Deployment", name="api"),
        verdict=Verdict.CONTAINER_LIMIT,
        confidence=Confidence.LIKELY,
        because="The runtime recorded OOMKilled, and usage stood at 98% of the container's limit 12s earlier.",
        killed_at=before(312),
        started_at=before(2530),
        restarted_at=before(309),
        ready_again_at=before(297),
        exit_code=137,
        reason="OOMKilled",
        restart_count=6,
        limit_bytes=100 * MI,
        limit_known=True,
        request_bytes=64 * MI,
        last_sample=LastSample(
            source=PROMETHEUS,
            at=before(324),
            working_set_bytes=int(96.1 * MI),
            usage_bytes=int(98.4 * MI),
            interval_seconds=15.0,
        ),
        run_up=RunUp(
            pattern=Pattern.LEAK,
            confidence=Confidence.LIKELY,
            reason="It grew 139Mi per hour from its start and never levelled off.",
            samples=climb,
            highest_working_set_bytes=int(96.1 * MI),
            highest_usage_bytes=int(98.4 * MI),
            growth_bytes_per_hour=139.0 * MI,
        ),
        serving=(2, 3),
        evidence=(
            terminated("reason", "OOMKilled"),
            terminated("exitCode", "137"),
            Citation(source=PROMETHEUS, field="container_memory_usage_bytes", value="98.4Mi", at=before(324)),
            Citation(source="pod spec", field="spec.containers[app].resources.limits.memory", value="100Mi"),
        ),
        findings=(
            Finding(
                code="crash-loop",
                severity=Severity.WARNING,
                message="It was killed 6 times, each time within an hour of its start.",
                evidence=(terminated("reason", "OOMKilled"),),
                remedy="A larger limit only delays the next kill; find what grows.",
            ),
        ),
    )
    return replace(killed, **changes)


NO_EVENTS = Gap(
    source="node events",
    reason='forbidden: User "ann" cannot list resource "events" in API group "" at the cluster scope',
    remedy="Bind the ClusterRole of docs/rbac.yaml, then: kubectl oom doctor",
)
NO_PROMETHEUS = Gap(
    source="Prometheus", reason="no --prometheus-url was given", remedy="kubectl oom why pod/x --prometheus-url URL"
)
NO_KUBELET = Gap(
    source="kubelet metrics/cadvisor",
    reason='forbidden: User "ann" cannot get resource "nodes/proxy" in API group "" at the cluster scope',
)
BARE: dict[str, Any] = {"last_sample": None, "run_up": None, "findings": ()}
CASES: dict[str, Report] = {}


def _child_killed() -> Diagnosis:
    return diagnosis(
        verdict=Verdict.CHILD_KILLED,
        confidence=Confidence.CERTAIN,
        because="The kubelet counts 7 OOM kills in this container, which has been running all the time.",
        killed_at=before(95),
        restarted_at=None,
        ready_again_at=None,
        exit_code=None,
        reason=None,
        restart_count=0,
        last_sample=LastSample(
            source="kubelet metrics/cadvisor",
            at=before(4),
            working_set_bytes=61 * MI,
            usage_bytes=72 * MI,
            interval_seconds=None,
        ),
        run_up=None,
        serving=(1, 1),
        evidence=(
            Citation(source="kubelet metrics/cadvisor", field="container_oom_events_total", value="7", at=before(4)),
            Citation(source="pod status", field="status.containerStatuses[app].restartCount", value="0"),
        ),
        findings=(
            Finding(
                code="ready-hides-kills",
                severity=Severity.CRITICAL,
                message="READY is 1/1 and RESTARTS is 0 although processes in it are being killed.",
                remedy="Alert on container_oom_events_total, not on restarts.",
            ),
        ),
    )


CASES["container limit"] = Report(items=(diagnosis(),), gaps=(NO_EVENTS,))
CASES["child killed"] = Report(items=(_child_killed(),), gaps=())
CASES["probe kill"] = Report(
    items=(
        diagnosis(
            verdict=Verdict.PROBE_KILL,
            confidence=Confidence.CERTAIN,
            because="The kubelet's own event says that the liveness probe failed, 30s before the container ended.",
            reason="Error",
            last_sample=LastSample(
                source="metrics.k8s.io",
                at=before(330),
                working_set_bytes=31 * MI,
                usage_bytes=None,
                interval_seconds=None,
            ),
            run_up=None,
            findings=(),
            evidence=(
                terminated("exitCode", "137"),
                Citation(
                    source="pod events",
                    field="Killing",
                    value="Container app failed liveness probe, will be restarted",
                    at=before(342),
                ),
            ),
        ),
    ),
    gaps=(NO_PROMETHEUS,),
)
CASES["evicted"] = Report(
    items=(
        diagnosis(
            **BARE,
            verdict=Verdict.EVICTED,
            confidence=Confidence.CERTAIN,
            because="The kubelet says so itself: the node was low on memory and app used more than it requested.",
            workload=None,
            pod="batch-0",
            restarted_at=None,
            ready_again_at=None,
            reason="Error",
            restart_count=0,
            limit_bytes=None,
            request_bytes=None,
            serving=None,
            evidence=(
                Citation(source="pod status", field="status.reason", value="Evicted", at=before(312)),
                Citation(
                    source="pod status",
                    field="status.message",
                    value="The node was low on resource: memory. Threshold quantity: 100Mi, available: 88Mi. "
                    "Container app was using 712Mi, request is 0, has larger consumption of memory.",
                ),
            ),
        ),
    ),
    gaps=(),
)
UNKNOWN_SIGKILL = diagnosis(
    **BARE,
    verdict=Verdict.SIGKILL_UNKNOWN,
    confidence=Confidence.POSSIBLE,
    because="Exit code 137 without OOMKilled, and no event says who sent the signal.",
    reason="Error",
    candidates=(
        "an OOM kill that the runtime did not label",
        "a stop that took longer than its grace period",
        "somebody's kill -9",
    ),
    evidence=(terminated("reason", "Error"), terminated("exitCode", "137")),
)
CASES["unknown sigkill"] = Report(items=(UNKNOWN_SIGKILL,), gaps=(NO_EVENTS, NO_PROMETHEUS))
CASES["two victims"] = Report(
    items=(
        replace(UNKNOWN_SIGKILL, container="proxy", container_type=ContainerType.SIDECAR, killed_at=before(310)),
        diagnosis(),
    ),
    gaps=(),
)
_HEALTHY = diagnosis(
    verdict=Verdict.NO_TERMINATION,
    because="No container of it has ended since its pod started.",
    killed_at=None,
    restarted_at=None,
    ready_again_at=None,
    exit_code=None,
    reason=None,
    restart_count=0,
    run_up=None,
    findings=(),
    evidence=(Citation(source="pod status", field="status.containerStatuses[app].restartCount", value="0"),),
    last_sample=LastSample(
        source="kubelet metrics/cadvisor",
        at=before(4),
        working_set_bytes=int(40.1 * MI),
        usage_bytes=48 * MI,
        interval_seconds=None,
    ),
)
CASES["nothing killed"] = Report(
    items=(
        replace(_HEALTHY, pod="api-7d4b9c6f5-9zr8w", last_sample=None),
        _HEALTHY,
        replace(
            _HEALTHY, container="proxy", container_type=ContainerType.SIDECAR, limit_bytes=None, request_bytes=None
        ),
    ),
    gaps=(NO_EVENTS,),
)
CASES["everything unknown"] = Report(
    items=(
        diagnosis(
            **BARE,
            verdict=Verdict.OOM_SCOPE_UNKNOWN,
            confidence=Confidence.POSSIBLE,
            because="The pod says OOMKilled; its limit was changed since, and nothing else could be read.",
            node=None,
            killed_at=None,
            started_at=None,
            restarted_at=None,
            ready_again_at=None,
            exit_code=None,
            restart_count=1,
            limit_bytes=None,
            limit_known=False,
            request_bytes=None,
            serving=None,
            evidence=(),
        ),
    ),
    gaps=(NO_EVENTS, NO_PROMETHEUS, NO_KUBELET),
)
CASES["many"] = Report(
    items=tuple(
        diagnosis(pod=f"api-7d4b9c6f5-{letter * 5}", killed_at=before(312 + 1500 * place), started_at=before(9000))
        for place, letter in enumerate("cabde")
    ),
    gaps=(),
)

POSSIBLE = Confidence.POSSIBLE
IN_APP = "deploy/api (pod api-7d4b9c6f5-x2k4q, container app)"
SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({}, f"{IN_APP} was OOM-killed at its own memory limit of 100Mi, 5m12s ago."),
    (
        {"workload": None, "confidence": POSSIBLE, "killed_at": None, "limit_bytes": None},
        "pod/api-7d4b9c6f5-x2k4q (container app) was OOM-killed, possibly at its own memory limit.",
    ),
    ({"verdict": Verdict.POD_LIMIT}, f"{IN_APP} was OOM-killed at the memory limit of its pod, 5m12s ago."),
    (
        {"verdict": Verdict.NODE, "workload": Owner(api_version="apps/v1", kind="StatefulSet", name="db")},
        f"{IN_APP.replace('deploy/api', 'sts/db')} was OOM-killed because node worker-3 ran out of memory, 5m12s ago.",
    ),
    (
        {"verdict": Verdict.NODE, "node": None, "confidence": POSSIBLE},
        f"{IN_APP} was OOM-killed, possibly because its node ran out of memory, 5m12s ago.",
    ),
    (
        {"verdict": Verdict.OOM_SCOPE_UNKNOWN, "workload": Owner(api_version="x.io/v1", kind="Kafka", name="k")},
        f"{IN_APP.replace('deploy/api', 'kafka/k')} was OOM-killed 5m12s ago; which limit was hit cannot be told.",
    ),
    (
        {"verdict": Verdict.START_OOM, "exit_code": 128, "container_type": ContainerType.INIT},
        (
            f"{IN_APP.replace('container', 'init container')} ran out of memory while it was being started 5m12s ago"
            ": its limit is too small to start in."
        ),
    ),
    (
        {"verdict": Verdict.CHILD_KILLED, "exit_code": None},
        f"{IN_APP} is running, but a process inside it was OOM-killed 5m12s ago.",
    ),
    (
        {"verdict": Verdict.CHILD_KILLED, "exit_code": 0},
        (
            f"{IN_APP} had a process inside it OOM-killed; the main process went on and ended later, 5m12s ago"
            " (exit code 0)."
        ),
    ),
    (
        {"verdict": Verdict.APP_HEAP, "exit_code": 134},
        f"{IN_APP} ended at its own heap limit 5m12s ago (exit code 134): not an OOM kill.",
    ),
    (
        {"verdict": Verdict.PROBE_KILL, "confidence": POSSIBLE},
        f"{IN_APP} was possibly killed by the kubelet after a failed probe 5m12s ago (exit code 137).",
    ),
    (
        {"verdict": Verdict.STOPPED, "exit_code": 143, "container_type": ContainerType.SIDECAR},
        f"{IN_APP.replace('container', 'sidecar')} was stopped 5m12s ago (exit code 143): not an OOM kill.",
    ),
    ({"verdict": Verdict.EVICTED}, f"{IN_APP} was evicted by the kubelet 5m12s ago: not an OOM kill."),
    (
        {"verdict": Verdict.SIGKILL_UNKNOWN, "container_type": ContainerType.EPHEMERAL},
        (
            f"{IN_APP.replace('container', 'ephemeral container')} was killed 5m12s ago (exit code 137), and nothing"
            " that could be read says by what."
        ),
    ),
    (
        {"verdict": Verdict.NOT_OOM, "reason": "Completed", "exit_code": 0},
        f"{IN_APP} ended 5m12s ago (Completed, exit code 0): not an OOM kill.",
    ),
    (
        {"verdict": Verdict.NO_TERMINATION, "killed_at": None},
        f"Nothing in {IN_APP} was killed that any source can show.",
    ),
]


@pytest.mark.parametrize(("changes", "sentence"), SENTENCES, ids=[sentence for _, sentence in SENTENCES])
def test_every_verdict_is_one_sentence_that_says_who_what_and_when(changes: dict[str, Any], sentence: str) -> None:
    assert verdict_sentence(diagnosis(**changes), NOW) == sentence


def test_no_verdict_is_without_a_sentence_here() -> None:
    assert {diagnosis(**changes).verdict for changes, _ in SENTENCES} == set(Verdict)


def test_the_namespace_is_said_where_it_is_asked_for() -> None:
    sentence = verdict_sentence(diagnosis(), NOW, with_namespace=True)

    assert sentence.startswith("deploy/api in namespace shop (pod api-7d4b9c6f5-x2k4q, container app) was OOM-killed")
