"""Ways for a container to end, or not to: each with the objects that make it happen and the verdict that is true.

Every scenario is a real workload on a real node. `reached` tells when the API server shows that it has happened, and
`expects` what `why` must answer, by container. Limits are tens of Mi, so the machine is never at risk, and all
scenarios run side by side in one namespace.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.real.workloads import (
    SCRATCH,
    Json,
    all_of,
    bare_pod,
    container,
    cron_job,
    deployment,
    empty_dir,
    ended,
    event,
    evicted,
    hog,
    job,
    pod_spec,
    probe,
    shell,
    up,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.real.workloads import Seen

# The last words of a real Node.js process (v22) that ran into --max-old-space-size.
V8_FATAL = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"
# A child that is gone in seconds, as one line of a shell script.
CHILD = "hog -mode=grow -base=1 -step=4 -tick=200ms"
SAMPLED = 'count_over_time(container_memory_usage_bytes{namespace="{ns}",pod=~"{name}-.*",container="{c}"}[30m])'
OOM_COUNTED = 'max_over_time(container_oom_events_total{namespace="{ns}",pod=~"{name}-.*",container="{c}"}[30m]) > 0'


@dataclass(frozen=True)
class Truth:
    """What `why` must say about one container; `blind` when neither the kubelet nor Prometheus can be asked.

    `overdue` is the other exit code of a container that a busy machine does not let end within its grace period.
    """

    verdict: str
    exit_code: int | None = None
    blind: str | None = None
    overdue: int | None = None

    def without_metrics(self) -> str:
        """The verdict that is honest when the API server is the only witness."""
        return self.blind or self.verdict


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One way to end, and the truth about it."""

    name: str
    says: str
    kind: str = "deploy"
    objects: tuple[Json, ...]
    reached: Callable[[Seen], bool]
    expects: Mapping[str, Truth]
    metric: str | None = None  # a query that answers something once Prometheus has seen it too
    one_process_dies: bool = False  # on cgroup v2 a kubelet may kill the whole container instead

    @property
    def target(self) -> str:
        """What a person would ask about."""
        return f"{self.kind}/{self.name}"


def _deployed(
    name: str,
    says: str,
    spec: Json,
    reached: Callable[[Seen], bool],
    expects: Mapping[str, Truth],
    *,
    one_process_dies: bool = False,
) -> Scenario:
    """A scenario of one Deployment."""
    return Scenario(
        name=name,
        says=says,
        objects=(deployment(name, spec),),
        reached=reached,
        expects=expects,
        one_process_dies=one_process_dies,
    )


def _metric(scenario: Scenario, query: str) -> Scenario:
    """The same scenario, to be seen by Prometheus too."""
    (container_name,) = scenario.expects
    return replace(scenario, metric=query.replace("{name}", scenario.name).replace("{c}", container_name))


GROWS = hog("grow", base=8, step=2, tick="1s")
STEADY = hog("plateau", base=4)
BY_OWN_LIMIT = Truth("container-limit", 137)


def _killed_by_own_limit() -> list[Scenario]:
    burst = hog("spike", base=10, after="30s", max=400)
    first, second = container("first", "40Mi", GROWS), container("second", "48Mi", GROWS)
    return [
        _metric(
            _deployed(
                "slow-growth",
                "memory that grows by 2 Mi a second reaches the container's limit",
                pod_spec(container("app", "64Mi", GROWS)),
                ended("app", "OOMKilled", 137),
                {"app": BY_OWN_LIMIT},
            ),
            SAMPLED,
        ),
        _metric(
            _deployed(
                "burst",
                "memory that is flat and then gone within a sample interval",
                pod_spec(container("app", "64Mi", burst)),
                ended("app", "OOMKilled", 137),
                {"app": BY_OWN_LIMIT},
            ),
            SAMPLED,
        ),
        _deployed(
            "two-victims",
            "two containers of one pod are each killed at their own limit, a third is not",
            pod_spec(first, second, container("steady", "32Mi", STEADY)),
            all_of(ended("first", "OOMKilled", 137), ended("second", "OOMKilled", 137)),
            {"first": BY_OWN_LIMIT, "second": BY_OWN_LIMIT},
        ),
    ]


