"""A size against LimitRanges and the pod's own resources."""

from __future__ import annotations

import pytest

from kubectl_oom.evidence import ContainerType, LimitRule, Sizes
from tests.build import MI
from tests.room import app, held, judged, limit_rule, recommended, replicas, room, sizes


def test_a_size_within_the_range_fits_and_the_range_is_named() -> None:
    assert held(recommended(), room(limit_rules=(limit_rule(64, 1024, 4),))) == (
        [
            (
                "limit-range",
                True,
                (
                    "LimitRange mem lets a container have at least 64Mi, at most 1Gi, a limit of at most 4 times the "
                    "request; its request is 256Mi and its limit is 512Mi."
                ),
            )
        ],
        None,
    )


def test_a_limit_above_the_maximum_is_refused_and_the_largest_clean_size_below_it_is_offered() -> None:
    fits, offer = judged(recommended(), room(limit_rules=(limit_rule(most=300),)))

    assert [(fit.check, fit.ok, fit.detail, fit.remedy) for fit in fits] == [
        (
            "limit-range",
            False,
            "LimitRange mem refuses it for a container: its limit 512Mi is above the maximum of 300Mi.",
            "raise max.memory of LimitRange mem to 512Mi",
        )
    ]
    assert offer == sizes(256, 288)


def test_nothing_is_offered_below_the_floor() -> None:
    fits, offer = held(recommended(floor=290), room(limit_rules=(limit_rule(most=300),)))

    assert [ok for _, ok, _ in fits] == [False]
    assert offer is None


def test_without_a_floor_nothing_smaller_is_offered() -> None:
    assert held(recommended(floor=None), room(limit_rules=(limit_rule(most=300),)))[1] is None


def test_a_request_below_the_minimum_is_refused_and_the_minimum_offered() -> None:
    fits, offer = judged(recommended(), room(limit_rules=(limit_rule(least=400),)))

    assert [(fit.ok, fit.detail, fit.remedy) for fit in fits] == [
        (
            False,
            "LimitRange mem refuses it for a container: its request 256Mi is below the minimum of 400Mi.",
            "ask for 400Mi, or lower min.memory of LimitRange mem",
        )
    ]
    assert offer == sizes(416, 512)


def test_a_size_below_the_minimum_is_offered_the_smallest_clean_size_that_is_allowed() -> None:
    fits, offer = held(recommended(64, 96, floor=80), room(limit_rules=(limit_rule(least=100),)))

    assert fits[0][2] == (
        "LimitRange mem refuses it for a container: its request 64Mi is below the minimum of 100Mi, and its limit "
        "96Mi is below the minimum of 100Mi."
    )
    assert offer == sizes(104, 104)


def test_a_limit_too_many_times_the_request_is_refused_and_a_larger_request_offered() -> None:
    fits, offer = judged(recommended(), room(limit_rules=(limit_rule(ratio=1.5),)))

    assert [(fit.ok, fit.detail, fit.remedy) for fit in fits] == [
        (
            False,
            (
                "LimitRange mem refuses it for a container: its limit 512Mi is 2 times the request 256Mi, and 1.5 times is "
                "the most."
            ),
            "bring request and limit closer together, or raise maxLimitRequestRatio of LimitRange mem",
        )
    ]
    assert offer == sizes(352, 512)


def test_what_breaks_a_rule_in_two_ways_is_told_how_to_mend_both() -> None:
    (fit,), offer = judged(recommended(), room(limit_rules=(limit_rule(most=400, ratio=1.5),)))

    assert (fit.ok, fit.remedy) == (
        False,
        (
            "raise max.memory of LimitRange mem to 512Mi; and bring request and limit closer together, or raise "
            "maxLimitRequestRatio of LimitRange mem"
        ),
    )
    assert offer == sizes(256, 384)


