"""A size against ResourceQuotas: what the rollout needs at its worst moment, and what is left."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubectl_oom.evidence import Owner, Rollout
from tests.room import app, held, judged, quota, recommended, replicas, room, sizes


def test_a_rollout_that_fits_says_what_it_needs_and_what_is_left() -> None:
    fits, offer = held(recommended(), room(quotas=(quota(requests=(1024, 128)),)))

    assert fits == [
        (
            "quota",
            True,
            (
                "ResourceQuota mem on requests.memory allows 1Gi and 128Mi are used: 2 pods of 256Mi instead of 64Mi, "
                "with 1 more while it rolls out, need 448Mi more of the 896Mi left."
            ),
        )
    ]
    assert offer is None


@pytest.mark.parametrize(
    ("count", "surge", "request_now", "request_then", "more"),
    [
        (2, 1, 64, 256, 2 * 256 + 64 - 2 * 64),  # at its end: both new, one old still there
        (1, 1, 64, 256, 256),  # the new beside the old
        (4, 2, 100, 80, 2 * 80),  # at its start: two new beside all old
        (2, 0, 64, 256, 2 * 192),
    ],
)
def test_the_worst_moment_of_a_rollout_decides(
    count: int, surge: int, request_now: int, request_then: int, more: int
) -> None:
    used = count * request_now
    pods = replicas(count, app(request_now, 1000))
    around = room(count, surge, quotas=(quota(requests=(used + more, used)),))
    tight = room(count, surge, quotas=(quota(requests=(used + more - 1, used)),))
    size = recommended(request_then, 1000)

    assert [ok for _, ok, _ in held(size, around, pods)[0]] == [True]
    assert [ok for _, ok, _ in held(size, tight, pods)[0]] == [False]


def test_a_size_that_never_fits_says_how_much_to_raise_and_offers_what_does() -> None:
    fits, offer = judged(recommended(), room(quotas=(quota(limits=(1000, 256)),)))

    assert [(fit.ok, fit.detail, fit.remedy) for fit in fits] == [
        (
            False,
            (
                "ResourceQuota mem on limits.memory allows 1000Mi and 256Mi are used: 2 pods of 512Mi instead of 128Mi, "
                "with 1 more while it rolls out, need 896Mi more, and 744Mi are left: some of the pods would be refused."
            ),
            "raise limits.memory of ResourceQuota mem to 1152Mi, or run fewer pods",
        )
    ]
    assert offer == sizes(256, 416)  # 2 x 416 and an old 128 are 960


def test_a_size_that_fits_once_the_rollout_is_over_says_so() -> None:
    fits, _ = judged(recommended(floor=512), room(quotas=(quota(requests=(520, 128)),)))

    assert [(fit.ok, fit.detail.partition(": ")[2], fit.remedy) for fit in fits] == [
        (
            False,
            (
                "2 pods of 256Mi instead of 64Mi, with 1 more while it rolls out, need 448Mi more, and 392Mi are left: the "
                "new size fits, but the rollout waits for pods to go first."
            ),
            "raise requests.memory of ResourceQuota mem to 576Mi, or roll out without a surge (maxSurge: 0)",
        )
    ]


def test_less_than_today_fits_though_more_is_used_than_is_allowed_by_now() -> None:
    around = room(surge=0, quotas=(quota(requests=(100, 128)),))

    assert held(recommended(32, 64), around)[0] == [
        (
            "quota",
            True,
            (
                "ResourceQuota mem on requests.memory allows 100Mi and 128Mi are used: 2 pods of 32Mi instead of 64Mi need "
                "no more than today."
            ),
        )
    ]


def test_what_stays_as_it_is_needs_no_rollout() -> None:
    assert held(recommended(64, 128), room(quotas=(quota(requests=(128, 128)),))) == ([], None)


def test_pods_that_do_not_live_yet_are_not_taken_for_used() -> None:
    """A quota has refused one of the two: what is used is one pod's."""
    one = replicas(1)

    assert held(recommended(), room(surge=0, quotas=(quota(requests=(512, 64)),)), one)[0][0][1] is True
    assert held(recommended(), room(surge=0, quotas=(quota(requests=(511, 64)),)), one)[0][0][1] is False


def test_pods_that_have_ended_hold_nothing() -> None:
    job = Owner(api_version="batch/v1", kind="CronJob", name="nightly")
    around = room(workload=job, rollout=Rollout(replicas=1, surge=0, strategy="next run"))
    over = [replace(pod, phase="Succeeded") for pod in replicas(2)]

    fits, _ = held(recommended(), replace(around, quotas=(quota(requests=(256, 0)),)), over)

    assert fits == [
        (
            "quota",
            True,
            (
                "ResourceQuota mem on requests.memory allows 256Mi and 0 are used: 1 pod of 256Mi instead of 64Mi need "
                "256Mi more of the 256Mi left."
            ),
        )
    ]


def test_a_quota_that_does_not_count_these_pods_says_nothing() -> None:
    assert held(recommended(), room(quotas=(quota(limits=(1, 1), scopes=("Terminating",), counts=False),)))[0] == []


def test_a_quota_that_may_count_these_pods_says_may() -> None:
    (fit,), _ = held(
        recommended(), room(quotas=(quota(requests=(1, 1), scopes=("PriorityClass In (high)",), counts=None),))
    )

    assert fit[1] is False
    assert fit[2].startswith(
        "ResourceQuota mem (for pods in scope PriorityClass In (high)), which may count these pods, on requests.memory "
        "allows 1Mi"
    )


def test_a_quota_on_limits_refuses_pods_in_which_a_container_has_none() -> None:
    fits, offer = judged(
        recommended(), room(quotas=(quota(limits=(9999, 0)),)), replicas(2, app(), app(10, None, name="proxy"))
    )

    assert [(fit.ok, fit.detail, fit.remedy) for fit in fits] == [
        (
            False,
            "ResourceQuota mem on limits.memory refuses pods in which a container has no memory limit: proxy.",
            "set memory limits of proxy too",
        )
    ]
    assert offer is None


def test_what_is_not_counted_yet_is_not_taken_for_nothing() -> None:
    unknown = replace(quota(requests=(512, 0)), used_requests_bytes=None)

    assert held(recommended(), room(quotas=(unknown,)))[0] == [
        ("quota", True, "ResourceQuota mem on requests.memory allows 512Mi; how much of it is used is not known yet.")
    ]


def test_the_overhead_of_a_runtime_class_counts() -> None:
    pods = replicas(2, overhead_bytes=50 << 20)

    (fit,), _ = held(recommended(), room(surge=0, quotas=(quota(requests=(1024, 228)),)), pods)

    assert "2 pods of 306Mi instead of 114Mi need 384Mi more of the 796Mi left." in fit[2]
