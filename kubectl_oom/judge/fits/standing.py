"""Who keeps the workload as it is, and what the change makes of its pods' quality of service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kubectl_oom.evidence import Fit
from kubectl_oom.judge.fits.pod import reserved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import Room
    from kubectl_oom.judge.fits.pod import Trial, WholePod

GUARANTEED, BURSTABLE, BEST_EFFORT = "Guaranteed", "Burstable", "BestEffort"
_KILLED_LATER = "the kubelet protects it more when the node runs out"
_KILLED_EARLIER = "the kubelet protects it less when the node runs out"


def owner(room: Room) -> Iterator[Fit]:
    """An operator's object above the workload, whose controller would set the size back."""
    above, workload = room.owned_by, room.workload
    if above is None:
        return
    own = f"{workload.kind} {workload.name}" if workload else "The pod"
    yield Fit(
        check="owner",
        ok=False,
        detail=f"{own} belongs to {above.kind} {above.name} ({above.api_version}), whose controller would set it back.",
        remedy=f"set the size in {above.kind} {above.name}",
    )


def qos(trial: Trial) -> Iterator[Fit]:
    """The QoS class with the new size, where today's is known and another."""
    today = trial.qos_class
    if today not in (GUARANTEED, BURSTABLE, BEST_EFFORT):
        return
    then = _class_then(trial, today)
    if then is None:
        refused = "" if trial.room.workload else ", and the API server then refuses to resize the pod"
        yield Fit(
            check="qos",
            ok=True,
            detail="With request and limit of memory the same everywhere, the QoS class becomes Guaranteed where CPU "
            f"is set so as well{refused}; today it is Burstable.",
        )
    elif then != today and trial.room.workload is None:
        yield Fit(
            check="qos",
            ok=False,
            detail=f"The QoS class would change from {today} to {then}, which no resize of a pod may do.",
            remedy="create the pod anew with the new size",
        )
    elif then != today:
        meaning = _KILLED_EARLIER if today == GUARANTEED else _KILLED_LATER
        yield Fit(check="qos", ok=True, detail=f"The QoS class changes from {today} to {then}: {meaning}.")


def _class_then(trial: Trial, today: str) -> str | None:
    """None: Guaranteed or Burstable, as CPU decides, which is not read here."""
    if trial.today.pod_request is not None or trial.today.pod_limit is not None:
        return today  # the pod's own resources decide, and they stay
    if _memory_is_guaranteed(trial.then):
        if today == BURSTABLE and not _memory_is_guaranteed(trial.today):
            return None
        return BURSTABLE if today == BEST_EFFORT else today  # without CPU, which BestEffort says
    return BURSTABLE


def _memory_is_guaranteed(pod: WholePod) -> bool:
    return all(one.limit_bytes is not None and reserved(one) == one.limit_bytes for one in pod.containers)
