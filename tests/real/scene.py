"""The stage of the scenarios: sets them all up in one namespace, and waits for what each of them is about."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.cluster.process import ClusterError
from tests.real.scenarios import SCENARIOS, Scenario
from tests.real.workloads import Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.cluster import Cluster

DEADLINE_SECONDS = 300.0  # everything happens within a minute or two; a busy machine is given more
POLL_SECONDS = 1.0
OOM_COUNT = "container_oom_events_total"  # of a child's kill, the only trace there is


def wait_for(what: str, happened: Callable[[], bool], show: Callable[[], str]) -> None:
    """Return once it has happened; raise with what is there instead when the deadline has passed."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise ClusterError(f"{what}: not within {DEADLINE_SECONDS:.0f} s; there is:\n{show()}")
        time.sleep(POLL_SECONDS)


@dataclass
class Scene:
    """All scenarios on one cluster."""

    cluster: Cluster
    namespace: str

    @classmethod
    def empty(cls, cluster: Cluster) -> Scene:
        """A namespace in which pods can be created."""
        scene = cls(cluster, f"oom-{secrets.token_hex(3)}")
        cluster.kubectl("create", "namespace", scene.namespace)
        scene.wait("the service account", lambda: bool(scene.list("serviceaccounts")), lambda: "none")
        return scene

    @classmethod
    def set_up(cls, cluster: Cluster, scenarios: tuple[Scenario, ...] = SCENARIOS) -> Scene:
        """Create every object at once: they are independent, and together take as long as the slowest."""
        scene = cls.empty(cluster)
        items = [item for scenario in scenarios for item in scenario.objects]
        cluster.apply({"apiVersion": "v1", "kind": "List", "items": items}, scene.namespace)
        for scenario in scenarios:
            if scenario.kind == "cronjob":
                job = f"--from=cronjob/{scenario.name}"
                cluster.kubectl("create", "job", job, f"{scenario.name}-1", "-n", scene.namespace)
        return scene

    def wait(self, what: str, happened: Callable[[], bool], show: Callable[[], str]) -> None:
        """As `wait_for`."""
        wait_for(what, happened, show)

    def list(self, kind: str, *args: str) -> list[dict[str, Any]]:
        """The objects of a kind in the namespace."""
        items: list[dict[str, Any]] = self.cluster.get(kind, "-n", self.namespace, *args)["items"]
        return items

    def seen(self, scenario: Scenario) -> Seen:
        """What the API server says about a scenario's pods."""
        pods = self.list("pods", "-l", f"app={scenario.name}")
        names = {pod["metadata"]["name"] for pod in pods}
        events = [e for e in self.list("events") if e["involvedObject"].get("name") in names]
        return Seen(pods, events)

    def wait_until_reached(self, scenario: Scenario, *, metrics: bool) -> None:
        """Return once it has happened, and with `metrics` once Prometheus has seen it too."""
        self.wait(
            f"{scenario.name}: {scenario.says}",
            lambda: scenario.reached(self.seen(scenario)),
            lambda: _shown(self.seen(scenario)),
        )
        if scenario.metric and OOM_COUNT in scenario.metric:
            self.wait(f"{scenario.name} at the kubelet", lambda: self.kubelet_counts(scenario), lambda: "no count")
        query = scenario.metric
        if metrics and query:
            filled = query.replace("{ns}", self.namespace)
            self.wait(f"{filled} in Prometheus", lambda: bool(self.cluster.query(filled)), lambda: "no sample")

    def kubelet_counts(self, scenario: Scenario) -> bool:
        """Whether the kubelet counts an OOM kill in one of the scenario's containers."""
        for pod in self.seen(scenario).pods:
            path = f"/api/v1/nodes/{pod['spec']['nodeName']}/proxy/metrics/cadvisor"
            for line in self.cluster.kubectl("get", "--raw", path).splitlines():
                mine = line.startswith(OOM_COUNT) and f'pod="{pod["metadata"]["name"]}"' in line
                if mine and float(line.split()[-2]) > 0:
                    return True
        return False

    def tear_down(self) -> None:
        """Delete the namespace, without waiting until it is gone."""
        self.cluster.kubectl("delete", "namespace", self.namespace, "--wait=false")


def _shown(seen: Seen) -> str:
    statuses = [pod.get("status", {}) for pod in seen.pods]
    events = [f"{event['reason']}: {event.get('message', '')}" for event in seen.events]
    return json.dumps(statuses, indent=1) + "\n" + "\n".join(events)