def _killed_beside_the_app() -> list[Scenario]:
    app = container("app", "32Mi", STEADY)
    return [
        _deployed(
            "init",
            "an init container is killed at its limit",
            pod_spec(app, initContainers=[container("prepare", "40Mi", GROWS)]),
            ended("prepare", "OOMKilled", 137),
            {"prepare": BY_OWN_LIMIT},
        ),
        _deployed(
            "sidecar",
            "a native sidecar is killed at its limit while the main container lives",
            pod_spec(app, initContainers=[container("proxy", "48Mi", GROWS, restartPolicy="Always")]),
            ended("proxy", "OOMKilled", 137),
            {"proxy": BY_OWN_LIMIT},
        ),
    ]


def _killed_in_a_batch() -> list[Scenario]:
    spec = pod_spec(container("app", "40Mi", GROWS))
    killed = ended("app", "OOMKilled", 137)
    return [
        Scenario(
            name="job",
            says="a Job's only pod is killed and nothing restarts it",
            kind="job",
            objects=(job("job", spec),),
            reached=killed,
            expects={"app": BY_OWN_LIMIT},
        ),
        Scenario(
            name="cron-job",
            says="a pod of a CronJob's Job is killed",
            kind="cronjob",
            objects=(cron_job("cron-job", spec),),
            reached=killed,
            expects={"app": BY_OWN_LIMIT},
        ),
    ]


def _killed_by_what_the_pod_holds() -> list[Scenario]:
    fills = hog("tmpfs", base=8, step=4, tick="1s", max=200, dir="/scratch")
    volume = empty_dir("scratch", medium="Memory")
    grows, steady = container("app", None, hog("grow", base=8, step=3)), container("steady", None, STEADY)
    limits = {"limits": {"memory": "80Mi"}, "requests": {"memory": "16Mi"}}
    return [
        _deployed(
            "memory-volume",
            "a memory-backed volume fills the pod's memory and outlives each restart",
            pod_spec(container("app", "64Mi", fills, **SCRATCH), volumes=[volume]),
            ended("app", "OOMKilled", 137, restarts=2),
            {"app": Truth("pod-limit", 137)},
        ),
        _deployed(
            "pod-level-limit",
            "two containers without limits share a pod-level limit",
            pod_spec(grows, steady, resources=limits),
            ended("app", "OOMKilled", 137),
            {"app": Truth("pod-limit", 137)},
        ),
    ]


def _killed_inside() -> list[Scenario]:
    on_term = f"trap 'exit 143' TERM; {CHILD}; sleep 5; kill -TERM 1; while :; do sleep 1; done"
    return [
        _metric(
            _deployed(
                "child",
                "a child process is killed again and again while the container stays Running with no restart",
                pod_spec(container("app", "48Mi", hog("child", base=2, step=3))),
                up("app"),
                {"app": Truth("child-killed", blind="no-termination")},
                one_process_dies=True,
            ),
            OOM_COUNTED,
        ),
        _deployed(
            "oom-exit-0",
            "a child is killed, then the main process ends well: OOMKilled with exit code 0",
            pod_spec(container("app", "40Mi", **shell(f"{CHILD}; sleep 5; exit 0"))),
            ended("app", "OOMKilled", 0),
            {"app": Truth("child-killed", 0)},
            one_process_dies=True,
        ),
        _deployed(
            "oom-exit-143",
            "a child is killed, then the main process ends on SIGTERM: OOMKilled with exit code 143",
            pod_spec(container("app", "40Mi", **shell(on_term))),
            ended("app", "OOMKilled", 143),
            {"app": Truth("child-killed", 143)},
            one_process_dies=True,
        ),
    ]


