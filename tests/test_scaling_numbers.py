"""The numbers of the autoscaler: what each is made from, and that a workload scaled by them stays within its limit."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kubectl_oom.evidence import Condition, ContainerType, Quota, ScalingAnswer
from kubectl_oom.judge.fits.autoscalers import TOLERANCE
from kubectl_oom.judge.scaling.moments import rise_within
from kubectl_oom.judge.scaling.start import start_of
from tests.build import container as built_container
from tests.build import pod as built_pod
from tests.pasts import MI, UNTIL, history, life
from tests.scaled import DAY, Shape, advised, autoscaler_of, item_of, of_the_day, rolled_out, scaling_of
from tests.worlds import container

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubectl_oom.evidence import Autoscaler, Life

DAILY = Shape(of_the_day(150, 400))
SENTENCES = [
    (
        "Target 85% of the request of 448Mi, 381Mi a pod on average: more, and a pod could reach its limit of 448Mi before "
        "another is ready."
    ),
    (
        "That leaves room below the limit of 448Mi: 10% within which nothing is scaled, the fullest pod at 1.00 times the "
        "average, and the 2.73Mi that a pod rose at most within the 2 min until another pod takes load: 75 s until the "
        "controller sees it, 60 s until it is ready, which is assumed."
    ),
    (
        "From 3 pods, as many as today, to 5: the highest sum sampled at one time, 1.17Gi in 3 pods, is 4 pods at the "
        "target, and half as many again are for more load than was seen."
    ),
    (
        "A pod goes once fewer have been enough for 5 min. One at a time, 3 min apart: the others take over its load, and "
        "that is seen so late."
    ),
    "Set the size first: the target is a share of the new request, and was made for the new limit.",
]


def test_the_numbers_of_a_daily_workload_are_explained_one_by_one() -> None:
    found = scaling_of(DAILY)
    made = found.autoscaler

    assert made is not None
    assert (made.min_replicas, made.max_replicas, made.target_percent) == (3, 5, 85)
    assert (made.request_bytes, made.target_bytes) == (448 * MI, 85 * 448 * MI // 100)
    assert (made.keep_seconds, made.pause_seconds, made.container) == (300, 180, None)
    assert list(found.sentences) == SENTENCES


def test_a_pod_is_seen_to_start_from_its_creation_to_its_readiness_if_it_never_restarted() -> None:
    def started(seconds: float, restarts: int = 0) -> object:
        ready = Condition(
            type="Ready",
            status="True",
            reason=None,
            message=None,
            at=UNTIL - timedelta(hours=5) + timedelta(seconds=seconds),
        )
        return built_pod(
            built_container(restart_count=restarts), created_at=UNTIL - timedelta(hours=5), conditions=(ready,)
        )

    told = start_of([started(20), started(40), started(3600, restarts=1), started(30)])  # type: ignore[list-item]

    assert (told.seconds, told.pods, told.reaction_seconds) == (30, 3, 105)
    assert (start_of([]).seconds, start_of([]).pods) == (60, 0)


def test_the_rise_is_that_of_a_settled_pod_from_the_lowest_within_the_time_or_the_sample_before() -> None:
    def rise(*mebibytes: float, every: float, within: float) -> float:
        lives = life(
            lambda hours: mebibytes[-1 - round(hours * 3600 / every)],
            since=(len(mebibytes) - 1) * every / 3600,
            every=every,
        )
        return rise_within(history(lives, since=len(mebibytes) * every / 3600), within) / MI

    assert rise(100, 90, 120, 130, every=60, within=120) == 40
    assert rise(100, 90, 120, 130, every=60, within=60) == 30
    assert rise(100, 90, 120, 130, every=600, within=60) == 30  # samples further apart than that
    assert rise(130, 120, every=60, within=60) == 0


def test_what_a_start_needs_is_no_load() -> None:
    """A pod that began within the window rises by 300Mi in its first minutes, and is level from then on."""
    young = life(lambda hours: min(400, 100 + 60 * (20 - hours) * 60), since=20, every=60)

    assert rise_within(history(young), 135) == 0


def test_of_a_pod_with_more_containers_the_one_alone_is_looked_at() -> None:
    proxy = container("proxy", limit=64, request=32, type=ContainerType.SIDECAR)

    assert autoscaler_of(DAILY).container is None
    assert autoscaler_of(DAILY, proxy).container == "app"
    assert autoscaler_of(DAILY, pods={"request_bytes": 600 * MI}).container == "app"


def test_pods_that_were_never_sampled_count_as_those_that_were() -> None:
    one_of_six = Shape(of_the_day(150, 400), replicas=6)
    some = scaling_of(one_of_six, lives=one_of_six.lives()[:1])
    every = scaling_of(one_of_six)

    assert some.autoscaler is not None and every.autoscaler is not None
    assert some.autoscaler.max_replicas == every.autoscaler.max_replicas
    assert "400Mi in 1 pod and as if all 6 were like that 2.34Gi" in some.sentences[2]


def test_a_quota_that_holds_fewer_pods_is_named() -> None:
    def quota(left: int) -> Quota:
        return Quota(
            name="team",
            scopes=(),
            hard_requests_bytes=(2000 + left) * MI,
            used_requests_bytes=2000 * MI,
            hard_limits_bytes=None,
            used_limits_bytes=None,
        )

    tight = scaling_of(DAILY, room={"quotas": (quota(500),)})
    roomy = scaling_of(DAILY, room={"quotas": (quota(1000),)})

    assert tight.warnings == (
        "ResourceQuota team has 500Mi of requests left, and 5 pods ask for 896Mi more than 3 do.",
    )
    assert roomy.warnings == ()


def test_a_dip_at_noon_keeps_its_pods() -> None:
    """Every noon it is low for forty minutes."""

    def need(hours: float) -> float:
        return 150 if 11.8 < hours % DAY < 12.46 else of_the_day(150, 400)(hours)

    made = autoscaler_of(Shape(need))

    assert 2400 <= made.keep_seconds <= 3600


# --- scaled by these numbers -----------------------------------------------------------------------------------------


def scaled(made: Autoscaler, own: float, load: Callable[[float], float], reaction: float) -> tuple[float, list[int]]:
    """The most that a pod holds in three days under the controller's rules, and how many pods there were, by minute.

    `own` is what a pod needs without load, `load` all load in Mi by hours. A pod takes load once the reaction is over.
    """
    pods, most, counts = made.min_replicas, 0.0, []
    coming: deque[tuple[float, int]] = deque()
    enough: deque[tuple[float, int]] = deque()
    last_gone = -made.pause_seconds
    for minute in range(3 * 24 * 60):
        now = minute * 60
        while coming and coming[0][0] <= now:
            pods = max(pods, coming.popleft()[1])
        held = own + load(now / 3600) / pods
        most = max(most, held)
        ratio = int(100 * held / (made.request_bytes / MI)) / made.target_percent
        wanted = pods if abs(ratio - 1) <= TOLERANCE else ceil(ratio * pods)
        wanted = max(made.min_replicas, min(made.max_replicas, wanted))
        enough.append((now, wanted))
        while enough[0][0] < now - made.keep_seconds:
            enough.popleft()
        if wanted > pods:
            coming.append((now + reaction, wanted))
        elif max(count for _, count in enough) < pods and now - last_gone >= made.pause_seconds:
            pods, last_gone = pods - 1, now
        counts.append(pods)
    return most, counts


@settings(max_examples=60, deadline=None)
@given(
    own=st.floats(10, 200),
    low=st.floats(10, 200),
    high=st.floats(50, 600),
    replicas=st.integers(2, 6),
    more=st.floats(0.8, 1.25),
)
def test_scaled_by_these_numbers_no_pod_reaches_its_limit_and_all_that_were_added_go_again(
    own: float, low: float, high: float, replicas: int, more: float
) -> None:
    """A daily load, and the same load up to a quarter higher in the days after."""
    assume(high > low)
    load = of_the_day(low, high)
    shape = Shape(lambda hours: own + load(hours), replicas=replicas, limit=2048, request=1024)
    item = item_of(advised(shape))
    assert item.scaling is not None and item.size.recommended is not None
    made, limit = item.scaling.autoscaler, item.size.recommended.limit_bytes
    if made is None:
        assert item.scaling.answer in (ScalingAnswer.DOES_NOT_FALL, ScalingAnswer.TOO_FAST)
        return

    most, counts = scaled(made, own, lambda hours: more * replicas * load(hours), reaction=135)

    assert limit is not None
    assert most < limit / MI
    assert made.min_replicas <= max(counts) <= made.max_replicas
    nights = [counts[day * 1440 - 1] for day in (1, 2, 3)]
    assert nights == [replicas] * 3


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(0, 2**40), min_size=0, max_size=40),
    every=st.sampled_from([1, 15, 60, 300, 3600, 21_600]),
    pods=st.integers(1, 4),
    replicas=st.one_of(st.none(), st.integers(0, 10_000)),
)
def test_whatever_was_sampled_the_numbers_are_ones_that_the_api_takes(
    values: list[int], every: float, pods: int, replicas: int | None
) -> None:
    lives: list[Life] = [
        life(
            lambda hours: values[-1 - round(hours * 3600 / every)] / MI,
            pod=f"api-{n}",
            since=(len(values) - 1) * every / 3600,
            every=every,
        )
        for n in range(pods)
        if values
    ]
    made = scaling_of(DAILY, lives=lives, room={"rollout": rolled_out(replicas)}).autoscaler

    if made is not None:
        assert made.target_percent >= 1
        assert 1 <= made.min_replicas < made.max_replicas
        assert 300 <= made.keep_seconds <= 3600
        assert 60 <= made.pause_seconds <= 1800


@pytest.mark.parametrize("limit", [128, 512, 4096])
def test_the_target_never_asks_for_more_than_the_request(limit: float) -> None:
    made = autoscaler_of(Shape(of_the_day(limit / 4, limit / 1.4), limit=limit, request=limit / 2))

    assert made.target_bytes * (1 + TOLERANCE) <= made.request_bytes
