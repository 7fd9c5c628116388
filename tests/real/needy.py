"""Workloads on a real node that need a known amount of memory, and what Prometheus knows of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.real.scene import OOM_COUNT
from tests.real.workloads import shell

if TYPE_CHECKING:
    from tests.real.scene import Scene
    from tests.real.workloads import Json

MI = 1 << 20
WORKING_SET = "container_memory_working_set_bytes"
LAST_REASON = "kube_pod_container_status_last_terminated_reason"


def children(up_to_mi: int) -> Json:
    """One growing child after the other: it alone is killed, and the child that fits stays."""
    return shell(f"while :; do hog -mode=grow -base=5 -step=2 -tick=400ms -max={up_to_mi}; sleep 1; done")


class Needy:
    """A workload whose only container, `app`, holds so much once it has it."""

    def __init__(self, scene: Scene, name: str, needs_mi: int) -> None:
        self.scene = scene
        self.name = name
        self._needs = needs_mi * MI

    def pods(self) -> list[Json]:
        """The pods there are, those that are to end included."""
        return self.scene.list("pods", "-l", f"app={self.name}")

    def is_killed(self) -> bool:
        """Wait until its pod is known to be killed, or to have all it needs; whether it was killed."""

        def decided() -> bool:
            return self.killed() or self.has_what_it_needs()

        self.scene.wait(f"a kill of {self.name}, or none", decided, lambda: str(self.pods()))
        return self.killed()

    def killed(self) -> bool:
        """Whether Prometheus knows of a kill in a pod of now: by kube-state-metrics, or by the kernel's count."""
        ours = self._selector()
        by_status = f'{LAST_REASON}{{{ours},reason="OOMKilled"}} == 1'
        return bool(self.scene.cluster.query(f"{by_status} or {OOM_COUNT}{{{ours}}} > 0"))

    def has_what_it_needs(self) -> bool:
        """Whether it holds all of it, and was never started again."""
        query = f"{WORKING_SET}{{{self._selector()}}} >= {self._needs}"
        return bool(self.scene.cluster.query(query)) and not any(map(restarts, self.pods()))

    def _selector(self) -> str:
        names = "|".join(pod["metadata"]["name"] for pod in self.pods())
        return f'namespace="{self.scene.namespace}",pod=~"{names}",container="app"'


def restarts(pod: Json) -> int:
    """Of all its containers."""
    return sum(status["restartCount"] for status in pod["status"].get("containerStatuses", []))
