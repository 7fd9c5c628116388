"""How long it takes from memory that is too high to another pod that serves."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import Pod

SYNC_SECONDS = 15.0  # kube-controller-manager --horizontal-pod-autoscaler-sync-period, its default
METRICS_SECONDS = 60.0  # metrics-server --metric-resolution, its default; its manifest sets 15 s
ASSUMED_SECONDS = 60.0  # for a pod to be ready, where none tells


@dataclass(frozen=True, slots=True)
class Start:
    """How long a new pod takes until it is ready."""

    seconds: float
    pods: int  # that told it; 0: it is assumed

    @property
    def reaction_seconds(self) -> float:
        """From memory that is too high to a pod that is ready."""
        return METRICS_SECONDS + SYNC_SECONDS + self.seconds


def start_of(pods: Sequence[Pod]) -> Start:
    """The median of the pods that are ready and never restarted: of others, Ready tells of a later start."""
    known = [seconds for pod in pods if (seconds := _seconds(pod)) is not None]
    return Start(median(known), len(known)) if known else Start(ASSUMED_SECONDS, 0)


def _seconds(pod: Pod) -> float | None:
    if pod.created_at is None or any(container.restart_count for container in pod.containers):
        return None
    ready = (one.at for one in pod.conditions if one.type == "Ready" and one.status == "True" and one.at)
    took = [(at - pod.created_at).total_seconds() for at in ready]
    return took[0] if took and took[0] >= 0 else None
