"""What a change of size costs: requests reserve memory, limits cost nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubectl_oom.evidence import ContainerType, Cost
from kubectl_oom.quantity import show_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kubectl_oom.evidence import HorizontalAutoscaler, Pod, Recommendation, Sizes

GIB = 1 << 30
HOURS_PER_MONTH = 730  # as the price lists count a month
# OpenCost's default list price (configs/default.json, on demand): 0.004237 USD per GiB and hour.
LIST_PRICE = round(0.004237 * HOURS_PER_MONTH, 3)
LIST_PRICE_SOURCE = "OpenCost default list price, on demand"
CURRENCY = "USD"
FEWEST_LEFT = 2  # pods: one alone has nobody to stand in for it
ROOM_LEFT = 0.05  # above the grown sample, as above the highest one everywhere
# Kinds whose pods stand in for each other; those of a StatefulSet have data of their own, a DaemonSet has one per node.
INTERCHANGEABLE = frozenset({"Deployment", "ReplicaSet"})
SMALLEST = 0.01  # a month: less is not worth telling from nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Of a GiB and month."""

    per_gib_month: float = LIST_PRICE
    source: str = LIST_PRICE_SOURCE


def cost_of(
    current: Sizes,
    wanted: Sizes | None,
    *,
    replicas: int | None,
    autoscalers: Sequence[HorizontalAutoscaler] = (),
    price: Price,
    beside: int = 0,
) -> Cost | None:
    """The monthly change; None where nothing is wanted, the price is 0, or the number of pods is not known.

    `beside` is what the pod reserves whatever this container asks for: of an init container, what those that run
    after it reserve together.
    """
    if wanted is None or wanted.request_bytes is None or replicas is None or not price.per_gib_month:
        return None
    difference = max(wanted.request_bytes, beside) - max(reserved(current), beside)
    per_pod = difference / GIB * price.per_gib_month
    most = max((one.max_replicas for one in autoscalers), default=None)
    detail = _sum(difference, per_pod, replicas, most, price)
    if not difference and wanted.request_bytes != reserved(current):
        detail = f"It costs nothing: the containers that run after it reserve {show_bytes(beside)} anyway."
    return Cost(
        currency=CURRENCY,
        per_gib_month=price.per_gib_month,
        price_source=price.source,
        per_pod_month=per_pod,
        total_month=per_pod * replicas,
        most_month=None if most is None else per_pod * most,
        detail=detail,
    )


def beside_of(pod: Pod | None, container: str) -> int:
    """What the pod reserves without this container, where the two do not add up: 0 but for init containers.

    The scheduler counts the larger of what each init container asks for and of what the others ask for together.
    """
    own = next((one for one in pod.containers if one.name == container), None) if pod else None
    if pod is None or own is None or own.type is not ContainerType.INIT:
        return 0
    running = (ContainerType.APP, ContainerType.SIDECAR)
    return sum(one.request_bytes or one.limit_bytes or 0 for one in pod.containers if one.type in running)


def reserved(sizes: Sizes) -> int:
    """Bytes that the scheduler reserves: the request, else the limit, which then is the request; 0 where neither is set."""
    if sizes.request_bytes is not None:
        return sizes.request_bytes
    return sizes.limit_bytes or 0


def _sum(difference: int, per_pod: float, replicas: int, most: int | None, price: Price) -> str:
    if not difference:
        return "The request stays, so the bill does; a limit alone costs nothing."
    sign = "+" if difference > 0 else "-"
    pods = f"{replicas} pod{'s' if replicas != 1 else ''}"
    upper = f", {money(per_pod * most)} with the {most} pods that its autoscaler may start" if most else ""
    return (
        f"{money(per_pod * replicas)} a month{upper}: {sign}{show_bytes(abs(difference))} of request for {pods} at "
        f"{price.per_gib_month:g} {CURRENCY} per GiB and month ({price.source}). A limit alone costs nothing."
    )


def money(amount: float) -> str:
    """`+4.64 USD`, `-0.12 USD`, `+<0.01 USD`: never a change that reads as none."""
    if amount == 0:
        return f"0 {CURRENCY}"
    sign = "+" if amount > 0 else "-"
    size = f"{abs(amount):.2f}" if abs(amount) >= SMALLEST else f"<{SMALLEST}"
    return f"{sign}{size} {CURRENCY}"


def alternative_of(
    size: Recommendation,
    *,
    highest: int | None,
    autoscalers: Sequence[HorizontalAutoscaler],
    kills: int = 0,
    alone: bool = True,
) -> str | None:
    """Fewer pods of the new size for the memory of today, where even a load that is all memory leaves room.

    Of the load of a pod that goes, the others take an equal part. How much of a pod's memory belongs to its load is
    not known, so all of it is taken to: the sentence only comes where the highest sample, grown by that part, still
    lies below the limit. It never comes where that sample is not the whole need (it was OOM-killed), where containers
    beside it would get more load too (not `alone`), and where a pod is more than one of many.
    """
    wanted, pods, kind = size.recommended, size.replicas, size.workload.kind if size.workload else None
    if wanted is None or wanted.limit_bytes is None or wanted.request_bytes is None or pods is None or highest is None:
        return None
    if autoscalers or kills or not alone or kind not in INTERCHANGEABLE:
        return None
    before = reserved(size.current) * pods
    fewer = before // wanted.request_bytes
    if not FEWEST_LEFT <= fewer < pods:
        return None
    grown = highest * pods / fewer
    if grown * (1 + ROOM_LEFT) > wanted.limit_bytes:
        return None
    return (
        f"For the memory of today ({show_bytes(before)} requested by {pods} pods) {fewer} pods of the new size run: if "
        f"all of a pod's memory grew with its load, their highest sample would be {show_bytes(round(grown))}, below "
        f"the limit of {show_bytes(wanted.limit_bytes)}. CPU and availability are not looked at here."
    )