def test_a_rule_for_pods_counts_all_containers_with_their_new_sizes() -> None:
    pods = replicas(2, app(), app(100, 200, name="proxy"))
    around = room(limit_rules=(limit_rule(most=800, scope="Pod"),))

    alone, _ = held(recommended(), around, pods)
    together, offer = held(recommended(), around, pods, proxy=sizes(300, 400))

    assert alone == [
        (
            "limit-range",
            True,
            "LimitRange mem lets a pod have at most 800Mi; the whole pod's request is 356Mi and its limit is 712Mi.",
        )
    ]
    assert together == [
        (
            "limit-range",
            False,
            "LimitRange mem refuses it for a pod: the whole pod's limit 912Mi is above the maximum of 800Mi.",
        )
    ]
    assert offer == sizes(256, 384)


@pytest.mark.parametrize(
    ("init", "limit"),
    [
        (app(10, 20, name="setup", type=ContainerType.INIT), "512Mi"),  # smaller than what runs later
        (app(10, 600, name="setup", type=ContainerType.INIT), "600Mi"),
        (app(10, 20, name="mesh", type=ContainerType.SIDECAR), "532Mi"),  # runs beside it
    ],
    ids=["small step", "large step", "sidecar"],
)
def test_init_containers_count_when_they_run(init: object, limit: str) -> None:
    fits, _ = held(recommended(), room(limit_rules=(limit_rule(least=1, scope="Pod"),)), replicas(1, init, app()))  # type: ignore[arg-type]

    assert fits[0][2].endswith(f"its limit is {limit}.")


def test_a_sidecar_started_before_a_step_counts_beside_it() -> None:
    mesh, setup = app(10, 20, name="mesh", type=ContainerType.SIDECAR), app(10, 600, name="x", type=ContainerType.INIT)
    around = room(limit_rules=(limit_rule(least=1, scope="Pod"),))

    before, _ = held(recommended(), around, replicas(1, mesh, setup, app()))
    after, _ = held(recommended(), around, replicas(1, setup, mesh, app()))

    assert before[0][2].endswith("its limit is 620Mi.")
    assert after[0][2].endswith("its limit is 600Mi.")


def test_an_ephemeral_container_counts_for_nothing() -> None:
    debug = app(None, None, name="debug", type=ContainerType.EPHEMERAL)
    fits, _ = held(recommended(), room(limit_rules=(limit_rule(most=512, scope="Pod"),)), replicas(1, app(), debug))

    assert [ok for _, ok, _ in fits] == [True]


def test_where_only_a_limit_is_set_it_is_the_request_too() -> None:
    size = recommended(recommended=Sizes(request_bytes=None, limit_bytes=512 * MI))

    fits, _ = held(size, room(limit_rules=(limit_rule(least=64),)))

    assert fits[0][2].endswith("its request is 512Mi and its limit is 512Mi.")


def test_without_living_pods_the_template_is_what_is_changed() -> None:
    around = room(limit_rules=(limit_rule(most=300),))

    assert held(recommended(), around, [])[0] == held(recommended(), around)[0]


def test_without_pods_and_template_nothing_is_held_against_anything() -> None:
    assert held(recommended(), room(template=(), limit_rules=(limit_rule(most=300),)), []) == ([], None)


def test_numbers_that_differ_never_read_the_same() -> None:
    rule = LimitRule(name="mem", scope="Container", min_bytes=None, max_bytes=511 * MI, max_limit_to_request=None)

    fits, offer = held(recommended(), room(limit_rules=(rule,)))

    assert "its limit 512Mi is above the maximum of 511Mi" in fits[0][2]
    assert offer == sizes(256, 480)


def test_a_limit_above_the_pods_own_is_refused() -> None:
    pods = replicas(1, app(), limit_bytes=400 * MI, request_bytes=300 * MI)

    fits, offer = held(recommended(), room(), pods)

    assert fits == [
        (
            "pod-limit",
            False,
            "The pod's own limit of 400Mi is below its limit of 512Mi, which the API server refuses.",
        ),
        ("pod-limit", True, "The pod's own request of 300Mi has room for the 256Mi that its containers request."),
    ]
    assert offer == sizes(256, 384)


def test_nothing_recommended_is_held_against_nothing() -> None:
    assert held(recommended(recommended=None), room(limit_rules=(limit_rule(most=1),))) == ([], None)
    assert held(recommended(), None) == ([], None)
