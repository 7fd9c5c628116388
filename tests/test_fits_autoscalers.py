"""A size against autoscalers, the owner above, and the quality of service."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_oom.evidence import (
    HorizontalAutoscaler,
    MemoryMetric,
    VerticalAutoscaler,
    VerticalPolicy,
)
from tests.build import MI
from tests.room import app, judged, recommended, replicas, room, sizes


def _vertical(mode: str = "Recreate", *policies: VerticalPolicy, target: int | None = 90) -> VerticalAutoscaler:
    return VerticalAutoscaler(
        name="api",
        update_mode=mode,
        controls_limits=True,
        policies=policies,
        targets={} if target is None else {"app": target * MI},
    )


def _policy(container: str = "app", least: int | None = None, most: int | None = None, mode: str = "Auto") -> Any:
    bounds = sizes(least, most)
    return VerticalPolicy(container=container, mode=mode, min_bytes=bounds.request_bytes, max_bytes=bounds.limit_bytes)


def _told(one: VerticalAutoscaler) -> tuple[bool, str, str | None]:
    (fit,), offer = judged(recommended(), room(vertical=(one,)))
    assert offer is None
    return fit.ok, fit.detail, fit.remedy


def test_an_autoscaler_that_acts_overrides_the_size() -> None:
    assert _told(_vertical()) == (
        False,
        (
            "VerticalPodAutoscaler api (mode Recreate) sets the request of container app itself, to 90Mi now (the limit in "
            "proportion), whatever the workload says."
        ),
        "set minAllowed.memory of container app to 256Mi in VerticalPodAutoscaler api, or its updateMode to Off",
    )


def test_its_bounds_are_told_and_one_that_is_too_low_for_the_size() -> None:
    ok, detail, remedy = _told(_vertical("Initial", _policy("*", least=32, most=200), target=None))

    assert not ok
    assert detail == (
        "VerticalPodAutoscaler api (mode Initial) sets the request of container app itself, and has no recommendation "
        "yet (the limit in proportion), whatever the workload says; never below 32Mi (minAllowed) and never above 200Mi "
        "(maxAllowed), which is less than the 256Mi recommended here."
    )
    assert remedy == (
        "set maxAllowed.memory and minAllowed.memory of container app to 256Mi in VerticalPodAutoscaler api, or its "
        "updateMode to Off"
    )


def test_an_autoscaler_that_only_advises_is_information() -> None:
    assert _told(_vertical("Off", _policy(most=200))) == (
        True,
        (
            "VerticalPodAutoscaler api only advises (mode Off): for container app it asks for 90Mi, at most 200Mi "
            "(maxAllowed)."
        ),
        None,
    )


def test_a_container_it_leaves_alone_is_left_alone() -> None:
    told = (True, "VerticalPodAutoscaler api leaves the memory of container app alone.", None)

    assert _told(_vertical("Auto", _policy(mode="Off"), _policy("*"))) == told


# --- those that count in requests -------------------------------------------------------------------------------------


def _horizontal(*metrics: MemoryMetric, least: int = 1, most: int = 10, now: int | None = 4) -> HorizontalAutoscaler:
    return HorizontalAutoscaler(name="api", min_replicas=least, max_replicas=most, current_replicas=now, memory=metrics)


def _metric(percent: int | None = 80, **changes: Any) -> MemoryMetric:
    fields: dict[str, Any] = {
        "container": None,
        "target_percent": percent,
        "target_bytes": None,
        "current_percent": 80,
        "current_bytes": 80 * MI,
    }
    return MemoryMetric(**fields | changes)


def _scaled(one: HorizontalAutoscaler, *containers: Any, request: int = 128) -> tuple[bool, str, str | None]:
    (fit,), _ = judged(
        recommended(request, 512), room(horizontal=(one,)), replicas(4, *(containers or (app(100, 200),)))
    )
    return fit.ok, fit.detail, fit.remedy


def test_a_larger_request_lets_it_scale_in() -> None:
    assert _scaled(_horizontal(_metric()), request=160) == (
        False,
        (
            "HorizontalPodAutoscaler api aims at 80% of the request: the 80Mi used per pod are 80% of 100Mi and 50% of "
            "160Mi; raising the request lets it scale in from 4 to 3 pods. Each of them then carries more than what was "
            "measured here."
        ),
        (
            "set averageUtilization to 50 with the new request, or aim at an averageValue, which the request does not "
            "change"
        ),
    )


def test_a_smaller_request_makes_it_scale_out_up_to_its_maximum() -> None:
    ok, detail, remedy = _scaled(_horizontal(_metric(), most=6), request=40)

    assert not ok
    assert detail.endswith(
        "are 80% of 100Mi and 200% of 40Mi; lowering the request makes it scale out from 4 to 6 pods."
    )
    assert remedy is not None
    assert remedy.startswith("set averageUtilization to 200")


@pytest.mark.parametrize(
    ("wanted", "least"),
    [(108, 1), (110, 1), (160, 4)],
    ids=["74 of 80 is near enough", "72 of 80 as well", "the minimum holds it"],
)
def test_within_its_tolerance_and_bounds_it_stays(wanted: int, least: int) -> None:
    ok, detail, remedy = _scaled(_horizontal(_metric(), least=least), request=wanted)

    assert (ok, remedy) == (True, None)
    assert detail.endswith("so it stays at 4 pods as far as memory goes.")


def test_a_container_metric_counts_that_container_and_no_other() -> None:
    proxy = app(50, 60, name="proxy")
    own, other = _metric(container="app"), _metric(container="proxy")

    ok, detail, _ = _scaled(_horizontal(own), app(100, 200), proxy, request=160)

    assert not ok
    assert "aims at 80% of the request of container app: the 80Mi used per pod are 80% of 100Mi" in detail
    assert judged(recommended(), room(horizontal=(_horizontal(other),)), replicas(4, app(), proxy)) == ((), None)


def test_a_metric_of_the_pod_counts_all_that_run_together() -> None:
    _, detail, _ = _scaled(_horizontal(_metric()), app(100, 200), app(60, 60, name="proxy"), request=180)

    assert "are 50% of 160Mi and 33% of 240Mi" in detail


def test_a_target_in_bytes_does_not_care() -> None:
    assert _scaled(_horizontal(_metric(None, target_bytes=300 * MI))) == (
        True,
        "HorizontalPodAutoscaler api aims at 300Mi of memory per pod: the request does not matter to it.",
        None,
    )


def test_without_current_numbers_only_the_target_is_told() -> None:
    unknown = _metric(current_percent=None, current_bytes=None)

    assert _scaled(_horizontal(unknown), request=200)[:2] == (
        True,
        (
            "HorizontalPodAutoscaler api aims at 80% of the request: that is 80Mi today, 160Mi with the new request. What is "
            "used now it does not say."
        ),
    )


def test_a_request_that_is_missing_keeps_it_from_working() -> None:
    assert _scaled(_horizontal(_metric()), app(100, 200), app(None, None, name="proxy"))[:2] == (
        True,
        (
            "HorizontalPodAutoscaler api aims at 80% of the request, and can only work where every container has a "
            "request: today that is not so."
        ),
    )