def _stopped_by_a_probe() -> list[Scenario]:
    """Once only: in a crash loop the kubelet soon drops the events that tell of it."""
    once = "test -e /scratch/again && exec hog -mode=plateau -base=4; : >/scratch/again; : >/tmp/sick"
    deaf = shell(f"{once}; exec hog -mode=plateau -base=4 -deaf")
    hurt = shell(f"{once}; trap '' TERM; {CHILD}; : >/tmp/hurt; sleep 3600")
    well, unhurt = probe("! test -e /tmp/sick", failureThreshold=2), probe("! test -e /tmp/hurt", failureThreshold=2)
    scratch = [empty_dir("scratch")]
    return [
        _deployed(
            "liveness",
            "a failed liveness probe ends a program that is deaf to SIGTERM: Error/137",
            pod_spec(container("app", "32Mi", livenessProbe=well, **deaf, **SCRATCH), volumes=scratch),
            ended("app", "Error", 137),
            {"app": Truth("probe-kill", 137)},
        ),
        _deployed(
            "startup-probe",
            "a failed startup probe ends a program that is deaf to SIGTERM: Error/137",
            pod_spec(container("app", "32Mi", startupProbe=well, **deaf, **SCRATCH), volumes=scratch),
            ended("app", "Error", 137),
            {"app": Truth("probe-kill", 137)},
        ),
        _deployed(
            "probe-after-child",
            "a child is killed, then a liveness probe ends the container: OOMKilled/137 although the probe did it",
            pod_spec(container("app", "40Mi", livenessProbe=unhurt, **hurt, **SCRATCH), volumes=scratch),
            all_of(ended("app", "OOMKilled", 137), event("Killing", "failed liveness probe")),
            {"app": Truth("probe-kill", 137)},
            one_process_dies=True,
        ),
    ]


def _evicted_for_disk() -> Scenario:
    fills = container("app", "64Mi", **shell("sleep 5; hog -mode=cache -base=4 -max=30 -dir=/scratch"), **SCRATCH)
    return Scenario(
        name="disk",
        says="a pod that fills a volume beyond its size limit is evicted for disk, not for memory",
        kind="pod",
        objects=(bare_pod("disk", pod_spec(fills, volumes=[empty_dir("scratch", sizeLimit="8Mi")])),),
        reached=evicted,
        expects={"app": Truth("evicted", 143, overdue=137)},  # a hard eviction leaves it two seconds
    )


def _ended_by_itself() -> list[Scenario]:
    return [
        _deployed(
            "exit-137",
            "the program itself ends with exit code 137, and nothing tells it from a SIGKILL",
            pod_spec(container("app", "32Mi", **shell("sleep 3; exit 137"))),
            ended("app", "Error", 137),
            {"app": Truth("sigkill-unknown", 137)},
        ),
        _deployed(
            "heap-abort",
            "a Node.js program aborts at its own heap limit: exit code 134 and no kernel kill",
            pod_spec(container("app", "64Mi", **shell(f"echo '{V8_FATAL}' >&2; sleep 3; exit 134"))),
            ended("app", "Error", 134),
            {"app": Truth("app-heap", 134)},
        ),
        _deployed(
            "crash",
            "a program that ends with exit code 1 was not killed at all",
            pod_spec(container("app", "32Mi", **shell("sleep 3; exit 1"))),
            ended("app", "Error", 1),
            {"app": Truth("not-oom", 1)},
        ),
    ]


def _too_small_to_start() -> list[Scenario]:
    tiny, roomy = container("app", "1Mi", STEADY), container("steady", "48Mi", STEADY)
    return [
        _deployed(
            "small-sandbox",
            "a limit so small that not even the pod's sandbox starts",
            pod_spec(tiny),
            event("FailedCreatePodSandBox", "OOM-killed"),
            {"app": Truth("start-oom")},
        ),
        _deployed(
            "small-container",
            "a limit too small for the runtime to start the container in it",
            pod_spec(tiny, roomy),
            ended("app", "StartError", 128),
            {"app": Truth("start-oom", 128)},
        ),
    ]


def _not_killed() -> list[Scenario]:
    reads = hog("cache", base=4, max=120, dir="/scratch", tick="5s")
    cached = pod_spec(container("app", "64Mi", reads, **SCRATCH), volumes=[empty_dir("scratch")])
    return [
        _deployed(
            "page-cache",
            "file cache fills the container to its limit and harms nobody",
            cached,
            up("app"),
            {"app": Truth("no-termination")},
        ),
        _deployed(
            "healthy",
            "a program far below its limit",
            pod_spec(container("app", "64Mi", hog("plateau", base=10))),
            up("app"),
            {"app": Truth("no-termination")},
        ),
    ]


SCENARIOS: tuple[Scenario, ...] = (
    *_killed_by_own_limit(),
    *_killed_beside_the_app(),
    *_killed_in_a_batch(),
    *_killed_by_what_the_pod_holds(),
    *_killed_inside(),
    *_stopped_by_a_probe(),
    _evicted_for_disk(),
    *_ended_by_itself(),
    *_too_small_to_start(),
    *_not_killed(),
)
