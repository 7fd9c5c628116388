"""What is worth knowing beside the verdict. Each finding has a stable code; docs/findings.md explains every one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kubectl_oom.evidence import Citation, Confidence, Finding, Pattern, Severity, Verdict
from kubectl_oom.judge.citing import cite_end, cite_event
from kubectl_oom.judge.kill_events import SIGKILL_EXIT
from kubectl_oom.judge.node_findings import eviction_of_end, node_findings
from kubectl_oom.judge.running import NEAR_LIMIT, resize_findings
from kubectl_oom.quantity import show_bytes, show_percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import CaseFile, Container, RunUp, Termination
    from kubectl_oom.judge.clues import Clues
    from kubectl_oom.judge.scope import Ruling
# A highest sample below this share of the limit that was hit cannot serve as a basis for a new limit.
MISSED_BY_SAMPLES = 0.80
# Since this kubelet version a kill takes the whole container on cgroup v2 (k/k PR 117793).
WHOLE_CONTAINER_SINCE = (1, 28)


def findings_of_end(case: CaseFile, clues: Clues, ruling: Ruling, run_up: RunUp | None) -> tuple[Finding, ...]:
    """The findings on one end, most severe first."""
    found = [
        *_other_truths(clues, ruling),
        *_limit_findings(case, clues),
        *_samples(clues, ruling, run_up),
        *_memory_volume(clues, ruling),
        *node_findings(clues, ruling),
        *eviction_of_end(clues, ruling),
        *_restarts(clues, ruling),
        *_whole_container(clues, ruling),
        *resize_findings(clues.pod),
    ]
    order = list(Severity)
    return tuple(sorted(found, key=lambda f: order.index(f.severity)))


def later_end(newer: Termination, ruling: Ruling) -> Finding:
    """The container ended once more after the kill that is explained; `ruling` is the one on that end."""
    value = f"reason {newer.reason}, exitCode {newer.exit_code}"
    code = f"exit code {newer.exit_code}" if newer.exit_code is not None else "no exit code given"
    by = {
        Verdict.NOT_OOM: ruling.because if ruling.confidence is Confidence.POSSIBLE else "not by an OOM kill.",
        Verdict.SIGKILL_UNKNOWN: "nothing says by whom or what.",
    }.get(ruling.verdict, ruling.because)
    return Finding(
        code="later-end",
        severity=Severity.INFO,
        message=f"It ended once more since, with {code} ({newer.reason or 'no reason given'}): {by}",
        evidence=(Citation(source="pod", field=newer.field, value=value, at=newer.finished_at),),
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
            remedy="profile it: kubectl oom history names the commands",
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


def _restarts(clues: Clues, ruling: Ruling) -> Iterator[Finding]:
    count, container = clues.container.restart_count, clues.container
    of_a_job = bool(clues.pod.owners) and clues.pod.owners[0].kind == "Job"
    if of_a_job and ruling.verdict is Verdict.CONTAINER_LIMIT and not _succeeded_since(clues):
        yield Finding(
            code="job-will-fail-again",
            severity=Severity.WARNING,
            message="A Job retries with the same limit: what was killed at it is killed again.",
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


def _succeeded_since(clues: Clues) -> bool:
    """True when a later instance did its work within the same limit."""
    return any(newest != clues.end and newest.exit_code == 0 for newest in clues.container.terminations[:1])


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
