"""`python -m tests.real.incidents [NAME ...]`: take the bundled recordings anew, from real kills on a real node.

Takes less than ten minutes: a memory that grows slowly takes its time. KUBECONFIG and PROMETHEUS_URL, as printed by
`python -m tests.cluster up`, name a node that runs already; otherwise one is started and stopped.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.cluster import Cluster
from tests.cluster.node import running
from tests.cluster.process import ClusterError
from tests.real.tool import oom
from tests.real.workloads import (
    SCRATCH,
    Json,
    Seen,
    all_of,
    container,
    deployment,
    empty_dir,
    ended,
    event,
    hog,
    pod_spec,
    probe,
    shell,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FOLDER = Path(__file__).resolve().parents[2] / "kubectl_oom" / "incidents"
NAMESPACE = "demo"
DEADLINE_SECONDS = 30 * 60.0
POLL_SECONDS = 5.0
CHILDREN_SECONDS = 300.0  # for children to be killed one after the other


@dataclass(frozen=True, kw_only=True)
class Incident:
    """A workload, and when the story it tells is complete."""

    name: str
    spec: Json
    complete: Callable[[Seen], bool]
    second_replica: Callable[[Seen], bool] | None = None  # comes when this holds: it serves while the first is killed

    @property
    def file(self) -> Path:
        """Where its recording is."""
        return FOLDER / f"{self.name}.json"


def _sized(limit: str, request: str) -> Json:
    return {"resources": {"limits": {"memory": limit}, "requests": {"memory": request}}}


def _restarted(times: int, *, ready: bool = False) -> Callable[[Seen], bool]:
    def happened(seen: Seen) -> bool:
        is_ready = all(bool(status["ready"]) for status in seen.statuses("app"))
        return seen.restarts("app") >= times and (is_ready or not ready)

    return happened


def _running_for(seconds: float) -> Callable[[Seen], bool]:
    def happened(seen: Seen) -> bool:
        now = datetime.now(timezone.utc)
        since = [status["state"].get("running", {}).get("startedAt") for status in seen.statuses("app")]
        ages = [(now - datetime.fromisoformat(at.replace("Z", "+00:00"))).total_seconds() for at in since if at]
        return bool(ages) and min(ages) >= seconds

    return happened


def _two_serve(seen: Seen) -> bool:
    return sum(bool(status["ready"]) for status in seen.statuses("app")) == 2


def _up_for(seconds: float) -> Callable[[Seen], bool]:
    since = time.monotonic()
    return lambda seen: seen.running("app") and time.monotonic() - since >= seconds


def _incidents() -> tuple[Incident, ...]:
    growing = hog("grow", base=40, step=1, tick="4500ms")
    is_up = {"readinessProbe": probe("true", initialDelaySeconds=5, periodSeconds=10)}
    deaf = "trap '' TERM; : >/tmp/alive; (sleep 120; rm /tmp/alive) & exec hog -mode=plateau -base=24 -deaf"
    alive = {"livenessProbe": probe("test -e /tmp/alive", periodSeconds=5, failureThreshold=3)}
    fill = "hog -mode=tmpfs -base=0 -step=1 -tick=4s -dir=$d"
    both = f"d=/scratch/$(date +%s); mkdir $d; {fill} & exec hog -mode=grow -base=4 -step=1 -tick=4s"
    volume = empty_dir("scratch", medium="Memory")
    stopped_by_probe = event("Killing", "failed liveness probe")
    return (
        Incident(
            name="slow-growth",
            spec=pod_spec(container("app", "128Mi", growing, **is_up, **_sized("128Mi", "64Mi"))),
            second_replica=_running_for(240),  # late enough not to be killed itself by then
            complete=all_of(_restarted(1, ready=True), _two_serve, ended("app", "OOMKilled", 137)),
        ),
        Incident(
            name="child-kill",
            spec=pod_spec(container("app", "64Mi", hog("child", base=8, step=2, tick="2s"), **_sized("64Mi", "32Mi"))),
            complete=_up_for(CHILDREN_SECONDS),
        ),
        Incident(
            name="probe-kill",
            spec=pod_spec(container("app", "64Mi", None, **shell(deaf), **alive, **_sized("64Mi", "32Mi")))
            | {"terminationGracePeriodSeconds": 10},
            complete=all_of(_restarted(2, ready=True), ended("app", "Error", 137), stopped_by_probe),
        ),
        Incident(
            name="memory-volume",
            spec=pod_spec(
                container("app", "96Mi", None, **shell(both), **SCRATCH, **_sized("96Mi", "48Mi")), volumes=[volume]
            ),
            complete=all_of(_restarted(2), ended("app", "OOMKilled", 137)),
        ),
    )


def _seen(cluster: Cluster, incident: Incident) -> Seen:
    pods = cluster.get("pods", "-n", NAMESPACE, "-l", f"app={incident.name}")["items"]
    names = {pod["metadata"]["name"] for pod in pods}
    events = cluster.get("events", "-n", NAMESPACE)["items"]
    return Seen(pods, [e for e in events if e["involvedObject"].get("name") in names])


def _record(cluster: Cluster, incident: Incident) -> None:
    """Take the snapshot as a user does."""
    engine = ["--prometheus-url", str(cluster.prometheus_url)]
    target = [f"deploy/{incident.name}", "-n", NAMESPACE, "-f", str(incident.file)]
    ran = oom(cluster.kubeconfig(), "snapshot", *target, *engine)
    if ran.code:
        raise ClusterError(ran.err)
    print(ran.err.strip(), flush=True)


def record(cluster: Cluster, incidents: Sequence[Incident]) -> None:
    """Set all of them up, and record each when its story is complete."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    made = [deployment(incident.name, incident.spec) for incident in incidents]
    cluster.apply(namespace)
    cluster.apply({"apiVersion": "v1", "kind": "List", "items": made}, NAMESPACE)
    deadline = time.monotonic() + DEADLINE_SECONDS
    waiting, alone = list(incidents), [incident for incident in incidents if incident.second_replica]
    while waiting:
        if time.monotonic() > deadline:
            raise ClusterError(f"not complete in time: {', '.join(incident.name for incident in waiting)}")
        for incident in [one for one in alone if one.second_replica and one.second_replica(_seen(cluster, one))]:
            cluster.kubectl("scale", f"deploy/{incident.name}", "--replicas=2", "-n", NAMESPACE)
            alone.remove(incident)
        for incident in [one for one in waiting if one.complete(_seen(cluster, one))]:
            _record(cluster, incident)
            waiting.remove(incident)
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def _node() -> Iterator[Cluster]:
    """The node of the environment, whose workload is removed at the end, or a new one."""
    kubeconfig, url = os.environ.get("KUBECONFIG"), os.environ.get("PROMETHEUS_URL")
    if not (kubeconfig and url):
        with running() as cluster:
            yield cluster
        return
    state = Path(kubeconfig).parent
    cluster = Cluster(state, "", has_node=True, kubeconfigs=state, prometheus_url=url)
    try:
        yield cluster
    finally:
        cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false", "--ignore-not-found")


def main() -> int:
    """Exit code of the command."""
    chosen = [incident for incident in _incidents() if incident.name in sys.argv[1:] or not sys.argv[1:]]
    try:
        with _node() as cluster:
            record(cluster, chosen)
    except ClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
