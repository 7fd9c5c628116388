"""Autoscalers: what one that sets sizes makes of the new size, and what one that counts in requests does."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ContainerType, Fit
from kubectl_oom.judge.fits.pod import reserved
from kubectl_oom.judge.fits.wording import amount, pods_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kubectl_oom.evidence import HorizontalAutoscaler, MemoryMetric, VerticalAutoscaler, VerticalPolicy
    from kubectl_oom.judge.fits.pod import Trial, WholePod

# --horizontal-pod-autoscaler-tolerance: as near to the target as this it leaves the pods as they are.
TOLERANCE = 0.1


# --- those that set sizes --------------------------------------------------------------------------------------------


def vertical(trial: Trial) -> Iterator[Fit]:
    """One fit per VerticalPodAutoscaler of the workload that may touch the container's memory, or would have it set."""
    container = trial.size.container
    for one in trial.room.vertical:
        policy = _policy(one, container)
        if policy is not None and policy.mode == "Off":
            detail = f"VerticalPodAutoscaler {one.name} leaves the memory of container {container} alone."
            yield Fit(check="vertical-autoscaler", ok=True, detail=detail)
        elif one.acts:
            yield _overrides(one, policy, container, trial.sizes.request_bytes)
        else:
            yield Fit(check="vertical-autoscaler", ok=True, detail=_advises(one, policy, container))


def _policy(one: VerticalAutoscaler, container: str) -> VerticalPolicy | None:
    named = {policy.container: policy for policy in one.policies}
    return named.get(container, named.get("*"))


def _advises(one: VerticalAutoscaler, policy: VerticalPolicy | None, container: str) -> str:
    target = one.targets.get(container)
    asks = f"asks for {amount(target)}" if target is not None else "has no recommendation yet"
    most = policy.max_bytes if policy else None
    capped = f", at most {amount(most)} (maxAllowed)" if most is not None else ""
    return f"VerticalPodAutoscaler {one.name} only advises (mode Off): for container {container} it {asks}{capped}."


def _overrides(one: VerticalAutoscaler, policy: VerticalPolicy | None, container: str, request: int | None) -> Fit:
    target, least = one.targets.get(container), policy.min_bytes if policy else None
    most = policy.max_bytes if policy else None
    now = f", to {amount(target)} now" if target is not None else ", and has no recommendation yet"
    limits = "the limit in proportion" if one.controls_limits else "the limit not"
    detail = (
        f"VerticalPodAutoscaler {one.name} (mode {one.update_mode}) sets the request of container {container} itself"
        f"{now} ({limits}), whatever the workload says"
    )
    bounds = []
    if least is not None:
        bounds.append(f"never below {amount(least)} (minAllowed)")
    if most is not None:
        bounds.append(f"never above {amount(most)} (maxAllowed)")
    if bounds:
        detail += f"; {' and '.join(bounds)}"
    return Fit(
        check="vertical-autoscaler",
        ok=False,
        detail=detail + _too_low(most, request),
        remedy=_instead(one, container, most, request),
    )


def _too_low(most: int | None, request: int | None) -> str:
    if most is None or request is None or most >= request:
        return "."
    return f", which is less than the {amount(request)} recommended here."


def _instead(one: VerticalAutoscaler, container: str, most: int | None, request: int | None) -> str:
    if request is None:
        return f"set the size in VerticalPodAutoscaler {one.name}, or its updateMode to Off"
    raised = f"maxAllowed.memory and minAllowed.memory of container {container} to {amount(request)}"
    if most is None or most >= request:
        raised = f"minAllowed.memory of container {container} to {amount(request)}"
    return f"set {raised} in VerticalPodAutoscaler {one.name}, or its updateMode to Off"


# --- those that count in requests ------------------------------------------------------------------------------------


def horizontal(trial: Trial) -> Iterator[Fit]:
    """One fit per memory metric that a HorizontalPodAutoscaler of the workload scales on."""
    for one in trial.room.horizontal:
        for metric in one.memory:
            if metric.container in (None, trial.size.container):
                yield _scaled(one, metric, trial)


def _scaled(one: HorizontalAutoscaler, metric: MemoryMetric, trial: Trial) -> Fit:
    of = f" of container {metric.container}" if metric.container else ""
    name = f"HorizontalPodAutoscaler {one.name}"
    if metric.target_percent is None:
        aim = f"{amount(metric.target_bytes)} of memory{of} per pod" if metric.target_bytes else "memory"
        return _informed(f"{name} aims at {aim}: the request does not matter to it.")
    aim = f"{name} aims at {metric.target_percent}% of the request{of}"
    before, after = _base(trial.today, metric), _base(trial.then, metric)
    if not before or not after:
        return _informed(f"{aim}, and can only work where every container has a request: today that is not so.")
    used = _used(metric, before)
    if used is None:
        point = f"{amount(_share(metric.target_percent, before))} today, {amount(_share(metric.target_percent, after))}"
        return _informed(f"{aim}: that is {point} with the new request. What is used now it does not say.")
    return _moved(one, metric.target_percent, (aim, used, before, after))


def _informed(detail: str) -> Fit:
    return Fit(check="horizontal-autoscaler", ok=True, detail=detail)


def _base(pod: WholePod, metric: MemoryMetric) -> int | None:
    """The request that utilisation is of: a container's, the pod's own, or the sum of all that run together."""
    if metric.container:
        one = pod.container(metric.container)
        return reserved(one) if one else None
    if pod.pod_request is not None:
        return pod.pod_request
    requests = [reserved(one) for one in pod.containers if one.type in (ContainerType.APP, ContainerType.SIDECAR)]
    return None if None in requests else sum(request or 0 for request in requests)


def _used(metric: MemoryMetric, request: int) -> int | None:
    if metric.current_bytes is not None:
        return metric.current_bytes
    return None if metric.current_percent is None else _share(metric.current_percent, request)


def _share(percent: int, request: int) -> int:
    return percent * request // 100


def _moved(one: HorizontalAutoscaler, target: int, numbers: tuple[str, int, int, int]) -> Fit:
    aim, used, before, after = numbers
    percents = [used * 100 // request for request in (before, after)]  # whole, as the controller counts
    detail = (
        f"{aim}: the {amount(used)} used per pod are {percents[0]}% of {amount(before)} and {percents[1]}% of "
        f"{amount(after)}"
    )
    if one.current_replicas is None:
        return _informed(f"{detail}; how many pods it runs it does not say.")
    wanted = [_desired(one, one.current_replicas, percent / target) for percent in percents]
    if wanted[0] == wanted[1]:
        return _informed(f"{detail}, so it stays at {pods_words(wanted[1])} as far as memory goes.")
    way = (
        f"lets it scale in from {wanted[0]} to" if wanted[1] < wanted[0] else f"makes it scale out from {wanted[0]} to"
    )
    change = "raising" if after > before else "lowering"
    carries = " Each of them then carries more than what was measured here." if wanted[1] < wanted[0] else ""
    return Fit(
        check="horizontal-autoscaler",
        ok=False,
        detail=f"{detail}; {change} the request {way} {pods_words(wanted[1])}.{carries}",
        remedy=f"set averageUtilization to {max(1, round(target * before / after))} with the new request, or aim at an "
        "averageValue, which the request does not change",
    )


def _desired(one: HorizontalAutoscaler, replicas: int, ratio: float) -> int:
    """Pods it would run: as the replica calculator of the controller reckons for pods that are all ready."""
    wanted = replicas if abs(ratio - 1) <= TOLERANCE else ceil(ratio * replicas)
    return max(one.min_replicas, min(one.max_replicas, wanted))
