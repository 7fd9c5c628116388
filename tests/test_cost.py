"""What a change of requests costs, and fewer pods for the same memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubectl_oom.evidence import ContainerType, HorizontalAutoscaler, Recommendation, Sizes
from kubectl_oom.judge.cost import LIST_PRICE, Price, alternative_of, beside_of, cost_of, money, reserved
from tests.build import GI, MI, container, pod
from tests.pasts import history, life, size

PRICE = Price(per_gib_month=4.0, source="as given")
SCALER = HorizontalAutoscaler(name="api", min_replicas=1, max_replicas=10, current_replicas=3, memory=())


def sizes(request: int | None, limit: int | None) -> Sizes:
    return Sizes(request_bytes=request, limit_bytes=limit)


def test_the_request_is_what_costs_in_every_pod() -> None:
    cost = cost_of(sizes(512 * MI, GI), sizes(768 * MI, 4 * GI), replicas=3, price=PRICE)

    assert cost is not None
    assert (cost.per_pod_month, cost.total_month, cost.most_month) == (1.0, 3.0, None)
    assert cost.detail == (
        "+3.00 USD a month: +256Mi of request for 3 pods at 4 USD per GiB and month (as given). A limit alone costs nothing."
    )


def test_the_autoscalers_most_pods_are_the_upper_bound() -> None:
    cost = cost_of(sizes(512 * MI, GI), sizes(256 * MI, GI), replicas=3, autoscalers=(SCALER,), price=PRICE)

    assert cost is not None
    assert (cost.total_month, cost.most_month) == (-3.0, -10.0)
    assert cost.detail.startswith(
        "-3.00 USD a month, -10.00 USD with the 10 pods that its autoscaler may start: -256Mi of"
    )


def test_a_limit_alone_costs_nothing() -> None:
    cost = cost_of(sizes(512 * MI, GI), sizes(512 * MI, 4 * GI), replicas=3, price=PRICE)

    assert cost is not None
    assert (cost.total_month, cost.detail) == (0.0, "The request stays, so the bill does; a limit alone costs nothing.")


def test_without_a_request_the_limit_is_reserved_and_without_either_nothing() -> None:
    assert reserved(sizes(None, 512 * MI)) == 512 * MI
    assert reserved(sizes(None, None)) == 0


@pytest.mark.parametrize(
    ("wanted", "replicas", "price"),
    [(None, 3, PRICE), (sizes(1, 1), None, PRICE), (sizes(1, 1), 3, Price(per_gib_month=0.0))],
    ids=["nothing is wanted", "the pods are not known", "money is hidden"],
)
def test_there_is_no_cost_where(wanted: Sizes | None, replicas: int | None, price: Price) -> None:
    assert cost_of(sizes(MI, MI), wanted, replicas=replicas, price=price) is None


def test_an_init_container_costs_what_it_needs_beyond_those_that_run_after_it() -> None:
    setup = container(name="setup", type=ContainerType.INIT)
    proxy = container(name="proxy", type=ContainerType.SIDECAR, request_bytes=128 * MI)
    app = container(request_bytes=384 * MI)
    beside = beside_of(pod(setup, proxy, app), "setup")

    assert beside == 512 * MI
    assert beside_of(pod(setup, proxy, app), "app") == 0
    below = cost_of(sizes(64 * MI, 64 * MI), sizes(256 * MI, 512 * MI), replicas=2, price=PRICE, beside=beside)
    above = cost_of(sizes(64 * MI, 64 * MI), sizes(768 * MI, GI), replicas=2, price=PRICE, beside=beside)
    assert below is not None and above is not None
    assert (below.total_month, below.detail) == (
        0.0,
        "It costs nothing: the containers that run after it reserve 512Mi anyway.",
    )
    assert above.total_month == 2.0


@pytest.mark.parametrize(
    ("amount", "words"), [(0.0, "0 USD"), (4.639, "+4.64 USD"), (-0.12, "-0.12 USD"), (0.001, "+<0.01 USD")]
)
def test_money_is_never_rounded_to_nothing(amount: float, words: str) -> None:
    assert money(amount) == words


def test_the_list_price_is_that_of_a_month_of_730_hours() -> None:
    assert pytest.approx(0.004237 * 730, abs=0.001) == LIST_PRICE


# --- fewer pods ------------------------------------------------------------------------------------------------------


def grown(**changes: Any) -> Recommendation:
    """Ten pods of 256Mi whose request becomes 320Mi, and their limit 640Mi."""
    made = size(history(life(300), request=256, limit=512), replicas=10)
    return replace(made, recommended=sizes(320 * MI, 640 * MI), **changes)


def test_fewer_pods_of_the_new_size_are_offered_where_even_a_load_that_is_all_memory_fits() -> None:
    told = alternative_of(grown(), highest=300 * MI, autoscalers=())

    assert told is not None
    assert told.startswith("For the memory of today (2.5Gi requested by 10 pods) 8 pods of the new size run: if all")
    assert "their highest sample would be 375Mi, below the limit of 640Mi" in told


@pytest.mark.parametrize(
    "changed",
    [
        {"highest": 600 * MI},
        {"highest": None},
        {"autoscalers": (SCALER,)},
        {"kills": 1},
        {"alone": False},
        {"size": grown(replicas=2)},
        {"size": grown(replicas=None)},
        {"size": grown(workload=None)},
        {"size": replace(size(history(life(300), kind="StatefulSet", request=256)), replicas=10)},
        {"size": replace(size(history(life(300), kind="DaemonSet", request=256)), replicas=10)},
    ],
    ids=[
        "the load would not fit",
        "nothing was sampled",
        "an autoscaler decides",
        "it was killed, so its need is not known",
        "containers beside it would get more load",
        "one pod would be left",
        "the pods are not known",
        "nobody owns the pod",
        "pods have data of their own",
        "there is one pod for each node",
    ],
)
def test_fewer_pods_are_not_offered_where(changed: dict[str, Any]) -> None:
    asked: dict[str, Any] = {"size": grown(), "highest": 300 * MI, "autoscalers": ()} | changed

    assert alternative_of(asked.pop("size"), **asked) is None
