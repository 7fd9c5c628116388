"""The verdict in one sentence: who, what, where, when. The first thing read, so it must be true by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Confidence, ContainerType, Verdict
from kubectl_oom.quantity import show_bytes
from kubectl_oom.show.words import ago

if TYPE_CHECKING:
    from datetime import datetime

    from kubectl_oom.evidence import Diagnosis, NodeAnswer, Owner

_SHORT_KINDS = {
    "Deployment": "deploy",
    "StatefulSet": "sts",
    "DaemonSet": "ds",
    "ReplicaSet": "rs",
    "Job": "job",
    "CronJob": "cronjob",
}
CONTAINER_WORDS = {
    ContainerType.APP: "container",
    ContainerType.INIT: "init container",
    ContainerType.SIDECAR: "sidecar",
    ContainerType.EPHEMERAL: "ephemeral container",
}
CONFIDENCE_MEANS = {
    Confidence.CERTAIN: "a source says exactly this, or nothing else fits",
    Confidence.LIKELY: "the evidence fits this and nothing better",
    Confidence.POSSIBLE: "the evidence allows this, and other causes too",
}


def workload_target(workload: Owner | None) -> str | None:
    """`deploy/api`, as kubectl and this tool take it; None for a kind that neither can follow to its pods."""
    if workload is None or workload.kind not in _SHORT_KINDS:
        return None
    return f"{_SHORT_KINDS[workload.kind]}/{workload.name}"


def container_words(diagnosis: Diagnosis) -> str:
    """`container app`, `sidecar proxy`, `init container setup`."""
    return f"{CONTAINER_WORDS[diagnosis.container_type]} {diagnosis.container}"


def subject(diagnosis: Diagnosis, *, with_namespace: bool = False) -> str:
    """`deploy/api (pod api-7d4, container app)`, or `pod/api (container app)` for a pod that nothing owns."""
    inside, workload = container_words(diagnosis), diagnosis.workload
    place = f" in namespace {diagnosis.namespace}" if with_namespace else ""
    if workload is None:
        return f"pod/{diagnosis.pod}{place} ({inside})"
    name = workload_target(workload) or f"{workload.kind.lower()}/{workload.name}"
    return f"{name}{place} (pod {diagnosis.pod}, {inside})"


def predicate(diagnosis: Diagnosis, now: datetime) -> str:
    """What happened to it: the sentence after its subject, without the full stop."""
    when = f" {ago(diagnosis.killed_at, now)}" if diagnosis.killed_at else ""
    if diagnosis.verdict in _OF_A_LIMIT:
        return _of_a_limit(diagnosis) + ("," + when if when else "")
    return _of_something_else(diagnosis, when)


def verdict_sentence(diagnosis: Diagnosis, now: datetime, *, with_namespace: bool = False) -> str:
    """The whole sentence, such as `deploy/api (pod …) was OOM-killed at its own memory limit, 5m12s ago`."""
    if diagnosis.verdict is Verdict.NO_TERMINATION:
        who = subject(diagnosis, with_namespace=with_namespace)
        return f"Nothing in {who} was killed that any source can show."
    return f"{subject(diagnosis, with_namespace=with_namespace)} {predicate(diagnosis, now)}."


def node_sentence(answer: NodeAnswer) -> str:
    """Whether the node itself ran out of memory, as far as that can be told."""
    if answer.ran_out is None:
        return f"Whether node/{answer.name} ran out of memory cannot be told."
    if not answer.ran_out:
        return f"Nothing shows that node/{answer.name} ran out of memory."
    maybe = "possibly " if answer.confidence is Confidence.POSSIBLE else ""
    return f"node/{answer.name} {maybe}ran out of memory."


_OF_A_LIMIT = frozenset({Verdict.CONTAINER_LIMIT, Verdict.POD_LIMIT, Verdict.NODE})


def _of_a_limit(diagnosis: Diagnosis) -> str:
    maybe = ", possibly" if diagnosis.confidence is Confidence.POSSIBLE else ""
    match diagnosis.verdict:
        case Verdict.CONTAINER_LIMIT:
            size = f" of {show_bytes(diagnosis.limit_bytes)}" if diagnosis.limit_bytes is not None else ""
            return f"was OOM-killed{maybe} at its own memory limit{size}"
        case Verdict.POD_LIMIT:
            return f"was OOM-killed{maybe} at the memory limit of its pod"
        case _:
            node = f"node {diagnosis.node}" if diagnosis.node else "its node"
            return f"was OOM-killed{maybe} because {node} ran out of memory"


def _of_something_else(diagnosis: Diagnosis, when: str) -> str:
    maybe, no_oom = ("possibly ", "") if diagnosis.confidence is Confidence.POSSIBLE else ("", ": not an OOM kill")
    code = "" if diagnosis.exit_code is None else f" (exit code {diagnosis.exit_code})"
    match diagnosis.verdict:
        case Verdict.OOM_SCOPE_UNKNOWN:
            return f"was OOM-killed{when}; which limit was hit cannot be told"
        case Verdict.START_OOM:
            return f"{maybe}ran out of memory while it was being started{when}: its limit is too small to start in"
        case Verdict.CHILD_KILLED:
            return _child_killed(diagnosis, when)
        case Verdict.APP_HEAP:
            return f"{maybe}ended at its own heap limit{when}{code}{no_oom}"
        case Verdict.PROBE_KILL:
            return f"was {maybe}killed by the kubelet after a failed probe{when}{code}{no_oom}"
        case Verdict.STOPPED:
            return f"was {maybe}stopped{when}{code}{no_oom}"
        case Verdict.EVICTED:
            return f"was {maybe}evicted by the kubelet{when}{no_oom}"
        case Verdict.SIGKILL_UNKNOWN:
            return f"was killed{when}{code}, and nothing that could be read says by what"
        case _:
            return f"ended{when}{_ending(diagnosis)}{no_oom or ', and nobody saw how'}"


def _child_killed(diagnosis: Diagnosis, when: str) -> str:
    maybe = "possibly " if diagnosis.confidence is Confidence.POSSIBLE else ""
    if diagnosis.exit_code is None:
        return f"is running, but a process inside it was {maybe}OOM-killed{when}"
    return (
        f"had a process inside it {maybe}OOM-killed; the main process went on and ended later{',' + when if when else ''}"
        f" (exit code {diagnosis.exit_code})"
    )


def _ending(diagnosis: Diagnosis) -> str:
    told = [diagnosis.reason] if diagnosis.reason else []
    if diagnosis.exit_code is not None:
        told.append(f"exit code {diagnosis.exit_code}")
    return f" ({', '.join(told)})" if told else ""
