"""What is worth knowing beside the verdict. Each finding has a stable code; docs/findings.md explains every one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, ContainerType, Finding, Pattern, Severity, Verdict
from kubectl_oom.judge.clues import SIGKILL_EXIT, Clues
from kubectl_oom.judge.messages import eviction
from kubectl_oom.judge.verdict import cite_end, cite_event
from kubectl_oom.quantity import parse_bytes, show_bytes, show_percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import CaseFile, Container, MemoryNow, Node, Pod, RunUp, Termination
    from kubectl_oom.judge.scope import Ruling

# From this share of the limit on, a running container is one allocation away from a kill (the usual alert threshold).
NEAR_LIMIT = 0.90
# Usage this close to the limit with a working set this far below it: page cache, which the kernel gives back.
CACHE_USAGE, CACHE_WORKING_SET = 0.90, 0.75
# A highest sample below this share of the limit that was hit cannot serve as a basis for a new limit.
MISSED_BY_SAMPLES = 0.80
# Since this kubelet version a kill takes the whole container on cgroup v2 (k/k PR 117793).
WHOLE_CONTAINER_SINCE = (1, 28)
# Guaranteed and node-critical containers, and the bounds of the rest (pkg/kubelet/qos/policy.go).
GUARANTEED_ADJ, BEST_EFFORT_ADJ, LOWEST_BURSTABLE_ADJ, HIGHEST_BURSTABLE_ADJ = -997, 1000, 3, 999
SHOWN_NEIGHBOURS = 3


def findings_of_end(case: CaseFile, clues: Clues, ruling: Ruling, run_up: RunUp | None) -> tuple[Finding, ...]:
    """The findings on one end, most severe first."""
    found = [
        *_other_truths(clues, ruling),
        *_limit_findings(case, clues),
        *_samples(clues, ruling, run_up),
        *_memory_volume(clues, ruling),
        *_node_findings(clues, ruling),
        *_eviction(clues, ruling),
        *_restarts(clues, ruling),
        *_whole_container(clues, ruling),
    ]
    order = list(Severity)
    return tuple(sorted(found, key=lambda f: order.index(f.severity)))


def findings_of_running(container: Container, now: MemoryNow | None, ruling: Ruling) -> tuple[Finding, ...]:
    """The findings on a container that runs: how near it is to its limit, and what fills it."""
    if now is None or now.working_set_bytes is None:
        return ()
    limit = now.limit_bytes or container.limit_in_effect_bytes or container.limit_bytes
    if not limit:
        return () if ruling.verdict is not Verdict.NO_TERMINATION else (_no_limit(container),)
    share = show_percent(now.working_set_bytes, limit)
    cited = (
        Citation(source=now.source, field="working set", value=show_bytes(now.working_set_bytes), at=now.at),
        Citation(source=now.source, field="limit", value=show_bytes(limit), at=now.at),
    )
    if now.working_set_bytes >= NEAR_LIMIT * limit:
        return (
            Finding(
                code="near-limit",
                severity=Severity.WARNING,
                message=f"It runs at {share} of its limit of {show_bytes(limit)}.",
                evidence=cited,
                remedy="see what it needs: kubectl oom recommend",
            ),
        )
    usage = now.usage_bytes
    if usage is not None and usage >= CACHE_USAGE * limit and now.working_set_bytes <= CACHE_WORKING_SET * limit:
        return (
            Finding(
                code="cache-fills-limit",
                severity=Severity.INFO,
                message=f"Usage is at {show_percent(usage, limit)} of the limit, but the working set at {share}: the rest is "
                "file cache, which the kernel gives back. Harmless.",
                evidence=(*cited, Citation(source=now.source, field="usage", value=show_bytes(usage), at=now.at)),
            ),
        )
    return ()


def _no_limit(container: Container) -> Finding:
    return Finding(
        code="no-limit",
        severity=Severity.INFO,
        message=f"Container {container.name} has no memory limit: only the node bounds it, and it is among the first "
        "to be killed when the node runs out.",
        remedy="set a request and a limit: kubectl oom recommend",
    )


def later_end(newer: Termination, ruling: Ruling) -> Finding:
    """The container ended once more after the kill that is explained; `ruling` is the one on that end."""
    value = f"reason {newer.reason}, exitCode {newer.exit_code}"
    code = f"exit code {newer.exit_code}" if newer.exit_code is not None else "no exit code given"
    by = {
        Verdict.NOT_OOM: "not by an OOM kill.",
        Verdict.SIGKILL_UNKNOWN: "nothing says by whom or what.",
    }.get(ruling.verdict, ruling.because)
    return Finding(
        code="later-end",
        severity=Severity.INFO,
        message=f"It ended once more since, with {code} ({newer.reason or 'no reason given'}): {by}",
        evidence=(Citation(source="pod", field=newer.field, value=value, at=newer.finished_at),),
    )


def child_killed_since(now: MemoryNow) -> Finding:
    """Processes of the instance that runs now were killed too."""
    return Finding(
        code="child-killed-now",
        severity=Severity.CRITICAL,
        message=f"The instance that runs now has lost {now.oom_events} process(es) to the OOM killer too, without "
        "ending: requests may be failing although it looks ready.",
        evidence=(
            Citation(source=now.source, field="container_oom_events_total", value=str(now.oom_events), at=now.at),
        ),
        remedy="fewer or smaller worker processes, or a higher limit",
    )


def _other_truths(clues: Clues, ruling: Ruling) -> Iterator[Finding]:
    lost_some = clues.end.reason == "OOMKilled" or bool(clues.oom_events)
    if lost_some and ruling.verdict in (Verdict.PROBE_KILL, Verdict.STOPPED, Verdict.EVICTED):
        yield Finding(
            code="child-killed-before",
            severity=Severity.CRITICAL,
            message="A process in it was OOM-killed as well, earlier in the same life or while it was being stopped: "
            "the OOM mark stays until the container ends.",
            evidence=(cite_end(clues),),
            remedy="look at its memory: kubectl oom history",
        )
    if ruling.verdict is Verdict.PROBE_KILL:
        share = clues.highest_working_set
        if share is not None and clues.limit.bytes and share >= NEAR_LIMIT * clues.limit.bytes:
            yield Finding(
                code="probe-under-pressure",
                severity=Severity.WARNING,
                message=f"Its working set was sampled at {show_percent(share, clues.limit.bytes)} of the limit: a process "
                "that the kernel makes wait for memory answers probes late.",
                remedy="raise the limit before you loosen the probe",
            )
    kill = clues.kill_event
    if kill and kill.dropped and ruling.verdict is not Verdict.PROBE_KILL:
        yield Finding(
            code="probe-killed-before",
            severity=Severity.WARNING,
            message=f"Earlier lives of it were ended by a failed {kill.probe} probe. No event about this one is kept, so that "
            "may be what ended it too.",
            evidence=(cite_event(kill.event, "pod event"),),
        )
    if clues.runs_crio and clues.end.reason == "OOMKilled":
        yield Finding(
            code="cri-o-mark",
            severity=Severity.INFO,
            message="CRI-O marks a container OOMKilled on an out-of-memory event alone; a process need not have died of it.",
        )


def _limit_findings(case: CaseFile, clues: Clues) -> Iterator[Finding]:
    container = clues.container
    if not clues.limit.known:
        now = container.limit_in_effect_bytes or container.limit_bytes
        yield Finding(
            code="limit-changed-since",
            severity=Severity.WARNING,
            message="Limits of this pod were changed in place since it was created, so the limit at the kill is not "
            f"known; today's is {show_bytes(now) if now else 'not set'}.",
            remedy="name a metrics engine, which keeps old limits: --prometheus-url",
        )
    elif clues.limit.bytes and container.limit_bytes and clues.limit.bytes != container.limit_bytes:
        yield Finding(
            code="limit-changed-since",
            severity=Severity.INFO,
            message=f"The limit was {show_bytes(clues.limit.bytes)} then and is {show_bytes(container.limit_bytes)} now.",
            evidence=(clues.limit.citation,) if clues.limit.citation else (),
        )
    if container.limit_defaulted:
        names = ", ".join(d.name for d in case.limit_defaults.get(clues.pod.namespace, ()) if d.default_limit_bytes)
        yield Finding(
            code="limit-from-limitrange",
            severity=Severity.WARNING,
            message="Nobody chose this limit: a LimitRange of the namespace filled it in"
            + (f" ({names})." if names else "."),
            evidence=(Citation(source="pod", field="annotations[kubernetes.io/limit-ranger]", value="set"),),
            remedy="set a limit of its own on the workload",
        )


def _samples(clues: Clues, ruling: Ruling, run_up: RunUp | None) -> Iterator[Finding]:
    used, limit, last = clues.highest_usage, clues.limit.bytes, clues.last_sample
    if ruling.verdict is not Verdict.CONTAINER_LIMIT or used is None or not limit or last is None:
        return
    if used < MISSED_BY_SAMPLES * limit:
        every = f" every {last.interval_seconds:.0f} s" if last.interval_seconds else ""
        yield Finding(
            code="missed-by-samples",
            severity=Severity.WARNING,
            message=f"Samples{every} never saw it above {show_bytes(used)}, yet it was killed at {show_bytes(limit)}: the "
            "highest sample is no basis for a new limit; the limit it died at is.",
            evidence=(Citation(source=last.source, field="usage", value=show_bytes(used), at=last.at),),
        )
    if run_up and run_up.pattern is Pattern.LEAK:
        yield Finding(
            code="leak-suspected",
            severity=Severity.WARNING,
            message="Its memory grows steadily in every life: a higher limit buys time only.",
            remedy="profile it; until then see how long a limit lasts: kubectl oom recommend",
        )


def _memory_volume(clues: Clues, ruling: Ruling) -> Iterator[Finding]:
    if ruling.verdict not in (Verdict.CONTAINER_LIMIT, Verdict.POD_LIMIT, Verdict.OOM_SCOPE_UNKNOWN):
        return
    for volume in clues.container.memory_volumes:
        size = volume.size_limit_bytes
        limit = clues.limit.bytes
        bound = f"its sizeLimit is {show_bytes(size)}" if size else "it has no sizeLimit"
        if size and limit and size >= limit:
            bound += f", not below the memory limit of {show_bytes(limit)}"
        yield Finding(
            code="memory-volume",
            severity=Severity.WARNING,
            message=f"Files in volume {volume.name} (emptyDir, medium Memory) count as memory and survive restarts of the "
            f"container; {bound}.",
            evidence=(Citation(source="pod", field=f"spec.volumes[{volume.name}].emptyDir.medium", value="Memory"),),
            remedy="to recover: delete the pod (its files are lost). To mend: a sizeLimit well below the limit",
        )


def _node_findings(clues: Clues, ruling: Ruling) -> Iterator[Finding]:
    if ruling.verdict is not Verdict.NODE and not (
        ruling.verdict is Verdict.EVICTED and eviction(clues.pod.message).resource == "memory"
    ):
        return
    adj = oom_score_adj(clues.pod, clues.container, clues.node)
    if adj is not None:
        yield Finding(
            code="oom-score",
            severity=Severity.INFO,
            message=f"oom_score_adj {adj} (QoS {clues.pod.qos_class or 'not known'}): the kernel picks the process with the most "
            "memory plus this handicap, 1000 being the whole node.",
            remedy="a higher memory request lowers it; a higher limit does not",
        )
    over = [
        n
        for n in (clues.node.neighbours if clues.node else ())
        if n.working_set_bytes is not None
        and n.working_set_bytes > n.request_bytes
        and (n.namespace, n.name) != (clues.pod.namespace, clues.pod.name)
    ][:SHOWN_NEIGHBOURS]
    if over:
        told = "; ".join(
            f"{n.namespace}/{n.name} uses {show_bytes(n.working_set_bytes or 0)}, requests {show_bytes(n.request_bytes)}"
            for n in over
        )
        yield Finding(
            code="neighbours-over-request",
            severity=Severity.WARNING,
            message=f"Pods on node {clues.node.name if clues.node else ''} that use more than they request now: {told}.",
            remedy="raise their requests so that the scheduler spreads them",
        )
    if clues.container.limit_bytes is None and clues.pod.limit_bytes is None:
        yield _no_limit(clues.container)


def oom_score_adj(pod: Pod, container: Container, node: Node | None) -> int | None:
    """The handicap the kubelet gives the container's processes; None where node or QoS class is not known."""
    if pod.qos_class == "Guaranteed" or pod.priority_class == "system-node-critical":
        return GUARANTEED_ADJ
    if pod.qos_class == "BestEffort":
        return BEST_EFFORT_ADJ
    if node is None or not node.capacity_bytes or pod.qos_class != "Burstable" or pod.request_bytes is not None:
        return None
    adj = 1000 - 1000 * (container.request_bytes or 0) // node.capacity_bytes
    if container.type is ContainerType.SIDECAR:
        requests = [c.request_bytes or 0 for c in pod.containers if c.type is ContainerType.APP]
        adj = min(adj, 1000 - 1000 * min(requests, default=0) // node.capacity_bytes)
    return min(max(adj, LOWEST_BURSTABLE_ADJ), HIGHEST_BURSTABLE_ADJ)


def _eviction(clues: Clues, ruling: Ruling) -> Iterator[Finding]:
    if ruling.verdict is Verdict.EVICTED:
        yield from eviction_findings(clues.pod)


def eviction_findings(pod: Pod) -> Iterator[Finding]:
    """What the eviction's own message says about who used too much."""
    told = eviction(pod.message)
    if not told.container or not told.use or not told.request:
        return
    use, request = parse_bytes(told.use), parse_bytes(told.request)
    use_text = show_bytes(use) if use is not None else told.use
    request_text = show_bytes(request) if request else "nothing"
    yield Finding(
        code="over-request",
        severity=Severity.WARNING,
        message=f"Container {told.container} was using {use_text} and requests {request_text}; the node had "
        f"{told.available or 'little'} left.",
        evidence=(Citation(source="pod", field="status.message", value=" ".join((pod.message or "").split())[:160]),),
        remedy="raise the request to what it really uses: kubectl oom recommend",
    )


def _restarts(clues: Clues, ruling: Ruling) -> Iterator[Finding]:
    count, container = clues.container.restart_count, clues.container
    if clues.pod.owners and clues.pod.owners[0].kind == "Job" and ruling.verdict is Verdict.CONTAINER_LIMIT:
        yield Finding(
            code="job-will-fail-again",
            severity=Severity.WARNING,
            message="A Job retries with the same limit, so it will be killed again.",
            evidence=(
                Citation(source="pod", field="metadata.ownerReferences", value=f"Job {clues.pod.owners[0].name}"),
            ),
            remedy="change the limit in its template; a Job must be created anew for that",
        )
    if count > 1:
        kept = len(container.terminations)
        marked = sum(t.reason == "OOMKilled" for t in container.terminations)
        yield Finding(
            code="restarts-not-all-kills",
            severity=Severity.INFO,
            message=f"{count} restarts in this pod; the API keeps the last {kept} end{'s' if kept != 1 else ''}, "
            f"{marked} of them OOMKilled. Restarts of any cause are counted.",
            evidence=(Citation(source="pod", field=f"status…[{container.name}].restartCount", value=str(count)),),
            remedy="every kill, also of pods that are gone: kubectl oom history",
        )


def _whole_container(clues: Clues, ruling: Ruling) -> Iterator[Finding]:
    """On cgroup v2 one process at the limit takes the whole container with it."""
    if ruling.verdict is not Verdict.CONTAINER_LIMIT or clues.end.exit_code != SIGKILL_EXIT or clues.node is None:
        return
    version = re.match(r"v(\d+)\.(\d+)", clues.node.kubelet_version or "")
    on_v1 = any(e.reason == "CgroupV1" for e in clues.node.events)
    if not version or (int(version[1]), int(version[2])) < WHOLE_CONTAINER_SINCE or on_v1:
        return
    if not _has_workers(clues.container):
        return
    yield Finding(
        code="whole-container-killed",
        severity=Severity.INFO,
        message=f"Kubelet {clues.node.kubelet_version} kills all processes of a container together when one reaches the "
        "limit (on cgroup v2, which the API does not tell): one worker's burst takes the others along.",
        evidence=(
            Citation(source="node", field="status.nodeInfo.kubeletVersion", value=clues.node.kubelet_version or ""),
        ),
        remedy="kubelet option singleProcessOOMKill (1.32 and later) kills the one process only",
    )


_WORKERS = re.compile(r"gunicorn|celery|uwsgi|puma|unicorn|php-fpm|postgres|nginx|jupyterhub|spark", re.IGNORECASE)


def _has_workers(container: Container) -> bool:
    words = " ".join((container.image or "", *container.command[:4]))
    return bool(_WORKERS.search(words))
