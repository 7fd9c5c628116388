"""What the API still shows of the damage: which pods went on serving, and how long the others did not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Impact, Outage, Verdict
from kubectl_oom.judge.post_mortem.timeline import is_end_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from kubectl_oom.evidence import CaseFile, ContainerHistory, Diagnosis, Kill, Pod


def impact_of(case: CaseFile, history: ContainerHistory, ended: Sequence[Diagnosis]) -> Impact:
    """The impact of the ends that are told. Of a pod that is gone, or of an earlier kill, nobody keeps it."""
    pods = {pod.name: pod for pod in case.pods if pod.namespace == history.namespace and pod.name in history.pods}
    outages = sorted((outage for item in ended if (outage := _outage(item, pods.get(item.pod)))), key=lambda o: o.since)
    down = {outage.pod for outage in outages}
    went_on = {item.pod for item in ended if item.killed_at is None}
    inside = [kill.at for kill in history.kills if kill.pod in went_on]
    first = min([*(item.killed_at for item in ended if item.killed_at), *inside], default=None)
    steady: list[str] = []
    later: list[str] = []
    for name, pod in sorted(pods.items()):
        ready = _ready_since(pod)
        if name not in down and ready is not None and first is not None:
            (steady if ready <= first else later).append(name)
    serving = next((item.serving for item in ended if item.serving), None)
    return Impact(
        wanted=serving[1] if serving else None,
        ready_now=serving[0] if serving else None,
        since=first,
        kept_serving=tuple(steady),
        later_ready=tuple(later),
        outages=tuple(outages),
        untold=sum(_ended_it(kill) and not any(is_end_of(kill, item) for item in ended) for kill in history.kills),
    )


def _outage(item: Diagnosis, pod: Pod | None) -> Outage | None:
    """None where the container went on, or where no source says when it ended."""
    if item.killed_at is None or (item.verdict is Verdict.CHILD_KILLED and item.exit_code is None):
        return None
    back = item.ready_again_at
    return Outage(
        pod=item.pod,
        since=item.killed_at,
        restarted_at=item.restarted_at,
        until=back,
        goes_on=back is None and pod is not None and _says_not_ready(pod),
    )


def _ended_it(kill: Kill) -> bool:
    return kill.verdict is not Verdict.CHILD_KILLED


def _ready_since(pod: Pod) -> datetime | None:
    """Since when it has been ready without a break: the condition's time is that of its last change."""
    return next((c.at for c in pod.conditions if c.type == "Ready" and c.status == "True"), None)


def _says_not_ready(pod: Pod) -> bool:
    return any(c.type == "Ready" and c.status == "False" for c in pod.conditions)
